//! The texts of the consent in the schema.

use async_graphql::{Context, Object, SimpleObject};

use super::text;
use kernel::error::GraphqlResult;
use kernel::messages::language_of;
use kernel::reader::Reader;
use kernel::value::Language;

/// A text that people agree to when they claim their profile or show more of it.
#[derive(Clone, Debug, SimpleObject)]
pub struct ConsentText {
    /// Its version, to be passed on in `consent`. A text is never edited: another wording is another version.
    pub version: i32,
    /// The language that it is in.
    pub language: Language,
    /// The text, in paragraphs that an empty line separates.
    pub text: String,
    /// Whether it is the one that people are asked to agree to now.
    pub is_current: bool,
}

/// Queries of the texts of the consent.
#[derive(Clone, Copy, Debug, Default)]
pub struct ConsentQuery;

/// Queries of the texts of the consent.
#[Object]
impl ConsentQuery {
    /// The text that people agree to when they claim their profile or show more of it; null where there is no such
    /// version. It is there in every language of the directory.
    async fn consent_text(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "In which language; that of the request where it is not given.")] language: Option<
            Language,
        >,
        #[graphql(desc = "Which version; the present one where it is not given.")] version: Option<i32>,
    ) -> GraphqlResult<Option<ConsentText>> {
        let version = version.unwrap_or(text::CURRENT);
        let language = language.unwrap_or(language_of(&Reader::of(ctx)?.languages));
        Ok(text::of(version, language).map(|words| ConsentText {
            version,
            language,
            text: words.to_owned(),
            is_current: version == text::CURRENT,
        }))
    }
}
