//! The words and the filters of a query, as Meilisearch takes them.

use std::collections::BTreeSet;

use super::layout::{MAX_VALUE, facet_field};
use crate::engine::Query;
use crate::text::{MAX_WORDS, Word};

/// Values of one filter at most; more are left out. The engine's time grows with their square: 10,000 would keep it
/// busy for seconds.
const MAX_VALUES: usize = 1000;
/// Words at most of which all combinations are searched, where one word is enough for a hit.
const FEW_WORDS: usize = 5;

/// Returns the combinations of words of which one is enough for a hit, with their weights: more words beat better
/// words. Of many words these are each word alone, all words but one, and all words.
pub(super) fn parts(all: &[Word]) -> Vec<(String, f32)> {
    let all = &all[..all.len().min(MAX_WORDS)];
    let few = all.len() <= FEW_WORDS;
    let mut parts = Vec::new();
    for mask in 1..1_usize << all.len() {
        let chosen = all.iter().enumerate().filter(|(place, _)| mask >> place & 1 == 1);
        let part: Vec<Word> = chosen.map(|(_, word)| word.clone()).collect();
        if few || part.len() == 1 || part.len() + 1 >= all.len() {
            #[expect(clippy::cast_precision_loss, reason = "at most ten words")]
            let weight = part.len() as f32 / all.len() as f32;
            parts.push((words(&part), weight));
        }
    }
    parts
}

/// Returns the words as one text. The engine reads the last word as a prefix unless a space follows it. Our words have
/// letters and digits only, so that none of them is an operator.
pub(super) fn words(words: &[Word]) -> String {
    let (last, others): (Vec<&Word>, Vec<&Word>) = words.iter().partition(|word| word.prefix);
    let mut text = String::new();
    for word in others {
        text.push_str(&word.text);
        text.push(' ');
    }
    for word in last {
        if !text.is_empty() && !text.ends_with(' ') {
            text.push(' ');
        }
        text.push_str(&word.text);
    }
    text
}

/// Returns the filters, all of which must hold.
pub(super) fn filters(query: &Query) -> Vec<String> {
    let facets = query.filters.iter().map(|(facet, values)| {
        // The index has no longer values, and a filter must not have them either.
        let values: BTreeSet<&String> = values.iter().filter(|value| value.len() <= MAX_VALUE).collect();
        let values: Vec<String> = values.into_iter().take(MAX_VALUES).map(|value| quoted(value)).collect();
        format!("{} IN [{}]", facet_field(*facet), values.join(", "))
    });
    let near = query.near.map(|(latitude, longitude, km)| {
        format!("_geoRadius({latitude:.6}, {longitude:.6}, {:.0})", km * 1000.0)
    });
    facets.chain(near).collect()
}

/// Quotes and escapes a value. To the engine a backslash escapes the next character, but it removes the backslash only
/// before a quotation mark. So a value with a backslash finds nothing, which is right: no value of ours has one.
pub(super) fn quoted(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 2);
    text.push('"');
    for c in value.chars() {
        if matches!(c, '"' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kind::SearchFacet;

    fn word(text: &str, prefix: bool) -> Word {
        Word { text: text.into(), prefix }
    }

    #[test]
    fn only_a_prefix_ends_the_text() {
        assert_eq!(words(&[word("pole", false), word("ima", true)]), "pole ima");
        assert_eq!(words(&[word("pole", true), word("image", false)]), "image pole");
        assert_eq!(words(&[word("ecole", false)]), "ecole ");
        assert_eq!(words(&[]), "");
    }

    #[test]
    fn parts_of_a_query() {
        let asked = |count: usize| parts(&vec![word("a", false); count]);
        let alone = ("joris ".to_owned(), 0.5);
        let together = ("joris fen".to_owned(), 1.0);
        assert_eq!(
            parts(&[word("joris", false), word("fen", true)]),
            [alone, ("fen".to_owned(), 0.5), together]
        );
        assert_eq!([0, 1, 5, 6, 10, 99].map(|count| asked(count).len()), [0, 1, 31, 13, 21, 21]);
    }

    #[test]
    fn filters_of_facets_and_places() {
        let query = Query {
            filters: vec![
                (SearchFacet::Type, vec!["TALENT".into(), "ORGANIZATION".into()]),
                (SearchFacet::Skill, vec![]),
            ],
            near: Some((50.63, -3.0, 12.5)),
            ..Query::default()
        };
        assert_eq!(
            filters(&query),
            [
                r#"type IN ["ORGANIZATION", "TALENT"]"#,
                "skill IN []",
                "_geoRadius(50.630000, -3.000000, 12500)"
            ]
        );
    }

    #[test]
    fn values_stay_between_their_quotation_marks() {
        for (value, text) in [
            (r#"a" OR type = "b"#, r#""a\" OR type = \"b""#),
            (r"a\", r#""a\\""#),
            (r#"\" OR id EXISTS OR skill = ""#, r#""\\\" OR id EXISTS OR skill = \"""#),
            ("l'image", r#""l'image""#),
            ("_geoRadius(0, 0, 9)]", r#""_geoRadius(0, 0, 9)]""#),
        ] {
            assert_eq!(quoted(value), text);
        }
    }

    #[test]
    fn values_that_are_too_long_or_too_many_are_not_asked_for() {
        let of = |values| Query { filters: vec![(SearchFacet::Skill, values)], ..Query::default() };
        let query = of(vec!["x".repeat(MAX_VALUE + 1), "y".into(), "y".into()]);
        assert_eq!(filters(&query), [r#"skill IN ["y"]"#]);
        let query = of((0..2000).map(|number| number.to_string()).collect());
        assert_eq!(filters(&query)[0].matches(',').count(), MAX_VALUES - 1);
    }

    proptest! {
        /// Reads the text as the engine does: a backslash escapes the next character, and the first quotation mark
        /// that is not escaped ends the value.
        #[test]
        fn no_value_ends_early(value in r#"[a"'\\ \]()]{0,12}"#) {
            let text = quoted(&value);
            let mut letters = text.char_indices().skip(1);
            let mut end = None;
            while let Some((at, c)) = letters.next() {
                if c == '"' {
                    end = Some(at);
                    break;
                }
                if c == '\\' {
                    prop_assert!(letters.next().is_some());
                }
            }
            prop_assert_eq!(end, Some(text.len() - 1));
        }
    }
}
