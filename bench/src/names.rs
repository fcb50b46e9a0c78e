//! Names of people, organizations and works in French, Dutch and English, and what is made of names:
//! slugs, host names, sentences.

use crate::random::Random;
use crate::vocabulary::{Language, NameFamily};
use crate::words::{
    ADJECTIVES_EN, FAMILY_EN, FAMILY_FR, FAMILY_NL, GIVEN_EN, GIVEN_FR, GIVEN_NL, NOUNS_EN, NOUNS_FR,
    NOUNS_NL, OF_FR, STREETS_FR, STREETS_NL,
};

/// The first and family name of a person; mostly in the region's language.
pub(crate) fn person(random: &mut Random, language: Language) -> (&'static str, &'static str) {
    let (given, family) = match (random.below(100), language) {
        (0..6, _) => (GIVEN_EN, FAMILY_EN),
        (6..12, Language::Nl) | (12..100, Language::Fr) => (GIVEN_FR, FAMILY_FR),
        _ => (GIVEN_NL, FAMILY_NL),
    };
    (random.word(given), random.word(family))
}

/// The name of an organization that sits in `city`.
pub(crate) fn organization(
    random: &mut Random,
    language: Language,
    family: NameFamily,
    city: &str,
) -> String {
    match family {
        NameFamily::Screen if random.percent(14) => company_en(random),
        NameFamily::Screen if language == Language::Nl => company_nl(random, city),
        NameFamily::Screen => company_fr(random, city),
        _ if language == Language::Nl => body_nl(random, family, city),
        _ => body_fr(random, family, city),
    }
}

/// Two different words of a list.
fn two(random: &mut Random, from: &[&'static str]) -> (&'static str, &'static str) {
    let first = random.index(from.len());
    // 1 to `length - 1` steps further, from the end on to the beginning.
    let second = (first + 1 + random.index(from.len() - 1)) % from.len();
    (from[first], from[second])
}

/// "de" and a town, contracted as in French.
fn of_town(city: &str) -> String {
    if let Some(rest) = city.strip_prefix("Le ") {
        format!("du {rest}")
    } else if city.starts_with(['A', 'E', 'I', 'O', 'U', 'É', 'H']) {
        format!("d’{city}")
    } else {
        format!("de {city}")
    }
}

fn company_fr(random: &mut Random, city: &str) -> String {
    let ((a, b), of) = (two(random, NOUNS_FR), random.word(OF_FR));
    let surname = random.word(FAMILY_FR);
    match random.below(14) {
        0 | 1 => format!("Les Films {of}"),
        2 => format!("La Fabrique {of}"),
        3 => format!("Studio {a} {city}"),
        4 => format!("{a} Productions"),
        5 => format!("{a} {of}"),
        6 => format!("{surname} & {b} Films"),
        7 => format!("Atelier {surname}"),
        8 => format!("{a} & {b}"),
        9 => format!("Le Laboratoire {of}"),
        10 => format!("{a} Images {city}"),
        11 => format!("Studio {surname} et Associés"),
        12 => format!("Compagnie {of}"),
        _ => format!("{a}-{b} Média"),
    }
}

fn company_nl(random: &mut Random, city: &str) -> String {
    let (a, b) = two(random, NOUNS_NL);
    let surname = random.word(FAMILY_NL);
    match random.below(11) {
        0 => format!("{a} Film"),
        1 => format!("Studio {a} {city}"),
        2 => format!("De {a}fabriek"),
        3 => format!("{a} & {b}"),
        4 => format!("{surname} & Zonen Beeld"),
        5 => format!("Productiehuis {a}"),
        6 => format!("Huis van de {a}"),
        7 => format!("Atelier {surname}"),
        8 => format!("{a} Media {city}"),
        9 => format!("{a} en {b} Producties"),
        _ => format!("Beeldhuis {surname}"),
    }
}

fn company_en(random: &mut Random) -> String {
    let (adjective, (a, b)) = (random.word(ADJECTIVES_EN), two(random, NOUNS_EN));
    match random.below(5) {
        0 => format!("{adjective} {a} Pictures"),
        1 => format!("{adjective} {a} Studio"),
        2 => format!("{a} & {b}"),
        3 => format!("{adjective} {a} Games"),
        _ => format!("{a}{} Lab", b.to_lowercase()),
    }
}

fn body_fr(random: &mut Random, family: NameFamily, city: &str) -> String {
    let (a, of) = (random.word(NOUNS_FR), random.word(OF_FR));
    let openings: &[&str] = match family {
        NameFamily::Network => {
            &["Réseau image", "Fédération des métiers de l’image", "Pôle", "Grappe", "Union des producteurs"]
        }
        NameFamily::School => &[
            "École supérieure de l’image",
            "Institut des arts",
            "Lycée",
            "Centre de formation",
            "Haute École",
        ],
        NameFamily::Laboratory => {
            &["Laboratoire de vision", "Équipe de recherche", "Laboratoire des images", "Institut"]
        }
        NameFamily::Culture => {
            &["Cinéma", "Festival", "Centre d’art", "Cinémathèque", "Maison de l’image", "Théâtre"]
        }
        _ => &[
            "Fonds",
            "Agence",
            "Mission image",
            "Pépinière",
            "Bureau d’accueil des tournages",
            "Maison des entreprises",
        ],
    };
    let opening = random.word(openings);
    match random.below(4) {
        0 => format!("{opening} {}", of_town(city)),
        1 => format!("{opening} {of}"),
        2 => format!("{opening} {a} {city}"),
        _ => format!("{opening} {a}"),
    }
}

fn body_nl(random: &mut Random, family: NameFamily, city: &str) -> String {
    let (a, b) = two(random, NOUNS_NL);
    let openings: &[&str] = match family {
        NameFamily::Network => &[
            "Netwerk Beeld",
            "Beroepsvereniging",
            "Cluster",
            "Federatie Audiovisueel",
            "Unie van Producenten",
        ],
        NameFamily::School => &["Hogeschool", "Kunstacademie", "Opleidingscentrum", "Filmschool", "Atelier"],
        NameFamily::Laboratory => &["Onderzoeksgroep Beeld", "Labo", "Instituut voor Visie", "Kenniscentrum"],
        NameFamily::Culture => {
            &["Cinema", "Festival", "Kunstencentrum", "Filmmuseum", "Beeldenhuis", "Theater"]
        }
        _ => &["Fonds", "Agentschap", "Steunpunt", "Bedrijvencentrum", "Filmcommissie", "Stadsdienst Beeld"],
    };
    let opening = random.word(openings);
    match random.below(4) {
        0 => format!("{opening} {city}"),
        1 => format!("{opening} De {a}"),
        2 => format!("{opening} {a} {city}"),
        _ => format!("{opening} {a}-{b}"),
    }
}

/// The legal form that may follow a company's name.
pub(crate) fn legal_form(random: &mut Random, country: &str, language: Language) -> &'static str {
    let forms: &[&str] = match (country, language) {
        ("FR", _) => &["SARL", "SAS", "SASU", "EURL", "SA", "SCOP", "SCIC"],
        (_, Language::Nl) => &["BV", "NV", "CV", "VZW", "VOF"],
        _ => &["SRL", "SA", "SC", "ASBL", "SNC"],
    };
    random.word(forms)
}

