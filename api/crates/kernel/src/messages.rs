//! The messages of problems, in each language of the directory: the one table of these texts.
//!
//! Words in braces are placeholders for values, which are the same in all languages or have words of their own in each
//! ([`Filling`]).

use super::problem::UserErrorCode;
use super::value::{Expected, Language, LanguagePreferences};

pub mod accounts;
pub mod applications;
pub mod calls;
pub mod events;
mod merging;
mod profile;
pub mod pushing;
mod registration;

pub use self::merging::{
    ALREADY_MERGED, BOTH_CLAIMED, CHANGED_SINCE, CLAIMED_SURVIVES, NOT_A_MEMBER, NOT_YOUR_PROPOSAL,
    NOTHING_PROPOSED, OTHERS_REVIEW, PARTNERSHIP_OF_ONE, PROPOSAL_DECIDED, SAME_RECORD, TOO_MANY_PROPOSALS,
    TOO_MANY_TOGETHER,
};
pub use self::profile::*;
pub use self::registration::*;

/// The message of a problem, with its codes and its text in each language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// The kind of refusal.
    pub code: UserErrorCode,
    /// A finer, stable code.
    pub reason: Option<&'static str>,
    en: &'static str,
    fr: &'static str,
    nl: &'static str,
    de: &'static str,
}

impl Message {
    /// The text in a language.
    pub const fn text(&self, language: Language) -> &'static str {
        match language {
            Language::En => self.en,
            Language::Fr => self.fr,
            Language::Nl => self.nl,
            Language::De => self.de,
        }
    }
}

/// The language of messages to a reader: of the directory's languages the one that they prefer, else English.
pub fn language_of(reader: &LanguagePreferences) -> Language {
    reader.best_of(&[Language::En, Language::Fr, Language::Nl, Language::De]).unwrap_or(Language::En)
}

/// The value of a placeholder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filling {
    /// A text that is the same in all languages: a number, a name, a quotation.
    Text(String),
    /// The form of a value, which has words of its own in each language.
    Expected(&'static Expected),
    /// A text for each language, in the order of [`Language::ALL`].
    ByLanguage([String; 4]),
}

impl Filling {
    fn text(&self, language: Language) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Expected(expected) => expected.text(language),
            Self::ByLanguage(texts) => {
                let at = Language::ALL.iter().position(|other| *other == language);
                at.map_or("", |at| texts[at].as_str())
            }
        }
    }
}

impl From<String> for Filling {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Filling {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<&str> for Filling {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&'static Expected> for Filling {
    fn from(expected: &'static Expected) -> Self {
        Self::Expected(expected)
    }
}

/// A message with the values of its placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilledMessage {
    message: &'static Message,
    values: Vec<(&'static str, Filling)>,
}

impl FilledMessage {
    /// A message without values.
    pub fn new(message: &'static Message) -> Self {
        Self { message, values: Vec::new() }
    }

    /// The message, for its codes.
    pub fn message(&self) -> &'static Message {
        self.message
    }

    /// The same with the value of a placeholder.
    #[must_use]
    pub fn with(mut self, word: &'static str, value: impl Into<Filling>) -> Self {
        self.values.push((word, value.into()));
        self
    }

    /// The whole text in a language. Braces in values stay as they are.
    pub fn text(&self, language: Language) -> String {
        let values = self.values.iter().map(|(word, value)| (*word, value.text(language)));
        fill(self.message.text(language), &values.collect::<Vec<_>>())
    }
}

/// A text with the values of its placeholders. Braces in values stay as they are.
pub fn fill(text: &str, values: &[(&'static str, &str)]) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((word, after)) = after.split_once('}') else { break };
        let value = values.iter().find(|(name, _)| *name == word);
        filled.push_str(value.map_or("", |(_, value)| *value));
        rest = after;
    }
    filled.push_str(rest);
    filled.truncate(filled.trim_end().len());
    filled
}

/// The field must be given.
pub const REQUIRED: Message = Message {
    code: UserErrorCode::Required,
    reason: None,
    en: "This field is required.",
    fr: "Ce champ est obligatoire.",
    nl: "Dit veld is verplicht.",
    de: "Dieses Feld ist erforderlich.",
};

/// The text is too long.
pub const TOO_LONG: Message = Message {
    code: UserErrorCode::TooLong,
    reason: None,
    en: "At most {limit} characters are allowed.",
    fr: "{limit} caractères au plus sont admis.",
    nl: "Hoogstens {limit} tekens zijn toegestaan.",
    de: "Höchstens {limit} Zeichen sind erlaubt.",
};

/// The list has too many entries.
pub const TOO_MANY: Message = Message {
    code: UserErrorCode::TooMany,
    reason: None,
    en: "At most {limit} entries are allowed.",
    fr: "{limit} éléments au plus sont admis.",
    nl: "Hoogstens {limit} elementen zijn toegestaan.",
    de: "Höchstens {limit} Einträge sind erlaubt.",
};

/// The text has control characters.
pub const CONTROL_CHARACTERS: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("CONTROL_CHARACTERS"),
    en: "Control characters are not allowed in texts.",
    fr: "Les caractères de contrôle ne sont pas admis dans les textes.",
    nl: "Besturingstekens zijn niet toegestaan in teksten.",
    de: "Steuerzeichen sind in Texten nicht erlaubt.",
};

