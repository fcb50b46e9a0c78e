//! The export of all data about the caller (GDPR articles 15 and 20): as JSON, and what fits it as a vCard. The JSON
//! consists of sections, one function for each area of the program. No section contains data about other people.

use futures::future::BoxFuture;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use directory::talent::store::Columns;
use directory::talent::{Talent, TalentFieldGroup, TalentNode, consent};
use identity::Identity;
use identity::account::{Account, email_key};
use identity::mail;
use kernel::error::DomainError;
use kernel::id;
use kernel::lookup::Key;
use kernel::name_of;
use kernel::node::rows;
use kernel::reader::Reader;
use kernel::value::{DateTime, Language, LanguagePreferences};
use kernel::vocabulary::{Term, vocabularies};

pub mod graphql;
pub mod store;
pub mod vcard;

use vcard::VCard;

/// The account whose data is exported, with data that several sections need.
struct Subject<'a> {
    identity: &'a Identity,
    reader: &'a Reader,
    account: &'a Account,
    talent: Option<Talent>,
    affiliations: Vec<store::Affiliation>,
}

/// A section of the export: the data that one area of the program has about the subject.
type Section = for<'a> fn(&'a Subject<'a>) -> BoxFuture<'a, Result<Value, DomainError>>;

/// The sections of the export, in order. New data about people needs a line here.
const SECTIONS: &[(&str, Section)] = &[
    ("account", |subject| Box::pin(account(subject))),
    ("roles", |subject| {
        Box::pin(async { Ok(store::roles(subject.reader, subject.account.id).await?.into()) })
    }),
    ("organizations", |subject| {
        Box::pin(async { Ok(store::organizations(subject.reader, subject.account.id).await?.into()) })
    }),
    ("sessions", |subject| {
        Box::pin(async { Ok(store::sessions(subject.reader, subject.account.id).await?.into()) })
    }),
    ("networks", |subject| {
        Box::pin(async { Ok(store::networks(subject.reader, subject.account.id).await?.into()) })
    }),
    ("apiKeys", |subject| {
        Box::pin(async { Ok(store::api_keys(subject.reader, subject.account.id).await?.into()) })
    }),
    ("followed", |subject| {
        Box::pin(async { Ok(store::followed(subject.reader, subject.account.id).await?.into()) })
    }),
    ("invitations", |subject| Box::pin(invitations(subject))),
    ("pendingMails", |subject| Box::pin(pending_mails(subject))),
    ("profile", |subject| Box::pin(profile(subject))),
    ("affiliations", |subject| {
        Box::pin(async { Ok(subject.affiliations.iter().map(|each| each.json.clone()).collect()) })
    }),
    ("speaksAt", |subject| Box::pin(async { of_profile(subject, store::speaks_at).await })),
    ("consents", |subject| Box::pin(consents(subject))),
    ("upkeep", |subject| Box::pin(upkeep(subject))),
    ("contactReads", |subject| Box::pin(async { of_profile(subject, store::contact_reads).await })),
    ("proposals", |subject| {
        Box::pin(async { Ok(store::proposals(subject.reader, subject.account.id).await?.into()) })
    }),
    ("applications", |subject| {
        Box::pin(async { Ok(store::applications(subject.reader, subject.account.id).await?.into()) })
    }),
    ("registrations", |subject| {
        Box::pin(async { Ok(store::registrations(subject.reader, subject.account.id).await?.into()) })
    }),
    ("actions", |subject| {
        Box::pin(async { Ok(store::actions(subject.reader, subject.account.id).await?.into()) })
    }),
    ("profileHistory", |subject| Box::pin(async { of_profile(subject, store::history).await })),
];

/// The values that `read` finds by the id of the profile; an empty list without a profile.
async fn of_profile(
    subject: &Subject<'_>,
    read: impl AsyncFn(&Reader, Uuid) -> Result<Vec<Value>, DomainError>,
) -> Result<Value, DomainError> {
    match &subject.talent {
        Some(talent) => Ok(read(subject.reader, talent.head.id).await?.into()),
        None => Ok(json!([])),
    }
}

/// All data about an account and its profile.
#[derive(Clone, Debug)]
pub struct DataExport {
    /// All of it, as a JSON text.
    pub json: String,
    /// The part that fits a vCard.
    pub vcard: String,
    /// When it was read.
    pub generated_at: DateTime,
}

