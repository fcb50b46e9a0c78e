//! Puts right what the library leaves wrong in an answer.
//!
//! Three things go against the specification of GraphQL: root fields come in the order in which they were ready;
//! a field that failed is left out, where it should be null, or make null what holds it; errors of parsing and
//! validation have no code.

use std::collections::{HashMap, HashSet};

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{
    BaseType, ExecutableDocument, Field, Selection, SelectionSet, ServiceDocument, Type, TypeKind,
    TypeSystemDefinition,
};
use async_graphql::{Name, PathSegment, Pos, Response, ServerError, Value};

use super::documents::Known;
use super::refusal::{RequestError, set_code};
use crate::record::error::Code;

/// Characters of a message at most: that of a parser quotes the line, however long it is.
const MAX_MESSAGE: usize = 1000;

/// The types that each schema has.
const BUILT_IN: [&str; 5] = ["Boolean", "Float", "ID", "Int", "String"];

/// The types of all fields of the schema.
#[derive(Debug)]
pub(super) struct Shapes {
    /// Fields of objects and interfaces.
    fields: HashMap<String, HashMap<String, Type>>,
    /// What variables can be of.
    inputs: HashSet<String>,
}

impl Shapes {
    /// Those of a schema in its own language.
    pub(super) fn new(document: ServiceDocument) -> Self {
        let mut fields = HashMap::new();
        let mut inputs: HashSet<String> = BUILT_IN.map(str::to_owned).into();
        for definition in document.definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let name = definition.node.name.node.to_string();
            let of_type = match definition.node.kind {
                TypeKind::Object(object) => object.fields,
                TypeKind::Interface(interface) => interface.fields,
                TypeKind::Scalar | TypeKind::Enum(_) | TypeKind::InputObject(_) => {
                    inputs.insert(name);
                    continue;
                }
                TypeKind::Union(_) => continue,
            };
            let of_type =
                of_type.into_iter().map(|field| (field.node.name.node.to_string(), field.node.ty.node));
            fields.insert(name, of_type.collect());
        }
        Self { fields, inputs }
    }

    fn of(&self, parent: &str, field: &str) -> Option<&Type> {
        self.fields.get(parent)?.get(field)
    }

    /// Whether a variable can be of this type.
    pub(super) fn takes(&self, mut shape: &Type) -> bool {
        loop {
            match &shape.base {
                BaseType::List(item) => shape = item,
                BaseType::Named(name) => return self.inputs.contains(name.as_str()),
            }
        }
    }
}

/// The response keys of a selection set in the order of the document, with fragments written out.
pub(super) fn keys_of(document: &ExecutableDocument, set: &SelectionSet) -> Vec<Name> {
    let mut keys = Vec::new();
    for field in fields_of(document, set) {
        let key = &field.response_key().node;
        if !keys.contains(key) {
            keys.push(key.clone());
        }
    }
    keys
}

/// The fields of a selection set in the order of the document, with fragments written out.
pub(super) fn fields_of<'a>(document: &'a ExecutableDocument, set: &'a SelectionSet) -> Vec<&'a Field> {
    let mut fields = Vec::new();
    collect_fields(document, set, &mut HashSet::new(), &mut fields);
    fields
}

fn collect_fields<'a>(
    document: &'a ExecutableDocument,
    set: &'a SelectionSet,
    spread: &mut HashSet<&'a str>,
    fields: &mut Vec<&'a Field>,
) {
    for item in &set.items {
        match &item.node {
            Selection::Field(field) => fields.push(&field.node),
            Selection::InlineFragment(fragment) => {
                collect_fields(document, &fragment.node.selection_set.node, spread, fields);
            }
            Selection::FragmentSpread(fragment) => {
                let name = fragment.node.fragment_name.node.as_str();
                if let Some(fragment) = document.fragments.get(name)
                    && spread.insert(name)
                {
                    collect_fields(document, &fragment.node.selection_set.node, spread, fields);
                }
            }
        }
    }
}

/// Puts the members of an object into the order of these keys.
pub(super) fn put_in_order(object: &mut IndexMap<Name, Value>, keys: &[Name]) {
    let sorted = object.keys().zip(keys).all(|(is, should)| is == should);
    if !sorted {
        let place: HashMap<&Name, usize> = keys.iter().enumerate().map(|(place, key)| (key, place)).collect();
        object.sort_by_cached_key(|key, _| place.get(key).copied().unwrap_or(usize::MAX));
    }
}

