//! id_tokens (OpenID Connect Core 1.0, 3.1.3.7): signed by a key of the issuer, meant for this gateway, and for this sign-in.
//!
//! The signatures are ring's, which the tree has for TLS. Libraries for JWTs bring a second set of cryptography, or a compiler for C++ and
//! cmake, for what is a table of algorithms here.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RsaParameters,
    RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The longest id_token that is looked at, in bytes.
const LONGEST: usize = 32 << 10;
/// How much the issuer's clock may differ from ours, in seconds.
const LEEWAY: i64 = 60;

/// The public keys of an issuer (RFC 7517). Those of kinds that are not known are passed over.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct IssuerKeys {
    keys: Vec<IssuerKey>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct IssuerKey {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    crv: String,
    n: String,
    e: String,
    x: String,
    y: String,
}

/// What an id_token has to say.
pub(super) struct Expected<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub nonce: &'a str,
    pub now: Timestamp,
}

/// Why an id_token does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in super::super) enum TokenFault {
    /// It is none.
    #[error("the id_token cannot be read")]
    Unreadable,
    /// It is signed in a way that is not taken.
    #[error("the id_token is signed by {0:?}, which is not taken")]
    Algorithm(String),
    /// None of the issuer's keys fits. There may be a new one.
    #[error("none of the issuer's keys is the one that the id_token names")]
    NoKey,
    /// The signature is not the key's.
    #[error("the signature of the id_token is wrong")]
    Signature,
    /// A claim is not what it has to be.
    #[error("the claim {0} of the id_token is not what it has to be")]
    Claim(&'static str),
}

/// What an id_token claims, once it counts.
#[derive(Clone, Debug)]
pub(super) struct IdClaims(Map<String, Value>);

impl IdClaims {
    /// The text of a claim.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// The texts of a claim: one, or a list.
    pub fn texts(&self, name: &str) -> Vec<&str> {
        match self.0.get(name) {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }
}

#[derive(Deserialize)]
struct TokenHead {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

/// Checks an id_token.
///
/// # Errors
/// Why it does not count.
pub(super) fn check(token: &str, keys: &IssuerKeys, expected: &Expected<'_>) -> Result<IdClaims, TokenFault> {
    let parts: Vec<&str> = token.splitn(4, '.').collect();
    let [head, claims, signature] = parts.as_slice() else { return Err(TokenFault::Unreadable) };
    if token.len() > LONGEST {
        return Err(TokenFault::Unreadable);
    }
    let read: TokenHead = json(head)?;
    // What is critical has to be understood, and nothing is.
    if read.crit.is_some() {
        return Err(TokenFault::Unreadable);
    }
    let algorithm = Algorithm::of(&read.alg).ok_or_else(|| TokenFault::Algorithm(short(&read.alg)))?;
    let signed = token.get(..head.len() + 1 + claims.len()).ok_or(TokenFault::Unreadable)?;
    let signature = bytes(signature)?;
    let mut fitting = keys.keys.iter().filter(|key| algorithm.fits(key, &read)).peekable();
    fitting.peek().ok_or(TokenFault::NoKey)?;
    if !fitting.any(|key| algorithm.is_right(key, signed.as_bytes(), &signature)) {
        return Err(TokenFault::Signature);
    }
    let claims = IdClaims(json(claims)?);
    counts(&claims, expected)?;
    Ok(claims)
}

fn short(text: &str) -> String {
    text.chars().take(20).collect()
}

fn bytes(part: &str) -> Result<Vec<u8>, TokenFault> {
    BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenFault::Unreadable)
}

fn json<T: serde::de::DeserializeOwned>(part: &str) -> Result<T, TokenFault> {
    serde_json::from_slice(&bytes(part)?).map_err(|_| TokenFault::Unreadable)
}

/// The claims are about this sign-in.
fn counts(claims: &IdClaims, expected: &Expected<'_>) -> Result<(), TokenFault> {
    let is = |name: &'static str, right: bool| if right { Ok(()) } else { Err(TokenFault::Claim(name)) };
    let seconds = |name: &str| claims.0.get(name).and_then(Value::as_f64);
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are far below 2^52")]
    let (early, late) = {
        let now = expected.now.as_second();
        ((now - LEEWAY) as f64, (now + LEEWAY) as f64)
    };
    is("iss", claims.text("iss") == Some(expected.issuer))?;
    let audience = claims.texts("aud");
    is("aud", audience.contains(&expected.client_id))?;
    let party = claims.text("azp");
    is("azp", party.map_or(audience.len() == 1, |party| party == expected.client_id))?;
    is("exp", seconds("exp").is_some_and(|expires| expires > early))?;
    is("iat", seconds("iat").is_some_and(|issued| issued < late))?;
    is("nbf", !claims.0.contains_key("nbf") || seconds("nbf").is_some_and(|begins| begins < late))?;
    is("nonce", claims.text("nonce") == Some(expected.nonce))?;
    is("sub", claims.text("sub").is_some())
}

/// How an id_token is signed. `none`, and whatever is signed with a secret that both know, is not among these.
#[derive(Clone, Copy)]
enum Algorithm {
    Rsa(&'static RsaParameters),
    Curve(&'static str, &'static str, &'static dyn VerificationAlgorithm),
}

impl Algorithm {
    fn of(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rsa(&RSA_PKCS1_2048_8192_SHA256)),
            "RS384" => Some(Self::Rsa(&RSA_PKCS1_2048_8192_SHA384)),
            "RS512" => Some(Self::Rsa(&RSA_PKCS1_2048_8192_SHA512)),
            "PS256" => Some(Self::Rsa(&RSA_PSS_2048_8192_SHA256)),
            "ES256" => Some(Self::Curve("EC", "P-256", &ECDSA_P256_SHA256_FIXED)),
            "ES384" => Some(Self::Curve("EC", "P-384", &ECDSA_P384_SHA384_FIXED)),
            "EdDSA" => Some(Self::Curve("OKP", "Ed25519", &ED25519)),
            _ => None,
        }
    }

