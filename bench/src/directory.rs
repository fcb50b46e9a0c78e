//! The generated directory: its records and their fields.
//!
//! Every record is made from the seed, its kind and its number alone. So memory stays flat whatever the size.
//! Where a record refers to another, the region of the other is computed again instead of stored.

use crate::failure::Failure;
use crate::names;
use crate::random::{Random, scattered};
use crate::record::{
    Address, Affiliation, Body, Identifier, Line, Money, Organization, Partnership, Party, Spoken, Talent,
    Text,
};
use crate::texts;
use crate::vocabulary::{City, Family, Kind, Language, NameFamily, Region, Term, Territory, Vocabulary};
use crate::words::SKILLS;

/// The present year of the generated directory: dates are before and around it.
const THIS_YEAR: u64 = 2026;
/// Every organization with a multiple of this number is a cluster or an association, to which others belong.
const HUB_EVERY: u64 = 25;
/// Picks at most until a record is of the wanted region.
const TRIES: u32 = 12;

/// The streams of random numbers, one for each kind of draw.
mod stream {
    pub(super) const ORGANIZATION: u64 = 1;
    pub(super) const TALENT: u64 = 2;
    pub(super) const ROLE: u64 = 3;
    pub(super) const EMPLOYER: u64 = 4;
    pub(super) const PARTNERSHIP: u64 = 5;
    pub(super) const REGISTER: u64 = 6;
}

/// The size of a directory, and the seed that chooses one of that size.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Size {
    /// The same seed gives the same bytes.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Number of organizations.
    #[arg(long, default_value_t = 20_000)]
    pub(crate) organizations: u64,
    /// Number of talents.
    #[arg(long, default_value_t = 100_000)]
    pub(crate) talents: u64,
    /// Number of affiliations.
    #[arg(long, default_value_t = 120_000)]
    pub(crate) affiliations: u64,
    /// Number of partnerships.
    #[arg(long, default_value_t = 20_000)]
    pub(crate) partnerships: u64,
}

/// A directory, which its seed and its size determine.
pub(crate) struct Directory<'v> {
    vocabulary: &'v Vocabulary,
    /// One for each region, in the order of the regions.
    pub(crate) sources: Vec<String>,
    size: Size,
}

/// The fields of an organization that other records need, and the generator for the rest of it.
struct OrganizationHead<'v> {
    random: Random,
    region: usize,
    kind: &'v Kind,
    territory: &'v Territory,
    city: &'v City,
    language: Language,
    name: String,
    sectors: Vec<&'v str>,
}

/// The fields of a talent that other records need, and the generator for the rest of it.
struct TalentHead<'v> {
    random: Random,
    region: usize,
    language: Language,
    family: &'v Family,
    occupations: Vec<&'v Term>,
}

impl<'v> Directory<'v> {
    /// A directory of this size. The name of a source is `source`, a hyphen and the slug of its region.
    ///
    /// # Errors
    /// Fails where there are affiliations without talents or organizations, or partnerships of less than two.
    pub(crate) fn new(vocabulary: &'v Vocabulary, size: Size, source: &str) -> Result<Self, Failure> {
        if size.affiliations > 0 && (size.talents == 0 || size.organizations == 0) {
            return Err(Failure::new("affiliations need at least one talent and one organization"));
        }
        if size.partnerships > 0 && size.organizations < 2 {
            return Err(Failure::new("partnerships need at least two organizations"));
        }
        let sources = vocabulary.regions.iter().map(|region| format!("{source}-{}", region.slug)).collect();
        Ok(Self { vocabulary, sources, size })
    }

    /// The number of lines.
    pub(crate) const fn total(&self) -> u64 {
        self.size.organizations + self.size.talents + self.size.affiliations + self.size.partnerships
    }

