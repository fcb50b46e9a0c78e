//! Values: coercion of variables by the schema, and conversion of literals in documents.
//!
//! Custom scalars (dates, URLs, e-mail addresses, decimals) are strings here. In the input of a mutation, the write
//! path reports an invalid text together with all other problems. In an argument of a query it is `BAD_USER_INPUT`.

use apollo_compiler::Node;
use apollo_compiler::ast::{self, Type};
use apollo_compiler::schema::{ExtendedType, InputObjectType};
use async_graphql::indexmap::IndexMap;
use async_graphql::{Name, Pos, Value, Variables};
use async_graphql_value::{Number, Value as Written};

use super::super::refusal::RequestError;
use super::plan::Plan;
use super::syntax::Positions;
use super::{Schema, suggest};
use kernel::error::Code;
use kernel::value::{Date, DateTime, Decimal, EmailAddress, PartialDate, Url, ValueError};

/// The definition of a variable.
#[derive(Debug)]
pub(super) struct Variable {
    pub name: Name,
    pub of_type: Node<Type>,
    default: Option<Value>,
    pub at: Pos,
}

impl Variable {
    /// Converts a definition of a valid document.
    pub(super) fn new(definition: &ast::VariableDefinition, positions: &Positions<'_>) -> Self {
        let constant = |value: &Node<ast::Value>| written(value).into_const();
        Self {
            name: Name::new(definition.name.as_str()),
            of_type: definition.ty.clone(),
            default: definition.default_value.as_ref().and_then(constant),
            at: positions.of(definition.name.location()),
        }
    }
}

/// The error of the value of a variable.
#[derive(Debug)]
pub(super) struct Wrong {
    name: Name,
    /// The path within the value, such as `identifier.scheme`; `None` if the value is missing.
    path: Option<String>,
    message: String,
    at: Pos,
}

impl Wrong {
    /// Converts it to an error at the argument that uses the variable.
    pub(super) fn into_error(self, plan: &Plan) -> RequestError {
        match self.path {
            Some(path) => plan.wrong_variable(&self.name, &path, &self.message, self.at),
            None => RequestError::at(Code::BadUserInput, self.message, self.at),
        }
    }
}

/// Coerces variables (`CoerceVariableValues`). Returns the valid values and the first error.
pub(super) fn coerce(
    schema: &Schema,
    definitions: &[Variable],
    mut given: Variables,
) -> (Variables, Option<Wrong>) {
    let mut coerced = Variables::default();
    let mut first = None;
    for definition in definitions {
        let name = &definition.name;
        let wrong = |path, message| Wrong { name: name.clone(), path, message, at: definition.at };
        let missing = |what: &str| {
            let expected = &definition.of_type;
            wrong(None, format!("The variable `${name}` is {what}: it must be a `{expected}`."))
        };
        let value = match given.remove(name).or_else(|| definition.default.clone()) {
            None if definition.of_type.is_non_null() => Err(missing("missing")),
            None => continue,
            Some(Value::Null) if definition.of_type.is_non_null() => Err(missing("null")),
            Some(value) => coerced_value(schema, &definition.of_type, value)
                .map_err(|Unfit { path, message }| wrong(Some(path), message)),
        };
        match value {
            Ok(value) => {
                coerced.insert(name.clone(), value);
            }
            Err(wrong) => {
                first.get_or_insert(wrong);
            }
        }
    }
    (coerced, first)
}

/// The reason why a value does not fit its type, and the path within it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unfit {
    pub path: String,
    pub message: String,
}

impl Unfit {
    fn new(message: impl Into<String>) -> Self {
        Self { path: String::new(), message: message.into() }
    }

    fn expected(of_type: &Type) -> Self {
        Self::new(format!("expected type \"{of_type}\""))
    }

    /// The same error with a step in front of its path.
    fn within(mut self, step: &str) -> Self {
        self.path = joined(step, &self.path);
        self
    }
}

/// Joins two paths.
pub(super) fn joined(outer: &str, inner: &str) -> String {
    match (outer, inner) {
        ("", only) | (only, "") => only.to_owned(),
        (outer, inner) => format!("{outer}.{inner}"),
    }
}

