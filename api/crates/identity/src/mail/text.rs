//! The texts of mails in each language: plain text, with placeholders in braces.

use chrono::NaiveDate;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use kernel::messages::fill;
use kernel::value::Language;
use kernel::vocabulary::vocabularies;

mod application;
mod event;
mod profile;

pub use event::EventNews;

/// The kind of a mail, with the values of its placeholders.
#[derive(Clone, Debug)]
pub enum Template {
    /// An invitation to create an account, or to take a role with an existing one.
    Invitation {
        /// Token of the link.
        token: SecretString,
        /// Slug of the region that invites.
        region: String,
        /// Days for which the link is valid.
        days: i64,
    },
    /// An invitation to take a profile over.
    ProfileInvitation {
        /// Token of the link.
        token: SecretString,
        /// Slug of the region that invites.
        region: String,
        /// Days for which the link is valid.
        days: i64,
    },
    /// A link to choose a new password.
    PasswordReset {
        /// Token of the link.
        token: SecretString,
        /// Minutes for which the link is valid.
        minutes: i64,
    },
    /// The password of an account was changed.
    PasswordChanged,
    /// A profile will be hidden because nobody has confirmed it.
    ProfileHiding {
        /// Slug of the region that answers for it.
        region: String,
        /// The day on which it is hidden.
        on: NaiveDate,
    },
    /// The erasure of a profile was requested, and can still be stopped.
    ErasureScheduled {
        /// Token of the link.
        token: SecretString,
        /// Slug of the region that answers for it.
        region: String,
        /// The day on which it is erased.
        on: NaiveDate,
        /// Whether the person has requested it themselves.
        by_person: bool,
    },
    /// A profile will be erased because nobody has confirmed it.
    ProfileErasure {
        /// Slug of the region that answers for it.
        region: String,
        /// The day on which it is erased.
        on: NaiveDate,
    },
    /// News of a registration for an event.
    Event {
        /// What has happened.
        news: EventNews,
        /// The title of the event, in the reader's language or another.
        title: String,
    },
    /// An application to a call for projects was received.
    ApplicationReceived {
        /// Id of the application.
        application: String,
    },
    /// Funders have decided on an application to a call for projects.
    ApplicationDecided {
        /// Id of the application.
        application: String,
        /// Whether money was awarded; else all funders have rejected it.
        awarded: bool,
    },
    /// A call for projects will close, and the staff of its funders are told how many applications there are.
    CallCloses {
        /// Id of the call.
        call: String,
        /// When it closes, as people read it.
        at: String,
        /// Number of drafts.
        drafts: i64,
        /// Number of applications that were submitted.
        submissions: i64,
    },
}

/// Subject and text in a language.
struct Words {
    subject: &'static str,
    text: &'static str,
}

/// Subjects and texts in all languages.
struct Texts {
    en: Words,
    fr: Words,
    nl: Words,
    de: Words,
}

impl Texts {
    const fn of(&self, language: Language) -> &Words {
        match language {
            Language::En => &self.en,
            Language::Fr => &self.fr,
            Language::Nl => &self.nl,
            Language::De => &self.de,
        }
    }
}

const INVITATION: Texts = Texts {
    en: Words {
        subject: "Invitation to the directory of {region}",
        text: "Hello,

you are invited to the directory of {region}. Open this link to accept; it is good once, for {days} days:

{link}

If you do not know why you receive this message, ignore it: nothing happens without you.",
    },
    fr: Words {
        subject: "Invitation à l’annuaire : {region}",
        text: "Bonjour,

vous êtes invité·e à rejoindre l’annuaire ({region}). Ouvrez ce lien pour accepter ; il sert une seule fois, pendant {days} jours :

{link}

Si vous ne savez pas pourquoi vous recevez ce message, ignorez-le : rien ne se fait sans vous.",
    },
    nl: Words {
        subject: "Uitnodiging voor de gids van {region}",
        text: "Hallo,

u bent uitgenodigd voor de gids van {region}. Open deze link om de uitnodiging te aanvaarden; hij werkt één keer, {days} dagen lang:

{link}

Weet u niet waarom u dit bericht krijgt, negeer het dan: zonder u gebeurt er niets.",
    },
    de: Words {
        subject: "Einladung zum Verzeichnis: {region}",
        text: "Guten Tag,

Sie sind zum Verzeichnis ({region}) eingeladen. Öffnen Sie diesen Link, um anzunehmen; er gilt einmal, {days} Tage lang:

{link}

Wenn Sie nicht wissen, warum Sie diese Nachricht erhalten, beachten Sie sie nicht: Ohne Sie geschieht nichts.",
    },
};

