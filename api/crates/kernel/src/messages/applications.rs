//! Messages about applications to calls for projects, and what funders decide of them.

use super::Message;
use crate::problem::UserErrorCode;

/// The call is closed.
pub const CALL_CLOSED: Message = Message {
    code: UserErrorCode::Closed,
    reason: Some("CALL_CLOSED"),
    en: "This call has closed: its applications cannot be written or submitted any more.",
    fr: "Cet appel est clos : ses candidatures ne peuvent plus être rédigées ni déposées.",
    nl: "Deze oproep is gesloten: aanvragen kunnen niet meer worden geschreven of ingediend.",
    de: "Dieser Aufruf ist geschlossen: Anträge können nicht mehr geschrieben oder eingereicht werden.",
};

/// The call is not open yet.
pub const CALL_NOT_OPEN: Message = Message {
    code: UserErrorCode::NotAllowedInState,
    reason: Some("CALL_NOT_OPEN"),
    en: "This call is not open yet. Submit the application once it is: until then it is kept as a draft.",
    fr: "Cet appel n’est pas encore ouvert. Déposez la candidature quand il le sera : d’ici là, elle reste un brouillon.",
    nl: "Deze oproep is nog niet open. Dien de aanvraag in zodra dat zo is: tot dan blijft ze een ontwerp.",
    de: "Dieser Aufruf ist noch nicht offen. Reichen Sie den Antrag ein, sobald er es ist: Bis dahin bleibt er ein Entwurf.",
};

/// Another instance answers for the call.
pub const CALL_ELSEWHERE: Message = Message {
    code: UserErrorCode::NotAllowedInState,
    reason: Some("CALL_ELSEWHERE"),
    en: "Another instance of the directory answers for this call and takes its applications.",
    fr: "Une autre instance de l’annuaire répond de cet appel et reçoit ses candidatures.",
    nl: "Een andere instantie van de gids beheert deze oproep en ontvangt de aanvragen.",
    de: "Eine andere Instanz des Verzeichnisses führt diesen Aufruf und nimmt seine Anträge entgegen.",
};

/// The caller is not a member of the applicant.
pub const NOT_OF_THE_APPLICANT: Message = Message {
    code: UserErrorCode::Forbidden,
    reason: Some("NOT_OF_THE_APPLICANT"),
    en: "Only members of the organization that applies write its applications.",
    fr: "Seuls les membres de l’organisation candidate rédigent ses candidatures.",
    nl: "Alleen leden van de organisatie die de aanvraag doet, schrijven haar aanvragen.",
    de: "Nur Mitglieder der antragstellenden Organisation schreiben deren Anträge.",
};

/// The caller is not of the staff of a funder's region.
pub const ONLY_FUNDERS_DECIDE: Message = Message {
    code: UserErrorCode::Forbidden,
    reason: Some("ONLY_FUNDERS_DECIDE"),
    en: "Only the staff of the region of a funder decide on applications.",
    fr: "Seules les équipes de la région d’un financeur se prononcent sur les candidatures.",
    nl: "Alleen medewerkers van de regio van een financier beslissen over aanvragen.",
    de: "Über Anträge entscheiden nur Mitarbeiter der Region eines Geldgebers.",
};

/// The caller is not of the staff of this funder's region.
pub const NOT_YOUR_FUNDER: Message = Message {
    code: UserErrorCode::Forbidden,
    reason: Some("NOT_YOUR_FUNDER"),
    en: "You are not of the staff of this funder’s region.",
    fr: "Vous n’êtes pas de l’équipe de la région de ce financeur.",
    nl: "U bent geen medewerker van de regio van deze financier.",
    de: "Sie sind kein Mitarbeiter der Region dieses Geldgebers.",
};

/// The organization does not fund the lot.
pub const NO_FUNDER: Message = Message {
    code: UserErrorCode::NotFound,
    reason: Some("NO_FUNDER"),
    en: "This organization does not fund what the application asks for.",
    fr: "Cette organisation ne finance pas ce que demande la candidature.",
    nl: "Deze organisatie financiert niet wat de aanvraag vraagt.",
    de: "Diese Organisation finanziert nicht, was der Antrag verlangt.",
};

