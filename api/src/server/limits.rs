//! What a document may cost, measured before anything is done with it.
//!
//! Validation walks fragments at every place where they are spread. A document of one kilobyte can so stand for
//! millions of fields and hold a worker for good; here each fragment is measured once.

use std::collections::HashMap;

use async_graphql::Pos;
use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};

use super::refusal::RequestError;
use crate::record::error::Code;

/// Fields within fields.
const MAX_DEPTH: usize = 12;
/// Fields and fragments within each other. The library stops at this depth without saying so.
const MAX_NESTING: usize = 31;
/// Selections of a document with its fragments written out.
const MAX_SELECTIONS: u64 = 10_000;
/// Fragments of a document.
const MAX_FRAGMENTS: usize = 100;
/// Fields within fields of introspection: the usual introspection query has 15.
const MAX_INTROSPECTION_DEPTH: usize = 20;
/// Lists within lists of introspection; every further one multiplies the answer by the size of the schema.
const MAX_INTROSPECTION_LISTS: usize = 2;
/// The fields of introspection that are such lists.
const INTROSPECTION_LISTS: [&str; 4] = ["fields", "interfaces", "possibleTypes", "inputFields"];

/// What a selection set adds up to.
#[derive(Clone, Copy, Debug, Default)]
struct Measure {
    selections: u64,
    depth: usize,
    nesting: usize,
    lists: usize,
    introspects: bool,
}

impl Measure {
    fn add(&mut self, other: Self) {
        self.selections = self.selections.saturating_add(other.selections);
        self.depth = self.depth.max(other.depth);
        self.nesting = self.nesting.max(other.nesting);
        self.lists = self.lists.max(other.lists);
        self.introspects |= other.introspects;
    }
}

/// Checks a document against the limits.
///
/// # Errors
/// `QUERY_TOO_COMPLEX` that names the limit, or `GRAPHQL_VALIDATION_FAILED` for a fragment within itself, and for
/// introspection where it is switched off.
pub(super) fn check(document: &ExecutableDocument, introspection: bool) -> Result<(), RequestError> {
    if document.fragments.len() > MAX_FRAGMENTS {
        let count = document.fragments.len();
        let message = format!("The document has {count} fragments: at most {MAX_FRAGMENTS} are allowed.");
        return Err(RequestError::new(Code::QueryTooComplex, message));
    }
    let mut ruler = Ruler { document, measured: HashMap::new() };
    let mut whole = Measure::default();
    for (_, operation) in document.operations.iter() {
        whole.add(ruler.measure(&operation.node.selection_set.node)?);
    }
    // Fragments that nothing spreads are walked by validation as well.
    for name in document.fragments.keys() {
        ruler.fragment(name)?;
    }
    let too_much = |message: String| Err(RequestError::new(Code::QueryTooComplex, message));
    if whole.selections > MAX_SELECTIONS {
        return too_much(too_many());
    }
    if whole.depth > MAX_DEPTH {
        return too_much(format!(
            "The document has fields {} levels deep: at most {MAX_DEPTH} are allowed.",
            whole.depth
        ));
    }
    if whole.nesting > MAX_NESTING {
        return too_much(format!(
            "Fields and fragments lie {} levels deep in each other: at most {MAX_NESTING} are allowed.",
            whole.nesting
        ));
    }
    if whole.introspects && !introspection {
        let message = "Introspection is switched off on this server.";
        return Err(RequestError::new(Code::GraphqlValidationFailed, message));
    }
    Ok(())
}

fn too_many() -> String {
    format!("With its fragments written out the document has more than {MAX_SELECTIONS} fields.")
}

struct Ruler<'a> {
    document: &'a ExecutableDocument,
    /// Nothing stands for a fragment that is being measured.
    measured: HashMap<&'a str, Option<Measure>>,
}

