//! `posthouse listen`: the VASP's side, which takes what a gateway has to tell and prints it.

use std::{io, net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context as _;
use mm7::{
    Address,
    message::{DeliverReq, DeliveryReportReq, ReadReplyReq, Recipient},
    mime::Media,
};
use posthouse_core::counted::counted;
use posthouse_gateway::tls::files::{Tls, load};
use posthouse_sim::{
    Credentials, ReceivedCallback, VaspOptions, VaspSim,
    vasp::{CallbackContent, VaspAnswer},
};
use rustls::ServerConfig;
use serde_json::{Value, json};
use tokio::sync::broadcast::{self, error::RecvError};

use crate::{
    print::{self, Printer},
    times::duration,
    wait::{StopSignals, wait_for},
};

const EXAMPLES: &str = "\
Examples:
  posthouse listen
  posthouse listen --json | jq .status
  posthouse listen --fail 2 --delay 11s    two callbacks get HTTP 500, every answer takes 11 seconds
  posthouse listen --tls-cert cert.pem --tls-key key.pem

Every path is taken. Ctrl-C ends it.";

/// The arguments of `posthouse listen`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9001")]
    listen: SocketAddr,
    /// Speak TLS there: the certificate to show, followed by those that signed it, a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its private key, a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Print each callback as one JSON object a line
    #[arg(long)]
    json: bool,
    /// The StatusCode to answer
    #[arg(long, value_name = "CODE", default_value_t = 1000)]
    answer: u32,
    /// Answer HTTP 500 to the first N callbacks
    #[arg(long, value_name = "N", default_value_t = 0)]
    fail: u32,
    /// Wait this long before each answer
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration)]
    delay: Duration,
    /// The user name that callbacks must show (HTTP Basic); others get 401
    #[arg(long, requires = "password")]
    user: Option<String>,
    /// The password that callbacks must show
    #[arg(long, requires = "user")]
    password: Option<String>,
}

/// Listens until asked to stop.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    wait_for(listen(args))
}

async fn listen(args: &Args) -> anyhow::Result<ExitCode> {
    let mut stop = StopSignals::expect()?;
    let (vasp, callbacks) = VaspSim::start_subscribed(args.options()?)
        .await
        .with_context(|| format!("{} cannot be listened on; choose another with --listen", args.listen))?;
    let mut paper = Paper { json: args.json, out: print::stdout() };
    paper.ready(&vasp.url())?;
    tokio::select! {
        () = stop.asked() => {}
        printed = print_all(callbacks, &mut paper) => printed?,
    }
    vasp.stop().await;
    Ok(ExitCode::SUCCESS)
}

impl Args {
    fn options(&self) -> anyhow::Result<VaspOptions> {
        let credentials = self.user.as_ref().zip(self.password.as_ref());
        Ok(VaspOptions {
            listen: self.listen,
            tls: self.tls()?,
            answer: VaspAnswer::Code(self.answer),
            fail_first: self.fail,
            delay: self.delay,
            expects: credentials.map(|(user, password)| Credentials::new(user, password)),
            // They are printed, not asked for later.
            keep_callbacks: 0,
            ..VaspOptions::default()
        })
    }

    fn tls(&self) -> anyhow::Result<Option<Arc<ServerConfig>>> {
        let Some((cert, key)) = self.tls_cert.clone().zip(self.tls_key.clone()) else { return Ok(None) };
        let files = Tls { cert, key, client_ca: None };
        let (_, in_force) = load(&files).context("TLS cannot be set up by --tls-cert and --tls-key")?;
        Ok(Some(in_force.config))
    }
}

async fn print_all(
    mut callbacks: broadcast::Receiver<Arc<ReceivedCallback>>,
    paper: &mut Paper,
) -> anyhow::Result<()> {
    loop {
        match callbacks.recv().await {
            Ok(callback) => paper.callback(&callback)?,
            Err(RecvError::Lagged(missed)) => {
                let what = "callbacks came faster than they could be printed";
                writeln!(print::stderr(), "posthouse: {missed} {what}")?;
            }
            Err(RecvError::Closed) => return Ok(()),
        }
    }
}

/// Writes to stdout, a line at a time.
struct Paper {
    json: bool,
    out: Printer,
}

impl Paper {
    fn ready(&mut self, url: &str) -> io::Result<()> {
        if self.json {
            self.out.json(&json!({"event": "ready", "url": url}))
        } else {
            writeln!(self.out, "listening on {url}")
        }
    }

    fn callback(&mut self, callback: &ReceivedCallback) -> io::Result<()> {
        if self.json {
            self.out.json(&as_json(callback))
        } else {
            writeln!(self.out, "{}", as_text(callback))
        }
    }
}

