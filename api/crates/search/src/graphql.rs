//! `search` and `suggest`.

use std::collections::HashMap;

use async_graphql::{ComplexObject, Context, InputObject, Object, SimpleObject};
use uuid::Uuid;

use super::found::{self, SearchResult};
use super::highlight::{Highlight, highlights, matches};
use super::service::{Answer, AnsweredBy, Counted, Search};
use crate::labels::labels;
use directory::call_for_projects::status::CallStatus;
use directory::event::EventStatus;
use directory::organization::graphql::NearInput;
use directory::talent::Availability;
use identity::caller::Call;
use index::document::{Document, Text};
use index::engine::{Found, Hit, MAX_HITS, Position, Query};
use index::kind::{SearchFacet, SearchType};
use index::text::{Word, tokens};
use kernel::abstract_type::Abstract;
use kernel::error::{DomainError, GraphqlResult, IntoGraphql};
use kernel::geo::check_circle;
use kernel::list::filled;
use kernel::page::{Cursor, CursorTag, DEFAULT_PAGE, MAX_PAGE, PageInfo};
use kernel::read::{Selected, Selection};
use kernel::reader::Reader;
use kernel::value::{Language, fold};
use kernel::vocabulary::{Named, Term, Vocabulary, vocabularies};
use kernel::{all_of, name_of};
use kernel::{enumerated, records};
use records::changes::{ChangeCursor, Head};

/// Suggestions where `first` is not given.
const DEFAULT_SUGGESTIONS: i32 = 8;
/// Suggestions at most.
const MAX_SUGGESTIONS: i32 = 20;
/// Skills in a filter at most. The values of other filters are bounded by the vocabularies.
const MAX_SKILLS: usize = 100;
/// Characters of a query that are read.
const MAX_TYPED: usize = 1000;

/// The vocabularies of kinds of records that can be found.
const KINDS: [Vocabulary; 3] =
    [Vocabulary::OrganizationKind, Vocabulary::PartnershipKind, Vocabulary::EventKind];

/// Which hits. Fields combine with AND, the values of one list with OR; an empty list filters nothing.
#[derive(Clone, Debug, Default, InputObject)]
pub struct SearchFilter {
    /// Slugs of regions: those that answer for the record, or that it serves.
    pub regions: Option<Vec<String>>,
    /// Slugs of territories; each stands for those within it as well.
    pub territories: Option<Vec<String>>,
    /// Slugs of sectors; each stands for those below it as well.
    pub sectors: Option<Vec<String>>,
    /// Slugs of kinds of organizations, of partnerships and of events.
    pub kinds: Option<Vec<String>>,
    /// Slugs of occupations.
    pub occupations: Option<Vec<String>>,
    /// Skills; accents and case do not matter.
    pub skills: Option<Vec<String>>,
    /// Languages, as ISO 639-1 codes, else ISO 639-3.
    pub languages: Option<Vec<String>>,
    /// Whether a talent can take on work, as far as they show it.
    pub availability: Option<Vec<Availability>>,
    /// Where calls for projects stand and how firm events are: names of `CallStatus` and of `EventStatus`.
    pub statuses: Option<Vec<String>>,
    /// Within a circle; a record without a point of its own lies at the centre of its territory.
    pub near: Option<NearInput>,
}

