//! The fields of records that other instances see: one struct of a type for both directions.
//!
//! A member of such a struct holds what its column holds, and is checked where it is read: [`Text`] by parsing, [`Named`]
//! by the values of an enum, [`Json`] by its type. So what was written is told as it is, and what is told by others has the
//! form in which it would have been written here.

use std::fmt::Display;
use std::marker::PhantomData;
use std::str::FromStr;

use async_graphql::resolver_utils::EnumType;
use entity::JsonText;
use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use kernel::name_of;
use kernel::vocabulary::{Entries, Named as Entry};
use records::write::replica::InvalidRevision;

/// Whether a vocabulary has all of these entries.
///
/// # Errors
/// [`InvalidRevision`] that names the first it does not have.
pub(super) fn known<'a, T: Entry>(
    path: &str,
    what: &str,
    entries: &Entries<T>,
    slugs: impl IntoIterator<Item = &'a String>,
) -> Result<(), InvalidRevision> {
    for slug in slugs {
        if let Err(error) = entries.find(path, what, slug) {
            return Err(InvalidRevision {
                of_vocabulary: true,
                ..InvalidRevision::new(path, error.to_string())
            });
        }
    }
    Ok(())
}

/// A replicated field, and the column that holds it.
pub(super) trait Field {
    /// The type of the column.
    type Column;
    /// The field of a column.
    fn of(column: &Self::Column) -> Self;
    /// The column of the field.
    fn column(&self) -> Self::Column;
}

macro_rules! plain {
    ($($type:ty)*) => {
        $(impl Field for $type {
            type Column = Self;

            fn of(column: &Self) -> Self {
                column.clone()
            }

            fn column(&self) -> Self {
                self.clone()
            }
        })*
    };
}

plain!(String i16 i32 i64 bool);

impl<F: Field> Field for Option<F> {
    type Column = Option<F::Column>;

    fn of(column: &Self::Column) -> Self {
        column.as_ref().map(F::of)
    }

    fn column(&self) -> Self::Column {
        self.as_ref().map(F::column)
    }
}

/// A text of which a `T` is made.
pub(super) struct Text<T>(String, PhantomData<fn() -> T>);

/// The name of a value of the enum `T`.
pub(super) struct Named<T>(String, PhantomData<fn() -> T>);

macro_rules! texts {
    ($($wrapper:ident)*) => {
        $(
            impl<T> Field for $wrapper<T> {
                type Column = String;

                fn of(column: &String) -> Self {
                    Self(column.clone(), PhantomData)
                }

                fn column(&self) -> String {
                    self.0.clone()
                }
            }

            impl<T> Serialize for $wrapper<T> {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.serialize_str(&self.0)
                }
            }
        )*
    };
}

texts!(Text Named);

impl<'de, T> Deserialize<'de> for Text<T>
where
    T: Deserialize<'de> + Display + FromStr,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(|value| Self(value.to_string(), PhantomData))
    }
}

impl<'de, T> Deserialize<'de> for Named<T>
where
    T: Deserialize<'de> + EnumType,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(|value| Self(name_of(value).to_owned(), PhantomData))
    }
}

/// JSON of a `T`.
pub(super) struct Json<T> {
    text: JsonText,
    /// The value, where the field was told by another instance.
    told: Option<T>,
}

impl<T> Json<T> {
    /// The value that another instance has told.
    pub(super) fn told(&self) -> Option<&T> {
        self.told.as_ref()
    }
}

impl<T> Json<Vec<T>> {
    /// The entries that another instance has told.
    pub(super) fn entries(&self) -> impl Iterator<Item = &T> {
        self.told.iter().flatten()
    }
}

impl<T> Field for Json<T> {
    type Column = JsonText;

    fn of(column: &JsonText) -> Self {
        Self { text: column.clone(), told: None }
    }

    fn column(&self) -> JsonText {
        self.text.clone()
    }
}

impl<T> Serialize for Json<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value: serde_json::Value = self.text.read().map_err(S::Error::custom)?;
        value.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Json<T>
where
    T: DeserializeOwned + Serialize,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = T::deserialize(deserializer)?;
        Ok(Self { text: JsonText::of(&value), told: Some(value) })
    }
}

/// A slug that is well formed.
pub(super) struct Slug(String);

impl Field for Slug {
    type Column = String;

    fn of(column: &String) -> Self {
        Self(column.clone())
    }

    fn column(&self) -> String {
        self.0.clone()
    }
}

impl Serialize for Slug {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Slug {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if kernel::value::slug::is_well_formed(&text) {
            return Ok(Self(text));
        }
        let form = "a slug has lower-case letters and digits, in words joined by single hyphens";
        Err(D::Error::custom(form))
    }
}

/// A level of visibility.
pub(super) struct Level(i16);

impl Field for Level {
    type Column = i16;

    fn of(column: &i16) -> Self {
        Self(*column)
    }

    fn column(&self) -> i16 {
        self.0
    }
}

impl Serialize for Level {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i16(self.0)
    }
}

impl<'de> Deserialize<'de> for Level {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = i16::deserialize(deserializer)?;
        if (0..=2).contains(&code) { Ok(Self(code)) } else { Err(D::Error::custom("a level is 0, 1 or 2")) }
    }
}

/// Declares the replicated fields of a type from one table, in the order in which they are told.
///
/// A member has the name of its column. One with `= by_hand` has no column of its own: whoever makes the struct gives it,
/// and whoever makes a row of it takes it out.
macro_rules! replicated {
    (
        $(#[$doc:meta])* $vis:vis struct $name:ident of $row:ty {
            $($(#[$attribute:meta])* $member:ident: $type:ty $(= $by_hand:ident)?,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        $vis struct $name {
            $($(#[$attribute])* $member: $type,)*
        }

        impl $name {
            /// The fields of the columns of a row.
            fn of_columns(row: &$row $($(, $member: $crate::replicated::member!($by_hand $type))?)*) -> Self {
                Self {
                    $($member: $crate::replicated::member!(of row $member $($by_hand)?),)*
                }
            }

            /// Sets the columns of a row.
            fn fill_columns(&self, row: &mut $row) {
                $($crate::replicated::member!(fill self row $member $($by_hand)?);)*
            }
        }
    };
}
pub(super) use replicated;

/// The code that [`replicated!`] makes of one member.
macro_rules! member {
    (by_hand $type:ty) => {
        $type
    };
    (of $row:ident $member:ident) => {
        $crate::replicated::Field::of(&$row.$member)
    };
    (of $row:ident $member:ident by_hand) => {
        $member
    };
    (fill $own:ident $row:ident $member:ident) => {
        $row.$member = $crate::replicated::Field::column(&$own.$member)
    };
    (fill $own:ident $row:ident $member:ident by_hand) => {
        ()
    };
}
pub(super) use member;
