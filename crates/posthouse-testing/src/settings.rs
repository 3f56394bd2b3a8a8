//! How a gateway in a test is configured: on free ports, with its store in a folder of the test's own.

use std::{net::SocketAddr, path::Path};

use posthouse_gateway::config::Settings;

/// For a gateway in this process: the defaults, but for ports and places.
pub fn in_folder(folder: &Path) -> Settings {
    let mut settings = Settings::default();
    settings.store.path = folder.join("posthouse.db");
    settings.media.place = folder.join("media").into();
    let free_port = SocketAddr::from(([127, 0, 0, 1], 0));
    settings.mm7.listen = free_port;
    settings.carriers.listen = free_port;
    settings.admin.listen = free_port;
    settings
}

/// For a gateway in a process of its own, whose folder is where it runs: it takes free ports and keeps everything in `data/`.
pub const TOML: &str = r#"
[store]
url = "sqlite://data/posthouse.db"
[media]
url = "file://data/media"
[mm7]
listen = "127.0.0.1:0"
read_timeout = "3s"
[carriers]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[shutdown]
grace = "1ms"
"#;
