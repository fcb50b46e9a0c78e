//! Figures of the directory as it stands, for the viewer who asks.

use std::collections::HashMap;

use async_graphql::{Context, Object};

use crate::organization::OrganizationNode;
use crate::partnership::PartnershipNode;
use crate::region::RegionNode;
use kernel::error::{DomainError, GraphqlResult, IntoGraphql};
use kernel::node::Node as _;
use kernel::read::{KeyColumns, KeyType, KeyValue, KeyedStatement, Row, Selection};
use kernel::reader::Reader;
use kernel::value::Money;
use kernel::vocabulary::graphql::{SectorNode, TermNode};
use kernel::vocabulary::{Vocabulary, sector_facets, vocabularies};

mod store;

/// Figures of the directory, or of a part of it.
#[derive(Clone, Debug, Default)]
pub struct Statistics {
    organizations: i64,
    talents: i64,
    partnerships: i64,
    cross_border: i64,
    by_kind: Vec<KindCount>,
    by_sector: Vec<SectorCount>,
    awards: Vec<AwardSum>,
}

/// Organizations of a kind.
#[derive(Clone, Debug)]
pub struct KindCount {
    kind: TermNode,
    count: i64,
}

/// Organizations of a sector.
#[derive(Clone, Debug)]
pub struct SectorCount {
    sector: SectorNode,
    count: i64,
}

/// Money that a funder has awarded to applicants of a region, for projects of a genre.
#[derive(Clone, Debug)]
pub struct AwardSum {
    funder: Option<OrganizationNode>,
    region: Option<RegionNode>,
    genre: Option<TermNode>,
    amount: Money,
    count: i64,
}

/// Figures counted from the directory as it stands, for this viewer.
#[Object]
impl Statistics {
    /// Number of organizations.
    async fn organization_count(&self) -> i64 {
        self.organizations
    }

    /// Number of talents.
    async fn talent_count(&self) -> i64 {
        self.talents
    }

    /// Number of partnerships.
    async fn partnership_count(&self) -> i64 {
        self.partnerships
    }

    /// Number of partnerships with parties of two countries or more.
    async fn cross_border_partnership_count(&self) -> i64 {
        self.cross_border
    }

    /// Organizations by main kind, the most frequent first.
    async fn organizations_by_kind(&self) -> &[KindCount] {
        &self.by_kind
    }

    /// Organizations by sector, the most frequent first. An organization counts for the sectors above its own, too.
    async fn organizations_by_sector(&self) -> &[SectorCount] {
        &self.by_sector
    }

    /// Money that was awarded by calls for projects that are AWARDED: a sum for each funder, region of the applicant, genre
    /// and currency, the greatest first. Of a region these are the awards of the calls that it answers for or funds, of a
    /// sector those of its calls. Sums that no amount can state are left out.
    async fn awards(&self) -> &[AwardSum] {
        &self.awards
    }
}

/// Number of organizations of a kind.
#[Object]
impl KindCount {
    /// The kind.
    async fn kind(&self) -> &TermNode {
        &self.kind
    }

    /// How many.
    async fn count(&self) -> i64 {
        self.count
    }
}

/// Number of organizations of a sector.
#[Object]
impl SectorCount {
    /// The sector.
    async fn sector(&self) -> &SectorNode {
        &self.sector
    }

    /// How many.
    async fn count(&self) -> i64 {
        self.count
    }
}

/// Money that a funder has awarded to applicants of a region, for projects of a genre.
#[Object]
impl AwardSum {
    /// The organization that gives it; null where this viewer does not see it.
    async fn funder(&self) -> Option<&OrganizationNode> {
        self.funder.as_ref()
    }

    /// The region that answers for the applicants; null where this viewer does not see them.
    async fn region(&self) -> Option<RegionNode> {
        self.region.clone()
    }

    /// The genre of the projects.
    async fn genre(&self) -> Option<&TermNode> {
        self.genre.as_ref()
    }

    /// The sum of the awards.
    async fn amount(&self) -> Money {
        self.amount
    }

    /// How many awards.
    async fn count(&self) -> i64 {
        self.count
    }
}

/// Name of the type in the schema.
const TYPE: &str = "Statistics";

/// The records that are counted: those of any of the regions and any of the sectors. An empty list is no limit.
#[derive(Clone, Debug, Default)]
struct Part {
    regions: Vec<String>,
    facets: Vec<String>,
}

/// Figures of each region.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn of_regions(
    reader: &Reader,
    regions: &[&str],
    want: &Selection,
) -> Result<Vec<Statistics>, DomainError> {
    let parts = regions.iter().map(|region| Part { regions: vec![(*region).to_owned()], facets: Vec::new() });
    read(reader, &parts.collect::<Vec<_>>(), want).await
}

