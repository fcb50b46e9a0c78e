//! Mutations: without the rights, a call fails and leaves no trace in the database.

use std::collections::{BTreeMap, BTreeSet};

use passerelle::identity::api_key::{self, Maker, NewKey};
use passerelle::identity::role::Role;
use sea_orm::ConnectionTrait;
use serde_json::Value;

use super::table::{MUTATIONS, May, REFERENCES, Undo};
use super::viewers::{AWAY, Of, Who, id_of};
use super::world::{HOME, Ids, State, dump, found, passing};
use super::{Answer, Matrix, asks_for};

/// The selection of user errors.
const ERRORS: &str = "userErrors { code reason message path }";

/// The error codes of one of several calls.
fn codes(answer: &Answer, number: usize) -> Vec<String> {
    let whole = answer.json();
    assert!(!whole["data"].is_null(), "the calls were not made: {}", whole["errors"]);
    let payload = whole["data"][format!("a{number}")].clone();
    let mut errors = payload["userErrors"].as_array().cloned().unwrap_or_else(|| vec![Value::Null]);
    for result in payload["results"].as_array().into_iter().flatten() {
        errors.extend(result["userErrors"].as_array().cloned().unwrap_or_default());
    }
    errors.iter().map(|error| error["code"].as_str().unwrap_or("no answer").to_owned()).collect()
}

/// The expected result of a call, for a viewer and a record in a state.
enum Says {
    Yes,
    No,
    /// The record is absent for them.
    Absent,
}

impl May {
    /// The type of record that it is about.
    const fn of(self) -> Option<Of> {
        match self {
            Self::Write(of) => Some(of),
            Self::Propose | Self::AdministerOrganization => Some(Of::Organization),
            Self::WriteTalent | Self::MakeAffiliation | Self::Invite | Self::Own => Some(Of::Talent),
            Self::ChangeAffiliation | Self::SpeakInAffiliation => Some(Of::Affiliation),
            Self::SpeakForParty => Some(Of::Partnership),
            Self::Register => Some(Of::Event),
            Self::SpeakForFunder | Self::Apply => Some(Of::Call),
            Self::WriteRegion
            | Self::ChangeApplication
            | Self::Judge
            | Self::Review
            | Self::Withdraw
            | Self::Administer
            | Self::AdministerKey
            | Self::Push
            | Self::FullPush
            | Self::ChangeRegistration
            | Self::AnswerRegistration
            | Self::SignedIn
            | Self::Anybody => None,
        }
    }

    fn says(self, who: Who, state: State) -> Says {
        if self.of().is_some_and(|of| !who.sees(of, state)) {
            return Says::Absent;
        }
        let is_own = |of| who.owns(of, state);
        let is_machine = matches!(who, Who::Key(_));
        // The organization of all affiliations, the party of all partnerships and the funder of all calls is the public one.
        let of_public = who.owns(Of::Organization, State::Public);
        // The registration is that of an account without roles, for the public event.
        let is_person = who.is_signed_in() && !is_machine;
        let organizes = is_person && (who.writes() || of_public);
        let may = match self {
            Self::ChangeRegistration | Self::AnswerRegistration
                if is_person && !organizes && who != Who::Account =>
            {
                return Says::Absent;
            }
            Self::ChangeRegistration => who == Who::Account,
            Self::AnswerRegistration => organizes,
            Self::Register => is_person,
            Self::ChangeApplication | Self::Judge if !who.sees_application() => return Says::Absent,
            // The lot of the public call has one funder, of the other region.
            Self::Judge => matches!(who, Who::Admin | Who::Role(Role::Editor | Role::RegionAdmin, AWAY)),
            Self::Review | Self::Withdraw if !who.writes() && who != Who::Colleague => return Says::Absent,
            Self::WriteRegion | Self::Write(_) | Self::Review => who.writes(),
            Self::WriteTalent => who.writes() || is_own(Of::Talent),
            Self::ChangeAffiliation => who.writes() || is_own(Of::Affiliation),
            Self::SpeakInAffiliation => who.writes() || is_own(Of::Affiliation) || of_public,
            Self::MakeAffiliation => who.writes() || is_own(Of::Talent) || of_public,
            Self::SpeakForParty | Self::SpeakForFunder => who.writes() || of_public,
            Self::Propose | Self::Apply => is_own(Of::Organization),
            Self::Withdraw | Self::ChangeApplication => who == Who::Colleague,
            Self::Administer => who.administers(),
            Self::AdministerKey | Self::AdministerOrganization if !who.administers() => return Says::Absent,
            Self::FullPush if who.pushes_in(AWAY) && !who.pushes_in(HOME) => return Says::Absent,
            Self::Push | Self::FullPush => who.pushes_in(HOME),
            Self::Invite => who.writes() && !is_machine,
            Self::Own => is_own(Of::Talent),
            Self::SignedIn => who.is_signed_in() && !is_machine,
            Self::AdministerKey | Self::AdministerOrganization | Self::Anybody => true,
        };
        if may { Says::Yes } else { Says::No }
    }
}

