//! What a supervisor that waits for it is told: systemd's protocol of `Type=notify`, a datagram to `$NOTIFY_SOCKET`.

use std::{
    env,
    ffi::OsStr,
    io,
    os::unix::{
        ffi::OsStrExt as _,
        net::{SocketAddr, UnixDatagram},
    },
};

/// Where a supervisor says that it listens.
const SOCKET: &str = "NOTIFY_SOCKET";

/// Everything is open, and recovery is done.
pub(crate) const READY: &str = "READY=1";
/// It was told to stop.
pub(crate) const STOPPING: &str = "STOPPING=1";

/// Tells it; where there is none that listens, nothing is told. One that cannot be told is noted in the log.
pub(crate) fn tell(state: &str) {
    let Some(socket) = env::var_os(SOCKET).filter(|socket| !socket.is_empty()) else { return };
    if let Err(error) = send(&socket, state) {
        tracing::warn!(%error, state, "the supervisor at $NOTIFY_SOCKET was not told");
    }
}

fn send(socket: &OsStr, state: &str) -> io::Result<()> {
    let address = address(socket)?;
    let ours = UnixDatagram::unbound()?;
    // What does not go at once is not worth that a gateway waits for it.
    ours.set_nonblocking(true)?;
    ours.send_to_addr(state.as_bytes(), &address).map(drop)
}

/// A path, or behind an `@` the name of a socket that has none.
fn address(socket: &OsStr) -> io::Result<SocketAddr> {
    #[cfg(target_os = "linux")]
    if let Some(name) = socket.as_bytes().strip_prefix(b"@") {
        use std::os::linux::net::SocketAddrExt as _;
        return SocketAddr::from_abstract_name(name);
    }
    SocketAddr::from_pathname(socket)
}
