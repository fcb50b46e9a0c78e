//! Ids as clients see them: TypeIDs, opaque, typed and sortable.
//!
//! The form is that of the TypeID specification 0.3: a type in lower case, an underscore, and a UUID in
//! Crockford's base 32. The database holds the plain UUID.

use async_graphql::ID;
use uuid::Uuid;

use super::error::DomainError;
use super::value::DateTime;

/// Namespace of ids that are derived from a name: vocabulary entries have `UUIDv5` of type and slug.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f1c_7a0e_52c4_5d0f_9b57_70a5_5e2e_11e0);

/// Crockford's alphabet in lower case.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A new id for this time. Ids are ordered by time (UUID version 7, RFC 9562).
pub fn new(now: DateTime) -> Uuid {
    let millis = u64::try_from(now.micros() / 1000).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &rand::random()).into_uuid()
}

/// A new id that does not tell when it was made (UUID version 4, RFC 9562).
pub fn random() -> Uuid {
    uuid::Builder::from_random_bytes(rand::random()).into_uuid()
}

/// The smallest id of this time (UUID version 7, RFC 9562). Records created earlier have smaller ids.
pub fn first_at(time: DateTime) -> Uuid {
    let millis = u64::try_from(time.micros() / 1000).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
}

/// The text of an id of this type.
pub fn encode(type_name: &str, id: Uuid) -> String {
    let mut text = String::with_capacity(type_name.len() + 27);
    text.push_str(type_name);
    text.push('_');
    let bits = id.as_u128();
    for position in (0..26).rev() {
        let index = (bits >> (position * 5)) & 31;
        text.push(char::from(ALPHABET[usize::try_from(index).unwrap_or(0)]));
    }
    text
}

/// The id that clients see for this record.
pub fn graphql_id(type_name: &str, id: Uuid) -> ID {
    ID(encode(type_name, id))
}

/// Reads an id of any type.
///
/// # Errors
/// `BAD_USER_INPUT` on `argument` where the text is no TypeID.
pub fn decode_any(argument: &str, text: &str) -> Result<(String, Uuid), DomainError> {
    let wrong = || {
        let shown: String = text.chars().take(60).flat_map(char::escape_debug).collect();
        DomainError::bad_input(
            argument,
            format!("`{shown}` is not an id. An id looks like `{}`.", encode("organization", Uuid::nil())),
        )
    };
    let (type_name, suffix) = text.rsplit_once('_').ok_or_else(wrong)?;
    let lower_case = |c: u8| c.is_ascii_lowercase() || c == b'_';
    if suffix.len() != 26
        || type_name.is_empty()
        || type_name.len() > 63
        || !type_name.bytes().all(lower_case)
    {
        return Err(wrong());
    }
    let mut bits: u128 = 0;
    for (position, character) in suffix.bytes().enumerate() {
        let digit = ALPHABET.iter().position(|c| *c == character).ok_or_else(wrong)?;
        // 26 digits hold 130 bits: the first may use three of its five.
        if position == 0 && digit > 7 {
            return Err(wrong());
        }
        bits = (bits << 5) | u128::try_from(digit).unwrap_or(0);
    }
    Ok((type_name.to_owned(), Uuid::from_u128(bits)))
}

/// Reads an id of one type.
///
/// # Errors
/// `BAD_USER_INPUT` on `argument` where the text is no TypeID, or one of another type.
pub fn decode(argument: &str, type_name: &str, text: &str) -> Result<Uuid, DomainError> {
    let (found, id) = decode_any(argument, text)?;
    if found == type_name {
        return Ok(id);
    }
    Err(DomainError::bad_input(
        argument,
        format!("`{text}` is the id of another type: expected one that begins with `{type_name}_`."),
    ))
}

/// The id of a vocabulary entry: the same on every deployment.
pub fn of_vocabulary(type_name: &str, slug: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("{type_name}/{slug}").as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_id_reads_back(bits: u128) {
            let id = Uuid::from_u128(bits);
            prop_assert_eq!(decode("id", "talent", &encode("talent", id)).unwrap(), id);
        }

        #[test]
        fn any_text_is_an_id_or_a_refusal(text in ".{0,100}") {
            let _ = decode_any("id", &text);
        }
    }

    #[test]
    fn the_specifications_example_holds() {
        let id = Uuid::parse_str("01890a5d-ac96-774b-bcce-b302099a8057").unwrap();
        assert_eq!(encode("prefix", id), "prefix_01h455vb4pex5vsknk084sn02q");
    }

    #[test]
    fn another_type_is_named() {
        let id = encode("talent", Uuid::nil());
        let error = decode("id", "organization", &id).unwrap_err();
        assert!(error.to_string().contains("`organization_`"), "{error}");
    }
}
