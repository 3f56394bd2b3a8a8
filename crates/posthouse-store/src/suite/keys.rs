//! When keys were last used.

use super::{
    Backend,
    bed::{Bed, at},
};

/// The latest time counts, whoever tells it first.
pub async fn the_last_use_of_a_key_reads_back(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    let (one, other, never) = ("0a".to_owned(), "0b".to_owned(), "0c".to_owned());
    bed.note_keys_used(&[]).await.unwrap();
    bed.note_keys_used(&[(one.clone(), at(60)), (other.clone(), at(60))]).await.unwrap();
    bed.note_keys_used(&[(one.clone(), at(120)), (other.clone(), at(30))]).await.unwrap();
    let bed = bed.reopen(backend).await;
    let used = bed.keys_used(&[one.clone(), never, other.clone()]).await.unwrap();
    assert_eq!(used, [(one, at(120)), (other, at(60))]);
}
