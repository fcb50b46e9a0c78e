//! The languages of texts, and the choice of one for a reader.

use std::fmt;
use std::str::FromStr;

use async_graphql::{Enum, SimpleObject};
use serde::{Deserialize, Serialize};

use super::{Expected, ValueError};

static EXPECTED: Expected = Expected {
    en: "a language: FR, NL, EN or DE",
    fr: "une langue : FR, NL, EN ou DE",
    nl: "een taal: FR, NL, EN of DE",
    de: "eine Sprache: FR, NL, EN oder DE",
};

/// A language that the directory is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Enum)]
#[serde(rename_all = "UPPERCASE")]
pub enum Language {
    /// French.
    Fr,
    /// Dutch.
    Nl,
    /// English.
    En,
    /// German.
    De,
}

impl Language {
    /// Every language, in the order of the schema.
    pub const ALL: [Self; 4] = [Self::Fr, Self::Nl, Self::En, Self::De];

    /// The ISO 639-1 code in lower case, which is also the language tag of BCP 47: "fr".
    pub fn tag(self) -> &'static str {
        match self {
            Self::Fr => "fr",
            Self::Nl => "nl",
            Self::En => "en",
            Self::De => "de",
        }
    }

    /// The name in capital letters, as in the schema: "FR".
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fr => "FR",
            Self::Nl => "NL",
            Self::En => "EN",
            Self::De => "DE",
        }
    }

    /// The language of a BCP 47 tag in any case, whatever its region or script: `fr-BE` is French. None for
    /// a language that the directory does not know.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next()?;
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }
}

impl FromStr for Language {
    type Err = ValueError;

    /// Reads the name in capital letters; for tags there is [`Language::from_tag`].
    fn from_str(text: &str) -> Result<Self, ValueError> {
        let found = Self::ALL.into_iter().find(|language| language.as_str() == text);
        found.ok_or_else(|| ValueError::unexpected(&EXPECTED, text))
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text and the language it is written in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct LocalizedText {
    /// The language of the text.
    pub language: Language,
    /// The text itself, as plain text.
    pub text: String,
}

/// The languages a reader wants, best first, as a request's `Accept-Language` says (RFC 9110 section 12.5.4).
///
/// The default has no preferences.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LanguagePreferences {
    ranges: Vec<Range>,
    /// Languages with a weight of zero: `*` does not mean them.
    refused: Vec<Language>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Range {
    Only(Language),
    /// `*`: any language that the header does not name.
    Any,
}

/// A text that was chosen for a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served<'a> {
    /// The text.
    pub text: &'a LocalizedText,
    /// Whether the reader asked for another language than that of the text.
    pub substitute: bool,
}

impl LanguagePreferences {
    /// Maximum entries of a header that are read.
    const MAX_ENTRIES: usize = 32;

    /// Reads the value of an `Accept-Language` header.
    ///
    /// Entries are taken by weight, then in their order. Regions and scripts are ignored, and of several
    /// entries for one language the best counts. Invalid entries, languages that the directory does not
    /// know, and everything after the first 32 entries are ignored: no header is an error.
    pub fn parse(header: &str) -> Self {
        let mut entries: Vec<(u16, Range)> =
            header.split(',').take(Self::MAX_ENTRIES).filter_map(entry).collect();
        // A stable sort: entries of one weight keep their order.
        entries.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        let mut preferences = Self::default();
        for (weight, range) in entries {
            if preferences.ranges.contains(&range) {
                continue;
            }
            match range {
                Range::Only(language) if weight == 0 => preferences.refused.push(language),
                Range::Any if weight == 0 => {}
                range => preferences.ranges.push(range),
            }
        }
        preferences.refused.sort_unstable();
        preferences.refused.dedup();
        preferences
    }

    /// The preferred language; none where the header names none or prefers `*`.
    pub fn first(&self) -> Option<Language> {
        match self.ranges.first() {
            Some(Range::Only(language)) => Some(*language),
            Some(Range::Any) | None => None,
        }
    }

