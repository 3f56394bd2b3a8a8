//! `cargo xtask docs`: writes the documents that follow from the code. Tests of the program say when one has drifted.

use std::fs;
use std::path::PathBuf;

use crate::failure::Failure;
use crate::invocation::Invocation;

/// Each document, and the call that prints it.
const DOCUMENTS: &[(&str, Invocation)] = &[
    (
        "docs/codes.md",
        Invocation::cargo(&["run", "--quiet", "--package", "posthouse", "--", "codes", "--markdown"]),
    ),
    (
        "docs/glossary.md",
        Invocation::cargo(&[
            "run",
            "--quiet",
            "--package",
            "posthouse",
            "--",
            "codes",
            "--glossary",
            "--markdown",
        ]),
    ),
    (
        "docs/openapi.json",
        Invocation::cargo(&[
            "run",
            "--quiet",
            "--package",
            "posthouse",
            "--features",
            "openapi",
            "--",
            "openapi",
        ]),
    ),
];

pub fn run() -> Result<(), Failure> {
    for (name, invocation) in DOCUMENTS {
        let document = invocation.read()?;
        let path = PathBuf::from(name);
        fs::write(crate::root().join(&path), document).map_err(|source| Failure::Write { path, source })?;
        println!("docs: wrote {name}");
    }
    Ok(())
}
