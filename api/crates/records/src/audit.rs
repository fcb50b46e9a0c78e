//! The audit log: who did what to which record and when, without field values.
//!
//! [`record`] writes an entry in the transaction of the action itself. An entry holds ids and the names of changed
//! fields. An erasure has to remove only the account that acted ([`forget_account`]). Entries are kept for
//! [`KEPT_MONTHS`] months. `directory::history` reads them.

use std::sync::atomic::{AtomicU32, Ordering};

use async_graphql::Enum;
use sea_orm::{ConnectionTrait, EntityTrait};
use serde_json::Value;
use uuid::Uuid;

use kernel::error::DomainError;
use kernel::input::to_json;
use kernel::name_of;
use kernel::policy::Viewer;
use kernel::read::{Dialect, KeyColumns, KeyRow, KeyType, KeyValue, KeyedStatement};
use kernel::value::DateTime;
use kernel::{RecordType, id};

/// Number of months for which entries are kept.
pub const KEPT_MONTHS: u32 = 24;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum)]
#[graphql(name = "HistoryAction")]
pub enum Action {
    /// It was made.
    Create,
    /// It was changed, by itself or because of what it depends on.
    Update,
    /// It was deleted.
    Delete,
    /// It was erased, with all that was known of it.
    Erase,
    /// Its erasure was scheduled: until then it can be stopped.
    ScheduleErasure,
    /// Its scheduled erasure was stopped.
    StopErasure,
    /// A side or a party confirmed it.
    Confirm,
    /// A side or a party disputed or declined it.
    Dispute,
    /// A duplicate was merged into it.
    Merge,
    /// It was merged into another record, which answers for its id now.
    Merged,
    /// A member proposed a change of it.
    Propose,
    /// A proposal was taken back by its proposer.
    WithdrawProposal,
    /// A proposal was accepted, and is written with this revision.
    AcceptProposal,
    /// A proposal was refused.
    RefuseProposal,
    /// An account was given a role.
    GrantRole,
    /// A role was taken from an account.
    WithdrawRole,
    /// The password of an account was set.
    SetPassword,
    /// An API key was revoked.
    Revoke,
    /// The keys that sign access tokens were renewed.
    RotateKeys,
}

/// What kind of actor did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum)]
#[graphql(name = "HistoryActor")]
pub enum ActorKind {
    /// Somebody with an account.
    Account,
    /// A machine with an API key.
    ApiKey,
    /// A system that owns records, by an import or a push.
    Source,
    /// Whoever runs the command line of the program.
    CommandLine,
    /// The program itself, such as one of its jobs.
    Program,
    /// Somebody whose account was erased since.
    ErasedAccount,
}

/// The actor of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// See [`ActorKind::Account`].
    Account(Uuid),
    /// See [`ActorKind::ApiKey`].
    ApiKey(Uuid),
    /// See [`ActorKind::Source`].
    Source(String),
    /// See [`ActorKind::CommandLine`].
    CommandLine,
    /// See [`ActorKind::Program`].
    Program,
}

impl Actor {
    /// The actor of a viewer; [`Actor::Program`] where there is no account or key.
    pub fn of(viewer: Option<&Viewer>) -> Self {
        match viewer.and_then(|viewer| Some((viewer.account?, viewer.machine))) {
            Some((key, true)) => Self::ApiKey(key),
            Some((account, false)) => Self::Account(account),
            None => Self::Program,
        }
    }

    const fn kind(&self) -> ActorKind {
        match self {
            Self::Account(_) => ActorKind::Account,
            Self::ApiKey(_) => ActorKind::ApiKey,
            Self::Source(_) => ActorKind::Source,
            Self::CommandLine => ActorKind::CommandLine,
            Self::Program => ActorKind::Program,
        }
    }

    const fn id(&self) -> Option<Uuid> {
        match self {
            Self::Account(id) | Self::ApiKey(id) => Some(*id),
            Self::Source(_) | Self::CommandLine | Self::Program => None,
        }
    }
}

/// The object of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A record of the directory.
    Record(RecordType, Uuid),
    /// An account.
    Account(Uuid),
    /// An API key.
    ApiKey(Uuid),
    /// A system that owns records.
    Source(Uuid),
    /// An application to a call for projects.
    Application(Uuid),
    /// The keys that sign access tokens.
    SigningKeys,
}