    /// The most preferred of these languages; none where no preference matches.
    pub fn best_of(&self, languages: &[Language]) -> Option<Language> {
        let fits = |range: &Range| languages.iter().copied().find(|language| self.matches(*range, *language));
        self.ranges.iter().find_map(fits)
    }

    /// Chooses the text to serve: in the language of the field's argument, else in those of the header in
    /// their order, else the record's own, which is the first of `texts`. None only where there are no
    /// texts.
    ///
    /// The text is a substitute if it is not in the requested language: that of the argument, else the
    /// first of the header.
    pub fn choose<'a>(&self, asked: Option<Language>, texts: &'a [LocalizedText]) -> Option<Served<'a>> {
        let own = texts.first()?;
        let text = asked
            .map(Range::Only)
            .into_iter()
            .chain(self.ranges.iter().copied())
            .find_map(|range| texts.iter().find(|text| self.matches(range, text.language)))
            .unwrap_or(own);
        let wanted = asked.or_else(|| self.first());
        Some(Served { text, substitute: wanted.is_some_and(|wanted| wanted != text.language) })
    }

    fn matches(&self, range: Range, language: Language) -> bool {
        match range {
            Range::Only(wanted) => wanted == language,
            Range::Any => !self.ranges.contains(&Range::Only(language)) && !self.refused.contains(&language),
        }
    }
}

/// One entry of the header, with its weight in thousandths; none where it is invalid or its language
/// unknown.
fn entry(text: &str) -> Option<(u16, Range)> {
    let mut parts = text.split(';');
    let tag = parts.next()?.trim();
    let weight = match parts.next() {
        None => 1000,
        Some(parameter) => {
            let (name, value) = parameter.split_once('=')?;
            if !name.trim().eq_ignore_ascii_case("q") || parts.next().is_some() {
                return None;
            }
            weight(value.trim())?
        }
    };
    let range = if tag == "*" { Range::Any } else { Range::Only(Language::from_tag(tag)?) };
    Some((weight, range))
}

