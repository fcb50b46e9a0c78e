//! Identifiers that registers outside the directory give to companies, persons and works.

use std::fmt;
use std::str::FromStr;

use async_graphql::{ComplexObject, Enum, SimpleObject};
use serde::{Deserialize, Serialize};

use super::{Expected, Url, ValueError};

/// The register that gave an identifier, and with it the form of the identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Enum)]
#[serde(rename_all = "UPPERCASE")]
pub enum IdentifierScheme {
    /// French company, in the SIRENE register of INSEE: nine digits, "552008443".
    Siren,
    /// French establishment, in the SIRENE register of INSEE: the SIREN of its company and five digits,
    /// "73282932000074".
    Siret,
    /// Belgian company, in the Crossroads Bank for Enterprises (BCE, KBO): ten digits without dots,
    /// "0403170701".
    Bce,
    /// Number for value added tax in a country of the European Union, with the prefix of the country:
    /// "BE0403170701".
    Vat,
    /// Legal Entity Identifier (ISO 17442): twenty letters and digits, "5493001KJTIIGC8Y1R12".
    Lei,
    /// International Standard Name Identifier (ISO 27729) of a person or organization: sixteen characters
    /// without spaces, "0000000121032683".
    Isni,
    /// ORCID iD of a researcher: sixteen characters with dashes, "0000-0002-1825-0097".
    Orcid,
    /// Research Organization Registry: nine lower-case letters and digits, "03yrm5c26".
    Ror,
    /// French association, in the Répertoire national des associations: W and nine characters, "W751004076".
    Rna,
    /// Item of Wikidata: Q and a number, "Q42".
    Wikidata,
    /// Audiovisual work, in the Entertainment Identifier Registry: "10.5240/7791-8534-2C23-9030-8610-5".
    Eidr,
}

impl IdentifierScheme {
    /// Every scheme, in the order of the schema.
    pub const ALL: [Self; 11] = [
        Self::Siren,
        Self::Siret,
        Self::Bce,
        Self::Vat,
        Self::Lei,
        Self::Isni,
        Self::Orcid,
        Self::Ror,
        Self::Rna,
        Self::Wikidata,
        Self::Eidr,
    ];