    /// Whether a key may be the one of a token.
    fn fits(self, key: &IssuerKey, head: &TokenHead) -> bool {
        let is_kind = match self {
            Self::Rsa(_) => key.kty == "RSA",
            Self::Curve(kind, curve, _) => key.kty == kind && key.crv == curve,
        };
        is_kind
            && key.usage.as_deref().is_none_or(|usage| usage == "sig")
            && key.alg.as_ref().is_none_or(|alg| *alg == head.alg)
            && (head.kid.is_none() || head.kid == key.kid)
    }

    fn is_right(self, key: &IssuerKey, signed: &[u8], signature: &[u8]) -> bool {
        self.verified(key, signed, signature).is_some()
    }

    fn verified(self, key: &IssuerKey, signed: &[u8], signature: &[u8]) -> Option<()> {
        match self {
            Self::Rsa(parameters) => {
                let (n, e) = (bytes(&key.n).ok()?, bytes(&key.e).ok()?);
                RsaPublicKeyComponents { n, e }.verify(parameters, signed, signature).ok()
            }
            Self::Curve(kind, _, algorithm) => {
                let (x, y) = (bytes(&key.x).ok()?, bytes(&key.y).ok()?);
                let point = if kind == "EC" { [&[4][..], &x, &y].concat() } else { x };
                UnparsedPublicKey::new(algorithm, point).verify(signed, signature).ok()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ring::{
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
    };
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    struct Signer(EcdsaKeyPair, SystemRandom);

    impl Signer {
        fn new() -> Self {
            let random = SystemRandom::new();
            let kind = &ECDSA_P256_SHA256_FIXED_SIGNING;
            let key = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
            Self(EcdsaKeyPair::from_pkcs8(kind, key.as_ref(), &random).unwrap(), random)
        }

        fn keys(&self, kid: &str) -> IssuerKeys {
            let (x, y) = self.0.public_key().as_ref()[1..].split_at(32);
            let [x, y] = [x, y].map(|half| BASE64_URL_SAFE_NO_PAD.encode(half));
            let key = json!({"kty": "EC", "crv": "P-256", "kid": kid, "use": "sig", "x": x, "y": y});
            serde_json::from_value(json!({"keys": [{"kty": "new"}, key]})).unwrap()
        }

        fn sign(&self, head: &Value, claims: &Value) -> String {
            let [head, claims] = [head, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string()));
            let signed = format!("{head}.{claims}");
            let signature = self.0.sign(&self.1, signed.as_bytes()).unwrap();
            format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature.as_ref()))
        }
    }