impl SearchFilter {
    /// Adds the filter to a query.
    fn apply(&self, query: &mut Query) -> Result<(), DomainError> {
        let all = vocabularies();
        let mut add = |facet, mut values: Vec<String>| {
            values.sort_unstable();
            values.dedup();
            if !values.is_empty() {
                query.filters.push((facet, values));
            }
        };
        let regions = all.regions.checked("filter.regions", "region", self.regions.as_deref())?;
        add(SearchFacet::Region, regions);
        let territories =
            all.territories.checked("filter.territories", "territory", self.territories.as_deref())?;
        add(SearchFacet::Territory, territories);
        add(SearchFacet::Sector, all.sectors.checked("filter.sectors", "sector", self.sectors.as_deref())?);
        for kind in self.kinds.iter().flatten() {
            if !KINDS.into_iter().any(|vocabulary| all.terms(vocabulary).get(kind).is_some()) {
                all.terms(Vocabulary::OrganizationKind).find("filter.kinds", "kind", kind)?;
            }
        }
        add(SearchFacet::Kind, self.kinds.clone().unwrap_or_default());
        let occupations =
            all.occupations.checked("filter.occupations", "occupation", self.occupations.as_deref())?;
        add(SearchFacet::Occupation, occupations);
        let skills = filled(self.skills.as_ref()).unwrap_or_default();
        if skills.len() > MAX_SKILLS {
            let message =
                format!("`skills` has {} entries: at most {MAX_SKILLS} can be asked for.", skills.len());
            return Err(DomainError::bad_input("filter.skills", message));
        }
        add(SearchFacet::Skill, skills.iter().map(|skill| fold(skill)).collect());
        let languages = all.languages.checked("filter.languages", "language", self.languages.as_deref())?;
        add(SearchFacet::Language, languages);
        let availability = filled(self.availability.as_ref()).into_iter().flatten();
        add(SearchFacet::Availability, availability.map(|one| name_of(*one).to_owned()).collect());
        let statuses = self.statuses.clone().unwrap_or_default();
        let known: Vec<&str> =
            all_of::<CallStatus>().map(name_of).chain(all_of::<EventStatus>().map(name_of)).collect();
        if let Some(unknown) = statuses.iter().find(|name| !known.contains(&name.as_str())) {
            let shown: String = unknown.chars().take(60).flat_map(char::escape_debug).collect();
            let message = format!("There is no status `{shown}`. Known are {}.", known.join(", "));
            return Err(DomainError::bad_input("filter.statuses", message));
        }
        add(SearchFacet::Status, statuses);
        if let Some(near) = &self.near {
            check_circle("filter.near", near.latitude, near.longitude, near.radius_km)?;
            query.near = Some((near.latitude, near.longitude, near.radius_km));
        }
        Ok(())
    }
}

/// A page of hits, the best first.
#[derive(Clone, Debug)]
pub struct SearchConnection {
    edges: Vec<SearchEdge>,
    page_info: PageInfo,
    total: u64,
    facets: Vec<FacetDistribution>,
    indexed_through: Option<ChangeCursor>,
    degraded: bool,
}

/// A page of hits, the best first; equally good ones are in the order of their names.
#[Object]
impl SearchConnection {
    /// The hits with their positions, scores and snippets.
    async fn edges(&self) -> &[SearchEdge] {
        &self.edges
    }

    /// The hits alone.
    async fn nodes(&self) -> Vec<Abstract<&SearchResult>> {
        self.edges.iter().map(|edge| Abstract(&edge.node)).collect()
    }

    /// Where the page stands among the hits.
    async fn page_info(&self) -> &PageInfo {
        &self.page_info
    }

    /// About how many hits there are.
    async fn estimated_total_count(&self) -> u64 {
        self.total
    }

    /// The values of the facets that were asked for, with the numbers of hits, the most frequent first: 100 at most
    /// of each.
    async fn facets(&self) -> &[FacetDistribution] {
        &self.facets
    }

    /// The change that the index has caught up with: a client that has just written can tell whether it would find
    /// what it wrote. Null while there is no index.
    async fn indexed_through(&self) -> Option<&ChangeCursor> {
        self.indexed_through.as_ref()
    }

    /// Whether the search engine could not answer, or its index still has what was hidden or erased since: these are
    /// records whose name begins with the query, 50 at most, without facets.
    async fn degraded(&self) -> bool {
        self.degraded
    }
}

/// A hit.
#[derive(Clone, Debug)]
pub struct SearchEdge {
    cursor: Cursor,
    node: SearchResult,
    score: f64,
    highlights: Vec<Highlight>,
}

/// A hit.
#[Object]
impl SearchEdge {
    /// Position among the hits, for `after`.
    async fn cursor(&self) -> String {
        self.cursor.text()
    }

    /// The record, as this viewer may see it.
    async fn node(&self) -> Abstract<&SearchResult> {
        Abstract(&self.node)
    }

    /// How well it fits, from 0 to 1. Scores of different searches mean nothing to each other.
    async fn score(&self) -> f64 {
        self.score
    }

    /// Snippets with the words that were found, at most one for each field and four in all.
    async fn highlights(&self) -> &[Highlight] {
        &self.highlights
    }
}

