//! Idempotency keys: a request that is repeated with its key gets the first result for a week.
//!
//! The row of a key is written in the transaction of its record, before anything else. Concurrent requests with the
//! same key wait for the first to commit, and then find its row. A refused request leaves no row.

use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::handle::Core;
use kernel::error::DomainError;
use kernel::policy::Viewer;
use kernel::read::Dialect;

/// Maximum characters of a key.
pub const MAX_KEY: usize = 255;
/// Lifetime of a key, in microseconds: a week.
const KEPT: i64 = 7 * 24 * 60 * 60 * 1_000_000;
/// Maximum expired keys that are deleted with each new one.
const SWEPT: u32 = 10;

/// A key and the request that came with it, as hashes: neither can be read from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    key: Vec<u8>,
    request: Vec<u8>,
}

impl IdempotencyKey {
    /// The hash of caller and key.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// The key of this caller for a mutation with this input, which is compared as canonical JSON (RFC 8785).
    ///
    /// # Errors
    /// [`DomainError::Stored`] where the input is no JSON.
    pub fn new(
        viewer: &Viewer,
        key: &str,
        mutation: &str,
        input: &serde_json::Value,
    ) -> Result<Self, DomainError> {
        let caller = viewer.account.unwrap_or_default();
        let hashed = Sha256::new().chain_update(caller.as_bytes()).chain_update(key).finalize();
        // Only the sender knows the key, so others cannot guess the input by its hash.
        let request = Sha256::new().chain_update(hashed).chain_update(key).chain_update(mutation);
        let request = request.chain_update([0]).chain_update(serde_json_canonicalizer::to_vec(input)?);
        // The stored hash of the key does not reveal the hash that is part of the request's.
        let key = Sha256::new().chain_update(b"key").chain_update(hashed).finalize();
        Ok(Self { key: key.to_vec(), request: request.finalize().to_vec() })
    }
}

/// The result of looking up a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// The key is new.
    First,
    /// The same request was made before: the id of its record, and the stored outcome of a batch.
    Again(Uuid, Option<String>),
    /// The key was used for another request.
    Other,
}

/// Claims a key for this record, unless the key was used before.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn claim(
    core: &Core,
    tx: &DatabaseTransaction,
    once: &IdempotencyKey,
    record_id: Uuid,
) -> Result<KeyState, DomainError> {
    let (dialect, now) = (core.db.dialect(), core.clock.now().micros());
    let backend = dialect.backend();
    // Concurrent sweeps take other rows.
    let lock = if dialect == Dialect::Postgres { "FOR UPDATE SKIP LOCKED" } else { "" };
    let sweep = format!(
        "DELETE FROM idempotency WHERE key_hash IN (SELECT key_hash FROM idempotency WHERE expires_at <= $1 \
         ORDER BY expires_at LIMIT {SWEPT} {lock})"
    );
    tx.execute_raw(Statement::from_sql_and_values(backend, sweep, [now.into()])).await?;
    let insert = "INSERT INTO idempotency (key_hash, request_hash, record_id, expires_at) VALUES ($1, $2, $3, $4) \
                  ON CONFLICT (key_hash) DO UPDATE SET request_hash = excluded.request_hash, \
                  record_id = excluded.record_id, expires_at = excluded.expires_at, outcome = NULL \
                  WHERE idempotency.expires_at <= $5";
    let values = [
        once.key.clone().into(),
        once.request.clone().into(),
        record_id.into(),
        (now + KEPT).into(),
        now.into(),
    ];
    let inserted = tx.execute_raw(Statement::from_sql_and_values(backend, insert, values)).await?;
    if inserted.rows_affected() > 0 {
        return Ok(KeyState::First);
    }
    let found = look(tx, dialect, once, 0).await?;
    found.ok_or_else(|| DomainError::Stored("a key was there and is not".into()))
}

/// Looks up a key that is valid at the time `now`; none where it is free.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn look(
    on: &impl ConnectionTrait,
    dialect: Dialect,
    once: &IdempotencyKey,
    now: i64,
) -> Result<Option<KeyState>, DomainError> {
    let select =
        "SELECT request_hash, record_id, outcome FROM idempotency WHERE key_hash = $1 AND expires_at > $2";
    let found =
        Statement::from_sql_and_values(dialect.backend(), select, [once.key.clone().into(), now.into()]);
    let Some(row) = on.query_one_raw(found).await? else { return Ok(None) };
    let request: Vec<u8> = row.try_get_by_index(0)?;
    if request != once.request {
        return Ok(Some(KeyState::Other));
    }
    Ok(Some(KeyState::Again(row.try_get_by_index(1)?, row.try_get_by_index(2)?)))
}

/// Stores the outcome of a batch with its key, which this transaction has claimed.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn keep(
    tx: &DatabaseTransaction,
    dialect: Dialect,
    once: &IdempotencyKey,
    outcome: String,
) -> Result<(), DomainError> {
    let update = "UPDATE idempotency SET outcome = $1 WHERE key_hash = $2";
    let values = [outcome.into(), once.key.clone().into()];
    tx.execute_raw(Statement::from_sql_and_values(dialect.backend(), update, values)).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_is_the_caller_s_own_and_goes_with_one_request() {
        let caller = |id| Viewer { account: Some(Uuid::from_u128(id)), ..Viewer::default() };
        let one = |viewer: &Viewer, key, mutation, input| {
            IdempotencyKey::new(viewer, key, mutation, &input).unwrap()
        };
        let first = one(&caller(1), "k", "createTalent", json!({"a": 1, "b": "é"}));
        assert_eq!(first, one(&caller(1), "k", "createTalent", json!({"b": "é", "a": 1.0})));
        let other = one(&caller(1), "k", "createTalent", json!({"a": 2, "b": "é"}));
        assert!(other.key == first.key && other.request != first.request);
        let other = one(&caller(1), "k", "createOrganization", json!({"a": 1, "b": "é"}));
        assert!(other.key == first.key && other.request != first.request);
        assert_ne!(one(&caller(2), "k", "createTalent", json!({})).key, first.key);
        assert_ne!(one(&caller(1), "l", "createTalent", json!({})).key, first.key);
    }
}
