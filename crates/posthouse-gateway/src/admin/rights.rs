//! What a verb of the API is, who may use it, and how long its requests may be.

use std::{collections::BTreeMap, sync::Arc};

use axum::routing::MethodRouter;
use http::Method;
use posthouse_api::{BASE, MAX_BODY_BYTES, MAX_LINT_BYTES, MAX_PROVISIONING_BYTES};
use posthouse_core::actor::Right;

use super::state::AdminState;

/// Where the document of the API is, too, whatever its version.
pub(super) const DOCUMENT: &str = "/api/openapi.json";

/// A verb of the API.
pub(super) struct RouteVerb {
    pub method: Method,
    /// Below [`BASE`].
    pub path: &'static str,
    /// Who may use it.
    pub access: RouteAccess,
    /// What handles it.
    pub handler: MethodRouter<Arc<AdminState>>,
    /// Makes what is said of it (its schemas, its operation): megabytes for all verbs, which are made for the document alone.
    #[cfg(feature = "openapi")]
    pub said: fn() -> utoipa_axum::router::UtoipaMethodRouter<Arc<AdminState>>,
}

/// Who may use a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RouteAccess {
    /// What a caller has to be allowed.
    pub right: Right,
    /// Whether the verb keeps to one account where the caller does: whose role is an account's may use no other.
    pub own: bool,
}

/// Which right each verb needs, to be asked before anything of a request but its head is read.
pub(super) struct Rights {
    paths: matchit::Router<Vec<(Method, RouteAccess)>>,
}

impl Rights {
    /// Those of these verbs.
    pub fn of(verbs: &[RouteVerb]) -> Self {
        let mut by_path: BTreeMap<&str, Vec<(Method, RouteAccess)>> = BTreeMap::new();
        for verb in verbs {
            by_path.entry(verb.path).or_default().push((verb.method.clone(), verb.access));
        }
        let mut paths = matchit::Router::new();
        for (path, methods) in by_path {
            // Two that cannot stand beside each other are refused by the router, too: a test makes it.
            let _ = paths.insert(format!("{BASE}{path}"), methods);
        }
        let document = RouteAccess { right: Right::Look, own: true };
        let _ = paths.insert(DOCUMENT.to_owned(), vec![(Method::GET, document)]);
        Self { paths }
    }

    /// Who may do this at a path; `None` where there is no such verb.
    pub fn access(&self, method: &Method, path: &str) -> Option<RouteAccess> {
        let method = if *method == Method::HEAD { &Method::GET } else { method };
        let methods = self.paths.at(path).ok()?.value;
        methods.iter().find(|(known, _)| known == method).map(|(_, access)| *access)
    }
}

/// The longest body that is read for a verb, or a page, in bytes.
pub(super) fn body_limit(method: &Method, path: &str) -> usize {
    match path.strip_prefix(BASE).unwrap_or(path) {
        "/lint" | "/try" | "/submissions" => MAX_LINT_BYTES,
        _ if is_provisioning(method, path) => MAX_PROVISIONING_BYTES,
        _ => MAX_BODY_BYTES,
    }
}

/// Whether a request brings a document of provisioning, which may be long and take long; or removes one thing of it, for which all of it
/// may have to be read.
pub(super) fn is_provisioning(method: &Method, path: &str) -> bool {
    let Some(rest) = path.strip_prefix(BASE) else { return false };
    match *method {
        Method::PUT | Method::PATCH | Method::DELETE => {
            rest.starts_with("/accounts/") || rest.starts_with("/carriers/")
        }
        _ => rest.starts_with("/provisioning/") || rest.ends_with("/import"),
    }
}

/// Whether a path is one of those that answer in plain text, and are for programs.
pub(super) fn is_plain(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz" | "/metrics")
}

/// Whether a path is one of the API's.
pub(super) fn is_api(path: &str) -> bool {
    path.strip_prefix("/api").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
