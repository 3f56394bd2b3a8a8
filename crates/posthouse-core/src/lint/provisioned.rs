//! What provisioning says of a request in a file: the checks of an account, its services and its recipient's carrier.

use std::sync::Arc;

use mm7::{
    Dialect,
    lint::{Place, Remedy},
};

use super::{
    LintReport,
    finding::{JudgedFinding, for_all},
    request::Looker,
    verdict::{DialectVerdict, by_named_checks, facts},
};
use crate::{
    account::Account,
    address::Msisdn,
    provisioning::Snapshot,
    submit::{Admission, Body, CarrierFact, Cause, CredentialsFact, Facts, Reject, Rejection},
};

/// The checks that provisioning adds to those that a file is judged by.
const PROVISIONED: &[&str] = &[
    "account_status",
    "account_mm7",
    "vasid",
    "sender_provisioned",
    "message_length",
    "blacklist",
    "carrier_id_present",
    "carrier_id_known",
    "lookup",
    "service_reaches_carrier",
    "carrier_has_connection",
    "carrier_takes_content",
];
/// What is not judged even so: it shows only when a request is sent.
pub const NOT_EVEN_PROVISIONED: &[&str] = &[
    "address_and_protocol",
    "client_certificate",
    "credentials",
    "throughput",
    "content_by_url",
    "carrier_takes_whole_content",
];
/// The most values that a remedy lists.
const LISTED: usize = 10;

/// What provisioning says about a request.
#[derive(Clone, Debug)]
pub struct LintProvisioning {
    /// All that is provisioned.
    pub snapshot: Arc<Snapshot>,
    /// The account that the request is judged as; `None`: nobody's.
    pub account: Option<Arc<Account>>,
    /// Whether the VASPID in the request is this account's.
    pub is_own_key: bool,
    /// The carrier that the request's header names.
    pub carrier_id: Option<String>,
    /// The recipient's carrier, where the recipient can be read.
    pub carrier: Option<CarrierFact>,
}

impl LintProvisioning {
    /// The dialect that would answer.
    pub fn dialect(&self) -> &'static Dialect {
        self.account.as_ref().map_or(Dialect::POSTHOUSE, |account| account.dialect.get())
    }
}

/// What would be answered to a request, as far as a file and provisioning tell.
#[derive(Clone, Debug)]
pub struct ProvisionedVerdict {
    /// What it is refused for, in the order of the checks.
    pub verdict: DialectVerdict,
    /// What is wrong by what is provisioned. What is wrong by itself is in [`LintReport::findings`].
    pub findings: Vec<JudgedFinding>,
}

impl LintReport {
    /// The recipient, if there is exactly one and any dialect takes it for a number.
    pub fn recipient(&self) -> Option<Msisdn> {
        let req = super::finding::submit_req(&self.lint)?;
        let mut addressed = req.recipients.iter().filter(|recipient| !recipient.display_only);
        let only = addressed.next().filter(|_| addressed.next().is_none())?;
        Msisdn::parse(only.address.as_str(), true)
    }

    /// Judges the request by what is provisioned, too.
    pub fn judge_provisioned(&self, given: &LintProvisioning) -> ProvisionedVerdict {
        let dialect = given.dialect();
        let mut verdict = self.verdict(dialect).clone();
        let added = match self.is_judged_as_submit() && !self.is_from_carrier() {
            true => self.refusals(given, dialect),
            false => Vec::new(),
        };
        let findings = added.iter().map(|refusal| self.explain(refusal.reject, given)).collect();
        verdict.refusals.extend(added);
        verdict.refusals.sort_by_key(|refusal| refusal.row);
        ProvisionedVerdict { verdict, findings }
    }

    fn refusals(&self, given: &LintProvisioning, dialect: &'static Dialect) -> Vec<Rejection> {
        let has_key = self.lint.decoded.as_ref().is_ok_and(|decoded| decoded.vaspid.is_some());
        let unknown = (has_key && !given.is_own_key).then_some(Reject::UnknownVaspId);
        let row = |reject| Cause::of(reject).map_or(0, |cause| cause.row);
        let mut refusals: Vec<_> =
            unknown.map(|reject| Rejection { row: row(reject), reject }).into_iter().collect();
        let read = facts(&self.lint, dialect, &self.options);
        let Some(account) = given.account.clone() else { return refusals };
        let body = read.body.map(|body| Body {
            account: Some(account),
            carrier_id: given.carrier_id.clone(),
            ..body
        });
        let facts = Facts {
            snapshot: Arc::clone(&given.snapshot),
            body,
            credentials: Some(CredentialsFact::Right),
            admission: Some(Admission::In),
            carrier: given.carrier.clone(),
            ..read
        };
        refusals.extend(by_named_checks(&facts, PROVISIONED));
        refusals
    }

