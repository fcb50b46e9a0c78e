//! SQL of the export: keyed reads of one account and one profile.

use serde_json::{Value, json};
use uuid::Uuid;

use directory::affiliation::AssertedBy;
use directory::event::session::PREFIX;
use identity::account::{Account, email_key};
use kernel::error::DomainError;
use kernel::policy::Visibility;
use kernel::read::keyed::hex;
use kernel::read::{KeyColumns, KeyValue, KeyedStatement, Row};
use kernel::reader::Reader;
use kernel::value::DateTime;
use kernel::{id, name_of};

/// Reads the rows of a statement that is keyed by one id. `rest` follows the keys in FROM.
async fn rows<T>(
    reader: &Reader,
    key: Uuid,
    columns: &str,
    rest: &str,
    read: impl Fn(Row) -> Result<T, DomainError>,
) -> Result<Vec<T>, DomainError> {
    rows_by(reader, KeyValue::Id(key), columns, rest, read).await
}

/// Reads the rows of a statement that is keyed by one value of any type, in the key column `id`.
async fn rows_by<T>(
    reader: &Reader,
    key: KeyValue,
    columns: &str,
    rest: &str,
    read: impl Fn(Row) -> Result<T, DomainError>,
) -> Result<Vec<T>, DomainError> {
    let keys = KeyColumns::new(&[("id", key.key_type())]);
    let (source, join) = (keys.source(reader.dialect()), reader.dialect().join());
    let sql = format!("SELECT k.n, {columns} FROM {source} {join} {rest}");
    let found = reader.db.read(&KeyedStatement { sql, keys }, vec![vec![key]]).await?;
    found.into_iter().map(|(_, row)| read(row)).collect()
}

fn time(row: &mut Row) -> Result<DateTime, DomainError> {
    Ok(DateTime::from_micros(row.get()?))
}

fn time_if_any(row: &mut Row) -> Result<Option<DateTime>, DomainError> {
    Ok(row.get::<Option<i64>>()?.map(DateTime::from_micros))
}

/// The times at which the account was created and last changed.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn account_times(
    reader: &Reader,
    account: Uuid,
) -> Result<Option<(DateTime, DateTime)>, DomainError> {
    let found =
        rows(reader, account, "a.created_at, a.updated_at", "account AS a ON a.id = k.id", |mut row| {
            Ok((time(&mut row)?, time(&mut row)?))
        });
    Ok(found.await?.pop())
}

/// Whether the address of the account is proven: that of another issuer's account is what the issuer says.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn has_proven_address(reader: &Reader, account: &Account) -> Result<bool, DomainError> {
    let found =
        rows(reader, account.id, "a.email_key", "account AS a ON a.id = k.id", |mut row| row.get::<String>());
    Ok(found.await?.pop().is_some_and(|key| key == email_key(&account.email)))
}

/// The account's roles, each with its region and since when.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn roles(reader: &Reader, account: Uuid) -> Result<Vec<Value>, DomainError> {
    let rest = "account_role AS r ON r.account_id = k.id ORDER BY k.n, r.role, r.region";
    rows(reader, account, "r.role, r.region, r.granted_at", rest, |mut row| {
        let (role, region): (String, String) = (row.get()?, row.get()?);
        let region = Some(region).filter(|region| !region.is_empty());
        Ok(json!({"role": role, "region": region, "since": time(&mut row)?}))
    })
    .await
}

/// The times of the account's sessions, the latest first.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn sessions(reader: &Reader, account: Uuid) -> Result<Vec<Value>, DomainError> {
    let rest = "session AS s ON s.account_id = k.id ORDER BY k.n, s.refreshed_at DESC, s.id";
    rows(reader, account, "s.created_at, s.refreshed_at, s.expires_at", rest, |mut row| {
        let (began, refreshed, ends) = (time(&mut row)?, time(&mut row)?, time(&mut row)?);
        Ok(json!({"beganAt": began, "refreshedAt": refreshed, "expiresAt": ends}))
    })
    .await
}

/// The networks from which the account has signed in: hashes, with the times of the first and last sign-in.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn networks(reader: &Reader, account: Uuid) -> Result<Vec<Value>, DomainError> {
    let rest = "account_network AS a ON a.account_id = k.id ORDER BY k.n, a.last_at DESC, a.network_hash";
    rows(reader, account, "a.network_hash, a.first_at, a.last_at", rest, |mut row| {
        let hash: Vec<u8> = row.get()?;
        Ok(json!({"hash": hex(&hash), "firstSignIn": time(&mut row)?, "lastSignIn": time(&mut row)?}))
    })
    .await
}

