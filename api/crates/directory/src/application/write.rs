//! SQL of applications within the transactions that write them, and how an input becomes a row.

use std::collections::HashMap;

use async_graphql::{ID, InputObject, MaybeUndefined};
use entity::application::{Entity, Model};
use entity::{
    application_decision, application_partner, call_for_projects, call_for_projects_contribution,
    call_for_projects_lot, call_for_projects_lot_funder,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, Statement,
};
use uuid::Uuid;

use super::rules::{Lot, Share, Spent, Terms};
use super::store::{self, SUM};
use super::{ApplicationStatus, PREFIX};
use crate::call_for_projects::CallForProjectsNode;
use crate::call_for_projects::lots::{MOST_MINUTES, above_zero};
use crate::partnership::write::MoneyInput;
use crate::talent::write::{LinkInput, links};
use kernel::error::DomainError;
use kernel::input::{Fields, MAX_NAME, MAX_TEXT};
use kernel::messages::FilledMessage;
use kernel::messages::{applications as messages, calls};
use kernel::node::Node as _;
use kernel::policy::Viewer;
use kernel::problem::Problem;
use kernel::read::{Dialect, KeyedStatement};
use kernel::value::{Currency, Decimal, Given, Money};
use kernel::vocabulary::{Vocabulary, vocabularies};
use kernel::{RecordType, name_of, value_of};
use records::write::{Batch, Reference, rows_of};

/// The applications that were submitted, as a table. What was submitted keeps its call from being deleted; a draft does not.
pub const SUBMITTED: &str = "(SELECT call_id FROM application WHERE submitted_at IS NOT NULL)";

/// An application, as it is written. An absent field keeps, null clears, a list replaces.
#[derive(Clone, Debug, Default, InputObject)]
pub struct ApplicationInput {
    /// Slug of the genre (`terms(vocabulary: CALL_GENRE)`), which names the lot. Needed when it is submitted.
    pub genre: MaybeUndefined<String>,
    /// Title of the project: 300 characters at most. Needed from the beginning.
    pub project_title: MaybeUndefined<String>,
    /// What the project is: 20,000 characters at most.
    pub summary: MaybeUndefined<String>,
    /// The organization that applies: by its id, its slug, or `source:externalId`. You are one of its members. Needed from
    /// the beginning.
    pub applicant: MaybeUndefined<ID>,
    /// Other organizations that make the project with it: by their ids, their slugs, or `source:externalId`.
    pub partners: MaybeUndefined<Vec<ID>>,
    /// The amount that is asked for, in the currency of the call. Needed when it is submitted.
    pub requested: MaybeUndefined<MoneyInput>,
    /// The budget of the whole project. Needed when it is submitted to a lot that limits the share of aid in it.
    pub project_budget: MaybeUndefined<MoneyInput>,
    /// Number of episodes of a series. Needed when it is submitted to a lot that limits it.
    pub episodes: MaybeUndefined<i32>,
    /// Minutes of one episode, or of the whole work. Needed when it is submitted to a lot that limits them.
    pub minutes: MaybeUndefined<Given<Decimal>>,
    /// Where its documents are: file, showreel. They stay where you keep them.
    pub links: MaybeUndefined<Vec<LinkInput>>,
}

impl ApplicationInput {
    /// The organizations that it names.
    pub(super) fn references(&self) -> Vec<Reference> {
        let partners = self.partners.as_opt_ref().flatten().into_iter().flatten();
        let named = self.applicant.as_opt_ref().flatten().into_iter().chain(partners);
        named.map(|id| Reference { to: RecordType::Organization, text: id.0.clone() }).collect()
    }
}

/// An application with its partners, as it is written.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Written {
    pub model: Model,
    /// The partners, in their order.
    pub partners: Vec<Uuid>,
}

impl Written {
    pub(super) fn status(&self) -> ApplicationStatus {
        value_of(&self.model.status).unwrap_or(ApplicationStatus::Draft)
    }

    /// The amount that it asks for.
    pub(super) fn requested(&self) -> Option<Money> {
        stored(self.model.requested_amount.as_deref(), self.model.requested_currency.as_deref())
    }

    /// The budget of its project.
    pub(super) fn budget(&self) -> Option<Money> {
        stored(self.model.budget_amount.as_deref(), self.model.budget_currency.as_deref())
    }

    /// Minutes of one episode.
    pub(super) fn minutes(&self) -> Option<Decimal> {
        self.model.minutes.as_deref().and_then(|text| text.parse().ok())
    }
}

fn stored(amount: Option<&str>, currency: Option<&str>) -> Option<Money> {
    let currency: Currency = currency?.parse().ok()?;
    Money::new(amount?.parse().ok()?, currency).ok()
}