    /// The name in capital letters, as in the schema.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Siren => "SIREN",
            Self::Siret => "SIRET",
            Self::Bce => "BCE",
            Self::Vat => "VAT",
            Self::Lei => "LEI",
            Self::Isni => "ISNI",
            Self::Orcid => "ORCID",
            Self::Ror => "ROR",
            Self::Rna => "RNA",
            Self::Wikidata => "WIKIDATA",
            Self::Eidr => "EIDR",
        }
    }

    /// The form of its identifiers.
    fn expected(self) -> &'static Expected {
        match self {
            Self::Siren => &Expected {
                en: "a SIREN of nine digits with a right check digit (Luhn), such as \"552008443\"",
                fr: "un SIREN de neuf chiffres, clé de contrôle (Luhn) comprise, comme « 552008443 »",
                nl: "een SIREN van negen cijfers met een juist controlecijfer (Luhn), zoals \"552008443\"",
                de: "eine SIREN aus neun Ziffern mit richtiger Prüfziffer (Luhn), etwa „552008443“",
            },
            Self::Siret => &Expected {
                en: "a SIRET of fourteen digits with a right check digit (Luhn), such as \"73282932000074\"",
                fr: "un SIRET de quatorze chiffres, clé de contrôle (Luhn) comprise, comme « 73282932000074 »",
                nl: "een SIRET van veertien cijfers met een juist controlecijfer (Luhn), zoals \"73282932000074\"",
                de: "eine SIRET aus vierzehn Ziffern mit richtiger Prüfziffer (Luhn), etwa „73282932000074“",
            },
            Self::Bce => &Expected {
                en: "a BCE number of ten digits, the last two the check (mod 97), such as \"0403170701\"",
                fr: "un numéro BCE de dix chiffres, dont les deux derniers de contrôle (modulo 97), comme « 0403170701 »",
                nl: "een KBO-nummer van tien cijfers, waarvan de laatste twee de controle zijn (modulo 97), zoals \"0403170701\"",
                de: "eine ZDU-Nummer aus zehn Ziffern, die letzten zwei zur Prüfung (modulo 97), etwa „0403170701“",
            },
            Self::Vat => &Expected {
                en: "a VAT number of a country of the European Union with its prefix, such as \"BE0403170701\"",
                fr: "un numéro de TVA d’un pays de l’Union européenne avec son préfixe, comme « BE0403170701 »",
                nl: "een btw-nummer van een land van de Europese Unie met zijn prefix, zoals \"BE0403170701\"",
                de: "eine Umsatzsteuernummer eines Landes der Europäischen Union mit ihrem Präfix, etwa „BE0403170701“",
            },
            Self::Lei => &Expected {
                en: "an LEI of twenty characters, the last two the check (mod 97-10), such as \"5493001KJTIIGC8Y1R12\"",
                fr: "un LEI de vingt caractères, dont les deux derniers de contrôle (mod 97-10), comme « 5493001KJTIIGC8Y1R12 »",
                nl: "een LEI van twintig tekens, waarvan de laatste twee de controle zijn (mod 97-10), zoals \"5493001KJTIIGC8Y1R12\"",
                de: "eine LEI aus zwanzig Zeichen, die letzten zwei zur Prüfung (mod 97-10), etwa „5493001KJTIIGC8Y1R12“",
            },
            Self::Isni => &Expected {
                en: "an ISNI of sixteen characters, the last the check (mod 11-2), such as \"0000000121032683\"",
                fr: "un ISNI de seize caractères, dont le dernier de contrôle (mod 11-2), comme « 0000000121032683 »",
                nl: "een ISNI van zestien tekens, waarvan het laatste de controle is (mod 11-2), zoals \"0000000121032683\"",
                de: "eine ISNI aus sechzehn Zeichen, das letzte zur Prüfung (mod 11-2), etwa „0000000121032683“",
            },
            Self::Orcid => &Expected {
                en: "an ORCID iD of sixteen characters, the last the check (mod 11-2), such as \"0000-0002-1825-0097\"",
                fr: "un ORCID iD de seize caractères, dont le dernier de contrôle (mod 11-2), comme « 0000-0002-1825-0097 »",
                nl: "een ORCID iD van zestien tekens, waarvan het laatste de controle is (mod 11-2), zoals \"0000-0002-1825-0097\"",
                de: "eine ORCID iD aus sechzehn Zeichen, das letzte zur Prüfung (mod 11-2), etwa „0000-0002-1825-0097“",
            },
            Self::Ror => &Expected {
                en: "a ROR id of nine characters, the last two the check (mod 97-10), such as \"03yrm5c26\"",
                fr: "un identifiant ROR de neuf caractères, dont les deux derniers de contrôle (mod 97-10), comme « 03yrm5c26 »",
                nl: "een ROR-id van negen tekens, waarvan de laatste twee de controle zijn (mod 97-10), zoals \"03yrm5c26\"",
                de: "eine ROR-Kennung aus neun Zeichen, die letzten zwei zur Prüfung (mod 97-10), etwa „03yrm5c26“",
            },
            Self::Rna => &Expected {
                en: "an RNA number of W and nine characters, such as \"W751004076\"",
                fr: "un numéro RNA formé de W et de neuf caractères, comme « W751004076 »",
                nl: "een RNA-nummer van W en negen tekens, zoals \"W751004076\"",
                de: "eine RNA-Nummer aus W und neun Zeichen, etwa „W751004076“",
            },
            Self::Wikidata => &Expected {
                en: "a Wikidata item of Q and a number, such as \"Q42\"",
                fr: "un élément Wikidata formé de Q et d’un nombre, comme « Q42 »",
                nl: "een Wikidata-item van Q en een getal, zoals \"Q42\"",
                de: "ein Wikidata-Objekt aus Q und einer Zahl, etwa „Q42“",
            },
            Self::Eidr => &Expected {
                en: "an EIDR id with a right check character (mod 37,36), such as \"10.5240/7791-8534-2C23-9030-8610-5\"",
                fr: "un identifiant EIDR au caractère de contrôle juste (mod 37,36), comme « 10.5240/7791-8534-2C23-9030-8610-5 »",
                nl: "een EIDR-id met een juist controleteken (mod 37,36), zoals \"10.5240/7791-8534-2C23-9030-8610-5\"",
                de: "eine EIDR-Kennung mit richtigem Prüfzeichen (mod 37,36), etwa „10.5240/7791-8534-2C23-9030-8610-5“",
            },
        }
    }

    /// Prefixes that are accepted before the identifier: names of the register, and URLs of its pages
    /// without `https://`, longer ones first.
    fn prefixes(self) -> &'static [&'static str] {
        match self {
            Self::Siren => &["annuaire-entreprises.data.gouv.fr/entreprise/", "siren"],
            Self::Siret => &["annuaire-entreprises.data.gouv.fr/etablissement/", "siret"],
            Self::Bce => {
                &["kbopub.economie.fgov.be/kbopub/toonondernemingps.html?ondernemingsnummer=", "bce", "kbo"]
            }
            Self::Vat => &["vat", "tva", "btw"],
            Self::Lei => &["search.gleif.org/#/record/", "lei"],
            Self::Isni => &["isni.org/isni/", "isni.org/", "isni"],
            Self::Orcid => &["orcid.org/", "orcid"],
            Self::Ror => &["ror.org/", "ror"],
            Self::Rna => &["rna"],
            Self::Wikidata => &["wikidata.org/wiki/", "wikidata.org/entity/", "wikidata", "wd"],
            Self::Eidr => &["doi.org/", "dx.doi.org/", "ui.eidr.org/view/content?id=", "doi", "eidr"],
        }
    }
}

