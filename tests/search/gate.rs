//! An engine whose writes can be held back or lost.

use std::sync::Arc;

use futures::future::BoxFuture;
use passerelle::index::engine::{Batch, Engine, EngineError, Found, Guard, Position, Query, Refused, Target};
use passerelle::index::kind::Audience;
use tokio::sync::watch;
use uuid::Uuid;

/// The state of the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    /// Writes pass.
    Open,
    /// Writes wait until the gate is open.
    Closed,
    /// Writes report success, but only the position is written.
    Losing,
}

/// An engine behind a gate.
#[derive(Debug)]
pub(super) struct Gated {
    inner: Arc<dyn Engine>,
    gate: watch::Sender<Gate>,
}

impl Gated {
    pub(super) fn new(inner: Arc<dyn Engine>) -> Arc<Self> {
        Arc::new(Self { inner, gate: watch::channel(Gate::Open).0 })
    }

    pub(super) fn set(&self, gate: Gate) {
        self.gate.send_replace(gate);
    }
}

impl Engine for Gated {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn guard(&self) -> Guard {
        self.inner.guard()
    }

    fn search<'a>(
        &'a self,
        audience: Audience,
        query: &'a Query,
    ) -> BoxFuture<'a, Result<Found, EngineError>> {
        self.inner.search(audience, query)
    }

    fn position(&self) -> BoxFuture<'_, Result<Option<Position>, EngineError>> {
        self.inner.position()
    }

    fn begin(&self) -> BoxFuture<'_, Result<(), EngineError>> {
        self.inner.begin()
    }

    fn write(
        &self,
        target: Target,
        batches: [(Audience, Batch); 2],
        position: Position,
    ) -> BoxFuture<'_, Result<Vec<Refused>, EngineError>> {
        let mut gate = self.gate.subscribe();
        Box::pin(async move {
            let now = *gate.wait_for(|gate| *gate != Gate::Closed).await.expect("the gate exists");
            let batches = match now {
                Gate::Losing => batches.map(|(audience, _)| (audience, Batch::default())),
                Gate::Open | Gate::Closed => batches,
            };
            self.inner.write(target, batches, position).await
        })
    }

    fn swap(&self) -> BoxFuture<'_, Result<(), EngineError>> {
        self.inner.swap()
    }

    fn release(&self) -> BoxFuture<'_, ()> {
        self.inner.release()
    }

    fn walk(
        &self,
        audience: Audience,
        after: Option<Uuid>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(Uuid, i32)>, EngineError>> {
        self.inner.walk(audience, after, limit)
    }
}
