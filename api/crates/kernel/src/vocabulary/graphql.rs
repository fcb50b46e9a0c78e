//! Sectors, occupations and terms in the schema.

use async_graphql::{Context, ID, Object};

use super::{Occupation, Sector, Term, Vocabulary, vocabularies};
use crate::error::{DomainError, GraphqlResult, IntoGraphql};
use crate::id::graphql_id;
use crate::reader::Reader;
use crate::value::{Language, LocalizedText, Url};

/// The label in the requested language. Every entry has one in its own.
///
/// # Errors
/// Only where the schema is run without a [`Reader`].
pub fn label<'a>(
    ctx: &Context<'_>,
    asked: Option<Language>,
    texts: &'a [LocalizedText],
) -> GraphqlResult<&'a str> {
    let missing = || DomainError::Stored("an entry of a vocabulary has no label".into());
    Reader::of(ctx)?.text(ctx, asked, texts).ok_or_else(missing).graphql()
}

/// An entry of a small vocabulary: a kind, a genre, a family. Shown in the reader's language, filtered by its
/// slug. New terms may appear at any time.
#[derive(Clone, Copy, Debug)]
pub struct TermNode(pub &'static Term);

/// An entry of a small vocabulary: a kind, a genre, a family. Shown in the reader's language, filtered by its
/// slug. New terms may appear at any time.
#[Object(name = "Term")]
impl TermNode {
    /// Stable name for filters and inputs.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// What readers see.
    async fn name(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Language of the answer; else the request's, else the vocabulary's own.")]
        language: Option<Language>,
    ) -> GraphqlResult<&str> {
        label(ctx, language, &self.0.labels)
    }

    /// What it means, where that is written down.
    async fn definition(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Language of the answer; else the request's, else the vocabulary's own.")]
        language: Option<Language>,
    ) -> GraphqlResult<Option<&str>> {
        Ok(Reader::of(ctx)?.text(ctx, language, &self.0.definitions))
    }
}

/// The term of a stored slug.
///
/// # Errors
/// [`DomainError::Stored`] for a slug that the vocabulary does not have.
pub fn term_node(vocabulary: Vocabulary, slug: &str) -> GraphqlResult<TermNode> {
    let unknown = || DomainError::Stored(format!("unknown term {slug}"));
    vocabularies().terms(vocabulary).get(slug).map(TermNode).ok_or_else(unknown).graphql()
}

/// A sector of the image industry, in a tree. A sector in a filter stands for those below it as well.
#[derive(Clone, Copy, Debug)]
pub struct SectorNode(pub &'static Sector);

impl SectorNode {
    /// The sectors of stored slugs, in their order.
    pub fn all(slugs: &[String]) -> Vec<Self> {
        slugs.iter().filter_map(|slug| vocabularies().sectors.get(slug)).map(Self).collect()
    }
}

/// A sector of the image industry, in a tree. A sector in a filter stands for those below it as well.
#[Object(name = "Sector")]
impl SectorNode {
    /// Opaque id, the same on every deployment.
    pub async fn id(&self) -> ID {
        graphql_id("sector", self.0.term.id)
    }

    /// Stable name for filters and inputs.
    async fn slug(&self) -> &str {
        &self.0.term.slug
    }

    /// What readers see.
    async fn name(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Language of the answer; else the request's, else the vocabulary's own.")]
        language: Option<Language>,
    ) -> GraphqlResult<&str> {
        label(ctx, language, &self.0.term.labels)
    }

    /// What belongs to it.
    async fn description(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Language of the answer; else the request's, else the vocabulary's own.")]
        language: Option<Language>,
    ) -> GraphqlResult<Option<&str>> {
        Ok(Reader::of(ctx)?.text(ctx, language, &self.0.term.definitions))
    }

    /// The wider sector that it is part of; null at the top.
    async fn parent(&self) -> Option<SectorNode> {
        self.0.parent.as_ref().and_then(|slug| vocabularies().sectors.get(slug)).map(SectorNode)
    }

    /// The sectors directly below it.
    async fn children(&self) -> Vec<SectorNode> {
        let below = vocabularies().sectors.all.iter();
        below.filter(|sector| sector.parent.as_ref() == Some(&self.0.term.slug)).map(SectorNode).collect()
    }

    /// Classes of the European classification NACE Rev. 2.1 that cover it.
    async fn nace_codes(&self) -> &[String] {
        &self.0.nace_codes
    }
}

/// An occupation of the image industry.
#[derive(Clone, Copy, Debug)]
pub struct OccupationNode(pub &'static Occupation);

/// An occupation of the image industry.
#[Object(name = "Occupation")]
impl OccupationNode {
    /// Opaque id, the same on every deployment.
    pub async fn id(&self) -> ID {
        graphql_id("occupation", self.0.term.id)
    }

    /// Stable name for filters and inputs.
    async fn slug(&self) -> &str {
        &self.0.term.slug
    }

    /// What readers see.
    async fn name(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Language of the answer; else the request's, else the vocabulary's own.")]
        language: Option<Language>,
    ) -> GraphqlResult<&str> {
        label(ctx, language, &self.0.term.labels)
    }

    /// The family of trades that it belongs to.
    async fn family(&self) -> GraphqlResult<TermNode> {
        term_node(Vocabulary::OccupationFamily, &self.0.family)
    }

    /// Unit group of the international classification ISCO-08, where one fits.
    async fn isco_code(&self) -> Option<&str> {
        self.0.isco_code.as_deref()
    }

    /// The occupation in the European classification ESCO, where one fits.
    async fn esco_uri(&self) -> Option<&Url> {
        self.0.esco_uri.as_ref()
    }
}

/// Queries of the vocabularies.
#[derive(Clone, Copy, Debug, Default)]
pub struct VocabularyQuery;

/// Queries of the vocabularies.
#[Object]
impl VocabularyQuery {
    /// All sectors, each before those below it. They are few and rarely change: keep them.
    async fn sectors(&self) -> Vec<SectorNode> {
        vocabularies().sectors.all.iter().map(SectorNode).collect()
    }

    /// The sector of a slug; null where there is none.
    async fn sector(&self, #[graphql(desc = "For example `animation`.")] slug: String) -> Option<SectorNode> {
        vocabularies().sectors.get(&slug).map(SectorNode)
    }

    /// The occupation of a slug; null where there is none.
    async fn occupation(
        &self,
        #[graphql(desc = "For example `realisateur`.")] slug: String,
    ) -> Option<OccupationNode> {
        vocabularies().occupations.get(&slug).map(OccupationNode)
    }

    /// All occupations, by family.
    async fn occupations(&self) -> Vec<OccupationNode> {
        vocabularies().occupations.all.iter().map(OccupationNode).collect()
    }

    /// All terms of a vocabulary.
    async fn terms(&self, #[graphql(desc = "Which vocabulary.")] vocabulary: Vocabulary) -> Vec<TermNode> {
        vocabularies().terms(vocabulary).all.iter().map(TermNode).collect()
    }
}
