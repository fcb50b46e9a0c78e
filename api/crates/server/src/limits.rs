//! The limits of a document, checked before validation.
//!
//! Validation walks a fragment at every place where it is spread. So a document of one kilobyte can expand to millions
//! of fields and occupy a worker for ever. Here each fragment is measured once.

use std::collections::HashMap;
use std::time::Duration;

use apollo_compiler::Node;
use apollo_compiler::ast::{DirectiveList, Document, FragmentDefinition, Selection};
use async_graphql::{Pos, Variables};
use async_graphql_value::ConstValue;

use super::compile::Positions;
use super::refusal::RequestError;
use kernel::error::Code;
use kernel::page::MAX_PAGE;

/// The limits of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The maximum size of a body in bytes.
    pub body: usize,
    /// The maximum size of a document in bytes.
    pub document: usize,
    /// The maximum number of tokens in a document: names, values and punctuators.
    pub tokens: usize,
    /// The maximum number of aliases in the text of a document.
    pub aliases: usize,
    /// The maximum number of directives in the text of a document.
    pub directives: usize,
    /// The maximum depth of fields. Introspection has a limit of its own.
    pub depth: usize,
    /// The maximum number of operations in a document.
    pub operations: usize,
    /// The maximum number of named fragments in a document.
    pub fragments: usize,
    /// The maximum number of fragment spreads in a document with its fragments expanded.
    pub spreads: u64,
    /// The maximum cost of an operation in points.
    pub cost: u64,
    /// The maximum number of items on a page, at most that of the schema.
    pub page: u32,
    /// The maximum number of errors in a response. Further ones are left out.
    pub errors: usize,
    /// The time-out of a request.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 4 * 1024 * 1024,
            document: 32 * 1024,
            tokens: 2000,
            aliases: 30,
            directives: 50,
            depth: 12,
            operations: 10,
            fragments: 100,
            spreads: 500,
            cost: 5000,
            page: MAX_PAGE.unsigned_abs(),
            errors: 20,
            time: Duration::from_secs(10),
        }
    }
}

/// The maximum number of values in variables times the number of arguments that use variables.
const MAX_VALUES: u64 = 1_000_000;
/// The maximum nesting of fields and fragments. The library silently stops at this depth.
const MAX_NESTING: usize = 31;
/// The maximum number of selections in a document with its fragments expanded.
const MAX_SELECTIONS: u64 = 10_000;
/// The maximum depth of introspection fields. The usual introspection query has 15 levels.
const MAX_INTROSPECTION_DEPTH: usize = 20;
/// The maximum nesting of lists in introspection: each further one multiplies the response by the size of the schema.
const MAX_INTROSPECTION_LISTS: usize = 2;
/// The introspection fields that are such lists.
const INTROSPECTION_LISTS: [&str; 4] = ["fields", "interfaces", "possibleTypes", "inputFields"];

fn too_much<T>(message: String) -> Result<T, RequestError> {
    Err(RequestError::new(Code::QueryTooComplex, message))
}

/// Checks the text of a document before it is parsed.
///
/// # Errors
/// `QUERY_TOO_COMPLEX` that names the limit.
pub(super) fn check_text(text: &str, limits: &Limits) -> Result<(), RequestError> {
    if text.len() > limits.document {
        return too_much(format!(
            "The document has {} bytes: at most {} are allowed. Send values as variables.",
            text.len(),
            limits.document
        ));
    }
    if tokens(text, limits.tokens) > limits.tokens {
        return too_much(format!(
            "The document has more than {} tokens. Send values as variables.",
            limits.tokens
        ));
    }
    Ok(())
}

/// Checks the size of variables times their number of uses, as async-graphql copies a value for each use.
///
/// # Errors
/// `QUERY_TOO_COMPLEX`.
pub(super) fn check_values(uses: u64, variables: &Variables) -> Result<(), RequestError> {
    let values: u64 = variables.values().map(values).sum();
    if values.saturating_mul(uses) > MAX_VALUES {
        return too_much(format!(
            "The variables hold {values} values, and are used {uses} times: the one times the other may be {MAX_VALUES}. \
             Send fewer at once."
        ));
    }
    Ok(())
}

