//! Compares a response with the one shown on a page. A `…` on the page matches anything: part of a text, a whole
//! value, further entries at the end of a list, and as the name of a member, further members.

use serde_json::Value;

const ANYTHING: &str = "…";

/// Compares a response with the shown one.
///
/// # Errors
/// The path that differs, and the value found there.
pub(crate) fn compare(shown: &Value, answer: &Value, at: &str) -> Result<(), String> {
    let differs = || Err(format!("`{at}` is {answer} and not {shown}"));
    match (shown, answer) {
        (Value::String(shown), _) if shown == ANYTHING => Ok(()),
        (Value::String(pattern), Value::String(text)) if fits(pattern, text) => Ok(()),
        (Value::Object(shown), Value::Object(members)) => {
            for (name, value) in shown.iter().filter(|(name, _)| *name != ANYTHING) {
                let found =
                    members.get(name).ok_or_else(|| format!("`{at}/{name}` is not there: {answer}"))?;
                compare(value, found, &format!("{at}/{name}"))?;
            }
            match members.keys().find(|name| !shown.contains_key(*name)) {
                Some(more) if !shown.contains_key(ANYTHING) => {
                    Err(format!("`{at}/{more}` is there: {answer}"))
                }
                _ => Ok(()),
            }
        }
        (Value::Array(shown), Value::Array(entries)) => {
            let (shown, open) = match shown.split_last() {
                Some((Value::String(last), before)) if last == ANYTHING => (before, true),
                _ => (shown.as_slice(), false),
            };
            if entries.len() < shown.len() || (!open && entries.len() > shown.len()) {
                return Err(format!("`{at}` has {} entries: {answer}", entries.len()));
            }
            let mut pairs = shown.iter().zip(entries).enumerate();
            pairs.try_for_each(|(place, (shown, entry))| compare(shown, entry, &format!("{at}/{place}")))
        }
        _ if shown == answer => Ok(()),
        _ => differs(),
    }
}

/// Whether a text matches the shown one.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split(ANYTHING);
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(start) = rest.find(part) else { return false };
        rest = &rest[start + part.len()..];
    }
    rest.ends_with(last)
}

#[test]
fn what_is_left_out_may_be_anything_and_nothing_else() {
    use serde_json::json;
    let same = |shown: Value, answer: Value| compare(&shown, &answer, "").is_ok();
    assert!(same(json!({"a": [1, "x"]}), json!({"a": [1, "x"]})));
    assert!(same(json!({"a": "…", "b": "or…_…9"}), json!({"a": [1], "b": "organization_019"})));
    assert!(same(json!({"a": [1, "…"], "…": "…"}), json!({"a": [1, 2, 3], "b": 1})));
    for (shown, answer) in [
        (json!({"a": 1}), json!({"a": 2})),
        (json!({"a": 1}), json!({"a": 1, "b": 1})),
        (json!({"a": 1, "b": 1}), json!({"a": 1})),
        (json!([1]), json!([1, 2])),
        (json!([1, 2, "…"]), json!([1])),
        (json!("a…c"), json!("ab")),
        (json!("a…b…"), json!("a")),
        (json!("a"), json!("ab")),
        (json!(1), json!("1")),
        (json!({"a": null}), json!({"a": {}})),
    ] {
        assert!(!same(shown.clone(), answer.clone()), "{shown} {answer}");
    }
}
