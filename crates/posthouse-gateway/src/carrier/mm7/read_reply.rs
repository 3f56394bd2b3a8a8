//! Read replies: from a carrier's ReadReplyReq to the store (contract 4.6).

use mm7::{
    DecodeError, Decoded, Rule, StatusCode,
    message::{Operation, ReadReplyReq},
};
use posthouse_core::{
    carrier::Carrier,
    life::read_reply::{CarrierReadReply, ReadStatus},
    store::Recorded,
};

use super::{
    door::{Accepted, CarrierDoor},
    refusal::CarrierRefusal,
    words::{check_status, odd, said},
};

impl CarrierDoor {
    /// Records a read reply. One about a message that is not known is kept, as reports are.
    pub(super) async fn record_read_reply(
        &self,
        carrier: &Carrier,
        req: &ReadReplyReq,
        decoded: &Decoded,
    ) -> Result<Accepted, CarrierRefusal> {
        check_status(&req.mm_status, decoded)?;
        let reply = CarrierReadReply { odd: odd(decoded), ..self.read_reply(carrier, req)? };
        let status = reply.status;
        let taking = self.callbacks.taking();
        let recorded = self.store.record_read_reply(reply, Some(taking.clone())).await.map_err(|error| {
            tracing::error!(%error, carrier = %carrier.id, "a read reply could not be recorded");
            CarrierRefusal::NotStored
        })?;
        let recorded = taking.hand_on(recorded);
        self.metrics.read_reply_recorded(&carrier.id, status);
        let about = recorded.message();
        match recorded {
            Recorded::Applied(id, _) => {
                tracing::debug!(%id, carrier = %carrier.id, %status, "read reply");
            }
            Recorded::Late(id) => {
                tracing::debug!(%id, carrier = %carrier.id, %status, "read reply was known")
            }
            Recorded::Unmatched => {
                tracing::warn!(carrier = %carrier.id, %status, "read reply for an unknown id is kept")
            }
        }
        Ok(Accepted { answer: Operation::ReadReply.response(StatusCode::Success.into()), about })
    }

    fn read_reply(&self, carrier: &Carrier, req: &ReadReplyReq) -> Result<CarrierReadReply, CarrierRefusal> {
        let Some(message_id) = &req.mm.message_id else {
            return Err(DecodeError::new(Rule::MissingElement, 0, "there is no MessageID").into());
        };
        let now = self.clock.now();
        Ok(CarrierReadReply {
            carrier: carrier.id.clone(),
            carrier_message_id: message_id.as_str().to_owned(),
            status: ReadStatus::from_wire(&req.mm_status),
            time_stamp: req.time_stamp.unwrap_or(now),
            said: said(&req.mm_status, req.status_text.as_deref()),
            odd: String::new(),
            received_at: now,
        })
    }
}
