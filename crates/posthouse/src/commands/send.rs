//! `posthouse send`: an MM7 client that sends one MMS.

use std::{io, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context as _;
use mm7::{Namespace, Period, TransactionId, Version, When};
use posthouse_core::tls::{Identity, PeerTls};
use posthouse_gateway::tls::{self, client::PeerTlsFailure, files};
use posthouse_sim::{
    Credentials, Mm7Answer, Submit, SubmitError,
    config::parse_namespace,
    http::{Client, ClientError},
    media, submit, wire,
};
use serde_json::{Value, json};

use crate::{
    complaints::unreadable,
    print::{self, Printer},
    times::duration,
    wait::wait_for,
};

const EXAMPLES: &str = "\
Examples:
  posthouse send --vaspid acme-api-key --vasid 61295 --from 111122 --to 16175550100 \\
    --subject Hello --text 'Hello, world' --media sunset.jpg
  posthouse send --vaspid acme-api-key --from 111122 --to 16175550100 --text hi --dry-run
  posthouse send --url https://mm7.example:8007/mm7/v1 --ca ca.pem --cert acme.pem --key acme-key.pem \\
    --vaspid acme-api-key --from 111122 --to 16175550100 --text hi

The exit code is 0 only when the answer is 1000.";

/// The arguments of `posthouse send`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Where the gateway takes MM7
    #[arg(long, default_value = "http://127.0.0.1:8007/mm7/v1")]
    url: String,
    /// VASPID, the API key; an empty one is left out, as is every other empty value
    #[arg(long)]
    vaspid: String,
    /// VASID, the service
    #[arg(long)]
    vasid: Option<String>,
    /// SenderAddress: a short code or number
    #[arg(long)]
    from: String,
    /// The recipient's number; several make several recipients
    #[arg(long, required = true)]
    to: Vec<String>,
    /// Subject
    #[arg(long)]
    subject: Option<String>,
    /// A text, sent as a part
    #[arg(long)]
    text: Option<String>,
    /// Files to send, each as a part; their types go by their names. A SMIL is made unless one of them is one
    #[arg(long, value_name = "FILE", num_args = 1..)]
    media: Vec<PathBuf>,
    /// Content that the gateway is to fetch
    #[arg(long, value_name = "URL")]
    url_media: Vec<String>,
    /// User name for HTTP Basic
    #[arg(long, requires = "password")]
    user: Option<String>,
    /// Password for HTTP Basic
    #[arg(long, requires = "user")]
    password: Option<String>,
    /// The CA that the gateway's certificate must come from, a PEM file; without it, those that the system trusts
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The client certificate to show, a PEM file
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// Its private key, a PEM file
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// The carrier's id
    #[arg(long)]
    carrier_id: Option<String>,
    /// The header that the carrier's id goes in
    #[arg(long, value_name = "NAME", default_value = submit::CARRIER_ID_HEADER)]
    carrier_id_header: String,
    /// TransactionID; a new one when left out
    #[arg(long, value_parser = transaction_id)]
    transaction_id: Option<TransactionId>,
    /// The MM7 namespace, by the end of its name
    #[arg(long, default_value = "REL-6-MM7-1-4", value_parser = parse_namespace)]
    namespace: Namespace,
    /// MM7Version
    #[arg(long, value_name = "VERSION", default_value_t = Version::V6_8_0, value_parser = version)]
    mm7_version: Version,
    /// DeliveryReport: true or false; the gateway decides when left out
    #[arg(long, value_name = "BOOL")]
    delivery_report: Option<bool>,
    /// ExpiryDate: a time (2026-12-24T18:00:00Z) or a duration (P2D, PT30M)
    #[arg(long, value_name = "WHEN", value_parser = when)]
    expiry: Option<When>,
    /// How long the answer may take
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    timeout: Duration,
    /// Print the answer as one JSON object
    #[arg(long)]
    json: bool,
    /// Print the exact bytes of the request instead of sending it
    #[arg(long, conflicts_with = "json")]
    dry_run: bool,
}

