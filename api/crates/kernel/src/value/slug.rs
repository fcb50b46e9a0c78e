//! The form of slugs, and the slug of a name.

use super::fold;

/// Maximum characters of a slug.
pub const MAX_SLUG: usize = 120;

/// The slug of a name: folded words with hyphens.
pub fn of_name(name: &str) -> String {
    let words = fold(name);
    let kept = words.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' }).collect::<String>();
    let mut slug = String::new();
    for word in kept.split_ascii_whitespace() {
        if slug.len() + word.len() >= MAX_SLUG {
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(word);
    }
    if slug.is_empty() { "record".to_owned() } else { slug }
}

/// Whether a slug is well formed: lower-case letters and digits in words joined by single hyphens.
pub fn is_well_formed(slug: &str) -> bool {
    let word =
        |word: &str| !word.is_empty() && word.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    slug.len() <= MAX_SLUG && slug.split('-').all(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_and_elisions_fold() {
        assert_eq!(of_name("Pôle d’excellence de l'Image"), "pole-d-excellence-de-l-image");
    }
}
