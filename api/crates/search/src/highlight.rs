//! Snippets of texts in which the words of the query are marked.

use index::document::{Document, Text};
use index::text::{Token, Word, tokens};

/// Characters of a snippet at most, without marks.
const MAX_SNIPPET: usize = 200;
/// Characters before the first match of a snippet.
const BEFORE: usize = 60;
/// Snippets of one hit at most.
const MAX_SNIPPETS: usize = 4;

/// A snippet of a field.
#[derive(Clone, Debug, PartialEq, Eq, async_graphql::SimpleObject)]
pub struct Highlight {
    /// Name of the field of the schema that the words stand in.
    pub field: String,
    /// The words between `<mark>` and `</mark>`, with what stands around them; everything else is escaped for HTML.
    pub snippet: String,
}

/// The snippets of a document, at most one for each field.
pub fn highlights(document: &Document, words: &[Word]) -> Vec<Highlight> {
    let mut found: Vec<Highlight> = Vec::new();
    for Text { field, text } in document.names.iter().chain(&document.texts) {
        if found.len() < MAX_SNIPPETS
            && !found.iter().any(|one| one.field == *field)
            && let Some(snippet) = snippet(text, words)
        {
            found.push(Highlight { field: (*field).to_owned(), snippet });
        }
    }
    found
}

/// Whether a word of a text matches one of the words of the query.
pub fn matches(token: &str, words: &[Word]) -> bool {
    words.iter().any(|word| fits(token, word))
}

fn fits(token: &str, word: &Word) -> bool {
    let typos = usize::from(word.typos());
    if token == word.text || (word.prefix && token.starts_with(&word.text)) {
        return true;
    }
    if typos == 0 {
        return false;
    }
    if strsim::osa_distance(token, &word.text) <= typos {
        return true;
    }
    let length = word.text.chars().count();
    // A beginning with a typo may be a letter longer or shorter than what was typed.
    word.prefix
        && (length.saturating_sub(typos)..=length + typos).any(|count| {
            let beginning: String = token.chars().take(count).collect();
            strsim::osa_distance(&beginning, &word.text) <= typos
        })
}

/// The part of a text around its first match, with all matches in it marked; `None` without a match.
fn snippet(text: &str, words: &[Word]) -> Option<String> {
    let all = tokens(text);
    let first = all.iter().find(|token| matches(&token.text, words))?;
    let from = start(text, first);
    let end = text[from..].char_indices().nth(MAX_SNIPPET).map_or(text.len(), |(at, _)| from + at);
    let mut snippet = String::new();
    if from > 0 {
        snippet.push('…');
    }
    let mut at = from;
    let mut marked = 0..0;
    for token in all.iter().filter(|token| token.place.start >= from && token.place.end <= end) {
        // Several tokens can have the same place: `½`.
        if token.place == marked || !matches(&token.text, words) {
            continue;
        }
        escape(&text[at..token.place.start], &mut snippet);
        snippet.push_str("<mark>");
        escape(&text[token.place.clone()], &mut snippet);
        snippet.push_str("</mark>");
        at = token.place.end;
        marked = token.place.clone();
    }
    escape(&text[at..end], &mut snippet);
    if end < text.len() {
        snippet.push('…');
    }
    Some(snippet)
}

/// The offset at which a snippet begins: at a word, some characters before the match.
fn start(text: &str, first: &Token) -> usize {
    let before = &text[..first.place.start];
    let Some((cut, _)) = before.char_indices().rev().nth(BEFORE) else { return 0 };
    before[cut..].find(char::is_whitespace).map_or(first.place.start, |space| {
        let rest = &before[cut + space..];
        cut + space + (rest.len() - rest.trim_start().len())
    })
}

fn escape(text: &str, into: &mut String) {
    for c in text.chars() {
        match c {
            '<' => into.push_str("&lt;"),
            '>' => into.push_str("&gt;"),
            '&' => into.push_str("&amp;"),
            '"' => into.push_str("&quot;"),
            '\'' => into.push_str("&#39;"),
            c => into.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use index::text::query_words;

    fn marked(text: &str, query: &str) -> Option<String> {
        snippet(text, &query_words(query))
    }

    #[test]
    fn accents_and_typos_are_marked_as_they_stand() {
        assert_eq!(marked("Pôle Images", "pole ima").unwrap(), "<mark>Pôle</mark> <mark>Images</mark>");
        assert_eq!(marked("Valenciennes", "valencienne").unwrap(), "<mark>Valenciennes</mark>");
        assert_eq!(marked("Studio Pictanovo", "pictnaovo").unwrap(), "Studio <mark>Pictanovo</mark>");
        assert_eq!(marked("L’image", "image").unwrap(), "L’<mark>image</mark>");
        assert_eq!(marked("son", "sons"), None);
    }

    #[test]
    fn what_stands_around_is_escaped() {
        assert_eq!(
            marked("<b>Son & image</b>", "son").unwrap(),
            "&lt;b&gt;<mark>Son</mark> &amp; image&lt;/b&gt;"
        );
    }

    proptest! {
        #[test]
        fn snippets_are_short_and_have_a_mark(text in "[a-zé<&' ]{0,600}", query in "[a-z]{1,9}") {
            if let Some(snippet) = marked(&text, &query) {
                prop_assert!(snippet.contains("<mark>"));
                let plain = snippet.replace("<mark>", "").replace("</mark>", "");
                for (from, to) in [("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"), ("&#39;", "'")] {
                    prop_assert!(plain.replace(from, to).chars().count() <= plain.chars().count());
                }
                prop_assert!(!plain.contains('<'));
                let shown = plain.replace("&lt;", "<").replace("&#39;", "'").replace("&amp;", "&");
                prop_assert!(shown.chars().count() <= MAX_SNIPPET + 2);
            }
        }
    }
}
