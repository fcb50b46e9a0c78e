//! Messages about sources and pushes.

use super::Message;
use crate::problem::UserErrorCode;

/// The source does not exist.
pub const SOURCE_UNKNOWN: Message = Message {
    code: UserErrorCode::NotFound,
    reason: Some("SOURCE_UNKNOWN"),
    en: "There is no source `{source}`. Sources are registered by the administrators of their region (`registerSource`).",
    fr: "Il n’y a pas de source `{source}`. Les sources sont enregistrées par les administrateurs de leur région (`registerSource`).",
    nl: "Er is geen bron `{source}`. Bronnen worden geregistreerd door de beheerders van hun regio (`registerSource`).",
    de: "Es gibt keine Quelle `{source}`. Quellen werden von den Verwaltern ihrer Region eingetragen (`registerSource`).",
};

/// The name of a source is malformed.
pub const SOURCE_NAME_FORM: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("SOURCE_NAME_FORM"),
    en: "The name of a source has 1 to {limit} characters: lower-case letters without accents, digits, `-`, `_` and `.`.",
    fr: "Le nom d’une source compte de 1 à {limit} caractères : minuscules sans accents, chiffres, `-`, `_` et `.`.",
    nl: "De naam van een bron telt 1 tot {limit} tekens: kleine letters zonder accenten, cijfers, `-`, `_` en `.`.",
    de: "Der Name einer Quelle hat 1 bis {limit} Zeichen: Kleinbuchstaben ohne Akzente, Ziffern, `-`, `_` und `.`.",
};

/// Another source has the name.
pub const SOURCE_TAKEN: Message = Message {
    code: UserErrorCode::NotUnique,
    reason: Some("SOURCE_TAKEN"),
    en: "This name is taken. Choose another, such as one that begins with the name of your region.",
    fr: "Ce nom est déjà pris. Choisissez-en un autre, par exemple un qui commence par le nom de votre région.",
    nl: "Deze naam is al in gebruik. Kies een andere, bijvoorbeeld een die met de naam van uw regio begint.",
    de: "Dieser Name ist vergeben. Wählen Sie einen anderen, etwa einen, der mit dem Namen Ihrer Region beginnt.",
};

/// The caller does not administer the region of the new source.
pub const NOT_YOUR_SOURCES: Message = Message {
    code: UserErrorCode::Forbidden,
    reason: Some("NOT_YOUR_SOURCES"),
    en: "Only the administrators of this region register its sources, signed in with their account.",
    fr: "Seuls les administrateurs de cette région enregistrent ses sources, connectés avec leur compte.",
    nl: "Alleen de beheerders van deze regio registreren haar bronnen, aangemeld met hun account.",
    de: "Nur die Verwalter dieser Region tragen ihre Quellen ein, angemeldet mit ihrem Konto.",
};

/// The caller may not push records.
pub const NOT_SYNC_PARTNER: Message = Message {
    code: UserErrorCode::Forbidden,
    reason: Some("NOT_SYNC_PARTNER"),
    en: "Records of a system are pushed with the role SYNC_PARTNER of its region.",
    fr: "Les fiches d’un système sont poussées avec le rôle SYNC_PARTNER de sa région.",
    nl: "Fiches van een systeem worden doorgestuurd met de rol SYNC_PARTNER van zijn regio.",
    de: "Einträge eines Systems werden mit der Rolle SYNC_PARTNER seiner Region übertragen.",
};

/// The source is of another region than the caller.
pub const FOREIGN_SYSTEM: Message = Message {
    code: UserErrorCode::Forbidden,
    reason: Some("FOREIGN_REGION"),
    en: "The source `{source}` is of a region whose records you do not push.",
    fr: "La source `{source}` est d’une région dont vous ne poussez pas les fiches.",
    nl: "De bron `{source}` is van een regio waarvan u geen fiches doorstuurt.",
    de: "Die Quelle `{source}` gehört zu einer Region, deren Einträge Sie nicht übertragen.",
};

/// The record belongs to another source.
pub const NOT_AUTHORITY: Message = Message {
    code: UserErrorCode::Forbidden,
    reason: Some("NOT_AUTHORITY"),
    en: "This names a record of another source, which alone writes it.",
    fr: "Ceci désigne une fiche d’une autre source, qui est seule à l’écrire.",
    nl: "Dit is een fiche van een andere bron, die ze als enige schrijft.",
    de: "Das ist ein Eintrag einer anderen Quelle, die ihn allein schreibt.",
};

/// The external id is that of a record of another type.
pub const OTHER_TYPE: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("OTHER_TYPE"),
    en: "This source has given this id to a record of another type.",
    fr: "Cette source a donné cet identifiant à une fiche d’un autre type.",
    nl: "Deze bron heeft dit id aan een fiche van een ander type gegeven.",
    de: "Diese Quelle hat diese Kennung einem Eintrag anderer Art gegeben.",
};

