//! `matchOrganizations`.

use std::collections::{BTreeSet, HashMap};

use async_graphql::{Context, InputObject, Object, SimpleObject};
use uuid::Uuid;

use super::candidates::judged;
use super::{Judged, MatchQuestion};
use crate::graphql::page_size;
use crate::service::Search;
use directory::organization::OrganizationNode;
use identity::caller::Call;
use kernel::error::{DomainError, GraphqlResult, IntoGraphql};
use kernel::input::{IdentifierInput, MAX_NAME};
use kernel::node::by_ids;
use kernel::read::Selection;
use kernel::reader::Reader;
use kernel::value::{Country, Identifier};

/// Names in one call at most.
const MAX_QUERIES: usize = 100;
/// Identifiers of one name at most.
const MAX_IDENTIFIERS: usize = 20;
/// Candidates of one name where `first` is not given.
const DEFAULT_CANDIDATES: i32 = 5;
/// Candidates of one name at most.
const MAX_CANDIDATES: i32 = 20;

/// An organization as somebody's list has it.
#[derive(Clone, Debug, InputObject)]
pub struct OrganizationMatchInput {
    /// Its name, as it is written there: accents, case, punctuation and a legal form at the end (`SARL`, `BV`) do not
    /// matter. 300 characters at most; an empty one finds nothing by name.
    pub name: String,
    /// Its town, in any language, with or without a postal code. 300 characters at most.
    pub city: Option<String>,
    /// Its country: its code (ISO 3166-1), `BE` or `BEL`, or its name in French, Dutch, English or German.
    pub country: Option<String>,
    /// Its identifiers in official registers, 20 at most. One whose check digit is wrong is left out of account.
    pub identifiers: Option<Vec<IdentifierInput>>,
}

impl OrganizationMatchInput {
    /// Converts the input to a question. `path` is the path of the input, for errors.
    fn asked(&self, path: &str) -> Result<MatchQuestion, DomainError> {
        short(&format!("{path}.name"), &self.name)?;
        short(&format!("{path}.city"), self.city.as_deref().unwrap_or_default())?;
        let code = self.country.as_deref().map(str::trim).filter(|code| !code.is_empty());
        let country = code.map(|code| {
            let country = code.parse::<Country>();
            country.map_err(|error| DomainError::bad_input(format!("{path}.country"), error.to_string()))
        });
        let country = country.transpose()?.map(|country| country.code().to_owned());
        let given = self.identifiers.as_deref().unwrap_or_default();
        if given.len() > MAX_IDENTIFIERS {
            let message = format!("{} identifiers: at most {MAX_IDENTIFIERS} are allowed.", given.len());
            return Err(DomainError::bad_input(format!("{path}.identifiers"), message));
        }
        // A mistyped number is no evidence. It does not refuse a list of a hundred names.
        let identifiers: Vec<Identifier> =
            given.iter().filter_map(|one| Identifier::parse(one.scheme, &one.value).ok()).collect();
        Ok(MatchQuestion::new(&self.name, self.city.as_deref(), country, &identifiers))
    }
}

fn short(path: &str, text: &str) -> Result<(), DomainError> {
    let count = text.chars().count();
    if count <= MAX_NAME {
        return Ok(());
    }
    Err(DomainError::bad_input(path, format!("{count} characters: at most {MAX_NAME} are allowed.")))
}

/// Which organizations may be meant by a name.
#[derive(Clone, Debug, SimpleObject)]
pub struct OrganizationMatch {
    /// The name, as it was given.
    pub query: String,
    /// The organizations that may be meant, the best first; equally good ones by name. Empty where none is like it.
    pub candidates: Vec<OrganizationMatchCandidate>,
}

/// An organization that may be meant.
#[derive(Clone, Debug, SimpleObject)]
pub struct OrganizationMatchCandidate {
    /// The organization, as this viewer may see it.
    pub organization: OrganizationNode,
    /// How well it fits, from 0 to 1: the name (acronyms, former and other names count a little less), then town and
    /// country; an identifier counts more than all of these. It does not depend on the other candidates.
    pub score: f64,
    /// Whether it is safe to link without a look: it has one of the identifiers, or the same name in the same town;
    /// nothing that was given contradicts; and no other candidate has as much for it. One candidate at most is a
    /// match.
    #[graphql(name = "match")]
    pub matches: bool,
}

/// Matching.
#[derive(Clone, Copy, Debug, Default)]
pub struct MatchQuery;

/// Matching.
#[Object]
impl MatchQuery {
    /// Which organizations are meant by names in somebody's list? Candidates with scores for each name, in the order of
    /// the names; never a silent link. While the search engine is away the database answers, and names with a typo are
    /// found by their beginning alone. Each name counts as a search.
    async fn match_organizations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The names, with what else is known: 100 at most.")] queries: Vec<
            OrganizationMatchInput,
        >,
        #[graphql(desc = "Candidates of each name at most: 20, or 5 where nothing is said.", default = 5)]
        first: Option<i32>,
    ) -> GraphqlResult<Vec<OrganizationMatch>> {
        let (reader, search): (_, &Search) = (Reader::of(ctx)?, ctx.data()?);
        let call = Call::of(ctx)?;
        call.identity.traffic.search(call, queries.len()).graphql()?;
        let candidates = Selection::of(ctx).below("OrganizationMatch", "candidates").unwrap_or_default();
        let want = candidates.below("OrganizationMatchCandidate", "organization").unwrap_or_default();
        answers(reader, search, queries, first.unwrap_or(DEFAULT_CANDIDATES), &want).await.graphql()
    }
}

async fn answers(
    reader: &Reader,
    search: &Search,
    queries: Vec<OrganizationMatchInput>,
    first: i32,
    want: &Selection,
) -> Result<Vec<OrganizationMatch>, DomainError> {
    let size = page_size(first, MAX_CANDIDATES)?;
    if queries.len() > MAX_QUERIES {
        let message = format!("{} names: at most {MAX_QUERIES} are allowed in one call.", queries.len());
        return Err(DomainError::bad_input("queries", message));
    }
    let checked = queries
        .iter()
        .enumerate()
        .map(|(at, query)| Ok((query.name.as_str(), query.asked(&format!("queries.{at}"))?)));
    let questions = checked.collect::<Result<Vec<_>, DomainError>>()?;
    let mut judged = judged(reader, search, &questions).await?;
    for candidates in &mut judged {
        candidates.truncate(size);
    }
    let nodes = read(reader, &judged, want).await?;
    let candidate = |judged: Judged| {
        let organization = nodes.get(&judged.id)?.clone();
        Some(OrganizationMatchCandidate { organization, score: judged.score, matches: judged.matches })
    };
    let answers = queries.into_iter().zip(judged).map(|(query, judged)| OrganizationMatch {
        query: query.name,
        candidates: judged.into_iter().filter_map(candidate).collect(),
    });
    Ok(answers.collect())
}

/// Reads the organizations of all candidates, each once.
async fn read(
    reader: &Reader,
    judged: &[Vec<Judged>],
    want: &Selection,
) -> Result<HashMap<Uuid, OrganizationNode>, DomainError> {
    let ids: BTreeSet<Uuid> = judged.iter().flatten().map(|one| one.id).collect();
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let nodes = by_ids(reader, &ids, want).await?;
    Ok(ids.iter().copied().zip(nodes).filter_map(|(id, node)| Some((id, node?))).collect())
}
