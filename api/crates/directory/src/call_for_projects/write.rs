//! The write path of calls for projects: from an input to a row with its parts, and how they follow their funders.

use std::collections::{BTreeSet, HashMap};

use entity::call_for_projects::{Entity, Model};
use entity::{
    call_for_projects_contribution as contribution, call_for_projects_lot as lot,
    call_for_projects_lot_funder as lot_funder, call_for_projects_organizer as organizer,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

pub use super::input::CallForProjectsInput;
use super::{CallForProjectsNode, consent, funding, lots, replica, status};
use crate::application;
use kernel::RecordType;
use kernel::error::DomainError;
use kernel::input::{Fields, MAX_NAME, MAX_TEXT};
use kernel::messages::{self, FilledMessage, calls};
use kernel::policy::{Viewer, Visibility};
use kernel::problem::{Problem, Problems};
use kernel::read::KeyedStatement;
use kernel::value::{LocalizedText, sort_key};
use kernel::vocabulary::{facets_with, genre_facet, list_regions, vocabularies};
use records::record_row;
use records::write::{
    self, Batch, Draft, Kind, Numbered, RecordRow as _, ReferredBy, Submission, Written, lock_ids, rows_of,
};

/// A call's row with its parts.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub(super) model: Model,
    pub(super) contributions: Vec<contribution::Model>,
    pub(super) lots: Vec<lot::Model>,
    pub(super) funders: Vec<lot_funder::Model>,
    pub(super) organizers: Vec<organizer::Model>,
}

record_row!(Row { model: Model } loaded by load);

/// The write path of calls for projects.
#[derive(Debug)]
pub struct CallsForProjects;

/// Sets the columns that follow from others of the row and of its parts.
pub(super) fn derive(row: &mut Row) {
    let model = &mut row.model;
    let titles: Vec<LocalizedText> = model.titles.read().unwrap_or_default();
    model.name_key = sort_key(titles.first().map_or("", |title| title.text.as_str()));
    model.visibility = if model.draft { Visibility::Private.code() } else { model.declared_visibility };
    let sectors: Vec<String> = model.sectors.read().unwrap_or_default();
    model.facets = facets_with(&sectors, row.lots.iter().map(|lot| genre_facet(&lot.genre)));
    status::set_keys(model);
    funding::add_up(row);
}

/// Sets the regions of the contributions, and those under which the call is listed: its own, and those of the funders that
/// count. Returns the first organization that is missing.
fn set_regions(row: &mut Row, regions: &HashMap<Uuid, String>) -> Result<(), Uuid> {
    for one in &mut row.contributions {
        regions.get(&one.organization_id).ok_or(one.organization_id)?.clone_into(&mut one.region);
    }
    let counted = row.contributions.iter().filter(|one| one.confirmed).map(|one| one.region.as_str());
    row.model.list_regions = list_regions(counted.chain([row.model.region.as_str()]));
    Ok(())
}

/// The regions of the organizations that contribute to these calls.
pub(super) async fn regions_of(
    batch: &Batch<'_>,
    rows: impl Iterator<Item = &Row>,
) -> Result<HashMap<Uuid, String>, DomainError> {
    let ids: BTreeSet<Uuid> =
        rows.flat_map(|row| &row.contributions).map(|one| one.organization_id).collect();
    organization_regions(batch, &ids.into_iter().collect::<Vec<_>>()).await
}

async fn organization_regions(batch: &Batch<'_>, ids: &[Uuid]) -> Result<HashMap<Uuid, String>, DomainError> {
    let statement = KeyedStatement::by_id(batch.dialect, |keys, then| {
        format!("SELECT k.n, o.id, o.region FROM {keys} {then} organization AS o ON o.id = k.id")
    });
    let found = statement.query(batch.tx, batch.dialect, rows_of(ids)).await?;
    found.into_iter().map(|(_, mut row)| Ok((row.get()?, row.get()?))).collect()
}

/// Sets what follows from the funders of calls that were given others, which have regions of their own.
pub(super) async fn follow_regions(batch: &Batch<'_>, rows: &mut [(Row, Row)]) -> Result<(), DomainError> {
    let regions = regions_of(batch, rows.iter().map(|(row, _)| row)).await?;
    for (row, _) in rows {
        set_regions(row, &regions).map_err(|_| DomainError::Stored("a call without its funders".into()))?;
        derive(row);
    }
    Ok(())
}

