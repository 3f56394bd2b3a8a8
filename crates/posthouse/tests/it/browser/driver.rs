//! A browser, by WebDriver (<https://www.w3.org/TR/webdriver2/>). Of that protocol tests need five commands; a client library would bring forty
//! crates for them.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
    time::Duration,
};

use posthouse_testing::town::eventually;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    time::timeout,
};

/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser of a test's own; it ends with the test.
pub struct Browser {
    driver: Child,
    /// What the browser writes about itself.
    profile: TempDir,
    address: SocketAddr,
    session: String,
}

impl Browser {
    /// Starts chromedriver and a browser; `None`, with a line that says so, where there is none.
    #[expect(clippy::print_stderr, reason = "who runs the tests is told what was left out")]
    pub async fn start() -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new("chromedriver");
        command
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        let driver = match command.spawn() {
            Ok(driver) => driver,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                eprintln!("no chromedriver: the pages are not looked at in a browser");
                return None;
            }
            Err(error) => panic!("chromedriver: {error}"),
        };
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut browser =
            Self { driver, profile: tempfile::tempdir().unwrap(), address, session: String::new() };
        eventually("chromedriver listens", async || {
            let ready = browser.raw("GET", "/status", None).await.ok()?;
            (ready["value"]["ready"] == true).then_some(())
        })
        .await;
        let profile = format!("--user-data-dir={}", browser.profile.path().display());
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:loggingPrefs": {"browser": "ALL"},
            "goog:chromeOptions": {"args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage", profile]},
        }}});
        let begun = browser.raw("POST", "/session", Some(&wanted)).await.unwrap();
        browser.session =
            begun["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {begun}")).to_owned();
        Some(browser)
    }

    async fn raw(&self, method: &str, path: &str, body: Option<&Value>) -> io::Result<Value> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        timeout(PATIENCE, exchange(self.address, request.as_bytes())).await?
    }

    /// A command of this session.
    pub async fn command(&self, path: &str, body: Value) -> Value {
        let path = format!("/session/{}{path}", self.session);
        let mut said = self.raw("POST", &path, Some(&body)).await.unwrap();
        let value = said["value"].take();
        assert!(value.get("error").is_none(), "{path}: {value}");
        value
    }

    /// Opens a page.
    pub async fn open(&self, url: &str) {
        self.command("/url", json!({"url": url})).await;
    }

    /// What a script gives back; a promise is waited for.
    pub async fn run(&self, script: &str) -> Value {
        self.command("/execute/sync", json!({"script": script, "args": []})).await
    }

    /// Presses keys where the focus is; `\u{E007}` is Enter, `\u{E00C}` Escape.
    pub async fn press(&self, keys: &str) {
        let actions: Vec<Value> = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({"type": kind, "value": key.to_string()})))
            .collect();
        self.command("/actions", json!({"actions": [{"type": "key", "id": "keys", "actions": actions}]}))
            .await;
    }

    /// A command of the browser's own protocol.
    async fn devtools(&self, method: &str, parameters: Value) -> Value {
        self.command("/goog/cdp/execute", json!({"cmd": method, "params": parameters})).await
    }

    /// Makes the window so wide, and light or dark.
    pub async fn look(&self, width: u32, scheme: &str) {
        let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.devtools("Emulation.setEmulatedMedia", features).await;
    }

    /// Whether pages run scripts of their own.
    pub async fn scripts(&self, enabled: bool) {
        self.devtools("Emulation.setScriptExecutionDisabled", json!({"value": !enabled})).await;
    }

    /// What the console said since it was last asked.
    pub async fn console(&self) -> Vec<String> {
        let said = self.command("/se/log", json!({"type": "browser"})).await;
        said.as_array().into_iter().flatten().map(|entry| entry["message"].to_string()).collect()
    }

    /// A picture of the whole page, as PNG.
    pub async fn picture(&self) -> Vec<u8> {
        use base64::{Engine as _, prelude::BASE64_STANDARD};
        let taken = self.devtools("Page.captureScreenshot", json!({"captureBeyondViewport": true})).await;
        BASE64_STANDARD.decode(taken["data"].as_str().unwrap()).unwrap()
    }
}

/// One request and its answer. chromedriver says how long that is, and leaves the connection open.
async fn exchange(server: SocketAddr, request: &[u8]) -> io::Result<Value> {
    let mut stream = BufReader::new(TcpStream::connect(server).await?);
    stream.write_all(request).await?;
    let (mut line, mut length) = (String::new(), 0);
    while stream.read_line(&mut line).await? > 2 {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
        line.clear();
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    serde_json::from_slice(&body).map_err(io::Error::other)
}

impl Drop for Browser {
    /// Ends chromedriver and its browser, which are a group of processes: a browser whose page is at work does not always end when
    /// chromedriver does.
    fn drop(&mut self) {
        let group = format!("-{}", self.driver.id());
        let tell = |signal| Command::new("kill").args([signal, "--", &group]).stderr(Stdio::null()).status();
        if tell("-TERM").is_err() {
            let _ = self.driver.kill();
        }
        let _ = self.driver.wait();
        let _ = tell("-KILL");
    }
}