async fn read(reader: &Reader, parts: &[Part], want: &Selection) -> Result<Vec<Statistics>, DomainError> {
    let mut all: Vec<Statistics> = parts.iter().map(|_| Statistics::default()).collect();
    let (dialect, viewer) = (reader.dialect(), &reader.viewer);
    let record = viewer.sees_record(dialect, "o");
    let partnership = PartnershipNode::sees(viewer, dialect, "o");
    if want.has(TYPE, &["organizationCount"]) {
        for (part, mut row) in run(reader, parts, ("organization", ""), "COUNT(*)", &record, "").await? {
            all[part].organizations = row.get()?;
        }
    }
    if want.has(TYPE, &["talentCount"]) {
        for (part, mut row) in run(reader, parts, ("talent", ""), "COUNT(*)", &record, "").await? {
            all[part].talents = row.get()?;
        }
    }
    if want.has(TYPE, &["partnershipCount", "crossBorderPartnershipCount"]) {
        let both = "COUNT(*), COUNT(CASE WHEN o.cross_border THEN 1 END)";
        for (part, mut row) in run(reader, parts, ("partnership", ""), both, &partnership, "").await? {
            all[part].partnerships = row.get()?;
            all[part].cross_border = row.get()?;
        }
    }
    if want.has(TYPE, &["organizationsByKind"]) {
        let kinds = vocabularies().terms(Vocabulary::OrganizationKind);
        for (part, mut row) in
            run(reader, parts, ("organization", ""), "COUNT(*), o.kind", &record, "o.kind").await?
        {
            let (count, slug): (i64, String) = (row.get()?, row.get()?);
            all[part].by_kind.extend(kinds.get(&slug).map(|kind| KindCount { kind: TermNode(kind), count }));
        }
        for statistics in &mut all {
            statistics.by_kind.sort_by(|a, b| b.count.cmp(&a.count).then(a.kind.0.slug.cmp(&b.kind.0.slug)));
        }
    }
    if want.has(TYPE, &["organizationsBySector"]) {
        by_sector(reader, parts, &record, &mut all).await?;
    }
    if let Some(below) = want.below(TYPE, "awards") {
        for (statistics, awards) in all.iter_mut().zip(store::awards(reader, parts, &below).await?) {
            statistics.awards = awards;
        }
    }
    Ok(all)
}

async fn by_sector(
    reader: &Reader,
    parts: &[Part],
    sees: &str,
    all: &mut [Statistics],
) -> Result<(), DomainError> {
    let sectors = vocabularies();
    let mut counts: Vec<HashMap<&str, i64>> = parts.iter().map(|_| HashMap::new()).collect();
    // Grouped by the list as stored: few distinct lists, each counted for its sectors and those above them.
    for (part, mut row) in
        run(reader, parts, ("organization", ""), "COUNT(*), o.sectors", sees, "o.sectors").await?
    {
        let count: i64 = row.get()?;
        let slugs: Vec<String> = row.json()?;
        let mut closure: Vec<&str> =
            slugs.iter().flat_map(|slug| sectors.sector_with_ancestors(slug)).map(String::as_str).collect();
        closure.sort_unstable();
        closure.dedup();
        for slug in closure {
            *counts[part].entry(slug).or_default() += count;
        }
    }
    for (statistics, counts) in all.iter_mut().zip(counts) {
        let known = counts.into_iter().filter_map(|(slug, count)| {
            sectors.sectors.get(slug).map(|sector| SectorCount { sector: SectorNode(sector), count })
        });
        statistics.by_sector = known.collect();
        statistics
            .by_sector
            .sort_by(|a, b| b.count.cmp(&a.count).then(a.sector.0.term.slug.cmp(&b.sector.0.term.slug)));
    }
    Ok(())
}

/// Runs one aggregate over the records `o` of a table, with what is joined to them, in each part.
async fn run(
    reader: &Reader,
    parts: &[Part],
    (table, joins): (&str, &str),
    select: &str,
    sees: &str,
    group: &str,
) -> Result<Vec<(usize, Row)>, DomainError> {
    let dialect = reader.dialect();
    let keys = KeyColumns::new(&[("regions", KeyType::Text), ("facets", KeyType::Text)]);
    let then = dialect.join();
    let within = |key: &str, facet: &str, region: &str| {
        format!(
            "(k.{key} = '[]' OR EXISTS (SELECT 1 FROM {} {then} {table}_list AS f ON f.facet = {facet} \
             AND f.region = {region} AND f.name_key = o.name_key AND f.id = o.id))",
            dialect.each(&format!("k.{key}")),
        )
    };
    // The list of one region has each record once: it is read instead of asking every record for its regions.
    let (records, regions) = if parts.iter().all(|part| part.regions.len() == 1) {
        let listed = format!(
            "CROSS JOIN {} {then} {table}_list AS l ON l.facet = '' AND l.region = v.value {then} {table} AS o ON o.id = l.id",
            dialect.each("k.regions")
        );
        (listed, "TRUE".to_owned())
    } else {
        (format!("CROSS JOIN {table} AS o"), within("regions", "''", "v.value"))
    };
    let comma = if group.is_empty() { "" } else { ", " };
    let statement = KeyedStatement {
        sql: format!(
            "SELECT k.n, {select} FROM {} {records} {joins} WHERE {sees} AND {regions} AND {} \
             GROUP BY k.n{comma}{group} ORDER BY k.n",
            keys.source(dialect),
            within("facets", "v.value", "''"),
        ),
        keys,
    };
    let json = |values: &[String]| serde_json::Value::from(values.to_vec()).to_string();
    let rows = parts
        .iter()
        .map(|part| vec![KeyValue::Text(json(&part.regions)), KeyValue::Text(json(&part.facets))]);
    reader.db.read(&statement, rows.collect()).await
}

/// Queries of figures.
#[derive(Clone, Copy, Debug, Default)]
pub struct StatisticsQuery;

/// Queries of figures.
#[Object]
impl StatisticsQuery {
    /// Figures counted from the directory as it stands, for this viewer.
    async fn statistics(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Slugs of regions: only what they answer for, or what serves them or has a party of them."
        )]
        regions: Option<Vec<String>>,
        #[graphql(desc = "Slugs of sectors; each stands for those below it as well.")] sectors: Option<
            Vec<String>,
        >,
    ) -> GraphqlResult<Statistics> {
        let regions = vocabularies().regions.checked("regions", "region", regions.as_deref()).graphql()?;
        let facets = sector_facets("sectors", sectors.as_deref()).graphql()?.into_iter().flatten().collect();
        let reader = Reader::of(ctx)?;
        let mut all = read(reader, &[Part { regions, facets }], &Selection::of(ctx)).await.graphql()?;
        Ok(all.pop().unwrap_or_default())
    }
}
