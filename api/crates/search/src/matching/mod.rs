//! Matching: finds the organization that is meant by a name in somebody's spreadsheet.
//!
//! This file decides, without the database: it compares a question with the candidates that the viewer may see, and
//! returns scores and matches. A score depends on its candidate alone. A match depends on the other candidates as
//! well, because it must have no rival.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use self::place::Town;
use directory::organization::name::ComparableName;
use directory::organization::store::Comparable;
use index::text::is_stop_word;
use kernel::value::{Identifier, IdentifierScheme, sort_key};
use kernel::vocabulary::vocabularies;

pub mod candidates;
pub mod graphql;
pub mod place;

/// The least likeness of a candidate's name.
const LEAST: f64 = 0.4;
/// The weight of an acronym, a former name or a name in another language. The main name has 1.
const OTHER_NAME: f64 = 0.95;
/// The likeness of names that differ by an article in front.
const BUT_ARTICLE: f64 = 0.95;
/// The greatest likeness of names that differ by more than that.
const ALIKE: f64 = 0.94;
/// The least similarity of names by edit distance. Below it, names share letters by chance.
const EDITS: f64 = 0.6;
/// The least similarity by edit distance of words that differ by a typo.
const TYPO: f64 = 0.75;
/// The likeness of names of which one has all words of the other.
const WITHIN: f64 = 0.6;
/// The weight of a letter in a word of the trade, and in a stop word. In other words it is 1.
const COMMON: (f64, f64) = (0.5, 0.2);
/// Words of a name that are compared.
const MAX_WORDS: usize = 16;
/// Letters of a name that are compared by edit distance.
const MAX_LETTERS: usize = 100;

/// Words of the trade that many names have.
const TRADE: &[&str] = &[
    "animation",
    "cinema",
    "company",
    "digital",
    "entertainment",
    "film",
    "films",
    "game",
    "games",
    "group",
    "groupe",
    "image",
    "images",
    "media",
    "music",
    "pictures",
    "production",
    "productions",
    "son",
    "studio",
    "studios",
    "video",
];

/// A question: a row of somebody's spreadsheet.
#[derive(Clone, Debug, Default)]
pub struct MatchQuestion {
    name: ComparableName,
    town: Option<Town>,
    country: Option<String>,
    numbers: BTreeSet<Identifier>,
}

impl MatchQuestion {
    /// A row with this name, town, country (ISO 3166-1 alpha-2) and identifiers.
    pub fn new(name: &str, city: Option<&str>, country: Option<String>, identifiers: &[Identifier]) -> Self {
        Self {
            name: ComparableName::of(name),
            town: city.and_then(Town::of),
            country,
            numbers: numbers(identifiers),
        }
    }

    /// The name.
    pub fn name(&self) -> &ComparableName {
        &self.name
    }

    /// The identifiers by which a record of the same organization may be found.
    pub fn identifiers(&self) -> BTreeSet<Identifier> {
        let vat = |number: &Identifier| {
            let text = match number.scheme() {
                IdentifierScheme::Bce => format!("BE{}", number.value()),
                // The key of a French VAT number: (12 + 3 × (SIREN mod 97)) mod 97.
                IdentifierScheme::Siren => {
                    let siren: u64 = number.value().parse().ok()?;
                    format!("FR{:02}{siren:09}", (12 + 3 * (siren % 97)) % 97)
                }
                _ => return None,
            };
            Identifier::parse(IdentifierScheme::Vat, &text).ok()
        };
        self.numbers.iter().flat_map(|number| [Some(number.clone()), vat(number)]).flatten().collect()
    }
}

/// Normalizes identifiers. The VAT number of a Belgian or French company is replaced by the number in the national
/// register that it contains. A SIRET adds the SIREN with which it begins.
fn numbers(identifiers: &[Identifier]) -> BTreeSet<Identifier> {
    let mut all = BTreeSet::new();
    for identifier in identifiers {
        let (value, parsed) = (identifier.value(), |scheme, text: &str| Identifier::parse(scheme, text).ok());
        let (register, replaced) = match identifier.scheme() {
            IdentifierScheme::Siret => {
                (value.get(..9).and_then(|t| parsed(IdentifierScheme::Siren, t)), false)
            }
            IdentifierScheme::Vat if value.starts_with("BE") => {
                (value.get(2..).and_then(|t| parsed(IdentifierScheme::Bce, t)), true)
            }
            IdentifierScheme::Vat if value.starts_with("FR") => {
                (value.get(4..).and_then(|t| parsed(IdentifierScheme::Siren, t)), true)
            }
            _ => (None, false),
        };
        if !replaced || register.is_none() {
            all.insert(identifier.clone());
        }
        all.extend(register);
    }
    all
}

