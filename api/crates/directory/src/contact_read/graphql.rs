//! Who was shown how a person can be reached, in the schema: for the person alone.

use async_graphql::Object;
use uuid::Uuid;

use super::store::{self, Noted};
use kernel::connection;
use kernel::error::DomainError;
use kernel::page::{PageArguments, PageInfo, PageOf};
use kernel::read::{KeyValue, Selected};
use kernel::reader::{Reader, total_wanted};
use kernel::value::DateTime;
use records::audit::ActorKind;

connection!(
    ContactReadConnection,
    ContactReadEdge,
    ContactReadNode,
    "those who were shown how to reach a person"
);

/// Somebody who was shown how to reach a person, in an answer.
#[derive(Clone, Debug)]
pub struct ContactReadNode(Noted);

/// Somebody who was shown the viewer's e-mail address or phone number. It is kept for 12 months, to the minute.
#[Object(name = "ContactRead")]
impl ContactReadNode {
    /// In which minute.
    async fn at(&self) -> DateTime {
        self.0.at
    }

    /// Whether it was somebody with an account, or a machine with an API key.
    async fn reader(&self) -> ActorKind {
        self.0.reader
    }

    /// The name of that account, or what that key is for; null once it is gone.
    async fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Whether the e-mail address was shown.
    async fn email(&self) -> bool {
        self.0.shown.email
    }

    /// Whether the phone number was shown.
    async fn phone(&self) -> bool {
        self.0.shown.phone
    }
}

/// The page that a field asks for of those who were shown how to reach a talent; empty where there is no talent.
///
/// # Errors
/// [`DomainError::Database`]. A refusal of arguments is an answer.
pub async fn page(
    reader: &Reader,
    talent: Option<Uuid>,
    field: &Selected,
) -> Result<Result<ContactReadConnection, DomainError>, DomainError> {
    let list = store::list();
    let parent = vec![KeyValue::Id(talent.unwrap_or_default())];
    let page = match list.page(&PageArguments::of(field), std::slice::from_ref(&parent)) {
        Ok(page) => page,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if talent.is_none() {
        let nothing = PageOf { items: Vec::new(), info: PageInfo::default(), total: Some(0) };
        return Ok(Ok(ContactReadConnection::new(nothing)));
    }
    let total = total_wanted(field, "ContactReadConnection");
    let read = |row: &mut _| store::read(row).map(ContactReadNode);
    let page = list.read(&reader.db, vec![parent], &page, &store::fetch(), total, read).await?.pop();
    Ok(page.map(ContactReadConnection::new).ok_or_else(|| DomainError::Stored("no page".into())))
}
