//! Media.

use bytes::Bytes;
use posthouse_core::{Id, store::StoreError};

use super::{
    Backend,
    bed::{Bed, message, with_media},
};

/// Bytes that tell where they were taken from.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_le_bytes()[7]
    };
    std::iter::repeat_with(next).take(length).collect()
}

async fn accept(bed: &Bed, parts: &[Vec<u8>]) -> Id {
    let new = with_media(message(0), parts);
    let id = new.id;
    bed.accept(&new).await.unwrap();
    id
}

async fn assert_reads(bed: &Bed, id: Id, parts: &[Vec<u8>]) {
    let expected: Vec<Bytes> = parts.iter().cloned().map(Bytes::from).collect();
    assert!(bed.media(id).await.unwrap() == expected, "the media of {id} differ");
}

/// Small, large, empty, in order.
pub async fn media_read_back_part_by_part(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    for sizes in [&[10, 20][..], &[0], &[0, 5, 0], &[16 << 10], &[(16 << 10) + 1], &[1, 300_000, 7]] {
        let parts: Vec<_> = sizes.iter().map(|size| noise(*size as u64, *size)).collect();
        let id = accept(&bed, &parts).await;
        assert_reads(&bed, id, &parts).await;
    }
}

/// None are not missing ones.
pub async fn a_message_without_media_has_none(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let id = accept(&bed, &[]).await;
    assert_eq!(bed.media(id).await, Ok(vec![]));
}

/// Nor is there a message.
pub async fn media_of_an_unknown_message_are_not_found(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    assert_eq!(bed.media(message(0).id).await, Err(StoreError::NotFound("message")));
}

/// Many at once, each its own.
pub async fn large_media_read_back_while_others_are_written(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let bodies: Vec<_> = (0..40).map(|seed| vec![noise(seed as u64, 20_000 + 997 * seed)]).collect();
    let ids = accept_all(&bed, &bodies).await;
    for (id, parts) in ids.into_iter().zip(&bodies) {
        assert_reads(&bed, id, parts).await;
    }
}

/// Accepts all of them at once.
async fn accept_all(bed: &Bed, bodies: &[Vec<Vec<u8>>]) -> Vec<Id> {
    let mut ids = Vec::new();
    for pair in bodies.chunks(4) {
        let [a, b, c, d] = pair else { panic!("a multiple of four") };
        let (a, b, c, d) = tokio::join!(accept(bed, a), accept(bed, b), accept(bed, c), accept(bed, d));
        ids.extend([a, b, c, d]);
    }
    ids
}