impl FromStr for IdentifierScheme {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        static EXPECTED: Expected = Expected {
            en: "SIREN, SIRET, BCE, VAT, LEI, ISNI, ORCID, ROR, RNA, WIKIDATA or EIDR",
            fr: "SIREN, SIRET, BCE, VAT, LEI, ISNI, ORCID, ROR, RNA, WIKIDATA ou EIDR",
            nl: "SIREN, SIRET, BCE, VAT, LEI, ISNI, ORCID, ROR, RNA, WIKIDATA of EIDR",
            de: "SIREN, SIRET, BCE, VAT, LEI, ISNI, ORCID, ROR, RNA, WIKIDATA oder EIDR",
        };
        let found = Self::ALL.into_iter().find(|scheme| scheme.as_str() == text);
        found.ok_or_else(|| ValueError::unexpected(&EXPECTED, text))
    }
}

impl fmt::Display for IdentifierScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An identifier given by a register outside the directory, in the one form that the register's scheme
/// prescribes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, SimpleObject)]
#[serde(try_from = "IdentifierText")]
#[graphql(complex)]
pub struct Identifier {
    // The derive makes a method from each field name. `scheme` and `value` are the methods below.
    /// The register that gave the identifier.
    #[serde(rename = "scheme")]
    #[graphql(name = "scheme")]
    register: IdentifierScheme,
    /// The identifier in its canonical form, whatever spaces, dots or address it was given with.
    #[serde(rename = "value")]
    #[graphql(name = "value")]
    canonical: String,
}

/// An identifier as it is read, before it is checked.
#[derive(Deserialize)]
struct IdentifierText {
    scheme: IdentifierScheme,
    value: String,
}

impl TryFrom<IdentifierText> for Identifier {
    type Error = ValueError;

    fn try_from(identifier: IdentifierText) -> Result<Self, ValueError> {
        Self::parse(identifier.scheme, &identifier.value)
    }
}

#[ComplexObject]
impl Identifier {
    /// The public page of the identifier in its register, where the register has one.
    #[graphql(name = "url")]
    async fn page(&self) -> Option<Url> {
        self.url().map(Url::trusted)
    }
}

impl Identifier {
    /// Maximum characters of an accepted text. No identifier needs more, with any prefix.
    const MAX_CHARACTERS: usize = 200;

    /// Reads an identifier, brings it to its canonical form and checks what can be checked without asking the
    /// register.
    ///
    /// Spaces, dots and dashes, lower case, the name of the register (`SIREN 552 008 443`) and the address
    /// of its pages (`https://orcid.org/…`) are removed. The canonical form is the one of the register,
    /// without separators: a BCE number is ten digits without dots, and an old one of nine digits gets its
    /// leading zero. Only ORCID and EIDR keep their dashes.
    ///
    /// The rules come from:
    /// * SIREN, SIRET: INSEE, Luhn's formula (ISO/IEC 7812-1 annex B); the establishments of La Poste
    ///   (356000000) have digits whose sum is a multiple of five instead;
    /// * BCE: royal decree of 24 June 2003, 97 less the first eight digits modulo 97;
    /// * VAT: the structures that the European Commission publishes for VIES; the key of France is computed
    ///   from the SIREN (for Monaco without a SIREN), the number of Belgium is its BCE number; of other
    ///   countries only the form is checked, and Greece is `EL`;
    /// * LEI: ISO 17442-1 and ISO/IEC 7064 MOD 97-10;
    /// * ISNI, ORCID: ISO 27729, ISO/IEC 7064 MOD 11-2;
    /// * ROR: its documentation, Crockford's base 32 and a check as in ISO/IEC 7064 MOD 97-10;
    /// * RNA: W and nine characters, all digits but for the second, which is a letter overseas and in Corsica;
    /// * EIDR: its ID format, ISO/IEC 7064 MOD 37,36.
    ///
    /// # Errors
    /// [`ValueError`] with the form that the scheme expects.
    pub fn parse(scheme: IdentifierScheme, text: &str) -> Result<Self, ValueError> {
        let refuse = || ValueError::unexpected(scheme.expected(), text);
        if text.chars().count() > Self::MAX_CHARACTERS {
            return Err(refuse());
        }
        let bare = without_prefix(text, scheme.prefixes());
        let plain = compact(bare).ok_or_else(refuse)?;
        let value = match scheme {
            IdentifierScheme::Siren => is_siren(&plain).then_some(plain),
            IdentifierScheme::Siret => is_siret(&plain).then_some(plain),
            IdentifierScheme::Bce => bce(plain.strip_prefix("BE").unwrap_or(&plain)),
            IdentifierScheme::Vat => vat(&plain),
            IdentifierScheme::Lei => is_lei(&plain).then_some(plain),
            IdentifierScheme::Isni => is_isni(&plain).then_some(plain),
            IdentifierScheme::Orcid => is_isni(&plain).then(|| grouped(&plain)),
            IdentifierScheme::Ror => is_ror(&plain).then(|| plain.to_ascii_lowercase()),
            IdentifierScheme::Rna => is_like(&plain, "W9x9999999").then_some(plain),
            IdentifierScheme::Wikidata => is_wikidata(&plain).then_some(plain),
            IdentifierScheme::Eidr => eidr(&plain),
        };
        value.map(|canonical| Self { register: scheme, canonical }).ok_or_else(refuse)
    }

