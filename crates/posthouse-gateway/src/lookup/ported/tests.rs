use std::{fmt::Write as _, mem::size_of};

use super::*;

fn read(text: &str) -> Result<Ported, String> {
    Ported::read(text.as_bytes()).map_err(|error| error.to_string())
}

fn carrier(ported: &Ported, number: &str) -> Option<String> {
    ported.carrier(&Msisdn::parse(number, false).unwrap()).map(ToString::to_string)
}

#[test]
fn numbers_are_found_whatever_their_order() {
    let text = "\u{feff}msisdn,carrier\r\n16175550102,31002\r\n\r\n +16175550101 , 31003 \r\n999999999999999,vzw\r\n1234567,31003";
    let ported = read(text).unwrap();
    assert_eq!(ported.len(), 4);
    for (number, expected) in [
        ("16175550101", Some("31003")),
        ("16175550102", Some("31002")),
        ("999999999999999", Some("vzw")),
        ("1234567", Some("31003")),
        ("16175550100", None),
        ("16175550103", None),
        ("161755501011", None),
    ] {
        assert_eq!(carrier(&ported, number).as_deref(), expected, "{number}");
    }
    assert!(read("").unwrap().is_empty());
    assert!(read("msisdn,carrier\n").unwrap().is_empty());
}

#[test]
fn the_last_line_of_a_number_counts() {
    let ported = read("16175550101,a\n16175550102,z\n16175550101,b\n16175550101,a\n16175550102,b\n").unwrap();
    assert_eq!(ported.len(), 2);
    assert_eq!(carrier(&ported, "16175550101").as_deref(), Some("a"));
    assert_eq!(carrier(&ported, "16175550102").as_deref(), Some("b"));
}

#[test]
fn a_mistake_has_its_line_and_shows_no_number() {
    let number = "does not begin with an international number";
    let name = "does not end with a carrier's id or alias";
    for (text, expected) in [
        ("16175550101,31003\n16175550102", "line 2: is not number,carrier"),
        ("16175550101,31003\n\n16175550102;31003\n", "line 3: is not number,carrier"),
        ("06175550101,31003", &*format!("line 1: {number}")),
        ("1617,31003", &format!("line 1: {number}")),
        ("16175550101,31003\nmsisdn,carrier\n", &format!("line 2: {number}")),
        (",31003\n,31003", &format!("line 2: {number}")),
        ("16175550101,\n", &format!("line 1: {name}")),
        ("16175550101,31003,x\n", &format!("line 1: {name}")),
        ("16175550101,\"31003\"\n", &format!("line 1: {name}")),
        (&format!("16175550101,{}\n", "x".repeat(250)), "line 1: is longer than 256 bytes"),
    ] {
        assert_eq!(read(text).unwrap_err(), expected, "{text:?}");
    }
    assert_eq!(Ported::read(&b"16175550101,\xff\n"[..]).unwrap_err().to_string(), "line 1: is not UTF-8");
    let many: String = (0..16_385).map(|name| format!("16175550101,{name}\n")).collect();
    assert_eq!(read(&many).unwrap_err(), "line 16385: names one carrier more than there can be");
}

/// 1,000,000 numbers in an order that is not theirs.
fn million() -> String {
    let mut text = String::new();
    for at in 0..1_000_000_u64 {
        let last = at * 7919 % 1_000_000;
        writeln!(text, "1617{last:07},{}", 31000 + last % 700).unwrap();
    }
    text
}

#[test]
fn a_million_numbers_cost_eight_bytes_each() {
    let ported = read(&million()).unwrap();
    assert_eq!(ported.len(), 1_000_000);
    // The names are 700 in all, however many numbers there are.
    assert_eq!(ported.words.capacity() * size_of::<PackedNumber>(), 8_000_000);
    for last in (0..1_000_000).step_by(9973) {
        let number = format!("1617{last:07}");
        assert_eq!(carrier(&ported, &number), Some((31000 + last % 700).to_string()));
    }
}

/// A folder with a file of ported numbers, and what follows it.
struct Bed {
    folder: tempfile::TempDir,
    shelf: PortedNumbers,
    follower: Follower,
}

impl Bed {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            shelf: PortedNumbers::default(),
            follower: Follower::default(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("ported.csv")
    }

    fn write(&self, text: &str) {
        std::fs::write(self.path(), text).unwrap();
    }

    async fn look(&mut self) {
        let path = self.path();
        self.follower.look(&self.shelf, Some(&path)).await;
    }

    fn carrier(&self, number: &str) -> Option<String> {
        carrier(&*self.shelf.get(&self.path())?, number)
    }
}

#[tokio::test]
async fn a_changed_file_is_read_again_and_an_unchanged_one_is_not() {
    let mut bed = Bed::new();
    bed.look().await;
    assert!(bed.shelf.get(&bed.path()).is_none());
    bed.write("16175550101,31003\n");
    bed.look().await;
    assert_eq!(bed.carrier("16175550101").as_deref(), Some("31003"));
    let first = bed.shelf.get(&bed.path()).unwrap();
    bed.look().await;
    assert!(Arc::ptr_eq(&first, &bed.shelf.get(&bed.path()).unwrap()));
    bed.write("16175550101,31002\n16175550102,31003\n");
    bed.look().await;
    assert_eq!(bed.carrier("16175550101").as_deref(), Some("31002"));
    // Readers keep what they began with.
    assert_eq!(carrier(&first, "16175550101").as_deref(), Some("31003"));
}

#[tokio::test]
async fn a_broken_or_missing_file_leaves_the_last_one_in_force() {
    let mut bed = Bed::new();
    bed.write("16175550101,31003\n");
    bed.look().await;
    bed.write("16175550101,31002\nrubbish\n");
    bed.look().await;
    assert_eq!(bed.carrier("16175550101").as_deref(), Some("31003"));
    std::fs::remove_file(bed.path()).unwrap();
    bed.look().await;
    assert_eq!(bed.carrier("16175550101").as_deref(), Some("31003"));
    bed.write("16175550101,31009\n");
    bed.look().await;
    assert_eq!(bed.carrier("16175550101").as_deref(), Some("31009"));
}

#[tokio::test]
async fn another_files_numbers_do_not_count() {
    let mut bed = Bed::new();
    bed.write("16175550101,31003\n");
    bed.look().await;
    let other = bed.folder.path().join("other.csv");
    assert!(bed.shelf.get(&other).is_none());
    std::fs::write(&other, "16175550102,31003\n").unwrap();
    bed.follower.look(&bed.shelf, Some(&other)).await;
    assert!(bed.shelf.get(&bed.path()).is_none());
    assert_eq!(bed.shelf.get(&other).unwrap().len(), 1);
    bed.follower.look(&bed.shelf, None).await;
    assert!(bed.shelf.get(&other).is_none());
}
