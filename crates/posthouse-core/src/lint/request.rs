//! What a SubmitReq lacks or has too much of, and what only some dialects refuse: findings of checks that no rule of
//! the format stands for.

use mm7::{
    Dialect, Rule, SeenNamespace, Version,
    lint::{Lint, Place, Remedy, SeenElement},
    message::SubmitReq,
    mime::content_href,
    smil,
};

use super::finding::{JudgedFinding, Options, PerDialect, submit_req};
use super::verdict::DialectVerdict;
use crate::{
    address::Msisdn,
    submit::{Cause, Reject},
};

/// A finding for each refusal that none explains yet, with the dialects that refuse for it.
pub(super) fn findings(
    lint: &Lint,
    verdicts: &PerDialect<DialectVerdict>,
    known: &[JudgedFinding],
    options: &Options,
) -> Vec<JudgedFinding> {
    let mut rejects: Vec<Reject> = Vec::new();
    for refusal in verdicts.iter().flat_map(|verdict| &verdict.refusals) {
        if !rejects.contains(&refusal.reject) {
            rejects.push(refusal.reject);
        }
    }
    let unexplained =
        rejects.into_iter().filter(|reject| !known.iter().any(|found| explains(found.reject, *reject)));
    let looker = Looker { lint, options };
    unexplained.map(|reject| looker.finding(reject, verdicts)).collect()
}

fn explains(found: Reject, reject: Reject) -> bool {
    found == reject || (found == Reject::Decode(Rule::UnknownOperation) && reject == Reject::NotSubmitReq)
}

/// What a refusal says of a file.
pub(super) struct Looker<'a> {
    pub lint: &'a Lint,
    pub options: &'a Options,
}

