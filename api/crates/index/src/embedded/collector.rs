//! Collects the best hits, the total and the counts of facets in one pass.

use std::cmp::Ordering;
use std::collections::HashMap;

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::{Column, StrColumn};
use tantivy::{DocId, Score, SegmentOrdinal, SegmentReader};
use uuid::Uuid;

use super::index::{facet_field, type_of};
use crate::engine::{Found, Hit, MAX_FACET_VALUES};
use crate::kind::SearchFacet;

/// A hit while it is collected. Hits are ordered by score, name and id, so that the order is always the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    /// In thousandths: rounding makes sums of the same constants equal, whatever their order.
    score: u32,
    order: u64,
    id: (u64, u64),
    of: u64,
}

impl Candidate {
    fn before(&self, other: &Self) -> Ordering {
        let by_score = other.score.cmp(&self.score);
        by_score.then(self.order.cmp(&other.order)).then(self.id.cmp(&other.id))
    }
}

/// Collects the best hits, the total and the facets.
#[derive(Debug)]
pub(super) struct Best {
    pub(super) offset: usize,
    pub(super) limit: usize,
    pub(super) facets: Vec<SearchFacet>,
    /// Only hits within a chord of this squared length from this unit vector.
    pub(super) near: Option<([f64; 3], f64)>,
    /// The number of words in the query.
    pub(super) words: usize,
}

impl Best {
    fn wanted(&self) -> usize {
        self.offset + self.limit
    }
}

pub(super) struct SegmentBest {
    wanted: usize,
    best: Vec<Candidate>,
    /// Score and order of the last hit, once enough are kept: hits that would come after it are dropped.
    least: (u32, u64),
    total: u64,
    order: Column<u64>,
    id: (Column<u64>, Column<u64>),
    of: Column<u64>,
    near: Option<([f64; 3], f64, [Column<f64>; 3])>,
    facets: Vec<(SearchFacet, Option<StrColumn>, Vec<u32>)>,
}

/// The result of one segment.
pub(super) type Part = (Vec<Candidate>, u64, Vec<(SearchFacet, HashMap<String, u64>)>);

impl SegmentBest {
    fn keep(&mut self) {
        self.best.sort_unstable_by(Candidate::before);
        self.best.truncate(self.wanted);
        if let Some(last) = self.best.last().filter(|_| self.best.len() == self.wanted) {
            self.least = (last.score, last.order);
        }
    }
}

impl SegmentCollector for SegmentBest {
    type Fruit = Part;

    fn collect(&mut self, doc: DocId, score: Score) {
        if let Some((from, most, columns)) = &self.near {
            let place =
                columns.iter().zip(from).map(|(column, at)| column.first(doc).map(|c| (c - at).powi(2)));
            if place.sum::<Option<f64>>().is_none_or(|square| square > *most) {
                return;
            }
        }
        self.total += 1;
        for (_, column, counts) in &mut self.facets {
            if let Some(column) = column {
                for ord in column.term_ords(doc) {
                    if let Some(count) = usize::try_from(ord).ok().and_then(|ord| counts.get_mut(ord)) {
                        *count += 1;
                    }
                }
            }
        }
        if self.wanted > 0 {
            let first = |column: &Column<u64>| column.first(doc).unwrap_or_default();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "scores are sums of a few small positive numbers"
            )]
            let score = (score * 1000.0).round() as u32;
            if score < self.least.0 {
                return;
            }
            let order = first(&self.order);
            if score == self.least.0 && order > self.least.1 {
                return;
            }
            self.best.push(Candidate {
                score,
                order,
                id: (first(&self.id.0), first(&self.id.1)),
                of: first(&self.of),
            });
            if self.best.len() >= 2 * self.wanted + 256 {
                self.keep();
            }
        }
    }

    fn harvest(mut self) -> Part {
        self.keep();
        let facets = self.facets.into_iter().map(|(facet, column, counts)| {
            let mut named = HashMap::new();
            let counted = counts.into_iter().enumerate().filter(|(_, count)| *count > 0);
            for (ord, count) in counted {
                let mut value = String::new();
                let known = column.as_ref().map(|column| column.ord_to_str(ord as u64, &mut value));
                if let Some(Ok(true)) = known {
                    named.insert(value, u64::from(count));
                }
            }
            (facet, named)
        });
        (self.best, self.total, facets.collect())
    }
}

impl Collector for Best {
    type Fruit = Found;
    type Child = SegmentBest;

