//! Parses shell commands of examples. Supports only the syntax that they need.

use std::collections::BTreeMap;

/// Variables by name.
pub(crate) type Variables = BTreeMap<String, String>;

/// A command with its own variables and its words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) words: Vec<String>,
}

/// The commands of a text, one a line. A quoted word or a `\` at the end continues on the next line.
///
/// # Errors
/// Fails where the syntax is not supported, such as a pipe, or a variable is not set.
pub(crate) fn commands(text: &str, variables: &Variables) -> Result<Vec<Command>, String> {
    let mut commands = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = text.chars().peekable();
    let name_of = |rest: &mut std::iter::Peekable<std::str::Chars<'_>>| {
        let mut name = String::new();
        while let Some(c) = rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
            name.push(c);
        }
        variables.get(&name).cloned().ok_or_else(|| format!("the variable `${name}` has no value here"))
    };
    while let Some(c) = rest.next() {
        match c {
            '\\' if rest.next_if_eq(&'\n').is_some() => {}
            '\\' => word.get_or_insert_default().extend(rest.next()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match rest.next().ok_or("a word has no end")? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match rest.next().ok_or("a word has no end")? {
                        '"' => break,
                        '\\' => word.extend(rest.next()),
                        '$' => word.push_str(&name_of(&mut rest)?),
                        '`' => return Err("commands within commands are not run".into()),
                        c => word.push(c),
                    }
                }
            }
            '$' => {
                let value = name_of(&mut rest)?;
                word.get_or_insert_default().push_str(&value);
            }
            '#' if word.is_none() => while rest.next_if(|c| *c != '\n').is_some() {},
            '|' | '&' | ';' | '<' | '>' | '(' | ')' | '`' | '*' => return Err(format!("`{c}` is not run")),
            '\n' => {
                words.extend(word.take());
                commands.extend(command(std::mem::take(&mut words)));
            }
            c if c.is_whitespace() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    commands.extend(command(words));
    Ok(commands)
}

fn command(words: Vec<String>) -> Option<Command> {
    let mut command = Command::default();
    for word in words {
        match word.split_once('=') {
            Some((name, value))
                if command.words.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_') =>
            {
                command.variables.push((name.to_owned(), value.to_owned()));
            }
            _ => command.words.push(word),
        }
    }
    (!command.words.is_empty() || !command.variables.is_empty()).then_some(command)
}

#[test]
fn words_are_read_as_a_shell_reads_them() {
    let variables = Variables::from([("TOKEN".to_owned(), "a b".to_owned())]);
    let read = |text: &str| commands(text, &variables);
    let words = |text: &str| read(text).unwrap().remove(0).words;
    assert_eq!(words("curl -H 'a: \"b\"' \\\n  x # y\n"), ["curl", "-H", "a: \"b\"", "x"]);
    assert_eq!(words("curl -H \"x $TOKEN\" '$TOKEN' \"\\\"\""), ["curl", "-H", "x a b", "$TOKEN", "\""]);
    assert_eq!(words("curl -d '{\n}' a'b'c"), ["curl", "-d", "{\n}", "abc"]);
    let two = read("A=1 B_C='x y' run a=b\n\n# nothing\nrun\n").unwrap();
    assert_eq!(two.len(), 2);
    assert_eq!(two[0].variables, [("A".into(), "1".into()), ("B_C".into(), "x y".into())]);
    assert_eq!(two[0].words, ["run", "a=b"]);
    for wrong in ["a | b", "a > b", "a 'b", "a $NOTHING", "a && b", "$(a)", "\"`a`\""] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
}