/// The organizations that the account belongs to, as it sees them.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn organizations(reader: &Reader, account: Uuid) -> Result<Vec<Value>, DomainError> {
    let rest = format!(
        "account_organization AS m ON m.account_id = k.id LEFT JOIN organization AS o ON o.id = m.organization_id \
         AND {} ORDER BY k.n, m.organization_id",
        reader.viewer.sees_record(reader.dialect(), "o"),
    );
    rows(reader, account, "m.organization_id, o.name", &rest, |mut row| {
        Ok(json!({"id": id::encode("organization", row.get()?), "name": row.get::<Option<String>>()?}))
    })
    .await
}

/// The API keys that the account has created, without their secrets.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn api_keys(reader: &Reader, account: Uuid) -> Result<Vec<Value>, DomainError> {
    let rest = "api_key AS a ON a.created_by = k.id ORDER BY k.n, a.created_at, a.id";
    let columns = "a.id, a.name, a.region, a.created_at, a.expires_at, a.revoked_at";
    rows(reader, account, columns, rest, |mut row| {
        Ok(json!({
            "id": id::encode("api_key", row.get()?), "name": row.get::<String>()?,
            "region": row.get::<String>()?, "createdAt": time(&mut row)?, "expiresAt": time(&mut row)?,
            "revokedAt": time_if_any(&mut row)?,
        }))
    })
    .await
}

/// The positions of the account in the change log.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn followed(reader: &Reader, account: Uuid) -> Result<Vec<Value>, DomainError> {
    let rest = "sync_client AS c ON c.reader_id = k.id ORDER BY k.n, c.id";
    rows(reader, account, "c.cursor, c.acknowledged_at, c.seen_at", rest, |mut row| {
        let cursor: String = row.get()?;
        Ok(json!({"cursor": cursor, "acknowledgedAt": time(&mut row)?, "lastSeenAt": time(&mut row)?}))
    })
    .await
}

/// The reads of the person's contact data: time, fields, and whether an account or an API key read them.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn contact_reads(reader: &Reader, talent: Uuid) -> Result<Vec<Value>, DomainError> {
    let rest = "contact_read AS c ON c.talent_id = k.id ORDER BY k.n, c.at, c.id";
    rows(reader, talent, "c.at, c.reader, c.email, c.phone", rest, |mut row| {
        let (at, by) = (time(&mut row)?, row.get::<String>()?);
        let (email, phone): (i16, i16) = (row.get()?, row.get()?);
        Ok(json!({"at": at, "reader": by, "email": email == 1, "phone": phone == 1}))
    })
    .await
}

/// The changes that the account has proposed.
///
/// # Errors
/// [`DomainError::Database`], [`DomainError::Stored`].
pub async fn proposals(reader: &Reader, account: Uuid) -> Result<Vec<Value>, DomainError> {
    let rest = "proposal AS p ON p.proposed_by = k.id ORDER BY k.n, p.proposed_at, p.id";
    let columns = "p.id, p.organization_id, p.state, p.change, p.comment, p.proposed_at, p.decided_at";
    rows(reader, account, columns, rest, |mut row| {
        Ok(json!({
            "id": id::encode("proposal", row.get()?), "organization": id::encode("organization", row.get()?),
            "state": row.get::<String>()?, "change": row.json::<Value>()?,
            "comment": row.get::<Option<String>>()?, "proposedAt": time(&mut row)?,
            "decidedAt": time_if_any(&mut row)?,
        }))
    })
    .await
}

/// The account's registrations for events.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn registrations(reader: &Reader, account: Uuid) -> Result<Vec<Value>, DomainError> {
    let rest = "event_registration AS g ON g.account_id = k.id ORDER BY k.n, g.registered_at, g.id";
    let columns = "g.id, g.event_id, g.status, g.registered_at, g.organization_id, g.message, g.listed";
    rows(reader, account, columns, rest, |mut row| {
        let (id, event): (Uuid, Uuid) = (row.get()?, row.get()?);
        let (status, registered_at): (String, DateTime) = (row.get()?, time(&mut row)?);
        let organization: Option<Uuid> = row.get()?;
        Ok(json!({
            "id": id::encode("event_registration", id), "event": id::encode("event", event), "status": status,
            "registeredAt": registered_at, "organization": organization.map(|id| id::encode("organization", id)),
            "message": row.get::<Option<String>>()?, "listed": row.get::<bool>()?,
        }))
    })
    .await
}

/// The applications that the account has made for its organizations.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn applications(reader: &Reader, account: Uuid) -> Result<Vec<Value>, DomainError> {
    let rest = "application AS p ON p.written_by = k.id ORDER BY k.n, p.created_at, p.id";
    let columns = "p.id, p.call_id, p.applicant_id, p.project_title, p.status, p.created_at, p.submitted_at";
    rows(reader, account, columns, rest, |mut row| {
        Ok(json!({
            "id": id::encode("application", row.get()?), "call": id::encode("call_for_projects", row.get()?),
            "applicant": id::encode("organization", row.get()?), "projectTitle": row.get::<String>()?,
            "status": row.get::<String>()?, "createdAt": time(&mut row)?, "submittedAt": time_if_any(&mut row)?,
        }))
    })
    .await
}

