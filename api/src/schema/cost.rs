//! The costs of types and fields in points, written into the schema as `@cost` and `@listSize` (the cost directives
//! of IBM).
//!
//! The server reads the costs from the printed schema, as a client does, so that it charges what it prints. A new
//! field has a cost by default: one point for an object, and for a page one for each item. Only a list of objects
//! without pages needs an assumed length here.

use std::fmt::Write as _;

use async_graphql::Pos;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    FieldDefinition, ServiceDocument, TypeDefinition, TypeKind, TypeSystemDefinition,
};

use kernel::page::DEFAULT_PAGE;
use server::item;

/// The definitions of the directives.
const DEFINITIONS: &str = r#""""
How many points something costs: an object 1, a scalar or an enum 0 where this says nothing else. A field costs its own
weight, and for each object that it answers the weight of its type and what is selected below. Fields of an interface or a
union count with the type whose fields cost most. What is executed counts: nothing that `@skip` or `@include` leaves out,
and once what is selected several times under one response key. What comes out is rounded up. `__schema` costs 500 and `__type` 20, whatever is selected of them. A document may cost 5000,
unless the operator has said another number; the header `X-Cost: report` puts what it costs into `extensions.cost` of the
answer, `X-Cost: only` asks for it without running anything.
"""
directive @cost(
  """
  Points, with one decimal at most.
  """
  weight: String!
) on ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR
"""
How many objects a field is taken to answer: the largest of the arguments named in `slicingArguments`, else their default,
else `assumedSize`. An argument that is a list counts by its length.
"""
directive @listSize(
  """
  How many where no argument says so.
  """
  assumedSize: Int
  """
  Whether exactly one of the arguments must be given.
  """
  requireOneSlicingArgument: Boolean = true
  """
  The fields below that have so many items, where the field itself answers one object.
  """
  sizedFields: [String!]
  """
  The arguments that say how many.
  """
  slicingArguments: [String!]
) on FIELD_DEFINITION
"#;

/// Types that are part of a record, are kept in memory, or only contain other objects: they cost a tenth of a point.
/// So do all types whose names end in `Edge`.
const LIGHT: &[&str] = &[
    "Address",
    "AwardSum",
    "CallCriterion",
    "CallLot",
    "Claim",
    "Consent",
    "Contribution",
    "EventAttendee",
    "EventSession",
    "ExternalId",
    "FacetDistribution",
    "FacetValue",
    "FieldVisibility",
    "FunderDecision",
    "GeoPoint",
    "Highlight",
    "Identifier",
    "KindCount",
    "Link",
    "LocalizedText",
    "Money",
    "Occupation",
    "OpeningHours",
    "OrganizationMatchCandidate",
    "PageInfo",
    "PartnershipGraphLink",
    "PartnershipGraphNode",
    "PartnershipParty",
    "Period",
    "ProposedChange",
    "Region",
    "RegionPair",
    "Regulation",
    "RoleGrant",
    "Sector",
    "SectorCount",
    "Source",
    "SpokenLanguage",
    "SyncBucketEntry",
    "Term",
    "Territory",
    "UserError",
    "Warning",
];

/// Types that need a search for each object, with their weights.
const HEAVY: &[(&str, &str)] = &[("OrganizationMatch", "10")];

/// Fields with a weight of their own, by type and name; `*` is any type.
const FIELDS: &[(&str, &str, &str)] = &[
    // A statement that counts the whole list.
    ("*", "totalCount", "1"),
    ("*", "statistics", "20"),
    // A password is hashed.
    ("Mutation", "acceptInvitation", "50"),
    ("Mutation", "changePassword", "50"),
    ("Mutation", "resetPassword", "50"),
    ("Mutation", "signIn", "50"),
    // Up to 500 records.
    ("Mutation", "pushRecords", "100"),
    // Any other mutation is a transaction.
    ("Mutation", "*", "10"),
    ("Query", "myDataExport", "100"),
    ("Query", "partnershipGraph", "100"),
    ("Query", "regionPairs", "50"),
    ("Query", "search", "10"),
    ("Query", "suggest", "5"),
    ("Query", "syncBucket", "20"),
    ("Query", "syncDigest", "100"),
];

/// Assumed lengths of lists without pages, by type and field; `*` is any type.
const LENGTHS: &[(&str, &str, u32)] = &[
    ("Account", "organizations", 5),
    ("Statistics", "awards", 20),
    ("*", "biographies", 4),
    ("*", "candidates", 5),
    ("Proposal", "changes", 10),
    ("*", "children", 5),
    ("*", "claims", 3),
    ("*", "consents", 5),
    ("*", "contributions", 3),
    ("*", "criteria", 30),
    ("Application", "decisions", 3),
    ("Event", "delegation", 20),
    ("*", "descriptions", 4),
    ("*", "eligibleRegions", 2),
    ("Event", "editions", 3),
    ("*", "facets", 5),
    ("*", "fieldVisibility", 4),
    ("*", "fullPushes", 5),
    ("*", "funders", 2),
    ("*", "headlines", 4),
    ("*", "highlights", 3),
    ("*", "identifiers", 3),
    ("*", "languages", 3),
    ("*", "links", 3),
    ("*", "lots", 3),
    ("Event", "openingHours", 2),
    ("Event", "organizers", 2),
    ("Event", "partners", 2),
    ("Application", "partners", 3),
    ("Award", "partners", 3),
    ("Event", "parts", 3),
    ("Event", "programme", 3),
    ("Event", "speakers", 1),
    ("EventSession", "organizations", 1),
    ("EventSession", "speakers", 1),
    ("*", "memberOf", 2),
    ("Talent", "occupations", 3),
    ("*", "organizers", 1),
    ("*", "organizationsByKind", 20),
    ("*", "organizationsBySector", 20),
    ("*", "otherKinds", 2),
    ("*", "parties", 3),
    ("*", "predecessors", 2),
    ("Query", "apiKeys", 20),
    ("Query", "occupations", 100),
    ("Query", "regionPairs", 20),
    ("Query", "regions", 10),
    ("Query", "sectors", 50),
    ("Query", "sources", 20),
    ("Query", "syncBucket", 100),
    ("Query", "terms", 50),
    ("*", "refused", 20),
    ("*", "regions", 3),
    ("*", "regulations", 2),
    ("*", "results", 100),
    ("*", "roles", 3),
    ("*", "sectors", 3),
    ("*", "servedRegions", 3),
    ("*", "sources", 2),
    ("*", "territories", 10),
    ("*", "titles", 4),
    ("*", "userErrors", 1),
    ("*", "warnings", 1),
    ("*", "values", 20),
];

/// Fields with an argument for the number of objects: type, field, argument, and the fields below with the objects.
/// Connections need no row.
const SLICED: &[(&str, &str, &str, &[&str])] = &[
    ("Query", "changes", "first", &["changes"]),
    ("Query", "compareCalls", "ids", &["calls"]),
    ("Query", "matchOrganizations", "queries", &[]),
    ("Query", "nodes", "ids", &[]),
    ("Query", "partnershipGraph", "maxNodes", &["nodes", "links"]),
    ("Query", "suggest", "first", &[]),
];

/// The row for a field. A row with its type has precedence.
fn row<T: Copy>(
    rows: &[T],
    of: impl Fn(T) -> (&'static str, &'static str),
    owner: &str,
    field: &str,
) -> Option<T> {
    let find = |owner: &str, field: &str| rows.iter().copied().find(|row| of(*row) == (owner, field));
    find(owner, field).or_else(|| find("*", field)).or_else(|| find(owner, "*"))
}

/// The fields of an object or interface.
fn fields(definition: &TypeDefinition) -> Option<Vec<&FieldDefinition>> {
    let fields = match &definition.kind {
        TypeKind::Object(object) => &object.fields,
        TypeKind::Interface(interface) => &interface.fields,
        _ => return None,
    };
    Some(fields.iter().map(|field| &field.node).collect())
}

fn definitions(document: &ServiceDocument) -> impl Iterator<Item = &TypeDefinition> {
    document.definitions.iter().filter_map(|definition| match definition {
        TypeSystemDefinition::Type(definition) => Some(&definition.node),
        _ => None,
    })
}

fn quoted(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    format!("[{}]", names.join(", "))
}

fn sliced(assumed: Option<i32>, arguments: &[&str], below: &[&str]) -> String {
    let mut text = String::from(" @listSize(");
    if let Some(assumed) = assumed {
        let _ = write!(text, "assumedSize: {assumed}, ");
    }
    let _ = write!(text, "slicingArguments: {}", quoted(arguments));
    if !below.is_empty() {
        let _ = write!(text, ", sizedFields: {}", quoted(below));
    }
    text + ", requireOneSlicingArgument: false)"
}

/// The directives of a field.
fn of_field(owner: &str, field: &FieldDefinition, composite: &dyn Fn(&str) -> bool) -> String {
    let name = field.name.node.as_str();
    let mut text = String::new();
    if let Some((_, _, weight)) = row(FIELDS, |(owner, field, _)| (owner, field), owner, name) {
        let _ = write!(text, " @cost(weight: \"{weight}\")");
    }
    let has = |argument: &str| field.arguments.iter().any(|given| given.node.name.node == argument);
    let (answered, is_list) = item(&field.ty.node);
    if let Some((_, _, argument, below)) = SLICED.iter().find(|row| (row.0, row.1) == (owner, name)) {
        text += &sliced(None, &[argument], below);
    } else if !is_list && answered.ends_with("Connection") && has("first") {
        let arguments: &[&str] = if has("last") { &["first", "last"] } else { &["first"] };
        text += &sliced(Some(DEFAULT_PAGE), arguments, &["nodes", "edges"]);
    } else if is_list
        && composite(answered)
        && let Some((_, _, length)) = row(LENGTHS, |(owner, field, _)| (owner, field), owner, name)
    {
        let _ = write!(text, " @listSize(assumedSize: {length})");
    }
    text
}

/// The byte offset of a position in a text.
fn place(text: &str, lines: &[usize], at: Pos) -> Option<usize> {
    let start = *lines.get(at.line.checked_sub(1)?)?;
    let (offset, _) = text.get(start..)?.char_indices().nth(at.column.checked_sub(1)?)?;
    Some(start + offset)
}

/// The schema with the cost directives.
///
/// # Panics
/// If the text is not a schema. It always is, because the library has written it.
#[expect(clippy::expect_used, reason = "the text comes from the library that reads it; every test runs this")]
pub(super) fn priced(sdl: &str) -> String {
    let document = parse_schema(sdl).expect("the schema that was written can be read");
    let lines: Vec<usize> = std::iter::once(0).chain(sdl.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let find = |at: Pos| place(sdl, &lines, at).expect("what was read stands somewhere");
    let composite = |name: &str| {
        definitions(&document).any(|definition| {
            definition.name.node == name
                && matches!(
                    definition.kind,
                    TypeKind::Object(_) | TypeKind::Interface(_) | TypeKind::Union(_)
                )
        })
    };
    let mut insertions: Vec<(usize, String)> = Vec::new();
    for definition in definitions(&document) {
        let (name, Some(fields)) = (definition.name.node.as_str(), fields(definition)) else { continue };
        let light = (LIGHT.contains(&name) || name.ends_with("Edge")).then_some("0.1");
        let heavy = HEAVY.iter().find(|(heavy, _)| *heavy == name).map(|(_, weight)| *weight);
        if let Some(weight) = light.or(heavy) {
            let start = find(definition.name.pos);
            let brace = sdl[start..].find(" {").expect("a type has fields");
            insertions.push((start + brace, format!(" @cost(weight: \"{weight}\")")));
        }
        for field in fields {
            let text = of_field(name, field, &composite);
            if !text.is_empty() {
                let end = find(field.ty.pos) + field.ty.node.to_string().len();
                insertions.push((end, text));
            }
        }
    }
    // The definitions go with those of other directives, before the `schema` block.
    let definitions = sdl.rfind("\nschema {").map_or(sdl.len(), |at| at + 1);
    insertions.push((definitions, DEFINITIONS.to_owned()));
    insertions.sort_by_key(|(at, _)| *at);
    let mut text = String::with_capacity(sdl.len() + 16 * 1024);
    let mut from = 0;
    for (at, insertion) in insertions {
        text.push_str(&sdl[from..at]);
        text.push_str(&insertion);
        from = at;
    }
    text + &sdl[from..]
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Calls `see` with each field of each object and interface, and whether the field answers objects.
    fn walk(mut see: impl FnMut(&str, &FieldDefinition, bool)) {
        let document = parse_schema(crate::schema::sdl()).unwrap();
        let composite: HashSet<&str> = definitions(&document)
            .filter(|one| {
                matches!(one.kind, TypeKind::Object(_) | TypeKind::Interface(_) | TypeKind::Union(_))
            })
            .map(|one| one.name.node.as_str())
            .collect();
        for definition in definitions(&document) {
            for field in fields(definition).unwrap_or_default() {
                see(&definition.name.node, field, composite.contains(item(&field.ty.node).0));
            }
        }
    }

    fn directive(field: &FieldDefinition, name: &str) -> Option<String> {
        let found = field.directives.iter().find(|directive| directive.node.name.node == name)?;
        let arguments =
            found.node.arguments.iter().map(|(name, value)| format!("{}: {}", name.node, value.node));
        Some(arguments.collect::<Vec<_>>().join(", "))
    }

    #[test]
    fn every_list_of_objects_has_a_size() {
        let mut sized = HashSet::new();
        walk(|_, field, _| {
            let size = directive(field, "listSize").unwrap_or_default();
            for below in ["nodes", "edges", "changes", "links", "calls"] {
                if size.split("sizedFields").nth(1).is_some_and(|text| text.contains(&format!("\"{below}\"")))
                {
                    sized.insert(format!("{}.{below}", item(&field.ty.node).0));
                }
            }
        });
        let mut missing = Vec::new();
        walk(|owner, field, composite| {
            let path = format!("{owner}.{}", field.name.node);
            if item(&field.ty.node).1
                && composite
                && directive(field, "listSize").is_none()
                && !sized.contains(&path)
            {
                missing.push(path);
            }
        });
        assert!(missing.is_empty(), "say in LENGTHS how long these lists are: {}", missing.join(", "));
    }

    #[test]
    fn every_row_is_about_something() {
        let mut types = HashSet::new();
        let (mut fields, mut lists) = (HashSet::new(), HashSet::new());
        walk(|owner, field, _| {
            types.insert(owner.to_owned());
            for owner in [owner, "*"] {
                let names = [field.name.node.as_str(), "*"].map(|name| (owner.to_owned(), name.to_owned()));
                fields.extend(names.clone());
                if item(&field.ty.node).1 {
                    lists.extend(names);
                }
            }
        });
        let key = |owner: &str, field: &str| (owner.to_owned(), field.to_owned());
        for name in LIGHT.iter().chain(HEAVY.iter().map(|(name, _)| name)) {
            assert!(types.contains(*name), "there is no type {name}");
        }
        for (owner, field, _) in FIELDS {
            assert!(fields.contains(&key(owner, field)), "there is no field {owner}.{field}");
        }
        for (owner, field, _) in LENGTHS {
            assert!(lists.contains(&key(owner, field)), "there is no list {owner}.{field}");
        }
        for (owner, field, ..) in SLICED {
            assert!(fields.contains(&key(owner, field)), "there is no field {owner}.{field}");
        }
    }

    #[test]
    fn the_prices_stand_where_they_belong() {
        let mut found = Vec::new();
        walk(|owner, field, _| {
            let path = format!("{owner}.{}", field.name.node);
            let of = |name| directive(field, name);
            if ["Query.organizations", "Organization.claims", "Mutation.signOut", "Query.search"]
                .contains(&path.as_str())
            {
                found.push((path, of("cost"), of("listSize")));
            }
        });
        let page = r#"assumedSize: 20, slicingArguments: ["first", "last"], sizedFields: ["nodes", "edges"], requireOneSlicingArgument: false"#;
        let search = page.replace(r#", "last""#, "");
        let text = |text: &str| Some(text.to_owned());
        found.sort();
        assert_eq!(
            found,
            [
                ("Mutation.signOut".to_owned(), text("weight: \"10\""), None),
                ("Organization.claims".to_owned(), None, text("assumedSize: 3")),
                ("Query.organizations".to_owned(), None, text(page)),
                ("Query.search".to_owned(), text("weight: \"10\""), Some(search)),
            ]
        );
    }
}
