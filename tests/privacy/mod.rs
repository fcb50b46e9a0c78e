//! Personal data: who decides about it, consent, and the export.

use passerelle::directory::talent::claim::{Claim, claim};
use passerelle::directory::talent::consent::ConsentInput;
use passerelle::identity::role::Role;
use passerelle::kernel::value::Language;
use passerelle::records::changes;
use serde_json::Value;
use uuid::Uuid;

use crate::mutations::{editor, made};
use crate::support::accounts::{account, sign_in};
use crate::support::server::TestServer;

mod claiming;
mod consent;
mod erasing;
mod export;
mod imported;
mod upkeep;

/// The UUID of an id as clients see it.
fn uuid_of(id: &str) -> Uuid {
    passerelle::kernel::id::decode_any("", id).expect("an id").1
}

/// Claims a profile for an account, as accepting an invitation does. Returns the reasons of a refusal.
async fn claim_for(
    server: &TestServer,
    account: Uuid,
    talent: &str,
    version: Option<i32>,
) -> Vec<&'static str> {
    let app = &server.app;
    let tx = app.db.begin().await.expect("a transaction");
    let consent = version.map(|version| ConsentInput { version, language: Language::Nl });
    let claimed =
        claim(app, &tx, Claim { account, talent: uuid_of(talent), consent }).await.expect("an answer");
    match claimed {
        Ok(entries) => {
            changes::append(&tx, app.db.dialect(), entries, app.clock.now()).await.expect("the log");
            tx.commit().await.expect("a commit");
            app.identity.callers().forget_account(account);
            Vec::new()
        }
        Err(problems) => {
            tx.rollback().await.expect("a rollback");
            problems.iter().map(|problem| problem.reason.expect("a reason")).collect()
        }
    }
}

/// The id of a claimed profile, and an access token of its owner.
async fn somebody(server: &TestServer, email: &str, input: Value) -> (String, String) {
    let region = server.beside(editor(&["wallonie"])).await;
    let id = made(&region, "talent", input).await;
    let account = account(&server.app, email, &[(Role::Member, "wallonie")]).await;
    assert_eq!(claim_for(server, account, &id, Some(1)).await, [""; 0]);
    (id, sign_in(server, email).await.access)
}