impl Matrix {
    /// Checks that each mutation is refused without the rights, with nothing written, and done otherwise.
    pub(super) async fn mutations_are_for_those_who_may(&mut self, ids: &BTreeMap<&'static str, Ids>) {
        let all = [State::Public, State::Members, State::Private, State::Deleted, State::Erased];
        let (own_words, never_words) = self.words(ids).await;
        let never = ids[State::Never.prefix()].clone();
        let calls: Vec<(&str, May, String, Undo)> = MUTATIONS
            .iter()
            .map(|(name, may, call, undo)| {
                (*name, *may, format!("{name}{}", call.replace("{errors}", ERRORS)), *undo)
            })
            .collect();
        // The responses about records that never existed, by asker and calls.
        let mut told: BTreeMap<(usize, Vec<String>), Answer> = BTreeMap::new();
        for state in all {
            let own = ids[state.prefix()].clone();
            // Mutations about no record run in one state only.
            let of_state: Vec<&(&str, May, String, Undo)> =
                calls.iter().filter(|(_, may, ..)| may.of().is_some() || state == State::Public).collect();
            let filled = |ids: &Ids, state: State, words: &[(&str, String)], call: &str| {
                words.iter().fold(ids.fill(state, call), |call, (word, value)| call.replace(word, value))
            };
            let before = dump(&self.server).await;
            for at in 0..self.askers.len() {
                let who = self.askers[at].who;
                if !asks_for(who, state) {
                    continue;
                }
                let those = |says: fn(&Says) -> bool| -> Vec<&(&str, May, String, Undo)> {
                    of_state.iter().filter(|(_, may, ..)| says(&may.says(who, state))).copied().collect()
                };
                let refused = those(|says| matches!(says, Says::No));
                let answer = self
                    .call_all(at, refused.iter().map(|(_, _, call, _)| filled(&own, state, &own_words, call)))
                    .await;
                for (number, (name, ..)) in refused.iter().enumerate() {
                    let codes = codes(&answer, number);
                    let right = codes.iter().any(|code| code == "FORBIDDEN");
                    self.expect(right, || format!("{who:?} may not {name} {state:?}: {codes:?}"));
                }
                let absent = those(|says| matches!(says, Says::Absent));
                let hidden = self
                    .call_all(at, absent.iter().map(|(_, _, call, _)| filled(&own, state, &own_words, call)))
                    .await;
                let calls: Vec<String> = absent
                    .iter()
                    .map(|(_, _, call, _)| filled(&never, State::Never, &never_words, call))
                    .collect();
                let nothing = match told.get(&(at, calls.clone())) {
                    Some(answer) => Answer::clone(answer),
                    None => self.call_all(at, calls.iter().cloned()).await,
                };
                told.insert((at, calls), nothing.clone());
                let same = own.strip(state, &hidden.text) == never.strip(State::Never, &nothing.text)
                    && hidden.statements == nothing.statements;
                self.expect(same, || format!("{who:?} is told of {state:?}:\n  {hidden:?}\n  {nothing:?}"));
                for (number, (name, ..)) in absent.iter().enumerate() {
                    let codes = codes(&hidden, number);
                    let right = codes.iter().any(|code| code == "NOT_FOUND" || code == "FORBIDDEN");
                    self.expect(right, || format!("{who:?}: {name} {state:?}: {codes:?}"));
                }
            }
            let after = dump(&self.server).await;
            self.expect(before == after, || {
                format!("who may not has written {state:?}:\n{}", difference(&before, &after))
            });
            for at in 0..self.askers.len() {
                let who = self.askers[at].who;
                for (name, may, call, undo) in &of_state {
                    if !matches!(may.says(who, state), Says::Yes) {
                        continue;
                    }
                    let mut own = own.clone();
                    if *undo == Undo::Never {
                        // The person has only one profile. `tests/erasure` checks that they may erase it.
                        if who == Who::Person {
                            continue;
                        }
                        own.talent = passing(&self.server, state, at).await;
                    }
                    let mut own_words = own_words.clone();
                    if *undo == Undo::NeverInvitation {
                        own_words.insert(0, ("{invitation}", self.invite().await));
                    }
                    let answer =
                        self.call_all(at, std::iter::once(filled(&own, state, &own_words, call))).await;
                    // Arguments may be invalid in themselves, such as a token.
                    let refusals: &[&str] = match may {
                        May::Anybody | May::SignedIn => &["no answer"],
                        _ => &["FORBIDDEN", "NOT_FOUND", "no answer"],
                    };
                    let done = codes(&answer, 0).iter().all(|code| !refusals.contains(&code.as_str()));
                    self.expect(done, || format!("{who:?} may {name} {state:?}: {}", answer.text));
                    self.undo(*undo).await;
                }
            }
            // An erasure clears the cache of callers.
            self.greet().await;
        }
    }