/// The text has an invisible character.
pub const HIDDEN_CHARACTER: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("HIDDEN_CHARACTER"),
    en: "The text has the invisible character {code}, which is not allowed. Type the text again, rather than copy it.",
    fr: "Le texte contient le caractère invisible {code}, qui n’est pas admis. Saisissez le texte au lieu de le copier.",
    nl: "De tekst bevat het onzichtbare teken {code}, dat niet is toegestaan. Typ de tekst in plaats van hem te kopiëren.",
    de: "Der Text enthält das unsichtbare Zeichen {code}, das nicht erlaubt ist. Geben Sie ihn ein, statt ihn zu kopieren.",
};

/// The text has HTML tags.
pub const MARKUP: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("MARKUP"),
    en: "Texts are plain text, without HTML: `{found}` looks like a tag. Put a space after a `<` that is none.",
    fr: "Les textes sont du texte simple, sans HTML : `{found}` ressemble à une balise. Mettez une espace après un `<` qui n’en est pas une.",
    nl: "Teksten zijn platte tekst, zonder HTML: `{found}` lijkt een tag. Zet een spatie na een `<` die er geen is.",
    de: "Texte sind einfacher Text ohne HTML: `{found}` sieht wie ein Tag aus. Setzen Sie nach einem `<`, das keines ist, ein Leerzeichen.",
};

/// Two texts in one language.
pub const LANGUAGE_TWICE: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("LANGUAGE_TWICE"),
    en: "There is a text in this language already: one for each is allowed.",
    fr: "Il y a déjà un texte dans cette langue : un seul par langue est admis.",
    nl: "Er is al een tekst in deze taal: één per taal is toegestaan.",
    de: "Es gibt schon einen Text in dieser Sprache: Einer je Sprache ist erlaubt.",
};

/// A source has neither title nor address.
pub const SOURCE_WITHOUT_NAME: Message = Message {
    code: UserErrorCode::Invalid,
    reason: None,
    en: "Give a title or a URL.",
    fr: "Indiquez un titre ou une URL.",
    nl: "Geef een titel of een URL.",
    de: "Geben Sie einen Titel oder eine URL an.",
};

/// Two claims on one field are preferred.
pub const PREFERRED_TWICE: Message = Message {
    code: UserErrorCode::Invalid,
    reason: None,
    en: "Another claim on this field is preferred already.",
    fr: "Une autre affirmation sur ce champ est déjà préférée.",
    nl: "Een andere bewering over dit veld heeft al de voorkeur.",
    de: "Eine andere Angabe zu diesem Feld ist schon bevorzugt.",
};

/// A number of people is below zero.
pub const BELOW_ZERO: Message = Message {
    code: UserErrorCode::Invalid,
    reason: None,
    en: "A number of people is not below zero.",
    fr: "Un nombre de personnes n’est pas négatif.",
    nl: "Een aantal personen is niet negatief.",
    de: "Eine Zahl von Personen ist nicht negativ.",
};

/// A contribution is below zero.
pub const CONTRIBUTION_BELOW_ZERO: Message = Message {
    code: UserErrorCode::Invalid,
    reason: None,
    en: "A contribution is not below zero.",
    fr: "Une contribution n’est pas négative.",
    nl: "Een bijdrage is niet negatief.",
    de: "Ein Beitrag ist nicht negativ.",
};

