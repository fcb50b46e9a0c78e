//! What refusals say, in the reader's language.

use crate::record::messages::language_of;
use crate::record::value::{Language, LanguagePreferences};

/// A text in each language of the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    fr: &'static str,
    nl: &'static str,
    en: &'static str,
    de: &'static str,
}

impl Message {
    /// The text for a reader; in English where none of their languages is among those of the directory.
    pub fn for_reader(&self, preferences: &LanguagePreferences) -> &'static str {
        match language_of(preferences) {
            Language::Fr => self.fr,
            Language::Nl => self.nl,
            Language::En => self.en,
            Language::De => self.de,
        }
    }
}

/// No account has this e-mail address with this password; which of the two is wrong is not said.
pub const CREDENTIALS: Message = Message {
    fr: "L’adresse e-mail ou le mot de passe n’est pas correct.",
    nl: "Het e-mailadres of het wachtwoord is niet juist.",
    en: "The e-mail address or the password is not right.",
    de: "Die E-Mail-Adresse oder das Passwort stimmt nicht.",
};

/// The refresh token opens no session.
pub const SESSION: Message = Message {
    fr: "Cette session est terminée. Connectez-vous à nouveau.",
    nl: "Deze sessie is afgelopen. Meld u opnieuw aan.",
    en: "This session has ended. Sign in again.",
    de: "Diese Sitzung ist beendet. Melden Sie sich erneut an.",
};

/// The field must be given.
pub const REQUIRED: Message = Message {
    fr: "Ce champ est obligatoire.",
    nl: "Dit veld is verplicht.",
    en: "This field is required.",
    de: "Dieses Feld ist erforderlich.",
};

/// A password is longer than any that is accepted.
pub const PASSWORD_TOO_LONG: Message = Message {
    fr: "Un mot de passe compte 256 caractères au plus.",
    nl: "Een wachtwoord telt hoogstens 256 tekens.",
    en: "A password has 256 characters at most.",
    de: "Ein Passwort hat höchstens 256 Zeichen.",
};

/// A name is longer than any that is kept.
pub const NAME_TOO_LONG: Message = Message {
    fr: "Un nom compte 100 caractères au plus.",
    nl: "Een naam telt hoogstens 100 tekens.",
    en: "A name has 100 characters at most.",
    de: "Ein Name hat höchstens 100 Zeichen.",
};

/// A name holds what cannot be seen.
pub const CONTROL_CHARACTERS: Message = Message {
    fr: "Les caractères de contrôle ne sont pas admis.",
    nl: "Besturingstekens zijn niet toegestaan.",
    en: "Control characters are not allowed.",
    de: "Steuerzeichen sind nicht erlaubt.",
};

/// There is no region of this slug.
pub const NO_REGION: Message = Message {
    fr: "Aucune région ne porte cet identifiant.",
    nl: "Er is geen regio met deze naam.",
    en: "There is no region with this slug.",
    de: "Es gibt keine Region mit diesem Namen.",
};

/// The role is not one that a key may have.
pub const NO_ROLE_OF_KEYS: Message = Message {
    fr: "Une clé n’administre pas toute l’instance : choisissez un rôle pour une région.",
    nl: "Een sleutel beheert niet de hele installatie: kies een rol voor een regio.",
    en: "A key does not administer the whole instance: choose a role for a region.",
    de: "Ein Schlüssel verwaltet nicht die ganze Instanz: Wählen Sie eine Rolle für eine Region.",
};

/// A key must end in the time to come, and not too late.
pub const EXPIRY: Message = Message {
    fr: "Une clé expire dans l’avenir, dans trois ans au plus.",
    nl: "Een sleutel vervalt in de toekomst, uiterlijk over drie jaar.",
    en: "A key expires in the future, within three years.",
    de: "Ein Schlüssel läuft in der Zukunft ab, spätestens in drei Jahren.",
};

/// The caller may not give out or revoke keys of this region.
pub const NOT_YOUR_REGION: Message = Message {
    fr: "Seuls les administrateurs de la région en gèrent les clés, connectés avec leur compte.",
    nl: "Alleen beheerders van de regio gaan over de sleutels, aangemeld met hun account.",
    en: "Only administrators of the region manage its keys, signed in with their account.",
    de: "Nur die Administratoren der Region verwalten ihre Schlüssel, mit ihrem Konto angemeldet.",
};

/// There is no such key, or none that the caller may know of.
pub const NO_KEY: Message = Message {
    fr: "Aucune clé ne porte cet identifiant.",
    nl: "Er is geen sleutel met deze id.",
    en: "There is no key with this id.",
    de: "Es gibt keinen Schlüssel mit dieser ID.",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reader_s_language_is_spoken_and_english_otherwise() {
        let said = |header: &str| CREDENTIALS.for_reader(&LanguagePreferences::parse(header));
        assert_eq!(said("nl-BE,fr;q=0.5"), CREDENTIALS.nl);
        assert_eq!(said("pt, de;q=0.3"), CREDENTIALS.de);
        for unknown in ["", "xx", "*", "pt-BR", "\u{0}", "fr;q=nothing"] {
            assert_eq!(said(unknown), CREDENTIALS.en, "{unknown}");
        }
    }
}
