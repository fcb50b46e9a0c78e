//! How inputs become fields: an absent field keeps, null clears, a list replaces.

use async_graphql::{InputObject, MaybeUndefined};
use serde::{Deserialize, Serialize};

use super::error::DomainError;
use super::problem::{Problem, Problems};
use super::provenance::{Claim, ClaimInput, Source, SourceInput};
use super::value::{Identifier, Language, LocalizedText};
use crate::directory::organization::graphql::IdentifierInput;

/// Characters of a name or title at most.
pub const MAX_NAME: usize = 300;
/// Characters of a description or biography at most.
pub const MAX_TEXT: usize = 20_000;
/// Entries of a list at most.
pub const MAX_ENTRIES: usize = 200;

/// A text in one language.
#[derive(Clone, Debug, Deserialize, InputObject)]
#[serde(deny_unknown_fields)]
pub struct LocalizedTextInput {
    /// The language that it is written in.
    pub language: Language,
    /// The text.
    pub text: String,
}

/// The fields of one record being set, and what is wrong with them.
#[derive(Debug)]
pub struct Fields<'a> {
    /// Whether the record is new, so that required fields must be given.
    pub new: bool,
    /// What is wrong.
    pub problems: &'a mut Problems,
}

/// JSON for a text column.
pub fn to_json<T: Serialize>(value: &T) -> String {
    // Nothing that is stored has a map with keys that are no text, the only thing that JSON refuses.
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

/// A text column as JSON.
///
/// # Errors
/// [`DomainError::Stored`] where it is none.
pub fn from_json(text: &str) -> Result<serde_json::Value, DomainError> {
    Ok(serde_json::from_str(text)?)
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

    /// Sets a field that is stored as text.
    pub fn shown<T: ToString>(&mut self, given: &MaybeUndefined<T>, into: &mut Option<String>) {
        match given {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => *into = None,
            MaybeUndefined::Value(value) => *into = Some(value.to_string()),
        }
    }

    /// Sets an enum that has a value for "not said".
    pub fn or<T: Copy>(&mut self, given: &MaybeUndefined<T>, otherwise: T) -> Option<T> {
        match given {
            MaybeUndefined::Undefined => self.new.then_some(otherwise),
            MaybeUndefined::Null => Some(otherwise),
            MaybeUndefined::Value(value) => Some(*value),
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
            MaybeUndefined::Value(text) => self.checked(path, text, limit).unwrap_or_default(),
            MaybeUndefined::Undefined | MaybeUndefined::Null => String::new(),
        };
        if text.is_empty() {
            self.problems.add(Problem::required(path));
        }
        *into = text;
    }

    /// A text without surrounding space, if it has no control characters and is not too long.
    fn checked(&mut self, path: &str, text: &str, limit: usize) -> Option<String> {
        let text = text.trim();
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t' | '\r')) {
            self.problems.add(Problem::invalid(path, "Control characters are not allowed in texts."));
            return None;
        }
        if text.chars().count() > limit {
            self.problems.add(Problem::too_long(path, limit));
            return None;
        }
        Some(text.to_owned())
    }

    /// Whether a list is short enough; says so where it is not.
    fn fits<T>(&mut self, path: &str, list: &[T]) -> bool {
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
        into: &mut String,
    ) -> Option<Vec<String>> {
        let list = self.list(path, given)?;
        let mut kept: Vec<String> = Vec::new();
        for (place, text) in list.iter().enumerate() {
            let text = self.checked(&format!("{path}.{place}"), text, MAX_NAME).unwrap_or_default();
            if !text.is_empty() && !kept.contains(&text) {
                kept.push(text);
            }
        }
        *into = to_json(&kept);
        Some(kept)
    }

    /// The list that is given, empty for null; none where nothing is to be set.
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
        into: &mut String,
    ) {
        if let Some(list) = self.list(path, given) {
            let mut kept: Vec<T> = Vec::new();
            for value in list {
                if !kept.contains(value) {
                    kept.push(value.clone());
                }
            }
            *into = to_json(&kept);
        }
    }

    /// Sets a list of slugs of a vocabulary.
    pub fn slugs(
        &mut self,
        path: &str,
        given: &MaybeUndefined<Vec<String>>,
        find: impl Fn(&str, &str) -> Result<(), DomainError>,
        into: &mut String,
    ) -> Option<Vec<String>> {
        let list = self.list(path, given)?;
        let mut kept: Vec<String> = Vec::new();
        for (place, slug) in list.iter().enumerate() {
            let path = format!("{path}.{place}");
            if let Err(error) = find(&path, slug) {
                self.problems.add(Problem::invalid(path, error.to_string()));
            } else if !kept.contains(slug) {
                kept.push(slug.clone());
            }
        }
        *into = to_json(&kept);
        Some(kept)
    }

    /// Sets one slug of a vocabulary that may be empty.
    pub fn slug(
        &mut self,
        path: &str,
        given: &MaybeUndefined<String>,
        find: impl Fn(&str, &str) -> Result<(), DomainError>,
        into: &mut Option<String>,
    ) {
        if let MaybeUndefined::Value(slug) = given
            && let Err(error) = find(path, slug)
        {
            self.problems.add(Problem::invalid(path, error.to_string()));
            return;
        }
        self.set(given, into);
    }

    /// Sets one slug of a vocabulary that a record must have.
    pub fn required_slug(
        &mut self,
        path: &str,
        given: &MaybeUndefined<String>,
        find: impl Fn(&str, &str) -> Result<(), DomainError>,
        into: &mut String,
    ) {
        let mut slug = Some(std::mem::take(into)).filter(|slug| !slug.is_empty());
        self.slug(path, given, find, &mut slug);
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
        into: &mut String,
    ) -> Option<Vec<LocalizedText>> {
        let list = self.list(path, given)?;
        let mut kept: Vec<LocalizedText> = Vec::new();
        for (place, text) in list.iter().enumerate() {
            if kept.iter().any(|other| other.language == text.language) {
                let message = "There is a text in this language already: one for each is allowed.";
                self.problems.add(Problem::invalid(format!("{path}.{place}.language"), message));
                continue;
            }
            let checked =
                self.checked(&format!("{path}.{place}.text"), &text.text, limit).unwrap_or_default();
            if !checked.is_empty() {
                kept.push(LocalizedText { language: text.language, text: checked });
            }
        }
        *into = to_json(&kept);
        Some(kept)
    }

    /// Sets official identifiers, checked and in canonical form.
    pub fn identifiers(
        &mut self,
        path: &str,
        given: &MaybeUndefined<Vec<IdentifierInput>>,
        into: &mut String,
    ) {
        let Some(list) = self.list(path, given) else { return };
        let mut kept: Vec<Identifier> = Vec::new();
        for (place, input) in list.iter().enumerate() {
            match Identifier::parse(input.scheme, &input.value) {
                Ok(identifier) if !kept.contains(&identifier) => kept.push(identifier),
                Ok(_) => {}
                Err(error) => {
                    self.problems.add(Problem::invalid(format!("{path}.{place}.value"), error.to_string()));
                }
            }
        }
        *into = to_json(&kept);
    }

    /// Sets where facts come from.
    pub fn sources(&mut self, path: &str, given: &MaybeUndefined<Vec<SourceInput>>, into: &mut String) {
        let Some(list) = self.list(path, given) else { return };
        let mut kept: Vec<Source> = Vec::new();
        for (place, input) in list.iter().enumerate() {
            match input.clone().into_source() {
                Some(source) if !kept.contains(&source) => kept.push(source),
                Some(_) => {}
                None => {
                    self.problems.add(Problem::invalid(format!("{path}.{place}"), "Give a title or a URL."));
                }
            }
        }
        *into = to_json(&kept);
    }

    /// Sets what sources say. One claim on a field at most may be preferred.
    pub fn claims(&mut self, path: &str, given: &MaybeUndefined<Vec<ClaimInput>>, into: &mut String) {
        let Some(list) = self.list(path, given) else { return };
        let mut kept: Vec<Claim> = Vec::new();
        for (place, input) in list.iter().enumerate() {
            let at = format!("{path}.{place}");
            if input.preferred && kept.iter().any(|claim| claim.preferred && claim.field == input.field) {
                let message = "Another claim on this field is preferred already.";
                self.problems.add(Problem::invalid(format!("{at}.preferred"), message));
            }
            let Some(source) = input.source.clone().into_source() else {
                self.problems.add(Problem::invalid(format!("{at}.source"), "Give a title or a URL."));
                continue;
            };
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
        *into = to_json(&kept);
    }

    /// Sets a count, which is not below zero.
    pub fn count(&mut self, path: &str, given: &MaybeUndefined<i32>, into: &mut Option<i32>) {
        if given.as_opt_ref().flatten().is_some_and(|number| *number < 0) {
            self.problems.add(Problem::invalid(path, "A number of people is not below zero."));
            return;
        }
        self.set(given, into);
    }

    /// Checks that a period does not end before it begins: their texts compare as far as both are known.
    pub fn period(&mut self, path: &str, starts: Option<&str>, ends: Option<&str>) {
        if let (Some(starts), Some(ends)) = (starts, ends) {
            let common = starts.len().min(ends.len());
            if ends[..common] < starts[..common] {
                self.problems.add(Problem::invalid(
                    path,
                    format!("The end {ends} lies before the beginning {starts}."),
                ));
            }
        }
    }

    /// Sets the slug that was asked for; for a new record without one, the slug of its name.
    pub fn record_slug(&mut self, given: &MaybeUndefined<String>, name: &str, into: &mut String) {
        match given {
            MaybeUndefined::Value(slug) if super::slug::is_well_formed(slug) => into.clone_from(slug),
            MaybeUndefined::Value(_) => {
                let message = "A slug has lower-case letters and digits in words joined by single hyphens, at most 120 \
                               characters: `pole-images`.";
                self.problems.add(Problem::invalid("slug", message));
            }
            MaybeUndefined::Undefined | MaybeUndefined::Null if self.new => {
                *into = super::slug::of_name(name);
            }
            MaybeUndefined::Undefined | MaybeUndefined::Null => {}
        }
    }
}
