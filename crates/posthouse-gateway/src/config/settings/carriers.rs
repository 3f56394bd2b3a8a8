//! `[carriers]`: the door where carriers post reports and messages.

use std::net::SocketAddr;

use ipnet::IpNet;
use posthouse_core::provisioning::reading::{Table, Unfit};

use super::{ConfigFile, address, is_path, loopback, networks, quote, quote_list, tls};
use crate::tls::files::Tls;

/// `[carriers]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarriersSection {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The path that carriers post to; one of its segments is `{carrier}`.
    pub path: String,
    /// Its TLS; `None`: plain HTTP.
    pub tls: Option<Tls>,
    /// Whose X-Forwarded-For is believed.
    pub trusted_proxies: Vec<IpNet>,
}

impl Default for CarriersSection {
    fn default() -> Self {
        Self {
            listen: loopback(8008),
            path: "/carriers/{carrier}/mm7".to_owned(),
            tls: None,
            trusted_proxies: Vec::new(),
        }
    }
}

impl CarriersSection {
    /// Reads the section. A proxy that the door for VASPs trusts is trusted by this one too, unless this one says otherwise.
    pub(super) fn read(mut table: Table<'_>, of_mm7: &[IpNet], file: &ConfigFile) -> Self {
        let default = Self::default();
        let says_so = table.has("trusted_proxies");
        let own = networks(&mut table, "trusted_proxies");
        Self {
            listen: table.parsed("listen", address).unwrap_or(default.listen),
            path: table.parsed("path", carrier_path).unwrap_or(default.path),
            tls: tls::read(&mut table, file),
            trusted_proxies: if says_so { own } else { of_mm7.to_vec() },
        }
    }

    /// The section as a file has it, with comments.
    pub(super) fn print(&self) -> String {
        let Self { listen, path, tls, trusted_proxies } = self;
        format!(
            "[carriers]
# Where carriers post reports and MO.
listen = \"{listen}\"
path = {}
# TLS, as above; a carrier's callbacks.client_certs say whose certificate it needs.
{}
# Whose X-Forwarded-For is believed; left out: those of [mm7].
trusted_proxies = {}
",
            quote(path),
            tls::print(tls.as_ref()),
            quote_list(trusted_proxies),
        )
    }
}

fn carrier_path(text: String) -> Result<String, Unfit> {
    let placeholders = text.split('/').filter(|segment| *segment == "{carrier}").count();
    match is_path(&text) && placeholders == 1 && text.matches(['{', '}']).count() == 2 {
        true => Ok(text),
        false => Err((
            "does not name its carrier",
            "write a path with {carrier} as one of its segments, such as \"/carriers/{carrier}/mm7\"",
        )
            .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::assert_mistakes;

    #[test]
    fn each_mistake_has_its_line_and_remedy() {
        assert_mistakes(&[
            (
                "[carriers.tls]\ncert = \"a\"",
                "posthouse.toml:1: carriers.tls.key is missing; add key = \"key.pem\"",
            ),
            (
                "[carriers]\npath = \"/carriers\"",
                "posthouse.toml:2: carriers.path: \"/carriers\" does not name its carrier; write a path with {carrier} as one of its segments, such as \"/carriers/{carrier}/mm7\"",
            ),
        ]);
    }
}
