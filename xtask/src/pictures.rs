//! `cargo xtask pictures`: a picture of every page of the web UI, at the width of a desk (1440) and of a phone (390), light and dark.

use crate::failure::Failure;
use crate::invocation::Invocation;

/// Where they are left, below the root of the checkout. The test runs in its crate's folder.
const FOLDER: &str = "target/pictures";
/// The browser's tests that open every page, of operators and of an account's own people.
const TEST: Invocation = Invocation {
    env: &[("POSTHOUSE_PICTURES", "../../target/pictures")],
    args: &["test", "--package", "posthouse", "--test", "it", "--", "every_page_", "--nocapture"],
};

pub fn run() -> Result<(), Failure> {
    TEST.run()?;
    println!("pictures: they are in {FOLDER}, if there is a chromedriver");
    Ok(())
}
