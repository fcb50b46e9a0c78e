//! Converts inputs to fields: an absent field keeps the stored value, null clears it, a list replaces it.

use async_graphql::resolver_utils::EnumType;
use async_graphql::{InputObject, MaybeUndefined};
use entity::JsonText;
use serde::{Deserialize, Serialize};

use super::error::DomainError;
use super::lookup::Key;
use super::messages::{self, FilledMessage};
use super::name_of;
use super::policy::Visibility;
use super::problem::{Problem, Problems};
use super::provenance::{Claim, ClaimInput, Source, SourceInput};
use super::value::{
    DateTime, Given, Identifier, IdentifierScheme, Language, LocalizedText, TimeZone, is_hidden,
};
use super::vocabulary::{Entries, Named};

/// Maximum characters of a name or title. A text that may have no more is one line.
pub const MAX_NAME: usize = 300;
/// Maximum characters of a description or biography.
pub const MAX_TEXT: usize = 20_000;
/// Maximum entries of a list.
pub const MAX_ENTRIES: usize = 200;

/// An official identifier, as somebody writes it: spaces, dots and prefixes are accepted.
#[derive(Clone, Debug, Deserialize, InputObject)]
#[serde(deny_unknown_fields)]
pub struct IdentifierInput {
    /// The scheme that it belongs to.
    pub scheme: IdentifierScheme,
    /// The identifier itself; its check digit must be right.
    pub value: String,
}

impl IdentifierInput {
    /// The lookup key of the identifier.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` where it is no identifier of its scheme.
    pub fn key(&self) -> Result<Key, DomainError> {
        let identifier = Identifier::parse(self.scheme, &self.value)
            .map_err(|error| DomainError::bad_input("by.identifier.value", error.to_string()))?;
        Ok(Key::Identifier(self.scheme.as_str(), identifier.value().to_owned()))
    }
}

/// A text in one language.
#[derive(Clone, Debug, Deserialize, InputObject)]
#[serde(deny_unknown_fields)]
pub struct LocalizedTextInput {
    /// The language that it is written in.
    pub language: Language,
    /// The text.
    pub text: String,
}

/// Sets the fields of one record, and collects the problems of its input.
#[derive(Debug)]
pub struct Fields<'a> {
    /// Whether the record is new, so that required fields must be given.
    pub new: bool,
    /// The problems.
    pub problems: &'a mut Problems,
}

