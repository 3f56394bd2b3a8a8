//! Which verb answers which path and method.

use std::sync::Arc;

use axum::{
    Router,
    extract::Request,
    middleware::from_fn_with_state,
    response::{IntoResponse, Response},
    routing::{MethodFilter, MethodRouter, on},
};
use http::{HeaderValue, Method, StatusCode as HttpStatus, Uri, header};
use posthouse_api::{BASE, ProblemCode, ProblemDetails};
use posthouse_core::actor::Right;

use super::{
    AdminState, accounts,
    answer::{ProblemAnswer, text},
    audit, blacklist, callbacks, captures, carriers, certificates, codes, connections,
    context::nothing_at,
    endpoints,
    erased::erased,
    find, health, idempotency, lint, lookups, me, messages, metrics, mo, nodes, numbers, openapi, operations,
    provisioning, queues, ready, refusals, reveal,
    rights::{DOCUMENT, RouteAccess, RouteVerb, is_api},
    sandbox, services, sessions, stats, stream, submissions, tokens, unmatched_reports, unreadable, users,
    version,
};

/// Declares the verbs: method, path, the right that it needs, `own` where a role of an account may use it for what is the account's, and
/// what handles it: a `handle` with `utoipa::path`, which says what it takes and answers.
macro_rules! verbs {
    ($($method:ident $path:literal $right:ident $($own:ident)? => $($handler:ident)::+;)*) => {
        vec![$(RouteVerb {
            method: Method::$method,
            path: $path,
            access: RouteAccess { right: Right::$right, own: verbs!(own $($own)?) },
            handler: on(MethodFilter::$method, erased!($($handler)::+)),
            #[cfg(feature = "openapi")]
            said: || utoipa_axum::routes!($($handler)::+),
        },)*]
    };
    (own own) => { true };
    (own) => { false };
}

/// Every verb of the API.
pub(super) fn verbs() -> Vec<RouteVerb> {
    let mut verbs = verbs! {
        GET "/version" Look own => version::handle;
        GET "/openapi.json" Look own => openapi::handle;
        GET "/me" Look own => me::handle;
        GET "/codes" Look own => codes::list::handle;
        GET "/codes/{code}" Look own => codes::get::handle;
        POST "/lint" Look own => lint::handle;
        POST "/submissions" Submit own => submissions::handle;
        POST "/provisioning/plan" Provision => provisioning::plan::handle;
        POST "/provisioning/apply" Provision => provisioning::apply::handle;
        GET "/nodes" Look => nodes::list::handle;
        POST "/nodes/{node}/drain" Drain => nodes::drain::handle;
        POST "/nodes/{node}/undrain" Drain => nodes::drain::handle_undrain;
        POST "/nodes/{node}/log-level" Drain => nodes::log_level::handle;
        GET "/queues" Look => queues::list::handle;
        GET "/certificates" Look => certificates::handle;
        GET "/provisioning/export" Reveal => provisioning::export::handle;
        GET "/accounts" Look => accounts::list::handle;
        GET "/accounts/{name}" Look own => accounts::get::handle;
        POST "/accounts/{name}/disable" Disable => accounts::disable::handle;
        POST "/accounts/{name}/enable" Disable => accounts::enable::handle;
        PUT "/accounts/{name}" Provision => accounts::edit::handle_put;
        PATCH "/accounts/{name}" Provision => accounts::edit::handle_patch;
        DELETE "/accounts/{name}" Provision => accounts::edit::handle_remove;
        PUT "/accounts/{name}/services/{vasid}" Provision => services::edit::handle_put;
        PATCH "/accounts/{name}/services/{vasid}" Provision => services::edit::handle_patch;
        DELETE "/accounts/{name}/services/{vasid}" Provision => services::edit::handle_remove;
        PUT "/carriers/{id}" Provision => carriers::edit::handle_put;
        PATCH "/carriers/{id}" Provision => carriers::edit::handle_patch;
        DELETE "/carriers/{id}" Provision => carriers::edit::handle_remove;
        PUT "/carriers/{id}/connections/{name}" Provision => connections::edit::handle_put;
        PATCH "/carriers/{id}/connections/{name}" Provision => connections::edit::handle_patch;
        DELETE "/carriers/{id}/connections/{name}" Provision => connections::edit::handle_remove;
        GET "/carriers" Look => carriers::list::handle;
        GET "/carriers/{id}" Look => carriers::get::handle;
        GET "/services" Look => services::list::handle;
        GET "/lookups/{number}" Look => lookups::get::handle;
        GET "/provisioning/revisions" Look => provisioning::revisions::handle;
        GET "/provisioning/revisions/{number}/diff" Look => provisioning::diff::handle;
        POST "/provisioning/rollback" Rollback => provisioning::rollback::handle;
        GET "/sandbox/messages" Reveal own => sandbox::messages::handle;
        POST "/sandbox/deliver" Resend own => sandbox::deliver::handle;
        POST "/sandbox/clear" Resend own => sandbox::clear::handle;
        GET "/find" Look own => find::handle;
        GET "/refusals" Look own => refusals::list::handle;
        GET "/refusals/{id}" Look own => refusals::get::handle;
        GET "/unreadable" Reveal => unreadable::list::handle;
        GET "/unreadable/{number}" Reveal => unreadable::get::handle;
        GET "/stats/series" Look => stats::series::handle;
        GET "/stats/store" Look => stats::store::handle;
        GET "/stream" Look own => stream::handle;
        GET "/audit" Look => audit::list::handle;
        GET "/tokens" Users => tokens::list::handle;
        POST "/tokens" Users => tokens::add::handle;
        DELETE "/tokens/{id}" Users => tokens::revoke::handle;
    };
    verbs.extend(verbs_of_messages());
    verbs.extend(verbs_of_parts());
    verbs
}

