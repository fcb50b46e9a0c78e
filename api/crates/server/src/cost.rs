//! The cost of an operation in points, computed from `@cost` and `@listSize` in the printed schema, as a client can do.
//!
//! The cost is a formula over the variables. It is made once for a document and evaluated for each request.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::parser::types::{
    BaseType, ConstDirective, Field, FieldDefinition, ServiceDocument, Type, TypeKind, TypeSystemDefinition,
};
use async_graphql::{Name, Positioned};
use async_graphql_value::{ConstValue, Value};

use kernel::page::DEFAULT_PAGE;

/// The units of a point used in computations, as weights have one decimal.
const PARTS: u64 = 10;
/// The cost of introspection fields in points. They are not in the printed schema.
const INTROSPECTION: [(&str, u64); 2] = [("__schema", 500), ("__type", 20)];

/// The type within any lists, and whether there are some.
pub fn item(of: &Type) -> (&str, bool) {
    match &of.base {
        BaseType::Named(name) => (name.as_str(), false),
        BaseType::List(inner) => (item(inner).0, true),
    }
}

/// The prices of a schema.
#[derive(Debug, Default)]
pub(super) struct Prices {
    types: HashMap<String, TypePrice>,
}

/// The prices of a type.
#[derive(Debug, Default)]
pub(super) struct TypePrice {
    weight: u64,
    /// Whether it is an object type, and not an interface or union.
    is_object: bool,
    fields: HashMap<String, FieldPrice>,
}

/// The price of a field.
#[derive(Debug, Default)]
struct FieldPrice {
    weight: u64,
    /// The named type of the field, without lists.
    answers: String,
    is_list: bool,
    /// The slicing arguments with their defaults.
    slicing: Vec<(String, Option<u64>)>,
    assumed: Option<u64>,
    /// The fields of its type that the size applies to.
    sized_fields: Vec<String>,
    /// Whether it is such a field, so that its size comes from its parent.
    sized: bool,
    /// Whether it is a paginated list.
    pages: bool,
}

impl Prices {
    /// Reads the prices of a schema.
    pub(super) fn new(document: &ServiceDocument) -> Self {
        let mut types: HashMap<String, TypePrice> = HashMap::new();
        for definition in &document.definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let definition = &definition.node;
            let fields = match &definition.kind {
                TypeKind::Object(object) => object.fields.as_slice(),
                TypeKind::Interface(interface) => interface.fields.as_slice(),
                TypeKind::Union(_) => &[],
                _ => continue,
            };
            let fields = fields.iter().map(|field| (field.node.name.node.to_string(), price(&field.node)));
            let price = TypePrice {
                weight: weight(&definition.directives).unwrap_or(PARTS),
                is_object: matches!(definition.kind, TypeKind::Object(_)),
                fields: fields.collect(),
            };
            types.insert(definition.name.node.to_string(), price);
        }
        let sized = types.values().flat_map(|price| price.fields.values());
        let sized: Vec<(String, Vec<String>)> =
            sized.map(|field| (field.answers.clone(), field.sized_fields.clone())).collect();
        for (name, fields) in sized {
            let Some(price) = types.get_mut(&name) else { continue };
            for field in fields {
                if let Some(field) = price.fields.get_mut(&field) {
                    field.sized = true;
                }
            }
        }
        Self { types }
    }

    /// The prices of a type; `None` for scalars and unknown types.
    pub(super) fn of(&self, name: &str) -> Option<&TypePrice> {
        self.types.get(name)
    }

    /// The prices of the type of a field; `None` if there is no such field.
    pub(super) fn below(&self, parent: Option<&TypePrice>, field: &str) -> Option<&TypePrice> {
        self.of(&parent?.fields.get(field)?.answers)
    }
}

fn price(field: &FieldDefinition) -> FieldPrice {
    let mut price = FieldPrice { weight: weight(&field.directives).unwrap_or(0), ..FieldPrice::default() };
    let (answers, is_list) = item(&field.ty.node);
    (price.answers, price.is_list) = (answers.to_owned(), is_list);
    let list_size = field.directives.iter().find(|directive| directive.node.name.node == "listSize");
    let Some(list_size) = list_size else { return price };
    let names = |argument: &str| match list_size.node.get_argument(argument).map(|value| &value.node) {
        Some(ConstValue::List(names)) => names.iter().filter_map(text).collect(),
        _ => Vec::new(),
    };
    let default = |argument: &str| {
        let found = field.arguments.iter().find(|given| given.node.name.node == argument)?;
        found.node.default_value.as_ref().and_then(|value| length(&value.node))
    };
    price.assumed = list_size.node.get_argument("assumedSize").and_then(|value| length(&value.node));
    price.sized_fields = names("sizedFields");
    price.slicing =
        names("slicingArguments").into_iter().map(|name| (name.clone(), default(&name))).collect();
    price.pages = price.sized_fields.iter().any(|name| name == "nodes" || name == "edges");
    price
}

