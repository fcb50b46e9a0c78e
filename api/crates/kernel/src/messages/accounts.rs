//! Messages about accounts, sessions, keys, roles and invitations, in each language.

use super::Message;
use crate::problem::UserErrorCode;

/// No account has this e-mail address with this password. The message does not reveal which of the two is wrong.
pub const CREDENTIALS: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("WRONG_CREDENTIALS"),
    en: "The e-mail address or the password is not right.",
    fr: "L’adresse e-mail ou le mot de passe n’est pas correct.",
    nl: "Het e-mailadres of het wachtwoord is niet juist.",
    de: "Die E-Mail-Adresse oder das Passwort stimmt nicht.",
};

/// The refresh token is invalid, was used before, has expired, or was signed out.
pub const SESSION: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("SESSION_ENDED"),
    en: "This session has ended. Sign in again.",
    fr: "Cette session est terminée. Connectez-vous à nouveau.",
    nl: "Deze sessie is afgelopen. Meld u opnieuw aan.",
    de: "Diese Sitzung ist beendet. Melden Sie sich erneut an.",
};

/// A new password is too short.
pub const PASSWORD_TOO_SHORT: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("PASSWORD_TOO_SHORT"),
    en: "A password has at least {limit} characters.",
    fr: "Un mot de passe compte au moins {limit} caractères.",
    nl: "Een wachtwoord telt minstens {limit} tekens.",
    de: "Ein Passwort hat mindestens {limit} Zeichen.",
};

/// The present password is wrong.
pub const WRONG_PASSWORD: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("WRONG_PASSWORD"),
    en: "This is not your present password.",
    fr: "Ce n’est pas votre mot de passe actuel.",
    nl: "Dit is niet uw huidige wachtwoord.",
    de: "Das ist nicht Ihr jetziges Passwort.",
};

/// The token of a mail is invalid, was used, has expired, or was withdrawn.
pub const LINK_OVER: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("TOKEN_NOT_GOOD"),
    en: "This link is good no more: it was used, has expired, or was withdrawn. Ask for a new one.",
    fr: "Ce lien n’est plus valable : il a servi, a expiré ou a été retiré. Demandez-en un nouveau.",
    nl: "Deze link is niet meer geldig: hij werd gebruikt, is verlopen of werd ingetrokken. Vraag een nieuwe.",
    de: "Dieser Link gilt nicht mehr: Er wurde benutzt, ist abgelaufen oder wurde zurückgezogen. Fordern Sie einen neuen an.",
};

/// The invited address has an account already.
pub const SIGN_IN_FIRST: Message = Message {
    code: UserErrorCode::NotAllowedInState,
    reason: Some("SIGN_IN_FIRST"),
    en: "There is an account with this address already: sign in with it, then accept the invitation.",
    fr: "Il existe déjà un compte avec cette adresse : connectez-vous, puis acceptez l’invitation.",
    nl: "Er is al een account met dit adres: meld u daarmee aan en aanvaard dan de uitnodiging.",
    de: "Es gibt schon ein Konto mit dieser Adresse: Melden Sie sich damit an und nehmen Sie dann die Einladung an.",
};

/// The invitation is for another address than that of the signed-in account.
pub const OTHER_ACCOUNT: Message = Message {
    code: UserErrorCode::Forbidden,
    reason: Some("OTHER_ACCOUNT"),
    en: "This invitation was sent to another address than that of your account. Sign out to accept it, or ask for one to your address.",
    fr: "Cette invitation a été envoyée à une autre adresse que celle de votre compte. Déconnectez-vous pour l’accepter, ou demandez-en une à votre adresse.",
    nl: "Deze uitnodiging werd naar een ander adres gestuurd dan dat van uw account. Meld u af om ze te aanvaarden, of vraag er een op uw adres.",
    de: "Diese Einladung ging an eine andere Adresse als die Ihres Kontos. Melden Sie sich ab, um sie anzunehmen, oder bitten Sie um eine an Ihre Adresse.",
};

/// No region has this slug.
pub const NO_REGION: Message = Message {
    code: UserErrorCode::NotFound,
    reason: None,
    en: "There is no region with this slug.",
    fr: "Aucune région ne porte cet identifiant.",
    nl: "Er is geen regio met deze naam.",
    de: "Es gibt keine Region mit diesem Namen.",
};