    /// The register that gave the identifier.
    pub fn scheme(&self) -> IdentifierScheme {
        self.register
    }

    /// The identifier in its canonical form.
    pub fn value(&self) -> &str {
        &self.canonical
    }

    /// The address of the identifier's public page, where its register has one: all but VAT and RNA.
    pub fn url(&self) -> Option<String> {
        let value = &self.canonical;
        match self.register {
            IdentifierScheme::Siren => {
                Some(format!("https://annuaire-entreprises.data.gouv.fr/entreprise/{value}"))
            }
            IdentifierScheme::Siret => {
                Some(format!("https://annuaire-entreprises.data.gouv.fr/etablissement/{value}"))
            }
            IdentifierScheme::Bce => Some(format!(
                "https://kbopub.economie.fgov.be/kbopub/toonondernemingps.html?ondernemingsnummer={value}"
            )),
            IdentifierScheme::Lei => Some(format!("https://search.gleif.org/#/record/{value}")),
            IdentifierScheme::Isni => Some(format!("https://isni.org/isni/{value}")),
            IdentifierScheme::Orcid => Some(format!("https://orcid.org/{value}")),
            IdentifierScheme::Ror => Some(format!("https://ror.org/{value}")),
            IdentifierScheme::Wikidata => Some(format!("https://www.wikidata.org/wiki/{value}")),
            IdentifierScheme::Eidr => Some(format!("https://doi.org/{value}")),
            IdentifierScheme::Vat | IdentifierScheme::Rna => None,
        }
    }
}

impl fmt::Display for Identifier {
    /// The scheme and the value, `SIREN 552008443`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.register, self.canonical)
    }
}

/// Takes away the address of a register's pages, or the name of a register, before an identifier.
fn without_prefix<'a>(text: &'a str, prefixes: &[&str]) -> &'a str {
    let text = text.trim();
    let is_address = strip(text, "https://").is_some() || strip(text, "http://").is_some();
    let rest = strip(text, "https://").or_else(|| strip(text, "http://")).unwrap_or(text);
    let rest = strip(rest, "www.").unwrap_or(rest);
    for prefix in prefixes {
        let Some(rest) = strip(rest, prefix) else { continue };
        if prefix.contains('/') {
            // A browser may have added a query or a fragment.
            let end = rest.find(['?', '#', '&']).unwrap_or(rest.len());
            return rest[..end].trim_end_matches('/');
        }
        if !is_address {
            return rest.trim_start_matches([':', '.', ' ', '\u{a0}']);
        }
    }
    // A URL of another site stays whole, so that no scheme accepts it.
    if is_address { text } else { rest }
}

fn strip<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// Capital letters, digits and slashes only: white space, dots and dashes are left out, anything else is
/// refused.
fn compact(text: &str) -> Option<String> {
    text.chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '.' | '-' | '\u{2010}'..='\u{2015}' | '\u{2212}'))
        .map(|c| (c.is_ascii_alphanumeric() || c == '/').then(|| c.to_ascii_uppercase()))
        .collect()
}