impl Subject {
    /// The `record_type` of its entries, which is the prefix of its id.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Record(of, _) => of.prefix(),
            Self::Account(_) => "account",
            Self::ApiKey(_) => "api_key",
            Self::Source(_) => "source",
            Self::Application(_) => "application",
            Self::SigningKeys => "signing_keys",
        }
    }

    /// The id. There is one set of signing keys, so its id is derived from its name.
    fn id(self) -> Uuid {
        match self {
            Self::Record(_, id)
            | Self::Account(id)
            | Self::ApiKey(id)
            | Self::Source(id)
            | Self::Application(id) => id,
            Self::SigningKeys => id::of_vocabulary("audit", self.prefix()),
        }
    }
}

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The actor.
    pub actor: Actor,
    /// The action.
    pub action: Action,
    /// The object of the action.
    pub subject: Subject,
    /// Slug of the region that answers for the object, if any.
    pub region: Option<String>,
    /// The revision of the record that the action made, if any.
    pub revision: Option<i32>,
    /// The names of the fields that changed; never their values.
    pub fields: Vec<String>,
}

impl Entry {
    /// An entry without region, revision or fields.
    pub fn new(actor: Actor, action: Action, subject: Subject) -> Self {
        Self { actor, action, subject, region: None, revision: None, fields: Vec::new() }
    }

    fn into_row(self, now: DateTime) -> KeyRow {
        let (actor, subject) = (self.actor.id(), self.subject.id());
        vec![
            KeyValue::Id(next_id(now)),
            KeyValue::Int(now.micros()),
            KeyValue::Text(name_of(self.actor.kind()).to_owned()),
            KeyValue::Int(actor.is_some().into()),
            KeyValue::Id(actor.unwrap_or_default()),
            KeyValue::Text(if let Actor::Source(name) = self.actor { name } else { String::new() }),
            KeyValue::Text(name_of(self.action).to_owned()),
            KeyValue::Text(self.subject.prefix().to_owned()),
            KeyValue::Id(subject),
            KeyValue::Text(self.region.unwrap_or_default()),
            KeyValue::Int(self.revision.unwrap_or_default().into()),
            KeyValue::Text(to_json(&self.fields)),
        ]
    }
}

/// Counts the entries of this process, so that those of one instant keep their order.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// An id that is greater than those before it: UUID version 7 with a counter (RFC 9562 section 6.2).
fn next_id(now: DateTime) -> Uuid {
    let [_, high, middle, low] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    let mut rest: [u8; 10] = rand::random();
    // Version and variant take four bits of the first byte and two of the third: the counter, of 20 bits, goes around
    // them.
    rest[0] = high & 0x0f;
    rest[1] = middle;
    rest[2] = low >> 2;
    rest[3] = (low << 6) | (rest[3] & 0x3f);
    let millis = u64::try_from(now.micros() / 1000).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &rest).into_uuid()
}

/// Writes entries, in the transaction of their actions.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn record(
    on: &impl ConnectionTrait,
    dialect: Dialect,
    entries: Vec<Entry>,
    now: DateTime,
) -> Result<(), DomainError> {
    let keys = KeyColumns::new(&[
        ("id", KeyType::Id),
        ("at", KeyType::Int),
        ("actor", KeyType::Text),
        ("known", KeyType::Int),
        ("actor_id", KeyType::Id),
        ("source", KeyType::Text),
        ("action", KeyType::Text),
        ("record_type", KeyType::Text),
        ("record_id", KeyType::Id),
        ("region", KeyType::Text),
        ("revision", KeyType::Int),
        ("fields", KeyType::Text),
    ]);
    let sql = format!(
        "INSERT INTO audit (id, at, actor, actor_id, actor_source, action, record_type, record_id, listed_under, region, \
         revision, fields) SELECT k.id, k.at, k.actor, CASE WHEN k.known = 1 THEN k.actor_id END, NULLIF(k.source, ''), \
         k.action, k.record_type, k.record_id, k.record_id, k.region, NULLIF(k.revision, 0), k.fields FROM {}",
        keys.source(dialect),
    );
    let rows = entries.into_iter().map(|entry| entry.into_row(now)).collect();
    KeyedStatement { sql, keys }.execute(on, dialect, rows).await.map(|_| ())
}

