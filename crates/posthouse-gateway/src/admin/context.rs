//! Who asks: a caller that shows the admin token may do everything. There are no roles.

use std::net::IpAddr;

use http::{HeaderMap, header};
use posthouse_api::{ProblemCode, ProblemDetails};

use super::AdminState;
use crate::{http::peer::Peer, secrets::Secret};

/// Lets in a caller that shows the token of the API, and a client certificate where the door asks for those.
///
/// # Errors
/// What is missing.
pub(super) async fn admit(
    state: &AdminState,
    headers: &HeaderMap,
    peer: &Peer,
) -> Result<(), ProblemDetails> {
    if lacks_certificate(state, peer) {
        return Err(ProblemDetails::new(ProblemCode::CertificateRequired)
            .remedy("connect with a certificate of an authority in [admin] tls client_ca"));
    }
    let address = peer.address.ip().to_canonical();
    let is_admitted = match &state.api_token {
        Some(token) => shows(state, token, headers, address).await,
        None => false,
    };
    if !is_admitted {
        return Err(ProblemDetails::new(ProblemCode::Unauthorized)
            .detail("this needs the header Authorization: Bearer TOKEN")
            .remedy(remedy(state)));
    }
    Ok(())
}

fn remedy(state: &AdminState) -> &'static str {
    match (&state.token, &state.api_token) {
        (Some(_), _) => "send the token of [admin] token in posthouse.toml",
        (None, Some(_)) => {
            "send what the file beside the database holds whose name ends in .gateway.token, or configure [admin] token"
        }
        (None, None) => "configure [admin] token in posthouse.toml",
    }
}

/// Whether a client certificate is asked for and was not shown.
pub(super) fn lacks_certificate(state: &AdminState, peer: &Peer) -> bool {
    state.asks_for_certificates && peer.certificate.is_none()
}

/// Whether a token is shown, in a time that tells nothing of it. Wrong ones are counted.
pub(super) async fn shows(state: &AdminState, token: &Secret, headers: &HeaderMap, from: IpAddr) -> bool {
    let shown =
        headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    state.verifier.is_token(token, shown, from).await
}
