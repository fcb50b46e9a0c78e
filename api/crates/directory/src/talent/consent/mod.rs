//! What people agree to: when they take their profile over, and when they show more of it. Each consent is kept
//! with its date, the version and the language of the text, and what for; so is its withdrawal.

use async_graphql::{Enum, InputObject, SimpleObject};
use uuid::Uuid;

use kernel::messages::{CONSENT_OUTDATED, CONSENT_REQUIRED, FilledMessage};
use kernel::policy::Visibility;
use kernel::problem::Problem;
use kernel::value::{DateTime, Language};
use records::write;

pub mod graphql;
pub mod store;
pub mod text;

/// What somebody did with their consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ConsentAct {
    /// They gave it.
    Given,
    /// They took it back: the profile was hidden.
    Withdrawn,
}

/// What a consent was given for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ConsentPurpose {
    /// To take the profile over.
    Claim,
    /// To show more of the profile, or to more people.
    Visibility,
    /// All that had been agreed to: it was taken back.
    All,
}

/// The text that somebody was shown and agrees to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, InputObject)]
pub struct ConsentInput {
    /// The version of the text (`consentText`). It must be the present one.
    pub version: i32,
    /// The language in which the text was shown.
    pub language: Language,
}

/// The consent that an account gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// The account; none for a viewer that is no account.
    pub account: Option<Uuid>,
    /// The text that was shown, if any was.
    pub text: Option<ConsentInput>,
}

impl Agreement {
    /// Why this is no consent to the present text; nothing where it is one. Its path is `consent`.
    pub fn problem(&self) -> Option<Problem> {
        let said = |message| FilledMessage::new(message).with("version", text::CURRENT.to_string());
        match self.text {
            None => Some(Problem::beside("consent", said(&CONSENT_REQUIRED))),
            Some(text) if text.version != text::CURRENT => {
                Some(Problem::beside("consent.version", said(&CONSENT_OUTDATED)))
            }
            Some(_) => None,
        }
    }
}

/// A step in the life of a profile beside the change of its fields. The submitter has checked the right to take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The account takes the profile over. The agreement has been checked.
    Claim(Agreement),
    /// The person changes the profile; where they show more of it, they must agree.
    Agree(Agreement),
    /// The account, if it is one, takes its consent back: the profile is hidden.
    Withdraw(Option<Uuid>),
    /// Nobody has confirmed the profile for too long: it is hidden.
    Lapse,
    /// The erasure of the profile is scheduled: it is hidden until then.
    AwaitErasure,
    /// The erasure of the profile is stopped, by the account if it is known: it is shown again as it was before.
    Keep {
        /// The account that stops it.
        account: Option<Uuid>,
        /// The visibility before the erasure was requested.
        visibility: Visibility,
    },
}

impl write::Step for Step {
    fn account(&self) -> Option<Uuid> {
        match self {
            Self::Claim(agreement) => agreement.account,
            Self::Withdraw(account) | Self::Keep { account, .. } => *account,
            Self::Agree(_) | Self::Lapse | Self::AwaitErasure => None,
        }
    }
}

/// What a person has agreed to, or taken back.
#[derive(Clone, Debug, PartialEq, Eq, SimpleObject)]
pub struct Consent {
    /// Whether it was given or taken back.
    pub act: ConsentAct,
    /// What it was given for.
    pub purpose: ConsentPurpose,
    /// The version of the text that was shown; of a withdrawal, that of the consent before.
    pub version: i32,
    /// The language in which the text was shown.
    pub language: Language,
    /// When it was said.
    pub at: DateTime,
}