    /// The response to these calls, run one after the other.
    async fn call_all(&self, at: usize, calls: impl Iterator<Item = String>) -> Answer {
        let calls: Vec<String> = calls.enumerate().map(|(at, call)| format!("a{at}: {call}")).collect();
        if calls.is_empty() {
            return Answer { text: "{}".to_owned(), statements: 0 };
        }
        self.ask(&self.askers[at], &format!("mutation {{ {} }}", calls.join("\n"))).await
    }

    /// Checks that hidden records are absent for references and names in writes.
    pub(super) async fn names_of_hidden_records_are_free(&mut self, ids: &BTreeMap<&'static str, Ids>) {
        let never = ids[State::Never.prefix()].clone();
        let before = dump(&self.server).await;
        for at in 0..self.askers.len() {
            let who = self.askers[at].who;
            for state in [State::Members, State::Private, State::Deleted, State::Erased] {
                if !who.writes_in(AWAY)
                    || [Of::Organization, Of::Talent, Of::Partnership, Of::Call, Of::Event]
                        .iter()
                        .any(|of| who.sees(*of, state))
                {
                    continue;
                }
                let own = ids[state.prefix()].clone();
                let public = &ids[State::Public.prefix()].call;
                let calls = REFERENCES
                    .iter()
                    .map(|(_, call)| call.replace("{errors}", ERRORS).replace("{public-call}", public));
                let hidden = self.call_all(at, calls.clone().map(|call| own.fill(state, &call))).await;
                let absent = self.call_all(at, calls.map(|call| never.fill(State::Never, &call))).await;
                for (number, (name, _)) in REFERENCES.iter().enumerate() {
                    let text = |answer: &Answer| answer.json()["data"][format!("a{number}")].to_string();
                    let same = own.strip(state, &text(&hidden)) == never.strip(State::Never, &text(&absent));
                    self.expect(same && !codes(&hidden, number).is_empty(), || {
                        format!(
                            "{who:?} is told of {state:?} by {name}\n  {}\n  {}",
                            text(&hidden),
                            text(&absent)
                        )
                    });
                }
                self.expect(hidden.statements == absent.statements, || {
                    format!("{who:?}: names of {state:?} cost")
                });
            }
        }
        let after = dump(&self.server).await;
        self.expect(before == after, || "a name was written".to_owned());
    }

