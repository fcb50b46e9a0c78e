//! Accounts in the schema.

use std::collections::{BTreeSet, HashMap};

use async_graphql::{ID, Object};
use uuid::Uuid;

use directory::organization::OrganizationNode;
use directory::talent::TalentNode;
use identity::account::Account;
use kernel::error::DomainError;
use kernel::id::graphql_id;
use kernel::node::by_ids;
use kernel::read::Selection;
use kernel::reader::Reader;
use kernel::value::{EmailAddress, Language};

/// An account in a response, with the selected relations.
#[derive(Clone, Debug)]
pub struct AccountNode {
    account: Account,
    talent: Option<Box<TalentNode>>,
    organizations: Vec<OrganizationNode>,
}

impl AccountNode {
    /// Reads the selected relations of an account.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn read(reader: &Reader, account: &Account, want: &Selection) -> Result<Self, DomainError> {
        let read = Self::read_all(reader, vec![account.clone()], want).await?.pop();
        read.ok_or_else(|| DomainError::Stored("an account was not read".into()))
    }

    /// Reads the selected relations of accounts, with one statement for each relation.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn read_all(
        reader: &Reader,
        accounts: Vec<Account>,
        want: &Selection,
    ) -> Result<Vec<Self>, DomainError> {
        let mut talents: HashMap<Uuid, TalentNode> = HashMap::new();
        if let Some(below) = want.below("Account", "talent") {
            let ids: Vec<Uuid> = accounts.iter().filter_map(|account| account.talent).collect();
            let found = by_ids(reader, &ids, &below).await?;
            talents = ids.into_iter().zip(found).filter_map(|(id, node)| Some((id, node?))).collect();
        }
        let mut organizations: HashMap<Uuid, OrganizationNode> = HashMap::new();
        if let Some(below) = want.below("Account", "organizations") {
            let ids: BTreeSet<Uuid> =
                accounts.iter().flat_map(|account| &account.organizations).copied().collect();
            let ids: Vec<Uuid> = ids.into_iter().collect();
            let found = by_ids(reader, &ids, &below).await?;
            organizations = ids.into_iter().zip(found).filter_map(|(id, node)| Some((id, node?))).collect();
        }
        let nodes = accounts.into_iter().map(|account| Self {
            talent: account.talent.and_then(|id| talents.get(&id)).cloned().map(Box::new),
            organizations: account
                .organizations
                .iter()
                .filter_map(|id| organizations.get(id))
                .cloned()
                .collect(),
            account,
        });
        Ok(nodes.collect())
    }
}

/// Somebody who signs in. An account is shown to its owner, and to those who administer its region.
#[Object(name = "Account")]
impl AccountNode {
    /// Opaque id.
    pub async fn id(&self) -> ID {
        graphql_id("account", self.account.id)
    }

    /// The e-mail address to sign in with, as it was given. Whoever calls with a token of another issuer has the
    /// address that the issuer vouches for, or one that ends in `.invalid`, where nothing can be sent.
    async fn email(&self) -> &EmailAddress {
        &self.account.email
    }

    /// The name that is shown.
    async fn display_name(&self) -> &str {
        &self.account.display_name
    }

    /// The language of messages to them.
    async fn language(&self) -> Language {
        self.account.language
    }

    /// Their own profile; null where they have none.
    async fn talent(&self) -> Option<&TalentNode> {
        self.talent.as_deref()
    }

    /// The organizations that they belong to.
    async fn organizations(&self) -> &[OrganizationNode] {
        &self.organizations
    }
}