/// The value of a digit or capital letter in ISO/IEC 7064: 0 to 9, then A to Z as 10 to 35.
fn values(text: &str) -> impl DoubleEndedIterator<Item = u32> + ExactSizeIterator {
    // Other characters would be 36, but no caller passes them.
    text.bytes().map(|byte| char::from(byte).to_digit(36).unwrap_or(36))
}

fn are_digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Luhn's formula: from the right every second digit counts double, less nine where that has two digits.
fn luhn(text: &str) -> bool {
    let sum: u32 = values(text)
        .rev()
        .enumerate()
        .map(|(at, digit)| if at % 2 == 0 { digit } else { 2 * digit - 9 * u32::from(digit > 4) })
        .sum();
    sum.is_multiple_of(10)
}

fn is_siren(text: &str) -> bool {
    are_digits(text, 9) && text != "000000000" && luhn(text)
}

fn is_siret(text: &str) -> bool {
    are_digits(text, 14)
        && is_siren(&text[..9])
        && (luhn(text) || text.starts_with("356000000") && values(text).sum::<u32>().is_multiple_of(5))
}

fn modulo_97(text: &str) -> u32 {
    values(text).fold(0, |rest, digit| (rest * if digit > 9 { 100 } else { 10 } + digit) % 97)
}

fn bce(text: &str) -> Option<String> {
    let text = if are_digits(text, 9) { format!("0{text}") } else { text.to_owned() };
    let fits = are_digits(&text, 10)
        && text.starts_with(['0', '1'])
        && !text.starts_with("00000000")
        && 97 - modulo_97(&text[..8]) == modulo_100(&text[8..]);
    fits.then_some(text)
}

/// The number that two digits make.
fn modulo_100(text: &str) -> u32 {
    values(text).fold(0, |number, digit| (number * 10 + digit) % 100)
}

/// Whether a text has the form of a pattern: `9` a digit, `a` a letter, `x` either, anything else itself.
fn is_like(text: &str, pattern: &str) -> bool {
    text.len() == pattern.len()
        && text.bytes().zip(pattern.bytes()).all(|(byte, like)| match like {
            b'9' => byte.is_ascii_digit(),
            b'a' => byte.is_ascii_uppercase(),
            b'x' => byte.is_ascii_digit() || byte.is_ascii_uppercase(),
            itself => byte == itself,
        })
}

fn vat(text: &str) -> Option<String> {
    let (country, number) = text.split_at_checked(2)?;
    let any = |patterns: &[&str]| patterns.iter().any(|pattern| is_like(number, pattern));
    let fits = match country {
        "BE" => return bce(number).map(|number| format!("BE{number}")),
        // The prefix of VIES; `GR` is the country's code elsewhere.
        "GR" => return is_like(number, "999999999").then(|| format!("EL{number}")),
        "FR" => is_french_vat(number),
        "AT" => any(&["U99999999"]),
        "BG" => any(&["999999999", "9999999999"]),
        "CY" => any(&["99999999a"]),
        "CZ" => any(&["99999999", "999999999", "9999999999"]),
        "DE" | "EE" | "EL" | "PT" => any(&["999999999"]),
        "DK" | "FI" | "HU" | "LU" | "MT" | "SI" => any(&["99999999"]),
        "ES" => any(&["a9999999x", "99999999a"]),
        "HR" | "IT" | "LV" => any(&["99999999999"]),
        "IE" => any(&["9x99999a", "9999999aa"]),
        "LT" => any(&["999999999", "999999999999"]),
        "NL" => any(&["999999999B99"]),
        "PL" | "SK" => any(&["9999999999"]),
        "RO" => (2..=10).contains(&number.len()) && are_digits(number, number.len()),
        "SE" => any(&["999999999999"]),
        // Northern Ireland, for trade in goods.
        "XI" => any(&["999999999", "999999999999", "GD999", "HA999"]),
        _ => false,
    };
    fits.then(|| text.to_owned())
}

/// Two characters of key and a SIREN. A key of digits is (12 + 3 × (SIREN mod 97)) mod 97; one with a
/// letter (never I or O) follows the newer formula of the tax office.
fn is_french_vat(number: &str) -> bool {
    const ALPHABET: &str = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    let Some((key, siren)) = number.split_at_checked(2) else {
        return false;
    };
    // Businesses of Monaco have a number that starts with 000 and is not in the SIRENE register.
    if !(is_siren(siren) || siren.starts_with("000") && are_digits(siren, 9)) {
        return false;
    }
    if are_digits(key, 2) {
        return modulo_100(key) == (12 + 3 * modulo_97(siren)) % 97;
    }
    let mut positions = key.chars().map(|c| ALPHABET.find(c));
    let (Some(Some(first)), Some(Some(second))) = (positions.next(), positions.next()) else {
        return false;
    };
    let Some(check) = (if first < 10 { first * 24 + second } else { first * 34 + second })
        .checked_sub(if first < 10 { 10 } else { 100 })
    else {
        return false;
    };
    let siren = siren.bytes().fold(0, |number, digit| number * 10 + usize::from(digit - b'0'));
    (siren + 1 + check / 11) % 11 == check % 11
}