/// What was executed: a document, which operation of it, and the name of its root type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Executed<'a> {
    pub known: &'a Known,
    pub operation_name: Option<&'a str>,
    pub root: &'a str,
    /// Whether nothing is told of the schema that the document does not say itself.
    pub discreet: bool,
}

/// Mends a response with errors, of which it keeps so many. Nothing is returned where the request was not executed at all.
pub(super) fn mend(
    response: &mut Response,
    executed: Executed<'_>,
    shapes: &Shapes,
    max_errors: usize,
) -> bool {
    let was_executed =
        response.data != Value::Null || response.errors.iter().any(|error| !error.path.is_empty());
    if !was_executed {
        response.errors.truncate(max_errors);
    }
    let Known { text, document, .. } = executed.known;
    for error in &mut response.errors {
        if give_code(error, document) && executed.discreet {
            conceal(&mut error.message, text);
        }
    }
    if was_executed {
        let operation = document.operations.iter().find(|(name, _)| {
            executed.operation_name.is_none() || name.map(Name::as_str) == executed.operation_name
        });
        if let Some((_, operation)) = operation {
            let mender = Mender { document, shapes };
            let set = &operation.node.selection_set.node;
            mender.mend(&mut response.data, &response.errors, (executed.root, set));
        }
    }
    response.errors.truncate(max_errors);
    for error in &mut response.errors {
        shorten(&mut error.message);
    }
    was_executed
}

/// Cuts a message that quotes too much.
pub(super) fn shorten(message: &mut String) {
    if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE) {
        message.truncate(end);
        message.push('…');
    }
}

/// Gives an error of the library a code; answers whether it is one.
fn give_code(error: &mut ServerError, document: &ExecutableDocument) -> bool {
    if error.extensions.as_ref().is_some_and(|extensions| extensions.get("code").is_some()) {
        return false;
    }
    let input = |message: &str| {
        message.starts_with("Failed to parse \"")
            || message.starts_with("Expected input type \"")
            || message.contains("(occurred while parsing \"")
    };
    let code = if error.path.is_empty() {
        let by_variable = error.message.starts_with("Invalid value for argument")
            && error.locations.iter().any(|at| has_variable(document, *at));
        if by_variable || input(&error.message) { Code::BadUserInput } else { Code::GraphqlValidationFailed }
    } else if input(&error.message) {
        Code::BadUserInput
    } else {
        // Nothing of ours fails without a code: this is a fault, and its text may say what nobody should know.
        tracing::error!(error = %error.message, path = ?error.path, "request failed without a code");
        error.message = RequestError::fault().message;
        Code::InternalServerError
    };
    set_code(error, code);
    // Such as `Invalid value for argument "filter.sectors.0", expected type "String"`.
    let named = error.message.strip_prefix("Invalid value for argument \"");
    let argument = named.and_then(|rest| rest.split_once('"')).map(|(argument, _)| argument.to_owned());
    if let (Code::BadUserInput, Some(argument), Some(extensions)) = (code, argument, &mut error.extensions) {
        extensions.set("argument", argument);
    }
    true
}

/// Takes the names out of a message that the document does not have: who may not ask for the schema must not find it out
/// by guessing.
fn conceal(message: &mut String, document: &str) {
    /// Before the name of the type that a value was to have.
    const WITHIN: &str = "(occurred while parsing \"";
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let suggestion = message.find(" Did you mean ");
    message.truncate(suggestion.unwrap_or(message.len()));
    let said: HashSet<&str> = document.split(|c| !is_name(c)).collect();
    let may_be_told = |name: &str| {
        let known = ["Query", "Mutation", "Subscription"].contains(&name) || BUILT_IN.contains(&name);
        known || said.contains(name) || name.chars().all(|c| c.is_ascii_digit())
    };
    let mut told = String::with_capacity(message.len());
    // A value that is quoted may have quotation marks of its own: what comes after it is looked at by itself.
    for (number, piece) in message.split(WITHIN).enumerate() {
        if number > 0 {
            told.push_str(WITHIN);
        }
        for (place, part) in piece.split('"').enumerate() {
            if place > 0 {
                told.push('"');
            }
            // What stands between quotation marks is of the schema or of the document.
            if (place % 2 == 0) == (number == 0) {
                told.push_str(part);
                continue;
            }
            let mut rest = part;
            while let Some(first) = rest.chars().next() {
                let named = is_name(first);
                let end = rest.find(|c| is_name(c) != named).unwrap_or(rest.len());
                let (word, after) = rest.split_at(end);
                told.push_str(if named && !may_be_told(word) { "…" } else { word });
                rest = after;
            }
        }
    }
    *message = told;
}

