//! The messages about calls for projects.

use super::Message;
use crate::problem::UserErrorCode;

/// An amount of money must be above zero.
pub const AMOUNT_NOT_ABOVE_ZERO: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("AMOUNT_NOT_ABOVE_ZERO"),
    en: "An amount is above zero.",
    fr: "Un montant est supérieur à zéro.",
    nl: "Een bedrag is groter dan nul.",
    de: "Ein Betrag ist größer als null.",
};

/// The amounts of a call are in two currencies.
pub const CURRENCIES_DIFFER: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("CURRENCIES_DIFFER"),
    en: "All amounts of a call are in one currency: this one is in {other}, others are in {first}.",
    fr: "Tous les montants d’un appel sont dans une seule monnaie : celui-ci est en {other}, d’autres sont en {first}.",
    nl: "Alle bedragen van een oproep zijn in één munt: dit is in {other}, andere zijn in {first}.",
    de: "Alle Beträge eines Aufrufs sind in einer Währung: Dieser ist in {other}, andere sind in {first}.",
};

/// The contributions add up to more than the directory can hold.
pub const SUM_TOO_LARGE: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("SUM_TOO_LARGE"),
    en: "These contributions add up to more than can be written: is there a digit too many?",
    fr: "La somme de ces contributions dépasse ce qui peut s’écrire : y a-t-il un chiffre de trop ?",
    nl: "De som van deze bijdragen is groter dan wat geschreven kan worden: staat er een cijfer te veel?",
    de: "Die Summe dieser Beiträge ist größer, als geschrieben werden kann: Ist eine Ziffer zu viel?",
};

/// An organization occurs twice in a list.
pub const ORGANIZATION_TWICE: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("ORGANIZATION_TWICE"),
    en: "This organization is in the list already: add its amounts together, or leave one out.",
    fr: "Cette organisation figure déjà dans la liste : additionnez ses montants, ou omettez-en un.",
    nl: "Deze organisatie staat al in de lijst: tel haar bedragen samen, of laat er een weg.",
    de: "Diese Organisation steht schon in der Liste: Zählen Sie ihre Beträge zusammen, oder lassen Sie einen weg.",
};

/// Two lots have one genre.
pub const GENRE_TWICE: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("GENRE_TWICE"),
    en: "Another lot is for this genre already: a call has one lot for each.",
    fr: "Un autre lot porte déjà sur ce genre : un appel en compte un seul par genre.",
    nl: "Een ander lot is al voor dit genre: een oproep heeft er één per genre.",
    de: "Ein anderes Los ist schon für dieses Genre: Ein Aufruf hat eines je Genre.",
};

/// The funder of a lot contributes nothing to the call.
pub const NOT_A_FUNDER: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("NOT_A_FUNDER"),
    en: "This organization funds a lot and contributes nothing to the call: add its contribution.",
    fr: "Cette organisation finance un lot sans contribuer à l’appel : ajoutez sa contribution.",
    nl: "Deze organisatie financiert een lot en draagt niets bij aan de oproep: voeg haar bijdrage toe.",
    de: "Diese Organisation finanziert ein Los und trägt zum Aufruf nichts bei: Fügen Sie ihren Beitrag hinzu.",
};

/// A funder gives more to lots than it contributes.
pub const ABOVE_CONTRIBUTION: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("ABOVE_CONTRIBUTION"),
    en: "This is more than the funder has left of its contribution for this lot: {left}.",
    fr: "C’est plus que ce qui reste à ce financeur de sa contribution pour ce lot : {left}.",
    nl: "Dit is meer dan wat deze financier van zijn bijdrage voor dit lot overhoudt: {left}.",
    de: "Das ist mehr, als dem Geldgeber von seinem Beitrag für dieses Los bleibt: {left}.",
};

/// The lots have more than the fund.
pub const LOTS_ABOVE_FUND: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("LOTS_ABOVE_FUND"),
    en: "The lots have {lots} together, which is more than the contributions: {fund}.",
    fr: "Les lots totalisent {lots}, plus que les contributions : {fund}.",
    nl: "De loten hebben samen {lots}, meer dan de bijdragen: {fund}.",
    de: "Die Lose haben zusammen {lots}, mehr als die Beiträge: {fund}.",
};

/// One project could get more than the fund has.
pub const CEILING_ABOVE_FUND: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("CEILING_ABOVE_FUND"),
    en: "One project cannot get more than all contributions together: {fund}.",
    fr: "Un projet ne peut recevoir plus que toutes les contributions réunies : {fund}.",
    nl: "Eén project kan niet meer krijgen dan alle bijdragen samen: {fund}.",
    de: "Ein Projekt kann nicht mehr bekommen als alle Beiträge zusammen: {fund}.",
};

