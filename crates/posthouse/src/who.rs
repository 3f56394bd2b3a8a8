//! Who types a command: the user of the machine, as its changes tell it.

use std::fs;

use posthouse_core::actor::Actor;

use crate::target::GatewayAddress;

/// Where the names of users are.
const PASSWD: &str = "/etc/passwd";

/// Who changes the store itself, by the right to its files.
pub fn at_the_files(gateway: &GatewayAddress) -> Actor {
    Actor::at_the_files(user()).because(gateway.reason.as_deref().unwrap_or_default())
}

/// The name of the user whose process this is; `uid-1000` for one that the machine has no name for.
pub fn user() -> String {
    let uid = rustix::process::getuid().as_raw();
    let known = fs::read_to_string(PASSWD).ok().and_then(|passwd| name_in(&passwd, uid));
    known.unwrap_or_else(|| format!("uid-{uid}"))
}

/// The name of a user in lines of `name:password:uid:…`.
fn name_in(passwd: &str, uid: u32) -> Option<String> {
    let name = |line: &str| {
        let mut fields = line.split(':');
        let (name, its_uid) = (fields.next()?, fields.nth(1)?);
        (its_uid.parse() == Ok(uid) && !name.is_empty()).then(|| name.to_owned())
    };
    passwd.lines().find_map(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_the_name_of_its_line() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\n# no user\nann:x:1000:1000::/home/ann:/bin/sh\n:x:7:7\n";
        for (uid, name) in [(0, Some("root")), (1000, Some("ann")), (7, None), (8, None)] {
            assert_eq!(name_in(passwd, uid).as_deref(), name, "{uid}");
        }
    }
}
