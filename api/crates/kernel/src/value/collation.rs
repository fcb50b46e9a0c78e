//! The order of words, and their comparison.

use std::sync::LazyLock;

use icu_collator::options::{CollatorOptions, Strength};
use icu_collator::{Collator, CollatorBorrowed, CollatorPreferences};
use icu_normalizer::DecomposingNormalizerBorrowed;
use icu_normalizer::properties::CanonicalCombiningClassMapBorrowed;

/// Maximum characters of a text that count for its sort key.
pub const SORT_KEY_CHARACTERS: usize = 200;

/// Maximum bytes of a sort key. A row of a `PostgreSQL` B-tree index holds about 2,700 bytes in total.
///
/// 200 Latin letters need about 600 bytes. Only texts of unusual characters are cut.
pub const SORT_KEY_BYTES: usize = 1_024;

#[expect(clippy::expect_used, reason = "the data of the root collation is compiled into the program")]
static COLLATOR: LazyLock<CollatorBorrowed<'static>> = LazyLock::new(|| {
    let mut options = CollatorOptions::default();
    options.strength = Some(Strength::Tertiary);
    Collator::try_new(CollatorPreferences::default(), options).expect("compiled collation data")
});

/// The key whose byte order is the order of texts in a list, on every database.
///
/// The order is the root of the CLDR (Unicode Technical Standard #10 and #35 part 5) at the third level,
/// which French and Dutch both use: letters first, then accents, then lower before upper case; spaces and
/// punctuation come before digits, and digits before letters; `œ` stands with `oe`. The typographic forms of
/// apostrophes, dashes and spaces stand where the plain ones do. White space around the text, and what
/// follows its first 200 characters, do not count.
///
/// Equal texts have equal keys; different texts can have the same. Keys are not text, can be longer than the
/// text (up to [`SORT_KEY_BYTES`]), and may change with a new version of the collation data: stored keys are
/// then to be computed anew.
pub fn sort_key(text: &str) -> Vec<u8> {
    let text: String = text.trim().chars().take(SORT_KEY_CHARACTERS).map(plain).collect();
    let mut key = Vec::with_capacity(2 * text.len() + 8);
    // Writing into memory cannot fail: the error type has no values.
    let Ok(()) = COLLATOR.write_sort_key_to(&text, &mut key);
    key.truncate(SORT_KEY_BYTES);
    key
}

/// The plain form of a typographic apostrophe, dash or space.
fn plain(c: char) -> char {
    match c {
        '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2bc}' | '\u{2b9}' | '\u{b4}' | '\u{60}' => '\'',
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        c if c.is_whitespace() => ' ',
        c => c,
    }
}

/// The text as words, for comparison with typed words: lower case, without accents and ligatures (`œ` is
/// `oe`, `ß` is `ss`). Every run of apostrophes, hyphens, other punctuation and white space becomes one
/// space, with none at the ends.
///
/// Compatibility forms are decomposed first (Unicode NFKD). Folding a folded text changes nothing.
pub fn fold(text: &str) -> String {
    let marks = CanonicalCombiningClassMapBorrowed::new();
    let normalizer = DecomposingNormalizerBorrowed::new_nfkd();
    let mut folded = String::with_capacity(text.len());
    let mut gap = false;
    for c in normalizer.normalize_iter(text.chars()).flat_map(char::to_lowercase) {
        if marks.get_u8(c) != 0 || is_invisible(c) {
            continue;
        }
        if !c.is_alphanumeric() {
            gap = true;
            continue;
        }
        if gap && !folded.is_empty() {
            folded.push(' ');
        }
        gap = false;
        match letters(c) {
            Some(letters) => folded.push_str(letters),
            None => folded.push(c),
        }
    }
    folded
}

