//! When two names are the same name.
//!
//! Accents, case, ligatures, apostrophes, hyphens, spaces and other punctuation do not count, nor does a legal form
//! at the end; `&` is `et`, `en`, `and` or `und`. Everything else does, an article in front included: La Bobine
//! Noire of Marseille is not Bobine Noire of Namur.

use kernel::value::fold;

/// Letters of a stored key: a longer name is found by its beginning.
const MAX_KEY: usize = 200;

/// Words that join, in French, Dutch, English and German.
const JOINING: &[&str] = &["et", "en", "and", "und"];
/// The text that replaces them.
const JOINT: &str = "&";

/// Legal forms of France, Belgium (in its three languages), the Netherlands, Luxembourg, Germany and the English
/// speaking countries, as their letters.
const LEGAL_FORMS: &[&str] = &[
    // France; the longer ones are told first where one ends with another.
    "sarl", "eurl", "sas", "sasu", "sa", "snc", "sci", "scop", "scic", "sca", "scp", "selarl", "eirl", "gie",
    // Belgium.
    "srl", "sprl", "sprlu", "scrl", "scs", "sc", "asbl", "aisbl", "bv", "bvba", "ebvba", "nv", "cv", "cvba",
    "vof", "gcv", "commv", "vzw", "ivzw", "vog", // Germany, Austria, Switzerland.
    "gmbh", "ggmbh", "ag", "ug", "kg", "ohg", "ev", // Elsewhere.
    "ltd", "limited", "llc", "llp", "inc", "plc", "spa",
];
/// Legal forms of several words, without the spaces.
const LONG_FORMS: &[&str] = &["gmbh&cokg", "gmbhcokg"];
/// Words of the longest legal form, where its letters stand alone: `s. p. r. l. u.`.
const MAX_FORM: usize = 5;

/// Articles that may stand in front, in French, Dutch, English and German.
const ARTICLES: &[&str] =
    &["le", "la", "les", "l", "un", "une", "the", "de", "het", "t", "een", "der", "die", "das"];

/// A name in the form in which it is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ComparableName {
    words: Vec<String>,
    key: String,
}

impl ComparableName {
    /// The form of a name.
    pub fn of(name: &str) -> Self {
        let spoken: String = name
            .chars()
            .flat_map(|c| if is_ampersand(c) { vec![' ', 'e', 't', ' '] } else { vec![c] })
            .collect();
        let folded = fold(&spoken);
        let mut own: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).collect();
        let joined = own.iter().map(|word| if JOINING.contains(word) { JOINT } else { word }.to_owned());
        let mut words: Vec<String> = joined.collect();
        let counts = |(word, own): (&String, &&str)| word != JOINT || name_has(name, own);
        while let Some(rest) = before_legal_form(&words)
            && words[..rest].iter().zip(&own).any(counts)
        {
            words.truncate(rest);
        }
        if words.iter().all(|word| word == JOINT) {
            // Punctuation alone is no name; but `En` may be one.
            own.truncate(words.len());
            words = own.into_iter().filter(|word| name_has(name, word)).map(str::to_owned).collect();
        }
        let key = words.concat();
        Self { words, key }
    }

    /// The words that count, folded.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// The letters and digits that count. Equal for names that are the same; empty for what is no name.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The key without an article in front, where something else remains.
    pub fn key_without_article(&self) -> &str {
        match self.words.first() {
            Some(first) if self.words.len() > 1 && ARTICLES.contains(&first.as_str()) => {
                &self.key[first.len()..]
            }
            _ => &self.key,
        }
    }

    /// The keys under which the database finds names, the own one first, then the one without an article where there
    /// is an article: the beginnings of very long ones.
    pub fn stored_keys(&self) -> Vec<&str> {
        let mut keys = vec![stored(&self.key), stored(self.key_without_article())];
        keys.dedup();
        keys
    }

    /// The stored keys of its first word, its first two words, and so on: so many at most, the longest first, the
    /// whole name not among them.
    pub fn beginnings(&self, most: usize) -> Vec<&str> {
        let ends = self.words.iter().scan(0, |end, word| {
            *end += word.len();
            Some(*end)
        });
        let ends: Vec<usize> = ends.take(most).filter(|end| *end < self.key.len()).collect();
        ends.into_iter().rev().map(|end| stored(&self.key[..end])).collect()
    }
}

fn stored(key: &str) -> &str {
    key.char_indices().nth(MAX_KEY).map_or(key, |(end, _)| &key[..end])
}

