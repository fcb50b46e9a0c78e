//! Demo accounts: one for each role and region, with generated passwords.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use identity::Identity;
use identity::account::{NewAccount, store};
use identity::role::{Grant, Role};
use identity::signing::store::lock_instance;
use kernel::error::DomainError;
use kernel::secret;
use kernel::value::{EmailAddress, Language};
use kernel::vocabulary::{RegionRole, vocabularies};
use kernel::{name_of, value_of};
use records::transact::transact;

/// The name of the file in the data folder.
const FILE: &str = "demo-accounts.json";

/// An account in the file.
#[derive(Deserialize, Serialize)]
struct Entry {
    email: EmailAddress,
    password: String,
    role: String,
    region: Option<String>,
}

/// The reason why no demo accounts were created.
#[derive(Debug, thiserror::Error)]
pub enum NotMade {
    /// The file cannot be read or made.
    #[error("`{path}`: {error}", path = .0.display(), error = .1)]
    File(PathBuf, std::io::Error),
    /// The file is not a list of accounts.
    #[error("`{path}` is not a list of accounts: move it away to have a new one made", path = .0.display())]
    OtherFile(PathBuf),
    /// The program failed.
    #[error("{0}")]
    Failed(#[from] DomainError),
}

/// Creates the demo accounts if there are no accounts at all. Returns the file with their passwords, which only its
/// owner can read; `None` if there are accounts.
///
/// The file is written first, because accounts with unknown passwords would be useless. If a start is interrupted in
/// between, the next start uses the existing file.
///
/// # Errors
/// [`NotMade`].
pub async fn make(identity: &Identity, folder: &Path) -> Result<Option<PathBuf>, NotMade> {
    if store::any(identity.db.writer()).await? {
        return Ok(None);
    }
    let path = folder.join(FILE);
    let entries = match std::fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text).map_err(|_| NotMade::OtherFile(path.clone()))?,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let entries = entries()?;
            write(folder, &path, &entries).map_err(|error| NotMade::File(path.clone(), error))?;
            entries
        }
        Err(error) => return Err(NotMade::File(path, error)),
    };
    let mut accounts = Vec::with_capacity(entries.len());
    for entry in entries {
        let role: Role = value_of(&entry.role).ok_or_else(|| NotMade::OtherFile(path.clone()))?;
        let hash = identity.hashing().hash(SecretString::from(entry.password)).await?;
        accounts.push(NewAccount {
            display_name: name_of_account(role, entry.region.as_deref()),
            email: entry.email,
            language: language_of(entry.region.as_deref()),
            password_hash: hash,
            grants: vec![Grant { role, region: entry.region }],
        });
    }
    let made = transact(identity, move |identity, tx| {
        Box::pin(async move {
            lock_instance(tx).await?;
            // Another process has created accounts in the meantime.
            if store::any(tx).await? {
                return Ok(false);
            }
            for account in accounts {
                store::insert(tx, identity.new_id(), account, identity.clock.now()).await?;
            }
            Ok(true)
        })
    });
    Ok(made.await?.then_some(path))
}

fn entries() -> Result<Vec<Entry>, DomainError> {
    let regions = vocabularies().regions.all.iter().filter(|region| region.role == RegionRole::Member);
    let of_regions = regions
        .flat_map(|region| Role::OF_REGIONS.into_iter().map(|role| (role, Some(region.term.slug.clone()))));
    let all = std::iter::once((Role::Admin, None)).chain(of_regions);
    let entry = |(role, region): (Role, Option<String>)| {
        let name = name_of(role);
        let local = name.to_lowercase().replace('_', "-");
        let local = region.as_ref().map_or_else(|| local.clone(), |region| format!("{local}.{region}"));
        // A reserved domain (RFC 2606).
        let email = format!("{local}@demo.example");
        let email = email.parse().map_err(|_| DomainError::Stored(format!("no address: {email}")))?;
        let password = secret::password().expose_secret().to_owned();
        Ok(Entry { email, password, role: name.to_owned(), region })
    };
    all.map(entry).collect()
}

fn write(folder: &Path, path: &Path, entries: &[Entry]) -> std::io::Result<()> {
    // A temporary file is readable by its owner only. It is renamed when it is complete.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer_pretty(&mut file, entries)?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

fn name_of_account(role: Role, region: Option<&str>) -> String {
    let role = name_of(role).to_lowercase().replace('_', " ");
    region.map_or_else(|| format!("Demo {role}"), |region| format!("Demo {role} of {region}"))
}

fn language_of(region: Option<&str>) -> Language {
    let region = region.and_then(|slug| vocabularies().regions.get(slug));
    region.and_then(|region| region.languages.first().copied()).unwrap_or(Language::En)
}