/// The caller speaks for several funders.
pub const FUNDER_NEEDED: Message = Message {
    code: UserErrorCode::Required,
    reason: Some("FUNDER_NEEDED"),
    en: "You decide for several funders: name the one that decides.",
    fr: "Vous décidez pour plusieurs financeurs : indiquez celui qui se prononce.",
    nl: "U beslist voor meerdere financiers: geef aan welke beslist.",
    de: "Sie entscheiden für mehrere Geldgeber: Nennen Sie den, der entscheidet.",
};

/// The funder has decided before.
pub const DECIDED_ALREADY: Message = Message {
    code: UserErrorCode::NotAllowedInState,
    reason: Some("DECIDED_ALREADY"),
    en: "This funder has decided on this application already.",
    fr: "Ce financeur s’est déjà prononcé sur cette candidature.",
    nl: "Deze financier heeft al over deze aanvraag beslist.",
    de: "Dieser Geldgeber hat über diesen Antrag schon entschieden.",
};

/// A funder has decided on the application.
pub const A_FUNDER_HAS_DECIDED: Message = Message {
    code: UserErrorCode::NotAllowedInState,
    reason: Some("A_FUNDER_HAS_DECIDED"),
    en: "A funder has decided on this application: it stays as it is.",
    fr: "Un financeur s’est prononcé sur cette candidature : elle reste telle quelle.",
    nl: "Een financier heeft over deze aanvraag beslist: ze blijft zoals ze is.",
    de: "Ein Geldgeber hat über diesen Antrag entschieden: Er bleibt, wie er ist.",
};

/// The application is in another state.
pub const APPLICATION_STATE: Message = Message {
    code: UserErrorCode::NotAllowedInState,
    reason: Some("APPLICATION_STATE"),
    en: "This is not possible with an application that is {status}.",
    fr: "Ce n’est pas possible avec une candidature dont l’état est {status}.",
    nl: "Dit kan niet met een aanvraag die {status} is.",
    de: "Das geht nicht mit einem Antrag im Zustand {status}.",
};

/// The applicant is named as a partner.
pub const PARTNER_APPLIES: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("PARTNER_APPLIES"),
    en: "The organization that applies is not a partner of its own project.",
    fr: "L’organisation candidate n’est pas partenaire de son propre projet.",
    nl: "De organisatie die de aanvraag doet, is geen partner van haar eigen project.",
    de: "Die antragstellende Organisation ist nicht Partner ihres eigenen Projekts.",
};

/// The call has no lot for the genre.
pub const GENRE_WITHOUT_LOT: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("GENRE_WITHOUT_LOT"),
    en: "This call has no lot for the genre `{genre}`. Its lots are {genres}.",
    fr: "Cet appel n’a pas de lot pour le genre `{genre}`. Ses lots sont {genres}.",
    nl: "Deze oproep heeft geen lot voor het genre `{genre}`. De loten zijn {genres}.",
    de: "Dieser Aufruf hat kein Los für das Genre `{genre}`. Seine Lose sind {genres}.",
};

/// An amount is in another currency than the call.
pub const AMOUNT_CURRENCY: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("AMOUNT_CURRENCY"),
    en: "This call gives money in {currency}: state the amount in this currency.",
    fr: "Cet appel attribue des aides en {currency} : indiquez le montant dans cette monnaie.",
    nl: "Deze oproep geeft geld in {currency}: geef het bedrag in deze munt.",
    de: "Dieser Aufruf vergibt Geld in {currency}: Geben Sie den Betrag in dieser Währung an.",
};

/// More is asked for than one project of the lot may get.
pub const ABOVE_CEILING: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("ABOVE_CEILING"),
    en: "One project of this lot gets {ceiling} at most.",
    fr: "Un projet de ce lot reçoit {ceiling} au plus.",
    nl: "Eén project van dit lot krijgt hoogstens {ceiling}.",
    de: "Ein Projekt dieses Loses erhält höchstens {ceiling}.",
};

/// More is asked for than the allowed share of the budget.
pub const ABOVE_AID_SHARE: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("ABOVE_AID_SHARE"),
    en: "Aid may reach {share} of the budget of the project, which is {budget}.",
    fr: "L’aide peut atteindre {share} du budget du projet, qui est de {budget}.",
    nl: "Steun mag {share} bedragen van het budget van het project, dat {budget} is.",
    de: "Die Förderung darf {share} des Projektbudgets von {budget} erreichen.",
};

