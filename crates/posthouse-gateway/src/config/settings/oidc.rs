//! `[admin.oidc]`: signing in at the pages by OpenID Connect.

use http::Uri;
use posthouse_core::{
    actor::Role,
    provisioning::{
        reading::{Table, Unfit},
        tree::ValueSource,
    },
};

use super::quote;
use crate::secrets::Secret;

/// The path of `redirect_url`.
pub const CALLBACK: &str = "/oidc/callback";
/// The most groups that may have a role.
const MOST_GROUPS: usize = 1000;

/// `[admin.oidc]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OidcSection {
    /// Who says who somebody is: its URL, as it stands in its tokens.
    pub issuer: String,
    /// What the issuer calls this gateway.
    pub client_id: String,
    /// What this gateway shows the issuer; `None`: it is a client without a secret.
    pub client_secret: Option<Secret>,
    /// Where the issuer sends browsers back to: this door, as browsers reach it, and [`CALLBACK`].
    pub redirect_url: String,
    /// What the button says.
    pub name: String,
    /// What is asked for.
    pub scopes: String,
    /// The claim with somebody's name; without it, `email` and then `sub` count.
    pub name_claim: String,
    /// The claim with somebody's groups.
    pub groups_claim: String,
    /// Which groups have which role.
    pub roles: Vec<(String, Role)>,
    /// The authority that the issuer's certificate must come from, as PEM; `None`: those that the system trusts.
    pub ca: Option<Secret>,
}

impl OidcSection {
    /// Reads the section. Without what has to be there it is none.
    pub(super) fn read(mut table: Table<'_>) -> Option<Self> {
        let issuer = table.required("issuer", "\"https://login.example\"", |text: String| url(text, None));
        let client_id = table.required("client_id", "\"posthouse\"", |text: String| filled(&text));
        let client_secret = table.secret("client_secret").map(|(text, source)| Secret::new(text, source));
        let example = "\"https://gateway.example/oidc/callback\"";
        let redirect_url = table.required("redirect_url", example, |text: String| url(text, Some(CALLBACK)));
        let word = |text: String| filled(&text);
        let ca = table.secret("ca").map(|(text, source)| Secret::new(text, source));
        let section = Self {
            issuer: issuer.unwrap_or_default(),
            client_id: client_id.unwrap_or_default(),
            client_secret,
            redirect_url: redirect_url.unwrap_or_default(),
            name: table.parsed("name", word).unwrap_or_else(|| "single sign-on".to_owned()),
            scopes: table.parsed("scopes", scopes).unwrap_or_else(|| "openid profile email".to_owned()),
            name_claim: table.parsed("name_claim", word).unwrap_or_else(|| "preferred_username".to_owned()),
            groups_claim: table.parsed("groups_claim", word).unwrap_or_else(|| "groups".to_owned()),
            roles: roles(&mut table),
            ca,
        };
        if !table.has("roles") {
            table.require("roles", "{ mms-admins = \"admin\" }");
        }
        (!section.issuer.is_empty() && !section.client_id.is_empty() && !section.redirect_url.is_empty())
            .then_some(section)
    }

    /// The section as a file has it, with comments.
    pub(super) fn print(&self) -> String {
        let secret = print_value("client_secret", self.client_secret.as_ref(), "oidc.secret");
        let ca = print_value("ca", self.ca.as_ref(), "issuer-ca.pem");
        let role =
            |(group, role): &(String, Role)| format!("{} = {}", quote(group), quote(&role.to_string()));
        let roles: Vec<_> = self.roles.iter().map(role).collect();
        format!(
            "
[admin.oidc]
# Signing in by OpenID Connect, beside passwords and tokens: docs/ui.md. The client's secret may be left out where it has none.
issuer = {}
client_id = {}
{secret}
# This door as browsers reach it, and {CALLBACK}.
redirect_url = {}
# What the button says, what is asked for, and the claims with a name and with groups.
name = {}
scopes = {}
name_claim = {}
groups_claim = {}
# Which group has which role; who is in several has the highest.
roles = {{ {} }}
# The authority of the issuer's certificate, where the system does not know it.
{ca}
",
            quote(&self.issuer),
            quote(&self.client_id),
            quote(&self.redirect_url),
            quote(&self.name),
            quote(&self.scopes),
            quote(&self.name_claim),
            quote(&self.groups_claim),
            roles.join(", "),
        )
    }
}

/// A value that is not shown, but for where it is from.
fn print_value(key: &str, value: Option<&Secret>, example: &str) -> String {
    match value.map(Secret::source) {
        None => format!("# {key} = {{ file = {} }}", quote(example)),
        Some(ValueSource::Inline) => format!("# {key} = \"…\" is set, and not shown"),
        Some(ValueSource::Environment(name)) => format!("{key} = {{ env = {} }}", quote(name)),
        Some(ValueSource::File(path)) => {
            format!("{key} = {{ file = {} }}", quote(&path.display().to_string()))
        }
    }
}

