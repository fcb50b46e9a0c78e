//! The interfaces `Node` and `Record`, and what is found by an id of any type.

use async_graphql::{Context, ID, Interface, Object};
use uuid::Uuid;

use accounts::account::AccountNode;
use directory::application::award::AwardNode;
use directory::application::{self, ApplicationNode, award};
use directory::event::session::{self, SessionNode};
use directory::region;
use directory::region::{RegionNode, TerritoryNode};
use directory::registration::graphql::{self as registration, EventRegistrationNode};
use identity::caller::{Call, IdentifiedCaller};
use kernel::abstract_type::Abstract;
use kernel::error::{DomainError, GraphqlResult, IntoGraphql};
use kernel::id;
use kernel::node::by_ids;
use kernel::policy::Visibility;
use kernel::provenance::{Claim, ExternalId, Source};
use kernel::read::Selection;
use kernel::reader::Reader;
use kernel::records;
use kernel::value::DateTime;
use kernel::vocabulary::graphql::{OccupationNode, SectorNode};
use kernel::vocabulary::vocabularies;
use kernel::{RecordType, all_of};

/// Ids in one request for `nodes` at most.
const MAX_IDS: usize = 100;

macro_rules! make_nodes {
    ($(
        $(#[$doc:meta])*
        $name:ident $module:ident {
            is $is:tt, write $write:tt, read($node:ident), $($rest:tt)*
        }
    )*) => {
        /// Anything with an id, which is the same on every deployment.
        #[derive(Clone, Debug, Interface)]
        #[graphql(field(name = "id", ty = "ID", desc = "Opaque id, the same on every deployment."))]
        pub enum Node {
            /// A region.
            Region(RegionNode),
            /// A territory.
            Territory(TerritoryNode),
            /// A sector.
            Sector(SectorNode),
            /// An occupation.
            Occupation(OccupationNode),
            $($(#[$doc])* $name(Box<directory::$module::$node>),)*
            /// A session of an event.
            EventSession(Box<SessionNode>),
            /// A registration for an event: the viewer's own, or one for an event that they organize.
            EventRegistration(Box<EventRegistrationNode>),
            /// An account: the viewer's own.
            Account(Box<AccountNode>),
            /// An application to a call for projects.
            Application(Box<ApplicationNode>),
            /// Money that a funder gives to a project.
            Award(Box<AwardNode>),
        }

        $(impl From<directory::$module::$node> for Node {
            fn from(node: directory::$module::$node) -> Self {
                Self::$name(Box::new(node))
            }
        })*

        impl Node {
            /// The id of a record of the directory; nothing for anything else.
            pub fn record_id(&self) -> Option<Uuid> {
                match self {
                    $(Self::$name(node) => Some(node.row.head.id),)*
                    Self::Region(_)
                    | Self::Territory(_)
                    | Self::Sector(_)
                    | Self::Occupation(_)
                    | Self::EventSession(_)
                    | Self::EventRegistration(_)
                    | Self::Account(_)
                    | Self::Application(_)
                    | Self::Award(_) => None,
                }
            }
        }

        /// The records of a type that these ids name, in their order.
        async fn of_record_type(
            reader: &Reader,
            of: RecordType,
            ids: &[Uuid],
            want: &Selection,
        ) -> Result<Vec<Option<Node>>, DomainError> {
            Ok(match of {
                $(RecordType::$name => {
                    let found = by_ids::<directory::$module::$node>(reader, ids, want).await?;
                    found.map(|node| node.map(Node::from)).collect()
                })*
            })
        }
    };
}

records!(make_nodes);

macro_rules! make_record {
    ($(
        $(#[$doc:meta])*
        $name:ident $module:ident {
            is $is:tt, write $write:tt, read $read:tt, record($($node:ident)?), $($rest:tt)*
        }
    )*) => {
        make_record! { @ $($($name $module $node)?)* }
    };
    (@ $($name:ident $module:ident $node:ident)*) => {
        /// The types of records that implement the interface.
        pub const RECORDS: &[RecordType] = &[$(RecordType::$name,)*];

        /// Anything of the directory that a region answers for.
        #[derive(Clone, Debug, Interface)]
        #[graphql(
            field(name = "id", ty = "ID", desc = "Opaque id, the same on every deployment."),
            field(
                name = "slug",
                ty = "&str",
                desc = "Readable name for addresses. It may change; a former one still finds the record."
            ),
            field(
                name = "region",
                ty = "GraphqlResult<RegionNode>",
                desc = "The region that answers for the record."
            ),
            field(name = "visibility", ty = "Visibility", desc = "Who may see the record."),
            field(
                name = "revision",
                ty = "i32",
                desc = "Grows by one with each accepted change. Pass it as `baseRevision` to write only over what was read."
            ),
            field(name = "created_at", ty = "DateTime", desc = "When the record was first written here."),
            field(name = "updated_at", ty = "DateTime", desc = "When the record was last changed."),
            field(name = "sources", ty = "&[Source]", desc = "Where the facts come from."),
            field(
                name = "external_id",
                ty = "Option<&ExternalId>",
                desc = "The id in the system that owns the record; null where it was made here."
            ),
            field(
                name = "claims",
                ty = "Vec<&Claim>",
                desc = "Statements by source, where sources differ or are unsure.",
                arg(
                    name = "field",
                    ty = "Option<String>",
                    desc = "Only those on this field, named as in the schema: `foundedOn`."
                )
            )
        )]
        pub enum Record {
            $(#[doc = concat!("A record of the type `", stringify!($node), "`.")] $name(Box<directory::$module::$node>),)*
        }
    };
}

records!(make_record);

/// The types that have ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Region,
    Territory,
    Sector,
    Occupation,
    Record(RecordType),
    EventSession,
    EventRegistration,
    Account,
    Application,
    Award,
}

impl Kind {
    fn all() -> impl Iterator<Item = Self> {
        let places = [Self::Region, Self::Territory, Self::Sector, Self::Occupation];
        let own = [Self::EventRegistration, Self::Account, Self::Application, Self::Award];
        let parts = [Self::EventSession].into_iter().chain(own);
        places.into_iter().chain(all_of::<RecordType>().map(Self::Record)).chain(parts)
    }

    const fn prefix(self) -> &'static str {
        match self {
            Self::Region => "region",
            Self::Territory => "territory",
            Self::Sector => "sector",
            Self::Occupation => "occupation",
            Self::Record(of) => of.prefix(),
            Self::EventSession => session::PREFIX,
            Self::EventRegistration => registration::PREFIX,
            Self::Account => "account",
            Self::Application => application::PREFIX,
            Self::Award => award::PREFIX,
        }
    }

    /// Reads an id of any of the types.
    fn decode(argument: &str, text: &str) -> Result<(Self, Uuid), DomainError> {
        let (prefix, id) = id::decode_any(argument, text)?;
        let kind = Self::all().find(|kind| kind.prefix() == prefix).ok_or_else(|| {
            let known: Vec<String> = Self::all().map(|kind| format!("`{}_`", kind.prefix())).collect();
            let message = format!(
                "There is no type with ids that begin with `{prefix}_`. Known are {}.",
                known.join(", ")
            );
            DomainError::bad_input(argument, message)
        })?;
        Ok((kind, id))
    }
}

/// The nodes of these ids, in their order: at most one keyed read per type, and one per relation below it.
///
/// # Errors
/// `BAD_USER_INPUT` for an id of no known type, [`DomainError::Database`].
async fn find(
    reader: &Reader,
    known: Option<&IdentifiedCaller>,
    argument: &str,
    ids: &[ID],
    want: &Selection,
) -> Result<Vec<Option<Node>>, DomainError> {
    let ids = ids.iter().map(|text| Kind::decode(argument, text)).collect::<Result<Vec<_>, _>>()?;
    let mut found: Vec<Option<Node>> = ids.iter().map(|_| None).collect();
    for kind in Kind::all() {
        let of_kind = ids.iter().enumerate().filter(|(_, (k, _))| *k == kind);
        let (places, ids): (Vec<usize>, Vec<Uuid>) = of_kind.map(|(place, (_, id))| (place, *id)).unzip();
        if places.is_empty() {
            continue;
        }
        for (place, node) in places.into_iter().zip(of_type(reader, known, kind, &ids, want).await?) {
            found[place] = node;
        }
    }
    Ok(found)
}

/// The nodes of these ids of one type, in their order.
async fn of_type(
    reader: &Reader,
    known: Option<&IdentifiedCaller>,
    kind: Kind,
    ids: &[Uuid],
    want: &Selection,
) -> Result<Vec<Option<Node>>, DomainError> {
    let all = vocabularies();
    Ok(match kind {
        Kind::Region => {
            let slugs: Vec<Option<&str>> =
                ids.iter().map(|id| all.regions.by_id(*id).map(|entry| entry.term.slug.as_str())).collect();
            let regions = region::read(reader, slugs.iter().flatten().copied(), want).await?;
            slugs.into_iter().map(|slug| regions.get(slug?).map(Node::Region)).collect()
        }
        Kind::Territory => {
            let slugs: Vec<Option<&str>> = ids
                .iter()
                .map(|id| all.territories.by_id(*id).map(|entry| entry.term.slug.as_str()))
                .collect();
            let around = region::regions_of_territories(slugs.iter().flatten().copied());
            let regions = region::read(reader, around, &region::wanted_of_territories(want)).await?;
            slugs.into_iter().map(|slug| TerritoryNode::new(slug?, &regions).map(Node::Territory)).collect()
        }
        Kind::Sector => {
            ids.iter().map(|id| all.sectors.by_id(*id).map(|entry| Node::Sector(SectorNode(entry)))).collect()
        }
        Kind::Occupation => {
            let entries = ids.iter().map(|id| all.occupations.by_id(*id));
            entries.map(|entry| entry.map(|entry| Node::Occupation(OccupationNode(entry)))).collect()
        }
        Kind::Record(of) => of_record_type(reader, of, ids, want).await?,
        Kind::Application => {
            let found = application::find(reader, ids, want).await?;
            found.into_iter().map(|node| node.map(|node| Node::Application(Box::new(node)))).collect()
        }
        Kind::Award => {
            let found = award::find(reader, ids, want).await?;
            found.into_iter().map(|node| node.map(|node| Node::Award(Box::new(node)))).collect()
        }
        Kind::EventSession => {
            let found = session::by_ids(reader, ids, want).await?.into_iter();
            found.map(|node| node.map(|node| Node::EventSession(Box::new(node)))).collect()
        }
        Kind::EventRegistration => {
            let found = EventRegistrationNode::by_ids(reader, ids, want).await?.into_iter();
            found.map(|node| node.map(|node| Node::EventRegistration(Box::new(node)))).collect()
        }
        Kind::Account => {
            let own = known.and_then(IdentifiedCaller::account).filter(|account| ids.contains(&account.id));
            let node = match own {
                Some(account) => Some(AccountNode::read(reader, account, want).await?),
                None => None,
            };
            let found = |id: &Uuid| node.clone().filter(|_| own.is_some_and(|account| account.id == *id));
            ids.iter().map(|id| found(id).map(|node| Node::Account(Box::new(node)))).collect()
        }
    })
}

/// Records, in the order of their ids, as far as the viewer sees them: at most one keyed read per type, and what is
/// wanted below it. A record that was merged into another is not there any more.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn records(
    reader: &Reader,
    ids: &[(RecordType, Uuid)],
    want: &Selection,
) -> Result<Vec<Option<Node>>, DomainError> {
    let mut found: Vec<Option<Node>> = ids.iter().map(|_| None).collect();
    for of in all_of::<RecordType>() {
        let wanted = ids.iter().enumerate().filter(|(_, (one, _))| *one == of);
        let (places, wanted): (Vec<usize>, Vec<Uuid>) = wanted.map(|(place, (_, id))| (place, *id)).unzip();
        if places.is_empty() {
            continue;
        }
        let nodes = of_record_type(reader, of, &wanted, want).await?;
        for ((place, id), node) in places.into_iter().zip(wanted).zip(nodes) {
            found[place] = node.filter(|node| node.record_id() == Some(id));
        }
    }
    Ok(found)
}

