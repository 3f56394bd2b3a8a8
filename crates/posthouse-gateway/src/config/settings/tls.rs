//! `tls` of a door: the names of its PEM files.

use std::path::{Path, PathBuf};

use posthouse_core::provisioning::reading::{Table, Unfit};

use super::{ConfigFile, quote};
use crate::tls::files::Tls;

/// The files themselves are read by the gateway alone: other commands need not be allowed to read its keys.
pub(super) fn read(table: &mut Table<'_>, file: &ConfigFile) -> Option<Tls> {
    let mut table = table.table("tls")?;
    table.require("cert", "\"chain.pem\"");
    table.require("key", "\"key.pem\"");
    let cert = table.parsed("cert", |name| pem_file(name, file));
    let key = table.parsed("key", |name| pem_file(name, file));
    let client_ca = table.parsed("client_ca", |name| pem_file(name, file));
    Some(Tls { cert: cert?, key: key?, client_ca })
}

fn pem_file(name: String, file: &ConfigFile) -> Result<PathBuf, Unfit> {
    match name.is_empty() || name.ends_with('/') {
        true => Err(("names no file", "write the path of a PEM file, such as \"chain.pem\"").into()),
        false => Ok(file.path(&name)),
    }
}

/// The line of a door's section.
pub(super) fn print(tls: Option<&Tls>) -> String {
    let Some(Tls { cert, key, client_ca }) = tls else {
        return "# tls = { cert = \"chain.pem\", key = \"key.pem\", client_ca = \"ca.pem\" }".to_owned();
    };
    let path = |path: &Path| quote(&path.display().to_string());
    let client_ca = client_ca.as_deref().map(|ca| format!(", client_ca = {}", path(ca))).unwrap_or_default();
    format!("tls = {{ cert = {}, key = {}{client_ca} }}", path(cert), path(key))
}
