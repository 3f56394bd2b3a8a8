//! The API as an OpenAPI document, made of its verbs.
//!
//! Each verb says beside its `handle` what it takes and answers (`utoipa::path`), and the table in `router.rs` which right it needs; what all
//! verbs have in common is added here, and that refusals are problems.

use std::sync::LazyLock;

use http::Method;
use posthouse_api::{BASE, PROBLEM_JSON, ProblemDetails, REASON_HEADER};
use serde_json::json;
use utoipa::{
    PartialSchema as _, ToSchema,
    openapi::{
        Components, ContentBuilder, HttpMethod, InfoBuilder, License, OpenApi, OpenApiBuilder, Paths, Ref,
        RefOr, ResponseBuilder, SecurityRequirement, Server,
        extensions::Extensions,
        path::{Operation, ParameterBuilder, ParameterIn, PathItem},
        schema::{AnyOfBuilder, Array, ObjectBuilder, OneOf, Schema, Type},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::{numbers::CSV, rights::RouteVerb, router};

/// Every refusal that any verb may answer with, and those of verbs with a body.
const REFUSALS: &[(u16, &str)] = &[
    (400, "The request cannot be read, or a parameter or member of it is wrong"),
    (401, "The token is missing or wrong"),
    (403, "The caller lacks the right, or shows no client certificate where one is needed"),
    (404, "There is nothing there, or not for this caller"),
    (500, "Something broke"),
    (503, "The store is busy or short of space, or it took too long: try again later"),
];
const REFUSALS_OF_BODIES: &[(u16, &str)] = &[
    (408, "The body did not come in time"),
    (411, "The body has no length"),
    (413, "The body is too long"),
    (415, "The body has another format than is read here"),
];

/// Those of requests under an `Idempotency-Key`.
const REFUSALS_OF_KEYS: &[(u16, &str)] = &[
    (409, "A request under this Idempotency-Key was carried out, is under way, or broke off"),
    (422, "The Idempotency-Key is another request's"),
];

/// The document, as docs/openapi.json has it.
pub fn text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        // What is made of strings and numbers can be written.
        let text = serde_json::to_string_pretty(&document(&router::verbs())).unwrap_or_default();
        format!("{text}\n")
    });
    &TEXT
}

/// The document of these verbs.
fn document(verbs: &[RouteVerb]) -> OpenApi {
    let mut components = Components::new();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    components.security_schemes.insert("token".to_owned(), SecurityScheme::Http(bearer).into());
    let mut schemas = vec![(ProblemDetails::name().into_owned(), ProblemDetails::schema())];
    ProblemDetails::schemas(&mut schemas);
    let mut paths = Paths::new();
    for verb in verbs {
        let (of_verb, items, _) = (verb.said)();
        schemas.extend(of_verb);
        for mut operation in items.paths.into_values().filter_map(|item| of_method(item, &verb.method)) {
            add_what_is_common(&mut operation, verb);
            let path = format!("{BASE}{}", verb.path);
            paths.add_path_operation(path, http_method(&verb.method).into_iter().collect(), operation);
        }
    }
    components.schemas.extend(schemas);
    if let Some(RefOr::T(page)) = components.schemas.get_mut("QueuePage") {
        let said = std::mem::replace(page, Schema::Array(Array::default()));
        *page = any_of(said);
    }
    let common = REFUSALS.iter().chain(REFUSALS_OF_BODIES);
    let common = common.map(|(status, description)| (component(*status), RefOr::T(refusal(description))));
    components.responses.extend(common);
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Posthouse admin API")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some("What operators see and do. docs/api.md explains it, with examples."))
                .license(Some(License::new("Apache-2.0")))
                .build(),
        )
        .servers(Some([Server::new("/")]))
        .paths(paths)
        .components(Some(components))
        .security(Some([SecurityRequirement::new::<_, [&str; 0], &str>("token", [])]))
        .build()
}

