//! The compiler, the step before execution. It interprets a document as the GraphQL specification of September 2025
//! says, and makes an executable form that async-graphql cannot misread.
//!
//! | file | what it does |
//! |---|---|
//! | `syntax.rs` | parses a text, and converts offsets to lines and columns |
//! | `validate.rs`, `suggest.rs` | validates a document, and suggests similar names |
//! | `value.rs` | coerces the values of variables, and converts literals of a document |
//! | `collect.rs` | resolves `@skip` and `@include`, and merges fields of equal response keys for each type (`CollectFields`) |
//! | `plan.rs` | the executable form of an operation, with its cost |
//!
//! A form depends only on the variables of `@skip` and `@include`, so it is made once for each combination of their
//! values.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use apollo_compiler::collections::HashMap as TypeMap;
use apollo_compiler::executable;
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Name, Schema as Definitions};
use async_graphql::parser::types::OperationType;
use async_graphql::{Pos, ServerError, Variables};

use super::cost::Prices;
use super::limits::{self, Limits};
use super::refusal::RequestError;
use kernel::error::Code;

mod collect;
mod plan;
mod suggest;
mod syntax;
mod validate;
mod value;

pub(super) use collect::EMPTY;
pub(super) use plan::Plan;
pub(super) use syntax::Positions;
#[cfg(test)]
pub(super) use syntax::parse;

/// The maximum number of cached forms of one operation.
const MAX_PLANS: usize = 8;
/// The maximum number of fields and fragments in the cached forms of one operation.
const MAX_KEPT: u64 = 500;
/// The approximate memory of a field of a form, in bytes.
const FIELD_BYTES: u64 = 320;
/// The approximate memory of a parsed document for each byte of its text, in bytes.
const SYNTAX_BYTES: u64 = 20;

/// The schema against which documents are validated.
#[derive(Debug)]
pub(super) struct Schema {
    definitions: Valid<Definitions>,
    /// The possible object types of each composite type.
    possible_types: TypeMap<Name, Vec<Name>>,
    /// The input types that contain scalars with a text format, at any depth.
    judged: HashSet<Name>,
}

impl Schema {
    /// Reads a schema.
    ///
    /// # Panics
    /// If the schema is invalid. The program prints the text itself.
    #[expect(clippy::expect_used, reason = "every test reads the text that the program prints")]
    pub(super) fn new(sdl: &str) -> Self {
        let mut definitions = Definitions::parse(sdl, "schema.graphql").expect("the printed schema parses");
        keep_edition(&mut definitions);
        let definitions = definitions.validate().expect("the printed schema is valid");
        let mut possible_types: TypeMap<Name, Vec<Name>> = TypeMap::default();
        for (name, definition) in &definitions.types {
            match definition {
                ExtendedType::Object(object) => {
                    possible_types.entry(name.clone()).or_default().push(name.clone());
                    for interface in &object.implements_interfaces {
                        possible_types.entry(interface.as_ref().clone()).or_default().push(name.clone());
                    }
                }
                ExtendedType::Union(union) => {
                    let members = union.members.iter().map(|member| member.as_ref().clone());
                    possible_types.entry(name.clone()).or_default().extend(members);
                }
                _ => {}
            }
        }
        let judged = judged(&definitions);
        Self { definitions, possible_types, judged }
    }

    /// Whether a value of this type can hold a scalar with a text format.
    fn holds_judged(&self, name: &str) -> bool {
        self.judged.contains(name)
    }

    /// The possible object types of a composite type; empty for other types.
    fn possible_types(&self, name: &str) -> &[Name] {
        self.possible_types.get(name).map_or(&[], Vec::as_slice)
    }

    fn is_abstract(&self, name: &str) -> bool {
        matches!(self.definitions.types.get(name), Some(ExtendedType::Interface(_) | ExtendedType::Union(_)))
    }
}

/// Finds the input types that contain scalars with a text format, at any depth.
fn judged(definitions: &Definitions) -> HashSet<Name> {
    let mut judged: HashSet<Name> =
        definitions.types.keys().filter(|name| value::is_judged(name)).cloned().collect();
    loop {
        let more: Vec<Name> = definitions
            .types
            .values()
            .filter_map(ExtendedType::as_input_object)
            .filter(|object| !judged.contains(&object.name))
            .filter(|object| object.fields.values().any(|field| judged.contains(field.ty.inner_named_type())))
            .map(|object| object.name.clone())
            .collect();
        if more.is_empty() {
            return judged;
        }
        judged.extend(more);
    }
}

