//! The position of a reader of the log, as text.

use std::sync::Arc;

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Head;
use crate::record::error::DomainError;
use crate::record::policy::Viewer;
use crate::record::read::Database;

/// A position in the log of changes: opaque, at most 128 characters. It grants nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeCursor {
    /// The feed whose numbers these are.
    pub feed_id: Uuid,
    /// The last entry that was read.
    pub seq: i64,
    /// The random bits of that entry, which tell a forked log; 0 where it is not there any more.
    pub tag: i32,
    /// The end of the log when the reader began.
    pub base: i64,
    /// What the reader asked for and may see.
    pub fingerprint: [u8; 8],
}

/// Bytes of a cursor.
const LENGTH: usize = 16 + 8 + 4 + 8 + 8;

impl ChangeCursor {
    /// What tells one reader's selection from another's: types and regions asked for (none: all), and the views
    /// that the viewer may read.
    pub fn fingerprint(types: &[&str], regions: &[&str], viewer: &Viewer) -> [u8; 8] {
        let sorted = |list: &[&str]| {
            let mut list = list.to_vec();
            list.sort_unstable();
            list.join(",")
        };
        let insider: Vec<&str> = viewer.insider_regions().into_iter().collect();
        let all = format!(
            "{}|{}|{}|{}|{}",
            sorted(types),
            sorted(regions),
            viewer.signed_in,
            viewer.admin,
            insider.join(",")
        );
        let hash = Sha256::digest(all);
        std::array::from_fn(|i| hash[i])
    }

    /// The cursor of a place in the log, for whoever reads all that this viewer may see.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn at(db: &Arc<Database>, head: Head, viewer: &Viewer) -> Result<Self, DomainError> {
        let Head { feed_id, seq } = head;
        let tag = super::tag(db, seq).await?.unwrap_or_default();
        Ok(Self { feed_id, seq, tag, base: seq, fingerprint: Self::fingerprint(&[], &[], viewer) })
    }

    fn text(&self) -> String {
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.extend(self.feed_id.as_bytes());
        bytes.extend(self.seq.to_be_bytes());
        bytes.extend(self.tag.to_be_bytes());
        bytes.extend(self.base.to_be_bytes());
        bytes.extend(self.fingerprint);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn read(text: &str) -> Option<Self> {
        let bytes: [u8; LENGTH] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (feed_id, rest) = bytes.split_first_chunk()?;
        let (seq, rest) = rest.split_first_chunk()?;
        let (tag, rest) = rest.split_first_chunk()?;
        let (base, rest) = rest.split_first_chunk()?;
        Some(Self {
            feed_id: Uuid::from_bytes(*feed_id),
            seq: i64::from_be_bytes(*seq),
            tag: i32::from_be_bytes(*tag),
            base: i64::from_be_bytes(*base),
            fingerprint: *rest.first_chunk()?,
        })
    }
}

/// A position in the log of changes: opaque text, to be given back as it was received.
#[Scalar]
impl ScalarType for ChangeCursor {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => Self::read(text).ok_or_else(|| {
                InputValueError::custom("This is no position in the log. Pass a `cursor` as it was received.")
            }),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.text())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_reads_back(feed: u128, seq: i64, tag: i32, base: i64, fingerprint: [u8; 8]) {
            let cursor = ChangeCursor { feed_id: Uuid::from_u128(feed), seq, tag, base, fingerprint };
            prop_assert!(cursor.text().len() <= 128);
            prop_assert_eq!(ChangeCursor::read(&cursor.text()), Some(cursor));
        }

        #[test]
        fn any_text_is_a_cursor_or_none(text in ".{0,90}") {
            let _ = ChangeCursor::read(&text);
        }
    }
}
