//! Keyed reads: statements that take arrays of keys and give back each key's position.
//!
//! A single read is an array of one. Everything that the keys share (limit, order, viewer's condition) is part of the
//! text, so that reads of one text can be batched (see [`super::batch`]).

use sea_orm::sea_query::ArrayType;
use sea_orm::{ConnectionTrait, QueryResult, Statement, TryGetable, Value};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::database::Dialect;
use crate::error::DomainError;
use crate::value::DateTime;

/// The type of a key column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// An id.
    Id,
    /// A text, a slug, a partial date, or a JSON list.
    Text,
    /// A binary sort key.
    Bytes,
    /// A whole number, or a time in microseconds.
    Int,
    /// A floating-point number.
    Float,
}

/// A value of a key column.
#[derive(Clone, Debug, PartialEq)]
pub enum KeyValue {
    /// See [`KeyType::Id`].
    Id(Uuid),
    /// See [`KeyType::Text`].
    Text(String),
    /// See [`KeyType::Bytes`].
    Bytes(Vec<u8>),
    /// See [`KeyType::Int`].
    Int(i64),
    /// See [`KeyType::Float`].
    Float(f64),
}

impl KeyValue {
    /// The type of this value.
    pub fn key_type(&self) -> KeyType {
        match self {
            Self::Id(_) => KeyType::Id,
            Self::Text(_) => KeyType::Text,
            Self::Bytes(_) => KeyType::Bytes,
            Self::Int(_) => KeyType::Int,
            Self::Float(_) => KeyType::Float,
        }
    }

    fn into_value(self) -> Value {
        match self {
            Self::Id(id) => id.into(),
            Self::Text(text) => text.into(),
            Self::Bytes(bytes) => bytes.into(),
            Self::Int(number) => number.into(),
            Self::Float(number) => number.into(),
        }
    }

    /// Writes it as JSON: ids and bytes as hexadecimal digits.
    fn write_json(&self, into: &mut Vec<u8>) {
        let written = match self {
            Self::Id(id) => {
                let mut digits = [0; uuid::fmt::Simple::LENGTH];
                serde_json::to_writer(into, id.simple().encode_lower(&mut digits))
            }
            Self::Text(text) => serde_json::to_writer(into, text),
            Self::Bytes(bytes) => serde_json::to_writer(into, &hex(bytes)),
            Self::Int(number) => serde_json::to_writer(into, number),
            Self::Float(number) => serde_json::to_writer(into, number),
        };
        debug_assert!(written.is_ok(), "texts and numbers are JSON, and memory takes them");
    }
}

/// The bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// One row of keys: those of one reader, or of one parent.
pub type KeyRow = Vec<KeyValue>;

/// The names and types of key columns, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyColumns(Vec<(String, KeyType)>);

impl KeyColumns {
    /// Columns of these names and types.
    pub fn new(columns: &[(&str, KeyType)]) -> Self {
        Self(columns.iter().map(|(name, key_type)| ((*name).to_owned(), *key_type)).collect())
    }

    /// The position of a column.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|(column, _)| column == name)
    }

    /// Adds a column at the end.
    pub fn push(&mut self, name: &str, key_type: KeyType) {
        self.0.push((name.to_owned(), key_type));
    }

    /// The table expression `k` that holds the keys, with their position, from 1, in `k.n`.
    pub fn source(&self, dialect: Dialect) -> String {
        match dialect {
            Dialect::Postgres => {
                let arrays = self.0.iter().enumerate().map(|(i, (_, key_type))| {
                    let name = match key_type {
                        KeyType::Id => "uuid",
                        KeyType::Text => "text",
                        KeyType::Bytes => "bytea",
                        KeyType::Int => "bigint",
                        KeyType::Float => "double precision",
                    };
                    format!("${}::{name}[]", i + 1)
                });
                let names: Vec<_> = self.0.iter().map(|(name, _)| name.as_str()).collect();
                format!(
                    "unnest({}) WITH ORDINALITY AS k({}, n)",
                    arrays.collect::<Vec<_>>().join(", "),
                    names.join(", ")
                )
            }
            Dialect::Sqlite => {
                let columns = self.0.iter().enumerate().map(|(i, (name, key_type))| match key_type {
                    KeyType::Id | KeyType::Bytes => format!("unhex(e.value ->> {i}) AS {name}"),
                    KeyType::Text | KeyType::Int | KeyType::Float => format!("e.value ->> {i} AS {name}"),
                });
                let columns = columns.fold(String::new(), |all, column| all + ", " + &column);
                format!("(SELECT e.key + 1 AS n{columns} FROM json_each(?1) AS e) AS k")
            }
        }
    }

    /// A statement of this text with these keys.
    pub fn statement(&self, dialect: Dialect, sql: &str, keys: Vec<KeyRow>) -> Statement {
        let values = match dialect {
            Dialect::Postgres => {
                let mut arrays: Vec<Vec<Value>> =
                    self.0.iter().map(|_| Vec::with_capacity(keys.len())).collect();
                for row in keys {
                    for (array, value) in arrays.iter_mut().zip(row) {
                        array.push(value.into_value());
                    }
                }
                let array_type = |key_type: KeyType| match key_type {
                    KeyType::Id => ArrayType::Uuid,
                    KeyType::Text => ArrayType::String,
                    KeyType::Bytes => ArrayType::Bytes,
                    KeyType::Int => ArrayType::BigInt,
                    KeyType::Float => ArrayType::Double,
                };
                let typed = self.0.iter().zip(arrays);
                typed.map(|((_, t), array)| Value::Array(array_type(*t), Some(Box::new(array)))).collect()
            }
            Dialect::Sqlite => {
                let mut json = Vec::with_capacity(64 * keys.len());
                for (position, row) in keys.iter().enumerate() {
                    json.extend(if position == 0 { b"[[".as_slice() } else { b",[" });
                    for (position, value) in row.iter().enumerate() {
                        if position > 0 {
                            json.push(b',');
                        }
                        value.write_json(&mut json);
                    }
                    json.push(b']');
                }
                json.extend(if keys.is_empty() { b"[]".as_slice() } else { b"]" });
                vec![String::from_utf8_lossy(&json).into_owned().into()]
            }
        };
        Statement::from_sql_and_values(dialect.backend(), sql, values)
    }
}