fn is_ampersand(c: char) -> bool {
    matches!(c, '&' | '+' | '\u{ff06}' | '\u{fe60}' | '\u{ff0b}')
}

/// Whether a word stands in the name itself, and does not only stand for an ampersand.
fn name_has(name: &str, word: &str) -> bool {
    !word.is_empty() && fold(name).split(' ').any(|own| own == word)
}

/// The number of words before the legal form at the end, where there is one.
fn before_legal_form(words: &[String]) -> Option<usize> {
    let most = MAX_FORM.min(words.len().saturating_sub(1));
    let is_form = |words: &[String]| {
        let form = words.concat();
        // Letters stand alone, or none does: `Halo I VZW` is the association `Halo I`, and no IVZW.
        let fitting = words.len() == 1 || words.iter().all(|word| word.chars().count() == 1);
        fitting && LEGAL_FORMS.contains(&form.as_str()) || LONG_FORMS.contains(&form.as_str())
    };
    (1..=most).rev().map(|count| words.len() - count).find(|start| is_form(&words[*start..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(name: &str) -> String {
        ComparableName::of(name).key
    }

    /// Stored keys: where one of these changes, a migration must empty the table of names.
    #[test]
    fn names_have_keys() {
        for (name, expected) in [
            ("L’Atelier de l’Œil", "latelierdeloeil"),
            ("Straßenfilm Ostbelgien", "strassenfilmostbelgien"),
            ("Train-Train", "traintrain"),
            ("A.R.T.S.", "arts"),
            ("Cadre & Cie", "cadre&cie"),
            ("Cadre+Cie", "cadre&cie"),
            ("Halo Films SARL", "halofilms"),
            ("Halo Films S.A.R.L.", "halofilms"),
            ("HALO FILMS, s.a.", "halofilms"),
            ("Klank GmbH & Co. KG", "klank"),
            ("Speldoosje (BV)", "speldoosje"),
            ("Halo I VZW", "haloi"),
            ("Halo i.v.z.w.", "halo"),
            ("SARL", "sarl"),
            ("En", "en"),
            ("En SARL", "en"),
            ("& SA", "&sa"),
            ("!!!", ""),
            ("& + &", ""),
            ("", ""),
        ] {
            assert_eq!(key(name), expected, "{name}");
        }
    }

    #[test]
    fn the_same_name_in_other_words() {
        for (one, other) in [
            ("Cadre & Cie", "Cadre et Cie"),
            ("Beeld en Klank", "Beeld & Klank VZW"),
            ("Sound and Vision Ltd.", "sound & vision"),
            ("Étoile Filante VFX", "ETOILE FILANTE VFX"),
            ("DreamWall", "Dream Wall SRL"),
        ] {
            assert_eq!(key(one), key(other));
        }
        for (one, other) in
            [("La Bobine Noire", "Bobine Noire"), ("Cadre Cie", "Cadre & Cie"), ("Sas", "Films")]
        {
            assert_ne!(key(one), key(other));
        }
        let article = ComparableName::of("L'Atelier");
        assert_eq!(article.stored_keys(), ["latelier", "atelier"]);
        assert_eq!(ComparableName::of("La").stored_keys(), ["la"]);
    }

    #[test]
    fn names_begin_with_names() {
        let name = ComparableName::of("Nozon Liège Animation Department");
        assert_eq!(name.beginnings(2), ["nozonliege", "nozon"]);
        assert_eq!(name.beginnings(9), ["nozonliegeanimation", "nozonliege", "nozon"]);
        assert_eq!(ComparableName::of("Nozon").beginnings(2), Vec::<&str>::new());
    }

    proptest! {
        #[test]
        fn any_text_has_a_key(name in "\\PC{0,60}", form in 0..LEGAL_FORMS.len()) {
            let of = ComparableName::of(&name);
            prop_assert_eq!(of.words().concat(), of.key());
            prop_assert!(of.stored_keys().iter().all(|key| key.chars().count() <= MAX_KEY));
            prop_assert!(of.key().ends_with(of.key_without_article()));
            if name.is_ascii() {
                prop_assert_eq!(&key(&name.to_uppercase()), of.key());
            }
            for beginning in of.beginnings(4) {
                prop_assert!(of.key().starts_with(beginning));
            }
            if !of.key().is_empty() && of.key() != "&" {
                prop_assert_eq!(key(&format!("{name} {}", LEGAL_FORMS[form])), of.key());
            }
        }
    }
}
