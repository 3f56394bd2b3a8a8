//! Nodes in network namespaces of their own: each has one link to its database and one to everybody else, and either can be cut, as by a
//! cable that is pulled. Needs root and `ip`.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, UnixStream},
    task::JoinHandle,
};

/// The network of one test.
pub struct Network {
    /// Tells it from those of other tests of this machine.
    number: u8,
    nodes: usize,
    /// Passes connections on to the database, from where nodes reach it.
    passing: JoinHandle<()>,
    database: SocketAddr,
}

impl Network {
    /// Builds it for so many nodes, which reach the database behind this socket; `None`, after a line that says so, where that cannot be.
    pub async fn build(test: &str, nodes: usize, socket: PathBuf) -> Option<Self> {
        let Some(number) = take_number() else {
            println!("{test} did not run: it needs root, and ip netns");
            return None;
        };
        // From here on all is removed at the end, whatever happens.
        let closed = tokio::spawn(async {});
        let mut network =
            Self { number, nodes, passing: closed, database: SocketAddr::from(([0, 0, 0, 0], 0)) };
        for (side, subnet) in ["d", "o"].into_iter().zip([78, 77]) {
            let bridge = format!("ph{number}{side}");
            let own = format!("10.{subnet}.{number}.1/24");
            let made = ip(&["link", "add", &bridge, "type", "bridge"])
                && ip(&["addr", "add", &own, "dev", &bridge])
                && ip(&["link", "set", &bridge, "up"])
                && (0..nodes).all(|node| network.connect(node, side, subnet));
            assert!(made, "the network of a test cannot be built");
        }
        let listener = TcpListener::bind((Ipv4Addr::new(10, 78, number, 1), 0)).await.unwrap();
        network.database = listener.local_addr().unwrap();
        network.passing = tokio::spawn(async move {
            while let Ok((mut front, _)) = listener.accept().await {
                let socket = socket.clone();
                tokio::spawn(async move {
                    // Either side may break it off.
                    if let Ok(mut back) = UnixStream::connect(socket).await {
                        let _ = copy_bidirectional(&mut front, &mut back).await;
                    }
                });
            }
        });
        Some(network)
    }

    fn connect(&self, node: usize, side: &str, subnet: u8) -> bool {
        let (number, namespace) = (self.number, self.namespace(node));
        let (outer, inner) = (self.link(node, side), format!("{side}{node}"));
        let address = format!("10.{subnet}.{number}.{}/24", 10 + node);
        (node == 0 || side == "o" || ip(&["netns", "add", &namespace]))
            && ip(&["link", "add", &outer, "type", "veth", "peer", "name", &inner, "netns", &namespace])
            && ip(&["link", "set", &outer, "master", &format!("ph{number}{side}"), "up"])
            && ip(&["-n", &namespace, "addr", "add", &address, "dev", &inner])
            && ip(&["-n", &namespace, "link", "set", &inner, "up"])
            && ip(&["-n", &namespace, "link", "set", "lo", "up"])
    }

    fn namespace(&self, node: usize) -> String {
        format!("ph{}-{node}", self.number)
    }

    fn link(&self, node: usize, side: &str) -> String {
        format!("ph{}{side}{node}", self.number)
    }

    /// Where nodes, and this process, reach the database.
    pub const fn database(&self) -> SocketAddr {
        self.database
    }

    /// Where nodes reach what this process has open.
    pub const fn outside(&self) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(10, 77, self.number, 1))
    }

    /// Where a node is reached.
    pub fn address(&self, node: usize) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(10, 77, self.number, 10 + u8::try_from(node).unwrap()))
    }

    /// A program, in the namespace of a node.
    pub fn within(&self, node: usize, program: &Command) -> Command {
        let mut within = Command::new("ip");
        within
            .args(["netns", "exec", &self.namespace(node)])
            .arg(program.get_program())
            .args(program.get_args());
        within.current_dir(program.get_current_dir().unwrap());
        for (name, value) in program.get_envs() {
            within.env(name, value.unwrap_or_default());
        }
        within
    }

    /// Cuts a node off from its database, or joins it again.
    pub fn cut_from_database(&self, node: usize, is_cut: bool) {
        let state = if is_cut { "down" } else { "up" };
        assert!(ip(&["link", "set", &self.link(node, "d"), state]));
    }

    /// Cuts a node off from carriers, VASPs and operators, or joins it again.
    pub fn cut_from_others(&self, node: usize, is_cut: bool) {
        let state = if is_cut { "down" } else { "up" };
        assert!(ip(&["link", "set", &self.link(node, "o"), state]));
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.passing.abort();
        for node in 0..self.nodes {
            for side in ["d", "o"] {
                ip(&["link", "del", &self.link(node, side)]);
            }
            ip(&["netns", "del", &self.namespace(node)]);
        }
        for side in ["d", "o"] {
            ip(&["link", "del", &format!("ph{}{side}", self.number)]);
        }
    }
}

/// A number that no other test of this machine has, which its first namespace says; `None` where there are no namespaces to be had.
fn take_number() -> Option<u8> {
    let first = u8::try_from(std::process::id() % 250).unwrap_or(0);
    for number in (first..250).chain(0..first) {
        let name = format!("ph{number}-0");
        if ip(&["netns", "add", &name]) {
            return Some(number);
        }
        if !Path::new("/run/netns").join(&name).exists() {
            return None;
        }
    }
    None
}

fn ip(arguments: &[&str]) -> bool {
    let mut ip = Command::new("ip");
    let quiet = ip.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}
