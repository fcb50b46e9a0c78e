//! Columns of text that hold JSON.

use sea_orm::entity::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// JSON in a column of text. The text stays as it was written, byte for byte. The default is an empty list.
#[derive(Clone, Debug, PartialEq, Eq, DeriveValueType)]
pub struct JsonText(String);

impl JsonText {
    /// The JSON of a value.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Self {
        // JSON refuses only a map whose keys are not text, and no column holds one.
        Self(serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned()))
    }

    /// The value.
    ///
    /// # Errors
    /// Fails where the text is not JSON of such a value.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.0)
    }

    /// Whether it is an empty list.
    pub fn is_empty(&self) -> bool {
        self.0 == "[]"
    }
}

impl Default for JsonText {
    fn default() -> Self {
        Self("[]".to_owned())
    }
}