/// A period ends before it begins.
pub const ENDS_BEFORE: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("ENDS_BEFORE_START"),
    en: "The end {end} lies before the beginning {start}.",
    fr: "La fin {end} précède le début {start}.",
    nl: "Het einde {end} ligt vóór het begin {start}.",
    de: "Das Ende {end} liegt vor dem Anfang {start}.",
};

/// A slug is not well formed.
pub const SLUG_FORM: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("SLUG_FORM"),
    en: "A slug has lower-case letters and digits in words joined by single hyphens, at most 120 characters: `pole-images`.",
    fr: "Un slug se compose de minuscules sans accent et de chiffres, en mots joints par un trait d’union, 120 caractères au plus : `pole-images`.",
    nl: "Een slug bestaat uit kleine letters en cijfers, in woorden verbonden door één koppelteken, hoogstens 120 tekens: `pole-images`.",
    de: "Ein Slug besteht aus Kleinbuchstaben und Ziffern in Wörtern, die ein Bindestrich verbindet, höchstens 120 Zeichen: `pole-images`.",
};

/// Another record has the slug, or had it.
pub const SLUG_TAKEN: Message = Message {
    code: UserErrorCode::NotUnique,
    reason: Some("SLUG_TAKEN"),
    en: "Another record of this type has the slug `{slug}`, or had it.",
    fr: "Une autre fiche de ce type porte le slug `{slug}`, ou l’a porté.",
    nl: "Een andere fiche van dit type heeft de slug `{slug}`, of had die.",
    de: "Ein anderer Eintrag dieser Art hat den Slug `{slug}` oder hatte ihn.",
};

/// Another record has the identifier.
pub const IDENTIFIER_TAKEN: Message = Message {
    code: UserErrorCode::NotUnique,
    reason: Some("IDENTIFIER_TAKEN"),
    en: "Another record of this type has this identifier. Is it the same one?",
    fr: "Une autre fiche de ce type porte cet identifiant. Est-ce la même ?",
    nl: "Een andere fiche van dit type heeft deze identificatie. Is het dezelfde?",
    de: "Ein anderer Eintrag dieser Art hat diese Kennung. Ist es derselbe?",
};

/// An identifier is not valid.
pub const IDENTIFIER: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("IDENTIFIER_INVALID"),
    en: "Expected {expected}, but found {found}.",
    fr: "Il faut {expected}, et non {found}.",
    nl: "Verwacht wordt {expected}, niet {found}.",
    de: "Erwartet wird {expected}, nicht {found}.",
};

/// The vocabulary has no such slug.
pub const UNKNOWN_TERM: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("UNKNOWN_TERM"),
    en: "`{text}` is not known here.",
    fr: "« {text} » n’est pas connu ici.",
    nl: "“{text}” is hier niet bekend.",
    de: "„{text}“ ist hier nicht bekannt.",
};

/// The vocabulary has no such slug, but some that are like it.
pub const UNKNOWN_TERM_NEAR: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("UNKNOWN_TERM"),
    en: "`{text}` is not known here. Did you mean {near}?",
    fr: "« {text} » n’est pas connu ici. Vouliez-vous dire {near} ?",
    nl: "“{text}” is hier niet bekend. Bedoelde u {near}?",
    de: "„{text}“ ist hier nicht bekannt. Meinten Sie {near}?",
};

/// The vocabulary has no such slug. It is small enough to be listed.
pub const UNKNOWN_TERM_OF_FEW: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("UNKNOWN_TERM"),
    en: "`{text}` is not known here. Known are {near}.",
    fr: "« {text} » n’est pas connu ici. Sont connus : {near}.",
    nl: "“{text}” is hier niet bekend. Wel bekend zijn {near}.",
    de: "„{text}“ ist hier nicht bekannt. Bekannt sind {near}.",
};

/// The text is not valid for its scalar type.
pub const VALUE: Message = Message {
    code: UserErrorCode::Invalid,
    reason: None,
    en: "Expected {expected}, but found {found}.",
    fr: "Il faut {expected}, et non {found}.",
    nl: "Verwacht wordt {expected}, niet {found}.",
    de: "Erwartet wird {expected}, nicht {found}.",
};

/// The text is not valid for its scalar type, and may hold a secret.
pub const VALUE_WITHHELD: Message = Message {
    code: UserErrorCode::Invalid,
    reason: None,
    en: "Expected {expected}.",
    fr: "Il faut {expected}.",
    nl: "Verwacht wordt {expected}.",
    de: "Erwartet wird {expected}.",
};