    /// All lines, each made when the iterator reaches it.
    pub(crate) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        (0..self.size.organizations)
            .map(|index| self.organization(index))
            .chain((0..self.size.talents).map(|index| self.talent(index)))
            .chain((0..self.size.affiliations).map(|index| self.affiliation(index)))
            .chain((0..self.size.partnerships).map(|index| self.partnership(index)))
    }

    // ------------------------------------------------------------ organizations

    fn region_of_organization(&self, index: u64) -> usize {
        self.region(&mut Random::of(self.size.seed, stream::ORGANIZATION, index))
    }

    /// Draws the region. It is always the first draw, so that it can be computed without the rest of the record.
    fn region(&self, random: &mut Random) -> usize {
        let regions = &self.vocabulary.regions;
        let chosen = random.weighted(regions, |region| region.weight);
        regions.iter().position(|region| std::ptr::eq(region, chosen)).unwrap_or(0)
    }

    fn organization_head(&self, index: u64) -> OrganizationHead<'v> {
        let vocabulary = self.vocabulary;
        let mut random = Random::of(self.size.seed, stream::ORGANIZATION, index);
        let region_index = self.region(&mut random);
        let region = &vocabulary.regions[region_index];
        let is_hub = index.is_multiple_of(HUB_EVERY);
        let kind = random.weighted(&vocabulary.kinds, |kind| {
            if is_hub { u64::from(kind.family == NameFamily::Network) } else { kind.weight }
        });
        let territory = if region.country == "BE" && random.percent(3) {
            &vocabulary.capital
        } else {
            random.weighted(&region.territories, |territory| territory.weight)
        };
        let city = random.pick(&territory.cities);
        let mut name = names::organization(&mut random, region.language, kind.family, &city.name);
        if kind.family == NameFamily::Screen && random.percent(30) {
            name = format!("{name} {}", names::legal_form(&mut random, &region.country, region.language));
        }
        let mut sectors = vec![random.pick(&kind.sectors).as_str()];
        for _ in 0..random.skewed(3) {
            let another = if random.percent(75) {
                random.pick(&kind.sectors)
            } else {
                &random.pick(&vocabulary.sectors).slug
            };
            push_new(&mut sectors, another.as_str());
        }
        OrganizationHead {
            random,
            region: region_index,
            kind,
            territory,
            city,
            language: region.language,
            name,
            sectors,
        }
    }

    fn organization(&self, index: u64) -> Line<'_> {
        let head = self.organization_head(index);
        let mut random = head.random.clone();
        let region = &self.vocabulary.regions[head.region];
        let stem = names::slug(&head.name);
        let founded = THIS_YEAR - 2 - random.skewed(60);
        let status = *random.weighted(&[("ACTIVE", 92), ("UNKNOWN", 5), ("DISSOLVED", 3)], |choice| choice.1);
        let organization = Organization {
            slug: format!("{stem}-{index}"),
            kind: &head.kind.slug,
            status: status.0,
            acronym: if head.kind.family == NameFamily::Screen { None } else { names::acronym(&head.name) },
            descriptions: self.descriptions(&mut random, &head, founded),
            region: &region.slug,
            territory: &head.territory.slug,
            address: random.percent(70).then(|| address(&mut random, &head, region)),
            website: random.percent(65).then(|| format!("https://www.{stem}.example/")),
            email: random.percent(40).then(|| format!("contact@{stem}.example")),
            founded_on: partial_date(&mut random, founded),
            dissolved_on: (status.0 == "DISSOLVED").then(|| {
                let year = random.between(founded + 1, THIS_YEAR - 1);
                partial_date(&mut random, year)
            }),
            served_regions: self.served_regions(&mut random, head.region),
            employee_count: random.percent(60).then(|| {
                let scale = *random.pick(&[4, 12, 40, 250]);
                random.between(1, scale)
            }),
            languages: languages(&mut random, head.language),
            identifiers: if random.percent(50) {
                vec![self.identifier(&region.country, index)]
            } else {
                Vec::new()
            },
            member_of: self.member_of(&mut random, index, head.region),
            visibility: visibility(&mut random, 95, 4),
            name: head.name,
            sectors: head.sectors,
        };
        self.line(head.region, format!("org-{index}"), Body::Organization(Box::new(organization)))
    }

    fn descriptions(&self, random: &mut Random, head: &OrganizationHead<'v>, year: u64) -> Vec<Text> {
        // Every sector that is drawn has labels; those of the kind are a fallback.
        let sector = self.vocabulary.sector(head.sectors[0]).unwrap_or(&head.kind.labels);
        let company = texts::Company {
            name: &head.name,
            kind: &head.kind.labels,
            sector,
            city: &head.city.name,
            region: &self.vocabulary.regions[head.region].labels,
            year,
        };
        texts::descriptions(random, head.language, &company)
    }

    /// Its own region, and sometimes others.
    fn served_regions(&self, random: &mut Random, own: usize) -> Vec<&'v str> {
        let regions = &self.vocabulary.regions;
        let mut served = vec![regions[own].slug.as_str()];
        while served.len() < regions.len() && random.percent(18) {
            push_new(&mut served, random.pick(regions).slug.as_str());
        }
        served
    }

    /// Clusters and associations on earlier lines, mostly of the same region.
    fn member_of(&self, random: &mut Random, index: u64, region: usize) -> Vec<String> {
        let hubs = index.div_ceil(HUB_EVERY);
        if hubs == 0 || !random.percent(22) {
            return Vec::new();
        }
        let mut chosen = Vec::new();
        for _ in 0..=random.skewed(3) {
            let hub = self.near(random, region, |random| random.skewed(hubs) * HUB_EVERY);
            push_new(&mut chosen, hub);
        }
        chosen.into_iter().map(|hub| self.organization_reference(hub)).collect()
    }

    /// An organization that `pick` picks: of the given region, where one comes within [`TRIES`] picks.
    fn near(&self, random: &mut Random, region: usize, pick: impl Fn(&mut Random) -> u64) -> u64 {
        let mut chosen = pick(random);
        for _ in 1..TRIES {
            if self.region_of_organization(chosen) == region {
                break;
            }
            chosen = pick(random);
        }
        chosen
    }

    /// A number in the register of companies, with correct check digits. No number occurs twice.
    fn identifier(&self, country: &str, index: u64) -> Identifier {
        // 7919 is prime and divides neither range: within a range no number comes twice.
        let place = Random::of(self.size.seed, stream::REGISTER, 0).below(60_000_000) + index * 7919;
        if country == "FR" {
            Identifier { scheme: "SIREN", value: siren(30_000_000 + place % 60_000_000) }
        } else {
            Identifier { scheme: "BCE", value: bce(2_000_000 + place % 8_000_000) }
        }
    }

    fn organization_reference(&self, index: u64) -> String {
        format!("{}:org-{index}", self.sources[self.region_of_organization(index)])
    }

    // ------------------------------------------------------------ talents

    fn talent_head(&self, index: u64) -> TalentHead<'v> {
        let mut random = Random::of(self.size.seed, stream::TALENT, index);
        let region = self.region(&mut random);
        let language = self.vocabulary.regions[region].language;
        let family = random.weighted(&self.vocabulary.families, |family| family.weight);
        let first = random.skewed(u64::try_from(family.occupations.len()).unwrap_or(0));
        let mut occupations = vec![&family.occupations[usize::try_from(first).unwrap_or(0)]];
        if random.percent(35) {
            let second = random.pick(&family.occupations);
            if second.slug != occupations[0].slug {
                occupations.push(second);
            }
        }
        TalentHead { random, region, language, family, occupations }
    }

    fn talent(&self, index: u64) -> Line<'_> {
        let head = self.talent_head(index);
        let mut random = head.random;
        let region = &self.vocabulary.regions[head.region];
        let territory = random.weighted(&region.territories, |territory| territory.weight);
        let city = random.pick(&territory.cities);
        let (given_name, family_name) = names::person(&mut random, head.language);
        let display_name = format!("{given_name} {family_name}");
        let stem = names::slug(&display_name);
        let mut sectors = vec![random.pick(&head.family.sectors).as_str()];
        if random.percent(40) {
            push_new(&mut sectors, random.pick(&head.family.sectors).as_str());
        }
        let mut skills = Vec::new();
        for _ in 0..random.between(2, 6) {
            push_new(&mut skills, random.word(SKILLS));
        }
        let (availability, _) = *random.weighted(
            &[("AVAILABLE", 35), ("FROM_DATE", 15), ("UNAVAILABLE", 20), ("UNKNOWN", 30)],
            |choice| choice.1,
        );
        let occupation = &head.occupations[0].labels;
        let talent = Talent {
            slug: format!("{stem}-{index}"),
            headlines: texts::headlines(&mut random, head.language, occupation, &city.name),
            biographies: if random.percent(60) {
                let since = THIS_YEAR - 1 - random.skewed(30);
                texts::biographies(&mut random, head.language, &display_name, occupation, &city.name, since)
            } else {
                Vec::new()
            },
            display_name,
            given_name,
            family_name,
            region: &region.slug,
            territory: &territory.slug,
            occupations: head.occupations.iter().map(|occupation| occupation.slug.as_str()).collect(),
            sectors,
            skills,
            languages: spoken(&mut random, head.language),
            availability,
            available_from: (availability == "FROM_DATE").then(|| full_date(&mut random, THIS_YEAR + 1)),
            website: random.percent(25).then(|| format!("https://{stem}-{index}.example/")),
            email: random.percent(50).then(|| format!("{stem}-{index}@courriel.example")),
            visibility: visibility(&mut random, 80, 15),
            legal_basis: "CONSENT",
        };
        self.line(head.region, format!("tal-{index}"), Body::Talent(Box::new(talent)))
    }

    // ------------------------------------------------------------ affiliations

    /// The talent of an affiliation, and its number among the affiliations of this talent.
    ///
    /// Three in four affiliations go to all talents in turn, the fourth to a fifth of them. So most talents
    /// have one affiliation or none, and some have several.
    fn holder(&self, index: u64) -> (u64, u64) {
        let (group, place) = (index / 4, index % 4);
        let rounds = (self.size.affiliations / 4 * 3 + 3).div_ceil(self.size.talents);
        let busy = self.size.talents.div_ceil(5);
        if place == 3 {
            (scattered(group % busy, self.size.talents), rounds + group / busy)
        } else {
            let turn = group * 3 + place;
            (scattered(turn % self.size.talents, self.size.talents), turn / self.size.talents)
        }
    }

    /// The organization of a talent's affiliation number `turn`: a different one for each turn.
    fn employer(&self, talent: u64, region: usize, turn: u64) -> u64 {
        let mut random = Random::of(self.size.seed, stream::EMPLOYER, talent);
        let mut earlier = Vec::new();
        loop {
            let mut chosen = 0;
            for _ in 0..TRIES {
                chosen = if random.percent(80) {
                    self.near(&mut random, region, |random| random.skewed(self.size.organizations))
                } else {
                    random.skewed(self.size.organizations)
                };
                if !earlier.contains(&chosen) {
                    break;
                }
            }
            earlier.push(chosen);
            if u64::try_from(earlier.len()).unwrap_or(u64::MAX) > turn {
                return chosen;
            }
        }
    }

    fn affiliation(&self, index: u64) -> Line<'_> {
        let (talent, turn) = self.holder(index);
        let head = self.talent_head(talent);
        let mut random = Random::of(self.size.seed, stream::ROLE, index);
        let occupation = *random.pick(&head.occupations);
        let manages = random.percent(12);
        let languages = texts::languages(&mut random, head.language);
        let roles = texts::in_languages(&languages, |language| {
            let role = match language {
                _ if !manages => occupation.labels.get(language),
                Language::Fr => "Gérance",
                Language::Nl => "Zaakvoering",
                Language::En => "Management",
            };
            role.to_owned()
        });
        let start = THIS_YEAR - 1 - random.skewed(20);
        let reported = random.percent(8);
        let ended = !reported && random.percent(35);
        let affiliation = Affiliation {
            talent: format!("{}:tal-{talent}", self.sources[head.region]),
            organization: self.organization_reference(self.employer(talent, head.region, turn)),
            roles,
            occupation: (!manages).then_some(occupation.slug.as_str()),
            starts_on: (!reported).then(|| partial_date(&mut random, start)),
            ends_on: ended.then(|| {
                let end = random.between(start + 1, THIS_YEAR + 1);
                partial_date(&mut random, end)
            }),
            as_of: reported.then(|| partial_date(&mut random, start)),
        };
        self.line(head.region, format!("aff-{index}"), Body::Affiliation(Box::new(affiliation)))
    }

    // ------------------------------------------------------------ partnerships

    fn partnership(&self, index: u64) -> Line<'_> {
        let vocabulary = self.vocabulary;
        let mut random = Random::of(self.size.seed, stream::PARTNERSHIP, index);
        let parties = self.parties(&mut random);
        let lead = self.organization_head(parties[0]);
        let region = &vocabulary.regions[lead.region];
        let kind = random.weighted(&vocabulary.partnership_kinds, |kind| kind.weight);
        let other = self.organization_head(parties[1]);

        let (status, _) = *random
            .weighted(&[("ACTIVE", 55), ("ENDED", 35), ("PROPOSED", 7), ("DECLINED", 3)], |choice| choice.1);
        let start = match status {
            "PROPOSED" => THIS_YEAR + 1,
            "ENDED" => THIS_YEAR - 2 - random.skewed(17),
            _ => THIS_YEAR - 1 - random.skewed(12),
        };
        let end = match status {
            "ENDED" => Some(random.between(start + 1, THIS_YEAR - 1)),
            _ if random.percent(40) => Some(random.between(THIS_YEAR + 2, THIS_YEAR + 5)),
            _ => None,
        };

        let work = names::work(&mut random, lead.language);
        let languages = texts::languages(&mut random, lead.language);
        let is_work = matches!(kind.slug.as_str(), "coproduction" | "co-funding");
        let titles = if is_work {
            texts::titles_of_work(&languages, &kind.labels, &work)
        } else {
            texts::in_languages(&languages, |language| {
                format!("{} – {} & {}", kind.labels.get(language), lead.name, other.name)
            })
        };
        let descriptions = if random.percent(50) {
            let take = random.index(languages.len()) + 1;
            texts::partnership(&languages[..take], &lead.name, &other.name, &lead.city.name)
        } else {
            Vec::new()
        };

        let funded = random.percent(60);
        let partnership = Partnership {
            slug: format!(
                "{}-{index}",
                names::slug(&if is_work { work } else { format!("{} {}", kind.slug, lead.name) })
            ),
            kind: &kind.slug,
            status,
            titles,
            descriptions,
            region: &region.slug,
            starts_on: partial_date(&mut random, start),
            ends_on: end.map(|year| partial_date(&mut random, year)),
            parties: parties
                .iter()
                .enumerate()
                .map(|(place, &party)| Party {
                    organization: self.organization_reference(party),
                    role: if place == 0 { &kind.first } else { &kind.others },
                    contribution: (funded && random.percent(75)).then(|| contribution(&mut random)),
                })
                .collect(),
            sectors: lead.sectors.iter().copied().take(2).collect(),
            visibility: visibility(&mut random, 96, 3),
        };
        self.line(lead.region, format!("par-{index}"), Body::Partnership(Box::new(partnership)))
    }

    /// Two to five different organizations, about half of them from the region of the first.
    fn parties(&self, random: &mut Random) -> Vec<u64> {
        let wanted = (2 + random.skewed(4)).min(self.size.organizations);
        let mut parties = vec![random.skewed(self.size.organizations)];
        let home = self.region_of_organization(parties[0]);
        while u64::try_from(parties.len()).unwrap_or(u64::MAX) < wanted {
            let mut next = if random.percent(50) {
                self.near(random, home, |random| random.skewed(self.size.organizations))
            } else {
                random.skewed(self.size.organizations)
            };
            while parties.contains(&next) {
                next = (next + 1) % self.size.organizations;
            }
            parties.push(next);
        }
        parties
    }

    fn line<'s>(&'s self, region: usize, external_id: String, body: Body<'s>) -> Line<'s> {
        Line { source: &self.sources[region], external_id, body }
    }
}