/// Characters that neither are seen nor separate words: the soft hyphen, joiners, the byte order mark.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// The plain letters of a lower-case letter that has no decomposition in Unicode.
fn letters(c: char) -> Option<&'static str> {
    Some(match c {
        'œ' => "oe",
        'æ' => "ae",
        'ß' => "ss",
        'ø' => "o",
        'đ' | 'ð' => "d",
        'ħ' => "h",
        'ı' => "i",
        'ȷ' => "j",
        'ĸ' => "k",
        'ł' => "l",
        'ŋ' => "n",
        'ŧ' => "t",
        'þ' => "th",
        'ς' => "σ",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn assert_ascending(texts: &[&str]) {
        for pair in texts.windows(2) {
            assert!(sort_key(pair[0]) < sort_key(pair[1]), "{} < {}", pair[0], pair[1]);
        }
    }

    #[test]
    fn sorts_as_french_readers_expect() {
        assert_ascending(&[
            "3D Studio",
            "À bout de souffle",
            "Agence du court métrage",
            "cote",
            "coté",
            "côte",
            "Côte",
            "côté",
            "Cote d'Azur",
            "coteau",
            "eau",
            "école",
            "École",
            "écran",
            "Écran",
            "ile flottante",
            "Île-de-France",
            "L'Atelier",
            "L'Hybride",
            "L'image",
            "La Cinéfabrique",
            "Le Fresnoy",
            "Lille",
            "Ludovic",
            "noël",
            "NOEL B",
            "oeuf",
            "œuf",
            "œuvre",
            "ogre",
            "Pictanovo",
            "Rubika",
            "Supinfocom",
            "Zoé",
        ]);
    }

    #[test]
    fn sorts_as_dutch_readers_expect() {
        assert_ascending(&[
            "'t Hof",
            "Antwerpen",
            "Brugge",
            "café",
            "De Boe",
            "de Boer",
            "De Boer",
            "De Vlaeminck",
            "een",
            "eén",
            "één",
            "Flanders DC",
            "Gent",
            "Hasselt",
            "ij",
            "IJ",
            "ijs",
            "ijzer",
            "ik",
            "KASK",
            "Kortrijk",
            "Vlaams Audiovisueel Fonds",
            "VRT",
            "Walking The Dog",
            "zee",
            "zeeën",
            "zeef",
            "Zürich",
        ]);
    }

    #[test]
    fn typography_does_not_matter() {
        for (a, b) in [
            ("L'Atelier", "L’Atelier"),
            ("Nord-Pas-de-Calais", "Nord‑Pas‑de‑Calais"),
            ("Le Fresnoy", "Le\u{a0}Fresnoy"),
            ("  Rubika ", "Rubika"),
            ("e\u{301}cole", "école"),
        ] {
            assert_eq!(sort_key(a), sort_key(b), "{a} {b}");
        }
        assert_ascending(&["ij", "ĳ", "IJ", "ijs", "ĳsje"]);
    }

    #[test]
    fn only_the_beginning_counts() {
        let long = "é".repeat(SORT_KEY_CHARACTERS);
        assert_eq!(sort_key(&long), sort_key(&format!("{long}a")));
        assert!(sort_key(&long[2..]) < sort_key(&long));
        assert!(sort_key(&long).len() <= 3 * SORT_KEY_CHARACTERS + 8);
        assert_eq!(sort_key(&"\u{fdfa}".repeat(SORT_KEY_CHARACTERS)).len(), SORT_KEY_BYTES);
        assert!(sort_key("").len() < 8);
        assert!(sort_key("") < sort_key("!"));
    }

    /// When this fails after an update of the collation data, stored keys must be computed anew.
    #[test]
    fn keys_are_the_ones_that_were_stored() {
        assert_eq!(
            sort_key("L’École 42"),
            [65, 9, 112, 51, 47, 71, 65, 51, 4, 26, 22, 1, 67, 136, 11, 1, 220, 197, 220, 12]
        );
    }

    #[test]
    fn folds_to_words() {
        for (text, folded) in [
            ("", ""),
            ("  L'École de l’Image ", "l ecole de l image"),
            ("Nord-Pas-de-Calais", "nord pas de calais"),
            ("Cœur & Œuvre", "coeur oeuvre"),
            ("ÆON Straße", "aeon strasse"),
            ("ĲSSEL ﬁlm", "ijssel film"),
            ("İstanbul ISPARTA ısı", "istanbul isparta isi"),
            ("één--twee…drie", "een twee drie"),
            ("co\u{ad}production", "coproduction"),
            ("3D/VFX (2009)", "3d vfx 2009"),
            ("ΣΊΣΥΦΟΣ", "σισυφοσ"),
            ("Łódź Ørsted Đorđe", "lodz orsted dorde"),
            ("¿?!", ""),
            ("ｆｕｌｌ", "full"),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
    }

    #[test]
    fn folding_every_character_twice_changes_nothing() {
        for c in '\0'..=char::MAX {
            let once = fold(&format!("a{c}b"));
            assert_eq!(fold(&once), once, "U+{:04X}", u32::from(c));
        }
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in "\\PC{0,40}") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once.clone());
            prop_assert!(!once.starts_with(' ') && !once.ends_with(' ') && !once.contains("  "));
        }

        #[test]
        fn keys_order_as_the_collator_does(a in "[a-zA-ZéèêëïöœæßÉĳ' -]{0,12}", b in "[a-zA-ZéèêëïöœæßÉĳ' -]{0,12}") {
            let expected = COLLATOR.compare(a.trim(), b.trim());
            prop_assert_eq!(sort_key(&a).cmp(&sort_key(&b)), expected);
        }
    }
}
