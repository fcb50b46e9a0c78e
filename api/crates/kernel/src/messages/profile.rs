//! Messages about the actions of people on their own profile.

use super::Message;
use crate::problem::UserErrorCode;

/// The caller must agree to the text of the consent.
pub const CONSENT_REQUIRED: Message = Message {
    code: UserErrorCode::Required,
    reason: Some("CONSENT_REQUIRED"),
    en: "Agree to the present text first: show `consentText` and pass `consent` with version {version} and the language in which it was read.",
    fr: "Acceptez d’abord le texte actuel : affichez `consentText` et transmettez `consent` avec la version {version} et la langue dans laquelle il a été lu.",
    nl: "Ga eerst akkoord met de huidige tekst: toon `consentText` en geef `consent` mee met versie {version} en de taal waarin hij is gelezen.",
    de: "Stimmen Sie zuerst dem jetzigen Text zu: Zeigen Sie `consentText` und übergeben Sie `consent` mit Version {version} und der Sprache, in der er gelesen wurde.",
};

/// The caller agreed to an outdated text of the consent.
pub const CONSENT_OUTDATED: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("CONSENT_OUTDATED"),
    en: "This is not the present text: version {version} is. Read it and agree to that one.",
    fr: "Ce n’est pas le texte actuel : c’est la version {version}. Lisez-la et acceptez celle-là.",
    nl: "Dit is niet de huidige tekst: dat is versie {version}. Lees die en ga daarmee akkoord.",
    de: "Das ist nicht der jetzige Text: Das ist Version {version}. Lesen Sie diese und stimmen Sie ihr zu.",
};

/// The profile is claimed already.
pub const ALREADY_CLAIMED: Message = Message {
    code: UserErrorCode::NotAllowedInState,
    reason: Some("ALREADY_CLAIMED"),
    en: "This profile has been claimed already.",
    fr: "Ce profil a déjà été repris.",
    nl: "Dit profiel is al overgenomen.",
    de: "Dieses Profil wurde schon übernommen.",
};

/// The profile was merged into another since the invitation.
pub const PROFILE_MERGED: Message = Message {
    code: UserErrorCode::NotAllowedInState,
    reason: Some("PROFILE_MERGED"),
    en: "This profile has been merged into another since the invitation. Ask the region for a new invitation.",
    fr: "Ce profil a été fusionné avec un autre depuis l’invitation. Demandez une nouvelle invitation à la région.",
    nl: "Dit profiel is sinds de uitnodiging met een ander samengevoegd. Vraag de regio om een nieuwe uitnodiging.",
    de: "Dieses Profil wurde seit der Einladung mit einem anderen zusammengeführt. Bitten Sie die Region um eine neue Einladung.",
};

/// The profile was deleted since the invitation.
pub const PROFILE_GONE: Message = Message {
    code: UserErrorCode::NotFound,
    reason: Some("PROFILE_GONE"),
    en: "This profile is not there any more.",
    fr: "Ce profil n’existe plus.",
    nl: "Dit profiel bestaat niet meer.",
    de: "Dieses Profil gibt es nicht mehr.",
};

/// The account has a profile already.
pub const HAS_PROFILE: Message = Message {
    code: UserErrorCode::NotAllowedInState,
    reason: Some("HAS_PROFILE"),
    en: "Your account has a profile already. Ask the region to merge the two if both are about you.",
    fr: "Votre compte a déjà un profil. Demandez à la région de fusionner les deux s’ils vous concernent l’un et l’autre.",
    nl: "Uw account heeft al een profiel. Vraag de regio om beide samen te voegen als ze allebei over u gaan.",
    de: "Ihr Konto hat schon ein Profil. Bitten Sie die Region, beide zusammenzuführen, wenn beide von Ihnen handeln.",
};

/// The profile is not the caller's own.
pub const NOT_YOUR_PROFILE: Message = Message {
    code: UserErrorCode::Forbidden,
    reason: Some("NOT_YOUR_PROFILE"),
    en: "Only the person who has claimed this profile may do this.",
    fr: "Seule la personne qui a repris ce profil peut faire cela.",
    nl: "Alleen de persoon die dit profiel heeft overgenomen, mag dit doen.",
    de: "Das darf nur die Person, die dieses Profil übernommen hat.",
};