/// The title of a film, series or game.
pub(crate) fn work(random: &mut Random, language: Language) -> String {
    match language {
        Language::Fr => match random.below(3) {
            0 => format!("Le Carnet {}", random.word(OF_FR)),
            1 => format!("{} {}", random.word(NOUNS_FR), random.word(OF_FR)),
            _ => format!("{} et {}", random.word(NOUNS_FR), random.word(GIVEN_FR)),
        },
        Language::Nl => match random.below(3) {
            0 => format!("Het jaar van de {}", random.word(NOUNS_NL)),
            1 => format!("{} en de {}", random.word(GIVEN_NL), random.word(NOUNS_NL)),
            _ => format!("{} {}", random.word(NOUNS_NL), random.between(2, 99)),
        },
        Language::En => format!("The {} {}", random.word(ADJECTIVES_EN), random.word(NOUNS_EN)),
    }
}

/// The first line of an address.
pub(crate) fn street(random: &mut Random, language: Language) -> String {
    let number = random.between(1, 240);
    if language == Language::Nl {
        format!("{} {number}", random.word(STREETS_NL))
    } else {
        format!("{number} {}", random.word(STREETS_FR))
    }
}

/// The initials of a name of three words or more.
pub(crate) fn acronym(name: &str) -> Option<String> {
    let letters: String = name
        .split([' ', '-', '’'])
        .filter_map(|word| word.chars().next())
        .filter(|letter| letter.is_uppercase())
        .collect();
    (3..=6).contains(&letters.chars().count()).then_some(letters)
}

/// Lower-case letters, digits and single hyphens, 60 characters at most.
pub(crate) fn slug(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for letter in name.chars() {
        let folded = match letter {
            'a'..='z' | '0'..='9' => {
                out.push(letter);
                continue;
            }
            'A'..='Z' => {
                out.push(letter.to_ascii_lowercase());
                continue;
            }
            'à' | 'â' | 'ä' | 'á' | 'À' | 'Â' | 'Á' => "a",
            'é' | 'è' | 'ê' | 'ë' | 'É' | 'È' | 'Ê' => "e",
            'î' | 'ï' | 'í' | 'Î' => "i",
            'ô' | 'ö' | 'ó' | 'Ô' => "o",
            'ù' | 'û' | 'ü' | 'ú' => "u",
            'ç' | 'Ç' => "c",
            'ñ' => "n",
            'œ' | 'Œ' => "oe",
            'æ' | 'Æ' => "ae",
            'ł' => "l",
            _ => "-",
        };
        if folded != "-" {
            out.push_str(folded);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    // All of it is ASCII by now.
    out.truncate(60);
    while out.ends_with('-') {
        out.pop();
    }
    out
}

/// A template with its `{key}`s filled in.
pub(crate) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(template.len() + 64);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((key, tail)) = after.split_once('}') else {
            break;
        };
        out.push_str(values.iter().find(|(name, _)| *name == key).map_or("", |(_, value)| value));
        rest = tail;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_accents_into_slugs() {
        assert_eq!(
            slug("Étoile du Nord – L’Œuvre d’Ève, Saint-Saulve !"),
            "etoile-du-nord-l-oeuvre-d-eve-saint-saulve"
        );
        assert!(slug(&"mot ".repeat(40)).len() <= 60);
    }

    #[test]
    fn folds_every_letter_of_the_lists() {
        let lists = [
            GIVEN_FR, GIVEN_NL, GIVEN_EN, FAMILY_FR, FAMILY_NL, FAMILY_EN, NOUNS_FR, OF_FR, NOUNS_NL,
            NOUNS_EN,
        ];
        for word in lists.concat() {
            let letters = word.chars().filter(|letter| letter.is_alphabetic()).count();
            assert_eq!(slug(word).replace('-', "").len(), letters, "{word}");
        }
    }

    #[test]
    fn fills_templates() {
        assert_eq!(fill("{a}, {b} ; {a}.", &[("a", "un"), ("b", "deux")]), "un, deux ; un.");
    }
}
