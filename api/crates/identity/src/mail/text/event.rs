//! Texts of mails about registrations for events.

use super::{Texts, Words};

/// What a mail tells of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventNews {
    /// The person has a place.
    Confirmed,
    /// The person waits for a place.
    Waitlisted,
    /// The person has waited, and has a place now.
    MovedUp,
    /// The organizers have declined.
    Declined,
    /// The event was cancelled.
    Cancelled,
    /// The event is no longer in the directory, and the registration is gone with it.
    Removed,
}

impl EventNews {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Confirmed, Self::Waitlisted, Self::MovedUp, Self::Declined, Self::Cancelled, Self::Removed];

    /// The name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "CONFIRMED",
            Self::Waitlisted => "WAITLISTED",
            Self::MovedUp => "MOVED_UP",
            Self::Declined => "DECLINED",
            Self::Cancelled => "CANCELLED",
            Self::Removed => "REMOVED",
        }
    }

    /// The one with this name in the database.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|news| news.name() == name)
    }

    pub(super) const fn texts(self) -> &'static Texts {
        match self {
            Self::Confirmed => &CONFIRMED,
            Self::Waitlisted => &WAITLISTED,
            Self::MovedUp => &MOVED_UP,
            Self::Declined => &DECLINED,
            Self::Cancelled => &CANCELLED,
            Self::Removed => &REMOVED,
        }
    }
}

/// Characters of a title at most: a line of a mail has 998 bytes.
const LONGEST_TITLE: usize = 150;

/// The title of an event on one line of a mail.
pub(super) fn title(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LONGEST_TITLE {
        return line;
    }
    line.chars().take(LONGEST_TITLE - 1).chain(['…']).collect()
}

const CONFIRMED: Texts = Texts {
    en: Words {
        subject: "You have a place: {title}",
        text: "Hello,

you are registered, and have a place:

{title}

If you cannot come, cancel your registration in the directory: somebody else may be waiting for the place.",
    },
    fr: Words {
        subject: "Vous avez une place : {title}",
        text: "Bonjour,

vous êtes inscrit·e et vous avez une place :

{title}

Si vous ne pouvez pas venir, annulez votre inscription dans l’annuaire : quelqu’un d’autre attend peut-être cette place.",
    },
    nl: Words {
        subject: "U hebt een plaats: {title}",
        text: "Hallo,

u bent ingeschreven en u hebt een plaats:

{title}

Kunt u niet komen, annuleer dan uw inschrijving in de gids: misschien wacht iemand anders op die plaats.",
    },
    de: Words {
        subject: "Sie haben einen Platz: {title}",
        text: "Guten Tag,

Sie sind angemeldet und haben einen Platz:

{title}

Wenn Sie nicht kommen können, sagen Sie Ihre Anmeldung im Verzeichnis ab: Vielleicht wartet jemand anderes auf den Platz.",
    },
};

const WAITLISTED: Texts = Texts {
    en: Words {
        subject: "You are on the waiting list: {title}",
        text: "Hello,

all places are taken. You are on the waiting list:

{title}

You need not do anything: when a place becomes free and you are first in line, it is yours, and you receive another message.",
    },
    fr: Words {
        subject: "Vous êtes sur la liste d’attente : {title}",
        text: "Bonjour,

toutes les places sont prises. Vous êtes sur la liste d’attente :

{title}

Vous n’avez rien à faire : dès qu’une place se libère et que votre tour est venu, elle est à vous, et vous recevez un autre message.",
    },
    nl: Words {
        subject: "U staat op de wachtlijst: {title}",
        text: "Hallo,

alle plaatsen zijn bezet. U staat op de wachtlijst:

{title}

U hoeft niets te doen: zodra er een plaats vrijkomt en u aan de beurt bent, is die voor u en krijgt u een nieuw bericht.",
    },
    de: Words {
        subject: "Sie stehen auf der Warteliste: {title}",
        text: "Guten Tag,

alle Plätze sind vergeben. Sie stehen auf der Warteliste:

{title}

Sie müssen nichts tun: Sobald ein Platz frei wird und Sie an der Reihe sind, gehört er Ihnen, und Sie erhalten eine weitere Nachricht.",
    },
};

