//! SQL of the status of clients.

use std::sync::Arc;

use uuid::Uuid;

use super::StatusScope;
use kernel::RecordType;
use kernel::error::DomainError;
use kernel::list::{Conditions, Fetch, List, Order};
use kernel::read::{Database, Dialect, KeyColumns, KeyRow, KeyType, KeyValue, KeyedStatement, Row};
use kernel::value::DateTime;
use records::audit::ActorKind;
use records::changes::ChangeCursor;

/// Entries of the log that are counted at most.
pub(super) const MAX_COUNTED: i64 = 10_000;

/// A client with its position in the log.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) kind: ActorKind,
    pub(super) id: Uuid,
    pub(super) name: Option<String>,
    /// Slug of the region of a key.
    pub(super) region: Option<String>,
    pub(super) cursor: ChangeCursor,
    pub(super) acknowledged_at: DateTime,
    pub(super) seen_at: DateTime,
    pub(super) went_back_at: Option<DateTime>,
}

const COLUMNS: &str = "r.reader, r.reader_id, COALESCE(y.name, a.display_name), y.region, r.cursor, r.acknowledged_at, \
                       r.seen_at, r.went_back_at";

const JOINS: &str =
    "LEFT JOIN api_key AS y ON y.id = r.reader_id LEFT JOIN account AS a ON a.id = r.reader_id";

fn client(row: &mut Row) -> Result<Client, DomainError> {
    let (kind, id, name, region) = (row.name()?, row.get()?, row.get()?, row.get()?);
    let cursor = ChangeCursor::read(&row.get::<String>()?);
    let time = |micros: i64| DateTime::from_micros(micros);
    Ok(Client {
        kind,
        id,
        name,
        region,
        cursor: cursor.ok_or_else(|| DomainError::Stored("a client is at no position".into()))?,
        acknowledged_at: time(row.get()?),
        seen_at: time(row.get()?),
        went_back_at: row.get::<Option<i64>>()?.map(time),
    })
}

fn order() -> Order {
    Order {
        name: "FURTHEST_BEHIND",
        inner: "c.seq".into(),
        outer: "r.seq".into(),
        key_type: KeyType::Int,
        descending: false,
    }
}

/// Returns the list of the clients that a caller may see, the furthest behind first, and its row of keys.
pub(super) fn clients(dialect: Dialect, told: &StatusScope) -> (List, KeyRow) {
    let mut conditions = Conditions::new(dialect);
    if !told.all {
        conditions.bind("own", KeyValue::Id(told.own.unwrap_or_default()));
        let of_regions = "EXISTS (SELECT 1 FROM api_key AS y WHERE y.id = c.reader_id AND y.region = v.value) OR EXISTS \
                          (SELECT 1 FROM account_role AS g WHERE g.account_id = c.reader_id AND g.region = v.value) \
                          OR c.reader_id = k.own";
        if told.only_own() {
            conditions.push("c.reader_id = k.own");
        } else {
            conditions.any("regions", &told.regions, "", of_regions);
        }
    }
    if conditions.is_empty() {
        conditions.push("TRUE");
    }
    let (keys, row, conditions) = conditions.finish();
    let list = List {
        name: "syncClients",
        parent: None,
        table: "sync_client",
        from: "sync_client AS c".into(),
        id: "c.id".into(),
        order: order(),
        keys,
        conditions,
        second: None,
    };
    (list, row)
}

/// The columns and joins of a client.
pub(super) fn fetch() -> Fetch {
    Fetch { columns: COLUMNS.into(), joins: JOINS.into() }
}

/// Decodes a row of [`fetch`].
///
/// # Errors
/// [`DomainError::Database`] or [`DomainError::Stored`].
pub(super) fn read(row: &mut Row) -> Result<Client, DomainError> {
    client(row)
}

/// The distance of a position from the end of the log.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lag {
    /// The number of entries after it, [`MAX_COUNTED`] at most.
    pub(super) entries: i64,
    /// When the first of them was written.
    pub(super) since: Option<DateTime>,
}

/// Reads the distance of each of these numbers from the end of the log.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn lags(db: &Arc<Database>, numbers: &[i64]) -> Result<Vec<Lag>, DomainError> {
    let keys = KeyColumns::new(&[("seq", KeyType::Int)]);
    let sql = format!(
        "SELECT k.n, (SELECT COUNT(*) FROM (SELECT c.seq FROM change_log AS c WHERE c.seq > k.seq ORDER BY c.seq \
         LIMIT {MAX_COUNTED}) AS f), (SELECT c.at FROM change_log AS c WHERE c.seq > k.seq ORDER BY c.seq LIMIT 1) \
         FROM {}",
        keys.source(db.dialect()),
    );
    let rows = numbers.iter().map(|seq| vec![KeyValue::Int(*seq)]).collect();
    let mut lags = vec![Lag::default(); numbers.len()];
    for (position, mut row) in db.read(&KeyedStatement { sql, keys }, rows).await? {
        lags[position] =
            Lag { entries: row.get()?, since: row.get::<Option<i64>>()?.map(DateTime::from_micros) };
    }
    Ok(lags)
}