fn text(value: &ConstValue) -> Option<String> {
    match value {
        ConstValue::String(text) => Some(text.clone()),
        _ => None,
    }
}

/// The weight of `@cost`, in units.
fn weight(directives: &[Positioned<ConstDirective>]) -> Option<u64> {
    let cost = directives.iter().find(|directive| directive.node.name.node == "cost")?;
    let text = text(&cost.node.get_argument("weight")?.node)?;
    let (whole, tenths) = text.split_once('.').unwrap_or((&text, "0"));
    Some(whole.parse::<u64>().ok()? * PARTS + tenths.parse::<u64>().ok()?)
}

/// The list size that an argument value requests: a number for itself, a list for its number of items. Negative numbers
/// count as 0, because the resolver reports them. `None` for other values.
fn length(value: &ConstValue) -> Option<u64> {
    match value {
        ConstValue::Number(number) => {
            number.as_u64().or_else(|| number.as_i64().map(|_| 0)).or(number.as_f64().map(|_| u64::MAX))
        }
        ConstValue::List(items) => Some(items.len() as u64),
        _ => None,
    }
}

/// The assumed number of objects in a field's result.
#[derive(Clone, Debug)]
pub(super) struct Size {
    /// The values of the slicing arguments that are given.
    given: Vec<Given>,
    /// The size if no value is given.
    otherwise: u64,
}

#[derive(Clone, Debug)]
enum Given {
    Number(u64),
    Variable(Name),
}

impl Size {
    const ONE: Self = Self { given: Vec::new(), otherwise: 1 };

    /// The size if it depends on no variable.
    fn known(&self) -> Option<u64> {
        self.given.iter().all(|given| matches!(given, Given::Number(_))).then(|| self.with(&|_| None))
    }

    /// The size for these variables.
    pub(super) fn with(&self, variable: &Variables<'_>) -> u64 {
        let given = self.given.iter().filter_map(|given| match given {
            Given::Number(number) => Some(*number),
            Given::Variable(name) => variable(name).and_then(length),
        });
        given.max().unwrap_or(self.otherwise)
    }
}

/// The size of this field.
fn size(price: &FieldPrice, field: &Field) -> Size {
    let otherwise = price.slicing.iter().find_map(|(_, default)| *default).or(price.assumed);
    let given = price.slicing.iter().filter_map(|(name, _)| match &field.get_argument(name)?.node {
        Value::Variable(name) => Some(Given::Variable(name.clone())),
        // Variables within a list do not change its length.
        Value::List(items) => Some(Given::Number(items.len() as u64)),
        value => length(&value.clone().into_const()?).map(Given::Number),
    });
    Size { given: given.collect(), otherwise: otherwise.unwrap_or(DEFAULT_PAGE.unsigned_abs().into()) }
}

/// The lookup of a variable's value.
pub(super) type Variables<'a> = dyn Fn(&str) -> Option<&'a ConstValue> + 'a;

/// A cost in units of a point, as a formula over variables.
#[derive(Clone, Debug)]
pub(super) enum Formula {
    /// A constant.
    Const(u64),
    /// The sum of formulas.
    Sum(Arc<[Formula]>),
    /// The largest of the formulas.
    Max(Arc<[Formula]>),
    /// The formula times a size.
    Times(Size, Arc<Formula>),
}

impl Default for Formula {
    fn default() -> Self {
        Self::Const(0)
    }
}

impl Formula {
    fn sum(parts: impl IntoIterator<Item = Self>) -> Self {
        let (mut known, mut rest) = (0_u64, Vec::new());
        for part in parts {
            match part {
                Self::Const(parts) => known = known.saturating_add(parts),
                part => rest.push(part),
            }
        }
        if known > 0 || rest.is_empty() {
            rest.push(Self::Const(known));
        }
        match rest.pop() {
            Some(only) if rest.is_empty() => only,
            last => Self::Sum(rest.into_iter().chain(last).collect()),
        }
    }

    fn max(parts: Vec<Self>) -> Self {
        let known = parts.iter().map(|part| match part {
            Self::Const(parts) => Some(*parts),
            _ => None,
        });
        match known.collect::<Option<Vec<u64>>>() {
            Some(known) => Self::Const(known.into_iter().max().unwrap_or(0)),
            None => Self::Max(parts.into()),
        }
    }