fn is_lei(text: &str) -> bool {
    is_like(text, "xxxxxxxxxxxxxxxxxx99") && modulo_97(text) == 1
}

/// Sixteen characters with a check by ISO/IEC 7064 MOD 11-2, in which X stands for ten.
fn is_isni(text: &str) -> bool {
    let Some((digits, check)) = text.split_at_checked(15) else {
        return false;
    };
    let check = match check {
        "X" => 10,
        _ if are_digits(check, 1) => modulo_100(check),
        _ => return false,
    };
    let sum = values(digits).fold(0, |sum, digit| (sum + digit) * 2 % 11);
    are_digits(digits, 15) && (sum + check) % 11 == 1
}

/// Groups of four characters with dashes between them.
fn grouped(text: &str) -> String {
    let mut groups = String::with_capacity(text.len() + text.len() / 4);
    for (at, c) in text.chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            groups.push('-');
        }
        groups.push(c);
    }
    groups
}

/// A zero, six characters of Crockford's base 32 (no I, L, O, U), and two digits: 98 less the number times
/// 100, modulo 97.
fn is_ror(text: &str) -> bool {
    const ALPHABET: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    if !is_like(text, "0xxxxxx99") {
        return false;
    }
    let number = text[..7].chars().try_fold(0, |number, c| ALPHABET.find(c).map(|value| number * 32 + value));
    number.is_some_and(|number| 98 - number * 100 % 97 == modulo_100(&text[7..]) as usize)
}

fn is_wikidata(text: &str) -> bool {
    text.strip_prefix('Q').is_some_and(|number| {
        (1..=12).contains(&number.len()) && !number.starts_with('0') && are_digits(number, number.len())
    })
}

