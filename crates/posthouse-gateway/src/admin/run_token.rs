//! The token of a run: without a configured admin token, the API requires one that is drawn at each start. It is in a file beside the
//! database that only the gateway's own user can read.

use std::{
    fs, io,
    io::{Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// Read and written by the gateway's own user alone.
const MODE: u32 = 0o600;
/// The longest token that is read, in bytes.
const MAX_BYTES: u64 = 1024;

/// The file beside the store that holds it.
pub fn token_file(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".gateway.token");
    name.into()
}

/// Writes it into a new file: a leftover file might be readable by others.
///
/// # Errors
/// What the system says.
pub fn write(file: &Path, token: &str) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(MODE).open(file)?;
    writeln!(file, "{token}")
}

/// Reads it; `None` when there is none, or it may not be read.
pub fn read(file: &Path) -> Option<String> {
    let mut text = String::new();
    fs::File::open(file).ok()?.take(MAX_BYTES).read_to_string(&mut text).ok()?;
    Some(text.trim_end().to_owned()).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn it_is_for_its_own_user_alone_whatever_lay_there() {
        let folder = tempfile::tempdir().unwrap();
        let file = token_file(&folder.path().join("posthouse.db"));
        assert_eq!(read(&file), None);
        fs::write(&file, "an old one, longer than the new one").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        write(&file, "hush").unwrap();
        assert_eq!(file.file_name().and_then(|name| name.to_str()), Some("posthouse.db.gateway.token"));
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(read(&file).as_deref(), Some("hush"));
    }
}