/// An organization that may be meant.
#[derive(Clone, Debug)]
pub struct Candidate {
    id: Uuid,
    /// The main name first.
    names: Vec<ComparableName>,
    town: Option<Town>,
    territory: Option<String>,
    country: Option<String>,
    numbers: BTreeSet<Identifier>,
    successor: Option<Uuid>,
    order: Vec<u8>,
}

impl From<&Comparable> for Candidate {
    fn from(of: &Comparable) -> Self {
        let others = of.acronym.iter().chain(&of.other_names).map(|name| ComparableName::of(name));
        let all = vocabularies();
        // The region that answers for the record is not used: it need not be that of the seat.
        let region_of = |slug: &String| Some(all.territories.get(slug)?.region.as_str());
        let region = of.territory.as_ref().and_then(region_of).or(of.seat_region.as_deref());
        let seat = || region.and_then(|slug| all.regions.get(slug)).map(|region| region.country.clone());
        Self {
            id: of.id,
            names: std::iter::once(ComparableName::of(&of.name)).chain(others).collect(),
            town: of.address.as_ref().and_then(|address| address.city.as_deref()).and_then(Town::of),
            territory: of.territory.clone(),
            country: of.address.as_ref().map(|address| address.country.clone()).or_else(seat),
            numbers: numbers(&of.identifiers),
            successor: of.successor_id,
            order: sort_key(&of.name),
        }
    }
}

/// The comparison of a place in the question with that of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Both are the same.
    Same,
    /// One of the two is not known, or one lies within the other.
    Open,
    /// They differ.
    Other,
}

/// The name of a candidate that is the same as that in the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Same {
    /// The name itself.
    Main,
    /// An acronym, a former name or a name in another language.
    Other,
    /// No name is the same.
    None,
}

/// The evidence for and against a candidate.
#[derive(Clone, Copy, Debug)]
struct Evidence {
    /// The likeness of the names, from 0 to 1.
    name: f64,
    same: Same,
    town: Place,
    country: Place,
    /// Whether the candidate has an identifier of the question.
    identified: bool,
    /// Whether an identifier of the question differs from that of the candidate in the same register.
    contradicted: bool,
}

impl Evidence {
    fn of(asked: &MatchQuestion, candidate: &Candidate) -> Self {
        let names = || candidate.names.iter().enumerate();
        let worth = |place: usize| if place == 0 { 1.0 } else { OTHER_NAME };
        let same = |name: &ComparableName| !name.key().is_empty() && name.key() == asked.name.key();
        let shared = asked.numbers.intersection(&candidate.numbers).count();
        let contradicts = |number: &&Identifier| {
            candidate.numbers.iter().any(|own| own.scheme() == number.scheme())
                && !candidate.numbers.contains(number)
        };
        Self {
            name: names().map(|(at, name)| worth(at) * likeness(&asked.name, name)).fold(0.0, f64::max),
            same: match candidate.names.iter().position(same) {
                Some(0) => Same::Main,
                Some(_) => Same::Other,
                None => Same::None,
            },
            town: town(asked, candidate),
            country: match (&asked.country, &candidate.country) {
                (Some(one), Some(other)) if one == other => Place::Same,
                (Some(_), Some(_)) => Place::Other,
                _ => Place::Open,
            },
            identified: shared > 0,
            contradicted: asked.numbers.iter().any(|number| contradicts(&number)),
        }
    }

    /// Whether the town is the same, and the country is not another one.
    fn in_place(self) -> bool {
        self.town == Place::Same && self.country != Place::Other
    }

