//! The cursor of the change log: the position of a reader, as opaque text.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Head;
use kernel::error::{Code, DomainError};
use kernel::policy::{Viewer, Visibility};
use kernel::read::Database;

/// A position in the log of changes: opaque, at most 128 characters. It grants nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeCursor {
    /// The feed whose numbers these are.
    pub feed_id: Uuid,
    /// The last entry that was read.
    pub seq: i64,
    /// The random bits of that entry, by which a forked log is detected; 0 if the entry no longer exists.
    pub tag: i32,
    /// The end of the log when the reader began.
    pub base: i64,
    /// The filter of the reader and the views that it may read.
    pub scope: Scope,
}

/// The filter of a reader of the log and the views that it may read. Cursors keep regions by their [`region_code`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// A bit for each requested type ([`bit`](kernel::RecordType::bit)); 0 for all.
    pub types: u16,
    /// The requested regions; `None` for all.
    pub regions: Option<BTreeSet<u16>>,
    /// The highest visibility that the reader may read in every region.
    pub level: Visibility,
    /// Regions whose private records the reader may read.
    pub insider: BTreeSet<u16>,
}

/// The code of a region in cursors: the first bytes of a hash of its slug. The codes of the existing regions differ,
/// and do not change when regions are added.
pub fn region_code(slug: &str) -> u16 {
    let hash = Sha256::digest(slug);
    u16::from_be_bytes([hash[0], hash[1]])
}

impl Scope {
    /// The scope of a viewer without a filter.
    pub fn of(viewer: &Viewer) -> Self {
        Self {
            types: 0,
            regions: None,
            level: viewer.granted_level(),
            insider: viewer.insider_regions().into_iter().map(region_code).collect(),
        }
    }

    /// The filter alone, without the views, as text. Equal filters have equal texts.
    pub fn asked(&self) -> String {
        let bare = Self { types: self.types, regions: self.regions.clone(), ..Self::default() };
        let mut bytes = Vec::new();
        bare.write(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.types.to_be_bytes());
        bytes.extend(self.level.code().to_be_bytes());
        // The number of regions never exceeds what a cursor can hold: a test of the vocabulary checks this.
        let count = |list: &BTreeSet<u16>| u8::try_from(list.len()).unwrap_or(u8::MAX - 1);
        bytes.push(self.regions.as_ref().map_or(u8::MAX, count));
        bytes.extend(self.regions.iter().flatten().flat_map(|code| code.to_be_bytes()));
        bytes.extend(self.insider.iter().flat_map(|code| code.to_be_bytes()));
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (types, rest) = bytes.split_first_chunk()?;
        let (level, rest) = rest.split_first_chunk()?;
        let (count, rest) = rest.split_first()?;
        let (regions, insider) = match *count {
            u8::MAX => (None, rest),
            count => {
                let (regions, insider) = rest.split_at_checked(usize::from(count) * 2)?;
                (Some(codes(regions)?), insider)
            }
        };
        let level = i16::from_be_bytes(*level);
        let scope = Self {
            types: u16::from_be_bytes(*types),
            regions,
            level: Visibility::from_code(level),
            insider: codes(insider)?,
        };
        (scope.level.code() == level).then_some(scope)
    }
}

/// Decodes region codes. They must be in ascending order with no bytes left over, so that each position has one text.
fn codes(bytes: &[u8]) -> Option<BTreeSet<u16>> {
    let (pairs, rest) = bytes.as_chunks();
    let all: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
    (rest.is_empty() && all.is_sorted_by(|one, next| one < next)).then(|| all.into_iter().collect())
}

impl ChangeCursor {
    /// The cursor of a position in the log, for a reader without a filter who sees what this viewer sees.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn at(db: &Arc<Database>, head: Head, viewer: &Viewer) -> Result<Self, DomainError> {
        let Head { feed_id, seq } = head;
        let tag = super::tag(db, seq).await?.unwrap_or_default();
        Ok(Self { feed_id, seq, tag, base: seq, scope: Scope::of(viewer) })
    }

    /// The text of the cursor.
    pub fn text(&self) -> String {
        let mut bytes = Vec::with_capacity(48);
        bytes.extend(self.feed_id.as_bytes());
        bytes.extend(self.seq.to_be_bytes());
        bytes.extend(self.tag.to_be_bytes());
        bytes.extend(self.base.to_be_bytes());
        self.scope.write(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Parses the text of a cursor; `None` if it is invalid.
    pub fn read(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() <= MAX_BYTES)?;
        let (feed_id, rest) = bytes.split_first_chunk()?;
        let (seq, rest) = rest.split_first_chunk()?;
        let (tag, rest) = rest.split_first_chunk()?;
        let (base, rest) = rest.split_first_chunk()?;
        Some(Self {
            feed_id: Uuid::from_bytes(*feed_id),
            seq: i64::from_be_bytes(*seq),
            tag: i32::from_be_bytes(*tag),
            base: i64::from_be_bytes(*base),
            scope: Scope::read(rest)?,
        })
    }
}

/// The maximum size of a cursor in bytes, which is 128 characters of Base64.
const MAX_BYTES: usize = 96;

/// The error message for an invalid cursor.
const INVALID: &str =
    "This is no position in the log. Pass a `cursor` as it was received, or load a snapshot.";

/// A position in the log of changes: opaque text, to be given back as it was received.
#[Scalar]
impl ScalarType for ChangeCursor {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => Self::read(text).ok_or_else(|| {
                let code = Code::CursorInvalid.as_str();
                InputValueError::custom(INVALID)
                    .with_extension("code", code)
                    .with_extension("recovery", "SNAPSHOT")
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
        fn a_cursor_reads_back(
            feed: u128, seq: i64, tag: i32, base: i64, types: u16, level in 0..3_i16,
            regions in proptest::option::of(proptest::collection::btree_set(any::<u16>(), 0..12)),
            insider in proptest::collection::btree_set(any::<u16>(), 0..12),
        ) {
            let scope = Scope { types, regions, level: Visibility::from_code(level), insider };
            let cursor = ChangeCursor { feed_id: Uuid::from_u128(feed), seq, tag, base, scope };
            prop_assert!(cursor.text().len() <= 128);
            prop_assert_eq!(ChangeCursor::read(&cursor.text()), Some(cursor));
        }

        #[test]
        fn any_text_is_a_cursor_or_none(text in ".{0,90}", bytes in proptest::collection::vec(any::<u8>(), 30..60)) {
            for text in [text, URL_SAFE_NO_PAD.encode(bytes)] {
                if let Some(cursor) = ChangeCursor::read(&text) {
                    prop_assert_eq!(cursor.text(), text);
                }
            }
        }
    }
}
