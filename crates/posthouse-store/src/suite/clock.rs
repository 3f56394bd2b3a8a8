//! What is known of the time.

use posthouse_core::store::ClockMarks;

use super::{
    Backend,
    bed::{Bed, at, operator},
};

/// Each the newest that was noted, also after the next start.
pub async fn times_are_noted(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    assert_eq!(bed.clock().await, Ok(ClockMarks::default()));
    bed.note_seen(at(5)).await.unwrap();
    bed.note_seen(at(3)).await.unwrap();
    bed.confirm_clock(&operator(), at(90)).await.unwrap();
    let noted = ClockMarks { seen: Some(at(3)), confirmed: Some(at(90)) };
    assert_eq!(bed.clock().await, Ok(noted));
    let bed = bed.reopen(backend).await;
    assert_eq!(bed.clock().await, Ok(noted));
}