/// The SQL of the views that `record` was in when it was erased, each with the number of its entry of the erasure.
fn entries_of(record: &str) -> String {
    format!(
        "(SELECT v.region, v.visibility, v.last_seq AS seq FROM view_head AS v WHERE v.record_id = {record} \
         AND v.op <> 'UPSERT' UNION ALL SELECT w.region, w.visibility, w.seq FROM erasure_view AS w \
         WHERE w.record_id = {record})"
    )
}

/// The condition that a client follows the type in `of` and the view of the entry `e`.
fn follows(dialect: Dialect, client: &str, of: &str) -> String {
    let types = dialect.contains(&format!("{client}.types"), &format!("',' || {of} || ','"));
    let view = "',' || e.region || ':' || e.visibility || ','";
    format!("{types} AND {}", dialect.contains(&format!("{client}.views"), view))
}

/// The numbers of erased records that were not taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outstanding {
    pub(super) records: i64,
    /// Those of them that were erased before the time limit.
    pub(super) overdue: i64,
}

/// Counts the erased records that a client which has followed them has not taken yet, of the clients and records that
/// the caller may see; or that the index has not taken, which is at `indexed`. Erasures from before `due` are overdue.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn outstanding(
    db: &Arc<Database>,
    told: &StatusScope,
    indexed: i64,
    due: DateTime,
) -> Result<Outstanding, DomainError> {
    let dialect = db.dialect();
    let mut conditions = Conditions::new(dialect);
    // A caller who sees itself alone does not see the index either.
    let indexed = if told.only_own() { i64::MAX } else { indexed };
    conditions.bind("indexed", KeyValue::Int(indexed));
    conditions.bind("due", KeyValue::Int(due.micros()));
    conditions.bind("own", KeyValue::Id(told.own.unwrap_or_default()));
    if !told.all && !told.only_own() {
        conditions.one_of("regions", &told.regions, "e.region");
    }
    conditions.push(format!(
        "e.seq > k.indexed OR EXISTS (SELECT 1 FROM c WHERE c.reached < e.seq AND {})",
        follows(dialect, "c", "e.record_type"),
    ));
    let (keys, row, conditions) = conditions.finish();
    // Clients with the same scope are one group, whose last one counts: many clients have few different scopes.
    let clients = format!(
        "SELECT s.types, s.views, MIN(CASE WHEN s.seq > s.base THEN s.seq ELSE s.base END) AS reached \
         FROM sync_client AS s {} GROUP BY s.types, s.views",
        if told.only_own() { "WHERE s.reader_id = (SELECT k.own FROM k)" } else { "" },
    );
    // Only entries after the furthest behind of all can be outstanding: they are ranges of partial indexes.
    let last =
        "(SELECT MIN(b.reached) FROM (SELECT c.reached FROM c UNION ALL SELECT k.indexed FROM k) AS b)";
    let (source, join) = (keys.source(dialect), dialect.join());
    let ledger = format!("{join} erasure_ledger AS l ON l.record_id = v.record_id");
    let erased = format!(
        "SELECT v.record_id, v.region, v.visibility, v.last_seq AS seq, l.record_type, l.erased_at FROM view_head AS v \
         {ledger} WHERE v.op = 'ERASE' AND v.last_seq > {last} \
         UNION ALL SELECT v.record_id, v.region, v.visibility, v.seq, l.record_type, l.erased_at FROM erasure_view AS v \
         {ledger} WHERE v.seq > {last}"
    );
    let conditions: Vec<String> = conditions.iter().map(|condition| format!("({condition})")).collect();
    let sql = format!(
        "WITH k AS (SELECT * FROM {source}), c AS MATERIALIZED ({clients}), e AS ({erased}) \
         SELECT (SELECT k.n FROM k), COUNT(DISTINCT e.record_id), \
         COUNT(DISTINCT CASE WHEN e.erased_at < k.due THEN e.record_id END) FROM k CROSS JOIN e WHERE {}",
        conditions.join(" AND "),
    );
    let rows = db.read_alone(&KeyedStatement { sql, keys }, vec![row]).await?;
    let Some((_, mut row)) = rows.into_iter().next() else { return Ok(Outstanding::default()) };
    Ok(Outstanding { records: row.get()?, overdue: row.get()? })
}

/// A record that was erased.
#[derive(Clone, Debug)]
pub(super) struct Erased {
    pub(super) record_type: RecordType,
    pub(super) at: DateTime,
    /// The regions in whose views it was.
    pub(super) regions: Vec<String>,
    /// The number of the last entry of the erasure; `None` where its views are not known any more.
    pub(super) seq: Option<i64>,
}

