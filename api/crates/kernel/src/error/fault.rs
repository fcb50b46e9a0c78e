//! The reasons why a reader of the log cannot continue from its cursor, and how it recovers.

use async_graphql::{ErrorExtensionValues, Name, Value};

use crate::RecordType;
use crate::error::Code;
use crate::name_of;
use crate::policy::Visibility;

/// A view: the records of one region with one visibility.
pub type View = (String, Visibility);

/// The reason why a reader of the log cannot continue from its cursor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CursorFault {
    /// This instance never had the feed of the position.
    #[error("This is no position in the log of this instance. Load a snapshot, and follow from its cursor.")]
    Invalid,
    /// A new feed began after this position, for example after a restore.
    #[error(
        "The log has begun anew since this position, as after a restore. Load a snapshot and keep your ids: those of the \
         records are the same."
    )]
    FeedChanged,
    /// The position is beyond the end of the log.
    #[error(
        "This position is behind the end of the log, which should not happen. Load a snapshot, and tell the operators of \
         both systems."
    )]
    Ahead,
    /// The entry at this position is not the one that the reader has seen.
    #[error(
        "Another change stands at this position than you were given, which should not happen. Load a snapshot, and tell \
         the operators of both systems."
    )]
    Forked,
    /// Tombstones since this position have been deleted.
    #[error("This position is too old: what was deleted since is no longer known. Load a snapshot.")]
    Expired,
    /// The reader's filter or its permitted views have changed.
    #[error(
        "You ask for other records than those of this position, or may see others now. Drop those of `removedViews` and \
         `removedTypes`, load a snapshot of `addedViews` and `addedTypes`, and go on from `resumeCursor`."
    )]
    ViewsChanged(Box<ViewsChanged>),
}

/// The difference between the views and types followed now and before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewsChanged {
    /// Views that are followed now and were not before.
    pub added_views: Vec<View>,
    /// Views that were followed before and are not now.
    pub removed_views: Vec<View>,
    /// Types that are followed now and were not before.
    pub added_types: Vec<RecordType>,
    /// Types that were followed before and are not now.
    pub removed_types: Vec<RecordType>,
    /// The cursor of the same position, for what is followed now.
    pub resume: String,
}

impl CursorFault {
    /// The error code that clients see.
    pub const fn code(&self) -> Code {
        match self {
            Self::Invalid => Code::CursorInvalid,
            Self::FeedChanged => Code::CursorFeedChanged,
            Self::Ahead => Code::CursorAhead,
            Self::Forked => Code::CursorForked,
            Self::Expired => Code::CursorExpired,
            Self::ViewsChanged(_) => Code::CursorViewsChanged,
        }
    }

    /// Writes the recovery into the extensions of the error.
    pub fn extend(&self, extensions: &mut ErrorExtensionValues) {
        let recovery = match self {
            Self::Invalid | Self::Expired => "SNAPSHOT",
            Self::FeedChanged => "SNAPSHOT_KEEP_IDS",
            Self::Ahead | Self::Forked => "SNAPSHOT_AND_ALARM",
            Self::ViewsChanged(_) => "RESUME",
        };
        extensions.set("recovery", recovery);
        if let Self::ViewsChanged(changed) = self {
            let views = |views: &[View]| {
                let view = |(region, visibility): &View| {
                    let fields = [
                        ("region", Value::from(region.as_str())),
                        ("visibility", name_of(*visibility).into()),
                    ];
                    Value::Object(fields.into_iter().map(|(name, value)| (Name::new(name), value)).collect())
                };
                Value::List(views.iter().map(view).collect())
            };
            let types = |types: &[RecordType]| Value::List(types.iter().map(|of| of.name().into()).collect());
            extensions.set("addedViews", views(&changed.added_views));
            extensions.set("removedViews", views(&changed.removed_views));
            extensions.set("addedTypes", types(&changed.added_types));
            extensions.set("removedTypes", types(&changed.removed_types));
            extensions.set("resumeCursor", changed.resume.as_str());
        }
    }
}