/// Counts a value and all values in it.
fn values(value: &ConstValue) -> u64 {
    match value {
        ConstValue::List(items) => items.iter().map(values).sum::<u64>() + 1,
        ConstValue::Object(members) => members.values().map(values).sum::<u64>() + 1,
        _ => 1,
    }
}

/// Counts the tokens of a text, and stops after `enough`. Invalid characters count as tokens, as the parser reports
/// them.
fn tokens(text: &str, enough: usize) -> usize {
    let mut rest = text.as_bytes();
    let mut count = 0;
    while !rest.is_empty() {
        let (length, counts) = token(rest);
        count += usize::from(counts);
        if count > enough {
            break;
        }
        rest = &rest[length..];
    }
    count
}

/// The length in bytes of the first token of a text that is not empty, and whether it is significant (not white space,
/// a comma or a comment).
pub(super) fn token(rest: &[u8]) -> (usize, bool) {
    let run = |rest: &[u8], belongs: fn(u8) -> bool| {
        rest.iter().position(|byte| !belongs(*byte)).unwrap_or(rest.len())
    };
    match rest {
        [b' ' | b'\t' | b'\r' | b'\n' | b',', ..] => (1, false),
        // The byte order mark, at any position.
        [0xef, 0xbb, 0xbf, ..] => (3, false),
        [b'#', ..] => (run(rest, |byte| !matches!(byte, b'\r' | b'\n')), false),
        [b'"', ..] => (string(rest), true),
        [b'.', ..] => (run(rest, |byte| byte == b'.').min(3), true),
        [b'-' | b'0'..=b'9', after @ ..] => {
            let digits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-' | b'_');
            (1 + run(after, digits), true)
        }
        [first, ..] if first.is_ascii_alphabetic() || *first == b'_' => {
            (run(rest, |byte| byte.is_ascii_alphanumeric() || byte == b'_'), true)
        }
        _ => (1, true),
    }
}

/// The length in bytes of the string literal at the beginning of a text.
fn string(text: &[u8]) -> usize {
    let block = text.starts_with(b"\"\"\"");
    let (quotes, escape): (&[u8], &[u8]) = if block { (b"\"\"\"", b"\\\"\"\"") } else { (b"\"", b"\\") };
    let mut at = quotes.len();
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(escape) {
            // In a block string only `"""` can be escaped, in other strings any character.
            at += if block { escape.len() } else { 2 };
        } else if rest.starts_with(quotes) {
            return at + quotes.len();
        } else if !block && matches!(rest[0], b'\n' | b'\r') {
            return at;
        } else {
            at += 1;
        }
    }
    text.len()
}

/// The measure of a selection set.
#[derive(Clone, Copy, Debug, Default)]
struct Measure {
    selections: u64,
    spreads: u64,
    depth: usize,
    nesting: usize,
    lists: usize,
    introspects: bool,
}

impl Measure {
    fn add(&mut self, other: Self) {
        self.selections = self.selections.saturating_add(other.selections);
        self.spreads = self.spreads.saturating_add(other.spreads);
        self.depth = self.depth.max(other.depth);
        self.nesting = self.nesting.max(other.nesting);
        self.lists = self.lists.max(other.lists);
        self.introspects |= other.introspects;
    }

    /// The measure within one more fragment.
    fn wrapped(self, spreads: u64) -> Self {
        Self {
            selections: self.selections.saturating_add(1),
            spreads: self.spreads.saturating_add(spreads),
            nesting: self.nesting + 1,
            ..self
        }
    }
}

/// Checks a parsed document against the limits, before it is validated. Returns the number of its selections with its
/// fragments expanded.
///
/// # Errors
/// `QUERY_TOO_COMPLEX` with the name of the limit, or `GRAPHQL_VALIDATION_FAILED` for a fragment that contains itself,
/// or for introspection if it is switched off.
pub(super) fn check(
    document: &Document,
    positions: &Positions<'_>,
    limits: &Limits,
    introspection: bool,
) -> Result<u64, RequestError> {
    Ruler::new(document, positions, limits).document(introspection)
}

