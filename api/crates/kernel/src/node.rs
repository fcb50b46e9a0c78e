//! Reads of records of every type: by keys, and in pages of lists.
//!
//! A type says which columns it needs and how a row becomes a node (see [`Node`]). The reads themselves are here, once.

use async_graphql::{Context, InputType};
use futures::future::BoxFuture;
use uuid::Uuid;

use super::RecordType;
use super::error::{DomainError, GraphqlResult, IntoGraphql};
use super::list::{Conditions, Fetch, List, Listed, Ranges, Sort, same_list};
use super::lookup::{By, Key};
use super::page::{Connection, PageArguments, PageOf};
use super::policy::Viewer;
use super::read::{Dialect, KeyRow, KeyedStatement, Row, Selected, Selection};
use super::reader::{Reader, nodes_wanted, total_wanted};

/// The read side of a record type: its row in the database, and its relations.
pub trait Node: Around + Send + Sync + 'static {
    /// The type.
    const TYPE: RecordType;
    /// Name of the type in the schema.
    const NAME: &'static str;
    /// The groups of columns to read.
    type Columns: ColumnGroups;

    /// The condition under which a viewer sees the row `alias` of the type's table.
    fn sees(viewer: &Viewer, dialect: Dialect, alias: &str) -> String;
    /// The groups that the selected fields need.
    fn columns(want: &Selection) -> Self::Columns {
        Self::Columns::of(want)
    }
    /// Reads what [`ColumnGroups::fetch`] selects, without what the viewer may not see.
    ///
    /// # Errors
    /// [`DomainError::Database`] or [`DomainError::Stored`].
    fn read(columns: Self::Columns, row: &mut Row, viewer: &Viewer) -> Result<Self, DomainError>;
    /// Reads the selected relations of these nodes: one keyed read for each relation.
    fn fill<'a>(
        reader: &'a Reader,
        nodes: &'a mut [Self],
        want: &'a Selection,
    ) -> BoxFuture<'a, Result<(), DomainError>> {
        Box::pin(async move {
            if nodes.is_empty() || want.is_empty() { Ok(()) } else { Self::around(reader, nodes, want).await }
        })
    }
}

/// The groups of columns of a type, each of which is read or not.
pub trait ColumnGroups: Copy + Send + Sync {
    /// Fields of the schema, in groups. A group is read where one of its fields is selected; the first group is read
    /// always. A test names the fields that are in no group.
    const FIELDS: &'static [&'static [&'static str]];

    /// The groups with the selected fields.
    fn of(want: &Selection) -> Self;
    /// What to select of the row `alias`, and the joins that it needs.
    fn fetch(self, alias: &str) -> Fetch;
}

/// Reads the records around nodes, as far as they are wanted: one keyed read for each relation.
pub trait Around: Sized {
    /// Reads them into the nodes, of which there is one at least. Refusals of arguments are kept for their own fields.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    fn around(
        reader: &Reader,
        nodes: &mut [Self],
        want: &Selection,
    ) -> impl Future<Output = Result<(), DomainError>> + Send;
}

/// A record type that is listed by a filter, in an order.
pub trait Listable: Node {
    /// Which of its records.
    type Filter: InputType + Default + Send + Sync;
    /// In which order.
    type Order: InputType + Default + Copy + Into<Sort> + Send + Sync;

    /// The filters that the list table answers, and conditions on the row `o` for the others.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for an unknown slug, a wrong id, or a number out of range.
    fn filter(reader: &Reader, filter: &Self::Filter) -> Result<(Ranges<'static>, Conditions), DomainError>;
}

/// The list of records that fit a filter, within one region or everywhere, and its keys.
///
/// # Errors
/// Those of [`Listable::filter`].
fn list<N: Listable>(
    reader: &Reader,
    filter: &N::Filter,
    order: Option<N::Order>,
    within: Option<&str>,
) -> Result<(List, KeyRow), DomainError> {
    let (ranges, conditions) = N::filter(reader, filter)?;
    Ok(Ranges { within, ..ranges }.list::<N>(&reader.viewer, order.unwrap_or_default().into(), conditions))
}

/// The query of one record; nothing where there is none that the viewer may see.
///
/// # Errors
/// `BAD_USER_INPUT` for a wrong id or identifier, [`DomainError::Database`].
pub async fn one<N: Node>(ctx: &Context<'_>, by: impl By) -> GraphqlResult<Option<N>> {
    let key = by.key(N::TYPE).graphql()?;
    Ok(find(Reader::of(ctx)?, vec![key], &Selection::of(ctx)).await.graphql()?.next().flatten())
}

/// The query of the records that fit a filter.
///
/// # Errors
/// `BAD_USER_INPUT` for its arguments, [`DomainError::Database`].
pub async fn all<C>(
    ctx: &Context<'_>,
    filter: Option<<C::Item as Listable>::Filter>,
    order: Option<<C::Item as Listable>::Order>,
    arguments: &PageArguments,
) -> GraphqlResult<C>
where
    C: Connection,
    C::Item: Listable,
{
    let reader = Reader::of(ctx)?;
    let list = list::<C::Item>(reader, &filter.unwrap_or_default(), order, None);
    page(reader, list, arguments, &Selection::root(ctx)).await.graphql()
}

/// The page of the records of each region that a field asks for.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn of_regions<C>(
    reader: &Reader,
    regions: &[&str],
    filter: Option<<C::Item as Listable>::Filter>,
    order: Option<<C::Item as Listable>::Order>,
    (arguments, field): (&PageArguments, &Selected),
) -> Result<Vec<Result<C, DomainError>>, DomainError>
where
    C: Connection,
    C::Item: Listable,
{
    let filter = filter.unwrap_or_default();
    let lists = regions.iter().map(|region| list::<C::Item>(reader, &filter, order, Some(region)));
    let lists: Result<Vec<_>, _> = lists.collect();
    pages(reader, lists.and_then(same_list), arguments, field, regions.len()).await
}