/// `qvalue` of RFC 9110 section 12.4.2, in thousandths: 0 to 1 with at most three decimals.
fn weight(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if !matches!(whole, "0" | "1")
        || decimals.len() > 3
        || !decimals.bytes().all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    let thousandths: u16 = format!("{whole}{decimals:0<3}").parse().ok()?;
    (thousandths <= 1000).then_some(thousandths)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Language::{De, En, Fr, Nl};
    use super::*;

    fn languages(header: &str) -> Vec<&'static str> {
        LanguagePreferences::parse(header)
            .ranges
            .iter()
            .map(|range| match range {
                Range::Only(language) => language.tag(),
                Range::Any => "*",
            })
            .collect()
    }

    #[test]
    fn reads_headers() {
        for (header, expected) in [
            ("", &[] as &[&str]),
            ("fr", &["fr"]),
            ("fr-BE, nl;q=0.8, en;q=0.9", &["fr", "en", "nl"]),
            ("FR-be,NL-BE", &["fr", "nl"]),
            ("nl;q=0.5, fr;q=0.5", &["nl", "fr"]),
            ("nl ; q = 0.2 , fr ;q=0.333", &["fr", "nl"]),
            ("fr;q=0.1, fr-BE", &["fr"]),
            ("es, it;q=0.9, de;q=0.1", &["de"]),
            ("*", &["*"]),
            ("en, *;q=0.5, nl;q=0.1", &["en", "*", "nl"]),
            ("fr;q=0, nl", &["nl"]),
            ("fr;q=2, nl;q=-1, en;q=x, de;q=0.1234", &[]),
            ("fr;q=1.001, nl;q=1.000", &["nl"]),
            ("fr;x=1, nl;q=1;x=2, de;q", &[]),
            (",,;,;q=1,=,fr_BE,éé,🎬, en", &["en"]),
            ("french, deutsch, -fr", &[]),
            ("de-Latn-DE-1996", &["de"]),
        ] {
            assert_eq!(languages(header), expected, "{header}");
        }
        let header = format!("{}fr", "es,".repeat(32));
        assert!(languages(&header).is_empty());
        assert_eq!(languages(&header[3..]), ["fr"]);
    }

    fn texts(languages: &[Language]) -> Vec<LocalizedText> {
        languages
            .iter()
            .map(|&language| LocalizedText { language, text: language.tag().to_owned() })
            .collect()
    }

    #[test]
    fn chooses_argument_then_header_then_own() {
        for (header, asked, available, expected) in [
            ("", None, &[Fr, Nl] as &[Language], Some((Fr, false))),
            ("", Some(Nl), &[Fr, Nl], Some((Nl, false))),
            ("", Some(De), &[Fr, Nl], Some((Fr, true))),
            ("nl", None, &[Fr, Nl], Some((Nl, false))),
            ("nl", Some(Fr), &[Fr, Nl], Some((Fr, false))),
            ("nl", Some(De), &[Fr, Nl], Some((Nl, true))),
            ("de, en;q=0.9", None, &[Fr, En], Some((En, true))),
            ("de", None, &[Fr, En], Some((Fr, true))),
            ("es", None, &[Fr, En], Some((Fr, false))),
            ("*", None, &[Nl, Fr], Some((Nl, false))),
            ("*", Some(Fr), &[Nl, Fr], Some((Fr, false))),
            ("en, *;q=0.5, nl;q=0.1", None, &[Nl, Fr], Some((Fr, true))),
            ("en, *;q=0.5, nl;q=0.1", None, &[Nl], Some((Nl, true))),
            ("*, nl;q=0", None, &[Nl, Fr], Some((Fr, false))),
            ("fr;q=0", None, &[Fr], Some((Fr, false))),
            ("fr", Some(Fr), &[], None),
        ] {
            let texts = texts(available);
            let served = LanguagePreferences::parse(header).choose(asked, &texts);
            assert_eq!(
                served.map(|served| (served.text.language, served.substitute)),
                expected,
                "{header} {asked:?} {available:?}"
            );
        }
        assert_eq!(LanguagePreferences::parse("es"), LanguagePreferences::default());
    }

    #[test]
    fn has_names_for_every_reader() {
        for language in Language::ALL {
            assert_eq!(Language::from_tag(language.tag()), Some(language));
            assert_eq!(language.as_str().parse::<Language>().unwrap(), language);
            assert_eq!(serde_json::to_value(language).unwrap(), language.as_str());
        }
        assert!("fr".parse::<Language>().is_err());
        let text = LocalizedText { language: Nl, text: "film".to_owned() };
        assert_eq!(serde_json::to_string(&text).unwrap(), r#"{"language":"NL","text":"film"}"#);
    }

    fn any_language() -> impl Strategy<Value = Language> {
        proptest::sample::select(Language::ALL.to_vec())
    }

    proptest! {
        #[test]
        fn something_is_served_wherever_there_is_a_text(
            header in "((fr|nl|en|de|es|\\*|fr-BE)(;q=(0|1|0\\.[0-9]{1,3}))?,? ?){0,6}",
            asked in proptest::option::of(any_language()),
            available in proptest::collection::vec(any_language(), 0..5),
        ) {
            let texts = texts(&available);
            let preferences = LanguagePreferences::parse(&header);
            let served = preferences.choose(asked, &texts);
            prop_assert_eq!(served.is_some(), !texts.is_empty());
            if let Some(served) = served {
                let wanted = asked.or(preferences.first());
                prop_assert_eq!(served.substitute, wanted.is_some_and(|wanted| wanted != served.text.language));
                prop_assert!(wanted.is_none_or(|wanted| !available.contains(&wanted) || served.text.language == wanted));
            }
        }
    }
}
