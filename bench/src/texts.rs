//! Sentences of generated records, in three languages.

use crate::names::fill;
use crate::random::Random;
use crate::record::Text;
use crate::vocabulary::{Labels, Language};

/// The templates of one language; `{…}` is filled in.
struct Sentences {
    is: &'static str,
    does: [&'static str; 2],
    adds: [&'static str; 3],
    headlines: [&'static str; 2],
    biography: &'static str,
    partnership: &'static str,
    title_of_work: &'static str,
}

const FR: Sentences = Sentences {
    is: "{name} est une structure ({kind}) installée à {city} et active dans le domaine « {sector} ».",
    does: [
        "Créée en {year}, elle accompagne des projets du développement à la diffusion.",
        "Depuis {year}, l’équipe travaille avec des partenaires de part et d’autre de la frontière.",
    ],
    adds: [
        "Elle accueille volontiers de jeunes talents en résidence.",
        "Ses productions ont été montrées dans plusieurs festivals européens.",
        "Elle met ses équipements à la disposition des équipes de la région {region}.",
    ],
    headlines: ["{job} à {city}", "{job}, longs métrages et séries"],
    biography: "{name} travaille depuis {year} ({job}), surtout autour de {city}. On compte {count} projets à son \
                actif, des courts métrages aux séries.",
    partnership: "{a} et {b} unissent leurs moyens et se retrouvent deux fois par an à {city}.",
    title_of_work: "{kind} : « {work} »",
};

const NL: Sentences = Sentences {
    is: "{name} ({kind}) is gevestigd in {city} en actief in het domein ‘{sector}’.",
    does: [
        "De organisatie werd opgericht in {year} en begeleidt projecten van idee tot vertoning.",
        "Sinds {year} werkt het team samen met partners aan beide kanten van de grens.",
    ],
    adds: [
        "Jonge makers krijgen er ruimte en begeleiding.",
        "De producties waren te zien op verschillende Europese festivals.",
        "De apparatuur staat ter beschikking van ploegen uit {region}.",
    ],
    headlines: ["{job} in {city}", "{job} voor film en reeksen"],
    biography: "{name} werkt sinds {year} ({job}), vooral in de buurt van {city}. Op de teller staan {count} \
                projecten, van kortfilms tot reeksen.",
    partnership: "{a} en {b} bundelen hun middelen en komen tweemaal per jaar samen in {city}.",
    title_of_work: "{kind}: ‘{work}’",
};

const EN: Sentences = Sentences {
    is: "{name} ({kind}) is based in {city} and works in the field of {sector}.",
    does: [
        "Founded in {year}, it takes projects from development to release.",
        "Since {year} the team has worked with partners on both sides of the border.",
    ],
    adds: [
        "It welcomes emerging talent in residence.",
        "Its productions have been shown at several European festivals.",
        "Its equipment is open to crews from {region}.",
    ],
    headlines: ["{job} in {city}", "{job} for features and series"],
    biography: "{name} has worked since {year} ({job}), mostly around {city}. The record stands at {count} projects, \
                from shorts to series.",
    partnership: "{a} and {b} pool their means and meet twice a year in {city}.",
    title_of_work: "{kind}: “{work}”",
};

const fn sentences(language: Language) -> &'static Sentences {
    match language {
        Language::Fr => &FR,
        Language::Nl => &NL,
        Language::En => &EN,
    }
}

/// The data of an organization that its descriptions mention.
pub(crate) struct Company<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// Its kind.
    pub(crate) kind: &'a Labels,
    /// Its first sector.
    pub(crate) sector: &'a Labels,
    /// Its town.
    pub(crate) city: &'a str,
    /// Its region.
    pub(crate) region: &'a Labels,
    /// The year of its foundation.
    pub(crate) year: u64,
}

/// One to three sentences in one to three languages, `first` first.
pub(crate) fn descriptions(random: &mut Random, first: Language, company: &Company<'_>) -> Vec<Text> {
    let count = random.index(3);
    let (does, adds) = (random.index(2), random.index(3));
    let write = |language| {
        let values = [
            ("name", company.name),
            ("kind", &company.kind.inside(language)),
            ("sector", &company.sector.inside(language)),
            ("city", company.city),
            ("region", company.region.get(language)),
            ("year", &company.year.to_string()),
        ];
        let all = sentences(language);
        let mut text = fill(all.is, &values);
        for sentence in [all.does[does], all.adds[adds]].into_iter().take(count) {
            text.push(' ');
            text.push_str(&fill(sentence, &values));
        }
        text
    };
    in_languages(&languages(random, first), write)
}

/// A headline: the occupation of a person, in a few words.
pub(crate) fn headlines(random: &mut Random, first: Language, occupation: &Labels, city: &str) -> Vec<Text> {
    let style = random.index(2);
    in_languages(&languages(random, first), |language| {
        fill(sentences(language).headlines[style], &[("job", occupation.get(language)), ("city", city)])
    })
}

/// Two sentences about a person who has worked since `year`.
pub(crate) fn biographies(
    random: &mut Random,
    first: Language,
    name: &str,
    occupation: &Labels,
    city: &str,
    year: u64,
) -> Vec<Text> {
    let count = random.between(3, 60).to_string();
    let year = year.to_string();
    in_languages(&languages(random, first), |language| {
        let job = occupation.inside(language);
        let values = [("name", name), ("job", &job), ("city", city), ("year", &year), ("count", &count)];
        fill(sentences(language).biography, &values)
    })
}

/// A sentence about a partnership of two organizations.
pub(crate) fn partnership(languages: &[Language], a: &str, b: &str, city: &str) -> Vec<Text> {
    in_languages(languages, |language| {
        fill(sentences(language).partnership, &[("a", a), ("b", b), ("city", city)])
    })
}

/// The title of a partnership around a work.
pub(crate) fn titles_of_work(languages: &[Language], kind: &Labels, work: &str) -> Vec<Text> {
    in_languages(languages, |language| {
        fill(sentences(language).title_of_work, &[("kind", kind.get(language)), ("work", work)])
    })
}

/// The same text in each language.
pub(crate) fn in_languages(languages: &[Language], write: impl Fn(Language) -> String) -> Vec<Text> {
    languages.iter().map(|&language| Text { language, text: write(language) }).collect()
}

/// One to three languages, `first` first.
pub(crate) fn languages(random: &mut Random, first: Language) -> Vec<Language> {
    let others =
        if first == Language::Nl { [Language::En, Language::Fr] } else { [Language::En, Language::Nl] };
    match random.below(100) {
        0..50 => vec![first],
        50..78 => vec![first, others[0]],
        78..86 => vec![first, others[1]],
        _ => vec![first, others[1], others[0]],
    }
}