/// Whether the argument at this place is given by a variable.
fn has_variable(document: &ExecutableDocument, at: Pos) -> bool {
    let operations = document.operations.iter().map(|(_, operation)| &operation.node.selection_set.node);
    let fragments = document.fragments.values().map(|fragment| &fragment.node.selection_set.node);
    operations.chain(fragments).any(|set| has_variable_in(set, at))
}

fn has_variable_in(set: &SelectionSet, at: Pos) -> bool {
    set.items.iter().any(|item| {
        let below = match &item.node {
            Selection::Field(field) => {
                let here = field
                    .node
                    .arguments
                    .iter()
                    .any(|(name, value)| name.pos == at && is_variable(&value.node));
                here || has_variable_in(&field.node.selection_set.node, at)
            }
            Selection::InlineFragment(fragment) => has_variable_in(&fragment.node.selection_set.node, at),
            Selection::FragmentSpread(_) => false,
        };
        let directives = item.node.directives().iter().flat_map(|directive| directive.node.arguments.iter());
        below || directives.into_iter().any(|(name, value)| name.pos == at && is_variable(&value.node))
    })
}

pub(super) fn is_variable(value: &async_graphql_value::Value) -> bool {
    use async_graphql_value::Value as Given;
    match value {
        Given::Variable(_) => true,
        Given::List(items) => items.iter().any(is_variable),
        Given::Object(members) => members.values().any(is_variable),
        _ => false,
    }
}

/// Selection sets that stand for one object, each with the type on which it is written.
type Sets<'a> = Vec<(&'a str, &'a SelectionSet)>;

struct Mender<'a> {
    document: &'a ExecutableDocument,
    shapes: &'a Shapes,
}

impl<'a> Mender<'a> {
    /// Follows the path of each error to the field that failed, and makes null what the specification says.
    fn mend(&self, data: &mut Value, errors: &[ServerError], root: (&'a str, &'a SelectionSet)) {
        // Places that are null for good: a second error below them brings nothing back.
        let mut nulls: Vec<&[PathSegment]> = Vec::new();
        for error in errors.iter().filter(|error| !error.path.is_empty()) {
            if nulls.iter().any(|null| error.path.starts_with(null)) {
                continue;
            }
            if let Some(length) = self.follow(data, &error.path, vec![root])
                && let Some(place) = error.path.get(..length)
            {
                set_null(data, place);
                nulls.push(place);
            }
        }
    }

    /// The length of the path to what has to be null because the field at the end of `path` failed; nothing where
    /// all is right already.
    fn follow(&self, data: &mut Value, path: &[PathSegment], root: Sets<'a>) -> Option<usize> {
        let mut sets = root;
        let mut value = data;
        let mut nullable_until = 0;
        let mut at = 0;
        while let Some(PathSegment::Field(key)) = path.get(at) {
            let fields = self.fields(&sets, key);
            let (parent, first) = fields.first()?;
            let mut shape = self.shapes.of(parent, &first.name.node)?;
            // An object of which every field failed was left as null.
            if *value == Value::Null {
                *value = Value::Object(IndexMap::new());
            }
            let Value::Object(object) = value else { return None };
            let missing = !object.contains_key(key.as_str());
            at += 1;
            if shape.nullable {
                nullable_until = at;
            }
            if missing {
                if !shape.nullable {
                    return Some(nullable_until);
                }
                object.insert(Name::new(key), Value::Null);
                let keys: Vec<Name> = sets.iter().flat_map(|(_, set)| keys_of(self.document, set)).collect();
                put_in_order(object, &keys);
                return None;
            }
            value = object.get_mut(key.as_str())?;
            while let (BaseType::List(item), Some(PathSegment::Index(index))) = (&shape.base, path.get(at)) {
                let Value::List(items) = value else { return None };
                shape = item;
                at += 1;
                if shape.nullable {
                    nullable_until = at;
                }
                value = items.get_mut(*index)?;
            }
            let BaseType::Named(name) = &shape.base else {
                return None;
            };
            sets = fields.iter().map(|(_, field)| (name.as_str(), &field.selection_set.node)).collect();
        }
        None
    }