/// An API key may not have this role.
pub const NO_ROLE_OF_KEYS: Message = Message {
    code: UserErrorCode::Invalid,
    reason: None,
    en: "A key does not administer the whole instance: choose a role for a region.",
    fr: "Une clé n’administre pas toute l’instance : choisissez un rôle pour une région.",
    nl: "Een sleutel beheert niet de hele installatie: kies een rol voor een regio.",
    de: "Ein Schlüssel verwaltet nicht die ganze Instanz: Wählen Sie eine Rolle für eine Region.",
};

/// An invitation cannot give this role.
pub const NO_ROLE_OF_INVITATIONS: Message = Message {
    code: UserErrorCode::Invalid,
    reason: None,
    en: "An invitation gives roles for a region: ADMIN is granted to an account that is there.",
    fr: "Une invitation donne des rôles pour une région : ADMIN s’accorde à un compte existant.",
    nl: "Een uitnodiging geeft rollen voor een regio: ADMIN wordt aan een bestaande account toegekend.",
    de: "Eine Einladung gibt Rollen für eine Region: ADMIN wird einem bestehenden Konto verliehen.",
};

/// A role for a region is given without a region.
pub const ROLE_NEEDS_REGION: Message = Message {
    code: UserErrorCode::Required,
    reason: None,
    en: "This role is for a region: say which.",
    fr: "Ce rôle vaut pour une région : indiquez laquelle.",
    nl: "Deze rol geldt voor een regio: geef aan welke.",
    de: "Diese Rolle gilt für eine Region: Geben Sie an, welche.",
};

/// A role for the whole instance is given with a region.
pub const ROLE_HAS_NO_REGION: Message = Message {
    code: UserErrorCode::Invalid,
    reason: None,
    en: "This role is for the whole instance: leave the region out.",
    fr: "Ce rôle vaut pour toute l’instance : omettez la région.",
    nl: "Deze rol geldt voor de hele installatie: laat de regio weg.",
    de: "Diese Rolle gilt für die ganze Instanz: Lassen Sie die Region weg.",
};

/// An API key must expire in the future, and not too late.
pub const EXPIRY: Message = Message {
    code: UserErrorCode::Invalid,
    reason: None,
    en: "A key expires in the future, within three years.",
    fr: "Une clé expire dans l’avenir, dans trois ans au plus.",
    nl: "Een sleutel vervalt in de toekomst, uiterlijk over drie jaar.",
    de: "Ein Schlüssel läuft in der Zukunft ab, spätestens in drei Jahren.",
};

/// An API key has no calendar of its own.
pub const CALENDARS_OF_PEOPLE: Message = Message {
    code: UserErrorCode::Forbidden,
    reason: None,
    en: "A calendar belongs to a person: sign in with an account.",
    fr: "Un calendrier appartient à une personne : connectez-vous avec un compte.",
    nl: "Een agenda is van een persoon: meld u aan met een account.",
    de: "Ein Kalender gehört einer Person: Melden Sie sich mit einem Konto an.",
};

/// The caller may not create or revoke API keys of this region.
pub const NOT_YOUR_KEYS: Message = Message {
    code: UserErrorCode::Forbidden,
    reason: None,
    en: "Only administrators of the region manage its keys, signed in with their account.",
    fr: "Seuls les administrateurs de la région en gèrent les clés, connectés avec leur compte.",
    nl: "Alleen beheerders van de regio gaan over de sleutels, aangemeld met hun account.",
    de: "Nur die Administratoren der Region verwalten ihre Schlüssel, mit ihrem Konto angemeldet.",
};

/// The caller may not administer the people of this region.
pub const NOT_YOUR_PEOPLE: Message = Message {
    code: UserErrorCode::Forbidden,
    reason: None,
    en: "Only administrators of the region decide this, signed in with their account.",
    fr: "Seuls les administrateurs de la région en décident, connectés avec leur compte.",
    nl: "Alleen beheerders van de regio beslissen hierover, aangemeld met hun account.",
    de: "Darüber entscheiden nur die Administratoren der Region, mit ihrem Konto angemeldet.",
};

