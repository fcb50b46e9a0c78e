//! Paging: keyset, forwards and backwards, by the Relay connection specification.

use async_graphql::Object;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::error::DomainError;
use super::read::{KeyType, KeyValue, Selected};

/// Items on a page where neither `first` nor `last` is given.
pub const DEFAULT_PAGE: i32 = 20;
/// Maximum items on a page.
pub const MAX_PAGE: i32 = 100;

/// The position of a page in its list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PageInfo {
    /// Whether more follows.
    pub has_next_page: bool,
    /// Whether something comes before.
    pub has_previous_page: bool,
    /// Position of the first item.
    pub start_cursor: Option<Cursor>,
    /// Position of the last item.
    pub end_cursor: Option<Cursor>,
}

/// The position of a page in its list.
#[Object]
impl PageInfo {
    /// Whether more follows; ask for it with `first` and `after: endCursor`.
    async fn has_next_page(&self) -> bool {
        self.has_next_page
    }

    /// Whether something comes before; ask for it with `last` and `before: startCursor`.
    async fn has_previous_page(&self) -> bool {
        self.has_previous_page
    }

    /// Position of the first item of this page; null where the page is empty.
    async fn start_cursor(&self) -> Option<String> {
        self.start_cursor.as_ref().map(Cursor::text)
    }

    /// Position of the last item of this page; null where the page is empty.
    async fn end_cursor(&self) -> Option<String> {
        self.end_cursor.as_ref().map(Cursor::text)
    }
}

/// The paging arguments of a list, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// Items wanted.
    pub limit: i32,
    /// Whether the page is counted from the end.
    pub backward: bool,
    /// The item after which it begins.
    pub after: Option<Position>,
    /// The item before which it ends.
    pub before: Option<Position>,
}

/// A position in an ordered list: the sort key of an item and its id.
#[derive(Clone, Debug, PartialEq)]
pub struct Position {
    /// Value of the sort key.
    pub key: KeyValue,
    /// Id of the item, which makes the order total.
    pub id: Uuid,
}

/// The tag that binds a cursor to a list: a hash of the list's name, order and direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CursorTag([u8; 4]);

impl CursorTag {
    /// The tag of a list in an order.
    pub fn new(list: &str, order: &str, descending: bool) -> Self {
        let hash = Sha256::digest(format!("{list} {order} {descending}"));
        Self([hash[0], hash[1], hash[2], hash[3]])
    }

    /// The tag of this parent's list of that name.
    #[must_use]
    pub fn of(self, parent: &KeyValue) -> Self {
        let bytes = match parent {
            KeyValue::Id(id) => id.as_bytes().to_vec(),
            KeyValue::Text(text) => text.as_bytes().to_vec(),
            KeyValue::Bytes(bytes) => bytes.clone(),
            KeyValue::Int(number) => number.to_be_bytes().to_vec(),
            KeyValue::Float(number) => number.to_be_bytes().to_vec(),
        };
        // FNV-1a of 32 bits: it distinguishes lists, and protects no secret.
        let mix = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(16_777_619);
        Self(bytes.iter().fold(u32::from_be_bytes(self.0) ^ 0x811c_9dc5, mix).to_be_bytes())
    }
}

/// Layout of a cursor that holds a sort key and an id. Another layout needs another number.
const BY_KEY: u8 = 1;
/// Layout of a cursor that holds a number of hits.
const BY_OFFSET: u8 = 2;

/// A position as clients see it: bound to one list and order.
#[derive(Clone, Debug, PartialEq)]
pub enum Cursor {
    /// A position in a list of the database.
    Key(CursorTag, Position),
    /// A position among the hits of a search, from 0.
    Offset(CursorTag, u32),
}

