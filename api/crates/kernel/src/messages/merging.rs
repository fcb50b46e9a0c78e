//! Messages about merges of duplicates and about proposals.

use super::{Message, UserErrorCode};

/// A record is merged with itself.
pub const SAME_RECORD: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("SAME_RECORD"),
    en: "These are one record already: name two.",
    fr: "C’est déjà une seule et même fiche : indiquez-en deux.",
    nl: "Dit is al één fiche: geef er twee op.",
    de: "Das ist schon ein und derselbe Eintrag: Nennen Sie zwei.",
};

/// The duplicate was merged before.
pub const ALREADY_MERGED: Message = Message {
    code: UserErrorCode::NotAllowedInState,
    reason: Some("ALREADY_MERGED"),
    en: "This record was merged already, into {into}.",
    fr: "Cette fiche a déjà été fusionnée, dans {into}.",
    nl: "Deze fiche is al samengevoegd, met {into}.",
    de: "Dieser Eintrag wurde schon zusammengeführt, mit {into}.",
};

/// The duplicate is a claimed profile.
pub const CLAIMED_SURVIVES: Message = Message {
    code: UserErrorCode::NotAllowedInState,
    reason: Some("CLAIMED_SURVIVES"),
    en: "A person has claimed this profile: merge the other one into it.",
    fr: "Une personne a repris ce profil : fusionnez l’autre dans celui-ci.",
    nl: "Iemand heeft dit profiel overgenomen: voeg het andere hierin samen.",
    de: "Eine Person hat dieses Profil übernommen: Führen Sie das andere mit diesem zusammen.",
};

/// Both profiles are claimed.
pub const BOTH_CLAIMED: Message = Message {
    code: UserErrorCode::NotAllowedInState,
    reason: Some("BOTH_CLAIMED"),
    en: "Both profiles are claimed: only the people themselves can give one up.",
    fr: "Les deux profils ont été repris : seules les personnes elles-mêmes peuvent en abandonner un.",
    nl: "Beide profielen zijn overgenomen: alleen de personen zelf kunnen er een opgeven.",
    de: "Beide Profile sind übernommen: Nur die Personen selbst können eines aufgeben.",
};

/// A partnership would be left with one party.
pub const PARTNERSHIP_OF_ONE: Message = Message {
    code: UserErrorCode::NotAllowedInState,
    reason: Some("PARTNERSHIP_OF_ONE"),
    en: "A partnership of these two alone would be left with one party: change or delete it first. {who}",
    fr: "Un partenariat de ces deux seules n’aurait plus qu’une partie : modifiez-le ou supprimez-le d’abord. {who}",
    nl: "Een partnerschap van alleen deze twee zou één partij overhouden: wijzig of verwijder het eerst. {who}",
    de: "Eine Partnerschaft nur dieser beiden hätte noch eine Partei: Ändern oder löschen Sie sie erst. {who}",
};

/// A list of the merged record would have too many entries.
pub const TOO_MANY_TOGETHER: Message = Message {
    code: UserErrorCode::TooMany,
    reason: Some("TOO_MANY_TOGETHER"),
    en: "Together they have more than {limit} entries in `{field}`: shorten one of the lists first.",
    fr: "Ensemble, elles ont plus de {limit} éléments dans `{field}` : raccourcissez d’abord l’une des listes.",
    nl: "Samen hebben ze meer dan {limit} elementen in `{field}`: kort eerst een van de lijsten in.",
    de: "Zusammen haben sie mehr als {limit} Einträge in `{field}`: Kürzen Sie erst eine der Listen.",
};

/// The caller is not a member of the organization.
pub const NOT_A_MEMBER: Message = Message {
    code: UserErrorCode::Forbidden,
    reason: Some("NOT_A_MEMBER"),
    en: "Members of the organization propose its changes.",
    fr: "Ce sont les membres de l’organisation qui proposent ses modifications.",
    nl: "De leden van de organisatie stellen haar wijzigingen voor.",
    de: "Änderungen schlagen die Mitglieder der Organisation vor.",
};