const NOTED: &str = "a.at, a.actor, a.action, a.record_type, a.record_id, a.fields";

fn noted(mut row: Row) -> Result<Value, DomainError> {
    let (at, actor, action) = (time(&mut row)?, row.get::<String>()?, row.get::<String>()?);
    let of: String = row.get()?;
    let subject = id::encode(&of, row.get()?);
    Ok(json!({"at": at, "actor": actor, "action": action, "id": subject, "fields": row.json::<Value>()?}))
}

/// The actions of the account in the history.
///
/// # Errors
/// [`DomainError::Database`], [`DomainError::Stored`].
pub async fn actions(reader: &Reader, account: Uuid) -> Result<Vec<Value>, DomainError> {
    let rest = "audit AS a ON a.actor_id = k.id ORDER BY k.n, a.id";
    rows(reader, account, NOTED, rest, noted).await
}

/// The actions on the profile in the history.
///
/// # Errors
/// [`DomainError::Database`], [`DomainError::Stored`].
pub async fn history(reader: &Reader, talent: Uuid) -> Result<Vec<Value>, DomainError> {
    let rest = "audit AS a ON a.listed_under = k.id AND a.record_type = 'talent' ORDER BY k.n, a.id";
    rows(reader, talent, NOTED, rest, noted).await
}

const INVITATION: &str = "i.region, i.roles, i.talent_id, i.created_at, i.expires_at";

fn invitation(mut row: Row) -> Result<Value, DomainError> {
    let (region, roles): (String, Value) = (row.get()?, row.json()?);
    let to_profile = row.get::<Option<Uuid>>()?.is_some();
    Ok(json!({
        "region": region, "roles": roles, "toProfile": to_profile, "createdAt": time(&mut row)?,
        "expiresAt": time(&mut row)?,
    }))
}

/// The invitations to a normalized e-mail address.
///
/// # Errors
/// [`DomainError::Database`], [`DomainError::Stored`].
pub async fn invitations_to(reader: &Reader, email_key: &str) -> Result<Vec<Value>, DomainError> {
    let rest = "invitation AS i ON i.email_key = k.id ORDER BY k.n, i.created_at, i.id";
    rows_by(reader, KeyValue::Text(email_key.to_owned()), INVITATION, rest, invitation).await
}

/// The invitations that the account has sent, without the addresses of others.
///
/// # Errors
/// [`DomainError::Database`], [`DomainError::Stored`].
pub async fn invitations_by(reader: &Reader, account: Uuid) -> Result<Vec<Value>, DomainError> {
    let rest = "invitation AS i ON i.invited_by = k.id ORDER BY k.n, i.created_at, i.id";
    rows(reader, account, INVITATION, rest, invitation).await
}

/// The times at which the profile was confirmed, its owner was warned, and it was hidden.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn upkeep(reader: &Reader, talent: Uuid) -> Result<Option<Value>, DomainError> {
    let columns = "u.confirmed_at, u.hiding_warned_at, u.hidden_at, u.erasure_warned_at";
    let found = rows(reader, talent, columns, "talent_upkeep AS u ON u.talent_id = k.id", |mut row| {
        Ok(json!({
            "confirmedAt": time_if_any(&mut row)?, "warnedOfHidingAt": time_if_any(&mut row)?,
            "hiddenAt": time_if_any(&mut row)?, "warnedOfErasureAt": time_if_any(&mut row)?,
        }))
    });
    Ok(found.await?.pop())
}

/// The scheduled erasure of the profile, if any.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn erasure(reader: &Reader, talent: Uuid) -> Result<Option<Value>, DomainError> {
    let columns = "s.requested_at, s.due_at, s.by_person";
    let found = rows(reader, talent, columns, "scheduled_erasure AS s ON s.talent_id = k.id", |mut row| {
        Ok(json!({
            "requestedAt": time(&mut row)?, "scheduledFor": time(&mut row)?,
            "requestedByYou": row.get::<bool>()?,
        }))
    });
    Ok(found.await?.pop())
}

/// Slugs under which the profile is found, the present one among them.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn slugs(reader: &Reader, talent: Uuid) -> Result<Vec<String>, DomainError> {
    let rest = "record_slug AS s ON s.record_type = 'TALENT' AND s.record_id = k.id ORDER BY k.n, s.slug";
    rows(reader, talent, "s.slug", rest, |mut row| row.get()).await
}

