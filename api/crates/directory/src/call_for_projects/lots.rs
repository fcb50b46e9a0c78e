//! How contributions, lots, organizers and regulations are written: from the lists of an input to rows, with all that is
//! wrong with them.

use async_graphql::MaybeUndefined;
use entity::JsonText;
use entity::call_for_projects_contribution::Model as Contribution;
use entity::call_for_projects_lot::Model as LotRow;
use entity::call_for_projects_lot_funder::Model as Funder;
use entity::call_for_projects_organizer::Model as Organizer;
use uuid::Uuid;

use super::input::{CallForProjectsInput, CallLotInput, ContributionInput, RegulationInput};
use super::write::Row;
use super::{Regulation, consent, funding};
use crate::partnership::write::MoneyInput;
use kernel::RecordType;
use kernel::input::{Fields, MAX_NAME};
use kernel::messages::{self, FilledMessage, calls};
use kernel::problem::Problem;
use kernel::value::{Currency, Decimal, Given, Money};
use kernel::vocabulary::{Vocabulary, vocabularies};
use records::write::Batch;

/// A place in a list, as its row has it.
fn position(place: usize) -> i32 {
    // Lists have at most `kernel::input::MAX_ENTRIES` entries.
    i32::try_from(place).unwrap_or(i32::MAX)
}

/// The given list, empty for null; none where the present one stays.
fn list<'i, T>(fields: &mut Fields<'_>, path: &str, given: &'i MaybeUndefined<Vec<T>>) -> Option<&'i [T]> {
    match given {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(&[]),
        MaybeUndefined::Value(list) => fields.fits(path, list).then_some(list),
    }
}

/// The currencies of the amounts of a call, which must be one: the first amount has the right one.
#[derive(Default)]
struct Currencies {
    first: Option<Currency>,
    differ: bool,
}

/// The entries of a list of organizations with amounts.
#[derive(Default)]
struct Amounts {
    /// Those that are right: place in the list, organization, amount.
    right: Vec<(i32, Uuid, Money)>,
    /// The organizations whose amount is wrong.
    wrong: Vec<Uuid>,
    /// Whether an organization or an amount is missing.
    incomplete: bool,
}

impl Currencies {
    /// Takes the currency of an amount.
    fn take(&mut self, path: &str, currency: Currency, fields: &mut Fields<'_>) {
        let first = *self.first.get_or_insert(currency);
        if first != currency {
            self.differ = true;
            let said = FilledMessage::new(&calls::CURRENCIES_DIFFER).with("first", first.to_string());
            let said = said.with("other", currency.to_string());
            fields.problems.add(Problem::at(format!("{path}.currency"), said));
        }
    }

    /// The amount that was given at this path, checked; none where it is none.
    fn read(&mut self, path: &str, given: &MoneyInput, fields: &mut Fields<'_>) -> Option<Money> {
        let (currency, money) = above_zero(path, given, fields);
        if let Some(currency) = currency {
            self.take(path, currency, fields);
        }
        money
    }
}

/// The currency and the amount that were given at this path, checked; none where they are none.
pub(crate) fn above_zero(
    path: &str,
    given: &MoneyInput,
    fields: &mut Fields<'_>,
) -> (Option<Currency>, Option<Money>) {
    let amount = fields.read(&format!("{path}.amount"), &given.amount).copied();
    let currency = given.currency.parse::<Currency>();
    let currency =
        fields.problems.note(currency.map_err(|error| Problem::value(format!("{path}.currency"), &error)));
    let Some((amount, unit)) = amount.zip(currency) else { return (currency, None) };
    let money = Money::new(amount, unit).map_err(|error| Problem::value(path, &error));
    let money = fields.problems.note(money);
    if money.is_some_and(|money| money.amount() <= Decimal::ZERO) {
        fields.problems.add(Problem::new(path, &calls::AMOUNT_NOT_ABOVE_ZERO));
        return (currency, None);
    }
    (currency, money)
}

/// Sets the contributions, the lots and the organizers, and what follows from them.
pub(super) fn merge(batch: &Batch<'_>, row: &mut Row, input: &CallForProjectsInput, fields: &mut Fields<'_>) {
    organizers(batch, row, input, fields);
    let contributions = list(fields, "contributions", &input.contributions);
    let lots = list(fields, "lots", &input.lots);
    if contributions.is_none() && lots.is_none() {
        return;
    }
    let stored: Option<Currency> = row.model.currency.as_deref().and_then(|code| code.parse().ok());
    let before = row.contributions.clone();
    let (mut currencies, mut doubts) = (Currencies::default(), Amounts::default());
    match contributions {
        Some(given) => {
            doubts = amounts(batch, "contributions", given, &mut currencies, fields);
            let right = doubts.right.iter().map(|(position, organization_id, amount)| Contribution {
                call_id: row.model.id,
                position: *position,
                organization_id: *organization_id,
                amount: amount.amount().to_string(),
                ..Contribution::default()
            });
            row.contributions = right.collect();
        }
        None if !row.contributions.is_empty() => currencies.first = stored,
        None => {}
    }
    if let Some(given) = lots {
        (row.lots, row.funders) = read_lots(batch, row.model.id, given, &mut currencies, fields);
    } else {
        let funded = row
            .funders
            .first()
            .map(|funder| format!("lots.{}.funders.{}.amount", funder.lot, funder.position));
        let limited = row.lots.iter().find(|lot| lot.ceiling.is_some());
        let kept = funded.or_else(|| limited.map(|lot| format!("lots.{}.ceiling", lot.position)));
        if let (Some(path), Some(stored)) = (kept, stored) {
            currencies.take(&path, stored, fields);
        }
    }
    row.model.currency = currencies.first.map(|currency| currency.to_string());
    consent::keep(&mut row.contributions, &before, stored == currencies.first);
    // Sums of amounts that are wrong themselves, or in two currencies, would say nothing.
    if !currencies.differ {
        funding::check_shares(row, &doubts.wrong, fields.problems);
        if !doubts.incomplete {
            funding::check_fund(row, fields.problems);
        }
    }
}

