//! What is written is read again exactly, and without complaint: every message, every namespace.

use crate::messages::{message, name};
use mm7::{Decoded, Framing, Limits, Namespace, SeenNamespace, TransactionId, Version, decode, encode};
use proptest::collection::vec;
use proptest::prelude::*;

fn read(xml: &[u8]) -> Decoded {
    decode(xml, Some("utf-8"), &Limits::default()).unwrap()
}

proptest! {
    // A failing case is turned into a test of its own, not kept in a file.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_message_comes_back_exactly(message in message(), id in name()) {
        let id = TransactionId::new(&id).unwrap();
        let framing = Framing::new(Namespace::LATEST, Version::V6_8_0, Some(id.clone()));
        let decoded = read(&encode(&message, &framing));
        prop_assert_eq!(&decoded.errors, &[]);
        prop_assert_eq!(decoded.transaction_id, Some(id));
        prop_assert_eq!(decoded.namespace, SeenNamespace::Known(Namespace::LATEST));
        prop_assert_eq!(decoded.operation.as_deref(), Some(message.name()));
        prop_assert_eq!(decoded.message, Some(message));
    }

    /// What Release 5 does not have is not written in it, and what is left is read without complaint.
    #[test]
    fn release_5_gets_nothing_that_it_lacks(message in message(), number in 0u8..6) {
        let id = TransactionId::new("t").ok();
        let decoded = read(&encode(&message, &Framing::new(Namespace::Rel5(number), Version::V5_3_0, id)));
        prop_assert_eq!(&decoded.errors, &[]);
        // Written again it stays as it is.
        let again = Framing::answering(&decoded);
        let written = decoded.message.map(|message| encode(&message, &again)).unwrap_or_default();
        prop_assert_eq!(read(&written).errors, &[]);
    }

    #[test]
    fn any_bytes_end_in_a_value_or_an_error(bytes in vec(any::<u8>(), 0..400)) {
        let _ = decode(&bytes, None, &Limits::default());
    }

    /// Envelopes with a few bytes changed.
    #[test]
    fn damaged_envelopes_end_in_a_value_or_an_error(
        message in message(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut xml = encode(&message, &Framing::new(Namespace::LATEST, Version::V6_8_0, TransactionId::new("t").ok()));
        for (index, byte) in damage {
            let index = index.index(xml.len());
            xml[index] = byte;
        }
        if let Ok(decoded) = decode(&xml, None, &Limits::default()) {
            prop_assert!(decoded.errors.iter().all(|error| error.offset <= xml.len()));
            prop_assert!(decoded.errors.is_sorted_by_key(|error| error.offset));
        }
    }
}