/// Checks the number of fields and fragments of an executable form.
///
/// # Errors
/// `QUERY_TOO_COMPLEX`.
pub(super) fn check_written(selections: u64) -> Result<(), RequestError> {
    if selections > MAX_SELECTIONS { Err(too_much_written()) } else { Ok(()) }
}

/// The error of a document that expands to too many fields.
pub(super) fn too_much_written() -> RequestError {
    let message =
        format!("With its fragments written out the document has more than {MAX_SELECTIONS} fields.");
    RequestError::new(Code::QueryTooComplex, message)
}

struct Ruler<'a> {
    document: &'a Document,
    fragments: HashMap<&'a str, &'a Node<FragmentDefinition>>,
    positions: &'a Positions<'a>,
    limits: &'a Limits,
    /// The measure of each fragment; `None` while it is being measured.
    measured: HashMap<&'a str, Option<Measure>>,
    /// The number of visited fields, fragments and spreads: each of the document once.
    visited: usize,
    aliases: usize,
    directives: usize,
    /// The number of enclosing selection sets.
    within: usize,
}

impl<'a> Ruler<'a> {
    fn new(document: &'a Document, positions: &'a Positions<'a>, limits: &'a Limits) -> Self {
        let fragments = document.definitions.iter().filter_map(|one| one.as_fragment_definition());
        Self {
            document,
            fragments: fragments.map(|fragment| (fragment.name.as_str(), fragment)).collect(),
            positions,
            limits,
            measured: HashMap::new(),
            visited: 0,
            aliases: 0,
            directives: 0,
            within: 0,
        }
    }

    fn document(&mut self, introspection: bool) -> Result<u64, RequestError> {
        let (document, limits) = (self.document, self.limits);
        let operations = || document.definitions.iter().filter_map(|one| one.as_operation_definition());
        let count = operations().count();
        if count > limits.operations {
            let most = limits.operations;
            return too_much(format!("The document has {count} operations: at most {most} are allowed."));
        }
        let count = document.definitions.len() - count;
        if count > limits.fragments {
            let most = limits.fragments;
            return too_much(format!("The document has {count} fragments: at most {most} are allowed."));
        }
        let mut whole = Measure::default();
        for operation in operations() {
            self.count_directives(&operation.directives)?;
            for variable in &operation.variables {
                self.count_directives(&variable.directives)?;
            }
            whole.add(self.measure(&operation.selection_set)?);
            self.check(whole)?;
        }
        // Validation also walks unused fragments.
        for definition in document.definitions.iter().filter_map(|one| one.as_fragment_definition()) {
            let measure = self.fragment(&definition.name)?;
            self.check(measure)?;
            whole.introspects |= measure.introspects;
        }
        if whole.depth > limits.depth {
            return too_much(format!(
                "The document has fields {} levels deep: at most {} are allowed.",
                whole.depth, limits.depth
            ));
        }
        if whole.nesting > MAX_NESTING {
            return too_much(too_nested());
        }
        if whole.introspects && !introspection {
            let message = "Introspection is switched off on this server.";
            return Err(RequestError::new(Code::GraphqlValidationFailed, message));
        }
        Ok(whole.selections)
    }

    /// Checks the counts that fragments multiply, while they are summed up.
    fn check(&self, sum: Measure) -> Result<(), RequestError> {
        if sum.spreads > self.limits.spreads {
            let most = self.limits.spreads;
            return too_much(format!(
                "With its fragments written out the document has more than {most} of them."
            ));
        }
        check_written(sum.selections)
    }

    fn count_directives(&mut self, directives: &DirectiveList) -> Result<(), RequestError> {
        self.directives += directives.len();
        let most = self.limits.directives;
        if self.directives > most {
            return too_much(format!("The document has more than {most} directives."));
        }
        Ok(())
    }

