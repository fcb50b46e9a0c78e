//! The messages about events and their times.

use super::Message;
use crate::problem::UserErrorCode;

/// A time zone that does not exist.
pub const TIME_ZONE_UNKNOWN: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("TIME_ZONE_UNKNOWN"),
    en: "The IANA database has no time zone `{zone}`: `Europe/Paris` is one.",
    fr: "La base IANA ne connaît pas le fuseau horaire `{zone}` : `Europe/Paris` en est un.",
    nl: "De IANA-databank kent geen tijdzone `{zone}`: `Europe/Brussels` is er een.",
    de: "Die IANA-Datenbank hat keine Zeitzone `{zone}`: `Europe/Brussels` ist eine.",
};

/// A local time that clocks skip.
pub const TIME_SKIPPED: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("TIME_SKIPPED"),
    en: "There is no {hour} on {date} in {zone}: clocks go forward and skip it.",
    fr: "Il n’y a pas de {hour} le {date} à {zone} : le passage à l’heure d’été saute cette heure.",
    nl: "Er is geen {hour} op {date} in {zone}: de klok gaat vooruit en slaat dit uur over.",
    de: "Am {date} gibt es in {zone} kein {hour}: Die Uhren gehen vor und überspringen die Zeit.",
};

/// An hour and a date that contradict each other.
pub const TIME_ON_OTHER_DATE: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("TIME_ON_OTHER_DATE"),
    en: "In {zone} this time is on {day}, and the date says {date}. Correct one of them, or leave one out.",
    fr: "À {zone}, cette heure tombe le {day}, alors que la date indique {date}. Corrigez l’une des deux, ou omettez-en une.",
    nl: "In {zone} valt dit tijdstip op {day}, terwijl de datum {date} zegt. Verbeter een van beide, of laat er een weg.",
    de: "In {zone} liegt diese Zeit am {day}, das Datum sagt {date}. Berichtigen Sie eines der beiden, oder lassen Sie eines weg.",
};

/// A session or a day with opening hours that lies outside its event.
pub const OUTSIDE_EVENT: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("OUTSIDE_EVENT"),
    en: "This lies outside the event, which lasts from {start} to {end}.",
    fr: "Ceci est en dehors de l’événement, qui dure du {start} au {end}.",
    nl: "Dit valt buiten het evenement, dat duurt van {start} tot {end}.",
    de: "Das liegt außerhalb der Veranstaltung, die von {start} bis {end} dauert.",
};

/// An event is a part of itself.
pub const PARENT_CYCLE: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("PARENT_CYCLE"),
    en: "This event is a part of the other one already, or of itself: an event cannot contain what contains it.",
    fr: "Cet événement fait déjà partie de l’autre, ou de lui-même : un événement ne peut contenir celui qui le contient.",
    nl: "Dit evenement is al een deel van het andere, of van zichzelf: een evenement kan niet bevatten wat het zelf bevat.",
    de: "Diese Veranstaltung ist schon Teil der anderen oder ihrer selbst: Keine kann enthalten, was sie enthält.",
};

/// A number that must be above zero.
pub const NOT_ABOVE_ZERO: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("NOT_ABOVE_ZERO"),
    en: "This number is at least 1.",
    fr: "Ce nombre est d’au moins 1.",
    nl: "Dit getal is minstens 1.",
    de: "Diese Zahl ist mindestens 1.",
};

/// An address online of an event that is not online.
pub const NOT_ONLINE: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("NOT_ONLINE"),
    en: "An event on site has no address online: say HYBRID or ONLINE, or leave it out.",
    fr: "Un événement sur place n’a pas d’adresse en ligne : indiquez HYBRID ou ONLINE, ou omettez-la.",
    nl: "Een evenement ter plaatse heeft geen onlineadres: zeg HYBRID of ONLINE, of laat het weg.",
    de: "Eine Veranstaltung vor Ort hat keine Online-Adresse: Sagen Sie HYBRID oder ONLINE, oder lassen Sie sie weg.",
};

/// Registration that closes after the event.
pub const CLOSES_AFTER_EVENT: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("CLOSES_AFTER_EVENT"),
    en: "Registration closes before the event is over, which is at {end}.",
    fr: "Les inscriptions se closent avant la fin de l’événement, qui est à {end}.",
    nl: "De inschrijving sluit voor het evenement voorbij is, namelijk op {end}.",
    de: "Die Anmeldung schließt vor dem Ende der Veranstaltung, das um {end} ist.",
};

/// A revision of another instance has a session of another event.
pub const SESSION_OF_ANOTHER: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("SESSION_OF_ANOTHER_EVENT"),
    en: "A session has the id of a session of another event.",
    fr: "Une session porte l’identifiant d’une session d’un autre événement.",
    nl: "Een sessie heeft de id van een sessie van een ander evenement.",
    de: "Ein Programmpunkt hat die Id eines Programmpunkts einer anderen Veranstaltung.",
};

/// A local time that clocks show twice: a warning.
pub const TIME_TWICE: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("TIME_TWICE"),
    en: "Clocks go back that day and show this time twice: the earlier one is meant now.",
    fr: "Ce jour-là, le passage à l’heure d’hiver répète cette heure : c’est la première qui est retenue.",
    nl: "Die dag gaat de klok terug en komt dit tijdstip twee keer voor: het vroegste geldt nu.",
    de: "An diesem Tag gehen die Uhren zurück und zeigen diese Zeit zweimal: Es gilt die frühere.",
};

pub(super) const ALL: &[&Message] = &[
    &TIME_ZONE_UNKNOWN,
    &TIME_SKIPPED,
    &TIME_ON_OTHER_DATE,
    &OUTSIDE_EVENT,
    &PARENT_CYCLE,
    &NOT_ABOVE_ZERO,
    &NOT_ONLINE,
    &CLOSES_AFTER_EVENT,
    &SESSION_OF_ANOTHER,
];