/// Sets the fields of an application from an input, whose references are resolved.
pub(super) fn merge(
    batch: &Batch<'_>,
    written: &mut Written,
    input: &ApplicationInput,
    fields: &mut Fields<'_>,
) {
    let Written { model: row, partners } = written;
    let genre = vocabularies().terms(Vocabulary::CallGenre);
    let to = RecordType::Organization;
    fields.slug("genre", &input.genre, genre, &mut row.genre);
    fields.required_text("projectTitle", &input.project_title, MAX_NAME, &mut row.project_title);
    fields.text("summary", &input.summary, MAX_TEXT, &mut row.summary);
    match &input.applicant {
        MaybeUndefined::Undefined if !fields.new => {}
        MaybeUndefined::Undefined | MaybeUndefined::Null => {
            fields.problems.add(Problem::required("applicant"));
        }
        MaybeUndefined::Value(id) => {
            if let Some(found) = batch.resolved.find(to, &id.0, "applicant", fields.problems) {
                row.applicant_id = found;
            }
        }
    }
    match &input.partners {
        MaybeUndefined::Null => partners.clear(),
        MaybeUndefined::Value(list) if fields.fits("partners", list) => {
            let mut kept = Vec::new();
            for (place, id) in list.iter().enumerate() {
                let path = format!("partners.{place}");
                let found = batch.resolved.find(to, &id.0, &path, fields.problems);
                kept.extend(found.filter(|found| !kept.contains(found)));
            }
            *partners = kept;
        }
        MaybeUndefined::Undefined | MaybeUndefined::Value(_) => {}
    }
    if let Some(place) = partners.iter().position(|partner| *partner == row.applicant_id) {
        fields.problems.add(Problem::new(format!("partners.{place}"), &messages::PARTNER_APPLIES));
    }
    let into = (&mut row.requested_amount, &mut row.requested_currency);
    money("requested", &input.requested, into, fields);
    let into = (&mut row.budget_amount, &mut row.budget_currency);
    money("projectBudget", &input.project_budget, into, fields);
    let below_one =
        |path: &str| Problem::at(path, FilledMessage::new(&messages::BELOW_MINIMUM).with("least", "1"));
    if input.episodes.as_opt_ref().flatten().is_some_and(|number| *number < 1) {
        fields.problems.add(below_one("episodes"));
    } else {
        fields.set(&input.episodes, &mut row.episodes);
    }
    let minutes = input.minutes.as_opt_ref().flatten();
    let is_wrong = |number: &Decimal| *number <= Decimal::ZERO || *number > Decimal::from(MOST_MINUTES);
    if minutes.and_then(|given| given.value().ok()).is_some_and(is_wrong) {
        fields.problems.add(Problem::new("minutes", &calls::MINUTES_OUT_OF_RANGE));
    } else {
        fields.scalar("minutes", &input.minutes, &mut row.minutes);
    }
    links(&input.links, &mut row.links, fields);
}

/// Sets an amount.
fn money(
    path: &str,
    given: &MaybeUndefined<MoneyInput>,
    (into, currency): (&mut Option<String>, &mut Option<String>),
    fields: &mut Fields<'_>,
) {
    match given {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => (*into, *currency) = (None, None),
        MaybeUndefined::Value(given) => {
            if let (_, Some(money)) = above_zero(path, given, fields) {
                *into = Some(money.amount().to_string());
                *currency = Some(money.currency().to_string());
            }
        }
    }
}

/// The call of an application that the viewer sees; none where they see no such application.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn call_of(
    batch: &Batch<'_>,
    viewer: &Viewer,
    id: Uuid,
) -> Result<Option<Uuid>, DomainError> {
    let statement = KeyedStatement::by_id(batch.dialect, |keys, then| {
        format!(
            "SELECT k.n, r.call_id FROM {keys} {then} application AS r ON r.id = k.id \
             {then} call_for_projects AS c ON c.id = r.call_id WHERE {} AND {}",
            store::sees(viewer, batch.dialect, "r"),
            CallForProjectsNode::sees(viewer, batch.dialect, "c"),
        )
    });
    let rows = statement.query(batch.tx, batch.dialect, rows_of(&[id])).await?;
    rows.into_iter().next().map(|(_, mut row)| row.get()).transpose()
}

/// An application with its partners, locked until the end of the transaction. The lock of its call comes first.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn locked(batch: &Batch<'_>, id: Uuid) -> Result<Option<Written>, DomainError> {
    let Some(model) = Entity::find_by_id(id).lock_exclusive().one(batch.tx).await? else { return Ok(None) };
    let partners = application_partner::Entity::find()
        .filter(application_partner::Column::ApplicationId.eq(id))
        .order_by_asc(application_partner::Column::Position)
        .all(batch.tx)
        .await?;
    let partners = partners.into_iter().map(|partner| partner.organization_id).collect();
    Ok(Some(Written { model, partners }))
}