    /// The values of placeholders that depend on no state: for existing objects, and for ones that never existed.
    async fn words(
        &self,
        ids: &BTreeMap<&'static str, Ids>,
    ) -> (Vec<(&'static str, String)>, Vec<(&'static str, String)>) {
        let new = NewKey {
            name: "another".into(),
            region: HOME.into(),
            roles: vec![Role::SyncPartner],
            expires_at: None,
        };
        let (made, _) = api_key::create(&self.server.app, new, Maker::Operator).await.expect("a key");
        let public = &ids[State::Public.prefix()];
        let proposal = self.propose(&public.organization).await;
        let application = self.apply(&public.organization, public).await;
        let submit = format!(
            "mutation {{ submitApplication(id: \"{application}\") {{ application {{ status }} {ERRORS} }} }}"
        );
        let answer = self.ask(self.asker(Who::Colleague), &submit).await;
        assert_eq!(answer.data("/submitApplication/application/status"), "SUBMITTED", "{answer:?}");
        let twins = [
            ("{twin-o}", found(&self.server, "organization", "org-twin-o", 0).await),
            ("{twin-t}", found(&self.server, "talent", "tal-twin-t", 0).await),
        ];
        let invitation = self.invite().await;
        let full_push = self.begin_full_push().await;
        let mut accounts = Vec::new();
        for (word, name) in [("{account}", "editor-wallonie"), ("{colleague}", "colleague")] {
            accounts.push((word, passerelle::kernel::id::encode("account", id_of(&self.server, name).await)));
        }
        let registration = self.register(&ids[State::Public.prefix()].event).await;
        let own = [
            ("{key}", passerelle::kernel::id::encode("api_key", made.id)),
            ("{registration}", registration),
            ("{proposal}", proposal),
            ("{application}", application),
            ("{invitation}", invitation),
            ("{full-push}", full_push),
        ];
        let never = [
            ("{key}", NO_KEY.to_owned()),
            ("{registration}", NO_REGISTRATION.to_owned()),
            ("{proposal}", NO_PROPOSAL.to_owned()),
            ("{application}", NO_APPLICATION.to_owned()),
            ("{invitation}", NO_INVITATION.to_owned()),
            ("{full-push}", NO_FULL_PUSH.to_owned()),
        ];
        let with = |more: [(&'static str, String); 6]| {
            twins.iter().cloned().chain(accounts.iter().cloned()).chain(more).collect()
        };
        (with(own), with(never))
    }

    /// Invites an account as administrator, and returns the invitation's id.
    async fn invite(&self) -> String {
        let call = format!(
            "mutation {{ inviteAccount(input: {{email: \"other@example.org\", region: \"{HOME}\", roles: [MEMBER]}}) {{ invitation {{ id }} {ERRORS} }} }}"
        );
        let answer = self.ask(self.asker(Who::Admin), &call).await;
        let id = answer.data("/inviteAccount/invitation/id");
        id.as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
    }

    /// Begins a full push as administrator, and returns its id.
    async fn begin_full_push(&self) -> String {
        let call =
            format!("mutation {{ beginFullPush(source: \"test-{HOME}\") {{ fullPush {{ id }} {ERRORS} }} }}");
        let answer = self.ask(self.asker(Who::Admin), &call).await;
        let id = answer.data("/beginFullPush/fullPush/id");
        id.as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
    }

    /// Proposes a change of an organization as the colleague, and returns the proposal's id.
    pub(super) async fn propose(&self, organization: &str) -> String {
        let call = format!(
            "mutation {{ proposeChange(input: {{organization: \"{organization}\", change: {{acronym: \"PRO\"}}}}) {{ proposal {{ id }} {ERRORS} }} }}"
        );
        let answer = self.ask(self.asker(Who::Colleague), &call).await;
        let id = answer.data("/proposeChange/proposal/id");
        id.as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
    }

    /// Registers the account without roles for an event, and returns the registration's id.
    async fn register(&self, event: &str) -> String {
        let call = format!(
            "mutation {{ registerForEvent(input: {{event: \"{event}\"}}) {{ registration {{ id }} {ERRORS} }} }}"
        );
        let answer = self.ask(self.asker(Who::Account), &call).await;
        let id = answer.data("/registerForEvent/registration/id");
        id.as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
    }

    /// Makes a draft of an application of an organization to the public call as the colleague, and returns its id.
    pub(super) async fn apply(&self, organization: &str, public: &Ids) -> String {
        let money = |amount: &str| format!("{{amount: \"{amount}\", currency: \"EUR\"}}");
        let call = format!(
            "mutation {{ createApplication(call: \"{}\", input: {{applicant: \"{organization}\", projectTitle: \"x\", genre: \"webdocumentaire\",
             requested: {}, projectBudget: {}, episodes: 2, minutes: \"3\"}}) {{ application {{ id }} {ERRORS} }} }}",
            public.call,
            money("20"),
            money("40"),
        );
        let answer = self.ask(self.asker(Who::Colleague), &call).await;
        let id = answer.data("/createApplication/application/id");
        id.as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
    }

    async fn undo(&self, undo: Undo) {
        let statements: &[&str] = match undo {
            Undo::Nothing | Undo::Never | Undo::NeverInvitation => &[],
            Undo::Member => &["DELETE FROM account_organization WHERE organization_id IN
                 (SELECT record_id FROM sync_record WHERE external_id = 'org-mem-o')"],
            Undo::FullPush => &[
                "DELETE FROM full_push WHERE ended_at IS NULL AND EXISTS (SELECT 1 FROM full_push WHERE ended_at IS NOT NULL)",
                "UPDATE full_push SET ended_at = NULL",
            ],
            Undo::Invitation => &["DELETE FROM invitation", "DELETE FROM mail_outbox"],
            Undo::Affiliation => &[
                "UPDATE affiliation SET asserted_by = 'SOURCE', disputed_by = NULL, disputed_at = NULL, revision = 1",
                "UPDATE affiliation SET visibility = (SELECT t.visibility FROM talent AS t WHERE t.id = affiliation.talent_id)
                 WHERE talent_id NOT IN (SELECT record_id FROM sync_record WHERE external_id = 'tal-closed-t')",
            ],
            Undo::Registration => &[
                "DELETE FROM event_registration WHERE account_id <> (SELECT id FROM account WHERE email_key = 'account@example.org')
                 OR event_id <> (SELECT record_id FROM sync_record WHERE external_id = 'eve-pub-e')",
                "UPDATE event_registration SET status = 'CONFIRMED'",
                "DELETE FROM event_seats WHERE event_id NOT IN (SELECT event_id FROM event_registration)",
                "UPDATE event_seats SET confirmed = 1",
                "DELETE FROM event_notice",
            ],
            Undo::Proposal => &["UPDATE proposal SET state = 'PENDING', decided_at = NULL, decided_by = NULL"],
            Undo::Application => &[
                "UPDATE application SET status = 'SUBMITTED', revision = 2, decided_at = NULL WHERE submitted_at IS NOT NULL",
                "DELETE FROM application_decision",
            ],
            // All calls have the same fund.
            Undo::Call => &[
                "UPDATE call_for_projects SET fund_amount = '600.00', revision = 1",
                "UPDATE call_for_projects_contribution SET confirmed = TRUE, confirmed_at = NULL, declined_at = NULL",
            ],
            Undo::Partnership => &[
                "UPDATE partnership SET status = 'ACTIVE', revision = 1",
                "UPDATE partnership_party SET confirmed_at = NULL, declined_at = NULL",
            ],
        };
        for statement in statements {
            self.server.app.db.writer().execute_unprepared(statement).await.expect("a statement");
        }
        if undo == Undo::Member {
            self.server.app.identity.callers().forget_all();
        }
    }
}

/// The rows in only one of two dumps.
fn difference(before: &str, after: &str) -> String {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<String>>();
    let (before, after) = (lines(before), lines(after));
    before.symmetric_difference(&after).take(4).cloned().collect::<Vec<_>>().join("\n")
}

/// The id of a key that never existed.
const NO_KEY: &str = "api_key_01jcr5bbgqekvavmza4yqxn3b1";

/// The id of a full push that never existed.
const NO_FULL_PUSH: &str = "full_push_01jcr5bbgqekvavmza4yqxn3b1";

/// The id of an invitation that never existed.
const NO_INVITATION: &str = "invitation_01jcr5bbgqekvavmza4yqxn3b1";

/// The id of a registration that never existed.
const NO_REGISTRATION: &str = "event_registration_01jcr5bbgqekvavmza4yqxn3b1";

/// The id of an application that never existed.
const NO_APPLICATION: &str = "application_01jcr5bbgqekvavmza4yqxn3b1";

/// The id of a proposal that never existed.
const NO_PROPOSAL: &str = "proposal_01jcr5bbgqekvavmza4yqxn3b1";
