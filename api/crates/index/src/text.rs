//! Words: how texts and queries are split into them.
//!
//! Both engines get words that are folded here, so that accents, case, ligatures, apostrophes and hyphens mean
//! the same in both.

use std::ops::Range;

use kernel::value::fold;

/// Words of a query at most; more are left out.
pub const MAX_WORDS: usize = 10;
/// Letters of a word at most; more are cut off.
const MAX_LETTERS: usize = 60;

/// A word of a query.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Word {
    /// The word, folded.
    pub text: String,
    /// Whether words that begin with it match as well: the last word may not be typed to its end yet.
    pub prefix: bool,
}

impl Word {
    /// The number of typos that are allowed: none below five letters, two from nine.
    pub fn typos(&self) -> u8 {
        match self.text.chars().count() {
            0..5 => 0,
            5..9 => 1,
            _ => 2,
        }
    }
}

/// Articles that stand before an apostrophe in French (and Italian place names): `l'image` is about images.
const ELISIONS: &[&str] =
    &["l", "d", "j", "m", "t", "s", "n", "c", "qu", "jusqu", "lorsqu", "puisqu", "quoiqu", "dell", "all"];

/// Stop words in French, Dutch, English and German. None of them is an
/// acronym or a word of the trade.
const STOP_WORDS: &[&str] = &[
    "a", "le", "la", "les", "un", "une", "des", "du", "de", "et", "ou", "au", "aux", "en", "dans", "pour",
    "par", "sur", "avec", "het", "een", "van", "voor", "met", "op", "te", "bij", "uit", "der", "den", "the",
    "of", "and", "or", "for", "in", "on", "at", "to", "with", "by", "from", "die", "das", "dem", "ein",
    "eine", "und", "oder", "von", "fur", "mit", "im", "zum", "zur", "aus",
];

/// Whether a folded word is a stop word.
pub fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.contains(&word)
}

/// Returns the words of a query: folded, without elided articles, and without stop words where others remain. The last
/// is a prefix, unless it is a stop word that was left out.
pub fn query_words(query: &str) -> Vec<Word> {
    let all: Vec<String> = tokens(query).into_iter().map(|token| token.text).collect();
    let telling: Vec<&String> = all.iter().filter(|word| !is_stop_word(word)).collect();
    let kept: Vec<&String> = if telling.is_empty() { all.iter().collect() } else { telling };
    let typed_last = all.last();
    let count = kept.len();
    let mut words: Vec<Word> = Vec::new();
    for (place, text) in kept.into_iter().enumerate() {
        let prefix = place + 1 == count && typed_last == Some(text);
        match words.iter_mut().find(|word| word.text == *text) {
            Some(word) => word.prefix |= prefix,
            None => words.push(Word { text: text.clone(), prefix }),
        }
    }
    words.truncate(MAX_WORDS);
    words
}

/// A word of a text, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The word, folded.
    pub text: String,
    /// Its bytes in the text.
    pub place: Range<usize>,
}

/// The words of a text, in order, without elided articles.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        if is_part_of_word(c) {
            start.get_or_insert(at);
        } else if let Some(from) = start.take() {
            push(&mut found, text, from..at, c);
        }
    }
    join_acronyms(text, found)
}

/// Letters with dots between them are one word: `A.R.T.S.` is `ARTS`.
fn join_acronyms(text: &str, tokens: Vec<Token>) -> Vec<Token> {
    let mut joined: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut last_is_letters = false;
    for token in tokens {
        let letter = token.text.chars().count() == 1;
        match joined.last_mut() {
            Some(last)
                if letter
                    && last_is_letters
                    && text.get(last.place.end..token.place.start).is_some_and(|between| between == ".") =>
            {
                last.text.push_str(&token.text);
                last.place.end = token.place.end;
            }
            _ => {
                last_is_letters = letter;
                joined.push(token);
            }
        }
    }
    joined
}

fn push(found: &mut Vec<Token>, text: &str, place: Range<usize>, next: char) {
    let folded = fold(&text[place.clone()]);
    if is_apostrophe(next) && ELISIONS.contains(&folded.as_str()) {
        return;
    }
    // A compatibility form can fold to several words: `½`.
    for word in folded.split(' ').filter(|word| !word.is_empty()) {
        found.push(Token { text: word.chars().take(MAX_LETTERS).collect(), place: place.clone() });
    }
}

/// Whether it is a letter or digit of any script, a combining mark, or an invisible character.
fn is_part_of_word(c: char) -> bool {
    c.is_alphanumeric()
        || matches!(c, '\u{300}'..='\u{36f}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2bc}' | '\u{b4}' | '\u{60}')
}

/// Returns the words of a text as they are indexed, with one space between them.
pub fn indexed(text: &str) -> String {
    let mut words = String::with_capacity(text.len());
    for token in tokens(text) {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(&token.text);
    }
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(query: &str) -> Vec<String> {
        query_words(query).into_iter().map(|word| word.text + if word.prefix { "*" } else { "" }).collect()
    }

    #[test]
    fn articles_and_small_words_do_no_harm() {
        assert_eq!(words("l'image"), ["image*"]);
        assert_eq!(words("Pôle de l’Image"), ["pole", "image*"]);
        assert_eq!(words("de filmfabriek"), ["filmfabriek*"]);
        assert_eq!(words("école de "), ["ecole"]);
        assert_eq!(words("the of"), ["the", "of*"]);
        assert_eq!(words("aujourd'hui"), ["aujourd", "hui*"]);
        assert_eq!(words("A.R.T.S. Lille"), ["arts", "lille*"]);
    }

    #[test]
    fn words_fold() {
        assert_eq!(words("Cœur-à-cœur STRASSE/Straße"), ["coeur", "strasse*"]);
        assert_eq!(words("¿?!…"), Vec::<String>::new());
        assert_eq!(indexed("L'Œuvre — d’art"), "oeuvre art");
    }

    #[test]
    fn typos_by_length() {
        let typos = |text: &str| Word { text: text.into(), prefix: false }.typos();
        assert_eq!([typos("jeux"), typos("jeuxv"), typos("jeuxvide"), typos("jeuxvideo")], [0, 1, 1, 2]);
    }

    proptest! {
        #[test]
        fn any_text_has_words_that_lie_in_it(text in "\\PC{0,80}") {
            let mut last = 0;
            for token in tokens(&text) {
                prop_assert!(token.place.start >= last && text.get(token.place.clone()).is_some());
                prop_assert!(!token.text.is_empty() && !token.text.contains(' '));
                last = token.place.start;
            }
            prop_assert!(query_words(&text).len() <= MAX_WORDS);
            // Indexed words are found by typing them.
            prop_assert_eq!(indexed(&indexed(&text)), indexed(&text));
        }
    }
}
