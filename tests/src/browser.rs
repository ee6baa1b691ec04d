//! A real browser, driven by the W3C's protocol through chromedriver: only what the tests of the console need. Screens
//! are set by size and theme; everything else is asked of the page by script.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use data_encoding::BASE64;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::data::skipped;

/// How long a page may take to show what is expected.
const PATIENCE: Duration = Duration::from_secs(30);

const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
];

/// The system's theme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// A screen: size in CSS pixels, and theme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    /// Its width.
    pub width: u32,
    /// Its height.
    pub height: u32,
    /// Its theme.
    pub theme: Theme,
}

impl Screen {
    /// A desk's and a phone's screen, in both themes.
    pub const ALL: [Self; 4] = [
        Self { width: 1440, height: 900, theme: Theme::Light },
        Self { width: 1440, height: 900, theme: Theme::Dark },
        Self { width: 390, height: 844, theme: Theme::Light },
        Self { width: 390, height: 844, theme: Theme::Dark },
    ];

    /// The same screen, so high that a whole page fits.
    #[must_use]
    pub fn as_high_as(self, height: u32) -> Self {
        Self { height, ..self }
    }

    /// Whether it is a phone's.
    #[must_use]
    pub fn is_phone(self) -> bool {
        self.width < 700
    }

    fn name(self) -> String {
        let theme = if self.theme == Theme::Light { "light" } else { "dark" };
        format!("{}-{theme}", self.width)
    }
}

/// A browser with one window, and the driver that runs it.
pub struct Browser {
    driver: Child,
    session: String,
    client: reqwest::Client,
    // Last, so that nothing writes to it any more when it is removed.
    profile: TempDir,
}

