//! Whether writes to the database succeed, for health checks and for the log.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::DbErr;

use super::storage::Fault;

/// How long after a write that failed a health check tries another one.
const TRY_AGAIN: Duration = Duration::from_secs(5);

/// The outcome of the last write, with regard to the disk.
#[derive(Debug, Default)]
pub struct WriteHealth(Mutex<Option<Failed>>);

/// A write that failed.
#[derive(Clone, Copy, Debug)]
struct Failed {
    fault: Fault,
    at: Instant,
    /// Whether a transaction has been committed since.
    is_doubted: bool,
}

impl WriteHealth {
    /// The fault of the last write; none where it succeeded.
    pub fn fault(&self) -> Option<Fault> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).map(|failed| failed.fault)
    }

    /// Notes a write that failed, and logs it unless the one before failed for the same reason. Errors that are no
    /// [`Fault`] say nothing about the next write.
    pub(super) fn failed(&self, error: &DbErr) {
        let Some(fault) = Fault::of(error) else { return };
        let failed = Failed { fault, at: Instant::now(), is_doubted: false };
        let before = self.0.lock().unwrap_or_else(PoisonError::into_inner).replace(failed);
        if before.is_none_or(|before| before.fault != fault) {
            tracing::error!(
                %error,
                "{fault}: writes fail and are answered UNAVAILABLE, reads go on; writing resumes by itself"
            );
        }
    }

    /// Notes a commit. It may not have written: a statement that changes no row also succeeds on a full disk. The next
    /// health check therefore tries a write at once.
    pub(super) fn committed(&self) {
        if let Some(failed) = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            failed.is_doubted = true;
        }
    }

    /// Notes a write that succeeded for certain.
    pub(super) fn succeeded(&self) {
        let before = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if before.is_some() {
            tracing::warn!("writing to the database works again");
        }
    }

    /// Whether the last write failed and another attempt is due: after a commit, or after a while. True for one caller
    /// at a time.
    pub(super) fn is_due(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match last.as_mut() {
            Some(failed) if failed.is_doubted || failed.at.elapsed() >= TRY_AGAIN => {
                (failed.at, failed.is_doubted) = (Instant::now(), false);
                true
            }
            _ => false,
        }
    }
}
