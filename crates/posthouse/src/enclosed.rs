//! A provisioning file with the contents of the files and variables that it refers to, ready to be sent to a gateway.

use std::{collections::BTreeMap, fs, io::Read as _, path::Path};

use posthouse_api::{MAX_PROVISIONING_BYTES, ProvisioningRequest};
use posthouse_gateway::{
    admin::provisioning::outside::{self, OutsideKind, OutsideValue},
    config::ConfigFile,
};

use crate::target::environment;

/// What a PEM text begins with.
const BEGIN: &str = "-----BEGIN ";
/// How much longer a text may become as JSON: each character may be escaped.
const LONGER: usize = 2;

/// A file with what it names.
pub struct Enclosed {
    /// What is sent.
    pub request: ProvisioningRequest,
    /// Whether its text is the file's own: then its mistakes are, too.
    pub is_verbatim: bool,
}

/// Puts in what the file's variables and files hold; `None` where that cannot be done, or is too long to be sent. Lines stay as they
/// are.
pub fn enclose(document: &ConfigFile, prune: bool) -> Option<Enclosed> {
    let mut request =
        ProvisioningRequest { prune, toml: document.text.clone(), ..ProvisioningRequest::default() };
    let mut values = outside::values(&document.text);
    // From the end: what is before keeps its place.
    values.sort_by_key(|value| std::cmp::Reverse(value.span.start));
    let mut is_verbatim = true;
    for (number, value) in values.iter().enumerate() {
        let Some(text) = text_for(document, value, number, &mut request.environment)? else { continue };
        let stood = request.toml.get(value.span.clone())?;
        // A table spread over several lines is left to the direct way, which reads files itself.
        if stood.contains('\n') || !stood.starts_with(['{', '"', '\'']) {
            return None;
        }
        request.toml.replace_range(value.span.clone(), &text);
        is_verbatim = false;
    }
    let bytes: usize = request.environment.iter().map(|(name, text)| name.len() + text.len()).sum();
    let is_short = (request.toml.len() + bytes).saturating_mul(LONGER) < MAX_PROVISIONING_BYTES;
    is_short.then_some(Enclosed { request, is_verbatim })
}

/// What is to stand in the document in the place of a value that is elsewhere. The outer `None`: it cannot be had. The inner: nothing
/// has to change.
fn text_for(
    document: &ConfigFile,
    value: &OutsideValue,
    number: usize,
    variables: &mut BTreeMap<String, String>,
) -> Option<Option<String>> {
    let path = document.folder.join(&value.name);
    let text = match value.kind {
        OutsideKind::Variable => {
            // One that is not set is the document's mistake.
            variables.extend(environment(&value.name).map(|text| (value.name.clone(), text)));
            return Some(None);
        }
        OutsideKind::Followed => {
            let path = std::path::absolute(&path).ok()?;
            let is_there = fs::File::open(&path).is_ok();
            let path = serde_json::to_string(path.to_str()?).ok()?;
            return (is_there && !path.contains('\u{7f}')).then_some(Some(path));
        }
        OutsideKind::Text => read(&path)?.trim_end_matches(['\r', '\n']).to_owned(),
        OutsideKind::Pem => read(&path).filter(|text| text.trim_start().starts_with(BEGIN))?,
    };
    let name = format!("value {number} of the file");
    variables.insert(name.clone(), text);
    Some(Some(format!("{{ env = \"{name}\" }}")))
}

fn read(path: &Path) -> Option<String> {
    let most = u64::try_from(MAX_PROVISIONING_BYTES).unwrap_or(u64::MAX);
    let mut text = String::new();
    fs::File::open(path).ok()?.take(most).read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_files_hold_goes_along_and_lines_stay() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("secret"), "hush\n").unwrap();
        fs::write(folder.path().join("ca.pem"), "-----BEGIN CERTIFICATE-----\n").unwrap();
        fs::write(folder.path().join("numbers"), "").unwrap();
        let text = "[[account]]\nvaspid = { file = \"secret\" }\nname = \"a\"\n\
                    [[carrier]]\n[carrier.connection]\ntls = { ca = 'ca.pem' }\n[lookup]\nported = \"numbers\"\n";
        let document =
            ConfigFile { file: "a.toml".to_owned(), text: text.to_owned(), folder: folder.path().to_owned() };
        let Enclosed { request, is_verbatim } = enclose(&document, true).unwrap();
        let numbers = folder.path().join("numbers");
        assert_eq!(
            request.toml,
            format!(
                "[[account]]\nvaspid = {{ env = \"value 2 of the file\" }}\nname = \"a\"\n\
                 [[carrier]]\n[carrier.connection]\ntls = {{ ca = {{ env = \"value 1 of the file\" }} }}\n\
                 [lookup]\nported = \"{}\"\n",
                numbers.display()
            )
        );
        let held: Vec<_> = request.environment.values().map(String::as_str).collect();
        assert_eq!(held, ["-----BEGIN CERTIFICATE-----\n", "hush"]);
        assert!(request.prune && !is_verbatim);
    }

    #[test]
    fn what_cannot_be_had_is_left_to_others() {
        let document = |text: &str| ConfigFile {
            file: "a.toml".to_owned(),
            text: text.to_owned(),
            folder: "/nowhere/at/all".into(),
        };
        assert!(enclose(&document("vaspid = { file = \"secret\" }\n"), false).is_none());
        assert!(enclose(&document("[a.tls]\nca = \"ca.pem\"\n"), false).is_none());
        let plain = enclose(&document("vaspid = \"a\"\n"), false).unwrap();
        assert!(plain.is_verbatim);
        assert_eq!(plain.request.toml, "vaspid = \"a\"\n");
    }
}