/// Writes an application that is new, or the columns of one that is there.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn save(
    batch: &Batch<'_>,
    written: &Written,
    before: Option<&Written>,
) -> Result<(), DomainError> {
    let row = written.model.clone().into_active_model().reset_all();
    if before.is_some() {
        row.update(batch.tx).await?;
    } else {
        Entity::insert(row).exec_without_returning(batch.tx).await?;
    }
    if before.is_none_or(|before| before.partners != written.partners) {
        set_partners(batch, written.model.id, &written.partners, before.is_some()).await?;
    }
    Ok(())
}

async fn set_partners(
    batch: &Batch<'_>,
    id: Uuid,
    partners: &[Uuid],
    replaces: bool,
) -> Result<(), DomainError> {
    if replaces {
        batch.delete_where("application_partner", "application_id", &[id]).await?;
    }
    let rows = partners.iter().zip(0..).map(|(organization_id, position)| application_partner::Model {
        application_id: id,
        organization_id: *organization_id,
        position,
    });
    batch.upsert::<application_partner::Entity, _>(rows.collect()).await
}

/// Deletes an application with its partners.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn delete(batch: &Batch<'_>, id: Uuid) -> Result<(), DomainError> {
    batch.delete_where("application_partner", "application_id", &[id]).await?;
    batch.delete_where("application", "id", &[id]).await
}

/// A call as its applications need it.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// Its row.
    pub model: call_for_projects::Model,
    /// What it gives and asks for.
    pub terms: Terms,
}

/// A call, whose lock the transaction holds; none where there is no such call.
///
/// # Errors
/// [`DomainError::Database`], [`DomainError::Stored`].
pub(super) async fn call(batch: &Batch<'_>, id: Uuid) -> Result<Option<Call>, DomainError> {
    let found = call_for_projects::Entity::find_by_id(id).one(batch.tx).await?;
    let Some(model) = found else { return Ok(None) };
    let terms = terms(batch, &model).await?;
    Ok(Some(Call { model, terms }))
}

fn decimal(text: &str) -> Result<Decimal, DomainError> {
    text.parse().map_err(|error: kernel::value::ValueError| DomainError::Stored(error.to_string()))
}

async fn terms(batch: &Batch<'_>, call: &call_for_projects::Model) -> Result<Terms, DomainError> {
    let contributions = call_for_projects_contribution::Entity::find()
        .filter(call_for_projects_contribution::Column::CallId.eq(call.id))
        .order_by_asc(call_for_projects_contribution::Column::Position)
        .all(batch.tx)
        .await?;
    let mut fund = Vec::new();
    for row in contributions.into_iter().filter(|row| row.confirmed) {
        let amount = decimal(&row.amount)?;
        fund.push(Share { funder: row.organization_id, region: row.region, amount });
    }
    let regions: HashMap<Uuid, String> =
        fund.iter().map(|share| (share.funder, share.region.clone())).collect();
    let rows = call_for_projects_lot::Entity::find()
        .filter(call_for_projects_lot::Column::CallId.eq(call.id))
        .order_by_asc(call_for_projects_lot::Column::Position)
        .all(batch.tx)
        .await?;
    let shares = call_for_projects_lot_funder::Entity::find()
        .filter(call_for_projects_lot_funder::Column::CallId.eq(call.id))
        .order_by_asc(call_for_projects_lot_funder::Column::Position)
        .all(batch.tx)
        .await?;
    let optional = |text: Option<&String>| text.map(|text| decimal(text)).transpose();
    let mut lots = Vec::with_capacity(rows.len());
    for row in rows {
        let mut funders = Vec::new();
        // A share counts where the contribution of the same organization does.
        for share in shares.iter().filter(|share| share.lot == row.position) {
            if let Some(region) = regions.get(&share.organization_id) {
                let amount = decimal(&share.amount)?;
                funders.push(Share { funder: share.organization_id, region: region.clone(), amount });
            }
        }
        lots.push(Lot {
            ceiling: optional(row.ceiling.as_ref())?,
            funders,
            episodes: (row.min_episodes, row.max_episodes),
            minutes: (optional(row.min_minutes.as_ref())?, optional(row.max_minutes.as_ref())?),
            max_aid_share: optional(row.max_aid_share.as_ref())?,
            eligible_regions: row.eligible_regions.read()?,
            genre: row.genre,
        });
    }
    Ok(Terms { currency: call.currency.as_deref().and_then(|code| code.parse().ok()), fund, lots })
}