/// The values of a facet.
#[derive(Clone, Debug, SimpleObject)]
pub struct FacetDistribution {
    /// The facet.
    pub facet: SearchFacet,
    /// Its values, the most frequent first.
    pub values: Vec<FacetValue>,
}

/// A value of a facet.
#[derive(Clone, Debug)]
pub struct FacetValue {
    facet: SearchFacet,
    value: String,
    count: u64,
    language: Option<Language>,
}

/// A value of a facet, and how many hits have it.
#[Object]
impl FacetValue {
    /// The value, as filters take it.
    async fn value(&self) -> &str {
        &self.value
    }

    /// What people read.
    async fn label(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "The language wanted; that of the search, else of the request, where it is not given."
        )]
        language: Option<Language>,
    ) -> GraphqlResult<String> {
        let labels =
            self.term().map(|term| term.labels.as_slice()).or_else(|| labels(self.facet, &self.value));
        let labels = labels.unwrap_or_default();
        let label = Reader::of(ctx)?.text(ctx, language.or(self.language), labels);
        Ok(label.unwrap_or(&self.value).to_owned())
    }

    /// How many hits have it.
    async fn count(&self) -> u64 {
        self.count
    }
}

impl FacetValue {
    fn term(&self) -> Option<&'static Term> {
        let (all, slug) = (vocabularies(), self.value.as_str());
        match self.facet {
            SearchFacet::Region => all.regions.get(slug).map(Named::term),
            SearchFacet::Territory => all.territories.get(slug).map(Named::term),
            SearchFacet::Sector => all.sectors.get(slug).map(Named::term),
            SearchFacet::Occupation => all.occupations.get(slug).map(Named::term),
            SearchFacet::Kind => KINDS.into_iter().find_map(|vocabulary| all.terms(vocabulary).get(slug)),
            SearchFacet::Language => all.languages.get(slug),
            SearchFacet::Genre => all.terms(Vocabulary::CallGenre).get(slug),
            SearchFacet::Type
            | SearchFacet::Skill
            | SearchFacet::Availability
            | SearchFacet::Status
            | SearchFacet::Mode => None,
        }
    }
}

/// A record that may be meant by what was typed.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct Suggestion {
    /// The record's name: the one that fits best what was typed.
    pub text: String,
    /// The record's type.
    #[graphql(name = "type")]
    pub of: SearchType,
    #[graphql(skip)]
    node: Option<SearchResult>,
}

#[ComplexObject]
impl Suggestion {
    /// The record, as this viewer may see it.
    async fn node(&self) -> GraphqlResult<Abstract<&SearchResult>> {
        let missing = || DomainError::Stored("a suggestion's record was not read".into());
        Ok(Abstract(self.node.as_ref().ok_or_else(missing).graphql()?))
    }
}

/// The number of hits up to a cursor, including its own.
fn offset(text: &str, tag: CursorTag) -> Result<usize, DomainError> {
    let offset = Cursor::read_offset("after", text, tag)?.saturating_add(1);
    let within = usize::try_from(offset).ok().filter(|offset| *offset < MAX_HITS);
    within.ok_or_else(|| {
        let message = format!(
            "A search can be paged through up to {MAX_HITS} hits. Narrow it with `filter` or `types`."
        );
        DomainError::bad_input("after", message)
    })
}

/// The number of entries that `first` asks for.
///
/// # Errors
/// `BAD_USER_INPUT` where that is below zero or above `most`.
pub(super) fn page_size(first: i32, most: i32) -> Result<usize, DomainError> {
    let message = format!("`first` is {first}: at least 0 and at most {most} are given at once.");
    let size = (0..=most).contains(&first).then(|| usize::try_from(first).ok()).flatten();
    size.ok_or_else(|| DomainError::bad_input("first", message))
}

/// Returns the types that were asked for, each once, or all types where none was.
fn types(asked: Option<Vec<SearchType>>) -> Vec<SearchType> {
    let asked = asked.filter(|types| !types.is_empty());
    let wanted = |of: &SearchType| asked.as_ref().is_none_or(|types| types.contains(of));
    all_of::<SearchType>().filter(wanted).collect()
}

fn typed(query: &str) -> &str {
    query.char_indices().nth(MAX_TYPED).map_or(query, |(end, _)| &query[..end])
}