/// Sets the organizations that organize the call.
fn organizers(batch: &Batch<'_>, row: &mut Row, input: &CallForProjectsInput, fields: &mut Fields<'_>) {
    let Some(given) = list(fields, "organizers", &input.organizers) else { return };
    let mut kept: Vec<Organizer> = Vec::new();
    for (place, text) in given.iter().enumerate() {
        let path = format!("organizers.{place}");
        let found = batch.resolved.find(RecordType::Organization, text, &path, fields.problems);
        let Some(organization_id) = found else { continue };
        if kept.iter().any(|other| other.organization_id == organization_id) {
            fields.problems.add(Problem::new(path, &calls::ORGANIZATION_TWICE));
            continue;
        }
        let call_id = row.model.id;
        kept.push(Organizer { call_id, position: position(kept.len()), organization_id });
    }
    row.organizers = kept;
}

/// The organizations of a list with their amounts, each organization once.
fn amounts(
    batch: &Batch<'_>,
    path: &str,
    given: &[ContributionInput],
    currencies: &mut Currencies,
    fields: &mut Fields<'_>,
) -> Amounts {
    let mut found = Amounts::default();
    let mut named: Vec<Uuid> = Vec::new();
    for (place, one) in given.iter().enumerate() {
        let at = format!("{path}.{place}");
        let own = format!("{at}.organization");
        let organization =
            batch.resolved.find(RecordType::Organization, &one.organization, &own, fields.problems);
        let amount = currencies.read(&format!("{at}.amount"), &one.amount, fields);
        found.incomplete |= amount.is_none() || organization.is_none();
        let Some(organization) = organization else { continue };
        if named.contains(&organization) {
            fields.problems.add(Problem::new(own, &calls::ORGANIZATION_TWICE));
            found.incomplete = true;
            continue;
        }
        named.push(organization);
        match amount {
            Some(amount) => found.right.push((position(place), organization, amount)),
            None => found.wrong.push(organization),
        }
    }
    found
}

/// The lots of a list with their funders: each genre once.
fn read_lots(
    batch: &Batch<'_>,
    call_id: Uuid,
    given: &[CallLotInput],
    currencies: &mut Currencies,
    fields: &mut Fields<'_>,
) -> (Vec<LotRow>, Vec<Funder>) {
    let genres = vocabularies().terms(Vocabulary::CallGenre);
    let (mut lots, mut funders): (Vec<LotRow>, Vec<Funder>) = (Vec::new(), Vec::new());
    for (place, lot) in given.iter().enumerate() {
        let (path, number) = (format!("lots.{place}"), position(place));
        let genre = format!("{path}.genre");
        let known = fields.term(&genre, &lot.genre, genres).unwrap_or_default();
        if !known.is_empty() && lots.iter().any(|other| other.genre == known) {
            fields.problems.add(Problem::new(genre, &calls::GENRE_TWICE));
        }
        let ceiling = lot.ceiling.as_ref();
        let ceiling =
            ceiling.and_then(|ceiling| currencies.read(&format!("{path}.ceiling"), ceiling, fields));
        let mut row = LotRow {
            call_id,
            position: number,
            genre: known,
            ceiling: ceiling.map(|money| money.amount().to_string()),
            ..LotRow::default()
        };
        criteria(&path, lot, &mut row, fields);
        lots.push(row);
        let given = lot.funders.as_deref().unwrap_or_default();
        let path = format!("{path}.funders");
        if fields.fits(&path, given) {
            let shares = amounts(batch, &path, given, currencies, fields);
            funders.extend(shares.right.into_iter().map(|(position, organization_id, amount)| Funder {
                call_id,
                lot: number,
                position,
                organization_id,
                amount: amount.amount().to_string(),
            }));
        }
    }
    (lots, funders)
}

