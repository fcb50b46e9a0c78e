//! Lists: one way to read a page of anything, for one parent or for many at once.
//!
//! A list is an index range in the order of the page. The inner statement walks that range and yields ids;
//! the outer one fetches the rows. Both databases run the same text but for the join (see
//! [`Dialect::join_some`]).

use std::sync::Arc;

use async_graphql::Enum;

use super::columns_of;
use super::error::DomainError;
use super::node::Node;
use super::page::{Cursor, CursorTag, Page, PageArguments, PageInfo, PageOf, Position};
use super::policy::Viewer;
use super::read::{Database, Dialect, KeyColumns, KeyRow, KeyType, KeyValue, KeyedStatement, Row};
use super::value::DateTime;

/// The order of a list.
#[derive(Clone, Debug)]
pub struct Order {
    /// Name of the order, which cursors are bound to.
    pub name: &'static str,
    /// Sort key in the inner statement, as its index has it.
    pub inner: String,
    /// The same sort key on the row `r`.
    pub outer: String,
    /// Type of the sort key.
    pub key_type: KeyType,
    /// Whether the greatest comes first.
    pub descending: bool,
}

/// A list: its table, its order and its conditions.
#[derive(Clone, Debug)]
pub struct List {
    /// Name of the list, which cursors are bound to.
    pub name: &'static str,
    /// The key column with the parent of the list, to which cursors are bound as well; none for a list without parents.
    pub parent: Option<&'static str>,
    /// Table of the rows.
    pub table: &'static str,
    /// `FROM` of the inner statement.
    pub from: String,
    /// Id of the row in the inner statement.
    pub id: String,
    /// The order.
    pub order: Order,
    /// Key columns that the conditions name as `k.<name>`.
    pub keys: KeyColumns,
    /// Conditions of the inner statement, all of which hold; the viewer's is among them.
    pub conditions: Vec<String>,
    /// A second range, whose rows are listed too; none for most lists.
    pub second: Option<SecondRange>,
}

/// A second range of a list, for rows that another index finds. No row is in both ranges. Each range yields at most a page, and
/// the page is made of both.
#[derive(Clone, Debug)]
pub struct SecondRange {
    /// `FROM` of its statement, with the names of the first one.
    pub from: String,
    /// Its conditions, all of which hold; the viewer's is among them.
    pub conditions: Vec<String>,
}

/// The columns and joins to fetch for each row `r`.
#[derive(Clone, Debug)]
pub struct Fetch {
    /// Columns, with commas.
    pub columns: String,
    /// Joins of to-one relations.
    pub joins: String,
}

