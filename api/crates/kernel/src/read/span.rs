//! The span of a statement, as traces have it.

use tracing::Span;

use super::Dialect;

/// The target of spans that are traces.
pub const TRACES: &str = "passerelle::traces";

/// The span of what is asked of the database, within the span of who asks; none where nobody does whose trace it could be a
/// part of, such as a task that looks for work.
pub(super) fn sql(dialect: Dialect, operation: &'static str) -> Span {
    if Span::current().is_none() {
        return Span::none();
    }
    let system = match dialect {
        Dialect::Postgres => "postgresql",
        Dialect::Sqlite => "sqlite",
    };
    tracing::trace_span!(
        target: TRACES,
        "sql",
        otel.name = operation,
        otel.kind = "client",
        db.system.name = system,
        db.operation.name = operation,
    )
}