/// What the funders of a call have awarded so far, by genre.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn spent(batch: &Batch<'_>, call: Uuid) -> Result<Vec<Spent>, DomainError> {
    let statement = KeyedStatement::by_id(batch.dialect, |keys, then| {
        format!(
            "SELECT k.n, d.genre, d.funder_id, {SUM} FROM {keys} \
             {then} application_decision AS d ON d.call_id = k.id AND d.status = 'AWARDED' \
             GROUP BY k.n, d.genre, d.funder_id"
        )
    });
    let rows = statement.query(batch.tx, batch.dialect, rows_of(&[call])).await?;
    rows.into_iter()
        .map(|(_, mut row)| {
            Ok(Spent { genre: row.get()?, funder: row.get()?, amount: store::sum(&mut row)? })
        })
        .collect()
}

/// The decisions on an application.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn decisions(
    batch: &Batch<'_>,
    application: Uuid,
) -> Result<Vec<application_decision::Model>, DomainError> {
    let of = application_decision::Column::ApplicationId.eq(application);
    Ok(application_decision::Entity::find().filter(of).all(batch.tx).await?)
}

/// Whether a funder has decided on an application.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn is_judged(batch: &Batch<'_>, application: Uuid) -> Result<bool, DomainError> {
    let of = application_decision::Column::ApplicationId.eq(application);
    Ok(application_decision::Entity::find().filter(of).count(batch.tx).await? > 0)
}

/// Adds a decision.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn add_decision(
    batch: &Batch<'_>,
    decision: application_decision::Model,
) -> Result<(), DomainError> {
    let row = decision.into_active_model().reset_all();
    application_decision::Entity::insert(row).exec_without_returning(batch.tx).await?;
    Ok(())
}

/// The regions of an organization: the one that answers for it, and that of its seat.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn regions(batch: &Batch<'_>, organization: Uuid) -> Result<Vec<String>, DomainError> {
    let found = entity::organization::Entity::find_by_id(organization).one(batch.tx).await?;
    Ok(found
        .map(|row| [Some(row.region), row.seat_region].into_iter().flatten().collect())
        .unwrap_or_default())
}

/// Those of these calls of which every application that was submitted is decided, and one was at least, each with the time
/// of its last award. Applications that were taken back do not count.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn standing(batch: &Batch<'_>, calls: &[Uuid]) -> Result<HashMap<Uuid, Option<i64>>, DomainError> {
    let in_state = |states: [ApplicationStatus; 2]| {
        let [one, other] = states.map(name_of);
        format!(
            "EXISTS (SELECT 1 FROM application AS a WHERE a.call_id = k.id AND a.status IN ('{one}', '{other}'))"
        )
    };
    let statement = KeyedStatement::by_id(batch.dialect, |keys, _| {
        format!(
            "SELECT k.n, (SELECT MAX(d.decided_at) FROM application_decision AS d WHERE d.call_id = k.id \
             AND d.status = 'AWARDED') FROM {keys} WHERE {} AND NOT {}",
            in_state([ApplicationStatus::Awarded, ApplicationStatus::Rejected]),
            in_state([ApplicationStatus::Submitted, ApplicationStatus::Shortlisted]),
        )
    });
    let rows = statement.query(batch.tx, batch.dialect, rows_of(calls)).await?;
    rows.into_iter().map(|(position, mut row)| Ok((calls[position], row.get()?))).collect()
}

/// Deletes the applications to calls that are deleted, none of which was submitted.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn delete_of_calls(batch: &Batch<'_>, calls: &[Uuid]) -> Result<(), DomainError> {
    batch
        .for_ids(calls, |keys| {
            format!(
                "DELETE FROM application_partner WHERE application_id IN \
                 (SELECT a.id FROM application AS a WHERE a.call_id IN (SELECT k.id FROM {keys}))"
            )
        })
        .await?;
    batch.delete_where("application", "call_id", calls).await?;
    batch.delete_where("application_reminder", "call_id", calls).await
}

/// Forgets the account in the applications that it has made and the decisions that it has taken: for an account that is
/// erased. They belong to the organizations, and stay.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn forget_account(
    on: &impl ConnectionTrait,
    dialect: Dialect,
    account: Uuid,
) -> Result<(), DomainError> {
    for sql in [
        "UPDATE application SET written_by = NULL WHERE written_by = $1",
        "UPDATE application_decision SET decided_by = NULL WHERE decided_by = $1",
    ] {
        on.execute_raw(Statement::from_sql_and_values(dialect.backend(), sql, [account.into()])).await?;
    }
    Ok(())
}

/// The id of an application as clients see it.
pub(super) fn shown_id(id: Uuid) -> String {
    kernel::id::encode(PREFIX, id)
}