/// Queries by id alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct NodeQuery;

/// Queries by id alone.
#[Object]
impl NodeQuery {
    /// What has this id; null where there is nothing that this viewer may see.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "An id of any type, as it was received.")] id: ID,
    ) -> GraphqlResult<Option<Abstract<Node>>> {
        let found =
            find(Reader::of(ctx)?, Call::known(ctx), "id", &[id], &Selection::of(ctx)).await.graphql()?.pop();
        Ok(found.flatten().map(Abstract))
    }

    /// What has these ids, in their order; null in the place of an id for which there is nothing that this viewer
    /// may see.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Ids of any types, as they were received: 100 at most.")] ids: Vec<ID>,
    ) -> GraphqlResult<Vec<Option<Abstract<Node>>>> {
        if ids.len() > MAX_IDS {
            let message = format!("`ids` has {} entries: at most {MAX_IDS} can be asked at once.", ids.len());
            return Err(DomainError::bad_input("ids", message)).graphql();
        }
        let found =
            find(Reader::of(ctx)?, Call::known(ctx), "ids", &ids, &Selection::of(ctx)).await.graphql()?;
        Ok(found.into_iter().map(|node| node.map(Abstract)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use index::kind::SearchType;

    #[test]
    fn every_record_with_a_name_can_be_found() {
        for of in RECORDS {
            assert!(
                SearchType::of(*of).is_some(),
                "{} has no documents for the search: name its node under `search` in the table of types",
                of.many()
            );
        }
    }
}
