//! Suggestions for unknown names ("Did you mean").

/// The maximum number of suggested names.
const MAX_NAMES: usize = 5;
/// The maximum length of a name that is compared, in bytes: all names of the schema are shorter.
const MAX_LENGTH: usize = 64;

/// The sentence that suggests similar names; empty if there are none.
pub(super) fn suggestion<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    if name.len() > MAX_LENGTH {
        return String::new();
    }
    let mut like: Vec<(usize, &str)> = known
        .filter_map(|known| {
            let enough = (name.len().max(known.len()) / 2).max(1);
            // The edit distance is at least the difference of the lengths.
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
