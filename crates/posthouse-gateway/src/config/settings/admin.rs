//! `[admin]`: the door for operators.

use std::net::SocketAddr;

use posthouse_core::provisioning::{reading::Table, tree::ValueSource};

use super::{
    ConfigFile, address, loopback,
    oidc::{self, OidcSection},
    quote, tls,
};
use crate::{secrets::Secret, tls::files::Tls};

/// `[admin]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminSection {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Its TLS; `None`: plain HTTP.
    pub tls: Option<Tls>,
    /// What callers must show; there is one whenever `listen` is beyond loopback.
    pub token: Option<Secret>,
    /// Whether there are pages.
    pub ui: bool,
    /// Who else says who somebody is.
    pub oidc: Option<OidcSection>,
}

impl Default for AdminSection {
    fn default() -> Self {
        Self { listen: loopback(8080), tls: None, token: None, ui: true, oidc: None }
    }
}

impl AdminSection {
    /// Reads the section.
    pub(super) fn read(mut table: Table<'_>, file: &ConfigFile) -> Self {
        let admin = Self {
            listen: table.parsed("listen", address).unwrap_or(Self::default().listen),
            tls: tls::read(&mut table, file),
            token: table.secret("token").map(|(text, source)| Secret::new(text, source)),
            ui: table.value("ui").unwrap_or(true),
            oidc: table.table("oidc").and_then(OidcSection::read),
        };
        if !admin.listen.ip().to_canonical().is_loopback() && !table.has("token") {
            let listen = admin.listen;
            table.wrong(
                "listen",
                (
                    format!("{listen} is beyond loopback and there is no token"),
                    "add token = { env = \"POSTHOUSE_ADMIN_TOKEN\" }, or listen on 127.0.0.1",
                ),
            );
        }
        admin
    }

    /// The section as a file has it, with comments. The token is shown as where it is from.
    pub(super) fn print(&self) -> String {
        let Self { listen, tls, token, ui, oidc } = self;
        format!(
            "[admin]
# The admin API and UI. A token is required when listening beyond loopback.
listen = \"{listen}\"
# TLS, as above; with client_ca everybody needs a certificate of these CAs, but for health and readiness.
{}
{}
# Whether there are pages for people, too.
ui = {ui}
{}",
            tls::print(tls.as_ref()),
            print_token(token.as_ref()),
            oidc.as_ref().map_or_else(|| oidc::NONE.to_owned(), OidcSection::print),
        )
    }
}

fn print_token(token: Option<&Secret>) -> String {
    match token.map(Secret::source) {
        None => "# token = { env = \"POSTHOUSE_ADMIN_TOKEN\" }".to_owned(),
        Some(ValueSource::Inline) => "# token = \"…\" is set, and not shown".to_owned(),
        Some(ValueSource::Environment(name)) => format!("token = {{ env = {} }}", quote(name)),
        Some(ValueSource::File(path)) => {
            format!("token = {{ file = {} }}", quote(&path.display().to_string()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::assert_mistakes;

    #[test]
    fn each_mistake_has_its_line_and_remedy() {
        assert_mistakes(&[
            (
                "[admin]\nlisten = \"0.0.0.0:8080\"",
                "posthouse.toml:2: admin.listen: 0.0.0.0:8080 is beyond loopback and there is no token; add token = { env = \"POSTHOUSE_ADMIN_TOKEN\" }, or listen on 127.0.0.1",
            ),
            (
                "[admin]\ntoken = { env = \"EMPTY\" }",
                "posthouse.toml:2: admin.token is empty; write a value, or leave the key out",
            ),
        ]);
    }
}
