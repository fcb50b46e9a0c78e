//! Says which names may have been meant.

/// Names that are offered at most.
const MAX_NAMES: usize = 5;
/// Bytes of a name that is compared with others: no name of the schema is as long.
const MAX_LENGTH: usize = 64;

/// The sentence that offers the names that are like this one; nothing where there are none.
pub(super) fn suggestion<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    if name.len() > MAX_LENGTH {
        return String::new();
    }
    let mut like: Vec<(usize, &str)> = known
        .filter_map(|known| {
            let enough = (name.len().max(known.len()) / 2).max(1);
            // Names differ by as many letters as one is longer.
            if name.len().abs_diff(known.len()) >= enough {
                return None;
            }
            let distance = strsim::levenshtein(name, known);
            (distance < enough).then_some((distance, known))
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
        assert_eq!(suggestion(&"regions".repeat(100), known.into_iter()), "");
    }
}
