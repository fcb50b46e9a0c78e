//! All kinds of viewers, each with its own access token.

use entity::{account, account_organization};
use passerelle::identity::api_key::{self, Maker, NewKey};
use passerelle::identity::role::{Grant, Role};
use passerelle::kernel::name_of;
use passerelle::kernel::value::Language;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use super::world::{HOME, State};
use crate::support::accounts::Person;
use crate::support::server::TestServer;

/// A region other than that of the records.
pub(super) const AWAY: &str = "flandre";

/// A kind of viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Anonymous,
    /// An account without roles.
    Account,
    /// An account with a role in a region.
    Role(Role, &'static str),
    /// A system of a region, with an API key.
    Key(&'static str),
    /// The account of the PRIVATE talent.
    Person,
    /// A member of the PRIVATE and PUBLIC organizations.
    Colleague,
    Admin,
}

/// All viewers.
pub(super) fn everybody() -> Vec<Who> {
    let roles =
        Role::OF_REGIONS.into_iter().flat_map(|role| [HOME, AWAY].map(|region| Who::Role(role, region)));
    let mut all = vec![Who::Anonymous, Who::Account];
    all.extend(roles);
    all.extend([Who::Key(HOME), Who::Key(AWAY), Who::Person, Who::Colleague, Who::Admin]);
    all
}

/// A type of record that an account may own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    Organization,
    Talent,
    /// Between the talent and the PUBLIC organization.
    Affiliation,
    /// Between the organization and the PUBLIC ones.
    Partnership,
    /// With contributions of the organization and the PUBLIC ones.
    Call,
    /// Of the organization and the PUBLIC one.
    Event,
}

impl Who {
    pub(super) fn is_signed_in(self) -> bool {
        self != Self::Anonymous
    }

    /// Whether they may write records of [`HOME`].
    pub(super) fn writes(self) -> bool {
        self.writes_in(HOME)
    }

    pub(super) fn writes_in(self, region: &str) -> bool {
        match self {
            Self::Admin => true,
            Self::Role(role, own) => {
                own == region && matches!(role, Role::Editor | Role::RegionAdmin | Role::SyncPartner)
            }
            Self::Key(own) => own == region,
            _ => false,
        }
    }

    /// Whether they may push for the systems of a region.
    pub(super) fn pushes_in(self, region: &str) -> bool {
        match self {
            Self::Admin => true,
            Self::Role(role, own) => own == region && role == Role::SyncPartner,
            Self::Key(own) => own == region,
            _ => false,
        }
    }

    /// Whether they see private records of [`HOME`].
    pub(super) fn is_inside(self) -> bool {
        self.writes() || self == Self::Role(Role::Moderator, HOME)
    }

    /// Whether they are staff of [`HOME`]. Systems are not.
    pub(super) fn is_staff(self) -> bool {
        matches!(self, Self::Admin | Self::Role(Role::Editor | Role::Moderator | Role::RegionAdmin, HOME))
    }

    /// Whether they administer keys and roles of [`HOME`]. An API key may not.
    pub(super) fn administers(self) -> bool {
        matches!(self, Self::Admin | Self::Role(Role::RegionAdmin, HOME))
    }

    /// Whether they see the application of the PUBLIC organization: its members do, and the staff of the two regions whose
    /// organizations fund the call.
    pub(super) fn sees_application(self) -> bool {
        self == Self::Colleague
            || self.is_staff()
            || matches!(self, Self::Role(Role::Editor | Role::Moderator | Role::RegionAdmin, AWAY))
    }

    /// Whether a record is their own, so that its visibility does not hide it.
    pub(super) fn owns(self, of: Of, state: State) -> bool {
        match (self, of) {
            (Self::Person, Of::Talent | Of::Affiliation) => state == State::Private,
            (Self::Colleague, Of::Organization) => matches!(state, State::Private | State::Public),
            _ => false,
        }
    }

    /// Whether they see a record.
    pub(super) fn sees(self, of: Of, state: State) -> bool {
        match state {
            State::Public => true,
            State::Members => self.is_signed_in(),
            State::Private => self.is_inside() || self.owns(of, state),
            State::Deleted | State::Erased | State::Never => false,
        }
    }
}

/// A viewer with the token of its requests.
pub(super) struct Asker {
    pub(super) who: Who,
    pub(super) token: Option<String>,
}

async fn account_with(server: &TestServer, name: &str, grants: Vec<Grant>) -> (Uuid, String) {
    let person = Person::new(server, name, Language::Fr, grants).await;
    (person.id, person.token(server).await)
}

/// Creates a viewer with a token. [`Who::Person`] and [`Who::Colleague`] get their records later.
pub(super) async fn asker(server: &TestServer, who: Who) -> Asker {
    let grant = |role: Role, region: &str| Grant { role, region: Some(region.to_owned()) };
    let token = match who {
        Who::Anonymous => None,
        Who::Account => Some(account_with(server, "account", Vec::new()).await.1),
        Who::Role(role, region) => {
            let name = format!("{}-{region}", name_of(role).to_lowercase());
            Some(account_with(server, &name, vec![grant(role, region)]).await.1)
        }
        Who::Key(region) => {
            let new = NewKey {
                name: "system".into(),
                region: region.into(),
                roles: vec![Role::SyncPartner],
                expires_at: None,
            };
            let (_, key) = api_key::create(&server.app, new, Maker::Operator).await.expect("a key");
            Some(key.expose_secret().to_owned())
        }
        Who::Person => Some(account_with(server, "person", Vec::new()).await.1),
        Who::Colleague => Some(account_with(server, "colleague", Vec::new()).await.1),
        Who::Admin => {
            let grants = vec![Grant { role: Role::Admin, region: None }];
            Some(account_with(server, "admin", grants).await.1)
        }
    };
    Asker { who, token }
}

/// The id of an account.
pub(super) async fn id_of(server: &TestServer, name: &str) -> Uuid {
    let found = account::Entity::find().filter(account::Column::EmailKey.eq(format!("{name}@example.org")));
    found.one(server.app.db.writer()).await.expect("a statement").expect("an account").id
}

/// Links the account of the person to their profile.
pub(super) async fn give_talent(server: &TestServer, talent: Uuid) {
    let id = id_of(server, "person").await;
    let update = account::Entity::update_many().col_expr(account::Column::TalentId, Expr::value(talent));
    let update = update.filter(account::Column::Id.eq(id));
    update.exec(server.app.db.writer()).await.expect("an update");
    server.app.identity.callers().forget_account(id);
}

/// Adds the colleague to an organization.
pub(super) async fn give_organization(server: &TestServer, organization: Uuid) {
    let id = id_of(server, "colleague").await;
    let row = account_organization::Model { account_id: id, organization_id: organization };
    let insert = account_organization::Entity::insert(row.into_active_model().reset_all());
    insert.exec_without_returning(server.app.db.writer()).await.expect("a row");
    server.app.identity.callers().forget_account(id);
}