/// The names of the fields that changed. For a new record, the fields that have a value.
pub fn changed(before: Option<&Value>, after: &Value) -> Vec<String> {
    let nothing = |value: &Value| {
        value.is_null() || value.as_array().is_some_and(Vec::is_empty) || value.as_str() == Some("")
    };
    let fields = after.as_object().into_iter().flatten();
    let mut names: Vec<String> = fields
        .filter(|(name, value)| match before {
            Some(before) => before.get(name.as_str()).unwrap_or(&Value::Null) != *value,
            None => !nothing(value),
        })
        .map(|(name, _)| name.clone())
        .collect();
    // Fields that are absent when empty, such as `disputedBy` of an affiliation.
    let before = before.and_then(Value::as_object).into_iter().flatten();
    names.extend(before.map(|(name, _)| name.clone()).filter(|name| after.get(name.as_str()).is_none()));
    names
}

/// Replaces an erased account by [`ActorKind::ErasedAccount`] in the entries of its actions, and deletes the entries
/// about the account.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn forget_account(
    on: &impl ConnectionTrait,
    dialect: Dialect,
    account: Uuid,
) -> Result<(), DomainError> {
    let erased = name_of(ActorKind::ErasedAccount);
    for sql in [
        format!(
            "UPDATE audit SET actor = '{erased}', actor_id = NULL WHERE actor_id = $1 AND actor = 'ACCOUNT'"
        ),
        "DELETE FROM audit WHERE listed_under = $1 AND record_type = 'account'".to_owned(),
    ] {
        on.execute_raw(sea_orm::Statement::from_sql_and_values(dialect.backend(), sql, [account.into()]))
            .await?;
    }
    Ok(())
}

/// Calls [`forget_account`] if the account does not exist, as after an erasure in this transaction.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn forget_if_gone(
    on: &impl ConnectionTrait,
    dialect: Dialect,
    account: Uuid,
) -> Result<(), DomainError> {
    match entity::account::Entity::find_by_id(account).one(on).await? {
        Some(_) => Ok(()),
        None => forget_account(on, dialect, account).await,
    }
}

/// Lists the entries of a duplicate in the history of the record that it was merged into.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn list_under(
    on: &impl ConnectionTrait,
    dialect: Dialect,
    duplicate: Uuid,
    survivor: Uuid,
) -> Result<(), DomainError> {
    let sql = "UPDATE audit SET listed_under = $1 WHERE listed_under = $2";
    let values = [survivor.into(), duplicate.into()];
    on.execute_raw(sea_orm::Statement::from_sql_and_values(dialect.backend(), sql, values)).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_told_and_no_values() {
        let before = json!({"name": "a", "email": null, "sectors": [], "disputedBy": "TALENT"});
        let after = json!({"name": "a", "email": "x@example.org", "sectors": []});
        assert_eq!(changed(Some(&before), &after), ["email", "disputedBy"]);
        assert_eq!(changed(None, &after), ["name", "email"]);
        assert_eq!(changed(Some(&after), &after), [""; 0]);
    }

    #[test]
    fn ids_of_one_instant_rise() {
        let now = DateTime::from_micros(1_800_000_000_000_000);
        let ids: Vec<Uuid> = (0..20_000).map(|_| next_id(now)).collect();
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
        // Other tests of this process may take numbers in between, and the counter wraps around after about a million
        // ids.
        let falls = ids.windows(2).filter(|pair| pair[0] >= pair[1]).count();
        assert!(falls <= 1, "{falls}");
    }

    proptest! {
        #[test]
        fn an_actor_is_what_the_viewer_is(account: Option<u128>, machine: bool) {
            let account = account.map(Uuid::from_u128);
            let viewer = Viewer { signed_in: true, account, machine, ..Viewer::default() };
            let expected = match (account, machine) {
                (Some(id), true) => Actor::ApiKey(id),
                (Some(id), false) => Actor::Account(id),
                (None, _) => Actor::Program,
            };
            prop_assert_eq!(Actor::of(Some(&viewer)), expected);
        }
    }
}
