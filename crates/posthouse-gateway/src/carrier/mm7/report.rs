//! Delivery reports: from a carrier's DeliveryReportReq to the store (contract 4.5).

use std::time::Duration;

use mm7::{
    DecodeError, Decoded, MessageId, MmStatus, Rule, StatusCode,
    message::{DeliveryReportReq, Operation},
};
use posthouse_core::{Id, address::Msisdn, carrier::Carrier, message::CarrierReport, store::Recorded};
use tokio::time::Instant;

use super::{
    door::{Accepted, CarrierDoor},
    refusal::CarrierRefusal,
    words::{check_status, odd, said},
};
use crate::telemetry::traces::{Span, SpanContext, SpanSide};

impl CarrierDoor {
    /// Records a report. One about a message that is not known is kept.
    pub(super) async fn record_report(
        &self,
        carrier: &Carrier,
        req: &DeliveryReportReq,
        decoded: &Decoded,
        caller: Option<SpanContext>,
    ) -> Result<Accepted, CarrierRefusal> {
        let began = Instant::now();
        check_status(&req.mm_status, decoded)?;
        let report = CarrierReport { odd: odd(decoded), ..self.read_report(carrier, req)? };
        let status = report.status;
        let taking = self.callbacks.taking();
        let recorded = self.store.record_report(report, Some(taking.clone())).await.map_err(|error| {
            tracing::error!(%error, carrier = %carrier.id, "a report could not be recorded");
            CarrierRefusal::NotStored
        })?;
        let recorded = taking.hand_on(recorded);
        self.metrics.report_recorded(&carrier.id, status);
        let about = recorded.message();
        if let Some(id) = about {
            self.trace_report(carrier, id, caller, status, began.elapsed());
        }
        match recorded {
            Recorded::Applied(id, settled) => {
                tracing::debug!(%id, carrier = %carrier.id, %status, state = %settled.state, "report");
            }
            Recorded::Late(id) => {
                tracing::debug!(%id, carrier = %carrier.id, %status, "report changes nothing")
            }
            Recorded::Unmatched => {
                let carrier_message_id = req.mm.message_id.as_ref().map(MessageId::as_str);
                tracing::warn!(carrier = %carrier.id, carrier_message_id, %status, "report for an unknown id is kept")
            }
        }
        Ok(Accepted { answer: Operation::DeliveryReport.response(StatusCode::Success.into()), about })
    }

    /// The span of a report on a message that is known.
    fn trace_report(
        &self,
        carrier: &Carrier,
        id: Id,
        caller: Option<SpanContext>,
        status: MmStatus,
        took: Duration,
    ) {
        let Some(traces) = self.metrics.traces() else { return };
        let span = Span::new("report", SpanSide::Server, self.clock.now(), took)
            .of(traces.inside(id), id)
            .called_by(caller)
            .with("posthouse.carrier", carrier.id.0.clone())
            .with("posthouse.status", status.as_str());
        traces.record(span);
    }

    fn read_report(
        &self,
        carrier: &Carrier,
        req: &DeliveryReportReq,
    ) -> Result<CarrierReport, CarrierRefusal> {
        let Some(message_id) = &req.mm.message_id else {
            return Err(DecodeError::new(Rule::MissingElement, 0, "there is no MessageID").into());
        };
        Ok(CarrierReport {
            carrier: carrier.id.clone(),
            carrier_message_id: message_id.as_str().to_owned(),
            recipient: req.mm.recipient.as_ref().and_then(|address| Msisdn::parse(address.as_str(), true)),
            sender: req.mm.sender.as_ref().map(|address| address.as_str().to_owned()),
            status: carrier.vocabulary.status(&req.mm_status),
            said: said(&req.mm_status, req.status_text.as_deref()),
            odd: String::new(),
            received_at: self.clock.now(),
        })
    }
}