/// Says that a value may be valid under several schemas, where utoipa says of an untagged type that it is under one: an empty page is one of
/// carriers and of accounts.
fn any_of(schema: Schema) -> Schema {
    match schema {
        Schema::OneOf(OneOf { items, description, .. }) => {
            let any = items.into_iter().fold(AnyOfBuilder::new(), AnyOfBuilder::item);
            any.description(description).build().into()
        }
        other => other,
    }
}

/// What was said of a verb of this method; nothing, where something was said of another.
fn of_method(item: PathItem, method: &Method) -> Option<Operation> {
    match *method {
        Method::GET => item.get,
        Method::POST => item.post,
        Method::PUT => item.put,
        Method::PATCH => item.patch,
        Method::DELETE => item.delete,
        _ => None,
    }
}

fn http_method(method: &Method) -> Option<HttpMethod> {
    match *method {
        Method::GET => Some(HttpMethod::Get),
        Method::POST => Some(HttpMethod::Post),
        Method::PUT => Some(HttpMethod::Put),
        Method::PATCH => Some(HttpMethod::Patch),
        Method::DELETE => Some(HttpMethod::Delete),
        _ => None,
    }
}

/// Who may, why it was done, and how it may be refused.
fn add_what_is_common(operation: &mut Operation, verb: &RouteVerb) {
    let right = json!({"name": verb.access.right, "own": verb.access.own});
    operation.extensions = Some(Extensions::from_iter([("x-right", right)]));
    let changes = verb.method != Method::GET;
    let bodies = if operation.request_body.is_some() { REFUSALS_OF_BODIES } else { &[] };
    for (status, _) in REFUSALS.iter().chain(bodies) {
        let common = || RefOr::Ref(Ref::from_response_name(component(*status)));
        operation.responses.responses.entry(status.to_string()).or_insert_with(common);
    }
    // A list that may be left out is no null: only JSON has one.
    if let Some(RefOr::T(body)) = &mut operation.request_body
        && let Some(RefOr::T(list)) = body.content.get_mut(CSV)
    {
        list.schema = Some(Schema::Object(ObjectBuilder::new().schema_type(Type::String).build()).into());
    }
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(said) = response
            && status.as_str() >= "400"
        {
            *said = refusal(&said.description);
        }
    }
    for parameter in operation.parameters.iter_mut().flatten() {
        // A header has no null, and an entity tag two quotes.
        if let RefOr::T(expected) = parameter
            && expected.name == "if-match"
        {
            let revision = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^\"[0-9]{1,18}\"$"));
            expected.schema = Some(Schema::Object(revision.build()).into());
        }
    }
    if changes {
        operation.parameters.get_or_insert_default().push(reason().into());
    }
    if verb.method == Method::POST {
        operation.parameters.get_or_insert_default().push(idempotency_key().into());
        for (status, description) in REFUSALS_OF_KEYS {
            let refused = || RefOr::T(refusal(description));
            operation.responses.responses.entry(status.to_string()).or_insert_with(refused);
        }
    }
}

/// The name of a refusal that verbs have in common.
fn component(status: u16) -> String {
    format!("Refused{status}")
}

fn refusal(description: &str) -> utoipa::openapi::Response {
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name(ProblemDetails::name()))).build();
    ResponseBuilder::new().description(description).content(PROBLEM_JSON, problem).build()
}

fn idempotency_key() -> utoipa::openapi::path::Parameter {
    let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[!-~]{1,255}$")).build();
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(utoipa::openapi::Required::False)
        .description(Some("Sent again under the same key within 24 hours, it is answered as the first was, and not done twice"))
        .schema(Some(Schema::Object(text)))
        .build()
}