impl List {
    /// The tags of the cursors of each parent's list.
    fn tags<'a>(&self, parents: &'a [KeyRow]) -> impl Iterator<Item = CursorTag> + use<'a> {
        let list = CursorTag::new(self.name, self.order.name, self.order.descending);
        let place = self.parent.and_then(|name| self.keys.position(name));
        parents.iter().map(move |parent| match place.and_then(|place| parent.get(place)) {
            Some(whose) => list.of(whose),
            None => list,
        })
    }

    /// Checks paging arguments against the lists of these parents and this order.
    ///
    /// # Errors
    /// `BAD_USER_INPUT`, saying what is allowed.
    pub fn page(&self, arguments: &PageArguments, parents: &[KeyRow]) -> Result<Page, DomainError> {
        let tags: Vec<CursorTag> =
            if arguments.has_cursor() { self.tags(parents).collect() } else { Vec::new() };
        arguments.page(&tags, self.order.key_type)
    }

    fn statement(&self, dialect: Dialect, page: &Page, fetch: &Fetch) -> KeyedStatement {
        let mut keys = self.keys.clone();
        let mut within = Vec::new();
        let Order { inner, outer, key_type, descending, .. } = &self.order;
        let id = &self.id;
        for (name, position, beyond) in
            [("after", &page.after, !descending), ("before", &page.before, *descending)]
        {
            if position.is_some() {
                keys.push(&format!("{name}_key"), *key_type);
                keys.push(&format!("{name}_id"), KeyType::Id);
                let sign = if beyond { '>' } else { '<' };
                if dialect == Dialect::Sqlite {
                    // SQLite does not seek by a row value of an expression and a column. It does seek by the expression
                    // alone.
                    within.push(format!("{inner} {sign}= k.{name}_key"));
                }
                within.push(format!("({inner}, {id}) {sign} (k.{name}_key, k.{name}_id)"));
            }
        }
        let direction = if *descending == page.backward { "ASC" } else { "DESC" };
        let limit = page.limit + 1;
        let range = |columns: &str, from: &str, conditions: &[String]| {
            format!(
                "SELECT {columns} FROM {from} WHERE {} ORDER BY {inner} {direction}, {id} {direction} LIMIT {limit}",
                conditions.iter().chain(&within).map(String::as_str).collect::<Vec<_>>().join(" AND "),
            )
        };
        let rows = match &self.second {
            None => range(&format!("{id} AS id"), &self.from, &self.conditions),
            Some(second) => {
                let columns = format!("{id} AS id, {inner} AS place");
                format!(
                    "SELECT u.id FROM (SELECT * FROM ({}) AS u1 UNION ALL SELECT * FROM ({}) AS u2) AS u \
                     ORDER BY u.place {direction}, u.id {direction} LIMIT {limit}",
                    range(&columns, &self.from, &self.conditions),
                    range(&columns, &second.from, &second.conditions),
                )
            }
        };
        let sql = format!(
            "SELECT k.n, {outer}, r.id, {columns} FROM {source} {rows} {joins} \
             ORDER BY k.n, {outer} {direction}, r.id {direction}",
            columns = fetch.columns,
            source = keys.source(dialect),
            rows = dialect.join_some(self.table, "id", &rows),
            joins = fetch.joins,
        );
        KeyedStatement { sql, keys }
    }

    fn count_statement(&self, dialect: Dialect) -> KeyedStatement {
        let count = |from: &str, conditions: &[String]| {
            format!("(SELECT COUNT(*) FROM {from} WHERE {})", conditions.join(" AND "))
        };
        let mut total = count(&self.from, &self.conditions);
        if let Some(second) = &self.second {
            total = format!("{total} + {}", count(&second.from, &second.conditions));
        }
        let sql = format!("SELECT k.n, {total} FROM {} ORDER BY k.n", self.keys.source(dialect));
        KeyedStatement { sql, keys: self.keys.clone() }
    }

    /// Reads these columns of a page of the list of one parent, or of a list without parents, in one statement. The
    /// total takes one more.
    ///
    /// # Errors
    /// [`DomainError::Database`], or the error of `decode`.
    pub async fn read_one<T>(
        &self,
        db: &Arc<Database>,
        parent: KeyRow,
        page: &Page,
        columns: &[&str],
        want_total: bool,
        decode: impl FnMut(&mut Row) -> Result<T, DomainError>,
    ) -> Result<PageOf<T>, DomainError> {
        let fetch = Fetch { columns: columns_of("r", columns), joins: String::new() };
        let mut pages = self.read(db, vec![parent], page, &fetch, want_total, decode).await?;
        pages.pop().ok_or_else(|| DomainError::Stored("no page".into()))
    }

    /// Reads the same page of the list of each parent in one statement. The totals take one more.
    ///
    /// # Errors
    /// [`DomainError::Database`], or the error of `decode`.
    pub async fn read<T>(
        &self,
        db: &Arc<Database>,
        parents: Vec<KeyRow>,
        page: &Page,
        fetch: &Fetch,
        want_total: bool,
        mut decode: impl FnMut(&mut Row) -> Result<T, DomainError>,
    ) -> Result<Vec<PageOf<T>>, DomainError> {
        let mut found: Vec<Vec<(Position, T)>> = parents.iter().map(|_| Vec::new()).collect();
        let mut totals: Vec<Option<i64>> = vec![None; parents.len()];
        if want_total {
            for (parent, mut row) in db.read(&self.count_statement(db.dialect()), parents.clone()).await? {
                totals[parent] = Some(row.get()?);
            }
        }
        let tags: Vec<CursorTag> = self.tags(&parents).collect();
        let keys = parents.into_iter().map(|mut row| {
            for position in [&page.after, &page.before].into_iter().flatten() {
                row.push(position.key.clone());
                row.push(KeyValue::Id(position.id));
            }
            row
        });
        for (parent, mut row) in db.read(&self.statement(db.dialect(), page, fetch), keys.collect()).await? {
            let key = match self.order.key_type {
                KeyType::Bytes => KeyValue::Bytes(row.get()?),
                KeyType::Text => KeyValue::Text(row.get()?),
                KeyType::Int => KeyValue::Int(row.get()?),
                KeyType::Float => KeyValue::Float(row.get()?),
                KeyType::Id => KeyValue::Id(row.get()?),
            };
            let position = Position { key, id: row.get()? };
            found[parent].push((position, decode(&mut row)?));
        }
        let each = found.into_iter().zip(totals).zip(tags);
        Ok(each.map(|((items, total), tag)| assemble(items, total, page, tag)).collect())
    }
}

