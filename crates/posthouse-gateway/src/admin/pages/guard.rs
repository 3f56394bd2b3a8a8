//! What keeps pages from being used by other sites.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};

/// What a browser may load and do on a page: only what comes from here, and no script or style inside of the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Whether a request that changes something was made by a page of ours, or by no page at all. Browsers say where a request comes from by
/// `Sec-Fetch-Site`, older ones by `Origin`; one that says neither did not come from another site's page.
pub(super) fn is_own(method: &Method, headers: &HeaderMap) -> bool {
    if method.is_safe() {
        return true;
    }
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site")) {
        return matches!(site, "same-origin" | "none");
    }
    match text(header::ORIGIN) {
        Some(origin) => {
            let origin =
                origin.parse::<Uri>().ok().and_then(|origin| origin.authority().map(ToString::to_string));
            origin.is_some() && origin.as_deref() == text(header::HOST)
        }
        None => true,
    }
}

/// The headers that go with every page.
pub(super) fn headers(headers: &mut HeaderMap) {
    // Content of messages comes with a stricter one of its own.
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    let mut set = |name: &'static str, value: &'static str| {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    };
    set("x-content-type-options", "nosniff");
    set("referrer-policy", "no-referrer");
    set("cross-origin-opener-policy", "same-origin");
    set("cross-origin-resource-policy", "same-origin");
    set("x-frame-options", "DENY");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_site_sends_is_refused() {
        let own = |method: Method, pairs: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
            }
            is_own(&method, &headers)
        };
        assert!(own(Method::GET, &[("sec-fetch-site", "cross-site")]), "a link from elsewhere");
        assert!(own(Method::POST, &[("sec-fetch-site", "same-origin")]));
        assert!(own(Method::POST, &[("sec-fetch-site", "none")]));
        assert!(!own(Method::POST, &[("sec-fetch-site", "cross-site")]));
        assert!(!own(Method::POST, &[("sec-fetch-site", "same-site")]));
        assert!(own(Method::POST, &[("origin", "https://gw.example:8080"), ("host", "gw.example:8080")]));
        assert!(!own(Method::POST, &[("origin", "https://evil.example"), ("host", "gw.example:8080")]));
        assert!(!own(Method::POST, &[("origin", "null"), ("host", "gw.example:8080")]));
        assert!(own(Method::POST, &[]), "no browser");
    }
}
