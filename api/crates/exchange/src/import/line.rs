//! One line of an import: a `PushRecordInput` with the `source` that owns the record.

use serde::Deserialize;

use kernel::records;
use kernel::{RecordType, all_of};
use records::write::{InputFields, RecordInput};

macro_rules! make_line {
    ($(
        $(#[$doc:meta])*
        $name:ident $module:ident {
            is $is:tt, write($kind:ident, $input:ident, $described:literal), $($rest:tt)*
        }
    )*) => {
        /// A line of an NDJSON file.
        #[derive(Clone, Debug, Default, Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields, default)]
        pub struct Line {
            /// Name of the system that owns the record.
            pub source: Option<String>,
            /// The record's id in that system.
            pub external_id: Option<String>,
            /// The revision that the line was made from.
            pub base_revision: Option<i32>,
            /// Whether to overwrite changes that others made.
            pub overwrite: bool,
            /// Whether the record is to be deleted.
            pub delete: bool,
            /// Whether the person is to be erased: `parse` refuses it, as files cannot erase.
            pub erase: bool,
            $($module: Option<directory::$module::write::$input>,)*
        }

        impl Line {
            /// The region of the line's record, where it has one.
            pub fn region(&self) -> Option<&str> {
                let given = [$(self.$module.as_ref().map(|fields| fields as &dyn InputFields),)*];
                given.into_iter().flatten().find_map(InputFields::region)
            }

            /// Takes the record of each type from the line. A valid line has exactly one.
            fn take_inputs(&mut self) -> impl IntoIterator<Item = Option<RecordInput>> + use<> {
                [$(self.$module.take().map(RecordInput::new::<directory::$module::write::$kind>),)*]
            }
        }
    };
}

records!(make_line);

/// An error in a line, with the field that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The field, as a path; empty for the whole line.
    pub path: String,
    /// The error, with what would be right.
    pub message: String,
}

impl Fault {
    /// A fault at a field.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

impl Line {
    /// Reads a line.
    ///
    /// # Errors
    /// The field that is wrong, and why.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if text.starts_with('[') {
            return Err(Fault::new("", "A line is one JSON object, not a list."));
        }
        let mut reader = serde_json::Deserializer::from_str(text);
        let line: Self = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let path = error.path().to_string();
            Fault::new(if path == "." || path == "?" { "" } else { &path }, error.inner().to_string())
        })?;
        reader.end().map_err(|error| Fault::new("", error.to_string()))?;
        if line.erase {
            let message =
                "Erasing a person is not possible by file: it must be asked for by name, one at a time.";
            return Err(Fault::new("erase", message));
        }
        Ok(line)
    }

    /// Takes the record from the line.
    ///
    /// # Errors
    /// Fails where there is none, or more than one.
    pub fn take_input(&mut self) -> Result<RecordInput, Fault> {
        RecordInput::only(self.take_inputs()).ok_or_else(|| {
            let types: Vec<String> = all_of::<RecordType>().map(|of| format!("`{}`", of.field())).collect();
            Fault::new("", format!("A line has exactly one of {}.", types.join(", ")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_names_its_field() {
        let text = r#"{"externalId":"1","organization":{"name":"A","foundedOn":"2009-13"}}"#;
        assert_eq!(Line::parse(text).unwrap_err().path, "organization.foundedOn");
        let text = r#"{"externalId":"1","organization":{"nme":"A"}}"#;
        assert!(Line::parse(text).unwrap_err().message.contains("nme"));
    }

    #[test]
    fn a_line_has_one_record() {
        let mut none = Line::parse(r#"{"externalId":"1"}"#).unwrap();
        assert!(none.take_input().is_err());
        let mut two = Line::parse(r#"{"externalId":"1","organization":{},"talent":{}}"#).unwrap();
        assert!(two.take_input().is_err());
    }
}
