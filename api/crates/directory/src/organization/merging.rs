//! Two organizations that are one: what the duplicate has goes over to the survivor.

use std::collections::{BTreeSet, HashMap};

use entity::JsonText;
use entity::organization::Model;
use sea_orm::{ConnectionTrait, Statement};
use uuid::Uuid;

use super::write::{Organizations, derive};
use super::{Address, OrganizationStatus, succession};
use crate::affiliation::{self, Side};
use crate::{application, call_for_projects, event, partnership};
use kernel::error::DomainError;
use kernel::messages::{self, FilledMessage};
use kernel::problem::{Problem, Problems};
use kernel::value::Identifier;
use kernel::vocabulary::vocabularies;
use kernel::{RecordType, name_of};
use records::audit::Action;
use records::write::{
    Mergeable, Pair, RecordRow as _, Rewritten, lock_ids, union_of, unite, unite_claims, unite_texts,
};

/// Fills a field that is empty, and notes its name.
fn fill<T: Clone>(
    name: &'static str,
    into: &mut Option<T>,
    other: Option<&T>,
    filled: &mut Vec<&'static str>,
) {
    if into.is_none() && other.is_some() {
        *into = other.cloned();
        filled.push(name);
    }
}

/// Whether a period with these partial dates does not end before it begins. The dates are compared to the precision of
/// the less precise one.
fn in_order(starts: Option<&str>, ends: Option<&str>) -> bool {
    let (Some(starts), Some(ends)) = (starts, ends) else { return true };
    let common = starts.len().min(ends.len());
    ends[..common] >= starts[..common]
}

impl Mergeable for Organizations {
    fn absorb(row: &mut Model, other: &Model, problems: &mut Problems) -> Result<(), DomainError> {
        let mut filled = Vec::new();
        fill("acronym", &mut row.acronym, other.acronym.as_ref(), &mut filled);
        let territory = other.territory.as_ref().filter(|slug| {
            let region = vocabularies().territories.get(slug.as_str()).map(|territory| &territory.region);
            row.seat_region.is_none() || row.seat_region.as_ref() == region
        });
        fill("territory", &mut row.territory, territory, &mut filled);
        let seat = other.seat_region.as_ref().filter(|_| row.territory == other.territory);
        fill("seatRegion", &mut row.seat_region, seat, &mut filled);
        fill("address", &mut row.address, other.address.as_ref(), &mut filled);
        fill("website", &mut row.website, other.website.as_ref(), &mut filled);
        fill("email", &mut row.email, other.email.as_ref(), &mut filled);
        fill("phone", &mut row.phone, other.phone.as_ref(), &mut filled);
        let founded = other.founded_on.as_ref();
        let founded = founded.filter(|date| in_order(Some(date.as_str()), row.dissolved_on.as_deref()));
        fill("foundedOn", &mut row.founded_on, founded, &mut filled);
        let works = row.status == name_of(OrganizationStatus::Active);
        let dissolved = other.dissolved_on.as_ref().filter(|_| !works);
        let dissolved = dissolved.filter(|date| in_order(row.founded_on.as_deref(), Some(date.as_str())));
        fill("dissolvedOn", &mut row.dissolved_on, dissolved, &mut filled);
        fill("employeeCount", &mut row.employee_count, other.employee_count.as_ref(), &mut filled);
        fill("studentCount", &mut row.student_count, other.student_count.as_ref(), &mut filled);
        if row.status == name_of(OrganizationStatus::Unknown) {
            row.status.clone_from(&other.status);
        }
        let mut names: Vec<String> = other.other_names.read()?;
        names.splice(0..0, std::iter::once(other.name.clone()).chain(other.acronym.clone()));
        names.retain(|name| *name != row.name && Some(name) != row.acronym.as_ref());
        union_of("otherNames", &mut row.other_names, names, |one, other| one == other, problems)?;
        let mut kinds: Vec<String> = other.other_kinds.read()?;
        kinds.insert(0, other.kind.clone());
        kinds.retain(|kind| *kind != row.kind);
        union_of("otherKinds", &mut row.other_kinds, kinds, |one, other| one == other, problems)?;
        unite::<String>("servedRegions", &mut row.served_regions, &other.served_regions, problems)?;
        unite::<String>("languages", &mut row.languages, &other.languages, problems)?;
        unite::<String>("sectors", &mut row.sectors, &other.sectors, problems)?;
        unite::<Identifier>("identifiers", &mut row.identifiers, &other.identifiers, problems)?;
        unite::<Uuid>("memberOf", &mut row.member_of, &other.member_of, problems)?;
        unite::<serde_json::Value>("sources", &mut row.sources, &other.sources, problems)?;
        unite_texts("descriptions", &mut row.descriptions, &other.descriptions, problems)?;
        unite_claims(&mut row.claims, other.claims.read()?, &filled, problems)?;
        let mut clusters: Vec<Uuid> = row.member_of.read()?;
        clusters.retain(|cluster| *cluster != row.id && *cluster != other.id);
        row.member_of = JsonText::of(&clusters);
        // The survivor may have been continued by the duplicate, or the other way round.
        let own = row.successor_id.filter(|successor| *successor != other.id);
        let others = other.successor_id.filter(|successor| *successor != row.id);
        if row.successor_id == Some(other.id) && row.status == name_of(OrganizationStatus::Merged) {
            row.status.clone_from(&other.status);
        }
        row.successor_id = own.or(others);
        let place: Option<Address> = row.address.as_ref().map(JsonText::read).transpose()?;
        derive(row, place.as_ref());
        Ok(())
    }