/// The events and sessions at which the person speaks. Events that they may not see are not named.
///
/// # Errors
/// [`DomainError::Database`], [`DomainError::Stored`].
pub async fn speaks_at(reader: &Reader, talent: Uuid) -> Result<Vec<Value>, DomainError> {
    let sees = reader.viewer.sees_record(reader.dialect(), "e");
    let named = |mut row: Row| {
        let (event, titles) = (row.get::<Option<Uuid>>()?, row.optional_json::<Value>()?);
        let (session, of_session) = (row.get::<Option<Uuid>>()?, row.optional_json::<Value>()?);
        let session = session.map(|id| json!({"id": id::encode(PREFIX, id), "titles": of_session}));
        let event = event.map(|id| json!({"id": id::encode("event", id), "titles": titles}));
        Ok(json!({"session": session.filter(|_| event.is_some()), "event": event}))
    };
    // Of the same types on both databases.
    let columns = "e.id, e.titles, CASE WHEN FALSE THEN e.id END, CASE WHEN FALSE THEN e.titles END";
    let rest = format!(
        "event_speaker AS s ON s.talent_id = k.id LEFT JOIN event AS e ON e.id = s.event_id AND {sees} ORDER BY k.n, s.event_id"
    );
    let mut all = rows(reader, talent, columns, &rest, named).await?;
    let columns = "e.id, e.titles, p.id, p.titles";
    let rest = format!(
        "event_session_speaker AS s ON s.talent_id = k.id LEFT JOIN event_session AS p ON p.id = s.session_id \
         LEFT JOIN event AS e ON e.id = s.event_id AND {sees} ORDER BY k.n, s.event_id, p.position"
    );
    all.extend(rows(reader, talent, columns, &rest, named).await?);
    Ok(all)
}

/// An affiliation of the profile.
#[derive(Clone, Debug)]
pub struct Affiliation {
    /// The affiliation as JSON.
    pub json: Value,
    /// The name of the organization, if the person may see it.
    pub organization: Option<String>,
    /// The role in the language of the record.
    pub role: Option<String>,
    /// Whether its last possible day has passed.
    pub ended: bool,
}

/// All affiliations of the profile, the latest first. An organization that the person may not see is left out.
///
/// # Errors
/// [`DomainError::Database`], [`DomainError::Stored`].
pub async fn affiliations(reader: &Reader, talent: Uuid) -> Result<Vec<Affiliation>, DomainError> {
    let columns = "a.id, a.visibility, a.created_at, a.updated_at, a.roles, a.occupation, a.starts_on, a.ends_on, \
                   a.ends_last, a.as_of, a.asserted_by, a.disputed_by, a.disputed_at, a.sources, s.source, \
                   s.external_id, o.id, o.name";
    let rest = format!(
        "affiliation AS a ON a.talent_id = k.id LEFT JOIN sync_record AS s ON s.record_id = a.id \
         LEFT JOIN organization AS o ON o.id = a.organization_id AND {} ORDER BY k.n, a.sort_on DESC, a.id DESC",
        reader.viewer.sees_record(reader.dialect(), "o"),
    );
    let today = reader.today.format("%Y-%m-%d").to_string();
    rows(reader, talent, columns, &rest, |mut row| {
        let row = &mut row;
        let (id, visibility): (Uuid, i16) = (row.get()?, row.get()?);
        let (created_at, updated_at) = (time(row)?, time(row)?);
        let roles: Value = row.json()?;
        let occupation: Option<String> = row.get()?;
        let (starts_on, ends_on, ends_last): (Option<String>, Option<String>, Option<String>) =
            (row.get()?, row.get()?, row.get()?);
        let as_of: Option<String> = row.get()?;
        let asserted_by: AssertedBy = row.name()?;
        let (disputed_by, disputed_at): (Option<String>, _) = (row.get()?, time_if_any(row)?);
        let sources: Value = row.json()?;
        let (source, external_id): (Option<String>, Option<String>) = (row.get()?, row.get()?);
        let (organization_id, organization): (Option<Uuid>, Option<String>) = (row.get()?, row.get()?);
        let role = roles.pointer("/0/text").and_then(Value::as_str).map(str::to_owned);
        let json = json!({
            "id": id::encode("affiliation", id),
            "visibility": name_of(Visibility::from_code(visibility)),
            "organization": organization_id.map(|id| json!({"id": id::encode("organization", id), "name": organization})),
            "roles": roles, "occupation": occupation, "startsOn": starts_on, "endsOn": ends_on, "asOf": as_of,
            "assertedBy": name_of(asserted_by), "disputedBy": disputed_by, "disputedAt": disputed_at,
            "sources": sources, "externalId": source.zip(external_id).map(|(source, id)| json!({"source": source, "id": id})),
            "createdAt": created_at, "updatedAt": updated_at,
        });
        let ended = ends_last.is_some_and(|last| last < today);
        Ok(Affiliation { json, organization, role, ended })
    })
    .await
}
