//! Validation of envelopes against the schemas, which are not part of this project: MM7_SCHEMA_DIR names their folder.

use std::{ffi::OsString, fs, path::Path, process::Command, sync::Once};

/// Validates envelopes, each with what a failure calls it. Without MM7_SCHEMA_DIR or xmllint one line says that nothing is
/// validated.
pub fn assert_valid(envelopes: &[(String, Vec<u8>)]) {
    let Some(schemas) = schemas().filter(|_| !envelopes.is_empty()) else { return };
    let folder = tempfile::tempdir().expect("a folder for envelopes");
    let mut files = Vec::new();
    for (number, (_, xml)) in envelopes.iter().enumerate() {
        files.push(folder.path().join(format!("{number}.xml")));
        fs::write(&files[number], xml).expect("a file for an envelope");
    }
    let schema = Path::new(&schemas).join("validate-all.xsd");
    let output = Command::new("xmllint").args(["--noout", "--schema"]).arg(schema).args(&files).output();
    let output = output.expect("xmllint runs");
    if output.status.success() {
        return;
    }
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    for (file, (name, xml)) in files.iter().zip(envelopes) {
        let file = file.display().to_string();
        let wrong: Vec<_> =
            told.lines().filter(|line| line.contains(&file) && !line.ends_with(" validates")).collect();
        assert!(wrong.is_empty(), "{name}: {}\n{}", wrong.join("\n"), String::from_utf8_lossy(xml));
    }
    panic!("{told}");
}

/// The folder of the schemas, if what goes out can be validated.
#[expect(clippy::print_stdout, reason = "who reads the test's output is told what was left out")]
fn schemas() -> Option<OsString> {
    static TOLD: Once = Once::new();
    let schemas = std::env::var_os("MM7_SCHEMA_DIR").filter(|folder| !folder.is_empty());
    let missing = match &schemas {
        None => "MM7_SCHEMA_DIR is not set",
        Some(_) if Command::new("xmllint").arg("--version").output().is_err() => "xmllint is not installed",
        Some(_) => return schemas,
    };
    TOLD.call_once(|| println!("{missing}: what went out is not validated"));
    None
}