/// The proposal changes nothing.
pub const NOTHING_PROPOSED: Message = Message {
    code: UserErrorCode::Invalid,
    reason: Some("NOTHING_PROPOSED"),
    en: "This changes nothing: the organization is so already.",
    fr: "Cela ne change rien : l’organisation est déjà ainsi.",
    nl: "Dit verandert niets: de organisatie is al zo.",
    de: "Das ändert nichts: Die Organisation ist schon so.",
};

/// Too many proposals wait for an answer.
pub const TOO_MANY_PROPOSALS: Message = Message {
    code: UserErrorCode::TooMany,
    reason: Some("TOO_MANY_PROPOSALS"),
    en: "{limit} proposals for this organization wait for an answer already. Wait, or withdraw one.",
    fr: "{limit} propositions pour cette organisation attendent déjà une réponse. Patientez, ou retirez-en une.",
    nl: "{limit} voorstellen voor deze organisatie wachten al op een antwoord. Wacht, of trek er een in.",
    de: "{limit} Vorschläge für diese Organisation warten schon auf Antwort. Warten Sie, oder ziehen Sie einen zurück.",
};

/// The proposal was decided before.
pub const PROPOSAL_DECIDED: Message = Message {
    code: UserErrorCode::NotAllowedInState,
    reason: Some("PROPOSAL_DECIDED"),
    en: "This proposal is decided already: {state}.",
    fr: "Cette proposition est déjà tranchée : {state}.",
    nl: "Over dit voorstel is al beslist: {state}.",
    de: "Über diesen Vorschlag ist schon entschieden: {state}.",
};

/// Somebody else has made the proposal.
pub const NOT_YOUR_PROPOSAL: Message = Message {
    code: UserErrorCode::Forbidden,
    reason: Some("NOT_YOUR_PROPOSAL"),
    en: "Only those who made a proposal withdraw it. You may refuse it.",
    fr: "Seul l’auteur d’une proposition la retire. Vous pouvez la refuser.",
    nl: "Alleen wie een voorstel deed, trekt het in. U kunt het weigeren.",
    de: "Nur wer einen Vorschlag gemacht hat, zieht ihn zurück. Sie können ihn ablehnen.",
};

/// The proposer may not decide.
pub const OTHERS_REVIEW: Message = Message {
    code: UserErrorCode::Forbidden,
    reason: Some("OTHERS_REVIEW"),
    en: "Those who write the records of the region decide on proposals. You may withdraw yours.",
    fr: "Ceux qui tiennent les fiches de la région tranchent les propositions. Vous pouvez retirer la vôtre.",
    nl: "Wie de fiches van de regio beheert, beslist over voorstellen. U kunt het uwe intrekken.",
    de: "Über Vorschläge entscheiden die, die die Einträge der Region führen. Sie können Ihren zurückziehen.",
};

/// The fields that a proposal would change have been changed since.
pub const CHANGED_SINCE: Message = Message {
    code: UserErrorCode::Conflict,
    reason: Some("CHANGED_SINCE"),
    en: "Somebody has changed what this proposal would change: {fields}. Refuse it, or change the organization yourself.",
    fr: "Quelqu’un a modifié ce que cette proposition changerait : {fields}. Refusez-la, ou modifiez l’organisation vous-même.",
    nl: "Iemand heeft gewijzigd wat dit voorstel zou veranderen: {fields}. Weiger het, of wijzig de organisatie zelf.",
    de: "Jemand hat geändert, was dieser Vorschlag ändern würde: {fields}. Lehnen Sie ihn ab, oder ändern Sie die Organisation selbst.",
};

/// All of them.
pub(super) const ALL: [&Message; 13] = [
    &SAME_RECORD,
    &ALREADY_MERGED,
    &CLAIMED_SURVIVES,
    &BOTH_CLAIMED,
    &PARTNERSHIP_OF_ONE,
    &TOO_MANY_TOGETHER,
    &NOT_A_MEMBER,
    &NOTHING_PROPOSED,
    &TOO_MANY_PROPOSALS,
    &PROPOSAL_DECIDED,
    &NOT_YOUR_PROPOSAL,
    &OTHERS_REVIEW,
    &CHANGED_SINCE,
];