/// Exports all data about an account and its profile. The reader must have the rights of that account.
///
/// # Errors
/// [`DomainError::Database`], [`DomainError::Stored`].
pub async fn export(
    identity: &Identity,
    reader: &Reader,
    account: &Account,
) -> Result<DataExport, DomainError> {
    let generated_at = identity.clock.now();
    let talent = match account.talent {
        Some(id) => {
            let found = rows::<TalentNode>(reader, vec![Key::Id(id)], Columns::ALL).await?.pop();
            found.flatten().map(|node| node.row)
        }
        None => None,
    };
    let affiliations = match &talent {
        Some(talent) => store::affiliations(reader, talent.head.id).await?,
        None => Vec::new(),
    };
    let subject = Subject { identity, reader, account, talent, affiliations };
    let mut all = Map::new();
    all.insert("generatedAt".into(), json!(generated_at));
    for (name, section) in SECTIONS {
        all.insert((*name).into(), section(&subject).await?);
    }
    let json = serde_json::to_string_pretty(&Value::Object(all))?;
    Ok(DataExport { json, vcard: card(&subject), generated_at })
}

async fn account(subject: &Subject<'_>) -> Result<Value, DomainError> {
    let account = subject.account;
    let times = store::account_times(subject.reader, account.id).await?;
    Ok(json!({
        "id": id::encode("account", account.id), "email": account.email, "displayName": account.display_name,
        "language": account.language, "createdAt": times.map(|(created, _)| created),
        "updatedAt": times.map(|(_, updated)| updated),
    }))
}

/// Invitations to the account, and those that it has sent, without the addresses of others.
async fn invitations(subject: &Subject<'_>) -> Result<Value, DomainError> {
    // Mails and invitations to an address that is not proven may be another person's.
    let received = if store::has_proven_address(subject.reader, subject.account).await? {
        store::invitations_to(subject.reader, &email_key(&subject.account.email)).await?
    } else {
        Vec::new()
    };
    let sent = store::invitations_by(subject.reader, subject.account.id).await?;
    Ok(json!({"received": received, "sent": sent}))
}

/// The times at which the queued mails to the account were written.
async fn pending_mails(subject: &Subject<'_>) -> Result<Value, DomainError> {
    if !store::has_proven_address(subject.reader, subject.account).await? {
        return Ok(json!([]));
    }
    let waiting = mail::waiting(subject.identity, &subject.account.email).await?;
    Ok(waiting.into_iter().map(|written| json!({"writtenAt": written})).collect())
}

async fn profile(subject: &Subject<'_>) -> Result<Value, DomainError> {
    let Some(talent) = &subject.talent else { return Ok(Value::Null) };
    let slugs = store::slugs(subject.reader, talent.head.id).await?;
    let erasure = store::erasure(subject.reader, talent.head.id).await?;
    let (card, details, contact) = (&talent.card, &talent.details, &talent.contact);
    let groups = TalentFieldGroup::ALL.into_iter().zip(card.field_visibility);
    let groups: Vec<Value> = groups
        .map(|(group, visibility)| json!({"group": name_of(group), "visibility": name_of(visibility)}))
        .collect();
    let external_id = details.external_id.as_ref();
    Ok(json!({
        "id": id::encode("talent", talent.head.id), "slug": talent.slug,
        "formerSlugs": slugs.into_iter().filter(|slug| *slug != talent.slug).collect::<Vec<_>>(),
        "externalId": external_id.map(|external| json!({"source": external.source, "id": external.id})),
        "region": talent.head.region, "revision": talent.head.revision,
        "createdAt": card.times.created_at, "updatedAt": card.times.updated_at,
        // The visibility to others.
        "visibility": name_of(talent.head.visibility), "fieldVisibility": groups,
        "claimed": card.claimed, "legalBasis": name_of(card.legal_basis), "scheduledErasure": erasure,
        "displayName": talent.display_name, "givenName": card.given_name, "familyName": card.family_name,
        "nameVariants": details.name_variants, "headlines": details.headlines, "biographies": details.biographies,
        "identifiers": details.identifiers, "territory": card.territory, "occupations": card.occupations,
        "sectors": card.sectors, "skills": card.skills, "languages": card.languages,
        "availability": name_of(card.availability), "availableFrom": card.available_from,
        "website": details.website, "links": details.links, "email": contact.email, "phone": contact.phone,
        "sources": details.sources, "claims": details.claims,
    }))
}

