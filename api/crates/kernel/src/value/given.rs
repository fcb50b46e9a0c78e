//! Scalars in the inputs of mutations.

use std::borrow::Cow;
use std::str::FromStr;

use async_graphql::registry::Registry;
use async_graphql::{InputType, InputValueError, InputValueResult, Value};
use serde::{Deserialize, Deserializer};

use super::ValueError;
use crate::problem::Problem;

/// A scalar in the input of a mutation. It accepts any text, and keeps the error of an invalid one. The write path
/// reports that error with all other problems of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given<T>(Result<T, ValueError>);

impl<T> Given<T> {
    /// The value.
    ///
    /// # Errors
    /// The error of an invalid text.
    pub fn value(&self) -> Result<&T, &ValueError> {
        self.0.as_ref()
    }

    /// The value, if the text is valid.
    pub fn ok(self) -> Option<T> {
        self.0.ok()
    }

    /// The value of the field at this path of the input.
    ///
    /// # Errors
    /// The problem with the field, if the text is not valid.
    pub fn read(&self, path: &str) -> Result<&T, Problem> {
        self.value().map_err(|error| Problem::value(path, error))
    }
}

impl<T> From<T> for Given<T> {
    fn from(value: T) -> Self {
        Self(Ok(value))
    }
}

impl<T: InputType + FromStr<Err = ValueError>> InputType for Given<T> {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        match value {
            Some(Value::String(text)) => Ok(Self(text.parse())),
            other => T::parse(other).map(Self::from).map_err(InputValueError::propagate),
        }
    }

    fn to_value(&self) -> Value {
        self.0.as_ref().map_or(Value::Null, T::to_value)
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

/// In a file, an invalid text makes its line invalid.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Date, Decimal};
    use super::*;

    #[test]
    fn any_text_is_accepted_and_judged_later() {
        let good = Given::<Date>::parse(Some("2009-07-01".into())).unwrap();
        assert_eq!(good.value().unwrap().to_string(), "2009-07-01");
        let bad = Given::<Date>::parse(Some("July".into())).unwrap();
        assert!(bad.value().unwrap_err().to_string().contains("YYYY-MM-DD"));
        assert!(Given::<Date>::parse(Some(2009.into())).is_err(), "it is no text");
        assert!(Given::<Date>::parse(None).is_err());
        assert_eq!(Given::<Decimal>::parse(Some(5.into())).unwrap().value().unwrap().to_string(), "5");
    }

    #[test]
    fn files_refuse_what_is_no_value() {
        assert!(serde_json::from_str::<Given<Date>>("\"2009-07-01\"").is_ok());
        assert!(serde_json::from_str::<Given<Date>>("\"July\"").is_err());
    }
}