/// Amounts of different currencies.
pub const CURRENCIES_DIFFER: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("CURRENCIES_DIFFER"),
    en: "All amounts must be in one currency, but these are in {left} and {right}.",
    fr: "Tous les montants doivent être dans une seule monnaie, or ceux-ci sont en {left} et en {right}.",
    nl: "Alle bedragen moeten in één munt zijn, maar deze zijn in {left} en {right}.",
    de: "Alle Beträge müssen in einer Währung sein, diese sind aber in {left} und {right}.",
};

/// A number is out of its range.
pub const OUT_OF_RANGE: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("OUT_OF_RANGE"),
    en: "The number must lie between {from} and {to}.",
    fr: "Le nombre doit être compris entre {from} et {to}.",
    nl: "Het getal moet tussen {from} en {to} liggen.",
    de: "Die Zahl muss zwischen {from} und {to} liegen.",
};

/// A point has only one coordinate.
pub const HALF_A_POINT: Message = Message {
    code: UserErrorCode::Invalid,
    reason: None,
    en: "Give latitude and longitude together.",
    fr: "Indiquez la latitude et la longitude ensemble.",
    nl: "Geef breedte- en lengtegraad samen.",
    de: "Geben Sie Breite und Länge zusammen an.",
};

/// An organization is its own successor or member.
pub const OF_ITSELF: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("OF_ITSELF"),
    en: "An organization cannot be this of itself.",
    fr: "Une organisation ne peut l’être d’elle-même.",
    nl: "Een organisatie kan dit niet van zichzelf zijn.",
    de: "Eine Organisation kann dies nicht von sich selbst sein.",
};

/// The successors form a cycle.
pub const SUCCESSOR_CYCLE: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("SUCCESSOR_CYCLE"),
    en: "This organization is a successor of that one already: a chain of successors must end.",
    fr: "Cette organisation succède déjà à celle-là : une suite de successeurs doit finir.",
    nl: "Deze organisatie is al een opvolger van die andere: een reeks opvolgers moet eindigen.",
    de: "Diese Organisation ist schon Nachfolgerin der anderen: Eine Folge von Nachfolgern muss enden.",
};

/// A partnership has fewer than two parties.
pub const TOO_FEW_PARTIES: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("TOO_FEW_PARTIES"),
    en: "A partnership has two parties at least.",
    fr: "Un partenariat compte au moins deux parties.",
    nl: "Een partnerschap telt minstens twee partijen.",
    de: "Eine Partnerschaft hat mindestens zwei Parteien.",
};

/// An organization is a party twice.
pub const PARTY_TWICE: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("PARTY_TWICE"),
    en: "This organization is a party already.",
    fr: "Cette organisation est déjà partie.",
    nl: "Deze organisatie is al partij.",
    de: "Diese Organisation ist schon Partei.",
};

/// A reference to an organization that does not exist.
pub const UNKNOWN_ORGANIZATION: Message = Message {
    code: UserErrorCode::NotFound,
    reason: Some("REFERENCE_UNKNOWN"),
    en: "There is no organization `{text}`. Give an id, a slug, or `source:externalId`.",
    fr: "Il n’y a pas d’organisation `{text}`. Indiquez un id, un slug ou `source:externalId`.",
    nl: "Er is geen organisatie `{text}`. Geef een id, een slug of `source:externalId`.",
    de: "Es gibt keine Organisation `{text}`. Geben Sie eine ID, einen Slug oder `source:externalId` an.",
};

/// A reference to a talent that does not exist.
pub const UNKNOWN_TALENT: Message = Message {
    code: UserErrorCode::NotFound,
    reason: Some("REFERENCE_UNKNOWN"),
    en: "There is no talent `{text}`. Give an id, a slug, or `source:externalId`.",
    fr: "Il n’y a pas de talent `{text}`. Indiquez un id, un slug ou `source:externalId`.",
    nl: "Er is geen talent `{text}`. Geef een id, een slug of `source:externalId`.",
    de: "Es gibt kein Talent `{text}`. Geben Sie eine ID, einen Slug oder `source:externalId` an.",
};

/// A reference to another record that does not exist.
pub const UNKNOWN_RECORD: Message = Message {
    code: UserErrorCode::NotFound,
    reason: Some("REFERENCE_UNKNOWN"),
    en: "There is no record `{text}`. Give an id, a slug, or `source:externalId`.",
    fr: "Il n’y a pas de fiche `{text}`. Indiquez un id, un slug ou `source:externalId`.",
    nl: "Er is geen fiche `{text}`. Geef een id, een slug of `source:externalId`.",
    de: "Es gibt keinen Eintrag `{text}`. Geben Sie eine ID, einen Slug oder `source:externalId` an.",
};