const MOVED_UP: Texts = Texts {
    en: Words {
        subject: "A place has become free for you: {title}",
        text: "Hello,

a place has become free, and you were first in line. It is yours:

{title}

If you cannot come any more, cancel your registration in the directory: somebody else may be waiting for the place.",
    },
    fr: Words {
        subject: "Une place s’est libérée pour vous : {title}",
        text: "Bonjour,

une place s’est libérée et c’était votre tour. Elle est à vous :

{title}

Si vous ne pouvez plus venir, annulez votre inscription dans l’annuaire : quelqu’un d’autre attend peut-être cette place.",
    },
    nl: Words {
        subject: "Er is een plaats vrij voor u: {title}",
        text: "Hallo,

er is een plaats vrijgekomen en u was aan de beurt. Ze is voor u:

{title}

Kunt u niet meer komen, annuleer dan uw inschrijving in de gids: misschien wacht iemand anders op die plaats.",
    },
    de: Words {
        subject: "Ein Platz ist für Sie frei geworden: {title}",
        text: "Guten Tag,

ein Platz ist frei geworden, und Sie waren an der Reihe. Er gehört Ihnen:

{title}

Wenn Sie nicht mehr kommen können, sagen Sie Ihre Anmeldung im Verzeichnis ab: Vielleicht wartet jemand anderes auf den Platz.",
    },
};

const DECLINED: Texts = Texts {
    en: Words {
        subject: "Your registration was declined: {title}",
        text: "Hello,

the organizers could not accept your registration:

{title}

If you have questions, ask the organizers.",
    },
    fr: Words {
        subject: "Votre inscription n’a pas été retenue : {title}",
        text: "Bonjour,

les organisateurs n’ont pas pu retenir votre inscription :

{title}

Si vous avez des questions, adressez-vous aux organisateurs.",
    },
    nl: Words {
        subject: "Uw inschrijving is geweigerd: {title}",
        text: "Hallo,

de organisatoren konden uw inschrijving niet aanvaarden:

{title}

Hebt u vragen, richt u dan tot de organisatoren.",
    },
    de: Words {
        subject: "Ihre Anmeldung wurde abgelehnt: {title}",
        text: "Guten Tag,

die Veranstalter konnten Ihre Anmeldung nicht annehmen:

{title}

Wenn Sie Fragen haben, wenden Sie sich an die Veranstalter.",
    },
};

const CANCELLED: Texts = Texts {
    en: Words {
        subject: "Cancelled: {title}",
        text: "Hello,

the event for which you are registered was cancelled:

{title}

You need not do anything.",
    },
    fr: Words {
        subject: "Annulé : {title}",
        text: "Bonjour,

l’événement auquel vous êtes inscrit·e est annulé :

{title}

Vous n’avez rien à faire.",
    },
    nl: Words {
        subject: "Afgelast: {title}",
        text: "Hallo,

het evenement waarvoor u bent ingeschreven, is afgelast:

{title}

U hoeft niets te doen.",
    },
    de: Words {
        subject: "Abgesagt: {title}",
        text: "Guten Tag,

die Veranstaltung, zu der Sie angemeldet sind, wurde abgesagt:

{title}

Sie müssen nichts tun.",
    },
};

const REMOVED: Texts = Texts {
    en: Words {
        subject: "No longer in the directory: {title}",
        text: "Hello,

the event for which you were registered is no longer in the directory, and your registration is deleted:

{title}

If you want to know more, ask the organizers.",
    },
    fr: Words {
        subject: "Retiré de l’annuaire : {title}",
        text: "Bonjour,

l’événement auquel vous étiez inscrit·e ne figure plus dans l’annuaire, et votre inscription est supprimée :

{title}

Pour en savoir plus, adressez-vous aux organisateurs.",
    },
    nl: Words {
        subject: "Niet langer in de gids: {title}",
        text: "Hallo,

het evenement waarvoor u was ingeschreven, staat niet langer in de gids, en uw inschrijving is verwijderd:

{title}

Wilt u meer weten, richt u dan tot de organisatoren.",
    },
    de: Words {
        subject: "Nicht mehr im Verzeichnis: {title}",
        text: "Guten Tag,

die Veranstaltung, zu der Sie angemeldet waren, steht nicht mehr im Verzeichnis, und Ihre Anmeldung ist gelöscht:

{title}

Wenn Sie mehr wissen möchten, wenden Sie sich an die Veranstalter.",
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_short_line() {
        assert_eq!(title(" Assises\r\nBcc: x  de l’image\t"), "Assises Bcc: x de l’image");
        let long = title(&"é".repeat(300));
        assert!(long.chars().count() == LONGEST_TITLE && long.ends_with("é…"), "{long}");
        assert_eq!(title(&"é".repeat(150)), "é".repeat(150));
    }

    #[test]
    fn news_has_a_name_of_its_own() {
        for news in EventNews::ALL {
            assert_eq!(EventNews::named(news.name()), Some(news));
        }
        assert_eq!(EventNews::named("NONE"), None);
    }
}