/// Sets the title and the criteria of a lot.
fn criteria(path: &str, lot: &CallLotInput, row: &mut LotRow, fields: &mut Fields<'_>) {
    let titles = lot.titles.clone().map_or(MaybeUndefined::Null, MaybeUndefined::Value);
    fields.texts(&format!("{path}.titles"), &titles, MAX_NAME, &mut row.titles);
    let count = |name: &str, given: Option<i32>, fields: &mut Fields<'_>| {
        let given = given.map_or(MaybeUndefined::Null, MaybeUndefined::Value);
        let mut into = None;
        fields.at_least_one(&format!("{path}.{name}"), &given, &mut into);
        into
    };
    row.min_episodes = count("minEpisodes", lot.min_episodes, fields);
    row.max_episodes = count("maxEpisodes", lot.max_episodes, fields);
    if let (Some(min), Some(max)) = (row.min_episodes, row.max_episodes)
        && min > max
    {
        fields.problems.add(min_above_max(format!("{path}.maxEpisodes"), min.to_string(), max.to_string()));
    }
    let minutes = |name: &str, given: Option<&Given<Decimal>>, fields: &mut Fields<'_>| {
        let path = format!("{path}.{name}");
        let minutes = *fields.read(&path, given?)?;
        if minutes > Decimal::ZERO && minutes <= Decimal::from(MOST_MINUTES) {
            return Some(minutes);
        }
        fields.problems.add(Problem::new(path, &calls::MINUTES_OUT_OF_RANGE));
        None
    };
    let min = minutes("minMinutes", lot.min_minutes.as_ref(), fields);
    let max = minutes("maxMinutes", lot.max_minutes.as_ref(), fields);
    if let (Some(min), Some(max)) = (min, max)
        && min > max
    {
        fields.problems.add(min_above_max(format!("{path}.maxMinutes"), min.to_string(), max.to_string()));
    }
    (row.min_minutes, row.max_minutes) = (min.map(|min| min.to_string()), max.map(|max| max.to_string()));
    let share = |name: &str, given: Option<&Given<Decimal>>, fields: &mut Fields<'_>| {
        let path = format!("{path}.{name}");
        let share = *fields.read(&path, given?)?;
        if (Decimal::ZERO..=Decimal::from(1)).contains(&share) {
            return Some(share.to_string());
        }
        fields.problems.add(Problem::new(path, &calls::SHARE_OUT_OF_RANGE));
        None
    };
    row.max_aid_share = share("maxAidShare", lot.max_aid_share.as_ref(), fields);
    row.territorial_spend_share =
        share("territorialSpendShare", lot.territorial_spend_share.as_ref(), fields);
    let region = &vocabularies().regions;
    let regions = lot.eligible_regions.clone().map_or(MaybeUndefined::Null, MaybeUndefined::Value);
    fields.slugs(&format!("{path}.eligibleRegions"), &regions, region, &mut row.eligible_regions);
}

/// Minutes of an episode at most: a day and more is a mistake.
pub(crate) const MOST_MINUTES: i64 = 24 * 60;

fn min_above_max(path: String, min: String, max: String) -> Problem {
    Problem::at(path, FilledMessage::new(&calls::MIN_ABOVE_MAX).with("min", min).with("max", max))
}

/// Sets the regulations: each language once in each version.
pub(super) fn regulations(
    given: &MaybeUndefined<Vec<RegulationInput>>,
    into: &mut JsonText,
    fields: &mut Fields<'_>,
) {
    let Some(given) = list(fields, "regulations", given) else { return };
    let mut kept: Vec<Regulation> = Vec::new();
    for (place, one) in given.iter().enumerate() {
        let path = format!("regulations.{place}");
        let words = one.version.clone().map_or(MaybeUndefined::Null, MaybeUndefined::Value);
        let mut version = None;
        fields.text(&format!("{path}.version"), &words, MAX_NAME, &mut version);
        let url = one.url.as_ref().and_then(|url| fields.read(&format!("{path}.url"), url).cloned());
        let valid_from =
            one.valid_from.as_ref().and_then(|day| fields.read(&format!("{path}.validFrom"), day).copied());
        let language = one.language;
        if kept.iter().any(|other| (other.language, &other.version) == (language, &version)) {
            fields.problems.add(Problem::new(format!("{path}.language"), &calls::REGULATION_TWICE));
        }
        kept.push(Regulation { language, version, url, valid_from });
    }
    *into = JsonText::of(&kept);
}

/// Checks the instants of a call, and that it does not say twice when it closes.
pub(super) fn check_schedule(row: &Row, fields: &mut Fields<'_>) {
    let model = &row.model;
    if let (Some(opens), Some(closes)) = (model.opens_at, model.closes_at)
        && closes < opens
    {
        let shown = |micros| kernel::value::DateTime::from_micros(micros).to_string();
        let said = FilledMessage::new(&messages::ENDS_BEFORE).with("end", shown(closes));
        fields.problems.add(Problem::at("closesAt", said.with("start", shown(opens))));
    }
    if model.closed && model.closes_at.is_some() {
        fields.problems.add(Problem::new("closed", &calls::CLOSED_BESIDE_CLOSES_AT));
    }
}