/// Removes from the introspection types what is newer than the edition of September 2025, as async-graphql does not
/// support it.
fn keep_edition(definitions: &mut Definitions) {
    let object = |definition: Option<&mut ExtendedType>,
                  change: &dyn Fn(&mut apollo_compiler::schema::ObjectType)| {
        if let Some(ExtendedType::Object(object)) = definition {
            change(object.make_mut());
        }
    };
    object(definitions.types.get_mut("__Directive"), &|directive| {
        directive.fields.retain(|name, _| !matches!(name.as_str(), "isDeprecated" | "deprecationReason"));
    });
    object(definitions.types.get_mut("__Schema"), &|schema| {
        if let Some(directives) = schema.fields.get_mut("directives") {
            directives.make_mut().arguments.clear();
        }
    });
    if let Some(ExtendedType::Enum(location)) = definitions.types.get_mut("__DirectiveLocation") {
        location.make_mut().values.retain(|name, _| name.as_str() != "DIRECTIVE_DEFINITION");
    }
}

/// Compiles documents for a schema.
#[derive(Debug)]
pub(super) struct Compiler {
    schema: Arc<Schema>,
    prices: Arc<Prices>,
    limits: Limits,
    /// Whether documents may use introspection.
    introspection: bool,
}

/// A document within the limits.
#[derive(Debug)]
pub(super) struct Document {
    /// Its text.
    pub text: Arc<str>,
    /// Its compiled operations by name.
    pub operations: HashMap<Option<String>, Operation>,
    /// The validation errors. If there are any, nothing is executed.
    pub invalid: Vec<ServerError>,
    /// Its approximate memory in bytes.
    pub memory: u64,
}

/// An operation of a document.
#[derive(Debug)]
pub(super) struct Operation {
    /// Its name.
    pub name: Option<async_graphql::Name>,
    /// The type of the operation.
    pub kind: OperationType,
    variables: Vec<value::Variable>,
    /// The variables used by `@skip` and `@include`.
    conditions: Vec<Name>,
    plans: Plans,
}

/// The forms of an operation.
#[derive(Debug)]
enum Plans {
    /// No form, as the document is invalid.
    None,
    /// The only form, for all values of variables.
    One(Result<Arc<Plan>, RequestError>),
    /// One form for each combination of values of the conditions; some are cached.
    Many { document: Arc<Valid<ExecutableDocument>>, kept: Mutex<Vec<(Vec<bool>, Arc<Plan>)>> },
}

impl Compiler {
    /// A compiler for a schema with these prices. `introspection` permits introspection.
    pub(super) fn new(schema: Arc<Schema>, prices: Arc<Prices>, limits: Limits, introspection: bool) -> Self {
        Self { schema, prices, limits, introspection }
    }

    /// Compiles a text. An invalid document yields a `Document` too, because errors in the choice of the operation or
    /// the HTTP method are reported before the validation errors.
    ///
    /// # Errors
    /// If the text does not parse, or the document exceeds the limits.
    pub(super) fn compile(&self, text: &str) -> Result<Document, RequestError> {
        limits::check_text(text, &self.limits)?;
        let positions = Positions::new(text);
        let syntax = syntax::parse(text, &positions)?;
        let selections = limits::check(&syntax, &positions, &self.limits, self.introspection)?;
        let (valid, invalid) = match validate::validate(&self.schema, &syntax, &positions) {
            Ok(valid) => (Some(Arc::new(valid)), Vec::new()),
            Err(errors) => (None, errors),
        };
        let mut operations = HashMap::new();
        let (mut fields, mut is_kept) = (0, false);
        for definition in syntax.definitions.iter().filter_map(|one| one.as_operation_definition()) {
            let name = definition.name.as_ref().map(ToString::to_string);
            let compiled = match valid.as_ref().and_then(|valid| {
                let operation = valid.operations.get(name.as_deref()).ok()?;
                Some(self.operation(valid, operation, &positions))
            }) {
                Some(operation) => operation,
                None => Operation {
                    name: name.as_deref().map(async_graphql::Name::new),
                    kind: kind(definition.operation_type),
                    variables: Vec::new(),
                    conditions: Vec::new(),
                    plans: Plans::None,
                },
            };
            match &compiled.plans {
                Plans::One(Ok(plan)) => fields += plan.size,
                Plans::Many { .. } => {
                    is_kept = true;
                    fields += MAX_KEPT.min(selections.saturating_mul(MAX_PLANS as u64));
                }
                Plans::One(Err(_)) | Plans::None => {}
            }
            operations.insert(name, compiled);
        }
        let length = text.len() as u64;
        let memory = length + fields * FIELD_BYTES + if is_kept { length * SYNTAX_BYTES } else { 0 };
        Ok(Document { text: text.into(), operations, invalid, memory })
    }

