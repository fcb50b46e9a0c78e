//! Says which names may have been meant.

/// Names that are offered at most.
const MAX_NAMES: usize = 5;

/// The sentence that offers the names that are like this one; nothing where there are none.
pub(super) fn suggestion<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let mut like: Vec<(usize, &str)> = known
        .filter_map(|known| {
            let distance = strsim::levenshtein(name, known);
            (distance < (name.len().max(known.len()) / 2).max(1)).then_some((distance, known))
        })
        .collect();
    like.sort_unstable();
    let names: Vec<String> = like.iter().take(MAX_NAMES).map(|(_, name)| format!("\"{name}\"")).collect();
    if names.is_empty() { String::new() } else { format!(" Did you mean {}?", names.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_alike_are_offered_the_nearest_first() {
        let known = ["regions", "region", "organizations", "x"];
        assert_eq!(suggestion("regoins", known.into_iter()), " Did you mean \"regions\"?");
        assert_eq!(suggestion("organisations", known.into_iter()), " Did you mean \"organizations\"?");
        assert_eq!(suggestion("nothing", known.into_iter()), "");
    }
}