/// The rows of these ids, with their parts.
async fn load(batch: &Batch<'_>, ids: &[Uuid]) -> Result<HashMap<Uuid, Row>, DomainError> {
    let rows = batch.load::<Entity>(ids).await?;
    let mut all: HashMap<Uuid, Row> =
        rows.into_iter().map(|(id, model)| (id, Row { model, ..Row::default() })).collect();
    let own = || ids.iter().copied();
    for part in contribution::Entity::find()
        .filter(contribution::Column::CallId.is_in(own()))
        .order_by_asc(contribution::Column::Position)
        .all(batch.tx)
        .await?
    {
        all.entry(part.call_id).and_modify(|row| row.contributions.push(part));
    }
    for part in lot::Entity::find()
        .filter(lot::Column::CallId.is_in(own()))
        .order_by_asc(lot::Column::Position)
        .all(batch.tx)
        .await?
    {
        all.entry(part.call_id).and_modify(|row| row.lots.push(part));
    }
    for part in lot_funder::Entity::find()
        .filter(lot_funder::Column::CallId.is_in(own()))
        .order_by_asc(lot_funder::Column::Lot)
        .order_by_asc(lot_funder::Column::Position)
        .all(batch.tx)
        .await?
    {
        all.entry(part.call_id).and_modify(|row| row.funders.push(part));
    }
    for part in organizer::Entity::find()
        .filter(organizer::Column::CallId.is_in(own()))
        .order_by_asc(organizer::Column::Position)
        .all(batch.tx)
        .await?
    {
        all.entry(part.call_id).and_modify(|row| row.organizers.push(part));
    }
    Ok(all)
}

/// Makes calls follow their funders into the regions that these are in now.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn follow(batch: &Batch<'_>, organization_ids: &[Uuid]) -> Result<Vec<Written>, DomainError> {
    if organization_ids.is_empty() {
        return Ok(Vec::new());
    }
    let parts = contribution::Entity::find()
        .filter(contribution::Column::OrganizationId.is_in(organization_ids.iter().copied()))
        .all(batch.tx)
        .await?;
    let ids: BTreeSet<Uuid> = parts.into_iter().map(|part| part.call_id).collect();
    let ids: Vec<Uuid> = ids.into_iter().collect();
    // Locked before they are read, so that no concurrent write to them is lost.
    lock_ids(batch, &ids).await?;
    let rows = Row::load(batch, &ids).await?;
    let regions = regions_of(batch, rows.values()).await?;
    let mut moved: Vec<(Row, Row)> = Vec::new();
    for before in rows.into_values() {
        let mut after = before.clone();
        if set_regions(&mut after, &regions).is_ok() && after.contributions != before.contributions {
            moved.push((after, before));
        }
    }
    let parts = moved.iter().flat_map(|(after, _)| after.contributions.iter().cloned());
    batch.upsert::<contribution::Entity, _>(parts.collect()).await?;
    write::follow::<CallsForProjects>(batch, moved).await
}