/// A least number is above the greatest.
pub const MIN_ABOVE_MAX: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("MIN_ABOVE_MAX"),
    en: "The least, {min}, is above the greatest, {max}.",
    fr: "Le minimum, {min}, dépasse le maximum, {max}.",
    nl: "Het minimum, {min}, is groter dan het maximum, {max}.",
    de: "Das Minimum {min} liegt über dem Maximum {max}.",
};

/// Minutes of an episode that cannot be.
pub const MINUTES_OUT_OF_RANGE: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("MINUTES_OUT_OF_RANGE"),
    en: "An episode lasts more than 0 and at most 1440 minutes.",
    fr: "Un épisode dure plus de 0 et au plus 1440 minutes.",
    nl: "Een aflevering duurt meer dan 0 en hoogstens 1440 minuten.",
    de: "Eine Folge dauert mehr als 0 und höchstens 1440 Minuten.",
};

/// A share is not between nothing and the whole.
pub const SHARE_OUT_OF_RANGE: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("SHARE_OUT_OF_RANGE"),
    en: "A share is from 0 to 1: half is \"0.50\".",
    fr: "Une part va de 0 à 1 : la moitié s’écrit « 0.50 ».",
    nl: "Een aandeel gaat van 0 tot 1: de helft is \"0.50\".",
    de: "Ein Anteil liegt zwischen 0 und 1: Die Hälfte ist „0.50“.",
};

/// A regulation occurs twice in one language and version.
pub const REGULATION_TWICE: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("REGULATION_TWICE"),
    en: "There is a regulation in this language already: give each version of it a name of its own.",
    fr: "Il y a déjà un règlement dans cette langue : donnez à chaque version un nom qui lui est propre.",
    nl: "Er is al een reglement in deze taal: geef elke versie een eigen naam.",
    de: "Es gibt schon ein Reglement in dieser Sprache: Geben Sie jeder Fassung einen eigenen Namen.",
};

/// A call closes at a known instant and at an unknown one.
pub const CLOSED_BESIDE_CLOSES_AT: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("CLOSED_BESIDE_CLOSES_AT"),
    en: "`closed` is for a call that closed at an unknown instant: leave it out, or set `closesAt` to null.",
    fr: "`closed` est pour un appel clos à un instant inconnu : omettez-le, ou mettez `closesAt` à null.",
    nl: "`closed` is voor een oproep die op een onbekend ogenblik sloot: laat het weg, of zet `closesAt` op null.",
    de: "`closed` ist für einen Aufruf, der zu unbekannter Zeit schloss: Lassen Sie es weg, oder setzen Sie `closesAt` auf null.",
};

/// The organization contributes nothing to the call.
pub const NO_CONTRIBUTION: Message = Message {
    code: UserErrorCode::NotFound,
    reason: Some("NO_CONTRIBUTION"),
    en: "This organization contributes nothing to the call.",
    fr: "Cette organisation ne contribue pas à l’appel.",
    nl: "Deze organisatie draagt niets bij aan de oproep.",
    de: "Diese Organisation trägt zum Aufruf nichts bei.",
};

/// A warning: the contribution waits for its side.
pub const CONTRIBUTION_UNCONFIRMED: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("CONTRIBUTION_UNCONFIRMED"),
    en: "This contribution is shown and counts once its side has confirmed it.",
    fr: "Cette contribution est montrée et compte une fois confirmée par sa partie.",
    nl: "Deze bijdrage wordt getoond en telt mee zodra haar kant ze heeft bevestigd.",
    de: "Dieser Beitrag wird gezeigt und zählt, sobald seine Seite ihn bestätigt hat.",
};

/// All of them, without those of warnings.
pub(super) const ALL: &[&Message] = &[
    &AMOUNT_NOT_ABOVE_ZERO,
    &CURRENCIES_DIFFER,
    &SUM_TOO_LARGE,
    &ORGANIZATION_TWICE,
    &GENRE_TWICE,
    &NOT_A_FUNDER,
    &ABOVE_CONTRIBUTION,
    &LOTS_ABOVE_FUND,
    &CEILING_ABOVE_FUND,
    &MIN_ABOVE_MAX,
    &MINUTES_OUT_OF_RANGE,
    &SHARE_OUT_OF_RANGE,
    &REGULATION_TWICE,
    &CLOSED_BESIDE_CLOSES_AT,
    &NO_CONTRIBUTION,
];
