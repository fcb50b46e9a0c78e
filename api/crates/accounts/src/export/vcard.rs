//! vCard 4.0 (RFC 6350): properties, escaping, lines folded at 75 octets.

/// Maximum length of a line in octets, without the line break (RFC 6350 section 3.2).
const MAX_LINE: usize = 75;

/// A card being written.
#[derive(Debug)]
pub struct VCard(String);

impl VCard {
    /// A card of a person, without a name yet.
    pub fn new() -> Self {
        let mut card = Self(String::new());
        card.line("BEGIN:VCARD");
        card.line("VERSION:4.0");
        card.line("PRODID:-//Passerelle//Passerelle//EN");
        card.line("KIND:individual");
        card
    }

    /// Adds a property with a text. `name` may have parameters, whose values are the program's own:
    /// `NOTE;LANGUAGE=fr`. An empty text is left out.
    pub fn text(&mut self, name: &str, text: &str) {
        if !text.trim().is_empty() {
            self.line(&format!("{name}:{}", escaped(text)));
        }
    }

    /// Adds a property whose value needs no escaping: a URI, a time, a language tag.
    pub fn value(&mut self, name: &str, value: &str) {
        // A line break would begin another property.
        if !value.is_empty() && !value.chars().any(char::is_control) {
            self.line(&format!("{name}:{value}"));
        }
    }

    /// Adds a property with several components, such as a name or an address. It is left out if all are empty.
    pub fn parts(&mut self, name: &str, parts: &[&str]) {
        if parts.iter().any(|part| !part.trim().is_empty()) {
            let parts: Vec<String> = parts.iter().map(|part| escaped(part)).collect();
            self.line(&format!("{name}:{}", parts.join(";")));
        }
    }

    /// Adds a property with a list of texts. It is left out if the list is empty.
    pub fn list(&mut self, name: &str, texts: &[String]) {
        if !texts.is_empty() {
            let texts: Vec<String> = texts.iter().map(|text| escaped(text)).collect();
            self.line(&format!("{name}:{}", texts.join(",")));
        }
    }

    /// The card as text.
    pub fn finish(mut self) -> String {
        self.line("END:VCARD");
        self.0
    }

    /// Appends a line, folded: a continuation begins with a space, which counts. Characters are never split.
    fn line(&mut self, line: &str) {
        let mut length = 0;
        for character in line.chars() {
            if length + character.len_utf8() > MAX_LINE {
                self.0.push_str("\r\n ");
                length = 1;
            }
            self.0.push(character);
            length += character.len_utf8();
        }
        self.0.push_str("\r\n");
    }
}

impl Default for VCard {
    fn default() -> Self {
        Self::new()
    }
}

/// Escapes a text as the value of a property (RFC 6350 section 3.4). Control characters other than line breaks and
/// tabs are not allowed in a vCard and are dropped.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    for character in text.chars() {
        match character {
            '\\' | ',' | ';' => escaped.extend(['\\', character]),
            '\n' => escaped.push_str("\\n"),
            '\t' => escaped.push('\t'),
            other if other.is_control() => {}
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The unfolded lines of a card (RFC 6350 section 3.2).
    fn unfolded(card: &str) -> Vec<String> {
        card.replace("\r\n ", "").split_terminator("\r\n").map(str::to_owned).collect()
    }

    fn unescaped(value: &str) -> String {
        let mut text = String::new();
        let mut characters = value.chars();
        while let Some(character) = characters.next() {
            text.push(match character {
                '\\' => match characters.next() {
                    Some('n') => '\n',
                    Some(other) => other,
                    None => panic!("a backslash at the end"),
                },
                other => other,
            });
        }
        text
    }

    proptest! {
        #[test]
        fn any_text_reads_back_and_no_line_is_too_long(text in "\\PC*[\\\\,;\\n é日🎬]{0,60}\\PC*") {
            let mut card = VCard::new();
            card.text("NOTE;LANGUAGE=fr", &text);
            let card = card.finish();
            prop_assert!(card.split("\r\n").all(|line| line.len() <= MAX_LINE));
            prop_assert!(!card.replace("\r\n", "").contains(['\r', '\n']));
            let found: Vec<String> = unfolded(&card).into_iter().filter(|line| line.starts_with("NOTE")).collect();
            if text.trim().is_empty() {
                prop_assert!(found.is_empty());
            } else {
                prop_assert_eq!(found.len(), 1);
                prop_assert_eq!(unescaped(found[0].strip_prefix("NOTE;LANGUAGE=fr:").unwrap()), text);
            }
        }
    }

    #[test]
    fn a_text_begins_no_property_of_its_own() {
        let mut card = VCard::new();
        card.text("FN", "Ana\r\nEMAIL:other@example.org\u{0}\u{1b}");
        card.value("URL", "https://example.org/\r\nX:1");
        card.parts("N", &["Exemple; Ana", "A,B", "", "", ""]);
        card.parts("ADR", &["", " "]);
        card.list("CATEGORIES", &["a,b".into(), "c".into()]);
        card.list("NICKNAME", &[]);
        let lines = unfolded(&card.finish());
        assert_eq!(
            lines,
            [
                "BEGIN:VCARD",
                "VERSION:4.0",
                "PRODID:-//Passerelle//Passerelle//EN",
                "KIND:individual",
                "FN:Ana\\nEMAIL:other@example.org",
                "N:Exemple\\; Ana;A\\,B;;;",
                "CATEGORIES:a\\,b,c",
                "END:VCARD",
            ]
        );
    }
}