/// The record does not exist, or the caller may not see it.
pub const NO_RECORD: Message = Message {
    code: UserErrorCode::NotFound,
    reason: None,
    en: "There is no such record.",
    fr: "Cette fiche n’existe pas.",
    nl: "Deze fiche bestaat niet.",
    de: "Diesen Eintrag gibt es nicht.",
};

/// The caller is not signed in.
pub const NOT_SIGNED_IN: Message = Message {
    code: UserErrorCode::Forbidden,
    reason: Some("NOT_SIGNED_IN"),
    en: "Sign in to do this.",
    fr: "Connectez-vous pour faire cela.",
    nl: "Meld u aan om dit te doen.",
    de: "Melden Sie sich dafür an.",
};

/// The caller sees the record and may not write it.
pub const NOT_YOURS: Message = Message {
    code: UserErrorCode::Forbidden,
    reason: None,
    en: "You may see this record, but not change it: those who write the records of its region may.",
    fr: "Vous pouvez voir cette fiche, mais pas la modifier : cela revient à ceux qui tiennent les fiches de sa région.",
    nl: "U mag deze fiche zien, maar niet wijzigen: dat doen zij die de fiches van de regio beheren.",
    de: "Sie dürfen diesen Eintrag sehen, aber nicht ändern: Das tun die, die die Einträge seiner Region führen.",
};

/// The caller does not write the records of this region.
pub const FOREIGN_REGION: Message = Message {
    code: UserErrorCode::Forbidden,
    reason: Some("FOREIGN_REGION"),
    en: "You do not write the records of the region `{region}`.",
    fr: "Vous ne tenez pas les fiches de la région `{region}`.",
    nl: "U beheert de fiches van de regio `{region}` niet.",
    de: "Sie führen die Einträge der Region `{region}` nicht.",
};

/// The caller writes the records of no region.
pub const NO_REGION_OF_YOURS: Message = Message {
    code: UserErrorCode::Forbidden,
    reason: Some("FOREIGN_REGION"),
    en: "You write the records of no region.",
    fr: "Vous ne tenez les fiches d’aucune région.",
    nl: "U beheert de fiches van geen enkele regio.",
    de: "Sie führen die Einträge keiner Region.",
};

/// The source does not write the records of this region.
pub const FOREIGN_SOURCE: Message = Message {
    code: UserErrorCode::Forbidden,
    reason: Some("FOREIGN_REGION"),
    en: "The source `{source}` writes records of `{own}`, not of `{region}`.",
    fr: "La source `{source}` écrit les fiches de `{own}`, non de `{region}`.",
    nl: "De bron `{source}` schrijft fiches van `{own}`, niet van `{region}`.",
    de: "Die Quelle `{source}` schreibt Einträge von `{own}`, nicht von `{region}`.",
};

/// Only the person who has claimed the profile decides this.
pub const TALENT_DECIDES: Message = Message {
    code: UserErrorCode::Forbidden,
    reason: Some("TALENT_DECIDES"),
    en: "This person has claimed the profile: they alone decide who sees it, and why the directory shows it.",
    fr: "Cette personne a repris son profil : elle seule décide qui le voit et à quel titre l’annuaire le montre.",
    nl: "Deze persoon heeft het profiel overgenomen: alleen zij of hij beslist wie het ziet en waarom de gids het toont.",
    de: "Diese Person hat ihr Profil übernommen: Sie allein entscheidet, wer es sieht und warum das Verzeichnis es zeigt.",
};

/// The caller speaks for neither side of an affiliation.
pub const NEITHER_SIDE: Message = Message {
    code: UserErrorCode::Forbidden,
    reason: Some("NEITHER_SIDE"),
    en: "You speak neither for the talent nor for the organization.",
    fr: "Vous ne parlez ni pour le talent ni pour l’organisation.",
    nl: "U spreekt noch voor het talent, noch voor de organisatie.",
    de: "Sie sprechen weder für das Talent noch für die Organisation.",
};

