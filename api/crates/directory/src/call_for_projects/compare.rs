//! The criteria of several calls side by side.

use async_graphql::{Context, ID, Object};
use uuid::Uuid;

use super::format;
use super::store::{self, Columns};
use super::{CallForProjectsNode, Lot};
use kernel::RecordType;
use kernel::error::{DomainError, GraphqlResult, IntoGraphql};
use kernel::id;
use kernel::lookup::Key;
use kernel::messages::language_of;
use kernel::node::{Node as _, rows};
use kernel::read::Selection;
use kernel::reader::Reader;
use kernel::value::{Decimal, Language, LocalizedText};
use kernel::vocabulary::{Named as _, Term, Vocabulary, vocabularies};

/// Calls that are compared, at least and at most.
const CALLS: std::ops::RangeInclusive<usize> = 2..=10;

/// Calls side by side.
#[derive(Clone, Debug)]
pub struct CallComparison {
    calls: Vec<CallForProjectsNode>,
    criteria: Vec<CallCriterion>,
}

/// A criterion of the calls of a comparison.
#[derive(Clone, Debug)]
pub struct CallCriterion {
    key: String,
    label: Vec<LocalizedText>,
    values: Vec<Option<String>>,
}

/// Calls side by side: a column for each call, a row for each criterion.
#[Object]
impl CallComparison {
    /// The calls, in the order in which they were asked for; without those that this viewer may not see.
    async fn calls(&self) -> &[CallForProjectsNode] {
        &self.calls
    }

    /// The criteria that any of the calls has: those of the call, then those of each genre.
    async fn criteria(&self) -> &[CallCriterion] {
        &self.criteria
    }
}

/// A criterion, and what each call of a comparison says of it.
#[Object]
impl CallCriterion {
    /// A stable name: `fund`, or `lots.<genre>.ceiling`.
    async fn key(&self) -> &str {
        &self.key
    }

    /// What people read.
    async fn label(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Language of the answer; else the request's.")] language: Option<Language>,
    ) -> GraphqlResult<String> {
        Ok(Reader::of(ctx)?.text(ctx, language, &self.label).unwrap_or(&self.key).to_owned())
    }

    /// The value of each call, in the order of `calls` and as people read it in the request's language; null where a call
    /// does not have it.
    async fn values(&self) -> &[Option<String>] {
        &self.values
    }
}

