//! The query of one word: one pass over the terms that match it, in all its fields.
//!
//! tantivy's own queries would read the postings of a term once for each way in which it matches: exactly, by its
//! prefix, with a typo. Here each term is judged once, and its postings are read once.

use std::sync::Arc;

use tantivy::query::{DfaWrapper, EnableScoring, Explanation, FuzzyTermQuery, Query, Scorer, Weight};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, DocSet, Score, SegmentReader, TERMINATED, TantivyError, Term};
use tantivy_fst::Automaton;

/// How a term matches a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Match {
    /// The number of typos.
    pub(super) typos: u8,
    /// Whether it is the word itself, to the last letter.
    pub(super) same: bool,
}

/// Finds a word, or words that begin with it, with typos. The score of a document is that of its best match.
#[derive(Clone, Debug)]
pub(super) struct WordQuery {
    /// The word, folded.
    pub(super) text: String,
    /// Whether terms that begin with it count as well.
    pub(super) prefix: bool,
    /// The number of typos that are allowed: two at most.
    pub(super) typos: u8,
    /// The fields that are searched, with their weights.
    pub(super) places: Vec<(Field, f32)>,
    /// The score of a match, from the weight of its field: greater than zero.
    pub(super) worth: fn(f32, Match) -> f32,
}

impl WordQuery {
    /// Builds the automaton that accepts terms with `typos` typos at most.
    fn automaton(&self, typos: u8) -> tantivy::Result<DfaWrapper> {
        // The automaton does not depend on the field.
        let term = Term::from_field_text(Field::from_field_id(0), &self.text);
        let query = if self.prefix {
            FuzzyTermQuery::new_prefix(term, typos, true)
        } else {
            FuzzyTermQuery::new(term, typos, true)
        };
        query.automaton()
    }
}

impl Query for WordQuery {
    fn weight(&self, _: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        let most = self.automaton(self.typos)?;
        let one = if self.typos > 1 { Some(self.automaton(1)?) } else { None };
        Ok(Box::new(WordWeight { query: self.clone(), most: Arc::new(most), one }))
    }
}

struct WordWeight {
    query: WordQuery,
    /// Accepts every term that matches.
    most: Arc<DfaWrapper>,
    /// Accepts terms with one typo at most; needed where two are allowed.
    one: Option<DfaWrapper>,
}

impl WordWeight {
    /// Returns how a term matches that [`Self::most`] has accepted.
    fn judge(&self, term: &[u8]) -> Match {
        let word = self.query.text.as_bytes();
        let same = term == word;
        let typos = if same || (self.query.prefix && term.starts_with(word)) {
            0
        } else if self.one.as_ref().is_none_or(|one| accepts(one, term)) {
            1
        } else {
            2
        };
        Match { typos, same }
    }
}

fn accepts(automaton: &DfaWrapper, term: &[u8]) -> bool {
    let end = term.iter().fold(automaton.start(), |state, byte| automaton.accept(&state, *byte));
    automaton.is_match(&end)
}

impl Weight for WordWeight {
    fn scorer(&self, reader: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let mut worths = vec![0.0; reader.max_doc() as usize];
        let mut count = 0;
        for (field, place) in &self.query.places {
            let index = reader.inverted_index(*field)?;
            let mut terms = index.terms().search(&*self.most).into_stream()?;
            while terms.advance() {
                let worth = boost * (self.query.worth)(*place, self.judge(terms.key()));
                let mut postings =
                    index.read_block_postings_from_terminfo(terms.value(), IndexRecordOption::Basic)?;
                while !postings.docs().is_empty() {
                    for doc in postings.docs() {
                        if let Some(best) = worths.get_mut(*doc as usize) {
                            count += u32::from(*best == 0.0);
                            *best = worth.max(*best);
                        }
                    }
                    postings.advance();
                }
            }
        }
        let mut scorer = WordScorer { worths, count, doc: 0 };
        scorer.seek(0);
        Ok(Box::new(scorer))
    }

    fn explain(&self, reader: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        let mut scorer = self.scorer(reader, 1.0)?;
        if scorer.seek(doc) == doc {
            Ok(Explanation::new("WordQuery", scorer.score()))
        } else {
            Err(TantivyError::InvalidArgument(format!("document {doc} does not match")))
        }
    }
}

/// The scores of a segment's documents: zero where a document does not match.
struct WordScorer {
    worths: Vec<Score>,
    count: u32,
    doc: DocId,
}

impl DocSet for WordScorer {
    fn advance(&mut self) -> DocId {
        if self.doc == TERMINATED { TERMINATED } else { self.seek(self.doc + 1) }
    }

    fn seek(&mut self, target: DocId) -> DocId {
        let rest = self.worths.get(target as usize..).unwrap_or_default();
        let next = rest.iter().position(|worth| *worth > 0.0);
        // Documents of a segment are counted with 32 bits.
        self.doc = next.and_then(|next| target.checked_add(u32::try_from(next).ok()?)).unwrap_or(TERMINATED);
        self.doc
    }

    fn doc(&self) -> DocId {
        self.doc
    }

    fn size_hint(&self) -> u32 {
        self.count
    }
}

impl Scorer for WordScorer {
    fn score(&mut self) -> Score {
        self.worths.get(self.doc as usize).copied().unwrap_or_default()
    }
}