impl Looker<'_> {
    fn finding(&self, reject: Reject, verdicts: &PerDialect<DialectVerdict>) -> JudgedFinding {
        let answers = verdicts.each_ref().map(|verdict| {
            let refuses = verdict.refusals.iter().any(|refusal| refusal.reject == reject);
            refuses.then(|| verdict.dialect.status(reject.status()))
        });
        let takers = verdicts.iter().zip(&answers).filter(|(_, answer)| answer.is_none());
        let takers: Vec<_> = takers.map(|(verdict, _)| verdict.dialect.name).collect();
        let (place, what, remedy) = self.words(reject, &takers);
        let clause = Cause::of(reject).map_or("", |cause| cause.clause);
        JudgedFinding { reject, place, what, remedy, clause, answers }
    }

    fn words(&self, reject: Reject, takers: &[&str]) -> (Place, String, Remedy) {
        match reject {
            Reject::Decode(Rule::UnknownVersion) => self.version(takers),
            Reject::Decode(Rule::SmilForm) => self.no_presentation(takers),
            Reject::NoVaspId => self.add(
                "SenderIdentification has no VASPID",
                &["SenderIdentification"],
                "put your VASPID first in SenderIdentification: it is your API key",
                "<SenderIdentification><VASPID>your-api-key</VASPID>…</SenderIdentification>",
            ),
            Reject::NoSender => self.add(
                "there is no SenderAddress",
                &["SenderIdentification"],
                "put the sender into SenderIdentification, behind VASPID and VASID",
                "<SenderAddress><ShortCode>111122</ShortCode></SenderAddress>",
            ),
            Reject::NoRecipient => self.add(
                "there is no recipient",
                &["Recipients"],
                "say who gets the message, behind SenderIdentification",
                "<Recipients><To><Number>16175550100</Number></To></Recipients>",
            ),
            Reject::SeveralRecipients => self.several_recipients(),
            Reject::BadRecipient => self.bad_recipient(takers),
            Reject::ReplyCharging => {
                self.leave_out("ReplyCharging", "leave ReplyCharging out: it is not supported")
            }
            Reject::ChargedParty => self.charged_party(),
            Reject::NoContent => self.no_content(),
            Reject::NotSubmitReq => self.not_submit(),
            _ => {
                let what = Cause::of(reject).map_or("the request is refused", |cause| cause.meaning);
                (self.lint.start(), what.trim_end_matches('.').to_owned(), Remedy::default())
            }
        }
    }

    /// An element of the operation.
    pub fn seen(&self, path: &[&str]) -> Option<SeenElement> {
        let decoded = self.lint.decoded.as_ref().ok()?;
        let path: Vec<&str> = decoded.operation.as_deref().into_iter().chain(path.iter().copied()).collect();
        self.lint.element(&path, &self.options.limits)
    }

    fn add(&self, what: &str, path: &[&str], advice: &str, corrected: &str) -> (Place, String, Remedy) {
        let seen = self.seen(path);
        let corrected = seen.as_ref().map_or_else(|| corrected.to_owned(), |seen| seen.prefixed(corrected));
        (self.place(seen), what.to_owned(), Remedy::advise(advice).corrected(corrected))
    }

    /// Where it is; the beginning where it is not there.
    pub fn place(&self, seen: Option<SeenElement>) -> Place {
        seen.map_or_else(|| self.lint.start(), |seen| seen.place)
    }

    fn leave_out(&self, element: &str, advice: &str) -> (Place, String, Remedy) {
        let seen = self.seen(&[element]);
        let found = seen.as_ref().and_then(|seen| seen.text.clone());
        (self.place(seen), format!("{element} is present"), Remedy::advise(advice).found(found))
    }

    fn not_submit(&self) -> (Place, String, Remedy) {
        let operation = self.lint.decoded.as_ref().ok().and_then(|decoded| decoded.operation.as_deref());
        let what = format!("{} is no SubmitReq", operation.unwrap_or("the operation"));
        (
            self.place(self.seen(&[])),
            what,
            Remedy::advise("send a SubmitReq: nothing else is taken from a VASP"),
        )
    }

    fn charged_party(&self) -> (Place, String, Remedy) {
        let has_party = submit_req(self.lint).is_some_and(|req| req.charged_party.is_some());
        let element = if has_party { "ChargedParty" } else { "ChargedPartyID" };
        self.leave_out(element, "leave ChargedParty and ChargedPartyID out: they are not supported")
    }

    fn version(&self, takers: &[&str]) -> (Place, String, Remedy) {
        let seen = self.seen(&["MM7Version"]);
        let decoded = self.lint.decoded.as_ref().ok();
        let version = decoded.and_then(|decoded| decoded.version).map(|version| version.to_string());
        let namespace = decoded.map(|decoded| decoded.namespace.uri()).unwrap_or_default();
        let name = namespace.rsplit('/').next().unwrap_or_default();
        let what =
            format!("MM7Version {} in {name} {}", version.unwrap_or_default(), only(takers, "is taken"));
        let remedy = Remedy::advise("write the version that goes with the namespace")
            .found(seen.as_ref().and_then(|seen| seen.text.clone()));
        let version = decoded.map(version_for_all);
        let remedy = match (version, &seen) {
            (Some(version), Some(seen)) => {
                remedy.corrected(seen.prefixed(&format!("<MM7Version>{version}</MM7Version>")))
            }
            _ => remedy,
        };
        (self.place(seen), what, remedy)
    }

    fn no_presentation(&self, takers: &[&str]) -> (Place, String, Remedy) {
        let media = self.lint.media().unwrap_or_default();
        let generated = smil::generate(&media);
        let what = format!("an MM without a SMIL part {}", only(takers, "is taken"));
        let remedy = Remedy::advise("add a part of type application/smil that shows the others");
        (self.lint.end(), what, if generated.contains("<par") { remedy.corrected(generated) } else { remedy })
    }

    fn several_recipients(&self) -> (Place, String, Remedy) {
        let seen = self.seen(&["Recipients"]);
        let count = submit_req(self.lint).map_or(0, |req| addressed(req).count());
        let remedy = Remedy::advise("send a request of its own to each, with a TransactionID of its own")
            .found(seen.as_ref().and_then(|seen| seen.text.clone()));
        (self.place(seen), format!("there are {count} recipients"), remedy)
    }

    fn bad_recipient(&self, takers: &[&str]) -> (Place, String, Remedy) {
        let recipient = submit_req(self.lint).and_then(|req| addressed(req).next());
        let kind = recipient.map_or("To", |recipient| recipient.kind.name());
        let text = recipient.map_or("", |recipient| recipient.address.as_str());
        let seen = self.seen(&["Recipients", kind]);
        let what = match takers {
            [] => format!("the recipient {text:?} is not an international number"),
            takers => format!("the recipient {text:?} {}", only(takers, "is taken as a number")),
        };
        let remedy = Remedy::advise("write country code and number as 7 to 15 digits, without + and blanks")
            .found(seen.as_ref().and_then(|seen| seen.text.clone()));
        let corrected = digits_of(text).map(|digits| format!("<{kind}><Number>{digits}</Number></{kind}>"));
        let remedy = match (corrected, &seen) {
            (Some(corrected), Some(seen)) => remedy.corrected(seen.prefixed(&corrected)),
            _ => remedy,
        };
        (self.place(seen), what, remedy)
    }

    fn no_content(&self) -> (Place, String, Remedy) {
        let media = self.lint.media().unwrap_or_default();
        let href = content_href(&media).unwrap_or_else(|| "cid:the-content".to_owned());
        let advice = match media.as_slice() {
            [] => "send the content as a part, and name that part last in the SubmitReq",
            _ => "name the part that is the content, last in the SubmitReq",
        };
        self.add("SubmitReq has no Content", &["Content"], advice, &format!("<Content href=\"{href}\"/>"))
    }
}

/// The version as it came where every dialect takes it, else the namespace's own.
fn version_for_all(decoded: &mm7::Decoded) -> Version {
    let framing = mm7::lint::corrected_framing(decoded);
    let is_taken =
        |version| Dialect::ALL.iter().all(|dialect| dialect.takes_version(version, &framing.namespace));
    match &framing.namespace {
        SeenNamespace::Known(namespace) if !is_taken(framing.version) => namespace.default_version(),
        _ => framing.version,
    }
}

/// The dialects that accept something which not all accept.
fn only(takers: &[&str], taken: &str) -> String {
    match takers {
        [] => "is not taken".to_owned(),
        takers => format!("{taken} by {} only", takers.join(", ")),
    }
}

fn addressed(req: &SubmitReq) -> impl Iterator<Item = &mm7::message::Recipient> {
    req.recipients.iter().filter(|recipient| !recipient.display_only)
}

/// The number that people write with blanks, dashes, brackets, `+` or `00`.
pub(super) fn digits_of(text: &str) -> Option<String> {
    let without_type = text.split_once("/TYPE=").map_or(text, |(number, _)| number);
    let bare: String = without_type.chars().filter(|c| !" -.()\u{a0}".contains(*c)).collect();
    let digits = bare.strip_prefix("00").or_else(|| bare.strip_prefix('+')).unwrap_or(&bare);
    Msisdn::parse(digits, Dialect::THREE_GPP.lenient_addresses).map(|number| number.as_str().to_owned())
}