const PASSWORD_RESET: Texts = Texts {
    en: Words {
        subject: "A new password",
        text: "Hello,

somebody, probably you, has asked for a new password for the account with this address. Open this link to choose it; it is good once, for {minutes} minutes:

{link}

If it was not you, ignore this message: the password stays as it is.",
    },
    fr: Words {
        subject: "Un nouveau mot de passe",
        text: "Bonjour,

quelqu’un, sans doute vous, a demandé un nouveau mot de passe pour le compte lié à cette adresse. Ouvrez ce lien pour le choisir ; il sert une seule fois, pendant {minutes} minutes :

{link}

Si ce n’était pas vous, ignorez ce message : le mot de passe reste tel qu’il est.",
    },
    nl: Words {
        subject: "Een nieuw wachtwoord",
        text: "Hallo,

iemand, waarschijnlijk u, heeft een nieuw wachtwoord gevraagd voor de account met dit adres. Open deze link om het te kiezen; hij werkt één keer, {minutes} minuten lang:

{link}

Was u het niet, negeer dit bericht dan: het wachtwoord blijft zoals het is.",
    },
    de: Words {
        subject: "Ein neues Passwort",
        text: "Guten Tag,

jemand, wahrscheinlich Sie, hat ein neues Passwort für das Konto mit dieser Adresse verlangt. Öffnen Sie diesen Link, um es zu wählen; er gilt einmal, {minutes} Minuten lang:

{link}

Wenn Sie es nicht waren, beachten Sie diese Nachricht nicht: Das Passwort bleibt, wie es ist.",
    },
};

const PASSWORD_CHANGED: Texts = Texts {
    en: Words {
        subject: "Your password was changed",
        text: "Hello,

the password of your account was changed, and whoever was signed in elsewhere is signed out.

If it was not you, ask for a new password at once, and tell the administrators of your region.",
    },
    fr: Words {
        subject: "Votre mot de passe a été modifié",
        text: "Bonjour,

le mot de passe de votre compte a été modifié, et les sessions ouvertes ailleurs sont terminées.

Si ce n’était pas vous, demandez tout de suite un nouveau mot de passe et prévenez les administrateurs de votre région.",
    },
    nl: Words {
        subject: "Uw wachtwoord is gewijzigd",
        text: "Hallo,

het wachtwoord van uw account is gewijzigd, en wie elders was aangemeld is nu afgemeld.

Was u het niet, vraag dan meteen een nieuw wachtwoord en verwittig de beheerders van uw regio.",
    },
    de: Words {
        subject: "Ihr Passwort wurde geändert",
        text: "Guten Tag,

das Passwort Ihres Kontos wurde geändert, und wer anderswo angemeldet war, ist abgemeldet.

Wenn Sie es nicht waren, verlangen Sie sofort ein neues Passwort und benachrichtigen Sie die Administratoren Ihrer Region.",
    },
};

/// The link that passes a token to the frontend. The token is in the fragment, which browsers do not send to servers.
fn link(page: &Url, name: &str, token: &SecretString) -> String {
    let mut link = page.clone();
    link.set_fragment(Some(&format!("{name}={}", token.expose_secret())));
    link.into()
}

/// The link to something that has an id, which the frontend finds in the fragment.
fn link_to(page: &Url, name: &str, id: &str) -> String {
    let mut link = page.clone();
    link.set_fragment(Some(&format!("{name}={id}")));
    link.into()
}

/// The name of a region in a language, or else in its own language.
fn region_name(slug: &str, language: Language) -> String {
    let Some(region) = vocabularies().regions.get(slug) else { return slug.to_owned() };
    let labels = &region.term.labels;
    let label = labels.iter().find(|label| label.language == language).or_else(|| labels.first());
    label.map_or_else(|| slug.to_owned(), |label| label.text.clone())
}

