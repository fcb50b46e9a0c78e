//! A group of columns that is read only where a selection needs one of its fields.

use std::ops::Deref;

use super::keyed::Row;
use crate::error::DomainError;

/// The values of a group of columns; none where no selected field needed them.
#[derive(Clone, Debug, PartialEq)]
pub struct Group<T>(Option<Box<T>>);

impl<T> Group<T> {
    /// Reads the group if it is wanted. Only then are its columns selected.
    ///
    /// # Errors
    /// The error of `read`.
    pub fn read(
        wanted: bool,
        row: &mut Row,
        read: impl FnOnce(&mut Row) -> Result<T, DomainError>,
    ) -> Result<Self, DomainError> {
        Ok(Self(if wanted { Some(Box::new(read(row)?)) } else { None }))
    }

    /// The values, where they were read.
    pub fn get(&self) -> Option<&T> {
        self.0.as_deref()
    }

    /// The values to change, where they were read.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.0.as_deref_mut()
    }
}

impl<T> Deref for Group<T> {
    type Target = T;

    #[expect(
        clippy::expect_used,
        reason = "`Columns::of` wants the group of every field that it answers; a test selects each field alone"
    )]
    fn deref(&self) -> &T {
        self.get().expect("the group of a selected field was read")
    }
}
