//! Consent in the schema.