/// An external id is empty or too long.
pub const EXTERNAL_ID_FORM: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("EXTERNAL_ID_FORM"),
    en: "The id of a record in its source has 1 to {limit} bytes, none of them NUL.",
    fr: "L’identifiant d’une fiche dans sa source compte de 1 à {limit} octets, sans NUL.",
    nl: "Het id van een fiche in haar bron telt 1 tot {limit} bytes, zonder NUL.",
    de: "Die Kennung eines Eintrags in seiner Quelle hat 1 bis {limit} Bytes, ohne NUL.",
};

/// An item has no record, or several.
pub const ONE_RECORD: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("ONE_RECORD"),
    en: "Give exactly one of `organization`, `talent`, `affiliation`, `partnership`, `callForProjects`, `event`.",
    fr: "Indiquez exactement un de `organization`, `talent`, `affiliation`, `partnership`, `callForProjects`, `event`.",
    nl: "Geef precies één van `organization`, `talent`, `affiliation`, `partnership`, `callForProjects`, `event`.",
    de: "Geben Sie genau eines von `organization`, `talent`, `affiliation`, `partnership`, `callForProjects`, `event` an.",
};

/// The record to erase is not a talent.
pub const ERASE_PEOPLE: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("ERASE_TALENTS_ONLY"),
    en: "Only talents are erased. Delete other records.",
    fr: "Seuls les talents sont effacés. Supprimez les autres fiches.",
    nl: "Alleen talenten worden gewist. Verwijder andere fiches.",
    de: "Nur Talente werden unwiderruflich gelöscht. Entfernen Sie andere Einträge.",
};

/// The batch has too many records.
pub const TOO_MANY_RECORDS: Message = Message {
    code: UserErrorCode::TooMany,
    reason: Some("TOO_MANY_RECORDS"),
    en: "A batch has at most {limit} records.",
    fr: "Un lot compte au plus {limit} fiches.",
    nl: "Een reeks telt hoogstens {limit} fiches.",
    de: "Ein Stapel hat höchstens {limit} Einträge.",
};

/// A batch or a record is too large.
pub const TOO_LARGE: Message = Message {
    code: UserErrorCode::TooMany,
    reason: Some("TOO_LARGE"),
    en: "This has {size} bytes as JSON: at most {limit} are allowed.",
    fr: "Ceci compte {size} octets en JSON : {limit} au plus sont admis.",
    nl: "Dit telt {size} bytes als JSON: hoogstens {limit} zijn toegestaan.",
    de: "Das hat {size} Bytes als JSON: höchstens {limit} sind erlaubt.",
};

/// Another batch of the source is running, or the source has sent too many.
pub const PUSH_BUSY: Message = Message {
    code: UserErrorCode::NotAllowedInState,
    reason: Some("PUSH_BUSY"),
    en: "Another batch of this source is being written, or there were too many in the last minute. Send this one again a little later.",
    fr: "Un autre lot de cette source est en cours d’écriture, ou il y en a eu trop depuis une minute. Renvoyez celui-ci un peu plus tard.",
    nl: "Een andere reeks van deze bron wordt geschreven, of er waren er te veel in de laatste minuut. Stuur deze iets later opnieuw.",
    de: "Ein anderer Stapel dieser Quelle wird gerade geschrieben, oder es waren in der letzten Minute zu viele. Senden Sie diesen etwas später noch einmal.",
};

/// The same request is still running.
pub const KEY_IN_PROGRESS: Message = Message {
    code: UserErrorCode::NotAllowedInState,
    reason: Some("IDEMPOTENCY_IN_PROGRESS"),
    en: "The same request is still being written. Send it again a little later to get its outcome.",
    fr: "La même demande est encore en cours d’écriture. Renvoyez-la un peu plus tard pour en connaître le résultat.",
    nl: "Dezelfde aanvraag wordt nog geschreven. Stuur ze iets later opnieuw om het resultaat te krijgen.",
    de: "Dieselbe Anfrage wird noch geschrieben. Senden Sie sie etwas später noch einmal, um ihr Ergebnis zu erhalten.",
};

/// Another record of a batch that is written as a whole was refused.
pub const NOT_ATTEMPTED: Message = Message {
    code: UserErrorCode::NotAllowedInState,
    reason: Some("NOT_ATTEMPTED"),
    en: "Nothing is wrong with this record. It was not written because another one of the batch was refused.",
    fr: "Cette fiche est correcte. Elle n’a pas été écrite parce qu’une autre du lot a été refusée.",
    nl: "Aan deze fiche is niets verkeerd. Ze is niet geschreven omdat een andere van de reeks geweigerd werd.",
    de: "An diesem Eintrag ist nichts falsch. Er wurde nicht geschrieben, weil ein anderer des Stapels abgelehnt wurde.",
};