impl Kind for CallsForProjects {
    /// What was submitted to a call, and so to its funders, keeps it.
    const REFERRED_BY: &'static [ReferredBy] = &[
        ReferredBy::column(RecordType::Partnership, "call_id"),
        ReferredBy::table(RecordType::Call, application::write::SUBMITTED, "call_id", "call_id").most(0),
    ];
    const PARTS: &'static [(&'static str, &'static str)] = &[
        ("call_for_projects_contribution", "call_id"),
        ("call_for_projects_lot", "call_id"),
        ("call_for_projects_lot_funder", "call_id"),
        ("call_for_projects_organizer", "call_id"),
    ];
    type Node = CallForProjectsNode;
    type Input = CallForProjectsInput;
    type Row = Row;
    type Replicated = replica::Fields;

    fn blank(id: Uuid) -> Row {
        Row { model: Model { id, ..Model::default() }, ..Row::default() }
    }

    fn slug(row: &mut Row) -> Option<&mut String> {
        Some(&mut row.model.slug)
    }

    /// Sets what follows from the funders. The instance that has made the revision also writes the next turn.
    async fn place(
        batch: &Batch<'_>,
        drafts: &mut Numbered<Draft<Row>>,
        _: &mut [Problems],
    ) -> Result<(), DomainError> {
        let regions = regions_of(batch, drafts.iter().map(|(_, draft)| &draft.row)).await?;
        for (_, draft) in drafts.iter_mut() {
            set_regions(&mut draft.row, &regions)
                .map_err(|_| DomainError::Stored("a call without its funders".into()))?;
            draft.row.model.followed = true;
            draft.row.model.turns_at = None;
        }
        Ok(())
    }

    async fn refusal(
        batch: &Batch<'_>,
        viewer: &Viewer,
        before: &Row,
        submission: &Submission,
    ) -> Result<Option<Problem>, DomainError> {
        let Some(answer) = &submission.answer else {
            let refused = !viewer.writes_in(&before.model.region);
            return Ok(refused.then(|| Problem::forbidden(&messages::NOT_YOURS)));
        };
        let text = answer.organization.as_deref().unwrap_or_default();
        let Some(funder) = batch.resolved.get(RecordType::Organization, text) else {
            let unknown = Problem::unknown_reference("organization", RecordType::Organization, text);
            return Ok(Some(unknown.not_of_the_input()));
        };
        let at_funder = |message| Ok(Some(Problem::beside("organization", FilledMessage::new(message))));
        let found = before.contributions.iter().find(|one| one.organization_id == funder);
        let speaks = found.is_some_and(|one| viewer.speaks_for(&one.region, funder));
        let shown = found.is_some_and(|one| one.confirmed || viewer.writes_in(&before.model.region));
        match (speaks, shown) {
            (true, _) => Ok(None),
            (false, true) => at_funder(&messages::NOT_YOUR_PARTY),
            // Others do not learn of a contribution that does not count yet.
            (false, false) => at_funder(&calls::NO_CONTRIBUTION),
        }
    }

    fn merge(
        batch: &Batch<'_>,
        row: &mut Row,
        _: Option<&Row>,
        input: &CallForProjectsInput,
        fields: &mut Fields<'_>,
    ) {
        let all = vocabularies();
        let region = &all.regions;
        let sector = &all.sectors;
        let model = &mut row.model;
        fields.required_slug("region", &input.region, region, &mut model.region);
        fields.texts("titles", &input.titles, MAX_NAME, &mut model.titles);
        let titles: Vec<LocalizedText> = model.titles.read().unwrap_or_default();
        let original = titles.first().map(|title| title.text.clone()).unwrap_or_default();
        if original.is_empty() && !fields.problems.concern("titles") {
            fields.problems.add(Problem::required("titles"));
        }
        fields.record_slug(&input.slug, &original, &mut model.slug);
        fields.texts("descriptions", &input.descriptions, MAX_TEXT, &mut model.descriptions);
        let own_zone = all.regions.get(&model.region).map(|region| region.time_zone.as_str());
        fields.time_zone("timeZone", &input.time_zone, own_zone, &mut model.time_zone);
        fields.instant("opensAt", &input.opens_at, &mut model.opens_at);
        fields.instant("closesAt", &input.closes_at, &mut model.closes_at);
        fields.flag(&input.draft, &mut model.draft);
        fields.flag(&input.closed, &mut model.closed);
        lots::regulations(&input.regulations, &mut model.regulations, fields);
        fields.slugs("sectors", &input.sectors, sector, &mut model.sectors);
        fields.visibility(&input.visibility, Visibility::Public, &mut model.declared_visibility);
        fields.sources("sources", &input.sources, &mut model.sources);
        fields.claims("claims", &input.claims, &mut model.claims);
        if !(input.opens_at.is_undefined() && input.closes_at.is_undefined() && input.closed.is_undefined()) {
            lots::check_schedule(row, fields);
        }
        lots::merge(batch, row, input, fields);
    }

    async fn complete(
        batch: &Batch<'_>,
        drafts: &mut Numbered<Draft<Row>>,
        problems: &mut [Problems],
    ) -> Result<(), DomainError> {
        let regions = regions_of(batch, drafts.iter().map(|(_, draft)| &draft.row)).await?;
        for (index, draft) in drafts.iter_mut() {
            let problems = &mut problems[*index];
            if set_regions(&mut draft.row, &regions).is_err() && problems.is_empty() {
                // An organization was in the same batch and was refused.
                problems.add(Problem::unknown_reference("contributions", RecordType::Organization, ""));
            }
            agree(batch, draft, problems);
            // Once more: what counts has changed.
            let _ = set_regions(&mut draft.row, &regions);
            derive(&mut draft.row);
        }
        let drafts = drafts.iter_mut().map(|(_, draft)| &mut draft.row.model).collect();
        follow_applications(batch, drafts).await
    }

    /// Applications that were not submitted go with their call.
    async fn delete(batch: &Batch<'_>, ids: &[Uuid]) -> Result<(), DomainError> {
        application::write::delete_of_calls(batch, ids).await?;
        batch.delete_records::<Self>(ids).await
    }

    async fn save(batch: &Batch<'_>, rows: &[(Row, Option<Row>)]) -> Result<Vec<Written>, DomainError> {
        let known = rows.iter().filter(|(_, before)| before.is_some()).map(|(row, _)| row.model.id);
        let known: Vec<Uuid> = known.collect();
        for (part, column) in Self::PARTS {
            batch.delete_where(part, column, &known).await?;
        }
        Row::store(batch, Self::IS_LISTED, rows).await?;
        let rows = || rows.iter().map(|(row, _)| row);
        let parts = rows().flat_map(|row| row.contributions.iter().cloned());
        batch.upsert::<contribution::Entity, _>(parts.collect()).await?;
        let parts = rows().flat_map(|row| row.lots.iter().cloned());
        batch.upsert::<lot::Entity, _>(parts.collect()).await?;
        let parts = rows().flat_map(|row| row.funders.iter().cloned());
        batch.upsert::<lot_funder::Entity, _>(parts.collect()).await?;
        let parts = rows().flat_map(|row| row.organizers.iter().cloned());
        batch.upsert::<organizer::Entity, _>(parts.collect()).await?;
        Ok(Vec::new())
    }
}