/// Adds an entry unless the list has it.
fn push_new<T: PartialEq>(list: &mut Vec<T>, entry: T) {
    if !list.contains(&entry) {
        list.push(entry);
    }
}

/// PUBLIC and MEMBERS in the given shares of 100, PRIVATE for the rest.
fn visibility(random: &mut Random, public: u64, members: u64) -> &'static str {
    match random.below(100) {
        share if share < public => "PUBLIC",
        share if share < public + members => "MEMBERS",
        _ => "PRIVATE",
    }
}

/// The languages an organization works in.
fn languages(random: &mut Random, first: Language) -> Vec<Language> {
    let mut all = vec![first];
    for (language, share) in [(Language::Fr, 30), (Language::Nl, 25), (Language::En, 55)] {
        if random.percent(share) {
            push_new(&mut all, language);
        }
    }
    all
}

/// The languages a person speaks.
fn spoken(random: &mut Random, first: Language) -> Vec<Spoken> {
    const LEVELS: &[&str] = &["BASIC", "CONVERSATIONAL", "FLUENT"];
    let native = if first == Language::Nl { "nl" } else { "fr" };
    let mut all = vec![Spoken { language: native, level: "NATIVE" }];
    for (language, share) in
        [("en", 75), ("fr", 45), ("nl", 30), ("de", 12), ("es", 8), ("it", 6), ("ar", 4), ("pl", 2)]
    {
        if language != native && random.percent(share) {
            all.push(Spoken { language, level: random.word(LEVELS) });
        }
    }
    all
}