/// Reads the records of these hits as the viewer may see them, in the order of the hits. Hits that were hidden since
/// are left out.
async fn read(
    reader: &Reader,
    hits: &[Hit],
    want: &Selection,
) -> Result<Vec<(Hit, SearchResult)>, DomainError> {
    let mut found: HashMap<Uuid, SearchResult> = HashMap::new();
    for of in all_of::<SearchType>() {
        let ids: Vec<Uuid> = hits.iter().filter(|hit| hit.of == of).map(|hit| hit.id).collect();
        if !ids.is_empty() {
            let nodes = found::nodes(of, reader, &ids, want).await?;
            found.extend(ids.into_iter().zip(nodes).filter_map(|(id, node)| Some((id, node?))));
        }
    }
    Ok(hits.iter().filter_map(|hit| Some((*hit, found.remove(&hit.id)?))).collect())
}

/// Reads the documents of these hits as the viewer may see them, by id.
async fn documents(reader: &Reader, hits: &[Hit]) -> Result<HashMap<Uuid, Document>, DomainError> {
    let mut found = HashMap::new();
    for of in all_of::<SearchType>() {
        let ids: Vec<Uuid> = hits.iter().filter(|hit| hit.of == of).map(|hit| hit.id).collect();
        if !ids.is_empty() {
            let documents = found::documents(of, reader, &ids).await?;
            found.extend(documents.into_iter().flatten().map(|document| (document.id, document)));
        }
    }
    Ok(found)
}

/// Reads the names of these hits that the viewer may see, by id.
async fn names(reader: &Reader, hits: &[Hit]) -> Result<HashMap<Uuid, Vec<Text>>, DomainError> {
    let mut found = HashMap::new();
    for of in all_of::<SearchType>() {
        let ids: Vec<Uuid> = hits.iter().filter(|hit| hit.of == of).map(|hit| hit.id).collect();
        if !ids.is_empty() {
            let names = found::names(of, reader, &ids).await?;
            found.extend(ids.into_iter().zip(names).filter_map(|(id, names)| Some((id, names?))));
        }
    }
    Ok(found)
}

macro_rules! make_found {
    ($(
        $(#[$doc:meta])*
        $name:ident $module:ident {
            is($bit:literal, $about:ident, $field:literal, $one:literal, $many:literal),
            write $write:tt, read $read:tt, record $record:tt,
            search($($node:ident, $described:literal)?), $($rest:tt)*
        }
    )*) => {
        make_found! { @ $($($node $many)?)* }
    };
    (@ $($node:ident $many:literal)*) => {
        /// The plurals of the types that can be found, as a literal.
        macro_rules! found {
            () => {
                enumerated!("" "", "and": $($many)*)
            };
        }
    };
}

records!(make_found);

/// Searching.
#[derive(Clone, Copy, Debug, Default)]
pub struct SearchQuery;

/// Searching.
#[Object]
impl SearchQuery {
    #[doc = concat!("Searches ", found!(), " in any of their languages. The last word may be still being")]
    /// typed, longer words may have a typo; accents and case do not matter. All words must be there, unless no
    /// record has all of them. An empty query lists what the filter lets through. More than 1200 searches in a minute, with
    /// those of `suggest`, unless the operator has said another number, are refused with `RATE_LIMITED` and `retryAfterMs`.
    #[expect(clippy::too_many_arguments, reason = "the arguments of the field")]
    async fn search(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What somebody typed.")] query: String,
        #[graphql(desc = "Only these types; all where none is given.")] types: Option<Vec<SearchType>>,
        #[graphql(desc = "Only hits that fit this.")] filter: Option<SearchFilter>,
        #[graphql(desc = "Facets to count.")] facets: Option<Vec<SearchFacet>>,
        #[graphql(
            desc = "The language of facet labels that ask for none; that of the request where it is not given."
        )]
        language: Option<Language>,
        #[graphql(desc = "Hits at most: 100, or 20 where nothing is said.", default = 20)] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor; up to 1000 hits can be paged through.")]
        after: Option<String>,
        #[graphql(
            desc = "Search only when the index has caught up with this change, as an earlier answer gave it. Waits two seconds, then fails with INDEX_LAGGING."
        )]
        not_before: Option<ChangeCursor>,
    ) -> GraphqlResult<SearchConnection> {
        let (types, first) = (self::types(types), first.unwrap_or(DEFAULT_PAGE));
        let call = Call::of(ctx)?;
        call.identity.traffic.search(call, 1).graphql()?;
        let asked = SearchArguments { query, types, filter, facets, language, first, after, not_before };
        let field = Selection::root(ctx);
        asked.answer(Reader::of(ctx)?, ctx.data()?, &field).await.graphql()
    }

    /// Suggests records for what was typed so far, in any language: first those whose names fit, then those that are
    /// filed under it. One entry per record.
    async fn suggest(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What was typed so far.")] prefix: String,
        #[graphql(desc = "Only these types; all where none is given.")] types: Option<Vec<SearchType>>,
        #[graphql(desc = "Only records that fit this.")] filter: Option<SearchFilter>,
        #[graphql(desc = "Suggestions at most: 20, or 8 where nothing is said.", default = 8)] first: Option<
            i32,
        >,
    ) -> GraphqlResult<Vec<Suggestion>> {
        let (reader, search): (_, &Search) = (Reader::of(ctx)?, ctx.data()?);
        let call = Call::of(ctx)?;
        call.identity.traffic.search(call, 1).graphql()?;
        let want = Selection::of(ctx).below("Suggestion", "node");
        let (types, first) = (self::types(types), first.unwrap_or(DEFAULT_SUGGESTIONS));
        suggestions(reader, search, &prefix, &types, filter.as_ref(), first, want.as_ref()).await.graphql()
    }
}