/// Those about messages, what VASPs are told of them, and what carriers sent.
fn verbs_of_messages() -> Vec<RouteVerb> {
    verbs! {
        GET "/messages" Look own => messages::list::handle;
        GET "/messages/count" Look own => messages::count::handle;
        GET "/messages/summary" Look own => messages::summary::handle;
        POST "/messages/requeue" Bulk => messages::requeue::handle;
        POST "/messages/expire" Bulk => messages::expire::handle;
        POST "/messages/resend-reports" Bulk => messages::resend_reports::handle;
        GET "/messages/{id}" Look own => messages::get::handle;
        GET "/messages/{id}/preview" Reveal own => messages::content::handle;
        GET "/messages/{id}/parts/{number}" Reveal own => messages::content::handle_part;
        GET "/messages/{id}/exchanges" Capture => messages::exchanges::handle;
        POST "/messages/{id}/requeue" Mend => messages::requeue::handle_one;
        POST "/messages/{id}/expire" Mend => messages::expire::handle_one;
        POST "/messages/{id}/reroute" Mend => messages::reroute::handle_one;
        POST "/messages/{id}/resend-reports" Resend own => messages::resend_reports::handle_one;
        GET "/callbacks" Look own => callbacks::list::handle;
        GET "/callbacks/{id}" Look own => callbacks::get::handle;
        GET "/callbacks/{id}/attempts" Look own => callbacks::attempts::handle;
        POST "/callbacks/{id}/resend" Resend own => callbacks::resend::handle;
        GET "/endpoints" Look own => endpoints::list::handle;
        POST "/endpoints/{account}/pause" Suspend => endpoints::pause::handle;
        POST "/endpoints/{account}/resume" Suspend => endpoints::resume::handle;
        POST "/endpoints/{account}/test" Resend own => endpoints::test::handle;
        POST "/messages/{id}/resubmit" Mend => messages::resubmit::handle_one;
        GET "/operations" Look => operations::list::handle;
        POST "/operations" Bulk => operations::plan::handle;
        GET "/operations/{id}" Look => operations::get::handle;
        GET "/operations/{id}/items" Look => operations::items::handle;
        POST "/operations/{id}/start" Bulk => operations::start::handle;
        POST "/operations/{id}/cancel" Bulk => operations::cancel::handle;
        GET "/mo" Look own => mo::list::handle;
        GET "/mo/for-nobody" Look => mo::for_nobody::handle;
        GET "/mo/{id}" Look own => mo::get::handle;
        POST "/mo/{id}/resend" Resend own => mo::resend::handle;
        GET "/unmatched-reports" Look => unmatched_reports::list::handle;
        GET "/unmatched-reports/{number}" Look => unmatched_reports::get::handle;
    }
}