impl Browser {
    /// Starts one. Prints `skipped: ...` and gives nothing where there is none.
    ///
    /// # Panics
    /// With `CI=true`, if there is no browser.
    pub async fn start() -> Option<Self> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let start = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut driver) = start else {
            skipped("no chromedriver on the PATH");
            return None;
        };
        let Some(port) = port(&mut driver) else {
            let _ = driver.kill();
            let _ = driver.wait();
            skipped("chromedriver does not start");
            return None;
        };
        let profile = tempfile::tempdir().expect("a temporary folder");
        let client = reqwest::Client::builder().timeout(Duration::from_secs(60)).no_proxy().build().expect("a client");
        let address = format!("http://127.0.0.1:{port}/session");
        let mut browser = Self { driver, session: address, client, profile };
        browser.open_session().await.then_some(browser)
    }

    async fn open_session(&mut self) -> bool {
        let mut flags: Vec<String> = FLAGS.iter().map(|&flag| flag.to_owned()).collect();
        flags.push(format!("--user-data-dir={}", self.profile.path().display()));
        let wanted = json!({"capabilities": {"alwaysMatch": {"browserName": "chrome",
            "goog:chromeOptions": {"args": flags}, "goog:loggingPrefs": {"browser": "ALL"}}}});
        let answer = self.client.post(&self.session).json(&wanted).send().await.expect("the driver answers");
        let answer: Value = answer.json().await.expect("JSON");
        match answer["value"]["sessionId"].as_str() {
            Some(id) => self.session = format!("{}/{id}", self.session),
            None => skipped(&format!("no browser: {}", answer["value"]["message"])),
        }
        answer["value"]["sessionId"].is_string()
    }

    /// A command of the protocol and its answer's value.
    ///
    /// # Panics
    /// If the browser refuses.
    pub async fn command(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let mut request = self.client.request(method, format!("{}/{path}", self.session));
        if let Some(body) = &body {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap_or_else(|error| panic!("{path}: {error}"));
        let (status, mut answer) = (answer.status(), answer.json::<Value>().await.expect("JSON"));
        assert!(status.is_success(), "{path}: {}", answer["value"]["message"]);
        answer["value"].take()
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.command(Method::POST, path, Some(body)).await
    }

    /// A command of the browser's own protocol.
    pub async fn devtools(&self, name: &str, parameters: Value) -> Value {
        self.post("goog/cdp/execute", json!({"cmd": name, "params": parameters})).await
    }

    /// Loads a page.
    pub async fn open(&self, address: &str) {
        self.post("url", json!({"url": address})).await;
    }

    /// Takes a screen's size and theme.
    pub async fn take(&self, screen: Screen) {
        let size = json!({"width": screen.width, "height": screen.height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
        let theme = if screen.theme == Theme::Light { "light" } else { "dark" };
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": theme}]});
        self.devtools("Emulation.setEmulatedMedia", media).await;
    }

    /// Whether pages may run scripts. What is asked by [`Self::ask`] runs all the same.
    pub async fn scripts(&self, on: bool) {
        self.devtools("Emulation.setScriptExecutionDisabled", json!({"value": !on})).await;
    }

    /// What a script gives back.
    pub async fn ask(&self, script: &str) -> Value {
        self.ask_with(script, &[]).await
    }

    /// What a script gives back that is told `arguments`.
    pub async fn ask_with(&self, script: &str, arguments: &[Value]) -> Value {
        self.post("execute/sync", json!({"script": script, "args": arguments})).await
    }

    /// Waits until a script gives `true`.
    ///
    /// # Panics
    /// If it does not in time.
    pub async fn until(&self, what: &str, script: &str) {
        let until = Instant::now() + PATIENCE;
        while self.ask(script).await != json!(true) {
            assert!(Instant::now() < until, "not in time: {what}");
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// What the browser's console was told since it was asked last: errors, refused scripts and styles.
    pub async fn complaints(&self) -> Vec<String> {
        let entries = self.post("se/log", json!({"type": "browser"})).await;
        let entries = entries.as_array().cloned().unwrap_or_default();
        entries.iter().map(|entry| format!("{} {}", entry["level"], entry["message"])).collect()
    }

    /// The accessible name of every control that is shown, with its markup.
    pub async fn controls(&self) -> Vec<(String, String)> {
        let script = "return [...document.querySelectorAll('a, button, input, select, textarea, summary')]\
            .filter(e => e.checkVisibility() && e.type !== 'hidden')";
        let mut named = Vec::new();
        for element in self.ask(script).await.as_array().cloned().unwrap_or_default() {
            let id =
                element.as_object().and_then(|object| object.values().next()).and_then(Value::as_str).expect("an id");
            let label = self.command(Method::GET, &format!("element/{id}/computedlabel"), None).await;
            let markup =
                self.ask_with("return arguments[0].outerHTML.slice(0, 160)", std::slice::from_ref(&element)).await;
            named.push((label.as_str().unwrap_or_default().to_owned(), markup.to_string()));
        }
        named
    }

    /// A picture of the window, as PNG.
    pub async fn picture(&self) -> Vec<u8> {
        let picture = self.command(Method::GET, "screenshot", None).await;
        BASE64.decode(picture.as_str().unwrap_or_default().as_bytes()).expect("base64")
    }

    /// Keeps two pictures of a page in a folder: what the screen shows, and the page at its whole height.
    pub async fn keep_pictures(&self, folder: &Path, name: &str, screen: Screen) {
        let name = format!("{name}-{}", screen.name());
        std::fs::write(folder.join(format!("{name}.png")), self.picture().await).expect("a file");
        let height = self.ask("return document.documentElement.scrollHeight").await.as_u64().unwrap_or_default();
        let height = u32::try_from(height).unwrap_or(u32::MAX).clamp(screen.height, 8_000);
        self.take(screen.as_high_as(height)).await;
        std::fs::write(folder.join(format!("{name}-whole.png")), self.picture().await).expect("a file");
        self.take(screen).await;
    }

    /// Ends the browser and its driver.
    pub async fn end(self) {
        let _ = self.client.delete(&self.session).send().await;
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // A test that failed did not close its window.
        for pid in children(self.driver.id()) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// The port that the driver says it listens on.
fn port(driver: &mut Child) -> Option<u16> {
    let mut lines = BufReader::new(driver.stdout.take()?).lines().map_while(Result::ok);
    let line = lines.find(|line| line.contains("started successfully on port"))?;
    // What it prints later must go somewhere.
    std::thread::spawn(move || lines.for_each(drop));
    line.rsplit(' ').next()?.trim_end_matches('.').parse().ok()
}

fn children(parent: u32) -> Vec<rustix::process::Pid> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()));
    let mine = pids.filter(|pid| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        status.lines().any(|line| line == format!("PPid:\t{parent}"))
    });
    mine.filter_map(rustix::process::Pid::from_raw).collect()
}