/// The statement that finds records of a type by keys of one kind.
fn by_key(reader: &Reader, of: RecordType, key: &Key, fetch: &Fetch, sees: &str) -> KeyedStatement {
    let dialect = reader.dialect();
    let lookup = key.lookup(of, dialect);
    let sql = format!(
        "SELECT k.n, {} FROM {} {} {} {} AS r ON r.id = {} {} WHERE {sees} ORDER BY k.n",
        fetch.columns,
        lookup.keys.source(dialect),
        lookup.join,
        dialect.join(),
        of.prefix(),
        lookup.id,
        fetch.joins,
    );
    KeyedStatement { sql, keys: lookup.keys }
}

/// For each key, in order, the record if the viewer may see it: these columns, without relations. All keys are of one
/// kind.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn rows<N: Node>(
    reader: &Reader,
    keys: Vec<Key>,
    columns: N::Columns,
) -> Result<Vec<Option<N>>, DomainError> {
    let mut found: Vec<Option<N>> = keys.iter().map(|_| None).collect();
    let Some(first) = keys.first() else { return Ok(found) };
    let sees = N::sees(&reader.viewer, reader.dialect(), "r");
    let statement = by_key(reader, N::TYPE, first, &columns.fetch("r"), &sees);
    let keys = keys.into_iter().map(Key::into_row).collect();
    for (position, mut row) in reader.db.read(&statement, keys).await? {
        found[position] = Some(N::read(columns, &mut row, &reader.viewer)?);
    }
    Ok(found)
}

/// For each key, in order, the record if the viewer may see it, with its selected relations. All keys are of one kind.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn find<N: Node>(
    reader: &Reader,
    keys: Vec<Key>,
    want: &Selection,
) -> Result<std::vec::IntoIter<Option<N>>, DomainError> {
    let found = rows::<N>(reader, keys, N::columns(want)).await?;
    let places: Vec<bool> = found.iter().map(Option::is_some).collect();
    let mut nodes: Vec<N> = found.into_iter().flatten().collect();
    N::fill(reader, &mut nodes, want).await?;
    let mut nodes = nodes.into_iter();
    let filled: Vec<_> = places.into_iter().map(|there| if there { nodes.next() } else { None }).collect();
    Ok(filled.into_iter())
}

/// For each id, in order, the record if the viewer may see it, with its selected relations.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn by_ids<N: Node>(
    reader: &Reader,
    ids: &[Uuid],
    want: &Selection,
) -> Result<std::vec::IntoIter<Option<N>>, DomainError> {
    find(reader, ids.iter().map(|id| Key::Id(*id)).collect(), want).await
}

/// Reads the relations of the records of several parents together.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn fill_groups<N: Node>(
    reader: &Reader,
    groups: Vec<Vec<N>>,
    want: &Selection,
) -> Result<Vec<Vec<N>>, DomainError> {
    let sizes: Vec<usize> = groups.iter().map(Vec::len).collect();
    let mut nodes: Vec<N> = groups.into_iter().flatten().collect();
    N::fill(reader, &mut nodes, want).await?;
    let mut nodes = nodes.into_iter();
    Ok(sizes.into_iter().map(|size| nodes.by_ref().take(size).collect()).collect())
}