/// Those about parts of accounts and carriers, and about lists of numbers.
fn verbs_of_parts() -> Vec<RouteVerb> {
    verbs! {
        PUT "/accounts/{name}/services/{vasid}/senders/{sender}" Provision => services::add_sender::handle;
        DELETE "/accounts/{name}/services/{vasid}/senders/{sender}" Provision => services::remove_sender::handle;
        GET "/blacklist" Reveal => blacklist::list::handle;
        PUT "/blacklist/{number}" Blacklist => blacklist::add::handle;
        DELETE "/blacklist/{number}" Blacklist => blacklist::remove::handle;
        GET "/blacklist/{number}" Look => blacklist::get::handle;
        GET "/accounts/{name}/keys" Look own => accounts::keys::list::handle;
        POST "/accounts/{name}/keys" Keys own => accounts::keys::add::handle;
        DELETE "/accounts/{name}/keys/{key}" Keys own => accounts::keys::remove::handle;
        GET "/carriers/{id}/connections" Look => connections::list::handle;
        POST "/carriers/{id}/connections/{name}/suspend" Suspend => connections::suspend::handle;
        POST "/carriers/{id}/connections/{name}/resume" Suspend => connections::resume::handle;
        POST "/carriers/{id}/connections/{name}/limit" Suspend => connections::limit::handle;
        POST "/carriers/{id}/connections/{name}/probe" Suspend => connections::probe::handle;
        POST "/blacklist/import" Blacklist => numbers::import::handle_blacklist;
        GET "/blacklist/export" Reveal => numbers::export::handle_blacklist;
        POST "/ranges/import" Provision => numbers::import::handle_ranges;
        GET "/ranges/export" Look => numbers::export::handle_ranges;
        POST "/captures" Capture => captures::begin::handle;
        GET "/captures" Capture => captures::list::handle;
        GET "/captures/{id}" Capture => captures::get::handle;
        GET "/captures/{id}/exchanges" Capture => captures::exchanges::handle;
        DELETE "/captures/{id}" Capture => captures::remove::handle;
        GET "/users" Users => users::list::handle;
        POST "/users" Users => users::add::handle;
        PATCH "/users/{name}" Users => users::role::handle;
        POST "/users/{name}/reset" Users => users::reset::handle;
        DELETE "/users/{name}" Users => users::remove::handle;
        GET "/sessions" Users => sessions::list::handle;
        DELETE "/sessions/{id}" Users => sessions::end::handle;
    }
}

/// The routes, with what the verbs need.
pub(super) fn router(state: Arc<AdminState>, verbs: Vec<RouteVerb>) -> Router {
    let api = verbs
        .into_iter()
        .fold(Router::new(), |router, verb| router.route(&format!("{BASE}{}", verb.path), verb.handler));
    let api = api.route_layer(from_fn_with_state(Arc::clone(&state), idempotency::guard));
    let api = api.route_layer(from_fn_with_state(Arc::clone(&state), reveal::guard));
    api.route(DOCUMENT, on(MethodFilter::GET, openapi::handle))
        .route("/healthz", read_only(on(MethodFilter::GET, health::handle)))
        .route("/readyz", read_only(on(MethodFilter::GET, ready::handle)))
        .route("/metrics", read_only(on(MethodFilter::GET, metrics::handle)))
        .method_not_allowed_fallback(not_allowed)
        .fallback(not_found)
        .with_state(state)
}

/// What is no part of the API answers GET alone, and in plain text.
fn read_only(verb: MethodRouter<Arc<AdminState>>) -> MethodRouter<Arc<AdminState>> {
    verb.head(only_read).fallback(only_read)
}

async fn only_read() -> Response {
    let mut answer = text(HttpStatus::METHOD_NOT_ALLOWED, "this is read only\n");
    answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET"));
    answer
}

async fn not_allowed(method: Method, uri: Uri) -> Response {
    let detail = format!("{method} is not allowed at {}", uri.path());
    let problem = ProblemDetails::new(ProblemCode::MethodNotAllowed).detail(detail);
    ProblemAnswer(problem.remedy("use one of those that the header Allow has")).into_response()
}

async fn not_found(request: Request) -> Response {
    let path = request.uri().path();
    if is_api(path) {
        return ProblemAnswer(nothing_at(path)).into_response();
    }
    if request.method() != Method::GET {
        return only_read().await;
    }
    text(HttpStatus::NOT_FOUND, "there is /healthz, /readyz and /metrics\n")
}

#[cfg(test)]
mod tests {
    use super::{super::rights::Rights, *};

    #[test]
    fn the_right_of_a_verb_is_found_by_its_path() {
        let rights = Rights::of(&verbs());
        let access = |method, path: &str| {
            let access = rights.access(&method, &format!("{BASE}{path}"))?;
            Some(format!("{}{}", access.right, if access.own { " own" } else { "" }))
        };
        for (method, path, expected) in [
            (Method::GET, "/version", Some("look own")),
            (Method::HEAD, "/messages", Some("look own")),
            (Method::GET, "/messages/17", Some("look own")),
            (Method::POST, "/messages/requeue", Some("bulk")),
            (Method::POST, "/messages/17/requeue", Some("mend")),
            (Method::POST, "/messages/17/resend-reports", Some("resend own")),
            (Method::POST, "/provisioning/apply", Some("provision")),
            (Method::DELETE, "/messages/17", None),
            (Method::GET, "/messages/17/nothing", None),
            (Method::GET, "", None),
            (Method::POST, "/accounts/acme", None),
            (Method::PATCH, "/accounts/acme", Some("provision")),
            (Method::GET, "/refusals/17", Some("look own")),
        ] {
            assert_eq!(access(method, path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn each_verb_has_a_path_of_its_own() {
        let mut all: Vec<_> = verbs().iter().map(|verb| format!("{} {}", verb.method, verb.path)).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        let found = Rights::of(&verbs());
        for verb in verbs() {
            let path = format!("{BASE}{}", verb.path);
            assert_eq!(found.access(&verb.method, &path), Some(verb.access), "{path}");
        }
    }
}