fn as_text(callback: &ReceivedCallback) -> String {
    let event = match &callback.event {
        CallbackContent::Report(report) => {
            let status = report.mm_status.as_str();
            format!(
                "report {} {status} {}",
                id(report.mm.message_id.as_ref()),
                address(report.mm.recipient.as_ref())
            )
        }
        CallbackContent::Deliver(message, media) => format!(
            "message {} {} -> {} {:?} ({})",
            id(message.linked_id.as_ref()),
            address(message.sender.as_ref()),
            recipients(&message.recipients).join(","),
            message.subject.as_deref().unwrap_or_default(),
            counted(media.len(), "part")
        ),
        CallbackContent::ReadReply(reply) => {
            let status = reply.mm_status.as_str();
            format!(
                "read reply {} {status} {}",
                id(reply.mm.message_id.as_ref()),
                address(reply.mm.recipient.as_ref())
            )
        }
        CallbackContent::Unreadable(error) => format!("unreadable: {error}"),
    };
    let carrier = callback.carrier_id.as_deref().map(|id| format!(", carrier {id}")).unwrap_or_default();
    let reason = callback.reason.as_deref().map(|reason| format!(", {reason}")).unwrap_or_default();
    format!("{:.3} {event}{carrier}{reason}; answered {}", callback.time, answered(callback))
}

fn answered(callback: &ReceivedCallback) -> String {
    match (callback.http_status, callback.code) {
        (Some(200), Some(code)) => code.to_string(),
        (Some(http_status), Some(code)) => format!("{code} in HTTP {http_status}"),
        (Some(http_status), None) => format!("HTTP {http_status}"),
        (None, _) => "nothing".to_owned(),
    }
}

fn id(id: Option<&mm7::MessageId>) -> &str {
    id.map_or("(no id)", |id| id.as_str())
}

fn address(address: Option<&Address>) -> &str {
    address.map_or("(no address)", Address::as_str)
}

fn recipients(recipients: &[Recipient]) -> Vec<&str> {
    recipients.iter().map(|recipient| recipient.address.as_str()).collect()
}

fn as_json(callback: &ReceivedCallback) -> Value {
    let mut view = match &callback.event {
        CallbackContent::Report(report) => report_json(report),
        CallbackContent::Deliver(message, media) => deliver_json(message, media),
        CallbackContent::ReadReply(reply) => read_reply_json(reply),
        CallbackContent::Unreadable(error) => json!({"event": "unreadable", "error": error.to_string()}),
    };
    view["time"] = callback.time.to_string().into();
    view["path"] = callback.path.as_str().into();
    view["transaction_id"] = callback.transaction_id.as_ref().map(|id| id.as_str()).into();
    view["carrier_id"] = callback.carrier_id.as_deref().into();
    view["reason"] = callback.reason.as_deref().into();
    view["answered"] = json!({"http_status": callback.http_status, "code": callback.code});
    view
}

fn report_json(report: &DeliveryReportReq) -> Value {
    json!({
        "event": "DeliveryReportReq",
        "message_id": report.mm.message_id.as_ref().map(|id| id.as_str()),
        "status": report.mm_status,
        "status_text": report.status_text,
        "recipient": report.mm.recipient.as_ref().map(Address::as_str),
        "sender": report.mm.sender.as_ref().map(Address::as_str),
        "date": report.date.map(|date| date.to_string()),
    })
}

fn read_reply_json(reply: &ReadReplyReq) -> Value {
    json!({
        "event": "ReadReplyReq",
        "message_id": reply.mm.message_id.as_ref().map(|id| id.as_str()),
        "status": reply.mm_status,
        "status_text": reply.status_text,
        "recipient": reply.mm.recipient.as_ref().map(Address::as_str),
        "sender": reply.mm.sender.as_ref().map(Address::as_str),
        "date": reply.time_stamp.map(|time| time.to_string()),
    })
}

fn deliver_json(message: &DeliverReq, media: &[Media]) -> Value {
    let part = |media: &Media| {
        json!({
            "content_type": media.content_type.to_string(),
            "content_id": media.content_id,
            "name": media.name,
            "bytes": media.bytes.len(),
        })
    };
    json!({
        "event": "DeliverReq",
        "linked_id": message.linked_id.as_ref().map(|id| id.as_str()),
        "sender": message.sender.as_ref().map(Address::as_str),
        "recipients": recipients(&message.recipients),
        "subject": message.subject,
        "date": message.time_stamp.map(|time| time.to_string()),
        "media": media.iter().map(part).collect::<Vec<_>>(),
    })
}