    fn measure(&mut self, set: &'a [Selection]) -> Result<Measure, RequestError> {
        // Deeper selection sets are not entered, to protect the stack.
        if self.within > MAX_NESTING + 1 {
            return too_much(too_nested());
        }
        self.within += 1;
        let mut sum = Measure::default();
        for selection in set {
            self.visited += 1;
            let one = match selection {
                Selection::Field(field) => {
                    self.count_directives(&field.directives)?;
                    self.count_alias(field.alias.is_some())?;
                    let set = field.selection_set.as_deref().unwrap_or_default();
                    let below = self.measure(set)?;
                    let nesting = if set.is_empty() { 0 } else { below.nesting + 1 };
                    let at = self.positions.of(field.location());
                    of_field(&field.name, Measure { nesting, ..below }, at)?
                }
                Selection::InlineFragment(fragment) => {
                    self.count_directives(&fragment.directives)?;
                    self.measure(&fragment.selection_set)?.wrapped(0)
                }
                Selection::FragmentSpread(spread) => {
                    self.count_directives(&spread.directives)?;
                    self.fragment(&spread.fragment_name)?.wrapped(1)
                }
            };
            sum.add(one);
            self.check(sum)?;
        }
        self.within -= 1;
        Ok(sum)
    }

    fn count_alias(&mut self, is_one: bool) -> Result<(), RequestError> {
        self.aliases += usize::from(is_one);
        let most = self.limits.aliases;
        if self.aliases > most {
            return too_much(format!("The document has more than {most} aliases."));
        }
        Ok(())
    }

    fn fragment(&mut self, name: &str) -> Result<Measure, RequestError> {
        // Unknown fragments are reported by validation.
        let Some((&name, &fragment)) = self.fragments.get_key_value(name) else {
            return Ok(Measure::default());
        };
        match self.measured.get(name) {
            Some(Some(measured)) => return Ok(*measured),
            Some(None) => {
                let message = format!("The fragment `{name}` contains itself.");
                let at = self.positions.of(fragment.location());
                return Err(RequestError::at(Code::GraphqlValidationFailed, message, at));
            }
            None => {}
        }
        self.measured.insert(name, None);
        self.count_directives(&fragment.directives)?;
        let measured = self.measure(&fragment.selection_set)?;
        self.measured.insert(name, Some(measured));
        Ok(measured)
    }
}

fn too_nested() -> String {
    format!("Fields and fragments lie too deep in each other: at most {MAX_NESTING} levels are allowed.")
}

