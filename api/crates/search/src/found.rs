//! The types that can be found: how each is read, as documents for the index and as nodes for a response.

use async_graphql::Union;
use uuid::Uuid;

use index::document::{self, Document, Text};
use index::kind::SearchType;
use kernel::error::DomainError;
use kernel::lookup::Key;
use kernel::node::find;
use kernel::read::Selection;
use kernel::reader::Reader;
use kernel::records;

macro_rules! make_search_result {
    ($(
        $(#[$doc:meta])*
        $name:ident $module:ident {
            is $is:tt, write $write:tt, read $read:tt, record $record:tt,
            search($($node:ident, $described:literal)?), $($rest:tt)*
        }
    )*) => {
        make_search_result! { @ $($($name $module $node)?)* }
    };
    (@ $($name:ident $module:ident $node:ident)*) => {
        /// Anything that can be found.
        #[derive(Clone, Debug, Union)]
        pub enum SearchResult {
            $(#[doc = concat!("A record of the type `", stringify!($node), "`.")] $name(Box<directory::$module::$node>),)*
        }

            /// Reads the document of each id, in order, as the reader's viewer may see the record. The id of a merged
            /// duplicate finds nothing: the index holds the survivor under its own id.
            ///
            /// # Errors
            /// [`DomainError::Database`] or [`DomainError::Stored`].
            pub async fn documents(
                of: SearchType,
                reader: &Reader,
                ids: &[Uuid],
            ) -> Result<Vec<Option<Document>>, DomainError> {
                match of {
                    $(SearchType::$name => document::documents::<directory::$module::$node>(reader, ids).await,)*
                }
            }

            /// Reads the names of each id, in order, that the reader's viewer may see, the main name first.
            ///
            /// # Errors
            /// [`DomainError::Database`] or [`DomainError::Stored`].
            pub async fn names(
                of: SearchType,
                reader: &Reader,
                ids: &[Uuid],
            ) -> Result<Vec<Option<Vec<Text>>>, DomainError> {
                match of {
                    $(SearchType::$name => document::names::<directory::$module::$node>(reader, ids).await,)*
                }
            }

            /// Reads the record of each id, in order, as the reader's viewer may see it; `None` for a merged duplicate.
            ///
            /// # Errors
            /// [`DomainError::Database`] or [`DomainError::Stored`].
            pub async fn nodes(
                of: SearchType,
                reader: &Reader,
                ids: &[Uuid],
                want: &Selection,
            ) -> Result<Vec<Option<SearchResult>>, DomainError> {
                let keys = ids.iter().map(|id| Key::Own(*id)).collect();
                Ok(match of {
                    $(SearchType::$name => find::<directory::$module::$node>(reader, keys, want)
                        .await?
                        .map(|found| found.map(|node| SearchResult::$name(Box::new(node))))
                        .collect(),)*
                })
            }
    };
}

records!(make_search_result);
