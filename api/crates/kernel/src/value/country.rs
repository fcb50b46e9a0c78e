//! Countries, as people write them.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use serde::Deserialize;

use super::{Expected, ValueError, fold};

static EXPECTED: Expected = Expected {
    en: "a country of ISO 3166-1, such as \"BE\" or \"Belgium\"",
    fr: "un pays de la norme ISO 3166-1, comme « BE » ou « Belgique »",
    nl: "een land van ISO 3166-1, zoals \"BE\" of \"België\"",
    de: "ein Land nach ISO 3166-1, etwa „BE“ oder „Belgien“",
};

/// A country: its code of two capital letters (ISO 3166-1 alpha-2).
///
/// It is read from that code, from the code of three letters, or from its name in French, Dutch, English or German, in
/// capital or small letters and with or without accents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Country(&'static str);

impl Country {
    /// The code of two capital letters.
    pub const fn code(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// An entry of the file: the codes of ISO 3166-1, and the names of Unicode CLDR.
#[derive(Deserialize)]
struct Entry {
    code: &'static str,
    alpha3: &'static str,
    labels: HashMap<&'static str, String>,
    aliases: Vec<String>,
}

/// The codes by code and name. A name that two countries share is none of either.
static BY_NAME: LazyLock<HashMap<String, Option<&'static str>>> = LazyLock::new(|| {
    let mut all: HashMap<String, Option<&'static str>> = HashMap::new();
    for entry in entries() {
        let labels = entry.labels.into_values().chain(entry.aliases);
        let names = labels.chain([entry.code.to_owned(), entry.alpha3.to_owned()]);
        for name in names {
            all.entry(fold(&name))
                .and_modify(|code| *code = code.filter(|code| *code == entry.code))
                .or_insert(Some(entry.code));
        }
    }
    all
});

#[expect(clippy::expect_used, reason = "the file is compiled in, and a test reads it")]
fn entries() -> Vec<Entry> {
    let text = include_str!("../../../../data/vocabularies/countries.json");
    serde_json::from_str(text).expect("the file of countries is valid")
}

impl FromStr for Country {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let text = text.trim();
        let code = BY_NAME.get(&fold(text)).copied().flatten();
        code.map(Self).ok_or_else(|| ValueError::unexpected(&EXPECTED, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_is_known_by_its_codes_and_names() {
        for text in
            ["BE", "be", "BEL", "Belgique", "belgië", "BELGIE", "Belgien", " Belgium ", "Koninkrijk België"]
        {
            assert_eq!(text.parse::<Country>().unwrap().code(), "BE", "{text}");
        }
        for (text, code) in
            [("Pays-Bas", "NL"), ("Côte d’Ivoire", "CI"), ("UK", "GB"), ("Großbritannien", "GB")]
        {
            assert_eq!(text.parse::<Country>().unwrap().code(), code, "{text}");
        }
    }

    #[test]
    fn other_letters_are_no_country() {
        for text in ["", "ZZ", "QQ", "XX", "EU", "B", "Wallonie", "Belgiqu"] {
            assert!(text.parse::<Country>().is_err(), "{text}");
        }
    }

    #[test]
    fn each_code_is_that_of_one_country() {
        let mut all = entries();
        let count = all.len();
        assert!(count > 240);
        for entry in &all {
            assert!(entry.code.len() == 2 && entry.code.bytes().all(|byte| byte.is_ascii_uppercase()));
            assert_eq!(entry.labels.len(), 4, "{}", entry.code);
            assert_eq!(entry.code.parse::<Country>().unwrap().code(), entry.code);
            assert_eq!(entry.alpha3.parse::<Country>().unwrap().code(), entry.code);
        }
        all.dedup_by_key(|entry| entry.code);
        assert_eq!(all.len(), count);
    }
}