/// Coerces a value to its type.
pub(super) fn coerced_value(schema: &Schema, of_type: &Type, value: Value) -> Result<Value, Unfit> {
    if value == Value::Null {
        return if of_type.is_non_null() { Err(Unfit::expected(of_type)) } else { Ok(value) };
    }
    let name = match of_type {
        Type::List(item) | Type::NonNullList(item) => {
            // A single value is coerced to a list of one item.
            let Value::List(items) = value else {
                return Ok(Value::List(vec![coerced_value(schema, item, value)?]));
            };
            let items = items.into_iter().enumerate().map(|(place, value)| {
                coerced_value(schema, item, value).map_err(|unfit| unfit.within(&place.to_string()))
            });
            return items.collect::<Result<_, _>>().map(Value::List);
        }
        Type::Named(name) | Type::NonNullNamed(name) => name,
    };
    match (schema.definitions.types.get(name), value) {
        (Some(ExtendedType::Scalar(_)), value) => {
            scalar(name, value).ok_or_else(|| Unfit::new(format!("expected type \"{name}\"")))
        }
        (Some(ExtendedType::Enum(definition)), Value::String(text)) => {
            if !definition.values.contains_key(text.as_str()) {
                let known = definition.values.keys().map(apollo_compiler::Name::as_str);
                let hint = suggest::suggestion(&text, known);
                let message =
                    format!("enumeration type \"{name}\" does not contain the value \"{text}\".{hint}");
                return Err(Unfit::new(message));
            }
            Ok(Value::Enum(Name::new(text)))
        }
        // The default of a variable, which has been validated.
        (Some(ExtendedType::Enum(_)), Value::Enum(value)) => Ok(Value::Enum(value)),
        (Some(ExtendedType::InputObject(definition)), Value::Object(members)) => {
            input_object(schema, definition, members)
        }
        _ => Err(Unfit::new(format!("expected type \"{name}\""))),
    }
}

/// Coerces an input object. Absent fields stay absent, as async-graphql applies their defaults.
fn input_object(
    schema: &Schema,
    definition: &InputObjectType,
    members: IndexMap<Name, Value>,
) -> Result<Value, Unfit> {
    let name = &definition.name;
    if let Some(unknown) = members.keys().find(|key| !definition.fields.contains_key(key.as_str())) {
        let hint = suggest::suggestion(unknown, definition.fields.keys().map(apollo_compiler::Name::as_str));
        return Err(Unfit::new(format!("unknown field \"{unknown}\" of type \"{name}\".{hint}")));
    }
    if definition.is_one_of() && (members.len() != 1 || members.values().any(|value| *value == Value::Null)) {
        return Err(Unfit::new(format!(
            "exactly one field of type \"{name}\" must be given, and not be null"
        )));
    }
    let required = |field: &&Node<ast::InputValueDefinition>| {
        field.is_required() && !members.contains_key(field.name.as_str())
    };
    if let Some(missing) = definition.fields.values().find(required) {
        let message =
            format!("field \"{}\" of type \"{}\" is required but not provided", missing.name, missing.ty);
        return Err(Unfit::new(message));
    }
    let members = members.into_iter().map(|(key, value)| {
        let Some(field) = definition.fields.get(key.as_str()) else { return Ok((key, value)) };
        let value = coerced_value(schema, &field.ty, value).map_err(|unfit| unfit.within(&key))?;
        Ok((key, value))
    });
    members.collect::<Result<_, _>>().map(Value::Object)
}

/// Coerces a scalar; `None` if it does not fit.
fn scalar(name: &str, value: Value) -> Option<Value> {
    let fits = match (name, &value) {
        ("Int", Value::Number(number)) => return integer(number).map(|number| Value::Number(number.into())),
        ("ID", Value::Number(number)) => return id(number).map(Value::String),
        ("Float", Value::Number(number)) => number.as_f64().is_some_and(f64::is_finite),
        ("String" | "ID", Value::String(_)) | ("Boolean", Value::Boolean(_)) => true,
        ("Int" | "Float" | "ID" | "String" | "Boolean", _) => false,
        (name, value) => custom_scalar_takes(name, value),
    };
    fits.then_some(value)
}

/// Converts a number to a 32-bit integer, if it is one.
#[expect(clippy::cast_possible_truncation, reason = "it has no fraction and lies within the bounds")]
fn integer(number: &Number) -> Option<i32> {
    if let Some(whole) = number.as_i64() {
        return i32::try_from(whole).ok();
    }
    let float = number.as_f64()?;
    let is_whole = float.fract() == 0.0 && (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&float);
    is_whole.then_some(float as i32)
}

/// Converts a whole number to the text of an id.
fn id(number: &Number) -> Option<String> {
    if number.is_i64() || number.is_u64() {
        return Some(number.to_string());
    }
    let float = number.as_f64()?;
    (float.fract() == 0.0).then(|| format!("{float:.0}"))
}

/// Whether a custom scalar accepts the JSON type of a value: a string, and for decimals also an integer.
fn custom_scalar_takes(name: &str, value: &Value) -> bool {
    match value {
        Value::String(_) => true,
        Value::Number(number) => match name {
            "Decimal" => number.is_i64() || number.is_u64(),
            _ => !is_text_scalar(name),
        },
        _ => !is_text_scalar(name),
    }
}

