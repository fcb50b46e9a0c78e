//! SQL of who was shown how a person can be reached.

use sea_orm::{ConnectionTrait, Statement};
use uuid::Uuid;

use super::ContactRead;
use kernel::error::DomainError;
use kernel::list::{Fetch, List, Order};
use kernel::name_of;
use kernel::read::{Dialect, KeyColumns, KeyType, KeyValue, KeyedStatement, Row};
use kernel::reader::ShownContact;
use kernel::value::DateTime;
use records::audit::ActorKind;
use records::handle::Core;

/// Writes a batch in one statement. Of people who are not there any more nothing is noted.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn insert(core: &Core, batch: &[(ContactRead, ShownContact)]) -> Result<(), DomainError> {
    let dialect = core.db.dialect();
    let keys = KeyColumns::new(&[
        ("id", KeyType::Id),
        ("talent_id", KeyType::Id),
        ("at", KeyType::Int),
        ("reader", KeyType::Text),
        ("reader_id", KeyType::Id),
        ("email", KeyType::Int),
        ("phone", KeyType::Int),
    ]);
    let greater = |column: &str| {
        format!(
            "CASE WHEN excluded.{column} > contact_read.{column} THEN excluded.{column} ELSE contact_read.{column} END"
        )
    };
    // Nobody is erased while it is noted who was shown how to reach them.
    let keep = if dialect == Dialect::Postgres { "FOR KEY SHARE OF t" } else { "" };
    let sql = format!(
        "INSERT INTO contact_read (id, talent_id, at, reader, reader_id, email, phone) \
         SELECT k.id, k.talent_id, k.at, k.reader, k.reader_id, k.email, k.phone FROM {} \
         {} talent AS t ON t.id = k.talent_id WHERE TRUE {keep} \
         ON CONFLICT (talent_id, at, reader_id) DO UPDATE SET email = {}, phone = {}",
        keys.source(dialect),
        dialect.join(),
        greater("email"),
        greater("phone"),
    );
    let rows = batch.iter().map(|(read, shown)| {
        vec![
            KeyValue::Id(core.new_id()),
            KeyValue::Id(read.talent),
            KeyValue::Int(read.minute),
            KeyValue::Text(name_of(read.reader()).to_owned()),
            KeyValue::Id(read.by),
            KeyValue::Int(shown.email.into()),
            KeyValue::Int(shown.phone.into()),
        ]
    });
    KeyedStatement { sql, keys }.execute(core.db.writer(), dialect, rows.collect()).await.map(|_| ())
}

/// One who was shown how to reach a person, in an answer.
#[derive(Clone, Debug)]
pub struct Noted {
    /// In which minute.
    pub at: DateTime,
    /// The kind of reader.
    pub reader: ActorKind,
    /// The name of the account or key; nothing once it is gone.
    pub name: Option<String>,
    /// The fields that were shown.
    pub shown: ShownContact,
}

/// The list of those who were shown how to reach a talent, the newest first.
pub fn list() -> List {
    List {
        name: "contactReads",
        parent: Some("talent_id"),
        table: "contact_read",
        from: "contact_read AS c".into(),
        id: "c.id".into(),
        order: Order {
            name: "NEWEST",
            inner: "c.at".into(),
            outer: "r.at".into(),
            key_type: KeyType::Int,
            descending: true,
        },
        keys: KeyColumns::new(&[("talent_id", KeyType::Id)]),
        conditions: vec!["c.talent_id = k.talent_id".into()],
        second: None,
    }
}

/// The columns and joins of an entry `r`.
pub fn fetch() -> Fetch {
    Fetch {
        columns: "r.at, r.reader, COALESCE(a.display_name, y.name), r.email, r.phone".into(),
        joins: "LEFT JOIN account AS a ON a.id = r.reader_id LEFT JOIN api_key AS y ON y.id = r.reader_id"
            .into(),
    }
}

/// Reads what [`fetch`] selects.
///
/// # Errors
/// [`DomainError::Database`] or [`DomainError::Stored`].
pub fn read(row: &mut Row) -> Result<Noted, DomainError> {
    let (at, reader, name) = (DateTime::from_micros(row.get()?), row.name()?, row.get()?);
    let mut flag = || Ok::<_, DomainError>(row.get::<i16>()? != 0);
    Ok(Noted { at, reader, name, shown: ShownContact { email: flag()?, phone: flag()? } })
}

/// Forgets what an account has read: for one that is erased.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn forget_reader(
    on: &impl ConnectionTrait,
    dialect: Dialect,
    account: Uuid,
) -> Result<(), DomainError> {
    let sql = "DELETE FROM contact_read WHERE reader_id = $1";
    on.execute_raw(Statement::from_sql_and_values(dialect.backend(), sql, [account.into()])).await?;
    Ok(())
}
