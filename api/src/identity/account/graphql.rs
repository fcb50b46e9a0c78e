//! Accounts in the schema.

use async_graphql::{ID, Object};

use super::Account;
use crate::directory::organization::{self, OrganizationNode};
use crate::directory::talent::{self, TalentNode};
use crate::record::error::DomainError;
use crate::record::id::graphql_id;
use crate::record::lookup::Key;
use crate::record::read::Selection;
use crate::record::reader::Reader;
use crate::record::value::{EmailAddress, Language};

/// An account in an answer, with what was read of it.
#[derive(Clone, Debug)]
pub struct AccountNode {
    account: Account,
    talent: Option<Box<TalentNode>>,
    organizations: Vec<OrganizationNode>,
}

impl AccountNode {
    /// Reads what is wanted of an account.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn read(reader: &Reader, account: &Account, want: &Selection) -> Result<Self, DomainError> {
        let mut node = Self { account: account.clone(), talent: None, organizations: Vec::new() };
        if let (Some(below), Some(id)) = (want.below("Account", "talent"), account.talent) {
            let found = talent::find(reader, vec![Key::Id(id)], &below).await?.next();
            node.talent = found.flatten().map(Box::new);
        }
        if let Some(below) = want.below("Account", "organizations") {
            let keys = account.organizations.iter().map(|id| Key::Id(*id)).collect();
            node.organizations = organization::find(reader, keys, &below).await?.flatten().collect();
        }
        Ok(node)
    }
}

/// Somebody who signs in. An account is shown to its owner only.
#[Object(name = "Account")]
impl AccountNode {
    /// Opaque id.
    pub(crate) async fn id(&self) -> ID {
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
