//! Parses a page: its fenced blocks with the comments before them, its headings and its links.

/// A fenced block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Block {
    /// The info string's first word.
    pub(crate) language: String,
    /// Further words of the info string, and those of comments `<!-- example: … -->` before the block.
    pub(crate) words: Vec<String>,
    /// The content, without the indentation of the fence.
    pub(crate) text: String,
    /// The line of the fence, counted from 1.
    pub(crate) line: usize,
}

impl Block {
    /// Whether a word without a value is present.
    pub(crate) fn is(&self, word: &str) -> bool {
        self.words.iter().any(|other| other == word)
    }

    /// All values of `name=value`.
    pub(crate) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.words.iter().filter_map(move |word| word.strip_prefix(name)?.strip_prefix('='))
    }

    /// The value of `name=value`.
    pub(crate) fn value<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.values(name).next()
    }
}

/// The blocks of a page.
///
/// # Errors
/// Fails where a block is not closed, or a comment belongs to no block.
pub(crate) fn blocks(page: &str) -> Result<Vec<Block>, String> {
    let mut blocks = Vec::new();
    let mut said: Vec<String> = Vec::new();
    let mut open: Option<(Block, usize)> = None;
    for (number, line) in page.lines().enumerate() {
        let bare = line.trim_start();
        let indent = line.len() - bare.len();
        match &mut open {
            Some((block, _)) if bare == "```" => {
                blocks.push(std::mem::take(block));
                open = None;
            }
            Some((block, outer)) => {
                block.text.push_str(line.get((*outer).min(indent)..).unwrap_or_default());
                block.text.push('\n');
            }
            None => {
                if let Some(info) = bare.strip_prefix("```") {
                    let mut words = info.split_whitespace().map(str::to_owned);
                    let language = words.next().unwrap_or_default();
                    let words = words.chain(said.drain(..)).collect();
                    open = Some((Block { language, words, text: String::new(), line: number + 1 }, indent));
                } else if let Some(rest) = bare.strip_prefix("<!-- example:") {
                    let rest = rest
                        .strip_suffix("-->")
                        .ok_or(format!("line {}: a comment without end", number + 1))?;
                    said.extend(rest.split_whitespace().map(str::to_owned));
                } else if !bare.is_empty() && !said.is_empty() {
                    return Err(format!("line {}: a comment says {said:?} to no block", number + 1));
                }
            }
        }
    }
    match open {
        Some((block, _)) => Err(format!("line {}: the block has no end", block.line)),
        None if said.is_empty() => Ok(blocks),
        None => Err(format!("a comment says {said:?} to no block")),
    }
}

/// The lines outside of blocks.
pub(crate) fn prose(page: &str) -> Vec<&str> {
    let mut fenced = false;
    let outside = page.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    });
    outside.collect()
}

/// The anchors of headings, as code hosts derive them.
pub(crate) fn anchors(page: &str) -> Vec<String> {
    let headings = prose(page).into_iter().filter(|line| line.starts_with('#'));
    let anchor = |line: &str| {
        let text = line.trim_start_matches('#').trim().to_lowercase();
        let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

/// The targets of links: `[text](target)`.
pub(crate) fn links(page: &str) -> Vec<String> {
    let text = prose(page).join("\n");
    let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    links.map(str::to_owned).collect()
}

/// The texts between single backticks.
pub(crate) fn code(page: &str) -> Vec<String> {
    let text = prose(page).join("\n");
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn blocks_have_their_words() {
    let page = "# A\n\n<!-- example: as=editor.wallonie keep=ID:/data/a -->\n\n  ```graphql more\n  { a\n    b }\n  ```\n\n```text\n$ no\n```\n";
    let blocks = blocks(page).unwrap();
    assert_eq!(blocks.len(), 2);
    assert_eq!(
        (blocks[0].language.as_str(), blocks[0].line, blocks[0].text.as_str()),
        ("graphql", 5, "{ a\n  b }\n")
    );
    assert_eq!(blocks[0].value("as"), Some("editor.wallonie"));
    assert_eq!(blocks[0].values("keep").collect::<Vec<_>>(), ["ID:/data/a"]);
    assert!(blocks[0].is("more") && !blocks[1].is("more"));
    for wrong in
        ["```sh\n", "<!-- example: a -->\ntext", "<!-- example: a -->", "<!-- example: a\n```sh\n```"]
    {
        assert!(super::page::blocks(wrong).is_err(), "{wrong}");
    }
    assert_eq!(anchors("# For operators: `a`, b\n## É_x-y"), ["for-operators-a-b", "é_x-y"]);
    assert_eq!(links("see [a](b.md#c) and\n```text\n[x](y)\n```"), ["b.md#c"]);
}