    /// The fields with this response key, each with the type on which it is selected.
    fn fields(&self, sets: &Sets<'a>, key: &str) -> Vec<(&'a str, &'a Field)> {
        let mut found = Vec::new();
        let mut spread = HashSet::new();
        for (parent, set) in sets {
            self.collect(parent, set, key, &mut spread, &mut found);
        }
        found
    }

    fn collect(
        &self,
        parent: &'a str,
        set: &'a SelectionSet,
        key: &str,
        spread: &mut HashSet<&'a str>,
        found: &mut Vec<(&'a str, &'a Field)>,
    ) {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) if field.node.response_key().node == key => {
                    found.push((parent, &field.node));
                }
                Selection::Field(_) => {}
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref();
                    let parent = condition.map_or(parent, |condition| condition.node.on.node.as_str());
                    self.collect(parent, &fragment.node.selection_set.node, key, spread, found);
                }
                Selection::FragmentSpread(fragment) => {
                    let name = fragment.node.fragment_name.node.as_str();
                    if let Some(fragment) = self.document.fragments.get(name)
                        && spread.insert(name)
                    {
                        let parent = fragment.node.type_condition.node.on.node.as_str();
                        self.collect(parent, &fragment.node.selection_set.node, key, spread, found);
                    }
                }
            }
        }
    }
}

fn set_null(data: &mut Value, place: &[PathSegment]) {
    let mut value = data;
    for segment in place {
        let next = match (value, segment) {
            (Value::Object(object), PathSegment::Field(key)) => object.get_mut(key.as_str()),
            (Value::List(items), PathSegment::Index(index)) => items.get_mut(*index),
            _ => None,
        };
        let Some(next) = next else { return };
        value = next;
    }
    *value = Value::Null;
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::{parse_query, parse_schema};
    use async_graphql::value;

    use super::super::limits::Measured;
    use super::*;

    const SDL: &str =
        "type Query { a: A b: A! list: [A!]! holes: [A]! } type A { x: Int! y: Int a: A b: A! }";

    fn mended(query: &str, data: Value, paths: &[&str]) -> Value {
        let mut response = Response::new(data);
        for path in paths {
            let mut error = ServerError::new("no", None);
            error.path = path
                .split('.')
                .map(|part| part.parse().map_or_else(|_| PathSegment::Field(part.into()), PathSegment::Index))
                .collect();
            set_code(&mut error, Code::BadUserInput);
            response.errors.push(error);
        }
        let known = Known {
            text: query.into(),
            document: parse_query(query).unwrap(),
            measured: Measured::default(),
        };
        let executed = Executed { known: &known, operation_name: None, root: "Query", discreet: false };
        let shapes = Shapes::new(parse_schema(SDL).unwrap());
        assert!(mend(&mut response, executed, &shapes, 20));
        response.data
    }

    #[test]
    fn a_nullable_field_that_failed_is_null() {
        let data = value!({"a": {"y": 1}});
        assert_eq!(mended("{ a { a { x } y } }", data, &["a.a"]), value!({"a": {"a": null, "y": 1}}));
        assert_eq!(mended("{ a { y } }", value!(null), &["a"]), value!({"a": null}));
        assert_eq!(mended("{ a { k: y } }", value!({"a": null}), &["a.k"]), value!({"a": {"k": null}}));
    }

    #[test]
    fn a_field_that_may_not_be_null_makes_null_what_holds_it() {
        assert_eq!(mended("{ a { x } }", value!({"a": {"y": 1}}), &["a.x"]), value!({"a": null}));
        assert_eq!(mended("{ b { x } a { y } }", value!({"a": {"y": 1}}), &["b"]), value!(null));
        assert_eq!(mended("{ b { b { x } } }", value!({"b": {"b": null}}), &["b.b.x"]), value!(null));
        let data = value!({"list": [{"x": 1}, {"y": 2}]});
        assert_eq!(mended("{ list { x y } }", data, &["list.1.x"]), value!(null));
        let data = value!({"holes": [{"x": 1}, {"y": 2}]});
        assert_eq!(
            mended("{ holes { ...F } } fragment F on A { x y }", data, &["holes.1.x"]),
            value!({"holes": [{"x": 1}, null]})
        );
    }

    #[test]
    fn what_is_null_stays_null() {
        let data = value!({"a": {"y": 1}});
        assert_eq!(mended("{ a { x a { y } y } }", data, &["a.x", "a.a"]), value!({"a": null}));
    }
}