/// The profile was hidden because nobody confirmed it.
pub const CONSENT_LAPSED: Message = Message {
    code: UserErrorCode::NotAllowedInState,
    reason: Some("CONSENT_LAPSED"),
    en: "This profile was hidden because nobody confirmed it for too long. Invite the person to claim it: only they can show it again.",
    fr: "Ce profil a été masqué parce que personne ne l’a confirmé depuis trop longtemps. Invitez la personne à le reprendre : elle seule peut le montrer à nouveau.",
    nl: "Dit profiel is verborgen omdat niemand het te lang heeft bevestigd. Nodig de persoon uit het over te nemen: alleen zij of hij kan het weer tonen.",
    de: "Dieses Profil wurde verborgen, weil es zu lange niemand bestätigt hat. Laden Sie die Person ein, es zu übernehmen: Nur sie kann es wieder zeigen.",
};

/// The operation needs the password or a recent sign-in, as proof that the caller is the person.
pub const IDENTITY_NEEDED: Message = Message {
    code: UserErrorCode::Required,
    reason: Some("PASSWORD_REQUIRED"),
    en: "Give your password, or sign in again and repeat this within five minutes.",
    fr: "Indiquez votre mot de passe, ou reconnectez-vous et recommencez dans les cinq minutes.",
    nl: "Geef uw wachtwoord, of meld u opnieuw aan en herhaal dit binnen vijf minuten.",
    de: "Geben Sie Ihr Passwort an, oder melden Sie sich neu an und wiederholen Sie dies innerhalb von fünf Minuten.",
};

/// The profile stays hidden until it is erased, or the erasure is stopped.
pub const ERASURE_SCHEDULED: Message = Message {
    code: UserErrorCode::NotAllowedInState,
    reason: Some("ERASURE_SCHEDULED"),
    en: "The erasure of this profile is scheduled. Stop the erasure first.",
    fr: "L’effacement de ce profil est prévu. Annulez d’abord l’effacement.",
    nl: "Het wissen van dit profiel is gepland. Stop eerst het wissen.",
    de: "Die Löschung dieses Profils ist vorgesehen. Stoppen Sie zuerst die Löschung.",
};

/// No erasure of the profile is scheduled.
pub const NO_ERASURE: Message = Message {
    code: UserErrorCode::NotAllowedInState,
    reason: Some("NO_ERASURE_SCHEDULED"),
    en: "No erasure of this profile is scheduled.",
    fr: "Aucun effacement de ce profil n’est prévu.",
    nl: "Er is geen wissen van dit profiel gepland.",
    de: "Für dieses Profil ist keine Löschung vorgesehen.",
};

/// The person requested the erasure: only they can stop it.
pub const ERASURE_OF_THE_PERSON: Message = Message {
    code: UserErrorCode::Forbidden,
    reason: Some("REQUESTED_BY_PERSON"),
    en: "The person has asked for this erasure: only they can stop it.",
    fr: "La personne a demandé cet effacement : elle seule peut l’annuler.",
    nl: "De persoon heeft zelf om dit wissen gevraagd: alleen zij of hij kan het stoppen.",
    de: "Die Person hat diese Löschung selbst verlangt: Nur sie kann sie stoppen.",
};

/// All of them, for the test of the table.
pub(super) const ALL: &[&Message] = &[
    &CONSENT_REQUIRED,
    &CONSENT_OUTDATED,
    &ALREADY_CLAIMED,
    &PROFILE_MERGED,
    &PROFILE_GONE,
    &HAS_PROFILE,
    &NOT_YOUR_PROFILE,
    &CONSENT_LAPSED,
    &IDENTITY_NEEDED,
    &ERASURE_SCHEDULED,
    &NO_ERASURE,
    &ERASURE_OF_THE_PERSON,
];