    fn operation(
        &self,
        document: &Arc<Valid<ExecutableDocument>>,
        operation: &executable::Operation,
        positions: &Positions<'_>,
    ) -> Operation {
        let conditions = collect::conditions(document, operation);
        let plans = if conditions.is_empty() {
            let plan = plan::make(&self.schema, &self.prices, document, operation, positions, &|_| false);
            Plans::One(plan.map(Arc::new))
        } else {
            Plans::Many { document: Arc::clone(document), kept: Mutex::default() }
        };
        let variables = operation.variables.iter().map(|one| value::Variable::new(one, positions)).collect();
        Operation {
            name: operation.name.as_ref().map(|name| async_graphql::Name::new(name.as_str())),
            kind: kind(operation.operation_type),
            variables,
            conditions,
            plans,
        }
    }

    /// Returns the executable form of an operation for these variables, and their coerced values.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` if the value of a variable is invalid, `QUERY_TOO_COMPLEX` if the form is too large.
    pub(super) fn plan(
        &self,
        document: &Document,
        operation: &Operation,
        given: Variables,
    ) -> Result<(Arc<Plan>, Variables), RequestError> {
        let (variables, wrong) = value::coerce(&self.schema, &operation.variables, given);
        // A condition without a value counts as false here. It is reported below like any other variable.
        let included = |name: &str| matches!(variables.get(name), Some(async_graphql::Value::Boolean(true)));
        let plan = self.plan_where(document, operation, &included)?;
        if let Some(wrong) = wrong {
            return Err(wrong.into_error(&plan));
        }
        for condition in &operation.variables {
            let name = condition.name.as_str();
            let is_null = variables.get(name) == Some(&async_graphql::Value::Null);
            if is_null && operation.conditions.iter().any(|other| other == name) {
                let message =
                    format!("The variable `${name}` is null: `@skip` and `@include` need a `Boolean!`.");
                return Err(RequestError::at(Code::BadUserInput, message, condition.at));
            }
        }
        plan.check_scalars(&self.schema, &variables)?;
        Ok((plan, variables))
    }

    fn plan_where(
        &self,
        document: &Document,
        operation: &Operation,
        included: &dyn Fn(&str) -> bool,
    ) -> Result<Arc<Plan>, RequestError> {
        let (valid, kept) = match &operation.plans {
            Plans::None => return Err(RequestError::fault()),
            Plans::One(plan) => return plan.clone(),
            Plans::Many { document, kept } => (document, kept),
        };
        let key: Vec<bool> = operation.conditions.iter().map(|name| included(name)).collect();
        let find = |kept: &[(Vec<bool>, Arc<Plan>)]| {
            kept.iter().find(|(other, _)| *other == key).map(|(_, plan)| Arc::clone(plan))
        };
        if let Some(plan) = find(&kept.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(plan);
        }
        let name = operation.name.as_ref().map(async_graphql::Name::as_str);
        let definition = valid.operations.get(name).map_err(|_| RequestError::fault())?;
        let positions = Positions::new(&document.text);
        let plan = Arc::new(plan::make(&self.schema, &self.prices, valid, definition, &positions, included)?);
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if find(&kept).is_none() && plan.size <= MAX_KEPT {
            let size = |kept: &[(Vec<bool>, Arc<Plan>)]| kept.iter().map(|(_, plan)| plan.size).sum::<u64>();
            while kept.len() >= MAX_PLANS || size(&kept) + plan.size > MAX_KEPT {
                kept.remove(0);
            }
            kept.push((key, Arc::clone(&plan)));
        }
        Ok(plan)
    }
}

fn kind(of: executable::OperationType) -> OperationType {
    match of {
        executable::OperationType::Query => OperationType::Query,
        executable::OperationType::Mutation => OperationType::Mutation,
        executable::OperationType::Subscription => OperationType::Subscription,
    }
}

/// A validation error.
fn invalid(message: impl Into<String>, at: Pos) -> ServerError {
    RequestError::at(Code::GraphqlValidationFailed, message, at).into_server_error()
}