/// JSON for a text column.
pub fn to_json<T: Serialize>(value: &T) -> String {
    // JSON refuses only maps with keys that are no text, and no stored value has one.
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

/// A text column as JSON.
///
/// # Errors
/// [`DomainError::Stored`] where it is no JSON.
pub fn from_json(text: &str) -> Result<serde_json::Value, DomainError> {
    Ok(serde_json::from_str(text)?)
}

/// The start of the first HTML tag in a text: `<` directly before a letter, `/`, `!` or `?` (HTML Living Standard,
/// section 13.2.5.6).
fn tag_in(text: &str) -> Option<String> {
    let begins = |(at, _): &(usize, &str)| {
        text[at + 1..].starts_with(|next: char| next.is_ascii_alphabetic() || matches!(next, '/' | '!' | '?'))
    };
    let (at, _) = text.match_indices('<').find(begins)?;
    Some(text[at..].chars().take(12).take_while(|c| !c.is_whitespace()).collect())
}

/// The text on one line: each run of line breaks and tabs, with the blanks around it, becomes one blank.
fn one_line(text: &str) -> String {
    let breaks =
        |c: char| matches!(c, '\n' | '\r' | '\t' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let parts = text.split(breaks).map(str::trim).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(" ")
}

/// The first invisible character of a text that is not allowed. Texts of several lines may have line breaks, tabs, and the
/// joiners that some scripts and emoji need.
fn hidden_in(text: &str, is_line: bool) -> Option<char> {
    let is_allowed = |c: char| !is_line && matches!(c, '\n' | '\t' | '\r' | '\u{200c}' | '\u{200d}');
    text.chars().find(|c| is_hidden(*c) && !is_allowed(*c))
}

fn hidden_character(path: &str, hidden: char) -> Problem {
    if hidden.is_control() {
        return Problem::new(path, &messages::CONTROL_CHARACTERS);
    }
    let code = format!("U+{:04X}", u32::from(hidden));
    Problem::at(path, FilledMessage::new(&messages::HIDDEN_CHARACTER).with("code", code))
}

/// Checks a required line of text: not blank, no invisible characters, no HTML tags, at most `limit` characters.
pub fn check_line(path: &str, text: &str, limit: usize, problems: &mut Problems) {
    let text = text.trim();
    if text.is_empty() {
        problems.add(Problem::required(path));
    } else if let Some(hidden) = hidden_in(text, true) {
        problems.add(hidden_character(path, hidden));
    } else if let Some(tag) = tag_in(text) {
        problems.add(Problem::at(path, FilledMessage::new(&messages::MARKUP).with("found", tag)));
    } else if text.chars().count() > limit {
        problems.add(Problem::too_long(path, limit));
    }
}

impl Fields<'_> {
    /// Sets a field that may be empty.
    pub fn set<T: Clone>(&mut self, given: &MaybeUndefined<T>, into: &mut Option<T>) {
        match given {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => *into = None,
            MaybeUndefined::Value(value) => *into = Some(value.clone()),
        }
    }

    /// Sets a scalar that is stored as text.
    pub fn scalar<T: ToString>(
        &mut self,
        path: &str,
        given: &MaybeUndefined<Given<T>>,
        into: &mut Option<String>,
    ) {
        match given {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => *into = None,
            MaybeUndefined::Value(given) => {
                if let Some(value) = self.read(path, given) {
                    *into = Some(value.to_string());
                }
            }
        }
    }

    /// Returns the value of a scalar, or adds a problem if the text is not valid.
    pub fn read<'g, T>(&mut self, path: &str, given: &'g Given<T>) -> Option<&'g T> {
        self.problems.note(given.read(path))
    }

    /// Returns the value to set for an enum with a default. The default `otherwise` is for null, and for an absent
    /// field of a new record. None keeps the stored value.
    pub fn or<T: Copy>(&mut self, given: &MaybeUndefined<T>, otherwise: T) -> Option<T> {
        match given {
            MaybeUndefined::Undefined => self.new.then_some(otherwise),
            MaybeUndefined::Null => Some(otherwise),
            MaybeUndefined::Value(value) => Some(*value),
        }
    }

    /// Sets who may see the record.
    pub fn visibility(&mut self, given: &MaybeUndefined<Visibility>, otherwise: Visibility, into: &mut i16) {
        if let Some(visibility) = self.or(given, otherwise) {
            *into = visibility.code();
        }
    }

    /// Sets the name of a value of an enum that has a value for "not said".
    pub fn name<T: EnumType + Copy>(&mut self, given: &MaybeUndefined<T>, otherwise: T, into: &mut String) {
        if let Some(value) = self.or(given, otherwise) {
            name_of(value).clone_into(into);
        }
    }

    /// Sets a text that may be empty.
    pub fn text(
        &mut self,
        path: &str,
        given: &MaybeUndefined<String>,
        limit: usize,
        into: &mut Option<String>,
    ) {
        match given {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => *into = None,
            MaybeUndefined::Value(text) => *into = self.checked(path, text, limit).filter(|t| !t.is_empty()),
        }
    }

    /// Sets a text that a record must have.
    pub fn required_text(
        &mut self,
        path: &str,
        given: &MaybeUndefined<String>,
        limit: usize,
        into: &mut String,
    ) {
        let text = match given {
            MaybeUndefined::Undefined if !self.new => return,
            MaybeUndefined::Value(text) => match self.checked(path, text, limit) {
                Some(text) => text,
                None => return,
            },
            MaybeUndefined::Undefined | MaybeUndefined::Null => String::new(),
        };
        if text.is_empty() {
            self.problems.add(Problem::required(path));
        }
        *into = text;
    }

    /// Returns the trimmed text; in a line, blanks in the place of line breaks and tabs. Adds a problem if it has invisible
    /// characters or HTML tags, or is too long.
    fn checked(&mut self, path: &str, text: &str, limit: usize) -> Option<String> {
        let is_line = limit <= MAX_NAME;
        let text = if is_line { one_line(text) } else { text.trim().to_owned() };
        if let Some(hidden) = hidden_in(&text, is_line) {
            self.problems.add(hidden_character(path, hidden));
            return None;
        }
        if let Some(tag) = tag_in(&text) {
            self.problems.add(Problem::at(path, FilledMessage::new(&messages::MARKUP).with("found", tag)));
            return None;
        }
        if text.chars().count() > limit {
            self.problems.add(Problem::too_long(path, limit));
            return None;
        }
        Some(text)
    }

    /// Whether a list is short enough. Adds a problem if it is not.
    pub fn fits<T>(&mut self, path: &str, list: &[T]) -> bool {
        let fits = list.len() <= MAX_ENTRIES;
        if !fits {
            self.problems.add(Problem::too_many(path, MAX_ENTRIES));
        }
        fits
    }

    /// Sets a list of texts.
    pub fn text_list(
        &mut self,
        path: &str,
        given: &MaybeUndefined<Vec<String>>,
        into: &mut JsonText,
    ) -> Option<Vec<String>> {
        let list = self.list(path, given)?;
        let mut kept: Vec<String> = Vec::new();
        for (place, text) in list.iter().enumerate() {
            let text = self.checked(&format!("{path}.{place}"), text, MAX_NAME).unwrap_or_default();
            if !text.is_empty() && !kept.contains(&text) {
                kept.push(text);
            }
        }
        *into = JsonText::of(&kept);
        Some(kept)
    }

    /// The given list, empty for null; none where it is absent or too long.
    fn list<'g, T>(&mut self, path: &str, given: &'g MaybeUndefined<Vec<T>>) -> Option<&'g [T]> {
        match given {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(&[]),
            MaybeUndefined::Value(list) => self.fits(path, list).then_some(list),
        }
    }

    /// Sets a list of values that are stored as JSON.
    pub fn values<T: Serialize + PartialEq + Clone>(
        &mut self,
        path: &str,
        given: &MaybeUndefined<Vec<T>>,
        into: &mut JsonText,
    ) {
        if let Some(list) = self.list(path, given) {
            let mut kept: Vec<T> = Vec::new();
            for value in list {
                if !kept.contains(value) {
                    kept.push(value.clone());
                }
            }
            *into = JsonText::of(&kept);
        }
    }

    /// Sets a list of slugs of a vocabulary.
    pub fn slugs(
        &mut self,
        path: &str,
        given: &MaybeUndefined<Vec<String>>,
        entries: &Entries<impl Named>,
        into: &mut JsonText,
    ) -> Option<Vec<String>> {
        let list = self.list(path, given)?;
        let mut kept: Vec<String> = Vec::new();
        for (place, text) in list.iter().enumerate() {
            let found = self.term(&format!("{path}.{place}"), text, entries);
            if let Some(slug) = found.filter(|slug| !kept.contains(slug)) {
                kept.push(slug);
            }
        }
        *into = JsonText::of(&kept);
        Some(kept)
    }

    /// Sets one slug of a vocabulary that may be empty.
    pub fn slug(
        &mut self,
        path: &str,
        given: &MaybeUndefined<String>,
        entries: &Entries<impl Named>,
        into: &mut Option<String>,
    ) {
        match given {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => *into = None,
            MaybeUndefined::Value(text) => {
                if let Some(slug) = self.term(path, text, entries) {
                    *into = Some(slug);
                }
            }
        }
    }

    /// The slug of the entry that a text means, by its slug or a label; adds a problem if it means none.
    pub fn term(&mut self, path: &str, text: &str, entries: &Entries<impl Named>) -> Option<String> {
        let found = entries.meant(text).map(|entry| entry.term().slug.clone());
        self.problems.note(found.ok_or_else(|| Problem::unknown_term(path, entries, text)))
    }

    /// Sets one slug of a vocabulary that a record must have.
    pub fn required_slug(
        &mut self,
        path: &str,
        given: &MaybeUndefined<String>,
        entries: &Entries<impl Named>,
        into: &mut String,
    ) {
        let mut slug = Some(std::mem::take(into)).filter(|slug| !slug.is_empty());
        self.slug(path, given, entries, &mut slug);
        match slug {
            Some(slug) => *into = slug,
            None if given.is_value() => {}
            None => self.problems.add(Problem::required(path)),
        }
    }

    /// Sets texts by language: one per language, the original first.
    pub fn texts(
        &mut self,
        path: &str,
        given: &MaybeUndefined<Vec<LocalizedTextInput>>,
        limit: usize,
        into: &mut JsonText,
    ) -> Option<Vec<LocalizedText>> {
        let list = self.list(path, given)?;
        let mut kept: Vec<LocalizedText> = Vec::new();
        for (place, text) in list.iter().enumerate() {
            if kept.iter().any(|other| other.language == text.language) {
                let path = format!("{path}.{place}.language");
                self.problems.add(Problem::new(path, &messages::LANGUAGE_TWICE));
                continue;
            }
            let checked =
                self.checked(&format!("{path}.{place}.text"), &text.text, limit).unwrap_or_default();
            if !checked.is_empty() {
                kept.push(LocalizedText { language: text.language, text: checked });
            }
        }
        *into = JsonText::of(&kept);
        Some(kept)
    }

    /// Sets official identifiers, checked and in canonical form.
    pub fn identifiers(
        &mut self,
        path: &str,
        given: &MaybeUndefined<Vec<IdentifierInput>>,
        into: &mut JsonText,
    ) {
        let Some(list) = self.list(path, given) else { return };
        let mut kept: Vec<Identifier> = Vec::new();
        for (place, input) in list.iter().enumerate() {
            match Identifier::parse(input.scheme, &input.value) {
                Ok(identifier) if !kept.contains(&identifier) => kept.push(identifier),
                Ok(_) => {}
                Err(error) => {
                    self.problems.add(Problem::identifier(format!("{path}.{place}.value"), &error));
                }
            }
        }
        *into = JsonText::of(&kept);
    }

    /// Returns a source, or adds the problems of the input.
    fn source(&mut self, path: &str, input: &SourceInput) -> Option<Source> {
        let title = input.title.as_ref();
        let title = title.map(|title| self.checked(&format!("{path}.title"), title, MAX_NAME));
        let url = input.url.as_ref().map(|url| self.read(&format!("{path}.url"), url));
        let published = input.published_on.as_ref();
        let published = published.map(|date| self.read(&format!("{path}.publishedOn"), date));
        if title == Some(None) || url == Some(None) || published == Some(None) {
            return None;
        }
        let (url, published_on) = (url.flatten().cloned(), published.flatten().copied());
        let source = Source::new(title.flatten(), url, published_on);
        if source.is_none() {
            self.problems.add(Problem::new(path, &messages::SOURCE_WITHOUT_NAME));
        }
        source
    }

    /// Sets the sources of facts.
    pub fn sources(&mut self, path: &str, given: &MaybeUndefined<Vec<SourceInput>>, into: &mut JsonText) {
        let Some(list) = self.list(path, given) else { return };
        let mut kept: Vec<Source> = Vec::new();
        for (place, input) in list.iter().enumerate() {
            if let Some(source) = self.source(&format!("{path}.{place}"), input)
                && !kept.contains(&source)
            {
                kept.push(source);
            }
        }
        *into = JsonText::of(&kept);
    }

    /// Sets the claims of sources. At most one claim on a field may be preferred.
    pub fn claims(&mut self, path: &str, given: &MaybeUndefined<Vec<ClaimInput>>, into: &mut JsonText) {
        let Some(list) = self.list(path, given) else { return };
        let mut kept: Vec<Claim> = Vec::new();
        for (place, input) in list.iter().enumerate() {
            let at = format!("{path}.{place}");
            if input.preferred && kept.iter().any(|claim| claim.preferred && claim.field == input.field) {
                self.problems.add(Problem::new(format!("{at}.preferred"), &messages::PREFERRED_TWICE));
            }
            let Some(source) = self.source(&format!("{at}.source"), &input.source) else { continue };
            let field = self.checked(&format!("{at}.field"), &input.field, MAX_NAME).unwrap_or_default();
            let value = self.checked(&format!("{at}.value"), &input.value, MAX_TEXT).unwrap_or_default();
            let note =
                input.note.as_ref().and_then(|note| self.checked(&format!("{at}.note"), note, MAX_TEXT));
            kept.push(Claim {
                field,
                value,
                qualifier: input.qualifier,
                preferred: input.preferred,
                source,
                note,
            });
        }
        *into = JsonText::of(&kept);
    }

    /// Sets a count, which must not be negative.
    pub fn count(&mut self, path: &str, given: &MaybeUndefined<i32>, into: &mut Option<i32>) {
        if given.as_opt_ref().flatten().is_some_and(|number| *number < 0) {
            self.problems.add(Problem::new(path, &messages::BELOW_ZERO));
            return;
        }
        self.set(given, into);
    }

    /// Sets an instant that may be empty, in microseconds since 1970.
    pub fn instant(&mut self, path: &str, given: &MaybeUndefined<Given<DateTime>>, into: &mut Option<i64>) {
        match given {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => *into = None,
            MaybeUndefined::Value(given) => {
                if let Some(instant) = self.read(path, given) {
                    *into = Some(instant.micros());
                }
            }
        }
    }

    /// Sets whether something is so; null means that it is not.
    pub fn flag(&mut self, given: &MaybeUndefined<bool>, into: &mut bool) {
        match given {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => *into = false,
            MaybeUndefined::Value(value) => *into = *value,
        }
    }

    /// Sets a number that is at least 1.
    pub fn at_least_one(&mut self, path: &str, given: &MaybeUndefined<i32>, into: &mut Option<i32>) {
        if given.as_opt_ref().flatten().is_some_and(|number| *number < 1) {
            self.problems.add(Problem::new(path, &messages::events::NOT_ABOVE_ZERO));
            return;
        }
        self.set(given, into);
    }

    /// Sets a time zone by its name. Null, and an absent name of a new record, mean the zone `otherwise`.
    pub fn time_zone(
        &mut self,
        path: &str,
        given: &MaybeUndefined<String>,
        otherwise: Option<&str>,
        into: &mut String,
    ) {
        let name = match given {
            MaybeUndefined::Undefined if !self.new => return,
            MaybeUndefined::Undefined | MaybeUndefined::Null => otherwise,
            MaybeUndefined::Value(name) => Some(name.as_str()),
        };
        // Without a name the region is unknown, which is a problem of its own.
        let Some(name) = name else { return };
        if let Ok(zone) = name.parse::<TimeZone>() {
            zone.name().clone_into(into);
            return;
        }
        let shown: String = name.chars().take(80).flat_map(char::escape_debug).collect();
        let said = FilledMessage::new(&messages::events::TIME_ZONE_UNKNOWN).with("zone", shown);
        self.problems.add(Problem::at(path, said));
    }

    /// Checks that a period does not end before it begins. The dates are compared in the precision that both have.
    pub fn period(&mut self, path: &str, starts: Option<&str>, ends: Option<&str>) {
        if let (Some(starts), Some(ends)) = (starts, ends) {
            let common = starts.len().min(ends.len());
            if ends[..common] < starts[..common] {
                let said = FilledMessage::new(&messages::ENDS_BEFORE).with("end", ends).with("start", starts);
                self.problems.add(Problem::at(path, said));
            }
        }
    }

    /// Sets the requested slug, or the slug of the name for a new record without one.
    pub fn record_slug(&mut self, given: &MaybeUndefined<String>, name: &str, into: &mut String) {
        match given {
            MaybeUndefined::Value(slug) if crate::value::slug::is_well_formed(slug) => into.clone_from(slug),
            MaybeUndefined::Value(_) => {
                self.problems.add(Problem::new("slug", &messages::SLUG_FORM));
            }
            MaybeUndefined::Undefined | MaybeUndefined::Null if self.new => {
                *into = crate::value::slug::of_name(name);
            }
            MaybeUndefined::Undefined | MaybeUndefined::Null => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_told_from_signs() {
        for tag in ["<b>", "a <script src=x>", "</p", "<!-- x -->", "<?xml", "1<a"] {
            assert!(tag_in(tag).is_some(), "{tag}");
        }
        for sign in ["", "<", "I <3 Lille", "a < b", "<<", "«<»", "3<4 > 2", "&lt;b&gt;"] {
            assert_eq!(tag_in(sign), None, "{sign}");
        }
        assert_eq!(tag_in("é <img src=x onerror=alert(1)>").as_deref(), Some("<img"));
    }
}