/// The id of the profile, if there is one.
fn talent_of(subject: &Subject<'_>) -> Option<Uuid> {
    subject.talent.as_ref().map(|talent| talent.head.id)
}

async fn consents(subject: &Subject<'_>) -> Result<Value, DomainError> {
    let Some(talent) = talent_of(subject) else { return Ok(json!([])) };
    let all = consent::store::of(&subject.reader.db, &[talent]).await?.remove(&talent).unwrap_or_default();
    let each = all.iter().map(|one| {
        json!({
            "act": name_of(one.act), "purpose": name_of(one.purpose), "version": one.version,
            "language": one.language, "at": one.at, "text": consent::text::of(one.version, one.language),
        })
    });
    Ok(each.collect())
}

async fn upkeep(subject: &Subject<'_>) -> Result<Value, DomainError> {
    let Some(talent) = talent_of(subject) else { return Ok(Value::Null) };
    Ok(store::upkeep(subject.reader, talent).await?.unwrap_or_default())
}

/// The label of a term in a language.
fn label(term: &Term, language: Language) -> Option<String> {
    let served = LanguagePreferences::default().choose(Some(language), &term.labels)?;
    Some(served.text.text.clone())
}

/// The vCard: of the profile if there is one, else of the account, with the address of the account.
fn card(subject: &Subject<'_>) -> String {
    let (account, language) = (subject.account, subject.account.language);
    let mut card = VCard::new();
    let Some(talent) = &subject.talent else {
        card.value("UID", &format!("urn:uuid:{}", account.id));
        card.text("FN", &account.display_name);
        card.text("EMAIL", account.email.as_str());
        card.value("LANG", language.tag());
        return card.finish();
    };
    let (shown, details, contact) = (&talent.card, &talent.details, &talent.contact);
    card.value("UID", &format!("urn:uuid:{}", talent.head.id));
    card.value("REV", &shown.times.updated_at.to_utc().format("%Y%m%dT%H%M%SZ").to_string());
    card.text("FN", &talent.display_name);
    let names = [shown.family_name.as_deref(), shown.given_name.as_deref()];
    card.parts("N", &[names[0].unwrap_or(""), names[1].unwrap_or(""), "", "", ""]);
    card.list("NICKNAME", &details.name_variants);
    for headline in &details.headlines {
        card.text(&format!("TITLE;LANGUAGE={}", headline.language.tag()), &headline.text);
    }
    for slug in &shown.occupations {
        let occupation = vocabularies().occupations.get(slug).and_then(|found| label(&found.term, language));
        card.text(&format!("ROLE;LANGUAGE={}", language.tag()), &occupation.unwrap_or_else(|| slug.clone()));
    }
    if let Some(email) = &contact.email {
        card.text("EMAIL;PREF=1", email.as_str());
    }
    if contact.email.as_ref() != Some(&account.email) {
        card.text("EMAIL", account.email.as_str());
    }
    card.text("TEL;VALUE=text", contact.phone.as_deref().unwrap_or(""));
    let territory = shown.territory.as_deref().and_then(|slug| vocabularies().territories.get(slug));
    let territory = territory.and_then(|found| label(&found.term, language)).unwrap_or_default();
    card.parts("ADR", &["", "", "", "", &territory, "", ""]);
    for spoken in &shown.languages {
        card.value("LANG", &spoken.language);
    }
    for url in details.website.iter().chain(details.links.iter().map(|link| &link.url)) {
        card.value("URL", &url.to_string());
    }
    let roles = subject.affiliations.iter().filter(|each| !each.ended);
    for (number, affiliation) in roles.enumerate() {
        let Some(organization) = &affiliation.organization else { continue };
        card.text(&format!("role{number}.ORG"), organization);
        card.text(&format!("role{number}.ROLE"), affiliation.role.as_deref().unwrap_or(""));
    }
    card.list("CATEGORIES", &shown.skills);
    for biography in &details.biographies {
        card.text(&format!("NOTE;LANGUAGE={}", biography.language.tag()), &biography.text);
    }
    card.finish()
}
