//! Which children an element has: the tables that the readers use, for those that explain what is wrong.

use super::fields::{Child, r5};
use super::parts::{RECIPIENTS, RESPONSE, SENDER_IDENTIFICATION, STATUS};
use super::{
    cancel, deliver, delivery_report, extended_cancel, extended_replace, read_reply, replace, submit,
};

const ADDRESSES: &[Child] = &[r5("RFC2822Address"), r5("Number"), r5("ShortCode")];

/// The children of an element, in the order of the schema; none for an element that has only text, or is not known.
pub(crate) fn children(parent: &str) -> &'static [Child] {
    match parent {
        "SubmitReq" => submit::SUBMIT_REQ,
        "SubmitRsp" => submit::SUBMIT_RSP,
        "DeliverReq" => deliver::DELIVER_REQ,
        "DeliverRsp" => deliver::DELIVER_RSP,
        "CancelReq" => cancel::CANCEL_REQ,
        "ReplaceReq" => replace::REPLACE_REQ,
        "extendedCancelReq" => extended_cancel::EXTENDED_CANCEL_REQ,
        "extendedCancelRsp" => extended_cancel::EXTENDED_CANCEL_RSP,
        "extendedReplaceReq" => extended_replace::EXTENDED_REPLACE_REQ,
        "extendedReplaceRsp" => extended_replace::EXTENDED_REPLACE_RSP,
        "DeliveryReportReq" => delivery_report::DELIVERY_REPORT_REQ,
        "ReadReplyReq" => read_reply::READ_REPLY_REQ,
        "CancelRsp" | "ReplaceRsp" | "DeliveryReportRsp" | "ReadReplyRsp" | "RSErrorRsp" | "VASPErrorRsp" => {
            RESPONSE
        }
        "Status" => STATUS,
        "SenderIdentification" => SENDER_IDENTIFICATION,
        "Recipients" => RECIPIENTS,
        "To" | "Cc" | "Bcc" | "SenderAddress" | "Sender" | "Recipient" | "UserAgent" => ADDRESSES,
        "DeliveryCondition" => submit::DELIVERY_CONDITION,
        "Previouslysentby" => deliver::PREVIOUSLY_SENT_BY,
        "Previouslysentdateandtime" => deliver::PREVIOUSLY_SENT_DATE_AND_TIME,
        _ => &[],
    }
}