    /// The score, from 0 to 1. A match always comes before similar names: an identifier scores 0.97 or more, the same
    /// main name in the same town 0.95 or more, another name that is the same 0.91, and a similar name less.
    fn score(self) -> f64 {
        let place = match (self.country, self.town) {
            (Place::Other, _) => -0.2,
            (country, Place::Same) => 0.2 + if country == Place::Same { 0.05 } else { 0.0 },
            (_, Place::Other) => -0.1,
            (Place::Same, Place::Open) => 0.05,
            (Place::Open, Place::Open) => 0.0,
        };
        let alike = (0.75 * self.name + place).clamp(0.0, 1.0);
        let score = match (self.identified, self.contradicted) {
            (true, false) => 0.97 + 0.03 * alike,
            (true, true) => 0.5 + 0.3 * alike,
            (false, true) => (alike - 0.2).max(0.0),
            (false, false) => alike,
        };
        (score * 10_000.0).round() / 10_000.0
    }

    fn is_candidate(self) -> bool {
        self.identified || self.name >= LEAST
    }

    /// Whether it is enough for a match, if there is no rival.
    fn suffices(self) -> bool {
        !self.contradicted && (self.identified || (self.same == Same::Main && self.in_place()))
    }

    /// Whether this candidate may be meant just as well as the one with the evidence `matched`.
    fn rivals(self, matched: Self) -> bool {
        if self.identified {
            return true;
        }
        // Name and place do not rival a candidate that has these and the identifier.
        let outdone = matched.identified && matched.same != Same::None && matched.in_place();
        !self.contradicted && self.same != Same::None && self.in_place() && !outdone
    }
}

fn town(asked: &MatchQuestion, candidate: &Candidate) -> Place {
    let Some(town) = &asked.town else { return Place::Open };
    let territory = candidate.territory.as_deref();
    match &candidate.town {
        Some(own) if own.is(town) => Place::Same,
        None if territory.is_some_and(|slug| town.is_territory(slug)) => Place::Same,
        _ if territory.is_some_and(|slug| town.is_around(slug)) => Place::Open,
        Some(_) => Place::Other,
        None => Place::Open,
    }
}

/// The likeness of two names, from 0 to 1.
fn likeness(one: &ComparableName, other: &ComparableName) -> f64 {
    if one.key().is_empty() || other.key().is_empty() {
        return 0.0;
    }
    if one.key() == other.key() {
        return 1.0;
    }
    if one.key_without_article() == other.key_without_article() {
        return BUT_ARTICLE;
    }
    let cut = |name: &ComparableName| name.key().chars().take(MAX_LETTERS).collect::<String>();
    let edits = strsim::normalized_damerau_levenshtein(&cut(one), &cut(other));
    let edits = if edits < EDITS { 0.0 } else { edits };
    edits.max(shared_words(one.words(), other.words())).min(ALIKE)
}

/// The weighted Dice coefficient of the words of two names. Where one name is (almost) all within the other, it is at
/// least about [`WITHIN`].
fn shared_words(one: &[String], other: &[String]) -> f64 {
    let weigh = |words: &[String]| -> Vec<(String, f64)> {
        words.iter().take(MAX_WORDS).map(|word| (word.clone(), weight(word))).collect()
    };
    let (one, mut other) = (weigh(one), weigh(other));
    let sum = |words: &[(String, f64)]| words.iter().map(|(_, weight)| weight).sum::<f64>();
    let (whole_one, whole_other) = (sum(&one), sum(&other));
    let mut shared = (0.0, 0.0);
    for (word, weight) in &one {
        let nearest = other.iter().enumerate().map(|(at, (text, _))| (at, word_likeness(word, text)));
        let nearest = nearest.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
        if let Some((at, like)) = nearest.filter(|(_, like)| *like >= TYPO) {
            shared.0 += like * weight;
            shared.1 += like * other.swap_remove(at).1;
        }
    }
    let dice = (shared.0 + shared.1) / (whole_one + whole_other);
    let within = (shared.0 / whole_one).max(shared.1 / whole_other);
    dice.max(if within >= 0.9 { WITHIN * within } else { 0.0 })
}

fn weight(word: &str) -> f64 {
    let letters = f64::from(u8::try_from(word.chars().count()).unwrap_or(u8::MAX));
    let (trade, stop) = COMMON;
    if is_stop_word(word) || word == "&" {
        stop * letters
    } else if TRADE.contains(&word) {
        trade * letters
    } else {
        letters
    }
}

fn word_likeness(one: &str, other: &str) -> f64 {
    if one == other {
        return 1.0;
    }
    // In short words every letter matters.
    if one.chars().count().min(other.chars().count()) < 4 {
        return 0.0;
    }
    strsim::normalized_damerau_levenshtein(one, other)
}