impl<'a> Ruler<'a> {
    fn measure(&mut self, set: &'a SelectionSet) -> Result<Measure, RequestError> {
        let mut sum = Measure::default();
        for item in &set.items {
            let one = match &item.node {
                Selection::Field(field) => {
                    let below = self.measure(&field.node.selection_set.node)?;
                    let nesting =
                        if field.node.selection_set.node.items.is_empty() { 0 } else { below.nesting + 1 };
                    self.field(&field.node.name.node, Measure { nesting, ..below }, item.pos)?
                }
                Selection::InlineFragment(fragment) => {
                    let below = self.measure(&fragment.node.selection_set.node)?;
                    Measure {
                        selections: below.selections.saturating_add(1),
                        nesting: below.nesting + 1,
                        ..below
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let below = self.fragment(&spread.node.fragment_name.node)?;
                    Measure {
                        selections: below.selections.saturating_add(1),
                        nesting: below.nesting + 1,
                        ..below
                    }
                }
            };
            sum.add(one);
            if sum.selections > MAX_SELECTIONS {
                return Err(RequestError::new(Code::QueryTooComplex, too_many()));
            }
        }
        Ok(sum)
    }

    #[expect(clippy::unused_self, reason = "reads as the other two")]
    fn field(&self, name: &str, below: Measure, at: Pos) -> Result<Measure, RequestError> {
        let selections = below.selections.saturating_add(1);
        if !matches!(name, "__schema" | "__type") {
            let lists = below.lists + usize::from(INTROSPECTION_LISTS.contains(&name));
            return Ok(Measure { selections, depth: below.depth + 1, lists, ..below });
        }
        if below.depth > MAX_INTROSPECTION_DEPTH || below.lists > MAX_INTROSPECTION_LISTS {
            let message = format!(
                "Introspection may be {MAX_INTROSPECTION_DEPTH} levels deep, with at most \
                 {MAX_INTROSPECTION_LISTS} of `fields`, `interfaces`, `possibleTypes` and `inputFields` in each other. \
                 The whole schema as text is at /schema.graphql."
            );
            return Err(RequestError::at(Code::QueryTooComplex, message, at));
        }
        // Counted apart: the usual introspection query is deeper than any other has to be.
        Ok(Measure { selections, depth: 1, nesting: below.nesting, lists: 0, introspects: true })
    }

    fn fragment(&mut self, name: &str) -> Result<Measure, RequestError> {
        // An unknown fragment is named by validation.
        let Some((name, fragment)) = self.document.fragments.get_key_value(name) else {
            return Ok(Measure::default());
        };
        match self.measured.get(name.as_str()) {
            Some(Some(measure)) => return Ok(*measure),
            Some(None) => {
                let message = format!("The fragment `{name}` contains itself.");
                return Err(RequestError::at(Code::GraphqlValidationFailed, message, fragment.pos));
            }
            None => {}
        }
        self.measured.insert(name, None);
        let measure = self.measure(&fragment.node.selection_set.node)?;
        self.measured.insert(name, Some(measure));
        Ok(measure)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use async_graphql::parser::parse_query;

    use super::*;

    fn code(text: &str) -> Option<Code> {
        check(&parse_query(text).unwrap(), true).err().map(|error| error.code)
    }

    #[test]
    fn ordinary_documents_pass() {
        assert_eq!(code("{ regions { slug territories { slug parent { slug } } } }"), None);
        assert_eq!(code("{ a: regions { ...R } b: regions { ...R } } fragment R on Region { slug }"), None);
    }

    #[test]
    fn doubling_fragments_are_counted_without_being_written_out() {
        let mut text = String::from("{ ...F0 }");
        for n in 0..60 {
            let _ = write!(text, " fragment F{n} on Query {{ ...F{0} ...F{0} }}", n + 1);
        }
        text.push_str(" fragment F60 on Query { __typename }");
        assert_eq!(code(&text), Some(Code::QueryTooComplex));
        let unused = text.replacen("...F0", "__typename", 1);
        assert_eq!(code(&unused), Some(Code::QueryTooComplex));
    }

    #[test]
    fn fragments_within_themselves_are_refused() {
        let text = "{ ...A } fragment A on Query { ...B ...B } fragment B on Query { ...A ...A }";
        assert_eq!(code(text), Some(Code::GraphqlValidationFailed));
    }

    #[test]
    fn depth_ends_at_the_limit() {
        let nested =
            |levels: usize| format!("{{ {}x{} }}", "x { ".repeat(levels - 1), " }".repeat(levels - 1));
        assert_eq!(code(&nested(MAX_DEPTH)), None);
        assert_eq!(code(&nested(MAX_DEPTH + 1)), Some(Code::QueryTooComplex));
        let wrapped = |levels: usize| format!("{{ {}x{} }}", "... { ".repeat(levels), " }".repeat(levels));
        assert_eq!(code(&wrapped(MAX_NESTING)), None);
        assert_eq!(code(&wrapped(MAX_NESTING + 1)), Some(Code::QueryTooComplex));
    }

    #[test]
    fn introspection_has_a_limit_of_its_own() {
        let types = "ofType { ".repeat(12) + "name" + &" }".repeat(12);
        assert_eq!(code(&format!("{{ __schema {{ types {{ fields {{ type {{ {types} }} }} }} }} }}")), None);
        let circular = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }";
        assert_eq!(code(circular), Some(Code::QueryTooComplex));
        let off = check(&parse_query("{ __schema { types { name } } }").unwrap(), false);
        assert_eq!(off.unwrap_err().code, Code::GraphqlValidationFailed);
    }
}