/// What is printed where there is none.
pub(super) const NONE: &str = "
# Signing in by OpenID Connect, beside passwords and tokens: docs/ui.md.
# [admin.oidc]
# issuer = \"https://login.example\"
# client_id = \"posthouse\"
# client_secret = { file = \"oidc.secret\" }
# redirect_url = \"https://gateway.example/oidc/callback\"
# groups_claim = \"groups\"
# roles = { mms-admins = \"admin\", mms-readers = \"viewer\" }
";

fn filled(text: &str) -> Result<String, Unfit> {
    match text.trim() {
        "" => Err(("is empty", "write a value, or leave the key out").into()),
        text => Ok(text.to_owned()),
    }
}

fn scopes(text: String) -> Result<String, Unfit> {
    match text.split_whitespace().any(|scope| scope == "openid") {
        true => Ok(text),
        false => Err(("asks for no id_token", "write \"openid\", and what else is needed behind it").into()),
    }
}

/// A URL over TLS; without it only to this machine, for tests. With `path`, of that path.
fn url(text: String, path: Option<&str>) -> Result<String, Unfit> {
    let uri: Option<Uri> = text.parse().ok();
    let Some(uri) = uri.filter(|uri| uri.scheme().is_some() && uri.query().is_none()) else {
        return Err(("is no URL", "write one such as \"https://login.example\"").into());
    };
    if !is_safe(&uri) {
        return Err(("is not over TLS", "write https, or the address of this machine").into());
    }
    match path {
        Some(path) if uri.path() != path => Err(("has another path", format!("end it with {path}")).into()),
        _ => Ok(text),
    }
}

/// Whether nobody on the way reads what goes there.
pub fn is_safe(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    match uri.scheme_str() {
        Some("https") => true,
        Some("http") => is_here,
        _ => false,
    }
}

fn roles(table: &mut Table<'_>) -> Vec<(String, Role)> {
    let Some(groups) = table.table("roles") else { return Vec::new() };
    let mut roles = Vec::new();
    groups.free(MOST_GROUPS, |entry| {
        let role = entry.parsed(|text: String| {
            let unfit =
                ("is no role", "write viewer, support, operator, admin, or vasp: and an account's name");
            text.parse::<Role>().map_err(|_| Unfit::from(unfit))
        });
        roles.extend(role.map(|role| (entry.key.to_owned(), role)));
    });
    roles
}

#[cfg(test)]
mod tests {
    use super::super::tests::{assert_mistakes, parse};
    use super::*;

    const WHOLE: &str = "[admin.oidc]\nissuer = \"https://login.example/realm\"\nclient_id = \"posthouse\"\n\
        client_secret = { env = \"TOKEN\" }\nredirect_url = \"https://gw.example/oidc/callback\"\n\
        roles = { \"/mms admins\" = \"admin\", readers = \"viewer\", acme = \"vasp:acme\" }\n";

    #[test]
    fn it_is_read_printed_and_read_back() {
        let settings = parse(WHOLE).unwrap();
        let oidc = settings.admin.oidc.as_ref().unwrap();
        assert_eq!(
            (oidc.issuer.as_str(), oidc.groups_claim.as_str()),
            ("https://login.example/realm", "groups")
        );
        let roles: Vec<_> = oidc.roles.iter().map(|(group, role)| format!("{group}: {role}")).collect();
        assert_eq!(roles, ["/mms admins: admin", "acme: vasp:acme", "readers: viewer"]);
        let printed = settings.print();
        assert!(
            !printed.contains("hush-hush") && !format!("{settings:?}").contains("hush-hush"),
            "{printed}"
        );
        assert_eq!(parse(&printed), Ok(settings));
    }

    #[test]
    fn each_mistake_has_its_line_and_remedy() {
        let with = |from: &str, to: &str| WHOLE.replace(from, to);
        for (text, told) in [
            (
                with("https://login.example/realm", "http://login.example"),
                "posthouse.toml:2: admin.oidc.issuer: \"http://login.example\" is not over TLS; write https, or the address of this machine",
            ),
            (
                with("https://login.example/realm", "login"),
                "posthouse.toml:2: admin.oidc.issuer: \"login\" is no URL; write one such as \"https://login.example\"",
            ),
            (
                with("/oidc/callback", "/back"),
                "posthouse.toml:5: admin.oidc.redirect_url: \"https://gw.example/back\" has another path; end it with /oidc/callback",
            ),
            (
                with("\"viewer\"", "\"reader\""),
                "posthouse.toml:6: admin.oidc.roles.\"readers\": \"reader\" is no role; write viewer, support, operator, admin, or vasp: and an account's name",
            ),
        ] {
            assert_mistakes(&[(&text, told)]);
        }
    }

    #[test]
    fn what_nobody_on_the_way_reads_is_safe() {
        for (uri, safe) in [
            ("https://login.example", true),
            ("http://127.0.0.1:9/x", true),
            ("http://[::1]:9/x", true),
            ("http://localhost", true),
            ("http://login.example", false),
            ("ftp://login.example", false),
        ] {
            assert_eq!(is_safe(&uri.parse().unwrap()), safe, "{uri}");
        }
    }
}
