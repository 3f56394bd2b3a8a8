//! `[mm7]`: the door where VASPs submit.

use std::{net::SocketAddr, time::Duration};

use ipnet::IpNet;
use posthouse_core::{
    duration,
    provisioning::{
        MOST_BYTES,
        reading::{Table, Unfit},
    },
};

use super::{ConfigFile, address, is_path, loopback, networks, quote, quote_list, tls};
use crate::tls::files::Tls;

/// `[mm7]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mm7Section {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The path of the URL that VASPs post to; begins with `/`.
    pub path: String,
    /// The header that names a message's carrier, a valid header name.
    pub carrier_id_header: String,
    /// The longest request body, in bytes (row 2 of the codes: 2560).
    pub max_request_bytes: u64,
    /// How long a client may take to send a request.
    pub read_timeout: Duration,
    /// Its TLS; `None`: plain HTTP.
    pub tls: Option<Tls>,
    /// Whose X-Forwarded-For and -Proto are believed.
    pub trusted_proxies: Vec<IpNet>,
}

impl Default for Mm7Section {
    fn default() -> Self {
        Self {
            listen: loopback(8007),
            path: "/mm7/v1".to_owned(),
            carrier_id_header: "X-Posthouse-Carrier-Id".to_owned(),
            max_request_bytes: 5 * 1024 * 1024,
            read_timeout: Duration::from_secs(30),
            tls: None,
            trusted_proxies: Vec::new(),
        }
    }
}

impl Mm7Section {
    /// Reads the section.
    pub(super) fn read(mut table: Table<'_>, file: &ConfigFile) -> Self {
        let default = Self::default();
        Self {
            listen: table.parsed("listen", address).unwrap_or(default.listen),
            path: table.parsed("path", plain_path).unwrap_or(default.path),
            carrier_id_header: table.parsed("carrier_id_header", header).unwrap_or(default.carrier_id_header),
            max_request_bytes: table
                .number("max_request_bytes", 1..=MOST_BYTES)
                .unwrap_or(default.max_request_bytes),
            read_timeout: table.duration("read_timeout").unwrap_or(default.read_timeout),
            tls: tls::read(&mut table, file),
            trusted_proxies: networks(&mut table, "trusted_proxies"),
        }
    }

    /// The section as a file has it, with comments.
    pub(super) fn print(&self) -> String {
        let Self { listen, path, carrier_id_header, max_request_bytes, read_timeout, tls, trusted_proxies } =
            self;
        format!(
            "[mm7]
# Where VASPs submit.
listen = \"{listen}\"
path = {}
# The HTTP header that names a message's carrier, in requests and in callbacks.
carrier_id_header = {}
# A longer request is answered 2560, and its rest is not read.
max_request_bytes = {max_request_bytes}
# How long a client may take to send a request.
read_timeout = \"{}\"
# TLS on this port, and nothing else: PEM files, which are read again when they change. With client_ca, clients are asked for
# certificates of these CAs; an account says in client_certs whose it needs.
{}
# Whose X-Forwarded-For and X-Forwarded-Proto are believed, such as [\"10.0.0.0/8\"].
trusted_proxies = {}
",
            quote(path),
            quote(carrier_id_header),
            duration::show(*read_timeout),
            tls::print(tls.as_ref()),
            quote_list(trusted_proxies),
        )
    }
}

fn header(text: String) -> Result<String, Unfit> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    match !text.is_empty() && text.len() <= 128 && text.bytes().all(token) {
        true => Ok(text),
        false => Err(("is no header name", "write one such as \"X-Posthouse-Carrier-Id\"").into()),
    }
}

