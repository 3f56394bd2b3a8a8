//! The desk where a carrier takes a SubmitReq: looks at it, decides by its recipient, keeps it, and answers.

use std::{sync::Arc, time::Duration};

use http::StatusCode as Http;
use jiff::Timestamp;
use mm7::{Framing, MessageId, MmStatus, StatusCode, message::Status};
use tokio::time::{sleep, timeout};

use crate::{
    carrier::{
        answer::{ScriptedAnswer, bare, unauthorized, validation_error},
        attempts::Attempts,
        examine::{Sound, Unsound, examine},
        kept::KeptMessage,
        options::CarrierOptions,
        reports::{OutgoingReport, Reports},
        script::Script,
    },
    chance::{Dice, RunIds},
    http::{Payload, Reply, Request},
    recent::Recent,
};

/// How long a request that is never answered is held, unless its sender gives up before.
const HOLD: Duration = Duration::from_secs(15 * 60);
/// How long an answer waits for the report that is to come before it.
const REPORT_FIRST_WAIT: Duration = Duration::from_secs(5);

/// One carrier at work.
#[derive(Debug)]
pub(super) struct Desk {
    pub options: CarrierOptions,
    pub kept: Recent<KeptMessage>,
    pub reports: Arc<Reports>,
    attempts: Attempts,
    dice: Dice,
    ids: RunIds,
}

/// What is done with a request.
struct Decision {
    answer: ScriptedAnswer,
    /// The MessageID that the message was given.
    message_id: Option<MessageId>,
    /// What is reported once the answer is out.
    reports: Vec<OutgoingReport>,
}

impl From<ScriptedAnswer> for Decision {
    fn from(answer: ScriptedAnswer) -> Self {
        Self { answer, message_id: None, reports: Vec::new() }
    }
}

impl Desk {
    pub fn new(options: CarrierOptions) -> Self {
        Self {
            kept: Recent::new(options.keep_messages, options.keep_bytes),
            reports: Arc::new(Reports::new(&options)),
            attempts: Attempts::default(),
            dice: Dice::new(options.seed),
            ids: RunIds::new(&options.carrier_id),
            options,
        }
    }

    /// Takes one request.
    pub async fn take(&self, request: Request) -> Reply {
        sleep(self.options.latency).await;
        let (head, body) = request.into_parts();
        let record = KeptMessage::new(head.headers, body.clone());
        if self.options.expects.as_ref().is_some_and(|expected| !expected.are_in(&record.headers)) {
            return self.turn_away(record);
        }
        match examine(&record.headers, body) {
            Ok(sound) => {
                let decision = self.decide(&sound).await;
                self.answer(decision, &sound.framing, record.of(&sound)).await
            }
            Err(unsound) => {
                self.answer(refuse(&unsound).into(), &unsound.framing(), record.of_unsound(&unsound)).await
            }
        }
    }

    /// 401: without the right credentials, nothing of a request is read.
    fn turn_away(&self, mut record: KeptMessage) -> Reply {
        record.time = Timestamp::now();
        record.http_status = Some(Http::UNAUTHORIZED.as_u16());
        record.finding = Some("the credentials are missing or wrong".to_owned());
        self.kept.add(Arc::new(record));
        unauthorized()
    }

    /// What the recipient's digits say.
    async fn decide(&self, sound: &Sound) -> Decision {
        if self.dice.falls(self.options.error_rate) {
            return refused(StatusCode::ServiceUnavailable);
        }
        let attempt = || self.attempts.count(&sound.transaction_id);
        match Script::of(&sound.recipient) {
            Script::Refuse(code) => refused(code),
            Script::Silence => ScriptedAnswer::Never.into(),
            Script::Accept(statuses) => self.accept(sound, statuses),
            Script::ReportFirst => self.accept_after_report(sound).await,
            Script::ReportTwice => self.accept(sound, &[MmStatus::Retrieved, MmStatus::Retrieved]),
            Script::BusyThrice if attempt() <= 3 => refused(StatusCode::ServiceUnavailable),
            Script::ServerErrorOnce if attempt() <= 1 => {
                ScriptedAnswer::Bare(Http::INTERNAL_SERVER_ERROR).into()
            }
            Script::BusyThrice | Script::ServerErrorOnce => self.accept(sound, &[MmStatus::Retrieved]),
            Script::FaultInOk => ScriptedAnswer::fault(Http::OK, StatusCode::ServiceDenied.into()).into(),
            Script::CutAnswer => {
                let message_id = self.new_message_id();
                Decision {
                    message_id: message_id.clone(),
                    ..ScriptedAnswer::half_accepted(message_id).into()
                }
            }
        }
    }

    /// 1000, and reports behind it.
    fn accept(&self, sound: &Sound, statuses: &[MmStatus]) -> Decision {
        let message_id = self.new_message_id();
        let reports = statuses.iter().map(|status| report(message_id.as_ref(), sound, *status)).collect();
        Decision { answer: ScriptedAnswer::accepted(message_id.clone()), message_id, reports }
    }

    /// Retrieved, and 1000 behind it; a report that was not acknowledged is posted again later.
    async fn accept_after_report(&self, sound: &Sound) -> Decision {
        let mut decision = self.accept(sound, &[MmStatus::Retrieved]);
        if let Some(first) = decision.reports.first()
            && let Ok(Ok(answer)) = timeout(REPORT_FIRST_WAIT, self.reports.post_once(first)).await
            && answer.is_success()
        {
            self.reports.count_delivered();
            decision.reports.clear();
        }
        decision
    }

    /// `None` only where the carrier's id is longer than any identifier may be.
    pub fn new_message_id(&self) -> Option<MessageId> {
        MessageId::new(&self.ids.next()).ok()
    }

    /// Keeps the request, then answers it: once the answer is out, the request can be found here.
    async fn answer(&self, decision: Decision, framing: &Framing, mut record: KeptMessage) -> Reply {
        record.time = Timestamp::now();
        record.http_status = decision.answer.http_status();
        record.code = decision.answer.code();
        record.message_id = decision.message_id;
        self.kept.add(Arc::new(record));
        let Some(reply) = decision.answer.into_reply(framing) else {
            sleep(HOLD).await;
            return bare(Http::SERVICE_UNAVAILABLE);
        };
        let (reports, due) = (self.reports.clone(), decision.reports);
        reply.map(|payload: Payload| payload.then(move || reports.send_later(due)))
    }
}

fn refused(code: StatusCode) -> Decision {
    ScriptedAnswer::refused(code.into()).into()
}

/// 4004: in a SubmitRsp where its sender can be given one, else in a Fault.
fn refuse(unsound: &Unsound) -> ScriptedAnswer {
    let status: Status = validation_error(&unsound.finding);
    if unsound.is_submit() {
        ScriptedAnswer::refused(status)
    } else {
        ScriptedAnswer::fault(Http::INTERNAL_SERVER_ERROR, status)
    }
}

fn report(message_id: Option<&MessageId>, sound: &Sound, status: MmStatus) -> OutgoingReport {
    OutgoingReport {
        message_id: message_id.cloned(),
        recipient: Some(sound.recipient.clone()),
        sender: sound.submit.sender.address.clone(),
        ..OutgoingReport::new(status)
    }
}
