//! The parser of documents.

use apollo_compiler::ast::{Definition, Document, Selection};
use apollo_compiler::diagnostic::ToCliReport as _;
use apollo_compiler::parser::{Parser, SourceSpan};
use async_graphql::Pos;

use super::super::limits;
use super::super::refusal::RequestError;
use kernel::error::Code;

/// The maximum nesting of the syntax, which bounds the stack.
const MAX_RECURSION: usize = 500;

/// The lines and columns of a text.
#[derive(Debug)]
pub(crate) struct Positions<'a> {
    text: &'a str,
    /// The offsets at which lines begin.
    lines: Vec<usize>,
}

impl<'a> Positions<'a> {
    /// Finds the lines of a text.
    pub(crate) fn new(text: &'a str) -> Self {
        let bytes = text.as_bytes();
        let mut lines = vec![0];
        for (at, byte) in bytes.iter().enumerate() {
            let ends = match byte {
                b'\n' => true,
                b'\r' => bytes.get(at + 1) != Some(&b'\n'),
                _ => false,
            };
            if ends {
                lines.push(at + 1);
            }
        }
        Self { text, lines }
    }

    /// The position where a span begins; line 0 if it is unknown.
    pub(crate) fn of(&self, span: Option<SourceSpan>) -> Pos {
        span.map_or_else(Pos::default, |span| self.at(span.offset()))
    }

    fn at(&self, offset: usize) -> Pos {
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = line.checked_sub(1).and_then(|index| self.lines.get(index)).copied().unwrap_or(0);
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count());
        Pos { line, column: column + 1 }
    }
}

/// Parses a text.
///
/// # Errors
/// `GRAPHQL_PARSE_FAILED` if the text is no executable document, `QUERY_TOO_COMPLEX` if it is nested too deeply.
pub(crate) fn parse(text: &str, positions: &Positions<'_>) -> Result<Document, RequestError> {
    let fail = |message: String, at: Pos| Err(RequestError::at(Code::GraphqlParseFailed, message, at));
    let text = match normalised(text) {
        Ok(text) => text,
        Err((offset, expected)) => {
            let message = format!("Syntax error: expected `{}` after this.", char::from(expected));
            return fail(message, positions.at(offset));
        }
    };
    let document = match Parser::new().recursion_limit(MAX_RECURSION).parse_ast(text, "document.graphql") {
        Ok(document) => document,
        Err(failed) => {
            let Some(first) = failed.errors.iter().next() else { return Err(RequestError::fault()) };
            let message = first.error.to_string();
            let at = positions.of(first.error.location());
            let Some(syntax) = message.strip_prefix("syntax error: ") else {
                let message = "The document nests too deep to be parsed.";
                return Err(RequestError::at(Code::QueryTooComplex, message, at));
            };
            return fail(format!("Syntax error: {syntax}."), at);
        }
    };
    let mut has_operation = false;
    for definition in &document.definitions {
        let set = match definition {
            Definition::OperationDefinition(operation) => {
                has_operation = true;
                &operation.selection_set
            }
            Definition::FragmentDefinition(fragment) => &fragment.selection_set,
            other => {
                let message =
                    "Syntax error: a document holds operations and fragments, and no definitions of types.";
                return fail(message.into(), positions.of(other.location()));
            }
        };
        if set.is_empty() {
            return fail(EMPTY_SET.into(), positions.of(definition.location()));
        }
        if let Some(at) = empty_set(set, positions) {
            return fail(EMPTY_SET.into(), at);
        }
    }
    if !has_operation {
        return fail("Syntax error: the document has no operation.".into(), Pos { line: 1, column: 1 });
    }
    Ok(document)
}

/// Replaces commas by spaces. Commas are insignificant, but the look-ahead of the library (0.9.0-beta.2) fails on them.
///
/// # Errors
/// Syntax that the library accepts silently: a name without a colon and a value where an argument or an input field
/// must be, or a description of a variable that no variable follows. The error has the offset of the token and the
/// expected next character.
fn normalised(text: &str) -> Result<String, (usize, u8)> {
    let mut bytes = text.as_bytes().to_vec();
    // The stack of open brackets. `o` is the brace of an input object.
    let mut within: Vec<u8> = Vec::new();
    // The first byte of the previous token, and the byte that must begin the next one.
    let (mut before, mut expected) = (b' ', None::<(usize, u8)>);
    let mut at = 0;
    while let Some(rest) = text.as_bytes().get(at..).filter(|rest| !rest.is_empty()) {
        let (length, is_significant) = limits::token(rest);
        let first = rest.first().copied().unwrap_or(b' ');
        if is_significant {
            if let Some(wrong) = expected.take().filter(|(_, sign)| *sign != first) {
                return Err(wrong);
            }
            let is_name = first.is_ascii_alphabetic() || first == b'_';
            let takes_names = matches!(within.last(), Some(b'(' | b'o'));
            if takes_names && !matches!(before, b':' | b'$' | b'=' | b'@') {
                expected = match first {
                    b'"' => Some((at, b'$')),
                    _ => is_name.then_some((at, b':')),
                };
            }
            match first {
                b'{' if matches!(before, b':' | b'=' | b'[') || matches!(within.last(), Some(b'[')) => {
                    within.push(b'o');
                }
                b'(' | b'[' | b'{' => within.push(first),
                b')' | b']' | b'}' => drop(within.pop()),
                _ => {}
            }
            before = first;
        } else if first == b','
            && let Some(byte) = bytes.get_mut(at)
        {
            *byte = b' ';
        }
        at += length;
    }
    // Only commas were replaced, so the text is still valid UTF-8.
    Ok(String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned()))
}