fn plain_path(text: String) -> Result<String, Unfit> {
    match is_path(&text) && !text.contains(['{', '}']) {
        true => Ok(text),
        false => Err(("is no path", "write one that begins with /, such as \"/mm7/v1\"").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::assert_mistakes;

    #[test]
    fn each_mistake_has_its_line_and_remedy() {
        assert_mistakes(&[
            (
                "[mm7]\nlisten = \"localhost\"",
                "posthouse.toml:2: mm7.listen: \"localhost\" is no address; write an IP address and a port, such as \"127.0.0.1:8007\"",
            ),
            ("[mm7]\nlisten = 8007", "posthouse.toml:2: mm7.listen takes a text in quotes, not a number"),
            (
                "[mm7]\npath = \"mm7\"",
                "posthouse.toml:2: mm7.path: \"mm7\" is no path; write one that begins with /, such as \"/mm7/v1\"",
            ),
            (
                "[mm7]\ncarrier_id_header = \"X Carrier\"",
                "posthouse.toml:2: mm7.carrier_id_header: \"X Carrier\" is no header name; write one such as \"X-Posthouse-Carrier-Id\"",
            ),
            (
                "[mm7]\nmax_request_bytes = 0",
                "posthouse.toml:2: mm7.max_request_bytes: 0 is out of range; write a number from 1 to 268435456",
            ),
            (
                "[mm7]\nmax_request_bytes = -1",
                "posthouse.toml:2: mm7.max_request_bytes takes a whole number, 0 or more, not a number below 0 or too large",
            ),
            (
                "[mm7]\nmax_request_bytes = 1.5",
                "posthouse.toml:2: mm7.max_request_bytes takes a whole number, 0 or more, not a fraction",
            ),
            (
                "[mm7]\nmax_request_bytes = \"5M\"",
                "posthouse.toml:2: mm7.max_request_bytes takes a whole number, 0 or more, not a text",
            ),
            (
                "[mm7]\nmax_request_bytes = { env = \"WORD\" }",
                "posthouse.toml:2: mm7.max_request_bytes takes a whole number, 0 or more, not the value of the environment variable WORD",
            ),
            (
                "[mm7]\nread_timeout = \"10\"",
                "posthouse.toml:2: mm7.read_timeout: \"10\" is no time; write a number and one of ms, s, m, h, d, such as \"10s\" (at most 3650d)",
            ),
            (
                "[mm7]\nread_timeout = \"0s\"",
                "posthouse.toml:2: mm7.read_timeout: \"0s\" is no time at all; write \"1s\" or more",
            ),
            (
                "[mm7]\nread_timeout = { env = \"WORD\" }",
                "posthouse.toml:2: mm7.read_timeout: the value of the environment variable WORD is no time; write a number and one of ms, s, m, h, d, such as \"10s\" (at most 3650d)",
            ),
            (
                "[mm7]\nread_timeout = { env = \"NONE\" }",
                "posthouse.toml:2: mm7.read_timeout: the environment variable NONE is not set; set it, or write the value here",
            ),
            (
                "[mm7]\nread_timeout = { file = \"/no/such/file\" }",
                "posthouse.toml:2: mm7.read_timeout: /no/such/file cannot be read: no such file or directory (os error 2); check the path and who may read it",
            ),
            (
                "[mm7]\nread_timeout = { env = \"A\", file = \"b\" }",
                "posthouse.toml:2: mm7.read_timeout takes a time in quotes, such as \"10s\" or \"5m\", not a table",
            ),
            (
                "[mm7]\ntrusted_proxies = \"10.0.0.0/8\"",
                "posthouse.toml:2: mm7.trusted_proxies takes a list, not a text; write it in [ ]",
            ),
            (
                "[mm7]\ntrusted_proxies = [\n  \"10.0.0.0/8\",\n  \"10.0.0.0/33\",\n]",
                "posthouse.toml:4: mm7.trusted_proxies: \"10.0.0.0/33\" is no network; write one such as \"10.0.0.0/8\" or \"192.0.2.7\"",
            ),
            (
                "[mm7]\ntrusted_proxies = [\"10.1.2.3/8\"]",
                "posthouse.toml:2: mm7.trusted_proxies: \"10.1.2.3/8\" has an address inside its network; write \"10.0.0.0/8\" or \"10.1.2.3\"",
            ),
            (
                "[mm7]\ntls = { cert = \"a\", key = \"\" }",
                "posthouse.toml:2: mm7.tls.key: \"\" names no file; write the path of a PEM file, such as \"chain.pem\"",
            ),
        ]);
    }
}
