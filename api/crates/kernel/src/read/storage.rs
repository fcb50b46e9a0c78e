//! Faults of the disk below the database, as opposed to statements that it refuses.

use std::fmt;

use sea_orm::{DbErr, RuntimeErr, sqlx};

/// The fault of the disk of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It has no space left.
    Full,
    /// It is read-only.
    ReadOnly,
    /// It cannot be read or written, or there is no memory for it.
    Failing,
    /// The file of the database, or an index in it, is damaged.
    Damaged,
}

impl Fault {
    /// The fault behind an error; none where the error has another reason.
    pub fn of(error: &DbErr) -> Option<Self> {
        let (DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error))
        | DbErr::Conn(RuntimeErr::SqlxError(error))) = error
        else {
            return None;
        };
        let sqlx::Error::Database(error) = error.as_ref() else { return None };
        let code = error.code().unwrap_or_default();
        if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
            return Self::of_sqlite(code.parse().ok()?);
        }
        Self::of_postgres(&code)
    }

    /// The fault of a code of SQLite. Extended codes have the simple one in their last byte.
    fn of_sqlite(code: u32) -> Option<Self> {
        Some(match code & 0xff {
            // SQLITE_NOMEM and SQLITE_IOERR
            7 | 10 => Self::Failing,
            // SQLITE_READONLY
            8 => Self::ReadOnly,
            // SQLITE_CORRUPT and SQLITE_NOTADB
            11 | 26 => Self::Damaged,
            // SQLITE_FULL
            13 => Self::Full,
            _ => return None,
        })
    }

    /// The fault of a code of PostgreSQL.
    fn of_postgres(code: &str) -> Option<Self> {
        Some(match code {
            // read_only_sql_transaction
            "25006" => Self::ReadOnly,
            // disk_full
            "53100" => Self::Full,
            // out_of_memory
            "53200" => Self::Failing,
            // data_corrupted and index_corrupted
            "XX001" | "XX002" => Self::Damaged,
            // The class of errors outside of PostgreSQL: io_error and others.
            _ if code.starts_with("58") => Self::Failing,
            _ => return None,
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the disk of the database is full",
            Self::ReadOnly => "the database may only be read",
            Self::Failing => "the disk of the database fails",
            Self::Damaged => "the database is damaged",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told_from_refusals() {
        // SQLITE_FULL, SQLITE_IOERR_WRITE, SQLITE_IOERR_SHMSIZE, SQLITE_CORRUPT_INDEX, SQLITE_READONLY_DIRECTORY
        for (code, fault) in [
            (13, Fault::Full),
            (778, Fault::Failing),
            (4874, Fault::Failing),
            (779, Fault::Damaged),
            (1544, Fault::ReadOnly),
        ] {
            assert_eq!(Fault::of_sqlite(code), Some(fault), "{code}");
        }
        // SQLITE_ERROR, SQLITE_BUSY, SQLITE_CONSTRAINT_UNIQUE, SQLITE_INTERRUPT
        for code in [1, 5, 2067, 9] {
            assert_eq!(Fault::of_sqlite(code), None, "{code}");
        }
        for (code, fault) in [
            ("53100", Fault::Full),
            ("58030", Fault::Failing),
            ("25006", Fault::ReadOnly),
            ("XX002", Fault::Damaged),
        ] {
            assert_eq!(Fault::of_postgres(code), Some(fault), "{code}");
        }
        for code in ["23505", "25P02", "40001", "53300", "57014", "XX000"] {
            assert_eq!(Fault::of_postgres(code), None, "{code}");
        }
    }
}
