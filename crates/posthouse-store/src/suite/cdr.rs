//! Records of what ended, on their way into files.

use mm7::{MmStatus, StatusCode};
use posthouse_core::{
    Id,
    life::state::Terminal,
    store::{CdrFile, FirstAttempt, PendingRecord, RecordSubject, RecordsOf, Settlement},
};

use super::{
    Backend,
    bed::{Bed, ME, at, carrier, lease, message, mo, report, taken, with_media},
};

const ALL: RecordsOf = RecordsOf::Before(jiff::Timestamp::MAX);

fn file(name: &str, length: u64) -> CdrFile {
    CdrFile { folder: "folder-1".to_owned(), file: name.to_owned(), length }
}

async fn pending(bed: &Bed) -> Vec<PendingRecord> {
    bed.pending_records(ALL, 100).await.unwrap()
}

fn ids(records: &[PendingRecord]) -> Vec<Id> {
    records.iter().map(|record| record.id).collect()
}

/// A message that a carrier refuses, accepted then.
async fn refused(bed: &Bed, now: i64) -> Id {
    let mut new = message(now);
    new.first_attempt = FirstAttempt::Leased(lease(ME, now));
    let id = new.id;
    bed.accept(&new).await.unwrap();
    bed.begin(id, ME, "vzw-1", at(now + 30), at(now)).await.unwrap();
    let (terminal, reason) = (Terminal::Rejected, StatusCode::ServiceDenied);
    let refusal = Settlement::Refused { terminal, reason, details: None };
    bed.settle(id, ME, refusal, "no", at(now + 1)).await.unwrap();
    id
}

/// Nothing is noted for records that nobody keeps.
pub async fn no_record_is_noted_unless_records_are_kept(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    refused(&bed, 1).await;
    assert_eq!(pending(&bed).await, []);
    assert_eq!(bed.pending_record_count().await, Ok(0));
}

/// Each message that ends has one, and each that came from a handset, with what is told of it.
pub async fn what_ended_has_one_record(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    bed.keep_records(true);
    let no = refused(&bed, 1).await;
    let mut new = with_media(message(5), &[vec![7; 30], vec![8; 4]]);
    new.first_attempt = FirstAttempt::Leased(lease(ME, 5));
    let yes = new.id;
    bed.accept(&new).await.unwrap();
    bed.begin(yes, ME, "vzw-2", at(35), at(5)).await.unwrap();
    bed.settle(yes, ME, taken("c-1", 6), "1000", at(6)).await.unwrap();
    assert_eq!(ids(&pending(&bed).await), [no], "the other has not ended");
    bed.record_report(report("c-1", MmStatus::Retrieved, 8)).await.unwrap();
    bed.record_report(report("c-1", MmStatus::Retrieved, 9)).await.unwrap();
    let handset = mo("t-1", &[vec![1; 9]], 11);
    let came = handset.id;
    bed.accept_mo(handset.clone()).await.unwrap();
    bed.accept_mo(handset).await.unwrap();

    let records = pending(&bed).await;
    assert_eq!(ids(&records), [no, yes, came], "each once");
    assert_eq!(bed.pending_record_count().await, Ok(3));
    let told = |record: &PendingRecord| match &record.subject {
        RecordSubject::Message { message, connection, forwarded_at } => {
            assert_eq!(message.carrier, carrier());
            let bytes: u64 = message.submission.parts.iter().map(|part| part.bytes).sum();
            (message.state.as_str(), connection.clone(), *forwarded_at, bytes, message.attempts)
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(told(&records[0]), ("Rejected", Some("vzw-1".to_owned()), None, 0, 1));
    assert_eq!(told(&records[1]), ("Retrieved", Some("vzw-2".to_owned()), Some(at(6)), 34, 1));
    assert_eq!((records[0].at, records[1].at, records[2].at), (at(2), at(8), at(11)));
    let RecordSubject::Mo(stored) = &records[2].subject else { panic!("{:?}", records[2]) };
    assert_eq!(stored.mo.transaction_id, "t-1");
    let node = records[0].node;
    assert_eq!(ids(&bed.pending_records(RecordsOf::Node(node), 2).await.unwrap()), [no, yes], "by id");
    assert_eq!(ids(&bed.pending_records(RecordsOf::Before(at(8)), 9).await.unwrap()), [no]);
}

/// What is written goes with the length of its file; both, or neither; and a store that is opened again knows it.
pub async fn written_records_go_with_the_length_of_their_file(backend: &dyn Backend) {
    let bed = Bed::open(backend).await;
    bed.keep_records(true);
    let (one, two, three) = (refused(&bed, 1).await, refused(&bed, 3).await, refused(&bed, 5).await);
    assert_eq!(bed.cdr_file("folder-1").await, Ok(None));
    let (first, second) = (file("a", 100), file("a", 250));
    assert_eq!(bed.records_written(&[one], None, &first).await, Ok(true));
    assert_eq!(bed.cdr_file("folder-1").await, Ok(Some(first.clone())));
    assert_eq!(bed.cdr_file("folder-2").await, Ok(None));
    assert_eq!(ids(&pending(&bed).await), [two, three]);

    let bed = bed.reopen(backend).await;
    assert_eq!(bed.cdr_file("folder-1").await, Ok(Some(first.clone())));
    assert_eq!(bed.records_written(&[one, two], Some(&first), &second).await, Ok(false), "one is written");
    assert_eq!(bed.records_written(&[two], None, &second).await, Ok(false), "the file is longer");
    let elsewhere = file("b", 100);
    assert_eq!(bed.records_written(&[two], Some(&elsewhere), &second).await, Ok(false), "it is another file");
    assert_eq!(ids(&pending(&bed).await), [two, three], "nothing was changed");
    assert_eq!(bed.cdr_file("folder-1").await, Ok(Some(first.clone())));
    let next = file("b", 150);
    assert_eq!(bed.records_written(&[three, two], Some(&first), &next).await, Ok(true));
    assert_eq!(pending(&bed).await, []);
    assert_eq!(bed.cdr_file("folder-1").await, Ok(Some(next)));
}