/// Sets where calls stand now. One that is over is decided once all its applications are; one that is open again is not.
async fn follow_applications(batch: &Batch<'_>, calls: Vec<&mut Model>) -> Result<(), DomainError> {
    let is_over = |model: &Model| {
        let schedule = status::Schedule { decided: false, ..status::Schedule::of(model) };
        schedule.status(batch.now) == status::CallStatus::Closed
    };
    let over: Vec<Uuid> = calls.iter().filter(|model| is_over(model)).map(|model| model.id).collect();
    let mut standing = application::write::standing(batch, &over).await?;
    for model in calls {
        let decided = standing.remove(&model.id);
        model.decided = decided.is_some();
        model.awarded_at = decided.flatten();
        status::set_turn(model, batch.now);
    }
    Ok(())
}

/// Writes down which contributions count: what the answering side says, else those for which the writer speaks and that
/// are new or changed. A source and the program itself say theirs as confirmed.
fn agree(batch: &Batch<'_>, draft: &mut Draft<Row>, problems: &mut Problems) {
    let Draft { row, before, viewer, answer, .. } = draft;
    if let Some(answer) = answer {
        let text = answer.organization.as_deref().unwrap_or_default();
        let funder = batch.resolved.get(RecordType::Organization, text);
        for one in row.contributions.iter_mut().filter(|one| Some(one.organization_id) == funder) {
            consent::answer(one, answer.yes, batch.now);
        }
        return;
    }
    let before = before.as_ref().filter(|before| before.model.currency == row.model.currency);
    let had = before.map_or(&[][..], |before| before.contributions.as_slice());
    for one in &mut row.contributions {
        if had.iter().any(|had| consent::same_terms(had, one)) {
            continue;
        }
        match viewer {
            Some(viewer) if viewer.speaks_for(&one.region, one.organization_id) => {
                consent::answer(one, true, batch.now);
            }
            Some(_) => {
                let path = format!("contributions.{}", one.position);
                problems.warn(path, &calls::CONTRIBUTION_UNCONFIRMED);
            }
            None => one.confirmed = true,
        }
    }
}