/// Whether validation requires text for this scalar (for decimals also integers). Other custom scalars accept any
/// value.
pub(super) fn is_text_scalar(name: &str) -> bool {
    name == "ChangeCursor" || is_judged(name)
}

/// Whether a scalar has a text format.
pub(super) fn is_judged(name: &str) -> bool {
    judge(name).is_some()
}

/// A function that validates the text of a scalar.
type Judge = fn(&str) -> Result<(), ValueError>;

/// The validator of a scalar's text; `None` for a scalar that accepts any text.
fn judge(name: &str) -> Option<Judge> {
    Some(match name {
        "Date" => |text| text.parse::<Date>().map(drop),
        "DateTime" => |text| text.parse::<DateTime>().map(drop),
        "Decimal" => |text| text.parse::<Decimal>().map(drop),
        "EmailAddress" => |text| text.parse::<EmailAddress>().map(drop),
        "PartialDate" => |text| text.parse::<PartialDate>().map(drop),
        "URL" => |text| text.parse::<Url>().map(drop),
        _ => return None,
    })
}

/// Validates the texts of all scalars in a coerced value.
pub(super) fn judge_all(schema: &Schema, of_type: &Type, value: &Value) -> Result<(), Unfit> {
    let name = of_type.inner_named_type();
    match value {
        Value::List(items) => items.iter().enumerate().try_for_each(|(place, item)| {
            judge_all(schema, of_type.item_type(), item).map_err(|unfit| unfit.within(&place.to_string()))
        }),
        Value::Object(members) => {
            let Some(ExtendedType::InputObject(definition)) = schema.definitions.types.get(name) else {
                return Ok(());
            };
            members.iter().try_for_each(|(key, value)| {
                let Some(field) = definition.fields.get(key.as_str()) else { return Ok(()) };
                judge_all(schema, &field.ty, value).map_err(|unfit| unfit.within(key))
            })
        }
        Value::String(text) => match judge(name) {
            Some(judge) => judge(text).map_err(|error| Unfit::new(error.to_string())),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Converts a literal as it is.
pub(super) fn written(value: &ast::Value) -> Written {
    match value {
        ast::Value::Null => Written::Null,
        ast::Value::Enum(name) => Written::Enum(Name::new(name.as_str())),
        ast::Value::Variable(name) => Written::Variable(Name::new(name.as_str())),
        ast::Value::String(text) => Written::String(text.clone()),
        ast::Value::Boolean(value) => Written::Boolean(*value),
        ast::Value::Int(number) => number_of(number.as_str()),
        ast::Value::Float(number) => number_of(number.as_str()),
        ast::Value::List(items) => Written::List(items.iter().map(|item| written(item)).collect()),
        ast::Value::Object(members) => Written::Object(
            members.iter().map(|(name, value)| (Name::new(name.as_str()), written(value))).collect(),
        ),
    }
}

/// Converts a number literal. Validation refuses numbers that are too large for their type.
fn number_of(text: &str) -> Written {
    text.parse::<Number>().map_or(Written::Null, Written::Number)
}

/// Converts a literal of a valid document and coerces it to its type. Variables stay.
pub(super) fn typed(schema: &Schema, of_type: &Type, value: &ast::Value) -> Written {
    if matches!(value, ast::Value::Null | ast::Value::Variable(_)) {
        return written(value);
    }
    if let Type::List(item) | Type::NonNullList(item) = of_type {
        return Written::List(match value {
            ast::Value::List(items) => items.iter().map(|value| typed(schema, item, value)).collect(),
            one => vec![typed(schema, item, one)],
        });
    }
    let name = of_type.inner_named_type();
    match (schema.definitions.types.get(name), value) {
        (Some(ExtendedType::InputObject(definition)), ast::Value::Object(members)) => Written::Object(
            members
                .iter()
                .map(|(key, value)| {
                    let field = definition.fields.get(key);
                    let value = field.map_or_else(|| written(value), |field| typed(schema, &field.ty, value));
                    (Name::new(key.as_str()), value)
                })
                .collect(),
        ),
        (_, ast::Value::Int(number)) if name == "ID" => Written::String(number.as_str().to_owned()),
        _ => written(value),
    }
}

/// Removes input fields whose variable has no value, as if they were absent; list items become null. Returns false if
/// the value itself is such a variable.
pub(super) fn without_absent(value: &mut Written, variables: &Variables) -> bool {
    match value {
        Written::Variable(name) => variables.contains_key(name),
        Written::List(items) => {
            for item in items {
                if !without_absent(item, variables) {
                    *item = Written::Null;
                }
            }
            true
        }
        Written::Object(members) => {
            members.retain(|_, value| without_absent(value, variables));
            true
        }
        _ => true,
    }
}

/// Calls `see` with each variable in a value, and its path.
pub(super) fn each_variable<'a>(value: &'a Written, path: &str, see: &mut dyn FnMut(&'a Name, String)) {
    match value {
        Written::Variable(name) => see(name, path.to_owned()),
        Written::List(items) => {
            for (place, item) in items.iter().enumerate() {
                each_variable(item, &joined(path, &place.to_string()), see);
            }
        }
        Written::Object(members) => {
            for (key, value) in members {
                each_variable(value, &joined(path, key), see);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::value;
    use proptest::prelude::*;

    use super::*;

    const SDL: &str = "type Query { a: Int }
        scalar Date
        scalar Decimal
        enum Kind { ONE TWO }
        input By @oneOf { id: ID slug: String }
        input In { int: Int! float: Float id: ID kind: Kind list: [[Int!]] by: By date: Date decimal: Decimal on: Boolean = true }";

    fn coerced(schema: &Schema, of_type: &str, value: Value) -> Result<Value, Unfit> {
        coerced_value(schema, &Type::parse(of_type, "x").unwrap(), value)
    }

    #[test]
    fn values_become_what_their_type_has() {
        let schema = Schema::new(SDL);
        for (of_type, given, expected) in [
            ("Int", value!(2.0), Some(value!(2))),
            ("Int", value!(-2_147_483_648.0), Some(value!(-2_147_483_648))),
            ("Int", value!(2_147_483_648_i64), None),
            ("Int", value!(1.5), None),
            ("Int", value!("1"), None),
            ("Int", value!(null), Some(value!(null))),
            ("Int!", value!(null), None),
            ("Float", value!(1), Some(value!(1))),
            ("Float", value!("1"), None),
            ("ID", value!(5), Some(value!("5"))),
            ("ID", value!(5.0), Some(value!("5"))),
            ("ID", value!(5.5), None),
            ("Boolean", value!(1), None),
            ("String", value!(1), None),
            ("Kind", value!("TWO"), Some(Value::Enum(Name::new("TWO")))),
            ("Kind", value!("THREE"), None),
            ("[Int!]", value!(1), Some(value!([1]))),
            ("[[Int!]]", value!(1), Some(value!([[1]]))),
            ("[[Int!]]", value!([1, null]), Some(value!([[1], null]))),
            ("[Int!]", value!([1, null]), None),
            ("By", value!({"slug": "a"}), Some(value!({"slug": "a"}))),
            ("By", value!({"slug": null}), None),
            ("By", value!({"slug": "a", "id": null}), None),
            ("By", value!({}), None),
            ("In", value!({"int": 1.0, "id": 2}), Some(value!({"int": 1, "id": "2"}))),
            ("In", value!({"int": 1, "nothing": 1}), None),
            ("In", value!({"float": 1}), None),
            ("In", value!([]), None),
            ("Date", value!("any text"), Some(value!("any text"))),
            ("Date", value!(1), None),
            ("Decimal", value!(1), Some(value!(1))),
            ("Decimal", value!(1.5), None),
        ] {
            assert_eq!(coerced(&schema, of_type, given.clone()).ok(), expected, "{of_type} {given}");
        }
        let unfit =
            coerced(&schema, "[In]", value!([{"int": 1}, {"int": 1, "by": {"id": true}}])).unwrap_err();
        assert_eq!(unfit.path, "1.by.id");
        let unfit = coerced(&schema, "Kind", value!("TWOO")).unwrap_err();
        assert!(unfit.message.ends_with("Did you mean \"TWO\"?"), "{}", unfit.message);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Boolean),
            any::<i64>().prop_map(|number| Value::Number(number.into())),
            (-5_i32..5).prop_map(|number| Value::Number(f64::from(number).into_number())),
            prop::sample::select(vec!["ONE", "a", "1", "2009-07-01"]).prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            let keys =
                vec!["int", "float", "id", "kind", "list", "by", "slug", "date", "decimal", "on", "nothing"];
            let keys = prop::sample::select(keys).prop_map(Name::new);
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
                prop::collection::vec((keys, inner), 0..6)
                    .prop_map(|all| Value::Object(all.into_iter().collect())),
            ]
        })
    }

    trait IntoNumber {
        fn into_number(self) -> Number;
    }

    impl IntoNumber for f64 {
        fn into_number(self) -> Number {
            Number::from_f64(self).unwrap_or_else(|| 0.into())
        }
    }

    proptest! {
        #[test]
        fn what_is_coerced_stays_so(
            value in any_value(),
            of_type in prop::sample::select(vec!["Int", "Float!", "ID", "Kind", "[[Int!]]", "By", "In!", "[In!]", "Date"]),
        ) {
            let schema = Schema::new(SDL);
            if let Ok(once) = coerced(&schema, of_type, value) {
                prop_assert_eq!(coerced(&schema, of_type, once.clone()), Ok(once));
            }
        }
    }
}
