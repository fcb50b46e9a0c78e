//! Fetches the keys of an issuer, within limits of time and size.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use url::Url;

use super::keys::Keys;
use super::settings::{Settings, Source, reachable};

/// Maximum size of a response, in bytes.
const MAX_BYTES: usize = 512 * 1024;
/// Time-out of both requests together.
pub const TIME: Duration = Duration::from_secs(5);

/// The members of an issuer's OpenID configuration that are used.
#[derive(Deserialize)]
struct Configuration {
    issuer: String,
    jwks_uri: String,
}

/// The HTTP client for all issuers.
///
/// # Errors
/// A message where TLS is not available.
pub fn client() -> Result<Client, String> {
    // Redirects are refused: the operator must configure the final URL.
    let client = Client::builder().redirect(Policy::none()).build();
    client.map_err(|error| format!("the client of OIDC_ISSUERS cannot be made: {error}"))
}

/// Fetches the keys of an issuer.
///
/// # Errors
/// The reason of the failure, for the log.
pub async fn keys(client: &Client, settings: &Settings, time: Duration) -> Result<Keys, String> {
    let read = async {
        let found;
        let url = match &settings.source {
            Source::Keys(url) => url,
            Source::Discovery(url) => {
                found = discover(client, settings, url).await?;
                &found
            }
        };
        Keys::parse(&get(client, url).await?)
    };
    tokio::time::timeout(time, read).await.map_err(|_| "it did not answer in time".to_owned())?
}

async fn discover(client: &Client, settings: &Settings, url: &Url) -> Result<Url, String> {
    let text = get(client, url).await?;
    let Configuration { issuer, jwks_uri } =
        serde_json::from_slice(&text).map_err(|error| format!("no OpenID configuration: {error}"))?;
    // Must be equal (OpenID Connect Discovery 1.0 section 4.3), so that keys of another issuer are not accepted.
    if issuer != settings.issuer {
        return Err("the configuration is that of another issuer".into());
    }
    let keys = reachable(&jwks_uri).map_err(|problem| format!("its jwks_uri {problem}"))?;
    // A public issuer must not direct requests to this host.
    if url.scheme() == "https" && keys.scheme() != "https" {
        return Err("its jwks_uri must begin with https://".into());
    }
    Ok(keys)
}

async fn get(client: &Client, url: &Url) -> Result<Vec<u8>, String> {
    let lost = |error: reqwest::Error| {
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(next) = cause {
            text = format!("{text}: {next}");
            cause = next.source();
        }
        text
    };
    let mut response = client.get(url.clone()).send().await.map_err(lost)?;
    if response.status() != StatusCode::OK {
        return Err(format!("{url} answers {}", response.status()));
    }
    let mut text = Vec::new();
    while let Some(part) = response.chunk().await.map_err(lost)? {
        if text.len() + part.len() > MAX_BYTES {
            return Err(format!("{url} answers more than {MAX_BYTES} bytes"));
        }
        text.extend_from_slice(&part);
    }
    Ok(text)
}
