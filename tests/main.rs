//! Tests.
#[test] fn nothing() {}