    fn claims() -> Value {
        json!({"iss": "https://login.example", "aud": "posthouse", "sub": "7", "exp": NOW + 300, "iat": NOW,
            "nonce": "n", "groups": ["a", "b"]})
    }

    fn head() -> Value {
        json!({"alg": "ES256", "kid": "k"})
    }

    fn checked(token: &str, keys: &IssuerKeys) -> Result<IdClaims, TokenFault> {
        let now = Timestamp::from_second(NOW).unwrap();
        let expected = Expected { issuer: "https://login.example", client_id: "posthouse", nonce: "n", now };
        check(token, keys, &expected)
    }

    #[test]
    fn what_the_issuer_signed_for_this_sign_in_counts() {
        let signer = Signer::new();
        let read = checked(&signer.sign(&head(), &claims()), &signer.keys("k")).unwrap();
        assert_eq!((read.text("sub"), read.texts("groups")), (Some("7"), vec!["a", "b"]));
        let without_kid = signer.sign(&json!({"alg": "ES256"}), &claims());
        assert!(checked(&without_kid, &signer.keys("k")).is_ok());
        let mut several = claims();
        several["aud"] = json!(["other", "posthouse"]);
        several["azp"] = json!("posthouse");
        assert!(checked(&signer.sign(&head(), &several), &signer.keys("k")).is_ok());
    }

    #[test]
    fn every_claim_that_is_not_what_it_has_to_be_is_named() {
        let signer = Signer::new();
        for (name, value, fault) in [
            ("iss", json!("https://login.example/"), "iss"),
            ("aud", json!("other"), "aud"),
            ("aud", json!(["posthouse", "other"]), "azp"),
            ("azp", json!("other"), "azp"),
            ("exp", json!(NOW - 61), "exp"),
            ("exp", json!(null), "exp"),
            ("exp", json!("tomorrow"), "exp"),
            ("iat", json!(NOW + 61), "iat"),
            ("nbf", json!(NOW + 61), "nbf"),
            ("nbf", json!("now"), "nbf"),
            ("nonce", json!("m"), "nonce"),
            ("sub", json!(""), "sub"),
        ] {
            let mut wrong = claims();
            wrong[name] = value.clone();
            let found = checked(&signer.sign(&head(), &wrong), &signer.keys("k")).unwrap_err();
            assert_eq!(found, TokenFault::Claim(fault), "{name} {value}");
        }
    }

    #[test]
    fn what_the_issuer_did_not_sign_does_not_count() {
        let (signer, other) = (Signer::new(), Signer::new());
        let keys = signer.keys("k");
        let fault = |token: &str| checked(token, &keys).unwrap_err();
        assert_eq!(fault(&other.sign(&head(), &claims())), TokenFault::Signature);
        assert_eq!(fault(&signer.sign(&json!({"alg": "ES256", "kid": "new"}), &claims())), TokenFault::NoKey);
        assert_eq!(fault(&signer.sign(&json!({"alg": "RS256"}), &claims())), TokenFault::NoKey);
        for alg in ["none", "HS256", "es256", ""] {
            let token = signer.sign(&json!({"alg": alg}), &claims());
            assert_eq!(fault(&token), TokenFault::Algorithm(alg.to_owned()));
        }
        let critical = signer.sign(&json!({"alg": "ES256", "crit": ["b64"]}), &claims());
        let whole = signer.sign(&head(), &claims());
        let unsigned = whole.rsplit_once('.').unwrap().0.to_owned();
        let long = format!("{whole}{}", "A".repeat(LONGEST));
        for token in ["", "a.b", "a.b.c", "....", &critical, &unsigned, &format!("{whole}.x"), &long] {
            assert_eq!(fault(token), TokenFault::Unreadable, "{token:.40}");
        }
        let mut parts: Vec<_> = whole.split('.').map(str::to_owned).collect();
        parts[1] = BASE64_URL_SAFE_NO_PAD.encode(claims().to_string().replace("\"7\"", "\"8\""));
        assert_eq!(fault(&parts.join(".")), TokenFault::Signature);
    }
}