impl Template {
    /// Subject and text; `page` is the page of the frontend that takes tokens.
    pub(super) fn render(&self, language: Language, page: &Url) -> (String, String) {
        let (texts, values) = match self {
            Self::Invitation { token, region, days } | Self::ProfileInvitation { token, region, days } => {
                let values = vec![
                    ("region", region_name(region, language)),
                    ("days", days.to_string()),
                    ("link", link(page, "invitation", token)),
                ];
                let to_profile = matches!(self, Self::ProfileInvitation { .. });
                (if to_profile { &profile::INVITATION } else { &INVITATION }, values)
            }
            Self::PasswordReset { token, minutes } => {
                let values =
                    vec![("minutes", minutes.to_string()), ("link", link(page, "password-reset", token))];
                (&PASSWORD_RESET, values)
            }
            Self::PasswordChanged => (&PASSWORD_CHANGED, Vec::new()),
            Self::ErasureScheduled { token, region, on, by_person } => {
                let values = vec![
                    ("region", region_name(region, language)),
                    ("on", on.format("%Y-%m-%d").to_string()),
                    ("link", link(page, "keep-profile", token)),
                ];
                (if *by_person { &profile::ERASURE_REQUESTED } else { &profile::ERASURE_BY_STAFF }, values)
            }
            Self::ProfileHiding { region, on } | Self::ProfileErasure { region, on } => {
                let values = vec![
                    ("region", region_name(region, language)),
                    ("on", on.format("%Y-%m-%d").to_string()),
                    ("link", page.to_string()),
                ];
                let hiding = matches!(self, Self::ProfileHiding { .. });
                (if hiding { &profile::HIDING } else { &profile::ERASURE }, values)
            }
            Self::Event { news, title } => (news.texts(), vec![("title", event::title(title))]),
            Self::ApplicationReceived { application } => {
                (&application::RECEIVED, vec![("link", link_to(page, "application", application))])
            }
            Self::ApplicationDecided { application, awarded } => {
                let texts = if *awarded { &application::AWARDED } else { &application::REJECTED };
                (texts, vec![("link", link_to(page, "application", application))])
            }
            Self::CallCloses { call, at, drafts, submissions } => {
                let values = vec![
                    ("at", at.clone()),
                    ("drafts", drafts.to_string()),
                    ("submissions", submissions.to_string()),
                    ("link", link_to(page, "call", call)),
                ];
                (&application::CALL_CLOSES, values)
            }
        };
        let words = texts.of(language);
        let values: Vec<_> = values.iter().map(|(word, value)| (*word, value.as_str())).collect();
        (fill(words.subject, &values), fill(words.text, &values) + "\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_has_its_values_and_no_word_is_left() {
        let page: Url = "https://directory.example/welcome".parse().unwrap();
        let token = SecretString::from("secret-_1");
        let templates = [
            Template::Invitation { token: token.clone(), region: "flandre".into(), days: 14 },
            Template::ProfileInvitation { token: token.clone(), region: "flandre".into(), days: 14 },
            Template::PasswordReset { token: token.clone(), minutes: 60 },
            Template::ErasureScheduled {
                token: token.clone(),
                region: "flandre".into(),
                on: NaiveDate::default(),
                by_person: true,
            },
            Template::ErasureScheduled {
                token,
                region: "flandre".into(),
                on: NaiveDate::default(),
                by_person: false,
            },
            Template::PasswordChanged,
            Template::ProfileHiding { region: "flandre".into(), on: NaiveDate::default() },
            Template::ProfileErasure { region: "flandre".into(), on: NaiveDate::default() },
            Template::ApplicationReceived { application: "application_1".into() },
            Template::ApplicationDecided { application: "application_1".into(), awarded: true },
            Template::ApplicationDecided { application: "application_1".into(), awarded: false },
            Template::CallCloses {
                call: "call_for_projects_1".into(),
                at: "2027-03-01 16:00 UTC".into(),
                drafts: 7,
                submissions: 11,
            },
        ];
        let event = |news| Template::Event { news, title: "Assises \n{region}".into() };
        for template in templates.into_iter().chain(EventNews::ALL.map(event)) {
            for language in Language::ALL {
                let (subject, text) = template.render(language, &page);
                assert!(!subject.is_empty() && !subject.contains('\n'), "{subject}");
                assert!(text.lines().all(|line| line.len() < 900), "{text}");
                if matches!(template, Template::Event { .. }) {
                    // What is in a title is no word to fill.
                    let named = |text: &str| text.matches("Assises {region}").count() == 1;
                    assert!(named(&subject) && named(&text), "{text}");
                    continue;
                }
                assert!(!subject.contains('{') && !text.contains('{'), "{text}");
                match &template {
                    Template::Invitation { .. } | Template::ProfileInvitation { .. } => {
                        let region = region_name("flandre", language);
                        assert!(subject.contains(&region) && text.contains(&region) && text.contains("14"));
                        assert!(
                            text.contains("\n\nhttps://directory.example/welcome#invitation=secret-_1\n\n")
                        );
                    }
                    Template::PasswordReset { .. } => {
                        let link = "\n\nhttps://directory.example/welcome#password-reset=secret-_1\n\n";
                        assert!(text.contains("60") && text.contains(link), "{text}");
                    }
                    Template::ErasureScheduled { .. } => {
                        let region = region_name("flandre", language);
                        assert!(subject.contains(&region) && text.contains("1970-01-01"), "{text}");
                        let link = "\n\nhttps://directory.example/welcome#keep-profile=secret-_1\n\n";
                        assert!(text.contains(link), "{text}");
                    }
                    Template::PasswordChanged | Template::Event { .. } => {}
                    Template::ProfileHiding { .. } | Template::ProfileErasure { .. } => {
                        assert!(
                            subject.contains(&region_name("flandre", language))
                                && text.contains("1970-01-01")
                        );
                        assert!(text.contains("\n\nhttps://directory.example/welcome\n\n"), "{text}");
                    }
                    Template::ApplicationReceived { .. } | Template::ApplicationDecided { .. } => {
                        let link = "\n\nhttps://directory.example/welcome#application=application_1\n";
                        assert!(text.contains(link), "{text}");
                    }
                    Template::CallCloses { .. } => {
                        let link = "\n\nhttps://directory.example/welcome#call=call_for_projects_1\n";
                        assert!(
                            text.contains(link) && text.contains(": 7.") && text.contains(": 11."),
                            "{text}"
                        );
                        assert!(subject.contains("2027-03-01 16:00 UTC") && text.contains("16:00 UTC"));
                    }
                }
            }
        }
    }

    #[test]
    fn a_region_is_named_in_the_language() {
        assert_eq!(region_name("flandre", Language::Fr), "Flandre");
        assert_eq!(region_name("flandre", Language::Nl), "Vlaanderen");
        assert_eq!(region_name("nowhere", Language::En), "nowhere");
    }
}