/// Sends the MMS, or prints it.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mms = args.mms()?;
    let mut out = print::stdout();
    if args.dry_run {
        out.bytes(&wire::raw(&mms.prepare()?))?;
        return Ok(ExitCode::SUCCESS);
    }
    let answer = wait_for(async {
        let client = args.client().await?;
        submit(&client, &mms).await.map_err(told)
    })?;
    if args.json {
        out.json(&answer_as_json(&answer))?
    } else {
        print_text(&mut out, &answer)?
    }
    Ok(if answer.is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What went wrong, and what to do when nothing listens at the URL.
fn told(error: SubmitError) -> anyhow::Error {
    if let Some(broken) = PeerTlsFailure::find(&error) {
        return anyhow::anyhow!("{error}: {broken}; see --ca, --cert and --key");
    }
    match error {
        SubmitError::Http(ClientError::Connect { url, source }) => {
            let remedy = "start `posthouse serve`, or say with --url where it is";
            anyhow::Error::from_boxed(source).context(format!("no connection to {url}; {remedy}"))
        }
        error => error.into(),
    }
}

impl Args {
    async fn client(&self) -> anyhow::Result<Client> {
        let client = Client::new(self.timeout);
        if !self.url.starts_with("https://") {
            return Ok(client);
        }
        let text = |path: &PathBuf| -> anyhow::Result<String> { Ok(String::from_utf8(files::read(path)?)?) };
        let identity = match self.cert.as_ref().zip(self.key.as_ref()) {
            Some((cert, key)) => Some(Identity { cert: text(cert)?, key: text(key)? }),
            None => None,
        };
        let tls = PeerTls { ca: self.ca.as_ref().map(text).transpose()?, identity };
        let config =
            tls::client::config(&tls).await.context("TLS cannot be set up by --ca, --cert and --key")?;
        Ok(client.with_tls(config))
    }

    fn mms(&self) -> anyhow::Result<Submit> {
        let read = |path: &PathBuf| media::from_file(path).map_err(|error| unreadable(path.display(), error));
        let credentials = self.user.as_ref().zip(self.password.as_ref());
        let carrier_id = filled(self.carrier_id.as_ref());
        Ok(Submit {
            vaspid: filled(Some(&self.vaspid)),
            vasid: filled(self.vasid.as_ref()),
            from: filled(Some(&self.from)),
            to: self.to.iter().filter(|to| !to.is_empty()).cloned().collect(),
            subject: filled(self.subject.as_ref()),
            text: filled(self.text.as_ref()),
            media: self.media.iter().map(read).collect::<Result<_, _>>()?,
            url_media: self.url_media.clone(),
            credentials: credentials.map(|(user, password)| Credentials::new(user, password)),
            carrier_id: carrier_id.map(|id| (self.carrier_id_header.clone(), id)),
            transaction_id: self.transaction_id.clone(),
            namespace: self.namespace,
            version: self.mm7_version,
            time_stamp: Some(wire::now()),
            delivery_report: self.delivery_report,
            expiry: self.expiry,
            ..Submit::new(self.url.as_str(), "", "")
        })
    }
}

fn filled(value: Option<&String>) -> Option<String> {
    value.filter(|value| !value.is_empty()).cloned()
}

fn print_text(out: &mut Printer, answer: &Mm7Answer) -> io::Result<()> {
    match (answer.code(), answer.text()) {
        (Some(code), text) => writeln!(out, "{code} {}", text.unwrap_or_default())?,
        (None, Some(text)) => writeln!(out, "{text}")?,
        (None, None) => {
            writeln!(out, "HTTP {} without an MM7 answer", answer.http_status)?;
            writeln!(out, "     {}", remedy(answer.http_status))?;
        }
    }
    for (name, value) in [
        ("Details", answer.details()),
        ("MessageID", answer.message_id().map(|id| id.as_str())),
        ("TransactionID", answer.transaction_id.as_ref().map(|id| id.as_str())),
    ] {
        if let Some(value) = value {
            writeln!(out, "     {name}: {value}")?;
        }
    }
    if answer.code().is_some() && !answer.is_success() {
        writeln!(out, "     HTTP {}", answer.http_status)?;
    }
    if let Some(code) = answer.code().filter(|_| !answer.is_success()) {
        writeln!(out, "     {}", explained(code, answer))?;
    }
    Ok(())
}

/// Where more is said of a refusal: what the code means, and what of the request raised it, which the gateway keeps.
fn explained(code: u32, answer: &Mm7Answer) -> String {
    let codes = format!("`posthouse codes {code}` explains it");
    match &answer.transaction_id {
        Some(id) => format!("{codes}; where the gateway runs, `posthouse find {id}` says which value it was"),
        None => codes,
    }
}

/// What to look at after an answer that is HTTP's alone.
const fn remedy(http_status: u16) -> &'static str {
    match http_status {
        // What an admin door, a carriers' door or a web server says.
        ..500 => {
            "nothing takes SubmitReq there; a gateway does at the address and path of its [mm7] section, \
             such as http://127.0.0.1:8007/mm7/v1, which is the \"mm7\" of its first line"
        }
        500.. => {
            "look at the log of what answers there: a gateway that is well answers by MM7, so it may be \
             a proxy that does not reach it"
        }
    }
}

/// An answer, for programs.
pub(super) fn answer_as_json(answer: &Mm7Answer) -> Value {
    json!({
        "http_status": answer.http_status,
        "transaction_id": answer.transaction_id.as_ref().map(|id| id.as_str()),
        "code": answer.code(),
        "text": answer.text(),
        "details": answer.details(),
        "message_id": answer.message_id().map(|id| id.as_str()),
        "fault": answer.fault().is_some(),
    })
}

fn transaction_id(text: &str) -> Result<TransactionId, String> {
    TransactionId::new(text).map_err(|error| error.to_string())
}

fn version(text: &str) -> Result<Version, String> {
    Version::parse(text).map_err(|error| error.to_string())
}

fn when(text: &str) -> Result<When, String> {
    let period = || Period::parse(text).map(When::After).ok();
    let time = || text.parse().map(When::At).ok();
    period()
        .or_else(time)
        .ok_or_else(|| "write a time (2026-12-24T18:00:00Z) or a duration (P2D, PT30M)".to_owned())
}