/// Removes the extra item, which only shows that there are more, and puts a backward page into the order of the list.
fn assemble<T>(mut items: Vec<(Position, T)>, total: Option<i64>, page: &Page, tag: CursorTag) -> PageOf<T> {
    let limit = usize::try_from(page.limit).unwrap_or(0);
    let more = items.len() > limit;
    items.truncate(limit);
    if page.backward {
        items.reverse();
    }
    let (has_next_page, has_previous_page) =
        if page.backward { (page.before.is_some(), more) } else { (more, page.after.is_some()) };
    let items: Vec<(Cursor, T)> =
        items.into_iter().map(|(position, item)| (Cursor::Key(tag, position), item)).collect();
    let info = PageInfo {
        has_next_page,
        has_previous_page,
        start_cursor: items.first().map(|(cursor, _)| cursor.clone()),
        end_cursor: items.last().map(|(cursor, _)| cursor.clone()),
    };
    PageOf { items, info, total }
}

/// Gathers the conditions of a filter: texts and the keys they name.
#[derive(Debug)]
pub struct Conditions {
    dialect: Dialect,
    keys: KeyColumns,
    row: KeyRow,
    texts: Vec<String>,
    overlap: Option<Overlap>,
}

/// The ends of the time that records must overlap, as far as they are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Overlap {
    from: bool,
    to: bool,
}

/// Classes of the lengths of records in time. A record of a class is at most as long as [`longest`] says.
const LENGTH_CLASSES: i16 = 12;

/// The longest that a record of a class lasts, in microseconds: two days, and four times as long with each class.
const fn longest(class: i16) -> i64 {
    2 * 86_400_000_000 * 4_i64.pow(class.unsigned_abs() as u32)
}

/// The class of the length of a record in time, in microseconds: what the column `length_class` holds.
pub fn length_class(length: i64) -> i16 {
    (0..LENGTH_CLASSES).find(|class| length <= longest(*class)).unwrap_or(LENGTH_CLASSES - 1)
}

impl Conditions {
    /// No condition yet.
    pub fn new(dialect: Dialect) -> Self {
        Self { dialect, keys: KeyColumns::default(), row: Vec::new(), texts: Vec::new(), overlap: None }
    }

    /// The SQL they are written in.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Binds a value; conditions name it `k.<name>`.
    pub fn bind(&mut self, name: &str, value: KeyValue) {
        self.keys.push(name, value.key_type());
        self.row.push(value);
    }

    /// Adds a condition.
    pub fn push(&mut self, condition: impl Into<String>) {
        self.texts.push(condition.into());
    }

