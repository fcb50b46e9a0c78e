//! The texts that people agree to: compiled in, by version and language. A version that people have been shown is
//! never edited; another wording is a new version.

use kernel::value::Language;

/// One version of the text, in every language of the directory.
#[derive(Debug)]
struct Version {
    number: i32,
    fr: &'static str,
    nl: &'static str,
    en: &'static str,
    de: &'static str,
}

/// All versions, the present one last.
const VERSIONS: &[Version] = &[Version {
    number: CURRENT,
    fr: include_str!("../../../../../data/consent/1.fr.txt"),
    nl: include_str!("../../../../../data/consent/1.nl.txt"),
    en: include_str!("../../../../../data/consent/1.en.txt"),
    de: include_str!("../../../../../data/consent/1.de.txt"),
}];

/// The version that people are asked to agree to now.
pub const CURRENT: i32 = 1;

/// A version of the text in a language; nothing where there is no such version.
pub fn of(version: i32, language: Language) -> Option<&'static str> {
    let found = VERSIONS.iter().find(|each| each.number == version)?;
    let text = match language {
        Language::Fr => found.fr,
        Language::Nl => found.nl,
        Language::En => found.en,
        Language::De => found.de,
    };
    Some(text.trim_end())
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use kernel::read::keyed::hex;

    /// The record of a consent refers to the text that the person was shown.
    #[test]
    fn no_version_is_edited() {
        let hashes: Vec<(i32, String)> = VERSIONS
            .iter()
            .map(|version| {
                let all = [version.fr, version.nl, version.en, version.de].join("\u{0}");
                (version.number, hex(&Sha256::digest(all.as_bytes())[..8]))
            })
            .collect();
        assert_eq!(hashes, [(1, "6db8a6e694545f70".to_owned())], "make a new version instead");
    }

    #[test]
    fn the_last_version_is_the_present_one_and_every_language_has_as_many_paragraphs() {
        assert_eq!(VERSIONS.last().map(|version| version.number), Some(CURRENT));
        for version in VERSIONS {
            for language in Language::ALL {
                let text = of(version.number, language).unwrap();
                assert_eq!(
                    text.split("\n\n").count(),
                    of(version.number, Language::En).unwrap().split("\n\n").count()
                );
            }
        }
        assert_eq!(of(0, Language::En), None);
        assert_eq!(of(CURRENT + 1, Language::En), None);
    }
}