const EMPTY_SET: &str = "Syntax error: a selection set has at least one selection.";

/// The position of an empty selection set, which only later editions of the specification allow.
fn empty_set(set: &[Selection], positions: &Positions<'_>) -> Option<Pos> {
    set.iter().find_map(|selection| {
        let below = match selection {
            Selection::Field(field) => field.selection_set.as_deref()?,
            Selection::InlineFragment(fragment) => &fragment.selection_set,
            Selection::FragmentSpread(_) => return None,
        };
        if below.is_empty() { Some(positions.of(selection.location())) } else { empty_set(below, positions) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Option<(Code, Pos)> {
        let error = parse(text, &Positions::new(text)).err()?;
        Some((error.code, error.locations[0]))
    }

    #[test]
    fn what_is_no_executable_document_is_refused_at_its_place() {
        let at = |line, column| Some((Code::GraphqlParseFailed, Pos { line, column }));
        for (text, expected) in [
            ("{ a }", None),
            ("\"An operation.\" query A(\"A variable.\" $a: Int) { a(b: $a) }", None),
            ("{ a(b: \"\\uD83D\\uDE00 \\u{1F600}\") }", None),
            ("", at(1, 1)),
            ("# { a }", at(1, 8)),
            ("fragment F on Query { a }", at(1, 1)),
            ("{ a }\ntype Query { a: Int }", at(2, 1)),
            ("{ }", at(1, 1)),
            ("{ a {} }", at(1, 3)),
            ("{ a {\n  ... {} } }", at(2, 3)),
            ("{ a } fragment F on Query {}", at(1, 7)),
        ] {
            assert_eq!(refused(text), expected, "{text}");
        }
        for text in [
            "query(\"a\" {a: Int) { b }",
            "{ a(b) }",
            "{ a(b, c: 1) }",
            "{ a(b: {c}) }",
            "{ a(b: {c: d e}) }",
            "{ a @skip(if) }",
            "{ a(b: [{c}]) }",
        ] {
            assert_eq!(refused(text).map(|(code, _)| code), Some(Code::GraphqlParseFailed), "{text}");
        }
        for text in [
            "query ,Q(,$a ,: ,[Int!] ,= ,[1,{b ,: c}], $d: E = F @x(y: z) $e: G){,a ,: b ,( ,c: {d: E, f: $g}, h: [I, J]) {... ,on ,K{l} ...,L}}fragment L on K{m}",
            "{ a(b: \"c, (d\" e: \"\"\"f) { , \"\"\") { g } } # h( {",
        ] {
            assert_eq!(refused(text), None, "{text}");
        }
        for text in
            ["{ a", "{ a() }", "query () { a }", "{ a(b: \"\\uD83D\") }", "{ a(b: 01) }", "{ a(b: 1a) }"]
        {
            assert_eq!(refused(text).map(|(code, _)| code), Some(Code::GraphqlParseFailed), "{text}");
        }
        let nested = format!("{{ a(b: {}{}) }}", "[".repeat(600), "]".repeat(600));
        assert_eq!(refused(&nested).map(|(code, _)| code), Some(Code::QueryTooComplex));
    }

    #[test]
    fn lines_end_as_the_specification_says() {
        let text = "a\nb\rc\r\nd é\u{1f600}x";
        let positions = Positions::new(text);
        assert_eq!(positions.lines, [0, 2, 4, 7]);
        let document = "{\r\n  é: a\r  b }".replace('é', "x");
        let positions = Positions::new(&document);
        let parsed = parse(&document, &positions).unwrap();
        let operation = parsed.definitions[0].as_operation_definition().unwrap();
        let found: Vec<Pos> =
            operation.selection_set.iter().map(|one| positions.of(one.location())).collect();
        assert_eq!(found, [Pos { line: 2, column: 3 }, Pos { line: 3, column: 3 }]);
        // Columns count characters, and no other character ends a line.
        assert_eq!(
            refused("{ a(b: \"\u{e9}\u{2028}\u{1f600}\") ! }").map(|(_, at)| at),
            Some(Pos { line: 1, column: 15 })
        );
    }
}
