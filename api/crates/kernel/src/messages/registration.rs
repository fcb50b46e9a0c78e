//! Messages about registrations for events.

use super::Message;
use crate::problem::UserErrorCode;

/// An API key registers nobody.
pub const REGISTERED_BY_PEOPLE: Message = Message {
    code: UserErrorCode::Forbidden,
    reason: Some("ACCOUNT_REQUIRED"),
    en: "Registrations are for people: sign in with an account instead of an API key.",
    fr: "Les inscriptions sont réservées aux personnes : connectez-vous avec un compte plutôt qu’avec une clé d’API.",
    nl: "Inschrijvingen zijn voor personen: meld u aan met een account in plaats van een API-sleutel.",
    de: "Anmeldungen sind für Personen: Melden Sie sich mit einem Konto statt mit einem API-Schlüssel an.",
};

/// The event takes no registrations here.
pub const NO_REGISTRATION_HERE: Message = Message {
    code: UserErrorCode::NotAllowedInState,
    reason: Some("NO_REGISTRATION_HERE"),
    en: "This event takes no registrations here. Its website says how to take part.",
    fr: "Cet événement ne prend pas d’inscriptions ici. Son site indique comment participer.",
    nl: "Dit evenement neemt hier geen inschrijvingen aan. De website zegt hoe u kunt deelnemen.",
    de: "Diese Veranstaltung nimmt hier keine Anmeldungen an. Ihre Website sagt, wie man teilnimmt.",
};

/// The deadline of registration has passed, or the event has begun.
pub const REGISTRATION_CLOSED: Message = Message {
    code: UserErrorCode::Closed,
    reason: Some("REGISTRATION_CLOSED"),
    en: "The registration for this event is closed.",
    fr: "Les inscriptions à cet événement sont closes.",
    nl: "De inschrijving voor dit evenement is gesloten.",
    de: "Die Anmeldung zu dieser Veranstaltung ist geschlossen.",
};

/// The event is over.
pub const EVENT_OVER: Message = Message {
    code: UserErrorCode::Closed,
    reason: Some("EVENT_OVER"),
    en: "This event is over.",
    fr: "Cet événement est terminé.",
    nl: "Dit evenement is voorbij.",
    de: "Diese Veranstaltung ist vorbei.",
};

/// The event was cancelled.
pub const EVENT_CANCELLED: Message = Message {
    code: UserErrorCode::Closed,
    reason: Some("EVENT_CANCELLED"),
    en: "This event was cancelled.",
    fr: "Cet événement est annulé.",
    nl: "Dit evenement is afgelast.",
    de: "Diese Veranstaltung wurde abgesagt.",
};

/// The person is registered already.
pub const ALREADY_REGISTERED: Message = Message {
    code: UserErrorCode::NotUnique,
    reason: Some("ALREADY_REGISTERED"),
    en: "You are registered for this event already.",
    fr: "Vous êtes déjà inscrit·e à cet événement.",
    nl: "U bent al ingeschreven voor dit evenement.",
    de: "Sie sind zu dieser Veranstaltung schon angemeldet.",
};

/// The organizers have declined the person before.
pub const REGISTRATION_DECLINED: Message = Message {
    code: UserErrorCode::NotAllowedInState,
    reason: Some("REGISTRATION_DECLINED"),
    en: "The organizers have declined your registration for this event.",
    fr: "Les organisateurs ont refusé votre inscription à cet événement.",
    nl: "De organisatoren hebben uw inschrijving voor dit evenement geweigerd.",
    de: "Die Veranstalter haben Ihre Anmeldung zu dieser Veranstaltung abgelehnt.",
};

/// No place is left.
pub const NO_SEAT_LEFT: Message = Message {
    code: UserErrorCode::Full,
    reason: Some("NO_SEAT_LEFT"),
    en: "There is no place left at this event.",
    fr: "Il n’y a plus de place à cet événement.",
    nl: "Er is geen plaats meer op dit evenement.",
    de: "Bei dieser Veranstaltung ist kein Platz mehr frei.",
};

/// The registration is in another state.
pub const REGISTRATION_STATE: Message = Message {
    code: UserErrorCode::NotAllowedInState,
    reason: Some("REGISTRATION_STATE"),
    en: "This is not possible any more: the registration is `{status}`.",
    fr: "Ce n’est plus possible : l’inscription est `{status}`.",
    nl: "Dit kan niet meer: de inschrijving is `{status}`.",
    de: "Das geht nicht mehr: Die Anmeldung ist `{status}`.",
};

/// The registration is another person's.
pub const NOT_YOUR_REGISTRATION: Message = Message {
    code: UserErrorCode::Forbidden,
    reason: Some("NOT_YOUR_REGISTRATION"),
    en: "Only the person who is registered may do this.",
    fr: "Seule la personne inscrite peut faire cela.",
    nl: "Alleen de ingeschreven persoon mag dit doen.",
    de: "Das darf nur die angemeldete Person.",
};

/// Only organizers decide about registrations.
pub const ORGANIZERS_DECIDE: Message = Message {
    code: UserErrorCode::Forbidden,
    reason: Some("ORGANIZERS_DECIDE"),
    en: "The organizers of the event decide about registrations.",
    fr: "Ce sont les organisateurs de l’événement qui décident des inscriptions.",
    nl: "De organisatoren van het evenement beslissen over inschrijvingen.",
    de: "Über Anmeldungen entscheiden die Veranstalter.",
};

/// The person does not belong to the organization.
pub const NOT_YOUR_ORGANIZATION: Message = Message {
    code: UserErrorCode::Forbidden,
    reason: Some("NOT_YOUR_ORGANIZATION"),
    en: "You come for an organization that you belong to: see `organizations` of your account.",
    fr: "Vous venez pour une organisation dont vous êtes membre : voir `organizations` de votre compte.",
    nl: "U komt voor een organisatie waartoe u behoort: zie `organizations` van uw account.",
    de: "Sie kommen für eine Organisation, der Sie angehören: siehe `organizations` Ihres Kontos.",
};

/// All of them, for the test of the table.
pub(super) const ALL: &[&Message] = &[
    &REGISTERED_BY_PEOPLE,
    &NO_REGISTRATION_HERE,
    &REGISTRATION_CLOSED,
    &EVENT_OVER,
    &EVENT_CANCELLED,
    &ALREADY_REGISTERED,
    &REGISTRATION_DECLINED,
    &NO_SEAT_LEFT,
    &REGISTRATION_STATE,
    &NOT_YOUR_REGISTRATION,
    &ORGANIZERS_DECIDE,
    &NOT_YOUR_ORGANIZATION,
];