    /// Whether there is a condition.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Adds the condition that some value of the list fulfils `condition`, which names it `v.value`. `from` may join
    /// tables to it.
    pub fn any(&mut self, name: &str, values: &[impl serde::Serialize], from: &str, condition: &str) {
        let list =
            serde_json::Value::Array(values.iter().filter_map(|v| serde_json::to_value(v).ok()).collect());
        self.bind(name, KeyValue::Text(list.to_string()));
        let each = self.dialect.each(&format!("k.{name}"));
        self.texts.push(format!("EXISTS (SELECT 1 FROM {each} {from} WHERE {condition})"));
    }

    /// Adds the condition that the column has one of the values.
    pub fn one_of(&mut self, name: &str, values: &[impl serde::Serialize], column: &str) {
        self.any(name, values, "", &format!("v.value = {column}"));
    }

    /// Adds the condition that the JSON list in the column has one of the values.
    pub fn list_has(&mut self, name: &str, values: &[impl serde::Serialize], column: &str) {
        let has = self.dialect.contains(column, "'\"' || v.value || '\"'");
        self.any(name, values, "", &has);
    }

    /// The record was changed at this time or later.
    pub fn updated_since(&mut self, since: Option<DateTime>) {
        if let Some(since) = since {
            self.bind("updated_since", KeyValue::Int(since.micros()));
            self.push("o.updated_at >= k.updated_since");
        }
    }

    /// The record overlaps the time from one instant until before the other. It needs the columns `starts_at_key`,
    /// `ends_at_key` (which is after it) and `length_class`; records without a date overlap nothing.
    pub fn overlap(&mut self, from: Option<DateTime>, to: Option<DateTime>) {
        if let Some(from) = from {
            self.bind("overlap_from", KeyValue::Int(from.micros()));
            self.push("o.ends_at_key > k.overlap_from");
        }
        if let Some(to) = to {
            self.bind("overlap_to", KeyValue::Int(to.micros()));
            self.push("o.starts_at_key < k.overlap_to");
        }
        let overlap = Overlap { from: from.is_some(), to: to.is_some() };
        self.overlap = (overlap.from || overlap.to).then_some(overlap);
    }

    /// The keys, their values and the conditions. A keyed statement needs at least one key column: without any,
    /// `reader` is added.
    pub fn finish(mut self) -> (KeyColumns, KeyRow, Vec<String>) {
        if self.row.is_empty() {
            self.bind("reader", KeyValue::Int(1));
        }
        (self.keys, self.row, self.texts)
    }
}

/// The values of a filter. An empty list, which a form sends when nothing is chosen, does not filter.
pub fn filled<T>(values: Option<&Vec<T>>) -> Option<&[T]> {
    values.filter(|values| !values.is_empty()).map(Vec::as_slice)
}

/// The sort key of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortKey {
    /// The name, by its collation key: the order of the list table.
    Name,
    /// A column with whole numbers, such as a time.
    Number(&'static str),
    /// A nullable column with a partial date. Null comes last in both directions.
    PartialDate(&'static str),
    /// A nullable column with a time. Null comes last in both directions.
    Time(&'static str),
    /// The beginning in time, the column `starts_at_key`. Records without a date come last in both directions.
    Start,
}

/// The sort key of what has no time, in an ascending order; in a descending one, it is negative. Indexes of such orders
/// have the same number.
pub const NO_TIME: i64 = 9_000_000_000_000_000_000;

/// The direction of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum OrderDirection {
    /// The first letter, the earliest first.
    #[default]
    Asc,
    /// The last letter, the latest first.
    Desc,
}

/// An order that a client asked for.
#[derive(Clone, Copy, Debug)]
pub struct Sort {
    /// Its name in the schema, which cursors are bound to.
    pub name: &'static str,
    /// The sort key.
    pub key: SortKey,
    /// Whether the greatest comes first.
    pub descending: bool,
}

/// The filters that the list table answers by itself.
#[derive(Clone, Debug, Default)]
pub struct Ranges<'a> {
    /// The region of the list, if the list belongs to one.
    pub within: Option<&'a str>,
    /// Any of these regions.
    pub regions: Vec<String>,
    /// For each filter by facet that is set, any of its facets.
    pub facets: Vec<Vec<String>>,
    /// Whether the conditions select a range of an index of the type's own table. Then the list is read from that table,
    /// also in the order of names.
    pub by_row: bool,
}