/// A keyed statement: its text and its key columns. The first column it selects is `k.n`.
#[derive(Clone, Debug)]
pub struct KeyedStatement {
    /// The text. Reads of equal texts can be batched.
    pub sql: String,
    /// The columns of its keys.
    pub keys: KeyColumns,
}

impl KeyedStatement {
    /// A statement that is keyed by ids. `sql` takes the source of the keys, `k (n, id)`, and the word that joins a table to
    /// them.
    pub fn by_id(dialect: Dialect, sql: impl FnOnce(&str, &str) -> String) -> Self {
        let keys = KeyColumns::new(&[("id", KeyType::Id)]);
        Self { sql: sql(&keys.source(dialect), dialect.join()), keys }
    }

    /// Runs it inside a transaction. Returns each row found with the position of its key, from 0.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn query(
        &self,
        on: &impl ConnectionTrait,
        dialect: Dialect,
        keys: Vec<KeyRow>,
    ) -> Result<Vec<(usize, Row)>, DomainError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let rows = on.query_all_raw(self.keys.statement(dialect, &self.sql, keys)).await?;
        rows.into_iter().map(Row::positioned).collect()
    }

    /// Runs it inside a transaction. Returns the number of rows changed.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn execute(
        &self,
        on: &impl ConnectionTrait,
        dialect: Dialect,
        keys: Vec<KeyRow>,
    ) -> Result<u64, DomainError> {
        if keys.is_empty() {
            return Ok(0);
        }
        Ok(on.execute_raw(self.keys.statement(dialect, &self.sql, keys)).await?.rows_affected())
    }
}

/// A row being read, column by column, from the left.
#[derive(Debug)]
pub struct Row {
    result: QueryResult,
    next: usize,
}

impl Row {
    /// Splits off the first column: the position of the row's key, from 0.
    pub(super) fn positioned(result: QueryResult) -> Result<(usize, Self), DomainError> {
        let mut row = Self { result, next: 0 };
        let position: i64 = row.get()?;
        let position = usize::try_from(position - 1).map_err(|e| DomainError::Stored(e.to_string()))?;
        Ok((position, row))
    }

    /// The value of the next column.
    ///
    /// # Errors
    /// [`DomainError::Database`] where the column is missing or of another type.
    pub fn get<T: TryGetable>(&mut self) -> Result<T, DomainError> {
        let index = self.next;
        self.next += 1;
        Ok(self.result.try_get_by_index(index)?)
    }

    /// The value of the next column, which holds JSON in a text.
    ///
    /// # Errors
    /// [`DomainError::Stored`] where the text is not the JSON of a `T`.
    pub fn json<T: DeserializeOwned>(&mut self) -> Result<T, DomainError> {
        let text: String = self.get()?;
        Ok(serde_json::from_str(&text)?)
    }

    /// The value of the next column, which holds JSON in a text, or null.
    ///
    /// # Errors
    /// [`DomainError::Stored`] where the text is not the JSON of a `T`.
    pub fn optional_json<T: DeserializeOwned>(&mut self) -> Result<Option<T>, DomainError> {
        let text: Option<String> = self.get()?;
        Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
    }

    /// The value of the next column, which holds microseconds since 1970, or null.
    ///
    /// # Errors
    /// [`DomainError::Database`] where the column is missing or of another type.
    pub fn optional_time(&mut self) -> Result<Option<DateTime>, DomainError> {
        Ok(self.get::<Option<i64>>()?.map(DateTime::from_micros))
    }

    /// The value of the next column, which holds a text that `T` parses, or null.
    ///
    /// # Errors
    /// [`DomainError::Stored`] where the text is no `T`.
    pub fn parsed<T>(&mut self) -> Result<Option<T>, DomainError>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        let text: Option<String> = self.get()?;
        text.map(|t| t.parse().map_err(|e: T::Err| DomainError::Stored(e.to_string()))).transpose()
    }

    /// The value of the next column, which holds the name of a value of the GraphQL enum `T`.
    ///
    /// # Errors
    /// [`DomainError::Stored`] where the enum has no such value.
    pub fn name<T: async_graphql::resolver_utils::EnumType>(&mut self) -> Result<T, DomainError> {
        let text: String = self.get()?;
        crate::value_of(&text).ok_or_else(|| DomainError::Stored(format!("no such enum value: {text}")))
    }
}