/// A number is below what the lot asks for.
pub const BELOW_MINIMUM: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("BELOW_MINIMUM"),
    en: "This lot asks for {least} at least.",
    fr: "Ce lot demande au moins {least}.",
    nl: "Dit lot vraagt minstens {least}.",
    de: "Dieses Los verlangt mindestens {least}.",
};

/// A number is above what the lot allows.
pub const ABOVE_MAXIMUM: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("ABOVE_MAXIMUM"),
    en: "This lot allows {most} at most.",
    fr: "Ce lot admet au plus {most}.",
    nl: "Dit lot laat hoogstens {most} toe.",
    de: "Dieses Los erlaubt höchstens {most}.",
};

/// The applicant is of a region that the lot is not for.
pub const REGION_NOT_ELIGIBLE: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("REGION_NOT_ELIGIBLE"),
    en: "This lot is for organizations of these regions: {regions}.",
    fr: "Ce lot s’adresse aux organisations de ces régions : {regions}.",
    nl: "Dit lot is voor organisaties uit deze regio’s: {regions}.",
    de: "Dieses Los ist für Organisationen dieser Regionen: {regions}.",
};

/// An award is above what is asked for.
pub const AWARD_ABOVE_REQUEST: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("AWARD_ABOVE_REQUEST"),
    en: "Of what the application asks for, {left} is not awarded yet.",
    fr: "De ce que demande la candidature, {left} n’est pas encore attribué.",
    nl: "Van wat de aanvraag vraagt, is {left} nog niet toegekend.",
    de: "Von dem, was der Antrag verlangt, ist {left} noch nicht bewilligt.",
};

/// An award is above what the funder has left.
pub const AWARD_ABOVE_SHARE: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("AWARD_ABOVE_SHARE"),
    en: "Of what this funder gives, {left} is left.",
    fr: "De ce que donne ce financeur, il reste {left}.",
    nl: "Van wat deze financier geeft, is {left} over.",
    de: "Von dem, was dieser Geldgeber gibt, ist {left} übrig.",
};

/// An award is above what the lot has left.
pub const AWARD_ABOVE_LOT: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("AWARD_ABOVE_LOT"),
    en: "Of the budget of this lot, {left} is left.",
    fr: "Du budget de ce lot, il reste {left}.",
    nl: "Van het budget van dit lot is {left} over.",
    de: "Vom Budget dieses Loses ist {left} übrig.",
};

/// An award is above what the fund has left.
pub const AWARD_ABOVE_FUND: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("AWARD_ABOVE_FUND"),
    en: "Of the fund of this call, {left} is left.",
    fr: "Du fonds de cet appel, il reste {left}.",
    nl: "Van het fonds van deze oproep is {left} over.",
    de: "Vom Fonds dieses Aufrufs ist {left} übrig.",
};

/// Applications depend on the record.
pub const HAS_APPLICATIONS: Message = Message {
    code: UserErrorCode::NotAllowedInState,
    reason: Some("HAS_APPLICATIONS"),
    en: "Applications depend on this record: it stays as long as they are there.",
    fr: "Des candidatures dépendent de cette fiche : elle reste tant qu’elles existent.",
    nl: "Aanvragen hangen van deze fiche af: ze blijft zolang die er zijn.",
    de: "Anträge hängen von diesem Eintrag ab: Er bleibt, solange es sie gibt.",
};

/// All of them, for the test of the table.
pub(super) const ALL: &[&Message] = &[
    &CALL_CLOSED,
    &CALL_NOT_OPEN,
    &CALL_ELSEWHERE,
    &NOT_OF_THE_APPLICANT,
    &ONLY_FUNDERS_DECIDE,
    &NOT_YOUR_FUNDER,
    &NO_FUNDER,
    &FUNDER_NEEDED,
    &DECIDED_ALREADY,
    &A_FUNDER_HAS_DECIDED,
    &APPLICATION_STATE,
    &PARTNER_APPLIES,
    &GENRE_WITHOUT_LOT,
    &AMOUNT_CURRENCY,
    &ABOVE_CEILING,
    &ABOVE_AID_SHARE,
    &BELOW_MINIMUM,
    &ABOVE_MAXIMUM,
    &REGION_NOT_ELIGIBLE,
    &AWARD_ABOVE_REQUEST,
    &AWARD_ABOVE_SHARE,
    &AWARD_ABOVE_LOT,
    &AWARD_ABOVE_FUND,
    &HAS_APPLICATIONS,
];