async fn suggestions(
    reader: &Reader,
    search: &Search,
    prefix: &str,
    types: &[SearchType],
    filter: Option<&SearchFilter>,
    first: i32,
    want: Option<&Selection>,
) -> Result<Vec<Suggestion>, DomainError> {
    // Names are searched first: mostly they fill the page.
    let mut query = Query { limit: page_size(first, MAX_SUGGESTIONS)?, names: true, ..Query::default() };
    filter.map_or(Ok(()), |filter| filter.apply(&mut query))?;
    let answer = search.find(reader, types, typed(prefix), query, None, Counted::No).await?;
    let Answer { found, query, .. } = answer;
    let names = names(reader, &found.hits).await?;
    let mut nodes: HashMap<Uuid, SearchResult> = match want {
        Some(want) => {
            let read = read(reader, &found.hits, want).await?;
            read.into_iter().map(|(hit, node)| (hit.id, node)).collect()
        }
        None => HashMap::new(),
    };
    let suggested = found.hits.iter().filter_map(|hit| {
        let text = fitting_name(names.get(&hit.id)?, &query.words)?;
        let node = nodes.remove(&hit.id);
        // The record may have been hidden between the two statements.
        (want.is_none() || node.is_some()).then_some(Suggestion { text, of: hit.of, node })
    });
    Ok(suggested.collect())
}

/// Returns the name that has most of the words; of equal ones the first, as the main name is first.
fn fitting_name(names: &[Text], words: &[Word]) -> Option<String> {
    let shared = |text: &str| {
        let tokens = tokens(text);
        words
            .iter()
            .filter(|word| tokens.iter().any(|t| matches(&t.text, std::slice::from_ref(*word))))
            .count()
    };
    // A talent's given or family name alone is no useful suggestion.
    let whole = names.iter().filter(|name| !matches!(name.field, "givenName" | "familyName"));
    whole.rev().max_by_key(|name| shared(&name.text)).map(|name| name.text.clone())
}

/// The arguments of a search.
struct SearchArguments {
    query: String,
    types: Vec<SearchType>,
    filter: Option<SearchFilter>,
    facets: Option<Vec<SearchFacet>>,
    language: Option<Language>,
    first: i32,
    after: Option<String>,
    not_before: Option<ChangeCursor>,
}

impl SearchArguments {
    /// The tag that binds cursors to this search, and to the engine or the database that answered.
    fn tag(&self, by: AnsweredBy) -> CursorTag {
        let what = format!("{} {:?} {:?}", typed(&self.query), self.types, self.filter);
        let list = match by {
            AnsweredBy::Engine => "search",
            AnsweredBy::Database => "search without engine",
        };
        CursorTag::new(list, &what, false)
    }