/// A candidate with its score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// The organization.
    pub id: Uuid,
    /// How well it fits, from 0 to 1.
    pub score: f64,
    /// Whether it can be linked without a review.
    pub matches: bool,
}

/// Scores the candidates. Returns the best first; equal ones by name. Where `crowded`, not all organizations of the
/// same name are among them, so that a name alone makes no match.
pub fn judge<'a>(
    asked: &MatchQuestion,
    candidates: impl IntoIterator<Item = &'a Candidate>,
    crowded: bool,
) -> Vec<Judged> {
    let mut all: HashMap<Uuid, (&Candidate, Evidence)> = HashMap::new();
    for candidate in candidates {
        let evidence = Evidence::of(asked, candidate);
        if evidence.is_candidate() {
            all.insert(candidate.id, (candidate, evidence));
        }
    }
    let matches = |id: Uuid, evidence: Evidence| {
        let rival = |(other, its): &(&Candidate, Evidence)| {
            // A predecessor of the candidate is no rival: it is the same organization by an older name.
            other.id != id && other.successor != Some(id) && its.rivals(evidence)
        };
        evidence.suffices() && (evidence.identified || !crowded) && !all.values().any(rival)
    };
    let mut judged: Vec<(&Candidate, Judged)> = all
        .values()
        .map(|(candidate, evidence)| {
            let (id, score) = (candidate.id, evidence.score());
            (*candidate, Judged { id, score, matches: matches(id, *evidence) })
        })
        .collect();
    judged.sort_by(|(a, one), (b, other)| {
        let by_score = other.score.total_cmp(&one.score).then(other.matches.cmp(&one.matches));
        by_score.then_with(|| a.order.cmp(&b.order)).then_with(|| a.id.cmp(&b.id))
    });
    judged.into_iter().map(|(_, judged)| judged).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use directory::organization::Address;

    fn identifier(scheme: IdentifierScheme, value: &str) -> Identifier {
        Identifier::parse(scheme, value).unwrap()
    }

    fn organization(id: u128, name: &str, city: Option<&str>, country: Option<&str>) -> Comparable {
        Comparable {
            id: Uuid::from_u128(id),
            name: name.into(),
            acronym: None,
            other_names: Vec::new(),
            address: country.map(|country| Address {
                lines: Vec::new(),
                postal_code: None,
                city: city.map(Into::into),
                country: country.into(),
                location: None,
            }),
            territory: None,
            seat_region: None,
            identifiers: Vec::new(),
            successor_id: None,
        }
    }

    fn ask(
        name: &str,
        city: Option<&str>,
        country: Option<&str>,
        identifiers: &[Identifier],
    ) -> MatchQuestion {
        MatchQuestion::new(name, city, country.map(Into::into), identifiers)
    }

    fn judge_all(asked: &MatchQuestion, all: &[Comparable]) -> Vec<Judged> {
        let candidates: Vec<Candidate> = all.iter().map(Candidate::from).collect();
        judge(asked, &candidates, false)
    }

    /// Returns the numbers of the candidates, the best first, and that of the match.
    fn outcome(asked: &MatchQuestion, all: &[Comparable]) -> (Vec<u128>, Option<u128>) {
        let judged = judge_all(asked, all);
        let matched: Vec<u128> = judged.iter().filter(|j| j.matches).map(|j| j.id.as_u128()).collect();
        assert!(matched.len() <= 1, "one match at most");
        (judged.iter().map(|j| j.id.as_u128()).collect(), matched.first().copied())
    }

    const SIREN: [&str; 2] = ["000000125", "000000349"];

    #[test]
    fn a_match_needs_name_and_place() {
        let all = [organization(1, "Halo Films", Some("Lille"), Some("FR"))];
        let matched = |name, city, country| outcome(&ask(name, city, country, &[]), &all).1;
        assert_eq!(matched("HALO-FILMS s.a.r.l.", Some("59000 Rijsel"), Some("FR")), Some(1));
        assert_eq!(matched("Halo Films", Some("Lille"), None), Some(1));
        assert_eq!(matched("Halo Films", None, Some("FR")), None);
        assert_eq!(matched("Halo Films", Some("Lille"), Some("BE")), None);
        assert_eq!(matched("Halo Films", Some("Roubaix"), Some("FR")), None);
        assert_eq!(matched("Halo Film", Some("Lille"), Some("FR")), None);
        assert_eq!(matched("Les Halo Films", Some("Lille"), Some("FR")), None);
    }

    #[test]
    fn a_territory_is_a_place_where_the_address_has_no_town() {
        let mut one = organization(1, "Pôle IIID", None, Some("FR"));
        one.territory = Some("lille-metropole".into());
        let asked = ask("Pole IIID", Some("Lille"), None, &[]);
        assert_eq!(outcome(&asked, &[one.clone()]).1, Some(1));
        one.address = organization(1, "", Some("Roubaix"), Some("FR")).address;
        assert_eq!(outcome(&asked, &[one.clone()]), (vec![1], None));
        one.address = None;
        assert_eq!(outcome(&ask("Pole IIID", Some("Lille"), Some("BE"), &[]), &[one]).1, None);
    }

    #[test]
    fn a_rival_takes_the_match_away() {
        let mut all = vec![
            organization(1, "Studio Mirage", Some("Lille"), Some("FR")),
            organization(2, "Studio Mirage", Some("Lille"), Some("FR")),
        ];
        let asked = ask("Studio Mirage", Some("Lille"), None, &[]);
        assert_eq!(outcome(&asked, &all).1, None);
        // An identifier decides which is meant.
        all[1].identifiers = vec![identifier(IdentifierScheme::Siren, SIREN[0])];
        let told = ask("Studio Mirage", Some("Lille"), None, &all[1].identifiers);
        assert_eq!(outcome(&told, &all), (vec![2, 1], Some(2)));
        // So does one that differs in the same register: it excludes its record.
        let other =
            ask("Studio Mirage", Some("Lille"), None, &[identifier(IdentifierScheme::Siren, SIREN[1])]);
        assert_eq!(outcome(&other, &all), (vec![1, 2], Some(1)));
        // A former name is enough for a rival, and not enough for a match.
        all[1] = organization(2, "Mirage Son", Some("Lille"), Some("FR"));
        all[1].other_names = vec!["Studio Mirage".into()];
        assert_eq!(outcome(&asked, &all), (vec![1, 2], None));
        assert_eq!(outcome(&asked, &all[1..]), (vec![2], None));
        // An organization whose successor is the other one is no rival.
        all[1].successor_id = Some(Uuid::from_u128(1));
        assert_eq!(outcome(&asked, &all), (vec![1, 2], Some(1)));
        // There are more organizations of this name than were compared.
        let candidates: Vec<Candidate> = all[..1].iter().map(Candidate::from).collect();
        assert!(!judge(&asked, &candidates, true)[0].matches);
    }

    #[test]
    fn identifiers_decide_unless_they_contradict() {
        let siren = |at: usize| identifier(IdentifierScheme::Siren, SIREN[at]);
        let mut halo = organization(1, "Halo Films", Some("Lille"), Some("FR"));
        halo.identifiers = vec![siren(0)];
        let nice = organization(2, "Halo Studio", Some("Nice"), Some("FR"));
        let all = [halo.clone(), nice];
        assert_eq!(outcome(&ask("HF", None, None, &[siren(0)]), &all), (vec![1], Some(1)));
        assert_eq!(outcome(&ask("", None, None, &[siren(0)]), &all), (vec![1], Some(1)));
        assert_eq!(outcome(&ask("Halo Studio", Some("Nice"), None, &[siren(0)]), &all).1, None);
        assert_eq!(outcome(&ask("Halo Films", Some("Lille"), None, &[siren(1)]), &all[..1]), (vec![1], None));
        assert_eq!(
            outcome(&ask("Halo Films", Some("Lille"), None, &[siren(0), siren(1)]), &all[..1]).1,
            None
        );
        // Two records, one identifier each.
        let mut other = organization(3, "Cœur de Pixels", None, None);
        other.identifiers = vec![siren(1)];
        assert_eq!(
            outcome(&ask("Halo Films", Some("Lille"), None, &[siren(0), siren(1)]), &[halo, other]).1,
            None
        );
    }

    #[test]
    fn numbers_in_another_dress_are_the_same() {
        let bce = identifier(IdentifierScheme::Bce, "0403170701");
        let vat = identifier(IdentifierScheme::Vat, "BE0403170701");
        let siret = identifier(IdentifierScheme::Siret, "73282932000074");
        let company = identifier(IdentifierScheme::Siren, "732829320");
        let french = identifier(IdentifierScheme::Vat, "FR44732829320");
        for (known, asked) in
            [(&bce, &vat), (&vat, &bce), (&company, &siret), (&company, &french), (&french, &company)]
        {
            let mut one = organization(1, "Halo Films", None, None);
            one.identifiers = vec![known.clone()];
            let asked = ask("HF", None, None, std::slice::from_ref(asked));
            assert_eq!(outcome(&asked, &[one]).1, Some(1), "{known}");
            assert!(asked.identifiers().contains(known), "{known} is found");
        }
    }

    #[test]
    fn names_that_are_alike_have_scores_between() {
        let like = |one: &str, other: &str| likeness(&ComparableName::of(one), &ComparableName::of(other));
        for (one, other) in [
            ("Ankamma", "Ankama"),
            ("Filmfabrik De Schedle", "Filmfabriek De Schelde"),
            ("Les Ardennes", "Les Ardennes Animées"),
            ("Nozon Liège Animation Department", "Nozon"),
            ("Bobine Noire", "La Bobine Noire"),
        ] {
            let like = like(one, other);
            assert!((LEAST..1.0).contains(&like), "{one}, {other}: {like}");
        }
        for (one, other) in [
            ("Joris Zandkuyl", "Zandloper"),
            ("!!!", "!!!"),
            ("Halo Films", "Lumenor Films"),
            ("VAF", "VLAIO"),
        ] {
            let like = like(one, other);
            assert!(like < LEAST, "{one}, {other}: {like}");
        }
    }

    fn name() -> impl Strategy<Value = String> {
        prop::collection::vec(
            prop::sample::select(vec!["Halo", "Studio", "La", "&", "Œil", "noir", "SARL", "x"]),
            0..4,
        )
        .prop_map(|words| words.join(" "))
    }

    fn city() -> impl Strategy<Value = Option<&'static str>> {
        prop::sample::select(vec![None, Some("Lille"), Some("Rijsel"), Some("Mons")])
    }

    fn country() -> impl Strategy<Value = Option<&'static str>> {
        prop::sample::select(vec![None, Some("FR"), Some("BE")])
    }

    fn identifiers() -> impl Strategy<Value = Vec<Identifier>> {
        prop::collection::vec(prop::sample::select(SIREN.to_vec()), 0..3).prop_map(|values| {
            values.into_iter().map(|value| identifier(IdentifierScheme::Siren, value)).collect()
        })
    }

    fn organizations() -> impl Strategy<Value = Vec<Comparable>> {
        let one = (name(), city(), country(), identifiers(), prop::option::of(name()));
        prop::collection::vec(one, 0..6).prop_map(|all| {
            let numbered = all.into_iter().zip(1..);
            let made = numbered.map(|((name, city, country, identifiers, other), id)| Comparable {
                identifiers,
                other_names: other.into_iter().collect(),
                ..organization(id, &name, city, country)
            });
            made.collect()
        })
    }

    proptest! {
        #[test]
        fn whatever_is_asked(
            name in name(), city in city(), country in country(), numbers in identifiers(), all in organizations(),
            left_out in any::<prop::sample::Index>(),
        ) {
            let asked = ask(&name, city, country, &numbers);
            let judged = judge_all(&asked, &all);
            prop_assert!(judged.iter().all(|one| (0.0..=1.0).contains(&one.score)));
            prop_assert!(judged.is_sorted_by(|a, b| a.score >= b.score));
            prop_assert!(judged.iter().filter(|one| one.matches).count() <= 1);
            prop_assert!(judged.iter().skip(1).all(|one| !one.matches), "a match comes first");
            // The order in which candidates come changes nothing.
            let mut turned = all.clone();
            turned.reverse();
            prop_assert_eq!(&judge_all(&asked, &turned), &judged);
            // Leaving one out changes no score, and takes no match away but its own.
            if !all.is_empty() {
                let gone = all[left_out.index(all.len())].id;
                let fewer: Vec<Comparable> = all.iter().filter(|one| one.id != gone).cloned().collect();
                let without = judge_all(&asked, &fewer);
                let expected: Vec<_> = judged.iter().filter(|one| one.id != gone).collect();
                prop_assert_eq!(without.len(), expected.len());
                for (one, before) in without.iter().zip(expected) {
                    prop_assert_eq!((one.id, one.score), (before.id, before.score));
                    prop_assert!(one.matches || !before.matches);
                }
            }
        }
    }
}