/// Reads an erased record by its id.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn erased(db: &Arc<Database>, id: Uuid) -> Result<Option<Erased>, DomainError> {
    let keys = KeyColumns::new(&[("id", KeyType::Id)]);
    let (source, join) = (keys.source(db.dialect()), db.dialect().join());
    let ledger = format!(
        "SELECT k.n, l.record_type, l.erased_at FROM {source} {join} erasure_ledger AS l ON l.record_id = k.id"
    );
    let entries = format!(
        "SELECT k.n, v.region, v.last_seq FROM {source} {join} view_head AS v ON v.record_id = k.id \
         AND v.op <> 'UPSERT' UNION ALL SELECT k.n, w.region, w.seq FROM {} {join} erasure_view AS w \
         ON w.record_id = k.id",
        keys.source(db.dialect()),
    );
    let key = || vec![vec![KeyValue::Id(id)]];
    // Both are always read: the number of statements must not reveal whether there was an erasure.
    let found = db.read(&KeyedStatement { sql: ledger, keys: keys.clone() }, key()).await?;
    let entries = db.read(&KeyedStatement { sql: entries, keys }, key()).await?;
    let Some((_, mut row)) = found.into_iter().next() else { return Ok(None) };
    let (record_type, at) = (row.name()?, DateTime::from_micros(row.get()?));
    let (mut regions, mut seq): (Vec<String>, Option<i64>) = (Vec::new(), None);
    for (_, mut row) in entries {
        regions.push(row.get()?);
        seq = seq.max(Some(row.get()?));
    }
    regions.sort_unstable();
    regions.dedup();
    Ok(Some(Erased { record_type, at, regions, seq }))
}

/// Returns the list of the clients that follow a view in which an erased record was, the furthest behind first, and its
/// row of keys. [`fetch_recipients`] adds whether each has taken the erasure.
pub(super) fn recipients(dialect: Dialect, of: RecordType, id: Uuid) -> (List, KeyRow) {
    let keys = KeyColumns::new(&[("record", KeyType::Id), ("type", KeyType::Text)]);
    let condition = format!(
        "EXISTS (SELECT 1 FROM {} AS e WHERE {})",
        entries_of("k.record"),
        follows(dialect, "c", "k.type"),
    );
    let list = List {
        name: "erasureStatus",
        parent: Some("record"),
        table: "sync_client",
        from: "sync_client AS c".into(),
        id: "c.id".into(),
        order: order(),
        keys,
        conditions: vec![condition],
        second: None,
    };
    (list, vec![KeyValue::Id(id), KeyValue::Text(of.name().to_owned())])
}

/// The condition that a client has not taken the erasure of the record in the keys. A client that began after the
/// erasure never had the record.
fn lacks(dialect: Dialect, client: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM {} AS e WHERE e.seq > {client}.seq AND e.seq > {client}.base AND {})",
        entries_of("k.record"),
        follows(dialect, client, "k.type"),
    )
}

/// The columns and joins of the clients of [`recipients`], and whether each has taken the erasure.
pub(super) fn fetch_recipients(dialect: Dialect) -> Fetch {
    let lacks = lacks(dialect, "r");
    Fetch { columns: format!("{COLUMNS}, CASE WHEN {lacks} THEN 0 ELSE 1 END"), joins: JOINS.into() }
}

/// Decodes a row of [`fetch_recipients`]: a client, and whether it has taken the erasure.
///
/// # Errors
/// [`DomainError::Database`] or [`DomainError::Stored`].
pub(super) fn read_recipient(row: &mut Row) -> Result<(Client, bool), DomainError> {
    Ok((client(row)?, row.get::<i32>()? == 1))
}

/// Counts the clients that have not taken the erasure of a record.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn lacking(db: &Arc<Database>, of: RecordType, id: Uuid) -> Result<i64, DomainError> {
    let (list, row) = recipients(db.dialect(), of, id);
    let sql = format!(
        "SELECT k.n, (SELECT COUNT(*) FROM sync_client AS c WHERE {}) FROM {}",
        lacks(db.dialect(), "c"),
        list.keys.source(db.dialect()),
    );
    let rows = db.read(&KeyedStatement { sql, keys: list.keys }, vec![row]).await?;
    rows.into_iter().next().map_or(Ok(0), |(_, mut row)| row.get())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::policy::Visibility;
    use records::changes::acknowledged::view_entry;

    #[test]
    fn a_view_is_looked_for_as_it_is_kept() {
        let kept = view_entry("wallonie", Visibility::Private);
        assert_eq!(kept, "wallonie:2");
        let sql = follows(Dialect::Sqlite, "c", "k.type");
        assert!(sql.contains("e.region || ':' || e.visibility"), "{sql}");
    }
}