fn reason() -> utoipa::openapi::path::Parameter {
    let text = ObjectBuilder::new().schema_type(Type::String).build();
    ParameterBuilder::new()
        .name(REASON_HEADER)
        .parameter_in(ParameterIn::Header)
        .required(utoipa::openapi::Required::False)
        .description(Some("Why: it is kept with the change, 500 characters of it"))
        .schema(Some(Schema::Object(text)))
        .build()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::Value;

    use super::*;

    /// A file of the repository.
    fn file(name: &str) -> String {
        let path = format!("{}/../../{name}", env!("CARGO_MANIFEST_DIR"));
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    #[test]
    fn the_document_in_the_repository_is_this_one() {
        assert!(
            file("docs/openapi.json") == text(),
            "docs/openapi.json is not what the code says: cargo xtask docs writes it"
        );
    }

    /// The document says nothing that the table does not, and the other way round.
    #[test]
    fn each_verb_is_documented_where_it_is() {
        let document: Value = serde_json::from_str(text()).unwrap();
        let mut missing = Vec::new();
        let mut operations = 0;
        for verb in router::verbs() {
            let (method, path) = (verb.method.as_str().to_lowercase(), format!("{BASE}{}", verb.path));
            let said: Vec<_> = (verb.said)().1.paths.into_keys().collect();
            if said != [verb.path] || document["paths"][&path][&method].is_null() {
                missing.push(format!(
                    "{method} {path}: utoipa::path of its handler speaks of another method or path: {said:?}"
                ));
            }
            let operation = &document["paths"][&path][&method];
            if operation["summary"].as_str().is_none_or(str::is_empty) {
                missing
                    .push(format!("{method} {path}: its handler has no doc comment, which is the summary"));
            }
            if operation["tags"].as_array().is_none_or(Vec::is_empty) {
                missing.push(format!("{method} {path}: utoipa::path has no tag"));
            }
            operations += 1;
        }
        let documented: usize = document["paths"]
            .as_object()
            .unwrap()
            .values()
            .map(|item| item.as_object().unwrap().keys().filter(|key| *key != "parameters").count())
            .sum();
        assert!(missing.is_empty(), "{}", missing.join("\n"));
        assert_eq!(documented, operations);
    }

    #[test]
    fn each_response_is_described_and_each_operation_has_an_id_of_its_own() {
        let document: Value = serde_json::from_str(text()).unwrap();
        let mut ids = Vec::new();
        let described = |response: &Value| {
            response["$ref"].is_string()
                || response["description"].as_str().is_some_and(|text| !text.is_empty())
        };
        assert!(document["components"]["responses"].as_object().unwrap().values().all(described));
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                for (status, response) in operation["responses"].as_object().unwrap() {
                    assert!(described(response), "{method} {path}: {status} has no description");
                }
                ids.push(operation["operationId"].as_str().unwrap_or_default().to_owned());
            }
        }
        ids.sort_unstable();
        let twice: Vec<_> = ids.windows(2).filter(|pair| pair[0] == pair[1]).collect();
        assert!(twice.is_empty(), "{twice:?}: give each utoipa::path an operation_id");
    }

    /// Every reference leads to something.
    #[test]
    fn each_reference_leads_somewhere() {
        let document: Value = serde_json::from_str(text()).unwrap();
        let mut left = vec![&document];
        while let Some(value) = left.pop() {
            if let Some(pointer) = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
                assert!(
                    document.pointer(pointer).is_some(),
                    "there is no {pointer}: write inline(…) for a parameter"
                );
            }
            left.extend(value.as_object().into_iter().flat_map(|object| object.values()));
            left.extend(value.as_array().into_iter().flatten());
        }
    }

    /// Whoever adds a verb says in docs/api.md what it is for.
    #[test]
    fn each_verb_is_in_the_manual() {
        let manual = file("docs/api.md");
        let paths = router::verbs().into_iter().map(|verb| format!("{} {BASE}{}", verb.method, verb.path));
        let missing: Vec<_> = paths.filter(|path| !manual.contains(&format!("`{path}`"))).collect();
        assert!(missing.is_empty(), "docs/api.md does not name: {}", missing.join(", "));
    }
}