    async fn hand_over(
        written: &mut Rewritten<'_, '_>,
        pair: Pair,
        survivor: &mut Model,
    ) -> Result<(), DomainError> {
        affiliation::merging::move_to(written, Side::Organization, pair, false).await?;
        partnership::merging::move_to(written, pair).await?;
        call_for_projects::merging::move_to(written, pair).await?;
        application::merging::move_to(written, pair).await?;
        event::merging::move_to(written, RecordType::Organization, pair).await?;
        relatives(written, pair, survivor).await?;
        belonging(written, pair).await?;
        // Proposals for the duplicate become proposals for the survivor; where their fields differ, they conflict.
        written.execute("UPDATE proposal SET organization_id = $1 WHERE organization_id = $2", pair).await?;
        // Those who come to an event for the duplicate come for the survivor.
        let sql = "UPDATE event_registration SET organization_id = $1 WHERE organization_id = $2";
        written.execute(sql, pair).await
    }
}

/// Lets organizations that the duplicate continues, or that are members of it, say so of the survivor.
async fn relatives(
    written: &mut Rewritten<'_, '_>,
    pair: Pair,
    survivor: &mut Model,
) -> Result<(), DomainError> {
    let batch = written.batch;
    let mut found = written
        .ids(&[pair.duplicate], |keys, join| {
            format!("SELECT k.n, o.id FROM {keys} {join} organization AS o ON o.successor_id = k.id")
        })
        .await?;
    found.extend(
        written
            .ids(&[pair.duplicate], |keys, join| {
                format!("SELECT k.n, m.member_id FROM {keys} {join} organization_member AS m ON m.organization_id = k.id")
            })
            .await?,
    );
    found.retain(|id| *id != pair.survivor && *id != pair.duplicate);
    let found: Vec<Uuid> = found.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    // Locked before they are read, so that no concurrent write to them is lost.
    lock_ids(batch, &found).await?;
    let rows: HashMap<Uuid, Model> = Model::load(batch, &found).await?;
    let before: BTreeSet<Uuid> =
        rows.values().filter(|row| row.successor_id == Some(pair.duplicate)).map(|row| row.id).collect();
    let chain = succession::chain(batch, survivor.successor_id).await?;
    if chain.iter().any(|id| before.contains(id)) {
        written.problems.add(Problem::beside("duplicate", FilledMessage::new(&messages::SUCCESSOR_CYCLE)));
        return Ok(());
    }
    if chain.contains(&pair.survivor) {
        // It came from the duplicate, and would lead back.
        survivor.successor_id = None;
    }
    let mut changed = Vec::new();
    for (_, had) in rows {
        let mut row = had.clone();
        if row.successor_id == Some(pair.duplicate) {
            row.successor_id = Some(pair.survivor);
        }
        let clusters: Vec<Uuid> = row.member_of.read()?;
        if clusters.contains(&pair.duplicate) {
            let mut now: Vec<Uuid> = Vec::new();
            for cluster in clusters {
                let cluster = if cluster == pair.duplicate { pair.survivor } else { cluster };
                if !now.contains(&cluster) {
                    now.push(cluster);
                }
            }
            row.member_of = JsonText::of(&now);
        }
        if row != had {
            changed.push((row, had));
        }
    }
    written.save::<Organizations>(changed, Action::Update).await
}

/// Lets the accounts that belong to the duplicate belong to the survivor.
async fn belonging(written: &mut Rewritten<'_, '_>, pair: Pair) -> Result<(), DomainError> {
    let batch = written.batch;
    let backend = batch.dialect.backend();
    let sql = "SELECT account_id FROM account_organization WHERE organization_id = $1";
    let statement = Statement::from_sql_and_values(backend, sql, [pair.duplicate.into()]);
    for row in batch.tx.query_all_raw(statement).await? {
        written.accounts.push(row.try_get_by_index(0)?);
    }
    let sql = "INSERT INTO account_organization (account_id, organization_id) \
               SELECT account_id, $1 FROM account_organization WHERE organization_id = $2 ON CONFLICT DO NOTHING";
    let sql =
        if backend == sea_orm::DbBackend::Postgres { sql.replace("$1", "$1::uuid") } else { sql.to_owned() };
    written.execute(&sql, pair).await?;
    let sql = "DELETE FROM account_organization WHERE organization_id = $2 AND organization_id <> $1";
    written.execute(sql, pair).await?;
    // Invitations to the duplicate become invitations to the survivor.
    written.execute("UPDATE invitation SET organization_id = $1 WHERE organization_id = $2", pair).await
}