    fn explain(&self, reject: Reject, given: &LintProvisioning) -> JudgedFinding {
        let explained = Explained { looker: Looker { lint: &self.lint, options: &self.options }, given };
        let (place, what, remedy) = explained.words(reject);
        for_all(reject, place, what, remedy)
    }
}

struct Explained<'a> {
    looker: Looker<'a>,
    given: &'a LintProvisioning,
}

impl Explained<'_> {
    fn words(&self, reject: Reject) -> (Place, String, Remedy) {
        let meaning = Cause::of(reject).map_or("the request is refused", |cause| cause.meaning);
        let meaning = meaning.trim_end_matches('.').to_owned();
        let sender = "SenderIdentification";
        match reject {
            Reject::UnknownVaspId => self.at(
                &[sender, "VASPID"],
                "this VASPID is no key of the account".to_owned(),
                "write the key whole, without blanks, and of this gateway".to_owned(),
            ),
            Reject::UnknownVasId => self.at(&[sender, "VASID"], meaning, self.services()),
            Reject::ForeignSender => self.at(&[sender, "SenderAddress"], meaning, self.senders()),
            Reject::MessageTooLong => self.at(&[], self.too_long(), "send smaller media".to_owned()),
            Reject::NoCarrierId | Reject::UnknownCarrierId => (
                self.looker.lint.in_head("content-type"),
                meaning,
                Remedy::advise("name the carrier in the header, by the id that the operator gave you"),
            ),
            Reject::CarrierRefusesContent => self.at(&["Content"], meaning, self.takes()),
            Reject::Blacklisted => {
                self.at(&["Recipients"], meaning, "take the number off your lists".to_owned())
            }
            Reject::AccountDisabled | Reject::NotProvisionedForMm7 => {
                self.at(&[sender], meaning, "ask the operator".to_owned())
            }
            _ => self.at(
                &["Recipients"],
                meaning,
                "check the country code; if it is right, ask the operator which networks you reach"
                    .to_owned(),
            ),
        }
    }

    fn at(&self, path: &[&str], what: String, advice: String) -> (Place, String, Remedy) {
        let seen = self.looker.seen(path);
        let found = seen.as_ref().and_then(|seen| seen.text.clone());
        (self.looker.place(seen), what, Remedy::advise(advice).found(found))
    }

    fn services(&self) -> String {
        let services = self.given.account.iter().flat_map(|account| &account.services);
        listed("write the VASID of a service of this account", services.map(|service| service.vasid.clone()))
    }

    fn senders(&self) -> String {
        let named = super::finding::submit_req(self.looker.lint).and_then(|req| req.sender.vasid.as_ref());
        let service =
            self.given.account.as_ref().and_then(|account| account.service(named.map(mm7::VasId::as_str)));
        let senders = service.into_iter().flat_map(|service| service.senders.iter().cloned());
        listed("send from an address of this service", senders)
    }

    fn too_long(&self) -> String {
        let most = self.given.account.as_ref().map_or(0, |account| account.max_message_bytes);
        format!(
            "the request has {} bytes, and the account may send {most}",
            self.looker.lint.raw.body().len()
        )
    }

    fn takes(&self) -> String {
        let most = match &self.given.carrier {
            Some(CarrierFact::Found { carrier, .. }) => carrier.max_message_bytes,
            _ => 0,
        };
        format!("send at most {most} bytes of media, of types that the carrier takes")
    }
}

fn listed(advice: &str, values: impl Iterator<Item = String>) -> String {
    let values: Vec<String> = values.take(LISTED + 1).collect();
    match values.as_slice() {
        [] => format!("{advice}: it has none"),
        values if values.len() > LISTED => {
            format!("{advice}: {} …", values.get(..LISTED).unwrap_or_default().join(", "))
        }
        values => format!("{advice}: {}", values.join(", ")),
    }
}
