//! Any bytes as an envelope.

use mm7::{DecodeError, Decoded, Limits, Rule, decode, soap};

use super::input::{Input, check_error};

/// How many findings of one rule are told at most.
const MAX_ERRORS_OF_A_RULE: usize = 32;

/// Decodes with and without the charset that the input names.
pub fn check(data: &[u8]) {
    let input = Input::read(data);
    let charset = input.content_type.as_ref().and_then(|content_type| content_type.param("charset"));
    check_result(&decode(&input.body, charset, &Limits::default()), input.body.len());
    if charset.is_some() {
        check_result(&decode(&input.body, None, &Limits::default()), input.body.len());
    }
    let forgiving = soap::decode_forgiving(&input.body, charset, &Limits::default());
    check_result(&forgiving, input.body.len());
    if let Ok(decoded) = decode(&input.body, charset, &Limits::default()) {
        let reads_no_less = forgiving.is_ok_and(|found| found.message.is_some() || decoded.message.is_none());
        assert!(reads_no_less, "{decoded:?}");
    }
    // Limits that are reached soon are kept as well as the large ones.
    let tight =
        Limits { max_depth: 4, max_attributes: 2, max_text: 16, max_envelope: 1000, ..Limits::default() };
    check_result(&decode(&input.body, charset, &tight), input.body.len());
    check_result(&soap::decode_forgiving(&input.body, charset, &tight), input.body.len());
}

fn check_result(result: &Result<Decoded, DecodeError>, length: usize) {
    match result {
        Ok(decoded) => check_decoded(decoded, length),
        Err(error) => {
            check_error(error, length);
            assert!((Rule::NotWellFormed..=Rule::EnvelopeTooLong).contains(&error.rule), "{error:?}");
        }
    }
}

fn check_decoded(decoded: &Decoded, length: usize) {
    decoded.errors.iter().for_each(|error| check_error(error, length));
    assert!(decoded.errors.is_sorted_by_key(|error| error.offset), "{:?}", decoded.errors);
    for rule in Rule::ALL {
        let count = decoded.errors.iter().filter(|error| error.rule == *rule).count();
        assert!(count <= MAX_ERRORS_OF_A_RULE, "{rule:?} is told {count} times");
    }
    assert!(decoded.operation_offset <= length && decoded.version_offset <= length);
    assert!(decoded.operation.as_ref().is_none_or(|name| name.len() <= 64));
    let is_read = decoded.message.is_some();
    let is_unreadable = [Rule::NoBody, Rule::EmptyBody, Rule::UnknownOperation]
        .iter()
        .any(|rule| decoded.errors.iter().any(|e| e.rule == *rule));
    assert!(is_read != is_unreadable, "{decoded:?}");
}
