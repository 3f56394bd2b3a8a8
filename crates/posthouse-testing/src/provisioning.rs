//! What is provisioned, as the TOML that an operator would write. Lines that a test adds end with a line break.

use std::fmt;

/// An account whose VASPID is its name with `-key` behind, with one service, VASID 61295, that may send as 111122.
#[derive(Clone, Debug)]
pub struct AccountToml {
    name: String,
    vaspid: String,
    lines: String,
    callbacks: String,
    service: String,
}

impl AccountToml {
    /// An account of this name, without callbacks.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            vaspid: format!("{name}-key"),
            lines: String::new(),
            callbacks: String::new(),
            service: String::new(),
        }
    }

    /// Another VASPID.
    pub fn vaspid(mut self, vaspid: &str) -> Self {
        vaspid.clone_into(&mut self.vaspid);
        self
    }

    /// Lines of the account.
    pub fn with(mut self, lines: &str) -> Self {
        self.lines += lines;
        self
    }

    /// Where it takes delivery reports, and further lines of its callbacks.
    pub fn callbacks(mut self, report_url: &str, lines: &str) -> Self {
        self.callbacks = format!("[account.callbacks]\nreport_url = {report_url:?}\n{lines}");
        self
    }

    /// Further lines of its service.
    pub fn service(mut self, lines: &str) -> Self {
        self.service += lines;
        self
    }
}

impl fmt::Display for AccountToml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, vaspid, lines, callbacks, service } = self;
        write!(
            f,
            "[[account]]\nname = {name:?}\nvaspid = {vaspid:?}\n{lines}{callbacks}\
             [[account.service]]\nvasid = \"61295\"\nsenders = [\"111122\"]\n{service}"
        )
    }
}

/// A carrier.
#[derive(Clone, Debug)]
pub struct CarrierToml {
    id: String,
    lines: String,
    connections: String,
}

impl CarrierToml {
    /// A carrier with this id, and no connection yet.
    pub fn new(id: &str) -> Self {
        Self { id: id.to_owned(), lines: String::new(), connections: String::new() }
    }

    /// Lines of the carrier.
    pub fn with(mut self, lines: &str) -> Self {
        self.lines += lines;
        self
    }

    /// One more connection, to where nobody listens.
    pub fn nowhere(self) -> Self {
        self.connection("nowhere", "http://127.0.0.1:1/mm7", "")
    }

    /// One more connection, and further lines of it.
    pub fn connection(mut self, name: &str, url: &str, lines: &str) -> Self {
        self.connections += &format!("[[carrier.connection]]\nname = {name:?}\nurl = {url:?}\n{lines}");
        self
    }
}

impl fmt::Display for CarrierToml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, lines, connections } = self;
        write!(f, "[[carrier]]\nid = {id:?}\n{lines}{connections}")
    }
}

/// A range of numbers that a carrier serves.
pub fn range(prefix: &str, carrier: &str) -> String {
    format!("[[range]]\nprefix = {prefix:?}\ncarrier = {carrier:?}\n")
}
