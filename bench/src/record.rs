//! The lines of the file: the shape that `passerelle import` reads.

use serde::Serialize;

use crate::vocabulary::Language;

/// One line: a record as its source sends it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Line<'v> {
    /// The source that owns the record.
    pub(crate) source: &'v str,
    /// Its id in that source.
    pub(crate) external_id: String,
    /// The record.
    #[serde(flatten)]
    pub(crate) body: Body<'v>,
}

/// The four kinds of record that a source can send.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Body<'v> {
    /// A company, a school, a public body.
    Organization(Box<Organization<'v>>),
    /// A person in a professional role.
    Talent(Box<Talent<'v>>),
    /// A talent's role in an organization.
    Affiliation(Box<Affiliation<'v>>),
    /// A project of two or more organizations.
    Partnership(Box<Partnership<'v>>),
}

/// A text and its language.
#[derive(Debug, Serialize)]
pub(crate) struct Text {
    pub(crate) language: Language,
    pub(crate) text: String,
}

/// The fields of `OrganizationInput` that are filled in.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Organization<'v> {
    pub(crate) slug: String,
    pub(crate) kind: &'v str,
    pub(crate) status: &'static str,
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) acronym: Option<String>,
    pub(crate) descriptions: Vec<Text>,
    pub(crate) region: &'v str,
    pub(crate) territory: &'v str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<Address<'v>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) website: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<String>,
    pub(crate) founded_on: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dissolved_on: Option<String>,
    pub(crate) served_regions: Vec<&'v str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) employee_count: Option<u64>,
    pub(crate) languages: Vec<Language>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) identifiers: Vec<Identifier>,
    pub(crate) sectors: Vec<&'v str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) member_of: Vec<String>,
    pub(crate) visibility: &'static str,
}

/// A number in a public register.
#[derive(Debug, Serialize)]
pub(crate) struct Identifier {
    pub(crate) scheme: &'static str,
    pub(crate) value: String,
}

/// The address of an organization.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Address<'v> {
    pub(crate) lines: Vec<String>,
    pub(crate) postal_code: &'v str,
    pub(crate) city: &'v str,
    pub(crate) country: &'v str,
    pub(crate) latitude: f64,
    pub(crate) longitude: f64,
}

/// The fields of `TalentInput` that are filled in.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Talent<'v> {
    pub(crate) slug: String,
    pub(crate) display_name: String,
    pub(crate) given_name: &'static str,
    pub(crate) family_name: &'static str,
    pub(crate) headlines: Vec<Text>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) biographies: Vec<Text>,
    pub(crate) region: &'v str,
    pub(crate) territory: &'v str,
    pub(crate) occupations: Vec<&'v str>,
    pub(crate) sectors: Vec<&'v str>,
    pub(crate) skills: Vec<&'static str>,
    pub(crate) languages: Vec<Spoken>,
    pub(crate) availability: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) available_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) website: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<String>,
    pub(crate) visibility: &'static str,
    pub(crate) legal_basis: &'static str,
}

/// A language and how well it is spoken.
#[derive(Debug, Serialize)]
pub(crate) struct Spoken {
    pub(crate) language: &'static str,
    pub(crate) level: &'static str,
}

/// The fields of `AffiliationInput` that are filled in.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Affiliation<'v> {
    pub(crate) talent: String,
    pub(crate) organization: String,
    pub(crate) roles: Vec<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) occupation: Option<&'v str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) starts_on: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ends_on: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) as_of: Option<String>,
}

/// The fields of `PartnershipInput` that are filled in.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Partnership<'v> {
    pub(crate) slug: String,
    pub(crate) kind: &'v str,
    pub(crate) status: &'static str,
    pub(crate) titles: Vec<Text>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) descriptions: Vec<Text>,
    pub(crate) region: &'v str,
    pub(crate) starts_on: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ends_on: Option<String>,
    pub(crate) parties: Vec<Party<'v>>,
    pub(crate) sectors: Vec<&'v str>,
    pub(crate) visibility: &'static str,
}

/// An organization's part in a partnership.
#[derive(Debug, Serialize)]
pub(crate) struct Party<'v> {
    pub(crate) organization: String,
    pub(crate) role: &'v str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) contribution: Option<Money>,
}

/// An amount, exact.
#[derive(Debug, Serialize)]
pub(crate) struct Money {
    pub(crate) amount: String,
    pub(crate) currency: &'static str,
}
