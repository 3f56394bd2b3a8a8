//! What the clients in the field learn from a refusal. They read it in ways of their own: some lose the code when the HTTP
//! status is 500, some look at faultstring alone, some at the first StatusCode wherever it stands, some fail without a
//! StatusText, and some know the class only. Each is played here with plain text search, so that it shares no mistake with the
//! code that it is to read.

use mm7::dialect::Refusal;
use mm7::message::Operation;
use mm7::{Dialect, Framing, Namespace, StatusCode, TransactionId, encode};

/// An answer as it comes over the wire.
struct Answer {
    http_status: u16,
    body: String,
}

fn refusal(dialect: &Dialect, code: StatusCode, identified: bool, namespace: Namespace) -> Answer {
    let answer = dialect.refusal(&Refusal { code, identified, operation: Operation::Submit });
    let framing = Framing::new(namespace, namespace.default_version(), TransactionId::new("t1").ok());
    let body = String::from_utf8(encode(&answer.message, &framing)).unwrap();
    Answer { http_status: answer.http_status, body }
}

/// The text of the first element of this name, prefixed or not.
fn text<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let end =
        body.match_indices(name).find(|(at, _)| body[..*at].ends_with("</") || is_prefixed_end(body, *at))?.0;
    let before = &body[..body[..end].rfind("</")?];
    Some(&before[before.rfind('>')? + 1..])
}

fn is_prefixed_end(body: &str, at: usize) -> bool {
    body[..at].ends_with(':') && body[..at].rfind('<').is_some_and(|open| body[open..].starts_with("</"))
}

/// Reads the StatusCode wherever it stands, whatever the HTTP status.
fn by_status_code(answer: &Answer) -> Option<u32> {
    text(&answer.body, "StatusCode")?.parse().ok()
}

/// Takes HTTP 500 for a broken server and looks no further.
fn by_status_code_unless_500(answer: &Answer) -> Option<u32> {
    if answer.http_status >= 500 { None } else { by_status_code(answer) }
}

/// Shows its user the faultstring, and looks for a number at its start.
fn by_faultstring(answer: &Answer) -> Option<u32> {
    text(&answer.body, "faultstring")?.split(' ').next()?.parse().ok()
}

/// Fails when there is no StatusText, which the schema asks for.
fn by_status_with_text(answer: &Answer) -> Option<u32> {
    text(&answer.body, "StatusText").filter(|text| !text.is_empty())?;
    by_status_code(answer)
}

/// Knows that the first digit is the class, and what faultcode says of whose fault it is.
fn by_class(answer: &Answer) -> Option<u32> {
    let class = by_status_code(answer)? / 1000;
    let faultcode = text(&answer.body, "faultcode");
    let agrees = faultcode.is_none_or(|code| code.ends_with(if class == 2 { "Client" } else { "Server" }));
    agrees.then_some(class)
}

/// Every refusal of a dialect, with the code that it is sent as.
fn refusals(dialect: &'static Dialect, identified: bool) -> Vec<(u32, Answer)> {
    let codes = StatusCode::ALL.iter().filter(|code| code.code() >= 2000);
    codes
        .flat_map(|code| {
            [Namespace::Rel5(0), Namespace::LATEST]
                .map(|namespace| (dialect.status(*code).code, refusal(dialect, *code, identified, namespace)))
        })
        .collect()
}

type Client = fn(&Answer) -> Option<u32>;

/// Asserts that a client learns the code of every refusal, or of none.
#[track_caller]
fn assert_learns(dialect: &'static Dialect, identified: bool, clients: &[Client], learns: bool) {
    let refusals = refusals(dialect, identified);
    assert!(refusals.len() > 80);
    for (code, answer) in refusals {
        for client in clients {
            assert_eq!(
                client(&answer),
                Some(code).filter(|_| learns),
                "{} {code}: {}",
                dialect.name,
                answer.body
            );
        }
    }
}

#[test]
fn the_default_dialect_tells_its_code_to_all_of_them() {
    let all: [Client; 4] = [by_status_code, by_status_code_unless_500, by_faultstring, by_status_with_text];
    for identified in [false, true] {
        assert_learns(Dialect::POSTHOUSE, identified, &all, true);
    }
}

#[test]
fn skycore_and_sinch_tell_it_to_all_who_look_into_the_detail() {
    for dialect in [Dialect::SKYCORE, Dialect::SINCH] {
        for identified in [false, true] {
            let into_the_detail: [Client; 3] =
                [by_status_code, by_status_code_unless_500, by_status_with_text];
            assert_learns(dialect, identified, &into_the_detail, true);
            assert_learns(dialect, identified, &[by_faultstring], false);
        }
    }
}

/// A caller that is known gets its refusal with HTTP 200 just so that no client loses it.
#[test]
fn by_the_standard_only_callers_that_are_not_known_may_lose_it() {
    let identified: [Client; 3] = [by_status_code, by_status_code_unless_500, by_status_with_text];
    assert_learns(Dialect::THREE_GPP, true, &identified, true);
    assert_learns(Dialect::THREE_GPP, true, &[by_faultstring], false);
    assert_learns(Dialect::THREE_GPP, false, &[by_status_code, by_status_with_text], true);
    assert_learns(Dialect::THREE_GPP, false, &[by_status_code_unless_500], false);
}

#[test]
fn the_class_is_the_same_wherever_it_is_read() {
    for dialect in Dialect::ALL {
        for identified in [false, true] {
            for (code, answer) in refusals(dialect, identified) {
                assert_eq!(by_class(&answer), Some(code / 1000), "{} {code}: {}", dialect.name, answer.body);
                assert_eq!(text(&answer.body, "TransactionID"), Some("t1"), "{}", answer.body);
            }
        }
    }
}

/// What is not in a Fault is told by the number alone: a client tests its class, as the standard says (clause 8.7.8.4).
#[test]
fn a_success_is_no_fault_in_any_dialect() {
    for dialect in Dialect::ALL {
        let status = dialect.status(StatusCode::Success);
        let message = Operation::Submit.response(status);
        let framing = Framing::new(Namespace::LATEST, Namespace::LATEST.default_version(), None);
        let body = String::from_utf8(encode(&message, &framing)).unwrap();
        let answer = Answer { http_status: 200, body };
        assert_eq!((by_class(&answer), text(&answer.body, "faultcode")), (Some(1), None));
    }
}