impl Cursor {
    /// The opaque text. It is made on demand, as most cursors are not selected.
    pub fn text(&self) -> String {
        let mut bytes = Vec::with_capacity(64);
        match self {
            Self::Key(tag, position) => {
                bytes.push(BY_KEY);
                bytes.extend(tag.0);
                bytes.extend(position.id.as_bytes());
                match &position.key {
                    KeyValue::Bytes(key) => bytes.extend(key),
                    KeyValue::Text(key) => bytes.extend(key.as_bytes()),
                    KeyValue::Int(key) => bytes.extend(key.to_be_bytes()),
                    KeyValue::Float(key) => bytes.extend(key.to_be_bytes()),
                    KeyValue::Id(key) => bytes.extend(key.as_bytes()),
                }
            }
            Self::Offset(tag, offset) => {
                bytes.push(BY_OFFSET);
                bytes.extend(tag.0);
                bytes.extend(offset.to_be_bytes());
            }
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a position among the hits of the search of `tag`.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` on `argument` for any other text.
    pub fn read_offset(argument: &str, text: &str, tag: CursorTag) -> Result<u32, DomainError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| <[u8; 9]>::try_from(bytes).ok());
        match bytes {
            Some([BY_OFFSET, t0, t1, t2, t3, offset @ ..]) if [t0, t1, t2, t3] == tag.0 => {
                Ok(u32::from_be_bytes(offset))
            }
            Some([BY_OFFSET, ..]) => {
                let message = "This cursor is of another search. Use it with the query, types and filter it was \
                               received with, or start again without a cursor.";
                Err(DomainError::bad_input(argument, message))
            }
            _ => Err(not_of_this_list(argument)),
        }
    }
}

/// The error for a text that is no cursor of this list.
fn not_of_this_list(argument: &str) -> DomainError {
    let message = "This is not a cursor of this list. Pass `pageInfo.endCursor`, `pageInfo.startCursor` or an edge's \
                   `cursor` as it was received.";
    DomainError::bad_input(argument, message)
}

impl Position {
    /// Reads a cursor of a list with one of these tags, whose sort key has this type.
    fn read(argument: &str, text: &str, tags: &[CursorTag], key_type: KeyType) -> Result<Self, DomainError> {
        let wrong = || not_of_this_list(argument);
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?;
        let (head, key) = bytes.split_at_checked(21).ok_or_else(wrong)?;
        if head[0] != BY_KEY {
            return Err(wrong());
        }
        if !tags.iter().any(|tag| head[1..5] == tag.0) {
            let message = "This cursor is of another list or another order. Use it with the `orderBy` it was \
                           received with, or start again without a cursor.";
            return Err(DomainError::bad_input(argument, message));
        }
        let id = Uuid::from_slice(&head[5..]).map_err(|_| wrong())?;
        let key = match key_type {
            KeyType::Bytes => KeyValue::Bytes(key.to_vec()),
            KeyType::Text => {
                let text = std::str::from_utf8(key).map_err(|_| wrong())?;
                // PostgreSQL has no NUL in a text.
                if text.contains('\0') {
                    return Err(wrong());
                }
                KeyValue::Text(text.to_owned())
            }
            KeyType::Int => KeyValue::Int(i64::from_be_bytes(key.try_into().map_err(|_| wrong())?)),
            KeyType::Float => KeyValue::Float(f64::from_be_bytes(key.try_into().map_err(|_| wrong())?)),
            KeyType::Id => KeyValue::Id(Uuid::from_slice(key).map_err(|_| wrong())?),
        };
        Ok(Self { key, id })
    }
}

/// The paging arguments, unchecked.
#[derive(Clone, Debug, Default)]
pub struct PageArguments {
    /// Maximum items from the beginning, or after `after`.
    pub first: Option<i32>,
    /// Only items after this cursor.
    pub after: Option<String>,
    /// Maximum items from the end, or before `before`.
    pub last: Option<i32>,
    /// Only items before this cursor.
    pub before: Option<String>,
}

impl PageArguments {
    /// The paging arguments of a selected field.
    pub fn of(field: &Selected) -> Self {
        Self {
            first: field.argument("first"),
            after: field.argument("after"),
            last: field.argument("last"),
            before: field.argument("before"),
        }
    }

    /// Whether there is a cursor among them.
    pub fn has_cursor(&self) -> bool {
        self.after.is_some() || self.before.is_some()
    }

    /// Checks the arguments for lists with these tags and this type of sort key. A cursor must have one of the tags.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` on the argument that is wrong, saying what is allowed.
    pub fn page(&self, tags: &[CursorTag], key_type: KeyType) -> Result<Page, DomainError> {
        if self.first.is_some() && self.last.is_some() {
            let message = "Give `first` to page forwards or `last` to page backwards, not both.";
            return Err(DomainError::bad_input("last", message));
        }
        let (argument, limit) = match (self.first, self.last) {
            (_, Some(last)) => ("last", last),
            (first, None) => ("first", first.unwrap_or(DEFAULT_PAGE)),
        };
        if !(0..=MAX_PAGE).contains(&limit) {
            let message =
                format!("`{argument}` is {limit}: at least 0 and at most {MAX_PAGE} items fit on a page.");
            return Err(DomainError::bad_input(argument, message));
        }
        let position = |argument: &str, text: &Option<String>| {
            text.as_deref().map(|text| Position::read(argument, text, tags, key_type)).transpose()
        };
        Ok(Page {
            limit,
            backward: self.last.is_some(),
            after: position("after", &self.after)?,
            before: position("before", &self.before)?,
        })
    }
}

/// A page that was read: its items in the order of the list.
#[derive(Clone, Debug)]
pub struct PageOf<T> {
    /// Items with their cursors.
    pub items: Vec<(Cursor, T)>,
    /// Where the page stands.
    pub info: PageInfo,
    /// Number of items in the whole list that the viewer may see; only where it was selected.
    pub total: Option<i64>,
}

impl<T> PageOf<T> {
    /// The pages without their items, and all items in one list, so that their relations are read together.
    pub fn apart(pages: Vec<Self>) -> (Vec<PageOf<()>>, Vec<T>) {
        let mut all = Vec::new();
        let emptied = pages.into_iter().map(|page| {
            let mut cursors = Vec::with_capacity(page.items.len());
            for (cursor, item) in page.items {
                cursors.push((cursor, ()));
                all.push(item);
            }
            PageOf { items: cursors, info: page.info, total: page.total }
        });
        let emptied = emptied.collect();
        (emptied, all)
    }

    /// The pages with their items again, in the same order.
    pub fn together(pages: Vec<PageOf<()>>, items: Vec<T>) -> Vec<Self> {
        let mut items = items.into_iter();
        let refilled = pages.into_iter().map(|page| {
            let cursors = page.items.into_iter().map(|(cursor, ())| cursor);
            PageOf { items: cursors.zip(items.by_ref()).collect(), info: page.info, total: page.total }
        });
        refilled.collect()
    }
}

/// A connection of the schema.
pub trait Connection: Sized {
    /// Name of the connection in the schema.
    const NAME: &'static str;
    /// Name of its edge in the schema.
    const EDGE: &'static str;
    /// Its items.
    type Item;
    /// The connection of a page.
    fn new(page: PageOf<Self::Item>) -> Self;
}

/// Declares the connection and edge types of a node type.
///
/// They differ only in names. GraphQL has no generic types.
#[macro_export]
macro_rules! connection {
    ($connection:ident, $edge:ident, $node:ty, $what:literal) => {
        #[doc = concat!("A page of a list of ", $what, ".")]
        #[derive(Clone, Debug)]
        pub struct $connection {
            edges: Vec<$edge>,
            page_info: $crate::page::PageInfo,
            total_count: Option<i64>,
        }

        impl $crate::page::Connection for $connection {
            const NAME: &'static str = stringify!($connection);
            const EDGE: &'static str = stringify!($edge);
            type Item = $node;

            fn new(page: $crate::page::PageOf<$node>) -> Self {
                Self::new(page)
            }
        }

        impl $connection {
            /// The connection of a page.
            pub fn new(page: $crate::page::PageOf<$node>) -> Self {
                Self {
                    edges: page.items.into_iter().map(|(cursor, node)| $edge { cursor, node }).collect(),
                    page_info: page.info,
                    total_count: page.total,
                }
            }
        }

        #[doc = concat!("A page of a list of ", $what, ".")]
        #[async_graphql::Object]
        impl $connection {
            /// The items with their positions.
            async fn edges(&self) -> &[$edge] {
                &self.edges
            }

            /// The items alone, for those who need no positions.
            async fn nodes(&self) -> Vec<&$node> {
                self.edges.iter().map(|edge| &edge.node).collect()
            }

            /// Where the page stands in the list.
            async fn page_info(&self) -> &$crate::page::PageInfo {
                &self.page_info
            }

            /// How many items the whole list has for this viewer. Costs a count: select it only where it is shown.
            async fn total_count(&self) -> i64 {
                self.total_count.unwrap_or_default()
            }
        }

        #[doc = concat!("One of a list of ", $what, ", with its position.")]
        #[derive(Clone, Debug)]
        pub struct $edge {
            cursor: $crate::page::Cursor,
            node: $node,
        }

        #[doc = concat!("One of a list of ", $what, ", with its position.")]
        #[async_graphql::Object]
        impl $edge {
            /// Position in the list, for `after` and `before`.
            async fn cursor(&self) -> String {
                self.cursor.text()
            }

            /// The item.
            async fn node(&self) -> &$node {
                &self.node
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_reads_back(key in prop::collection::vec(any::<u8>(), 0..60), id: u128) {
            let tag = CursorTag::new("organizations", "NAME", false);
            let position = Position { key: KeyValue::Bytes(key), id: Uuid::from_u128(id) };
            let text = Cursor::Key(tag, position.clone()).text();
            prop_assert_eq!(Position::read("after", &text, &[tag], KeyType::Bytes).unwrap(), position);
            prop_assert!(Cursor::read_offset("after", &text, tag).is_err());
        }

        #[test]
        fn a_cursor_of_another_order_is_refused(id: u128) {
            let position = Position { key: KeyValue::Int(1), id: Uuid::from_u128(id) };
            let cursor = Cursor::Key(CursorTag::new("organizations", "CREATED_AT", false), position).text();
            for other in [
                CursorTag::new("organizations", "CREATED_AT", true),
                CursorTag::new("organizations", "UPDATED_AT", false),
                CursorTag::new("talents", "CREATED_AT", false),
            ] {
                prop_assert!(Position::read("after", &cursor, &[other], KeyType::Int).is_err());
            }
        }

        #[test]
        fn any_text_is_a_cursor_or_a_refusal(text in ".{0,80}") {
            let tag = CursorTag::new("talents", "NAME", false);
            let _ = Position::read("after", &text, &[tag], KeyType::Int);
        }
    }

    #[test]
    fn what_is_allowed_is_said() {
        let tag = CursorTag::new("organizations", "NAME", false);
        let page =
            |first, last| PageArguments { first, last, ..Default::default() }.page(&[tag], KeyType::Bytes);
        assert_eq!(page(None, None).unwrap().limit, 20);
        assert!(page(Some(101), None).unwrap_err().to_string().contains("at most 100"));
        assert!(page(Some(-1), None).is_err());
        assert!(page(Some(1), Some(1)).unwrap_err().to_string().contains("not both"));
    }
}