impl Ranges<'_> {
    /// The list of records of a type that fit the ranges and the conditions (on the row `o`), and its keys. The table
    /// `<type>_list` has them by facet and region, in the order of their names.
    pub fn list<N: Node>(self, viewer: &Viewer, sort: Sort, mut conditions: Conditions) -> (List, KeyRow) {
        let (ranges, table) = (self, N::TYPE.prefix());
        let list_table = format!("{table}_list");
        // A stored level decides alone for most viewers: then the list table answers without the record.
        let level = viewer.by_level_alone().then_some(|column: &str| viewer.level_condition(column));
        let by_name = sort.key == SortKey::Name && !ranges.by_row;
        let (mut facets, mut regions) = (ranges.facets, Vec::new());
        if by_name {
            // One facet and one region select the index range. The others are checked for each entry.
            let single = facets.iter().position(|any| any.len() == 1);
            let facet = single.and_then(|at| facets.remove(at).pop()).unwrap_or_default();
            let mut region = ranges.within.unwrap_or_default().to_owned();
            match ranges.regions.as_slice() {
                [only] if region.is_empty() => region.clone_from(only),
                several => regions = several.to_vec(),
            }
            conditions.bind("facet", KeyValue::Text(facet));
            conditions.bind("region", KeyValue::Text(region));
        } else {
            regions = ranges.regions;
        }
        let needs_row = !by_name || !conditions.is_empty() || level.is_none();
        let row = if by_name { "l" } else { "o" };
        let then = conditions.dialect().join();
        let listed = |facet: &str, region: &str| {
            format!(
                "{then} {list_table} AS f ON f.facet = {facet} AND f.region = {region} \
                 AND f.name_key = {row}.name_key AND f.id = {row}.id"
            )
        };
        if let (Some(within), false) = (ranges.within, by_name) {
            conditions.any("within", &[within], &listed("''", "v.value"), "TRUE");
        }
        if !regions.is_empty() {
            conditions.any("regions", &regions, &listed("''", "v.value"), "TRUE");
        }
        for (number, any) in facets.iter().enumerate() {
            conditions.any(&format!("facets_{number}"), any, &listed("v.value", "''"), "TRUE");
        }
        if by_name {
            conditions.push("l.facet = k.facet AND l.region = k.region");
        }
        conditions.push(match level {
            Some(level) => level(&format!("{row}.visibility")),
            None => N::sees(viewer, conditions.dialect(), "o"),
        });
        let order = sort.order(row);
        let overlap = conditions.overlap.take().filter(|_| sort.key == SortKey::Start);
        let from = match (by_name, needs_row) {
            (true, true) => format!("{list_table} AS l {then} {table} AS o ON o.id = l.id"),
            (true, false) => format!("{list_table} AS l"),
            (false, _) => format!("{table} AS o"),
        };
        let dialect = conditions.dialect();
        let (keys, key_row, mut conditions) = conditions.finish();
        let second =
            overlap.and_then(|overlap| overlap.ranges(dialect, table, &order.inner, &mut conditions));
        let parent = ranges.within.map(|_| if by_name { "region" } else { "within" });
        let list = List {
            name: N::TYPE.many(),
            parent,
            table,
            from,
            id: format!("{row}.id"),
            order,
            keys,
            conditions,
            second,
        };
        (list, key_row)
    }
}