/// The caller's own side made the statement: only the other side can confirm it.
pub const OTHER_SIDE: Message = Message {
    code: UserErrorCode::Forbidden,
    reason: Some("OTHER_SIDE"),
    en: "Your side has said so itself: the other side confirms or disputes it.",
    fr: "Votre partie l’a affirmé elle-même : c’est à l’autre de le confirmer ou de le contester.",
    nl: "Uw kant heeft dit zelf gezegd: de andere kant bevestigt of betwist het.",
    de: "Ihre Seite hat es selbst gesagt: Die andere bestätigt oder bestreitet es.",
};

/// The caller does not speak for the party.
pub const NOT_YOUR_PARTY: Message = Message {
    code: UserErrorCode::Forbidden,
    reason: Some("NOT_YOUR_PARTY"),
    en: "You do not speak for this organization.",
    fr: "Vous ne parlez pas pour cette organisation.",
    nl: "U spreekt niet voor deze organisatie.",
    de: "Sie sprechen nicht für diese Organisation.",
};

/// The organization is not a party of the partnership.
pub const NO_PARTY: Message = Message {
    code: UserErrorCode::NotFound,
    reason: Some("NO_PARTY"),
    en: "This organization is not a party of the partnership.",
    fr: "Cette organisation n’est pas partie au partenariat.",
    nl: "Deze organisatie is geen partij in het partnerschap.",
    de: "Diese Organisation ist keine Partei der Partnerschaft.",
};

/// The status follows from what the parties say.
pub const STATUS_FOLLOWS: Message = Message {
    code: UserErrorCode::NotAllowedInState,
    reason: Some("STATUS_FOLLOWS"),
    en: "The status is {status} by what the parties have said: ACTIVE once all have confirmed, DECLINED once one has declined. Leave it out, or say PROPOSED or ENDED.",
    fr: "Le statut est {status} d’après ce qu’ont dit les parties : ACTIVE quand toutes ont confirmé, DECLINED quand l’une a refusé. Omettez-le, ou indiquez PROPOSED ou ENDED.",
    nl: "De status is {status} volgens wat de partijen hebben gezegd: ACTIVE zodra alle hebben bevestigd, DECLINED zodra er een heeft geweigerd. Laat hem weg, of geef PROPOSED of ENDED.",
    de: "Der Status ist {status} nach dem, was die Parteien gesagt haben: ACTIVE, sobald alle bestätigt haben, DECLINED, sobald eine abgelehnt hat. Lassen Sie ihn weg oder geben Sie PROPOSED oder ENDED an.",
};

/// The partnership has ended.
pub const PARTNERSHIP_ENDED: Message = Message {
    code: UserErrorCode::NotAllowedInState,
    reason: Some("PARTNERSHIP_ENDED"),
    en: "This partnership has ended: there is nothing left to decline.",
    fr: "Ce partenariat est terminé : il n’y a plus rien à refuser.",
    nl: "Dit partnerschap is afgelopen: er valt niets meer te weigeren.",
    de: "Diese Partnerschaft ist beendet: Es gibt nichts mehr abzulehnen.",
};

/// Somebody else has changed the record.
pub const CONFLICT: Message = Message {
    code: UserErrorCode::Conflict,
    reason: None,
    en: "Somebody else has changed this record: it is at revision {revision}. Look at it as it is now, then send `baseRevision: {revision}`.",
    fr: "Quelqu’un d’autre a modifié cette fiche : elle en est à la révision {revision}. Relisez-la, puis envoyez `baseRevision: {revision}`.",
    nl: "Iemand anders heeft deze fiche gewijzigd: ze is aan revisie {revision}. Bekijk ze zoals ze nu is, en stuur dan `baseRevision: {revision}`.",
    de: "Jemand anders hat diesen Eintrag geändert: Er ist bei Revision {revision}. Sehen Sie ihn an, wie er jetzt ist, und senden Sie dann `baseRevision: {revision}`.",
};

/// Somebody else has changed a record that a system owns.
pub const CONFLICT_OF_SOURCES: Message = Message {
    code: UserErrorCode::Conflict,
    reason: None,
    en: "Somebody else has changed this record: it is at revision {revision}. Read it again, then send `baseRevision: {revision}`, or `overwrite: true`.",
    fr: "Quelqu’un d’autre a modifié cette fiche : elle en est à la révision {revision}. Relisez-la, puis envoyez `baseRevision: {revision}`, ou `overwrite: true`.",
    nl: "Iemand anders heeft deze fiche gewijzigd: ze is aan revisie {revision}. Lees ze opnieuw, en stuur dan `baseRevision: {revision}`, of `overwrite: true`.",
    de: "Jemand anders hat diesen Eintrag geändert: Er ist bei Revision {revision}. Lesen Sie ihn erneut und senden Sie dann `baseRevision: {revision}` oder `overwrite: true`.",
};

