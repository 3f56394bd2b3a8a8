//! `tls` of a peer that the gateway calls. Its files are read here and now, and what they hold is provisioned: it is the same on
//! every node, and in force when it was applied.

use posthouse_core::tls::{Identity, PeerTls};

use super::reader::{Problem, Reader, Table};
use crate::tls::{
    client::check,
    files::{self, TlsError},
};

/// What each PEM block begins with.
const BEGIN: &str = "-----BEGIN ";

/// Reads `tls = { ca, cert, key }`: names of PEM files, or what they hold.
pub(super) fn read(table: &mut Table<'_>, reader: &Reader<'_>) -> Option<PeerTls> {
    let mut table = table.table("tls")?;
    if table.has("cert") {
        table.require("key", "\"key.pem\"");
    }
    if table.has("key") {
        table.require("cert", "\"cert.pem\"");
    }
    let ca = table.parsed("ca", |name| text(name, reader));
    let cert = table.parsed("cert", |name| text(name, reader));
    let key = table.parsed("key", |name| text(name, reader));
    let tls = PeerTls { ca, identity: cert.zip(key).map(|(cert, key)| Identity { cert, key }) };
    if let Err(error) = check(&tls) {
        let (key, why) = error.place();
        table.wrong(key, format_args!("it {why}"));
    }
    Some(tls)
}

/// Never quotes what it was given: that may be a key.
fn text(name: String, reader: &Reader<'_>) -> Result<String, Problem> {
    if name.trim_start().starts_with(BEGIN) {
        return Ok(name);
    }
    let unreadable = |error: TlsError| Problem::Alone(format!("is no PEM text, and no file: {error}"));
    let bytes = files::read(&reader.path(&name)).map_err(unreadable)?;
    String::from_utf8(bytes)
        .map_err(|_| Problem::Alone("is a file that is no PEM text; write it in PEM form".to_owned()))
}