impl Overlap {
    /// Makes of a list in the order of the beginning two ranges of indexes: the records that begin within the time, and, as a
    /// second range, those that have begun before it and are not over. For these, each class of lengths is looked up as far back
    /// as its longest record reaches, so that few are read in vain.
    fn ranges(
        self,
        dialect: Dialect,
        table: &str,
        inner: &str,
        conditions: &mut Vec<String>,
    ) -> Option<SecondRange> {
        let all = conditions.clone();
        if self.to {
            conditions.push(format!("{inner} < k.overlap_to"));
        }
        if !self.from {
            return None;
        }
        conditions.push(format!("{inner} >= k.overlap_from"));
        let classes = (0..LENGTH_CLASSES).map(|class| format!("({class}, {})", longest(class)));
        let classes = classes.collect::<Vec<_>>().join(", ");
        let reach = "o.length_class = c.column1 AND o.starts_at_key > k.overlap_from - c.column2 \
                     AND o.starts_at_key < k.overlap_from AND o.ends_at_key > k.overlap_from";
        Some(SecondRange {
            from: match dialect {
                // Joined in one query with the order, PostgreSQL would walk the index of that order from its beginning.
                Dialect::Postgres => format!(
                    "(VALUES {classes}) AS c \
                     CROSS JOIN LATERAL (SELECT * FROM {table} AS o WHERE {reach} OFFSET 0) AS o"
                ),
                Dialect::Sqlite => {
                    format!("(VALUES {classes}) AS c {} {table} AS o ON {reach}", dialect.join())
                }
            },
            conditions: all,
        })
    }
}

impl Sort {
    /// The order, with the alias of the row that has the name.
    fn order(self, named: &str) -> Order {
        let Self { name, key, descending } = self;
        let (inner, outer, key_type) = match key {
            SortKey::Name => (format!("{named}.name_key"), "r.name_key".into(), KeyType::Bytes),
            SortKey::Number(column) => (format!("o.{column}"), format!("r.{column}"), KeyType::Int),
            SortKey::Start => {
                let last = if descending { -i64::MAX } else { i64::MAX };
                (
                    format!("COALESCE(o.starts_at_key, {last})"),
                    format!("COALESCE(r.starts_at_key, {last})"),
                    KeyType::Int,
                )
            }
            SortKey::PartialDate(column) => {
                let last = if descending { "" } else { "~" };
                (
                    format!("COALESCE(o.{column}, '{last}')"),
                    format!("COALESCE(r.{column}, '{last}')"),
                    KeyType::Text,
                )
            }
            SortKey::Time(column) => {
                let last = if descending { -NO_TIME } else { NO_TIME };
                (
                    format!("COALESCE(o.{column}, {last})"),
                    format!("COALESCE(r.{column}, {last})"),
                    KeyType::Int,
                )
            }
        };
        Order { name, inner, outer, key_type, descending }
    }
}

/// A list with the keys of each parent that it is read for.
pub type Listed = (List, Vec<KeyRow>);

/// One list for several parents whose lists differ in their keys alone.
///
/// # Errors
/// [`DomainError::Stored`] where there is no parent.
pub fn same_list(lists: Vec<(List, KeyRow)>) -> Result<Listed, DomainError> {
    let rows = lists.iter().map(|(_, row)| row.clone()).collect();
    let first = lists.into_iter().next().map(|(list, _)| list);
    Ok((first.ok_or_else(|| DomainError::Stored("a list for no parent".into()))?, rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_holds_what_is_as_long_as_it_says() {
        let day = 86_400_000_000;
        for (days, class) in [(0, 0), (1, 0), (2, 0), (3, 1), (8, 1), (9, 2), (31, 2), (32, 2), (366, 4)] {
            assert_eq!(length_class(days * day), class, "{days}");
        }
        let all = DateTime::MAX.micros() - DateTime::MIN.micros();
        assert!(length_class(all) == LENGTH_CLASSES - 1 && longest(LENGTH_CLASSES - 1) >= all);
    }
}