/// There is no record for the given base revision.
pub const NO_REVISION: Message = Message {
    code: UserErrorCode::Conflict,
    reason: None,
    en: "There is no such record here. Leave `baseRevision` out to make it.",
    fr: "Cette fiche n’existe pas ici. Omettez `baseRevision` pour la créer.",
    nl: "Deze fiche bestaat hier niet. Laat `baseRevision` weg om ze te maken.",
    de: "Diesen Eintrag gibt es hier nicht. Lassen Sie `baseRevision` weg, um ihn anzulegen.",
};

/// Other records refer to it.
pub const REFERRED_TO: Message = Message {
    code: UserErrorCode::NotAllowedInState,
    reason: Some("REFERRED_TO"),
    en: "Other records refer to this one: change or delete these first. {who}",
    fr: "D’autres fiches renvoient à celle-ci : modifiez-les ou supprimez-les d’abord. {who}",
    nl: "Andere fiches verwijzen naar deze: wijzig of verwijder die eerst. {who}",
    de: "Andere Einträge verweisen auf diesen: Ändern oder löschen Sie erst diese. {who}",
};

/// A record was erased and does not come back.
pub const ERASED: Message = Message {
    code: UserErrorCode::NotAllowedInState,
    reason: Some("ERASED"),
    en: "This record was erased at somebody's wish and cannot be brought back.",
    fr: "Cette fiche a été effacée à la demande de la personne et ne peut pas revenir.",
    nl: "Deze fiche is op verzoek gewist en kan niet terugkomen.",
    de: "Dieser Eintrag wurde auf Wunsch gelöscht und kann nicht zurückkommen.",
};

/// A record occurs twice in one batch.
pub const TWICE_IN_BATCH: Message = Message {
    code: UserErrorCode::Invalid,
    reason: None,
    en: "This record is in the same batch twice.",
    fr: "Cette fiche figure deux fois dans le même lot.",
    nl: "Deze fiche staat twee keer in dezelfde reeks.",
    de: "Dieser Eintrag steht zweimal im selben Stapel.",
};

/// An idempotency key is empty or too long.
pub const KEY_FORM: Message = Message {
    code: UserErrorCode::Invalid,
    reason: None,
    en: "A key has 1 to {limit} characters.",
    fr: "Une clé compte de 1 à {limit} caractères.",
    nl: "Een sleutel telt 1 tot {limit} tekens.",
    de: "Ein Schlüssel hat 1 bis {limit} Zeichen.",
};

/// An idempotency key was used for another request before.
pub const KEY_REUSED: Message = Message {
    code: UserErrorCode::Conflict,
    reason: Some("IDEMPOTENCY_MISMATCH"),
    en: "This key came with another request before. Take a new key for each new record.",
    fr: "Cette clé accompagnait déjà une autre demande. Prenez une nouvelle clé pour chaque nouvelle fiche.",
    nl: "Deze sleutel kwam al met een andere aanvraag. Neem voor elke nieuwe fiche een nieuwe sleutel.",
    de: "Dieser Schlüssel kam schon mit einer anderen Anfrage. Nehmen Sie für jeden neuen Eintrag einen neuen Schlüssel.",
};

/// The record that was created with an idempotency key does not exist any more.
pub const KEY_WITHOUT_RECORD: Message = Message {
    code: UserErrorCode::NotFound,
    reason: Some("RECORD_GONE"),
    en: "The record that was made with this key is not there any more.",
    fr: "La fiche créée avec cette clé n’existe plus.",
    nl: "De fiche die met deze sleutel werd gemaakt, bestaat niet meer.",
    de: "Den Eintrag, der mit diesem Schlüssel angelegt wurde, gibt es nicht mehr.",
};

/// All messages, as the documentation lists them.
pub fn all() -> impl Iterator<Item = &'static Message> {
    let parts = [
        &ALL,
        accounts::ALL.as_slice(),
        applications::ALL,
        calls::ALL,
        events::ALL,
        &merging::ALL,
        profile::ALL,
        pushing::ALL,
        registration::ALL,
    ];
    parts.into_iter().flatten().copied()
}