/// The texts of a label: English, French, Dutch, German.
type Label = [&'static str; 4];

/// The languages of [`Label`].
const LANGUAGES: [Language; 4] = [Language::En, Language::Fr, Language::Nl, Language::De];

/// How a criterion of a whole call is shown.
type OfCall = fn(&CallForProjectsNode, Language) -> Option<String>;
/// How a criterion of a lot is shown.
type OfLot = fn(&Lot, Language) -> Option<String>;

/// The criteria of a whole call.
const CALL: &[(&str, Label, OfCall)] = &[
    ("fund", ["Fund", "Fonds", "Fonds", "Fonds"], |call, language| {
        call.row.card.fund.map(|fund| format::money(fund, language))
    }),
    ("opensAt", ["Opens", "Ouverture", "Opening", "Öffnung"], |call, language| {
        let at = call.row.card.schedule.opens_at?;
        Some(format::instant(at, &call.row.details.time_zone, language))
    }),
    ("closesAt", ["Closes", "Clôture", "Sluiting", "Schluss"], |call, language| {
        let at = call.row.card.schedule.closes_at?;
        Some(format::instant(at, &call.row.details.time_zone, language))
    }),
    (
        "regulations",
        [
            "Languages of the regulation",
            "Langues du règlement",
            "Talen van het reglement",
            "Sprachen des Reglements",
        ],
        |call, _| {
            let mut languages: Vec<&str> =
                call.row.details.regulations.iter().map(|one| one.language.as_str()).collect();
            languages.dedup();
            (!languages.is_empty()).then(|| languages.join(", "))
        },
    ),
];

/// The criteria of a lot.
const LOT: &[(&str, Label, OfLot)] = &[
    (
        "budget",
        ["budget of the lot", "budget du lot", "budget van het lot", "Budget des Loses"],
        |lot, language| lot.budget.map(|budget| format::money(budget, language)),
    ),
    (
        "ceiling",
        ["ceiling of a project", "plafond par projet", "plafond per project", "Höchstbetrag je Projekt"],
        |lot, language| lot.criteria.ceiling.map(|ceiling| format::money(ceiling, language)),
    ),
    (
        "minEpisodes",
        ["episodes at least", "épisodes au moins", "afleveringen minstens", "Folgen mindestens"],
        |lot, language| count(lot.criteria.min_episodes, language),
    ),
    (
        "maxEpisodes",
        ["episodes at most", "épisodes au plus", "afleveringen hoogstens", "Folgen höchstens"],
        |lot, language| count(lot.criteria.max_episodes, language),
    ),
    (
        "minMinutes",
        [
            "minutes of an episode at least",
            "minutes par épisode au moins",
            "minuten per aflevering minstens",
            "Minuten je Folge mindestens",
        ],
        |lot, language| lot.criteria.min_minutes.map(|minutes| format::number(minutes, language)),
    ),
    (
        "maxMinutes",
        [
            "minutes of an episode at most",
            "minutes par épisode au plus",
            "minuten per aflevering hoogstens",
            "Minuten je Folge höchstens",
        ],
        |lot, language| lot.criteria.max_minutes.map(|minutes| format::number(minutes, language)),
    ),
    (
        "maxAidShare",
        [
            "share of aid in the budget at most",
            "part de l’aide dans le budget au plus",
            "aandeel van de steun in het budget hoogstens",
            "Anteil der Förderung am Budget höchstens",
        ],
        |lot, language| lot.criteria.max_aid_share.map(|share| format::percentage(share, language)),
    ),
    (
        "eligibleRegions",
        ["regions that may apply", "régions admises", "toegelaten regio’s", "zugelassene Regionen"],
        |lot, language| {
            let regions = lot.criteria.eligible_regions.iter();
            let terms = regions.filter_map(|slug| vocabularies().regions.get(slug));
            let names: Vec<&str> = terms.map(|region| named(region.term(), language)).collect();
            (!names.is_empty()).then(|| names.join(", "))
        },
    ),
    (
        "territorialSpendShare",
        [
            "share of the aid to spend in the funders’ territories",
            "part de l’aide à dépenser sur les territoires des financeurs",
            "aandeel van de steun te besteden in de gebieden van de financiers",
            "Anteil der Förderung, der in den Gebieten der Geldgeber auszugeben ist",
        ],
        |lot, language| lot.criteria.territorial_spend_share.map(|share| format::percentage(share, language)),
    ),
];

fn count(number: Option<i32>, language: Language) -> Option<String> {
    number.map(|number| format::number(Decimal::from(i64::from(number)), language))
}

/// The name of a term in a language, else in its own.
fn named(term: &Term, language: Language) -> &str {
    let own = term.labels.iter().find(|label| label.language == language).or(term.labels.first());
    own.map_or(term.slug.as_str(), |label| label.text.as_str())
}

fn label(texts: impl Fn(usize, Language) -> String) -> Vec<LocalizedText> {
    let text =
        |(place, language): (usize, Language)| LocalizedText { language, text: texts(place, language) };
    LANGUAGES.into_iter().enumerate().map(text).collect()
}

/// The criteria that any of these calls has.
fn criteria(calls: &[CallForProjectsNode], lots: &[Vec<Lot>], language: Language) -> Vec<CallCriterion> {
    let yes = match language {
        Language::En => "yes",
        Language::Fr => "oui",
        Language::Nl | Language::De => "ja",
    };
    let mut all = Vec::new();
    let mut add = |key: String, label: Vec<LocalizedText>, values: Vec<Option<String>>| {
        if values.iter().any(Option::is_some) {
            all.push(CallCriterion { key, label, values });
        }
    };
    for (key, texts, value) in CALL {
        let values = calls.iter().map(|call| value(call, language)).collect();
        add((*key).to_owned(), label(|place, _| texts[place].to_owned()), values);
    }
    for genre in &vocabularies().terms(Vocabulary::CallGenre).all {
        let of_genre: Vec<Option<&Lot>> =
            lots.iter().map(|lots| lots.iter().find(|lot| lot.genre == genre.slug)).collect();
        let key = format!("lots.{}", genre.slug);
        let has = of_genre.iter().map(|lot| lot.map(|_| yes.to_owned())).collect();
        add(key.clone(), label(|_, language| named(genre, language).to_owned()), has);
        for (name, texts, value) in LOT {
            let values = of_genre.iter().map(|lot| lot.and_then(|lot| value(lot, language))).collect();
            let text = |place: usize, language| format!("{}: {}", named(genre, language), texts[place]);
            add(format!("{key}.{name}"), label(text), values);
        }
    }
    all
}

/// Reads the calls of a comparison, as far as the viewer sees them.
async fn compare(reader: &Reader, ids: &[Uuid], want: &Selection) -> Result<CallComparison, DomainError> {
    let below = want.below("CallComparison", "calls").unwrap_or_default();
    let keys = ids.iter().map(|id| Key::Id(*id)).collect();
    let found = rows::<CallForProjectsNode>(reader, keys, Columns::ALL).await?;
    let mut calls: Vec<CallForProjectsNode> = found.into_iter().flatten().collect();
    let criteria = if want.has("CallComparison", &["criteria"]) {
        let ids: Vec<Uuid> = calls.iter().map(|call| call.row.head.id).collect();
        criteria(&calls, &store::lots(reader, &ids).await?, language_of(&reader.languages))
    } else {
        Vec::new()
    };
    CallForProjectsNode::fill(reader, &mut calls, &below).await?;
    Ok(CallComparison { calls, criteria })
}

/// The ids of the calls to compare, each once.
fn checked(ids: &[ID]) -> Result<Vec<Uuid>, DomainError> {
    if !CALLS.contains(&ids.len()) {
        let message = format!("`ids` has {} entries: 2 to 10 calls can be compared.", ids.len());
        return Err(DomainError::bad_input("ids", message));
    }
    let mut all = Vec::with_capacity(ids.len());
    for text in ids {
        let id = id::decode("ids", RecordType::Call.prefix(), text)?;
        if all.contains(&id) {
            return Err(DomainError::bad_input("ids", "`ids` has a call twice."));
        }
        all.push(id);
    }
    Ok(all)
}

/// The query that compares calls.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallComparisonQuery;

/// The query that compares calls.
#[Object]
impl CallComparisonQuery {
    /// The criteria of 2 to 10 calls for projects side by side. Calls that this viewer may not see are left out.
    async fn compare_calls(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Ids of the calls, each once.")] ids: Vec<ID>,
    ) -> GraphqlResult<CallComparison> {
        let ids = checked(&ids).graphql()?;
        compare(Reader::of(ctx)?, &ids, &Selection::of(ctx)).await.graphql()
    }
}