    fn for_segment(&self, _: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<SegmentBest> {
        let fast = segment.fast_fields();
        let facets = self.facets.iter().map(|facet| {
            let column = fast.str(facet_field(*facet))?;
            let count = column.as_ref().map_or(0, |column| column.num_terms());
            Ok((*facet, column, vec![0; count]))
        });
        let near = match self.near {
            Some((from, most)) => Some((from, most, [fast.f64("x")?, fast.f64("y")?, fast.f64("z")?])),
            None => None,
        };
        Ok(SegmentBest {
            wanted: self.wanted(),
            best: Vec::new(),
            least: (0, u64::MAX),
            total: 0,
            order: fast.u64("order")?,
            id: (fast.u64("id_high")?, fast.u64("id_low")?),
            of: fast.u64("of")?,
            near,
            facets: facets.collect::<tantivy::Result<_>>()?,
        })
    }

    fn requires_scoring(&self) -> bool {
        self.wanted() > 0 && self.words > 0
    }

    fn merge_fruits(&self, parts: Vec<Part>) -> tantivy::Result<Found> {
        let mut best = Vec::new();
        let mut total = 0;
        let mut counts: Vec<(SearchFacet, HashMap<String, u64>)> =
            self.facets.iter().map(|facet| (*facet, HashMap::new())).collect();
        for (candidates, part, facets) in parts {
            best.extend(candidates);
            total += part;
            for ((_, sum), (_, more)) in counts.iter_mut().zip(facets) {
                for (value, count) in more {
                    *sum.entry(value).or_default() += count;
                }
            }
        }
        best.sort_unstable_by(Candidate::before);
        #[expect(clippy::cast_precision_loss, reason = "at most ten words")]
        let most = 2.0 * self.words.max(1) as f64 + 0.8;
        let page = best.into_iter().skip(self.offset).take(self.limit);
        let hits = page.filter_map(|candidate| {
            let score = (f64::from(candidate.score) / 1000.0 / most).clamp(0.0, 1.0);
            Some(Hit {
                id: Uuid::from_u64_pair(candidate.id.0, candidate.id.1),
                of: type_of(candidate.of)?,
                score: if self.words == 0 { 1.0 } else { score },
            })
        });
        let facets = counts.into_iter().map(|(facet, counts)| {
            let mut values: Vec<(String, u64)> = counts.into_iter().collect();
            values.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            values.truncate(MAX_FACET_VALUES);
            (facet, values)
        });
        Ok(Found { hits: hits.collect(), total, facets: facets.collect() })
    }
}

/// Collects ids and revisions in the order of the ids.
#[derive(Debug)]
pub(super) struct Walk {
    pub(super) after: Option<Uuid>,
    pub(super) limit: usize,
}

pub(super) struct SegmentWalk {
    after: Option<Uuid>,
    id: (Column<u64>, Column<u64>),
    revision: Column<u64>,
    found: Vec<(Uuid, i32)>,
}

impl SegmentCollector for SegmentWalk {
    type Fruit = Vec<(Uuid, i32)>;

    fn collect(&mut self, doc: DocId, _: Score) {
        let first = |column: &Column<u64>| column.first(doc).unwrap_or_default();
        let id = Uuid::from_u64_pair(first(&self.id.0), first(&self.id.1));
        if self.after.is_none_or(|after| id > after) {
            self.found.push((id, i32::try_from(first(&self.revision)).unwrap_or(i32::MAX)));
        }
    }

    fn harvest(self) -> Self::Fruit {
        self.found
    }
}

impl Collector for Walk {
    type Fruit = Vec<(Uuid, i32)>;
    type Child = SegmentWalk;

    fn for_segment(&self, _: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<SegmentWalk> {
        let fast = segment.fast_fields();
        Ok(SegmentWalk {
            after: self.after,
            id: (fast.u64("id_high")?, fast.u64("id_low")?),
            revision: fast.u64("revision")?,
            found: Vec::new(),
        })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, parts: Vec<Vec<(Uuid, i32)>>) -> tantivy::Result<Vec<(Uuid, i32)>> {
        let mut all: Vec<(Uuid, i32)> = parts.into_iter().flatten().collect();
        all.sort_unstable();
        // All documents of one record are in the same page: the next page begins with another record.
        let end = all.get(self.limit.saturating_sub(1)).map(|(last, _)| *last);
        all.retain(|(id, _)| end.is_none_or(|end| *id <= end));
        Ok(all)
    }
}