    /// Reads `after`: the hits to skip, and where the pages before were answered from.
    fn begun(&self) -> Result<(usize, Option<AnsweredBy>), DomainError> {
        let Some(after) = &self.after else { return Ok((0, None)) };
        if let Ok(offset) = offset(after, self.tag(AnsweredBy::Database)) {
            return Ok((offset, Some(AnsweredBy::Database)));
        }
        let offset = offset(after, self.tag(AnsweredBy::Engine))?;
        Ok((offset, Some(AnsweredBy::Engine)))
    }

    async fn answer(
        self,
        reader: &Reader,
        search: &Search,
        field: &Selected,
    ) -> Result<SearchConnection, DomainError> {
        let size = page_size(self.first, MAX_PAGE)?;
        let (offset, begun) = self.begun()?;
        let limit = size.min(MAX_HITS - offset);
        let mut facets = Vec::new();
        for facet in self.facets.iter().flatten() {
            if !facets.contains(facet) {
                facets.push(*facet);
            }
        }
        let mut query = Query { facets, offset, limit, ..Query::default() };
        self.filter.as_ref().map_or(Ok(()), |filter| filter.apply(&mut query))?;
        if let Some(cursor) = &self.not_before {
            let position = Position { feed_id: cursor.feed_id, seq: cursor.seq };
            if !search.wait_for(position).await {
                return Err(DomainError::IndexLagging);
            }
        }
        // Read before the search, so that it covers no change that came meanwhile.
        let reached = search.reached();
        let Answer { found, query, by } =
            search.find(reader, &self.types, typed(&self.query), query, begun, Counted::Yes).await?;
        let tag = self.tag(by);
        let Found { hits, total, facets } = found;
        let edges = field.selection.below("SearchConnection", "edges").unwrap_or_default();
        let nodes = field.selection.below("SearchConnection", "nodes").unwrap_or_default();
        let want = nodes.union(&edges.below("SearchEdge", "node").unwrap_or_default());
        let marked = if edges.has("SearchEdge", &["highlights"]) && !query.words.is_empty() {
            documents(reader, &hits).await?
        } else {
            HashMap::new()
        };
        let places: HashMap<Uuid, usize> =
            hits.iter().enumerate().map(|(at, hit)| (hit.id, offset + at)).collect();
        let there = read(reader, &hits, &want).await?;
        let at = |place: usize| Cursor::Offset(tag, u32::try_from(place).unwrap_or(u32::MAX));
        let edges = there.into_iter().map(|(hit, node)| SearchEdge {
            cursor: at(places.get(&hit.id).copied().unwrap_or_default()),
            node,
            score: hit.score,
            highlights: marked.get(&hit.id).map(|one| highlights(one, &query.words)).unwrap_or_default(),
        });
        let end = offset + hits.len();
        // Counted from the hits of the engine, so that hits hidden since keep their place in the numbering.
        let page_info = PageInfo {
            has_next_page: (end as u64) < total && end < MAX_HITS && !hits.is_empty(),
            has_previous_page: offset > 0,
            start_cursor: (!hits.is_empty()).then(|| at(offset)),
            end_cursor: (!hits.is_empty()).then(|| at(end - 1)),
        };
        let indexed_through = if field.selection.has("SearchConnection", &["indexedThrough"]) {
            through(reader, reached).await?
        } else {
            None
        };
        Ok(SearchConnection {
            edges: edges.collect(),
            page_info,
            total,
            facets: facets.into_iter().map(|one| distribution(one, self.language)).collect(),
            indexed_through,
            degraded: by == AnsweredBy::Database,
        })
    }
}

fn distribution(
    (facet, values): (SearchFacet, Vec<(String, u64)>),
    language: Option<Language>,
) -> FacetDistribution {
    let values = values.into_iter().map(|(value, count)| FacetValue { facet, value, count, language });
    FacetDistribution { facet, values: values.collect() }
}

/// Converts the position of the index to a cursor of the log.
async fn through(reader: &Reader, reached: Option<Position>) -> Result<Option<ChangeCursor>, DomainError> {
    let Some(Position { feed_id, seq }) = reached else { return Ok(None) };
    ChangeCursor::at(&reader.db, Head { feed_id, seq }, &reader.viewer).await.map(Some)
}