/// The page of a list that a field asks for, for each of its `count` parents. Invalid arguments give the same error for
/// each parent, which is reported at its field.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn pages<C>(
    reader: &Reader,
    list: Result<Listed, DomainError>,
    arguments: &PageArguments,
    field: &Selected,
    count: usize,
) -> Result<Vec<Result<C, DomainError>>, DomainError>
where
    C: Connection,
    C::Item: Node,
{
    let checked = list.and_then(|(list, parents)| Ok((list.page(arguments, &parents)?, list, parents)));
    let (page, list, parents) = match checked {
        Ok(checked) => checked,
        Err(refusal) => return Ok((0..count).map(|_| Err(refusal.clone())).collect()),
    };
    let want = nodes_wanted(field, C::NAME, C::EDGE);
    let columns = C::Item::columns(&want);
    let total = total_wanted(field, C::NAME);
    let read = |row: &mut _| C::Item::read(columns, row, &reader.viewer);
    let pages = list.read(&reader.db, parents, &page, &columns.fetch("r"), total, read).await?;
    let (pages, mut nodes) = PageOf::apart(pages);
    C::Item::fill(reader, &mut nodes, &want).await?;
    Ok(PageOf::together(pages, nodes).into_iter().map(|page| Ok(C::new(page))).collect())
}

/// The page of a list without parents.
///
/// # Errors
/// `BAD_USER_INPUT` for its arguments, [`DomainError::Database`].
pub async fn page<C>(
    reader: &Reader,
    list: Result<(List, KeyRow), DomainError>,
    arguments: &PageArguments,
    field: &Selected,
) -> Result<C, DomainError>
where
    C: Connection,
    C::Item: Node,
{
    let list = list.map(|(list, row)| (list, vec![row]));
    let mut pages = pages(reader, list, arguments, field, 1).await?;
    pages.pop().unwrap_or_else(|| Err(DomainError::Stored("no page".into())))
}

/// Declares a group of columns from one table: the struct, its columns, the fields of the schema that it answers, and
/// how it is read.
///
/// A line is `member: Type = reader [columns] => fields;`. The reader takes the columns of its line from a row. A member
/// whose columns are those of another table has `joined by function` after its columns: the function adds them, and the
/// join.
#[macro_export]
macro_rules! group {
    ($(#[$doc:meta])* $vis:vis struct $name:ident {
        $(
            $(#[$member_doc:meta])*
            $member:ident: $type:ty = $read:path [$($column:ident)*] $(joined by $join:path)? => $($field:ident)*;
        )*
    }) => {
        $(#[$doc])*
        $vis struct $name {
            $($(#[$member_doc])* pub $member: $type,)*
        }

        impl $name {
            /// The columns that [`Self::read`] reads, in order.
            pub const COLUMNS: &'static [&'static str] = &[$($(stringify!($column),)*)*];
            /// The fields of the schema that the group answers.
            pub const FIELDS: &'static [&'static str] = &[$($(stringify!($field),)*)*];

            /// Adds the columns of the row `alias`, and the joins that they need.
            pub fn fetch(alias: &str, columns: &mut Vec<String>, joins: &mut Vec<String>) {
                columns.extend(Self::COLUMNS.iter().map(|column| format!("{alias}.{column}")));
                $($($join(alias, columns, joins);)?)*
                let _ = joins;
            }

            /// Reads the columns that [`Self::fetch`] adds.
            pub fn read(
                row: &mut $crate::read::Row,
            ) -> Result<Self, $crate::error::DomainError> {
                Ok(Self { $($member: $read(row)?,)* })
            }
        }
    };
}

/// Declares the groups of columns of a type from one table: which of them a selection needs, and what is fetched then.
///
/// The columns in brackets are read always, after those of every record; the fields behind them need no group.
#[macro_export]
macro_rules! columns {
    (
        $(#[$doc:meta])*
        pub struct $columns:ident of $node:ident [$($always:ident)*] => $($field:ident)*;
        $($group:ident: $type:ty,)*
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[allow(clippy::struct_excessive_bools, reason = "each group is wanted or not, whatever the others are")]
        pub struct $columns {
            $(pub(super) $group: bool,)*
        }

        impl $crate::node::ColumnGroups for $columns {
            const FIELDS: &'static [&'static [&'static str]] =
                &[&[$(stringify!($field),)*], $(<$type>::FIELDS,)*];

            fn of(want: &$crate::read::Selection) -> Self {
                let name = <$node as $crate::node::Node>::NAME;
                Self { $($group: want.has(name, <$type>::FIELDS),)* }
            }

            fn fetch(self, alias: &str) -> $crate::list::Fetch {
                let mut columns = vec![$crate::columns_of(alias, $crate::Head::COLUMNS)];
                columns.extend([$(stringify!($always),)*].map(|column| format!("{alias}.{column}")));
                let mut joins = Vec::new();
                $(if self.$group {
                    <$type>::fetch(alias, &mut columns, &mut joins);
                })*
                $crate::list::Fetch { columns: columns.join(", "), joins: joins.join(" ") }
            }
        }
    };
}
