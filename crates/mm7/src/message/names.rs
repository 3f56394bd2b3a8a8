//! Names of answers as peers spell them.

/// The answers that peers spell in other ways, without what stands before and behind.
const ANSWERS: &[(&str, &str)] = &[
    ("VASPError", "VASPErrorRsp"),
    ("RSError", "RSErrorRsp"),
    ("Submit", "SubmitRsp"),
    ("Deliver", "DeliverRsp"),
    ("DeliveryReport", "DeliveryReportRsp"),
    ("DeliverReport", "DeliveryReportRsp"),
    ("ReadReply", "ReadReplyRsp"),
];

/// The answer that is meant by a name: China Mobile's interface has `MM7` before it, others write `Response`, or small letters.
pub(crate) fn answer_name(name: &str) -> Option<&'static str> {
    let begin = name.get(..3).filter(|begin| begin.eq_ignore_ascii_case("MM7"));
    let name = name.get(begin.map_or(0, str::len)..)?;
    let ends = |end: &str, stem: &str| {
        let halves = name.split_at_checked(stem.len());
        halves.is_some_and(|(a, b)| a.eq_ignore_ascii_case(stem) && b.eq_ignore_ascii_case(end))
    };
    let is_it =
        |(stem, _): &&(&str, &str)| ["Rsp", "Resp", "Res", "Response"].into_iter().any(|end| ends(end, stem));
    ANSWERS.iter().find(is_it).map(|(_, name)| *name)
}