/// The caller does not administer the whole instance.
pub const ADMINISTRATORS_ONLY: Message = Message {
    code: UserErrorCode::Forbidden,
    reason: None,
    en: "Only who administers the whole instance gives or takes this role.",
    fr: "Seuls ceux qui administrent toute l’instance donnent ou retirent ce rôle.",
    nl: "Alleen wie de hele installatie beheert, geeft of ontneemt deze rol.",
    de: "Nur wer die ganze Instanz verwaltet, gibt oder nimmt diese Rolle.",
};

/// The last administrator of the instance must keep the role.
pub const LAST_ADMINISTRATOR: Message = Message {
    code: UserErrorCode::NotAllowedInState,
    reason: Some("LAST_ADMINISTRATOR"),
    en: "This is the last administrator: make another one first.",
    fr: "C’est le dernier administrateur : nommez-en d’abord un autre.",
    nl: "Dit is de laatste beheerder: stel eerst een andere aan.",
    de: "Das ist der letzte Administrator: Ernennen Sie zuerst einen anderen.",
};

/// The API key does not exist, or the caller may not know of it.
pub const NO_KEY: Message = Message {
    code: UserErrorCode::NotFound,
    reason: None,
    en: "There is no key with this id.",
    fr: "Aucune clé ne porte cet identifiant.",
    nl: "Er is geen sleutel met deze id.",
    de: "Es gibt keinen Schlüssel mit dieser ID.",
};

/// The account does not exist, or the caller may not know of it.
pub const NO_ACCOUNT: Message = Message {
    code: UserErrorCode::NotFound,
    reason: None,
    en: "There is no account with this id in your regions. Invite people by their e-mail address.",
    fr: "Aucun compte ne porte cet identifiant dans vos régions. Invitez les personnes par leur adresse e-mail.",
    nl: "Er is in uw regio’s geen account met deze id. Nodig mensen uit met hun e-mailadres.",
    de: "In Ihren Regionen gibt es kein Konto mit dieser ID. Laden Sie Personen mit ihrer E-Mail-Adresse ein.",
};

/// The invitation does not exist, or the caller may not know of it.
pub const NO_INVITATION: Message = Message {
    code: UserErrorCode::NotFound,
    reason: None,
    en: "There is no invitation with this id: it was accepted, withdrawn, or has expired.",
    fr: "Aucune invitation ne porte cet identifiant : elle a été acceptée, retirée, ou a expiré.",
    nl: "Er is geen uitnodiging met deze id: ze werd aanvaard of ingetrokken, of is verlopen.",
    de: "Es gibt keine Einladung mit dieser ID: Sie wurde angenommen, zurückgezogen oder ist abgelaufen.",
};

/// No organization of the region has this id.
pub const NO_ORGANIZATION_OF_REGION: Message = Message {
    code: UserErrorCode::NotFound,
    reason: None,
    en: "There is no organization with this id in your regions.",
    fr: "Aucune organisation ne porte cet identifiant dans vos régions.",
    nl: "Er is in uw regio’s geen organisatie met deze id.",
    de: "In Ihren Regionen gibt es keine Organisation mit dieser ID.",
};

/// All of them.
pub(super) const ALL: [&Message; 22] = [
    &CREDENTIALS,
    &SESSION,
    &PASSWORD_TOO_SHORT,
    &WRONG_PASSWORD,
    &LINK_OVER,
    &SIGN_IN_FIRST,
    &OTHER_ACCOUNT,
    &NO_REGION,
    &NO_ROLE_OF_KEYS,
    &CALENDARS_OF_PEOPLE,
    &NO_ROLE_OF_INVITATIONS,
    &ROLE_NEEDS_REGION,
    &ROLE_HAS_NO_REGION,
    &EXPIRY,
    &NOT_YOUR_KEYS,
    &NOT_YOUR_PEOPLE,
    &ADMINISTRATORS_ONLY,
    &LAST_ADMINISTRATOR,
    &NO_KEY,
    &NO_ACCOUNT,
    &NO_INVITATION,
    &NO_ORGANIZATION_OF_REGION,
];