fn eidr(text: &str) -> Option<String> {
    // The dot of the prefix 10.5240 has gone with the others.
    let suffix = text.strip_prefix("105240/")?;
    let (digits, check) = suffix.split_at_checked(20)?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) || !is_like(check, "x") {
        return None;
    }
    let product = values(digits).fold(36, |product, digit| {
        let sum = (product + digit) % 36;
        (if sum == 0 { 36 } else { sum }) * 2 % 37
    });
    let check_value: u32 = values(check).sum();
    ((product + check_value) % 36 == 1).then(|| format!("10.5240/{}-{check}", grouped(digits)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::IdentifierScheme::{Bce, Eidr, Isni, Lei, Orcid, Rna, Ror, Siren, Siret, Vat, Wikidata};
    use super::*;

    const CANONICAL: [(IdentifierScheme, &str); 40] = [
        (Siren, "552008443"),
        (Siren, "732829320"),
        (Siren, "356000000"),
        (Siren, "552046955"),
        (Siret, "73282932000074"),
        (Siret, "35600000000048"),
        (Siret, "35600000049837"),
        (Siret, "35600000000001"),
        (Bce, "0403170701"),
        (Bce, "0428759497"),
        (Bce, "1000123448"),
        (Bce, "0202239951"),
        (Vat, "BE0403170701"),
        (Vat, "FR40303265045"),
        (Vat, "FR23334175221"),
        (Vat, "FRK7399859412"),
        (Vat, "FR4Z123456782"),
        (Vat, "FR53000004605"),
        (Vat, "NL123456789B01"),
        (Vat, "DE123456789"),
        (Vat, "ATU12345678"),
        (Vat, "ESX1234567X"),
        (Vat, "IE1234567WA"),
        (Vat, "EL123456789"),
        (Vat, "XIGD001"),
        (Lei, "5493001KJTIIGC8Y1R12"),
        (Lei, "213800KUD8LAJWSQ9D15"),
        (Lei, "529900T8BM49AURSDO55"),
        (Isni, "0000000121032683"),
        (Isni, "000000012146438X"),
        (Orcid, "0000-0002-1825-0097"),
        (Orcid, "0000-0002-1694-233X"),
        (Ror, "03yrm5c26"),
        (Ror, "05dxps055"),
        (Ror, "02mhbdp94"),
        (Rna, "W751004076"),
        (Rna, "W2A1000059"),
        (Wikidata, "Q42"),
        (Eidr, "10.5240/7791-8534-2C23-9030-8610-5"),
        (Eidr, "10.5240/F85A-E100-B068-5B8F-B1C8-T"),
    ];

    fn read(scheme: IdentifierScheme, text: &str) -> Option<String> {
        Identifier::parse(scheme, text).ok().map(|identifier| identifier.canonical)
    }

    #[test]
    fn keeps_canonical_forms() {
        for (scheme, text) in CANONICAL {
            assert_eq!(read(scheme, text).as_deref(), Some(text), "{scheme}");
        }
    }

    #[test]
    fn reads_its_own_pages_and_labels() {
        for (scheme, text) in CANONICAL {
            let identifier = Identifier::parse(scheme, text).unwrap();
            assert_eq!(identifier.url().is_none(), matches!(scheme, Vat | Rna));
            if let Some(url) = identifier.url() {
                assert_eq!(read(scheme, &url).as_deref(), Some(text), "{url}");
                assert_eq!(read(scheme, &format!("{url}/ ")).as_deref(), Some(text), "{url}");
                assert!(url.parse::<Url>().is_ok());
            }
            for label in [
                format!("{scheme} {text}"),
                format!("{scheme}: {text}"),
                identifier.to_string().to_lowercase(),
            ] {
                assert_eq!(read(scheme, &label).as_deref(), Some(text), "{label}");
            }
        }
    }

    #[test]
    fn brings_other_spellings_to_one() {
        for (scheme, text, canonical) in [
            (Siren, " 552 008 443 ", "552008443"),
            (Siren, "552\u{a0}008\u{202f}443", "552008443"),
            (Siret, "732 829 320 00074", "73282932000074"),
            (Bce, "0403.170.701", "0403170701"),
            (Bce, "403.170.701", "0403170701"),
            (Bce, "BE 0403.170.701", "0403170701"),
            (Bce, "BE0403170701", "0403170701"),
            (Bce, "KBO: BE 0403.170.701", "0403170701"),
            (Vat, "BE 403.170.701", "BE0403170701"),
            (Vat, "TVA: be 0403 170 701", "BE0403170701"),
            (Vat, "fr 40 303 265 045", "FR40303265045"),
            (Vat, "GR123456789", "EL123456789"),
            (Vat, "NL 1234.56.789.B.01", "NL123456789B01"),
            (Lei, "5493 001k jtii gc8y 1r12", "5493001KJTIIGC8Y1R12"),
            (Isni, "0000 0001 2103 2683", "0000000121032683"),
            (Isni, "http://www.isni.org/isni/000000012146438x", "000000012146438X"),
            (Isni, "https://isni.org/0000000121032683", "0000000121032683"),
            (Orcid, "000000021694233x", "0000-0002-1694-233X"),
            (Orcid, "orcid.org/0000-0002-1825-0097", "0000-0002-1825-0097"),
            (Orcid, "0000‐0002‐1825‐0097", "0000-0002-1825-0097"),
            (Orcid, "https://orcid.org/0000-0002-1825-0097?lang=fr", "0000-0002-1825-0097"),
            (Ror, "https://ror.org/03YRM5C26", "03yrm5c26"),
            (Rna, "w751004076", "W751004076"),
            (Wikidata, "http://www.wikidata.org/entity/q42", "Q42"),
            (Wikidata, "wd:Q42", "Q42"),
            (
                Eidr,
                "https://doi.org/10.5240/7791-8534-2c23-9030-8610-5",
                "10.5240/7791-8534-2C23-9030-8610-5",
            ),
            (Eidr, "doi:10.5240/77918534 2C23903086105", "10.5240/7791-8534-2C23-9030-8610-5"),
        ] {
            assert_eq!(read(scheme, text).as_deref(), Some(canonical), "{scheme} {text}");
        }
    }

    #[test]
    fn refuses_wrong_checks_and_forms() {
        for (scheme, text) in [
            (Siren, ""),
            (Siren, "552008444"),
            (Siren, "000000000"),
            (Siren, "55200844"),
            (Siren, "5520084430"),
            (Siren, "55200844X"),
            (Siren, "５５２００８４４３"),
            (Siren, "552/008/443"),
            (Siren, "https://example.org/552008443"),
            (Siret, "73282932000075"),
            (Siret, "35600000000002"),
            (Siret, "73282932100073"),
            (Siret, "732829320"),
            (Bce, "0403170702"),
            (Bce, "2403170701"),
            (Bce, "0000000097"),
            (Bce, "040317070"),
            (Bce, "FR0403170701"),
            (Vat, "0403170701"),
            (Vat, "BE0403170702"),
            (Vat, "FR41303265045"),
            (Vat, "FRIO303265045"),
            (Vat, "FR84323140391X"),
            (Vat, "GB123456789"),
            (Vat, "US123456789"),
            (Vat, "DE12345678"),
            (Vat, "NL123456789C01"),
            (Vat, "ES123456789"),
            (Vat, "RO1"),
            (Vat, "B"),
            (Vat, "FR"),
            (Vat, "FR1"),
            (Lei, "5493001KJTIIGC8Y1R13"),
            (Lei, "5493001KJTIIGC8Y1R1"),
            (Lei, "5493001KJTIIGC8Y1RAA"),
            (Isni, "0000000121032684"),
            (Isni, "00000001210326X3"),
            (Isni, "000000012103268"),
            (Isni, "0000000121032683/x"),
            (Orcid, "0000-0002-1825-0098"),
            (Orcid, "https://isni.org/isni/0000000218250097"),
            (Ror, "03yrm5c27"),
            (Ror, "13yrm5c26"),
            (Ror, "03yrm5u26"),
            (Ror, "03yrm5c2"),
            (Rna, "W75100407"),
            (Rna, "X751004076"),
            (Rna, "W7510040767"),
            (Rna, "WA51004076"),
            (Wikidata, "Q0"),
            (Wikidata, "Q042"),
            (Wikidata, "P31"),
            (Wikidata, "Q"),
            (Wikidata, "42"),
            (Wikidata, "Q1234567890123"),
            (Eidr, "10.5240/7791-8534-2C23-9030-8610-6"),
            (Eidr, "10.5239/7791-8534-2C23-9030-8610-5"),
            (Eidr, "7791-8534-2C23-9030-8610-5"),
            (Eidr, "10.5240/G791-8534-2C23-9030-8610-5"),
            (Eidr, "10.5240/7791-8534-2C23-9030-8610"),
        ] {
            let error = Identifier::parse(scheme, text);
            assert!(error.is_err(), "{scheme} {text}");
            assert!(error.unwrap_err().to_string().starts_with("expected a"), "{scheme} {text}");
        }
        assert!(Identifier::parse(Siren, &format!("{}552008443", " ".repeat(300))).is_err());
    }

    #[test]
    fn is_an_object_for_serde() {
        let json = r#"{"scheme":"BCE","value":"0403170701"}"#;
        let identifier = Identifier::parse(Bce, "0403.170.701").unwrap();
        assert_eq!(serde_json::to_string(&identifier).unwrap(), json);
        assert_eq!(serde_json::from_str::<Identifier>(json).unwrap(), identifier);
        assert!(serde_json::from_str::<Identifier>(r#"{"scheme":"BCE","value":"0403170702"}"#).is_err());
        assert!(serde_json::from_str::<Identifier>(r#"{"scheme":"ISBN","value":"1"}"#).is_err());
        for scheme in IdentifierScheme::ALL {
            assert_eq!(serde_json::to_value(scheme).unwrap(), scheme.as_str());
            assert_eq!(scheme.as_str().parse::<IdentifierScheme>().unwrap(), scheme);
        }
    }

    fn any_scheme() -> impl Strategy<Value = IdentifierScheme> {
        proptest::sample::select(IdentifierScheme::ALL.to_vec())
    }

    proptest! {
        #[test]
        fn canonical_is_stable(scheme in any_scheme(), text in "[0-9A-Za-zéœ./: -]{0,30}") {
            if let Ok(identifier) = Identifier::parse(scheme, &text) {
                prop_assert_eq!(Identifier::parse(scheme, identifier.value()).unwrap(), identifier);
            }
        }

        /// Every check finds one wrong digit, except the digit sum of La Poste.
        #[test]
        fn one_wrong_digit_is_found(at in 0..CANONICAL.len(), place in 0usize..40, digit in 0u8..10) {
            let (scheme, text) = CANONICAL[at];
            let checked = !matches!(scheme, Rna | Wikidata | Vat) && !text.starts_with("356000000");
            let place = place % text.len();
            let digit = char::from(b'0' + digit);
            prop_assume!(checked && text.as_bytes()[place].is_ascii_digit() && !text[place..].starts_with(digit));
            let wrong = format!("{}{digit}{}", &text[..place], &text[place + 1..]);
            prop_assert_eq!(read(scheme, &wrong), None, "{}", wrong);
        }

        #[test]
        fn every_bce_number_with_its_check_is_one(base in 1u32..=19_999_999) {
            let number = format!("{base:08}{:02}", 97 - base % 97);
            prop_assert_eq!(read(Bce, &number).unwrap(), number.clone());
            prop_assert_eq!(read(Vat, &format!("BE{number}")).unwrap(), format!("BE{number}"));
        }
    }
}