    fn times(size: Size, one: Self) -> Self {
        match (size.known(), one) {
            (_, Self::Const(0)) => Self::Const(0),
            (Some(count), Self::Const(parts)) => Self::Const(parts.saturating_mul(count)),
            (Some(1), one) => one,
            (_, one) => Self::Times(size, Arc::new(one)),
        }
    }

    fn parts(&self, variable: &Variables<'_>) -> u64 {
        match self {
            Self::Const(parts) => *parts,
            Self::Sum(all) => all.iter().map(|one| one.parts(variable)).fold(0, u64::saturating_add),
            Self::Max(all) => all.iter().map(|one| one.parts(variable)).max().unwrap_or(0),
            Self::Times(size, one) => size.with(variable).saturating_mul(one.parts(variable)),
        }
    }

    /// The cost in points, rounded up.
    pub(super) fn points(&self, variable: &Variables<'_>) -> u64 {
        self.parts(variable).div_ceil(PARTS)
    }
}

/// The cost of a selection set.
#[derive(Clone, Debug, Default)]
pub(super) struct Cost<'a> {
    /// Costs for each object.
    plain: Vec<Formula>,
    /// Costs that are multiplied by the size of the parent field.
    sized: Vec<Formula>,
    /// Costs that apply only to objects of one type.
    only: Vec<(&'a str, Vec<Formula>)>,
}

impl<'a> Cost<'a> {
    /// The total cost for this size of the parent field.
    fn total(self, size: Size) -> Formula {
        let only = self.only.into_iter().map(|(_, parts)| Formula::sum(parts)).collect();
        let sized = Formula::times(size, Formula::sum(self.sized));
        Formula::sum(self.plain.into_iter().chain([sized, Formula::max(only)]))
    }

    /// The total cost of the root of an operation.
    pub(super) fn of_root(self) -> Formula {
        self.total(Size::ONE)
    }

    /// Adds a field of this type, with the cost of its selection set.
    pub(super) fn add_field(
        &mut self,
        prices: &Prices,
        parent: Option<&TypePrice>,
        field: &Field,
        below: Self,
    ) {
        let name = field.name.node.as_str();
        if let Some((_, points)) = INTROSPECTION.iter().find(|(known, _)| *known == name) {
            self.plain.push(Formula::Const(points * PARTS));
            return;
        }
        // Unknown fields are reported by validation.
        let Some(price) = parent.and_then(|parent| parent.fields.get(name)) else { return };
        let own = Formula::Const(price.weight);
        let object = prices.of(&price.answers).map_or(0, |answered| answered.weight);
        let size = size(price, field);
        let cost = if price.is_list && !price.sized {
            let one = Formula::sum([Formula::Const(object), below.total(Size::ONE)]);
            Formula::sum([own, Formula::times(size, one)])
        } else {
            Formula::sum([own, Formula::Const(object), below.total(size)])
        };
        if price.sized { self.sized.push(cost) } else { self.plain.push(cost) }
    }

    /// Adds a fragment on type `condition` in a selection set on `parent`.
    pub(super) fn add_fragment(
        &mut self,
        prices: &Prices,
        condition: Option<&'a str>,
        parent: Option<&TypePrice>,
        below: &Self,
    ) {
        let wrap = |parts: &[Formula]| Formula::sum(parts.iter().cloned());
        let on = condition.and_then(|condition| Some((condition, prices.of(condition)?)));
        match on {
            // The object may have one of several types, so this cost is an alternative.
            Some((condition, on)) if on.is_object && parent.is_none_or(|parent| !parent.is_object) => {
                self.only_on(condition, wrap(&below.plain));
                self.only_on(condition, wrap(&below.sized));
                for (_, parts) in &below.only {
                    self.only_on(condition, wrap(parts));
                }
            }
            _ => {
                self.plain.push(wrap(&below.plain));
                self.sized.push(wrap(&below.sized));
                for (condition, parts) in &below.only {
                    self.only_on(condition, wrap(parts));
                }
            }
        }
    }

    fn only_on(&mut self, condition: &'a str, part: Formula) {
        match self.only.iter_mut().find(|(name, _)| *name == condition) {
            Some((_, parts)) => parts.push(part),
            None => self.only.push((condition, vec![part])),
        }
    }
}

/// The size of the requested page, if the field is a paginated list.
pub(super) fn page(parent: Option<&TypePrice>, field: &Field) -> Option<Size> {
    let price = parent?.fields.get(field.name.node.as_str())?;
    (price.pages && !field.arguments.is_empty()).then(|| size(price, field))
}
