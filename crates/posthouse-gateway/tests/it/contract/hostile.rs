//! What is made to cost a gateway its memory or its time is refused by its row, in every dialect. How much memory it costs is
//! measured in the tests of the program, memory.rs.

use super::refusals::{Case, run};
use posthouse_testing::hostile::{ACCOUNT, ALL, Hostile, ReadBefore};

fn case(hostile: &'static Hostile) -> Case {
    let case = Case::new(hostile.what, hostile.code, hostile.spoil).account(ACCOUNT);
    match hostile.seen {
        ReadBefore::Nothing => case.unread(),
        ReadBefore::Transaction => case.anonymous(),
        ReadBefore::Account => case,
    }
}

async fn run_row(row: u8) {
    let cases: Vec<Case> = ALL.iter().filter(|hostile| hostile.row == row).map(case).collect();
    assert!(!cases.is_empty());
    run(row, cases).await;
}

#[tokio::test]
async fn lengths_and_compressed_bodies() {
    for row in [1, 2, 3] {
        run_row(row).await;
    }
}

#[tokio::test]
async fn envelopes() {
    run_row(4).await;
}

#[tokio::test]
async fn recipients_and_attachments() {
    for row in [18, 23, 24] {
        run_row(row).await;
    }
    let rows = ALL.iter().map(|hostile| hostile.row);
    assert!(rows.into_iter().all(|row| [1, 2, 3, 4, 18, 23, 24].contains(&row)), "every one is sent");
}