/// Too many records of a source would be deleted in a day.
pub const MASS_DELETE_BLOCKED: Message = Message {
    code: UserErrorCode::NotAllowedInState,
    reason: Some("MASS_DELETE_BLOCKED"),
    en: "This would delete {count} records of the source, which has {records}, after {before} in the last day. Nothing was deleted. If they are all meant, confirm with the exact number: {count}.",
    fr: "Ceci supprimerait {count} fiches de la source, qui en compte {records}, après {before} depuis un jour. Rien n’a été supprimé. Si toutes sont visées, confirmez avec le nombre exact : {count}.",
    nl: "Dit zou {count} fiches van de bron verwijderen, die er {records} heeft, na {before} in de laatste dag. Er is niets verwijderd. Zijn ze allemaal bedoeld, bevestig dan met het precieze aantal: {count}.",
    de: "Das würde {count} Einträge der Quelle entfernen, die {records} hat, nach {before} am letzten Tag. Nichts wurde entfernt. Sind alle gemeint, bestätigen Sie mit der genauen Zahl: {count}.",
};

/// The database refuses a record.
pub const WRITE_FAILED: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("WRITE_FAILED"),
    en: "The database does not take this record. The others of the batch were written without it.",
    fr: "La base de données n’accepte pas cette fiche. Les autres du lot ont été écrites sans elle.",
    nl: "De databank aanvaardt deze fiche niet. De andere van de reeks werden zonder haar geschreven.",
    de: "Die Datenbank nimmt diesen Eintrag nicht an. Die anderen des Stapels wurden ohne ihn geschrieben.",
};

/// The record was refused when the same batch was sent first.
pub const REFUSED_BEFORE: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("REFUSED_BEFORE"),
    en: "This was refused when the batch was first sent: {code}.",
    fr: "Ceci a été refusé au premier envoi du lot : {code}.",
    nl: "Dit werd geweigerd toen de reeks voor het eerst gestuurd werd: {code}.",
    de: "Das wurde abgelehnt, als der Stapel zum ersten Mal gesendet wurde: {code}.",
};

/// The full push does not exist, or is not of this source.
pub const FULL_PUSH_UNKNOWN: Message = Message {
    code: UserErrorCode::NotFound,
    reason: Some("FULL_PUSH_UNKNOWN"),
    en: "There is no such full push of a source that you push for.",
    fr: "Il n’y a pas de tel envoi complet d’une source dont vous poussez les fiches.",
    nl: "Er is geen dergelijke volledige zending van een bron waarvoor u fiches doorstuurt.",
    de: "Es gibt keine solche vollständige Übertragung einer Quelle, für die Sie übertragen.",
};

/// A full push has ended.
pub const FULL_PUSH_OVER: Message = Message {
    code: UserErrorCode::NotAllowedInState,
    reason: Some("FULL_PUSH_OVER"),
    en: "This full push is over: it was completed, another one was begun after it, or it is older than {days} days.",
    fr: "Cet envoi complet est terminé : il a été achevé, un autre a commencé après lui, ou il a plus de {days} jours.",
    nl: "Deze volledige zending is voorbij: ze werd afgerond, er begon een andere na haar, of ze is ouder dan {days} dagen.",
    de: "Diese vollständige Übertragung ist vorbei: Sie wurde abgeschlossen, eine andere hat nach ihr begonnen, oder sie ist älter als {days} Tage.",
};

/// A full push had another number of records than expected.
pub const COUNT_DIFFERS: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("COUNT_DIFFERS"),
    en: "The batches of this full push had {count} records, and not {expected}. Send what is missing, then complete it.",
    fr: "Les lots de cet envoi complet comptaient {count} fiches, et non {expected}. Envoyez ce qui manque, puis achevez-le.",
    nl: "De reeksen van deze volledige zending telden {count} fiches, en niet {expected}. Stuur wat ontbreekt en rond ze dan af.",
    de: "Die Stapel dieser vollständigen Übertragung hatten {count} Einträge und nicht {expected}. Senden Sie, was fehlt, und schließen Sie sie dann ab.",
};

pub(super) const ALL: &[&Message] = &[
    &SOURCE_UNKNOWN,
    &NOT_SYNC_PARTNER,
    &FOREIGN_SYSTEM,
    &NOT_AUTHORITY,
    &OTHER_TYPE,
    &EXTERNAL_ID_FORM,
    &ONE_RECORD,
    &ERASE_PEOPLE,
    &TOO_MANY_RECORDS,
    &TOO_LARGE,
    &PUSH_BUSY,
    &KEY_IN_PROGRESS,
    &NOT_ATTEMPTED,
    &MASS_DELETE_BLOCKED,
    &WRITE_FAILED,
    &REFUSED_BEFORE,
    &FULL_PUSH_UNKNOWN,
    &FULL_PUSH_OVER,
    &COUNT_DIFFERS,
    &SOURCE_NAME_FORM,
    &SOURCE_TAKEN,
    &NOT_YOUR_SOURCES,
];