/// The messages of warnings: the value is taken. They have no placeholders, so that a repeated request gets the same text
/// although no value is stored. The code of a refusal means nothing for them.
pub const WARNINGS: &[&Message] = &[&calls::CONTRIBUTION_UNCONFIRMED, &events::TIME_TWICE];

const ALL: [&Message; 53] = [
    &REQUIRED,
    &TOO_LONG,
    &TOO_MANY,
    &CONTROL_CHARACTERS,
    &HIDDEN_CHARACTER,
    &MARKUP,
    &LANGUAGE_TWICE,
    &SOURCE_WITHOUT_NAME,
    &PREFERRED_TWICE,
    &BELOW_ZERO,
    &CONTRIBUTION_BELOW_ZERO,
    &ENDS_BEFORE,
    &SLUG_FORM,
    &SLUG_TAKEN,
    &IDENTIFIER_TAKEN,
    &IDENTIFIER,
    &UNKNOWN_TERM,
    &UNKNOWN_TERM_NEAR,
    &UNKNOWN_TERM_OF_FEW,
    &VALUE,
    &VALUE_WITHHELD,
    &CURRENCIES_DIFFER,
    &OUT_OF_RANGE,
    &HALF_A_POINT,
    &OF_ITSELF,
    &SUCCESSOR_CYCLE,
    &TOO_FEW_PARTIES,
    &PARTY_TWICE,
    &UNKNOWN_ORGANIZATION,
    &UNKNOWN_TALENT,
    &UNKNOWN_RECORD,
    &NO_RECORD,
    &NOT_SIGNED_IN,
    &NOT_YOURS,
    &FOREIGN_REGION,
    &NO_REGION_OF_YOURS,
    &FOREIGN_SOURCE,
    &TALENT_DECIDES,
    &NEITHER_SIDE,
    &OTHER_SIDE,
    &NOT_YOUR_PARTY,
    &NO_PARTY,
    &STATUS_FOLLOWS,
    &PARTNERSHIP_ENDED,
    &CONFLICT,
    &CONFLICT_OF_SOURCES,
    &NO_REVISION,
    &REFERRED_TO,
    &ERASED,
    &TWICE_IN_BATCH,
    &KEY_FORM,
    &KEY_REUSED,
    &KEY_WITHOUT_RECORD,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        let mut words: Vec<&str> =
            text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
        words.sort_unstable();
        words.dedup();
        words
    }

    #[test]
    fn every_text_has_the_words_of_the_others_and_is_there() {
        assert!(WARNINGS.iter().all(|message| message.reason.is_some() && words(message.en).is_empty()));
        for message in all().chain(WARNINGS.iter().copied()) {
            for language in Language::ALL {
                let text = message.text(language);
                assert!(!text.is_empty());
                assert_eq!(words(text), words(message.en), "{text}");
            }
        }
    }

    #[test]
    fn none_is_left_out() {
        let texts = [
            include_str!("messages.rs"),
            include_str!("messages/accounts.rs"),
            include_str!("messages/applications.rs"),
            include_str!("messages/calls.rs"),
            include_str!("messages/events.rs"),
            include_str!("messages/merging.rs"),
            include_str!("messages/profile.rs"),
            include_str!("messages/pushing.rs"),
            include_str!("messages/registration.rs"),
        ];
        let written: usize =
            texts.iter().map(|text| text.matches(concat!(": Message", " = Message {")).count()).sum();
        assert_eq!(all().count() + WARNINGS.len(), written);
    }

    #[test]
    fn values_take_the_place_of_words_once() {
        let said = FilledMessage::new(&ENDS_BEFORE).with("end", "{start}").with("start", "2010");
        assert_eq!(said.text(Language::En), "The end {start} lies before the beginning 2010.");
        let nothing = FilledMessage::new(&REFERRED_TO).with("who", "");
        assert!(nothing.text(Language::De).ends_with("erst diese."));
    }

    #[test]
    fn the_reader_s_language_is_spoken_and_english_otherwise() {
        let spoken = |header: &str| language_of(&LanguagePreferences::parse(header));
        assert_eq!(spoken("nl-BE,fr;q=0.5"), Language::Nl);
        assert_eq!(spoken("pt, de;q=0.3"), Language::De);
        for unknown in ["", "xx", "*", "pt-BR", "\u{0}", "fr;q=nothing"] {
            assert_eq!(spoken(unknown), Language::En, "{unknown}");
        }
    }
}
