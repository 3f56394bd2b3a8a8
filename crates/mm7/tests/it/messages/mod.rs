//! Messages of every kind with anything in them that the wire can carry.

use mm7::message::*;
use mm7::{Address, Message, MessageId, Period, VasId, VaspId, When};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Any text that XML can carry, line breaks, blanks at the ends and markup among it.
fn text() -> impl Strategy<Value = String> {
    let special = prop::sample::select(vec![
        '<', '>', '&', '"', '\'', '\r', '\n', '\t', ' ', ']', '😀', '\u{fffd}', 'é', '你',
    ]);
    let character = prop_oneof![3 => special, 5 => any::<char>().prop_filter("XML", |c| {
        !matches!(c, '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
    })];
    vec(character, 0..12).prop_map(String::from_iter)
}

/// A text without blanks at its ends, since peers pad these.
fn trimmed() -> impl Strategy<Value = String> {
    text().prop_map(|text| text.trim().to_owned())
}

pub fn name() -> impl Strategy<Value = String> {
    trimmed().prop_filter("not empty", |text| !text.is_empty())
}

fn message_id() -> impl Strategy<Value = Option<MessageId>> {
    option::of(name().prop_map(|id| MessageId::new(&id).unwrap()))
}

fn timestamp() -> impl Strategy<Value = jiff::Timestamp> {
    (-62_135_596_800i64..253_402_200_000, prop_oneof![Just(0), 0..1_000_000_000])
        .prop_map(|(second, nanosecond)| jiff::Timestamp::new(second, nanosecond).unwrap())
}

fn when() -> impl Strategy<Value = When> {
    let period = (0..=Period::MAX_MONTHS, 0..=Period::MAX_SECONDS);
    let period = period.prop_map(|(months, seconds)| When::After(Period::new(months, seconds).unwrap()));
    prop_oneof![timestamp().prop_map(When::At), period]
}

fn address() -> impl Strategy<Value = Address> {
    (0..3, name()).prop_map(|(kind, text)| match kind {
        0 => Address::Number(text),
        1 => Address::ShortCode(text),
        _ => Address::Rfc2822Address(text),
    })
}

fn attributes() -> impl Strategy<Value = AddressAttributes> {
    (any::<bool>(), option::of(prop::sample::select(AddressCoding::ALL))).prop_map(
        |(display_only, coding)| AddressAttributes { display_only, coding, ..AddressAttributes::default() },
    )
}

fn addressed() -> impl Strategy<Value = (Option<Address>, AddressAttributes)> {
    option::of((address(), attributes())).prop_map(|found| match found {
        Some((address, attributes)) => (Some(address), attributes),
        None => (None, AddressAttributes::default()),
    })
}

fn required_address() -> impl Strategy<Value = (Option<Address>, AddressAttributes)> {
    (address(), attributes()).prop_map(|(address, attributes)| (Some(address), attributes))
}

fn recipients() -> impl Strategy<Value = Vec<Recipient>> {
    let kind = prop::sample::select(vec![RecipientKind::To, RecipientKind::Cc, RecipientKind::Bcc]);
    let recipient = (kind, address(), attributes()).prop_map(|(kind, address, attributes)| Recipient {
        kind,
        address,
        display_only: attributes.display_only,
        coding: attributes.coding,
        id: None,
    });
    vec(recipient, 0..4).prop_map(|mut recipients| {
        for (index, recipient) in recipients.iter_mut().enumerate() {
            recipient.id = (index % 2 == 1).then(|| format!("r{index}"));
        }
        recipients
    })
}

fn content() -> impl Strategy<Value = Option<Content>> {
    let content = (name(), option::of(any::<bool>()))
        .prop_map(|(href, allow_adaptations)| Content { href: Some(href), allow_adaptations });
    option::of(content)
}

fn status() -> impl Strategy<Value = Status> {
    (1..=u32::MAX, text(), option::of(text())).prop_map(|(code, text, details)| Status {
        code,
        text,
        details,
    })
}

fn sender() -> impl Strategy<Value = SenderIdentification> {
    let vaspid = option::of(name().prop_map(|id| VaspId::new(&id).unwrap()));
    let vasid = option::of(name().prop_map(|id| VasId::new(&id).unwrap()));
    (vaspid, vasid, addressed()).prop_map(|(vaspid, vasid, (address, attributes))| SenderIdentification {
        vaspid,
        vasid,
        address,
        attributes,
    })
}

fn application() -> impl Strategy<Value = ApplicationIds> {
    let ids = (option::of(trimmed()), option::of(trimmed()), option::of(trimmed()));
    ids.prop_map(|(applic_id, reply_applic_id, aux_applic_info)| ApplicationIds {
        applic_id,
        reply_applic_id,
        aux_applic_info,
    })
}

fn charged_party() -> impl Strategy<Value = ChargedParty> {
    prop::sample::select(vec![
        ChargedParty::Sender,
        ChargedParty::Recipient,
        ChargedParty::Both,
        ChargedParty::Neither,
        ChargedParty::ThirdParty,
    ])
}

fn flag() -> impl Strategy<Value = Option<bool>> {
    option::of(any::<bool>())
}

fn capabilities() -> impl Strategy<Value = Option<UaCapabilities>> {
    let capabilities = (option::of(text()), option::of(when()));
    option::of(capabilities.prop_map(|(ua_prof, time_stamp)| UaCapabilities { ua_prof, time_stamp }))
}

fn submit_req() -> impl Strategy<Value = SubmitReq> {
    let charging = (option::of(1..u64::MAX), option::of(when()))
        .prop_map(|(size, deadline)| ReplyCharging { size, deadline });
    let head = (sender(), recipients(), option::of(trimmed()), message_id(), content());
    let times = (option::of(timestamp()), option::of(when()), option::of(when()), option::of(charging));
    let flags = (flag(), flag(), flag(), flag());
    let kinds = (
        option::of(prop::sample::select(MessageClass::ALL)),
        option::of(prop::sample::select(Priority::ALL)),
        option::of(prop::sample::select(ContentClass::ALL)),
        option::of(charged_party()),
    );
    let texts = (option::of(text()), option::of(trimmed()), vec(1..u32::MAX, 0..3), application());
    (head, times, flags, kinds, texts).prop_map(|(head, times, flags, kinds, texts)| {
        let (sender, recipients, service_code, linked_id, content) = head;
        SubmitReq {
            sender,
            recipients,
            service_code,
            linked_id,
            message_class: kinds.0,
            time_stamp: times.0,
            reply_charging: times.3,
            earliest_delivery_time: times.1,
            expiry_date: times.2,
            delivery_report: flags.0,
            read_reply: flags.1,
            priority: kinds.1,
            subject: texts.0,
            charged_party: kinds.3,
            charged_party_id: texts.1,
            distribution_indicator: flags.2,
            delivery_condition: texts.2,
            application: texts.3,
            content_class: kinds.2,
            drm_content: flags.3,
            content,
        }
    })
}

fn deliver_req() -> impl Strategy<Value = DeliverReq> {
    let sequence = || option::of(1..u32::MAX);
    let agent = (address(), attributes(), sequence()).prop_map(|(address, attributes, sequence)| UserAgent {
        address,
        attributes,
        sequence,
    });
    let sent_at = (when(), sequence()).prop_map(|(when, sequence)| SentAt { when, sequence });
    let head = (sender(), option::of(trimmed()), message_id(), required_address(), recipients());
    let previous = (vec(agent, 0..3), vec(sent_at, 0..3), option::of(trimmed()), option::of(trimmed()));
    let rest = (option::of(timestamp()), message_id(), option::of(prop::sample::select(Priority::ALL)));
    let tail = (option::of(text()), application(), capabilities(), content());
    (head, previous, rest, tail).prop_map(|(head, previous, rest, tail)| {
        let (vasp, relay_server_id, linked_id, (sender, sender_attributes), recipients) = head;
        let (subject, application, ua_capabilities, content) = tail;
        DeliverReq {
            relay_server_id,
            vaspid: vasp.vaspid,
            vasid: vasp.vasid,
            linked_id,
            sender,
            sender_attributes,
            recipients,
            previously_sent_by: previous.0,
            previously_sent_date_and_time: previous.1,
            sender_spi: previous.2,
            recipient_spi: previous.3,
            time_stamp: rest.0,
            reply_charging_id: rest.1,
            priority: rest.2,
            subject,
            application,
            ua_capabilities,
            content,
        }
    })
}

fn some_id() -> impl Strategy<Value = Option<MessageId>> {
    name().prop_map(|id| Some(MessageId::new(&id).unwrap()))
}

fn delivery_report_req() -> impl Strategy<Value = DeliveryReportReq> {
    let head = (option::of(trimmed()), some_id(), required_address(), required_address(), timestamp());
    let status = (trimmed(), option::of(prop::sample::select(MmStatusExtension::ALL)), option::of(text()));
    (head, status, application(), capabilities()).prop_map(|(head, status, application, ua_capabilities)| {
        let (
            relay_server_id,
            message_id,
            (recipient, recipient_attributes),
            (sender, sender_attributes),
            date,
        ) = head;
        DeliveryReportReq {
            mm: ReportedMm {
                relay_server_id,
                message_id,
                recipient,
                recipient_attributes,
                sender,
                sender_attributes,
            },
            date: Some(date),
            mm_status: status.0,
            mm_status_extension: status.1,
            status_text: status.2,
            application,
            ua_capabilities,
        }
    })
}

fn read_reply_req() -> impl Strategy<Value = ReadReplyReq> {
    delivery_report_req().prop_map(|report| ReadReplyReq {
        mm: report.mm,
        time_stamp: report.date,
        mm_status: report.mm_status,
        status_text: report.status_text,
        application: report.application,
    })
}

fn cancel_req() -> impl Strategy<Value = CancelReq> {
    (sender(), some_id(), application()).prop_map(|(sender, message_id, application)| CancelReq {
        sender,
        message_id,
        application,
    })
}

fn replace_req() -> impl Strategy<Value = ReplaceReq> {
    (submit_req(), some_id()).prop_map(|(submit, message_id)| ReplaceReq {
        sender: submit.sender,
        message_id,
        service_code: submit.service_code,
        time_stamp: submit.time_stamp,
        read_reply: submit.read_reply,
        earliest_delivery_time: submit.earliest_delivery_time,
        distribution_indicator: submit.distribution_indicator,
        content_class: submit.content_class,
        drm_content: submit.drm_content,
        application: submit.application,
        content: submit.content,
    })
}

fn extended_replace_req() -> impl Strategy<Value = ExtendedReplaceReq> {
    submit_req().prop_map(|submit| ExtendedReplaceReq {
        vaspid: submit.sender.vaspid,
        vasid: submit.sender.vasid,
        service_code: submit.service_code,
        replace_id: submit.linked_id,
        time_stamp: submit.time_stamp,
        earliest_delivery_time: submit.earliest_delivery_time,
        expiry_date: submit.expiry_date,
        read_reply: submit.read_reply,
        delivery_report: submit.delivery_report,
        content: submit.content,
    })
}

fn fault() -> impl Strategy<Value = Fault> {
    let code = prop_oneof![
        Just(FaultCode::Client),
        Just(FaultCode::Server),
        Just(FaultCode::VersionMismatch),
        Just(FaultCode::MustUnderstand),
        Just(FaultCode::ClientTransactionId),
        Just(FaultCode::Other("Sender".to_owned())),
    ];
    let detail = (any::<bool>(), status()).prop_map(|(is_relay, status)| match is_relay {
        true => FaultDetail::RsErrorRsp(ErrorRsp { status }),
        false => FaultDetail::VaspErrorRsp(ErrorRsp { status }),
    });
    (code, text(), option::of(detail)).prop_map(|(code, string, detail)| Fault { code, string, detail })
}

fn response() -> impl Strategy<Value = Message> {
    (0..9, status(), message_id(), option::of(trimmed())).prop_map(
        |(kind, status, message_id, service_code)| match kind {
            0 => Message::SubmitRsp(SubmitRsp { status, message_id }),
            1 => Message::DeliverRsp(DeliverRsp { status, service_code }),
            2 => Message::CancelRsp(CancelRsp { status }),
            3 => Message::ReplaceRsp(ReplaceRsp { status }),
            4 => Message::DeliveryReportRsp(DeliveryReportRsp { status }),
            5 => Message::ReadReplyRsp(ReadReplyRsp { status }),
            6 => Message::RsErrorRsp(ErrorRsp { status }),
            7 => Message::VaspErrorRsp(ErrorRsp { status }),
            _ => Message::ExtendedReplaceRsp(ExtendedReplaceRsp { message_id, status }),
        },
    )
}

/// Any message that can be read again exactly.
pub fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        3 => submit_req().prop_map(Message::SubmitReq),
        2 => deliver_req().prop_map(Message::DeliverReq),
        1 => cancel_req().prop_map(Message::CancelReq),
        1 => replace_req().prop_map(Message::ReplaceReq),
        2 => delivery_report_req().prop_map(Message::DeliveryReportReq),
        1 => read_reply_req().prop_map(Message::ReadReplyReq),
        1 => (sender(), some_id()).prop_map(|(sender, cancel_id)| Message::ExtendedCancelReq(ExtendedCancelReq {
            sender,
            cancel_id,
        })),
        1 => status().prop_map(|status| Message::ExtendedCancelRsp(ExtendedCancelRsp { status })),
        1 => extended_replace_req().prop_map(Message::ExtendedReplaceReq),
        2 => fault().prop_map(Message::Fault),
        3 => response(),
    ]
}
