//! Handlers whose types are one.

use std::pin::Pin;

use axum::{extract::Request, handler::Handler, response::Response};

/// What a handler is about to answer.
pub(super) type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

/// A handler that is called through a pointer: what the router makes of a handler is compiled once, and not once for each of some two hundred.
#[derive(Clone, Copy)]
pub(super) struct ErasedHandler<S>(pub fn(Request, S) -> Answering);

impl<S: Send + Sync + 'static + Clone> Handler<(), S> for ErasedHandler<S> {
    type Future = Answering;

    fn call(self, request: Request, state: S) -> Answering {
        (self.0)(request, state)
    }
}

/// A function that handles requests, as an [`ErasedHandler`].
macro_rules! erased {
    ($($handler:ident)::+) => {
        $crate::admin::erased::ErasedHandler(|request, state| axum::handler::Handler::call($($handler)::+, request, state))
    };
}

pub(super) use erased;