fn address<'v>(random: &mut Random, head: &OrganizationHead<'v>, region: &'v Region) -> Address<'v> {
    let mut near = |centre: f64| {
        let degrees = centre + random.around_zero() * head.territory.spread;
        // Five decimals are a metre.
        (degrees * 100_000.0).round() / 100_000.0
    };
    let (latitude, longitude) = (near(head.territory.latitude), near(head.territory.longitude));
    Address {
        lines: vec![names::street(random, head.language)],
        postal_code: &head.city.postal_code,
        city: &head.city.name,
        country: &region.country,
        latitude,
        longitude,
    }
}

/// A date in this year, to the year, the month or the day.
fn partial_date(random: &mut Random, year: u64) -> String {
    match random.below(10) {
        0..4 => year.to_string(),
        4..6 => format!("{year}-{:02}", random.between(1, 12)),
        _ => full_date(random, year),
    }
}

fn full_date(random: &mut Random, year: u64) -> String {
    format!("{year}-{:02}-{:02}", random.between(1, 12), random.between(1, 28))
}

/// Round amounts, small ones more often.
fn contribution(random: &mut Random) -> Money {
    let (unit, most) = *random.pick(&[(500, 40), (2_500, 60), (10_000, 30), (50_000, 20)]);
    Money { amount: format!("{}.00", unit * random.between(1, most)), currency: "EUR" }
}

/// The nine digits of a French company: eight and the one that makes the Luhn sum a multiple of ten.
fn siren(eight: u64) -> String {
    let mut sum = 0;
    let mut rest = eight;
    // The check digit itself is not doubled, so the doubling begins with the last of the eight.
    let mut doubled = true;
    while rest > 0 {
        let digit = rest % 10 * if doubled { 2 } else { 1 };
        sum += digit / 10 + digit % 10;
        doubled = !doubled;
        rest /= 10;
    }
    format!("{eight:08}{}", (10 - sum % 10) % 10)
}

/// The ten digits of a Belgian company: eight, and 97 less the remainder of their division by 97.
fn bce(eight: u64) -> String {
    format!("{eight:08}{:02}", 97 - eight % 97)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_those_of_known_companies() {
        assert_eq!(siren(73_282_932), "732829320");
        assert_eq!(bce(4_031_707), "0403170701");
    }
}