/// Adds a field to the measure of its selection set.
fn of_field(name: &str, below: Measure, at: Pos) -> Result<Measure, RequestError> {
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
    // The depth of introspection does not count: the usual introspection query is deeper than others need to be.
    Ok(Measure {
        selections,
        spreads: below.spreads,
        depth: 1,
        nesting: below.nesting,
        lists: 0,
        introspects: true,
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::super::compile::parse;
    use super::*;

    fn checked(text: &str, limits: &Limits) -> Result<u64, RequestError> {
        let positions = Positions::new(text);
        check(&parse(text, &positions)?, &positions, limits, true)
    }

    fn code(text: &str) -> Option<Code> {
        checked(text, &Limits::default()).err().map(|error| error.code)
    }

    #[test]
    fn ordinary_documents_pass() {
        assert_eq!(code("{ regions { slug territories { slug parent { slug } } } }"), None);
        assert_eq!(code("{ a: regions { ...R } b: regions { ...R } } fragment R on Region { slug }"), None);
    }

    /// A document of fragments that each spread the next one twice.
    fn doubling(count: usize) -> String {
        let mut text = String::from("{ ...F0 }");
        for n in 0..count {
            let _ = write!(text, " fragment F{n} on Query {{ ...F{0} ...F{0} }}", n + 1);
        }
        let _ = write!(text, " fragment F{count} on Query {{ __typename }}");
        text
    }

    #[test]
    fn doubling_fragments_are_counted_without_being_written_out() {
        for count in [12, 28, 60] {
            let text = doubling(count);
            assert_eq!(code(&text), Some(Code::QueryTooComplex));
            let unused = text.replacen("...F0", "__typename", 1);
            assert_eq!(code(&unused), Some(Code::QueryTooComplex));
        }
        assert_eq!(code(&doubling(7)), None, "254 spreads");
    }

    #[test]
    fn what_doubles_takes_no_more_work_than_it_is_long() {
        let (text, limits) = (doubling(28), Limits::default());
        let positions = Positions::new(&text);
        let document = parse(&text, &positions).unwrap();
        let mut ruler = Ruler::new(&document, &positions, &limits);
        assert_eq!(ruler.document(true).unwrap_err().code, Code::QueryTooComplex);
        // Each selection counts once: the spread in the operation, two in each fragment, and a field.
        assert!(ruler.visited <= 1 + 2 * 28 + 1, "{} were visited", ruler.visited);
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
        assert_eq!(code(&nested(12)), None);
        assert_eq!(code(&nested(13)), Some(Code::QueryTooComplex));
        let wrapped = |levels: usize| format!("{{ {}x{} }}", "... { ".repeat(levels), " }".repeat(levels));
        assert_eq!(code(&wrapped(MAX_NESTING)), None);
        assert_eq!(code(&wrapped(MAX_NESTING + 1)), Some(Code::QueryTooComplex));
        assert_eq!(code(&wrapped(50)), Some(Code::QueryTooComplex));
    }

    #[test]
    fn each_limit_is_named() {
        let limits = Limits {
            aliases: 1,
            directives: 2,
            operations: 1,
            fragments: 1,
            spreads: 2,
            tokens: 30,
            document: 200,
            ..Limits::default()
        };
        for (text, word) in [
            ("{ a: x b: y }", Some("1 aliases")),
            ("{ a: x y }", None),
            ("query($a: Int @skip) @skip { z @skip(if: true) }", Some("2 directives")),
            ("{ ... @skip { z @include } }", None),
            ("{ ...F } fragment F on Query @skip { z @skip @include }", Some("2 directives")),
            ("query A { x } query B { x }", Some("1 are allowed")),
            ("{ ...F ...G } fragment F on Q { x } fragment G on Q { x }", Some("2 fragments")),
            ("{ ...F ...F } fragment F on Q { x }", None),
            ("{ ...F ...F ...F } fragment F on Q { x }", Some("more than 2")),
        ] {
            let error = check_text(text, &limits).and_then(|()| checked(text, &limits).map(drop)).err();
            let message = error.map(|error| error.message);
            assert_eq!(message.is_some(), word.is_some(), "{text}: {message:?}");
            assert!(word.is_none_or(|word| message.unwrap_or_default().contains(word)), "{text}");
        }
        let message = |text: &str| check_text(text, &limits).unwrap_err().message;
        assert!(message(&"x ".repeat(31)).contains("30 tokens"));
        assert!(message(&" ".repeat(201)).contains("201 bytes"));
    }

    #[test]
    fn tokens_are_counted_as_the_specification_does() {
        for (text, count) in [
            ("", 0),
            (" ,\t\r\n\u{feff}", 0),
            ("{ a }", 3),
            ("# { a } b\n{ a }", 3),
            ("{a:b(c:-1.5e+3,d:[1 2],e:$f)@g}", 22),
            ("...A ... on B", 5),
            (r#"(a: "x \" y", b: """x " \""" y""")"#, 8),
            ("\"unfinished\n x", 2),
            ("\"unfinished", 1),
            ("\"\"\"unfinished \"", 1),
            ("\"\" \"\"\"\"\"\"", 2),
            ("é", 2),
        ] {
            assert_eq!(tokens(text, 1000), count, "{text}");
        }
        assert_eq!(tokens(&"[".repeat(1_000_000), 10), 11, "counting stops after `enough` tokens");
    }

    #[test]
    fn introspection_has_a_limit_of_its_own() {
        let types = "ofType { ".repeat(12) + "name" + &" }".repeat(12);
        assert_eq!(code(&format!("{{ __schema {{ types {{ fields {{ type {{ {types} }} }} }} }} }}")), None);
        let circular = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }";
        assert_eq!(code(circular), Some(Code::QueryTooComplex));
        let text = "{ __schema { types { name } } }";
        let positions = Positions::new(text);
        let off = check(&parse(text, &positions).unwrap(), &positions, &Limits::default(), false);
        assert_eq!(off.unwrap_err().code, Code::GraphqlValidationFailed);
    }
}
