//! Talking to the server that runs on this machine: over loopback, with the token of its data folder.

use std::time::Duration;

use reqwest::{Response, StatusCode, Url};
use serde_json::Value;

use crate::command_words::in_commands;
use crate::exit::{Exit, Failure};
use crate::folder::Folder;

const CONNECT: Duration = Duration::from_secs(2);
const ANSWER: Duration = Duration::from_secs(30);
/// How often a claim is handed over again, under its one id, when the answer was lost.
const ATTEMPTS: u32 = 3;

/// A server that answers.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    token: Option<String>,
}

impl Client {
    /// The server at an address.
    ///
    /// # Errors
    /// If the address is none, or no client can be made.
    pub fn at(address: &str, token: Option<String>) -> Result<Self, Failure> {
        let next = "start the server anew with `entente up`";
        let base = Url::parse(address)
            .map_err(|error| Failure::failed(format!("`{address}` is no address of a server: {error}"), next))?;
        let http = reqwest::Client::builder()
            .no_proxy()
            .connect_timeout(CONNECT)
            .build()
            .map_err(|error| Failure::failed(format!("no HTTP client can be made: {}", reason(&error)), next))?;
        Ok(Self { http, base, token })
    }

    /// The server that runs on a data folder, if one answers there.
    ///
    /// # Errors
    /// If the address that the folder names is none.
    pub async fn running(folder: &Folder) -> Result<Option<Self>, Failure> {
        let Some(address) = folder.served_at() else { return Ok(None) };
        let client = Self::at(&address, Folder::line(&folder.token()))?;
        let Some(port) = client.base.port_or_known_default() else { return Ok(None) };
        let host = client.base.host_str().unwrap_or("127.0.0.1").trim_matches(['[', ']']).to_owned();
        let connected = tokio::time::timeout(CONNECT, tokio::net::TcpStream::connect((host, port))).await;
        Ok(connected.is_ok_and(|connection| connection.is_ok()).then_some(client))
    }

    /// A page or resource of the server, by the segments of its path.
    pub fn url(&self, path: &[&str], query: &[(&str, String)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.clear().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// Asks for a resource, without reading it yet.
    ///
    /// # Errors
    /// If the server does not answer, or refuses.
    pub async fn open(&self, url: Url, headers: &[(&'static str, String)]) -> Result<Response, Failure> {
        let mut request = self.http.get(url);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() { Ok(response) } else { Err(refusal(response).await) }
    }

    /// The text of a resource.
    ///
    /// # Errors
    /// If the server does not answer, or refuses.
    pub async fn text(&self, path: &[&str], query: &[(&str, String)]) -> Result<String, Failure> {
        let answer = async {
            let response = self.open(self.url(path, query), &[]).await?;
            response.text().await.map_err(|error| self.unreachable(&error))
        };
        tokio::time::timeout(ANSWER, answer).await.unwrap_or_else(|_| Err(self.slow()))
    }

    /// A JSON resource.
    ///
    /// # Errors
    /// If the server does not answer, refuses, or answers no JSON.
    pub async fn json(&self, path: &[&str], query: &[(&str, String)]) -> Result<Value, Failure> {
        let text = self.text(path, query).await?;
        serde_json::from_str(&text).map_err(|error| {
            let what = format!("the server's answer to /{} is no JSON: {error}", path.join("/"));
            Failure::failed(what, "check that command and server are of one version: `entente --version`")
        })
    }

    /// Hands a claim over and waits until it is in the log. The request carries its event id, so that handing it over
    /// again is harmless.
    ///
    /// # Errors
    /// If the claim is refused, with every mistake; or if the server does not answer.
    pub async fn publish(&self, request: &Value) -> Result<Value, Failure> {
        let mut last = self.slow();
        for attempt in 1..=ATTEMPTS {
            match tokio::time::timeout(ANSWER, self.post(request)).await {
                Ok(Ok(response)) if response.status().is_success() => {
                    let answer = response.json().await.map_err(|error| self.unreachable(&error));
                    match answer {
                        Ok(answer) => return Ok(answer),
                        Err(lost) => last = lost,
                    }
                }
                Ok(Ok(response)) => return Err(refusal(response).await),
                Ok(Err(error)) => last = self.unreachable(&error),
                Err(_) => last = self.slow(),
            }
            tokio::time::sleep(Duration::from_millis(200) * attempt).await;
        }
        Err(last)
    }

    async fn post(&self, request: &Value) -> reqwest::Result<Response> {
        let mut post = self.http.post(self.url(&["v1", "claims"], &[])).json(request);
        if let Some(token) = &self.token {
            post = post.bearer_auth(token);
        }
        post.send().await
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let what = format!("the server at {} does not answer: {}", self.base, reason(error));
        Failure::new(Exit::Unreachable, what, "see with `entente doctor`, or start it with `entente up`")
    }

    fn slow(&self) -> Failure {
        let what = format!("the server at {} took longer than {} s", self.base, ANSWER.as_secs());
        Failure::new(Exit::Unreachable, what, "see with `entente doctor` whether its log answers")
    }
}

/// The innermost cause of a client's error, which says what happened.
pub fn reason(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// What a refusal of the server means here.
async fn refusal(response: Response) -> Failure {
    let status = response.status();
    let body = response.text().await.unwrap_or_default();
    let answer: Value = serde_json::from_str(&body).unwrap_or_default();
    let said = |name: &str| answer.get(name).and_then(Value::as_str).map(in_commands);
    let problems = problem_lines(&answer);
    let exit = match status {
        StatusCode::NOT_FOUND => Exit::NotFound,
        StatusCode::BAD_REQUEST
        | StatusCode::CONFLICT
        | StatusCode::UNPROCESSABLE_ENTITY
        | StatusCode::PAYLOAD_TOO_LARGE => Exit::Mistake,
        _ => Exit::Failed,
    };
    let what = match said("error") {
        Some(error) if problems.is_empty() => error,
        Some(error) => format!("{error}\n  {}", problems.join("\n  ")),
        None if problems.is_empty() => format!("the server refused: {status}"),
        None => format!("the claim is not as it should be:\n  {}", problems.join("\n  ")),
    };
    let next = said("next").unwrap_or_else(|| usual_step(status).to_owned());
    Failure::new(exit, what, next)
}

fn problem_lines(answer: &Value) -> Vec<String> {
    let list = answer.get("problems").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let part = |problem: &Value, name: &str| problem.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    list.iter().map(|problem| in_commands(&format!("{}: {}", part(problem, "path"), part(problem, "what")))).collect()
}

fn usual_step(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            "use the data folder of the running server: --data DIR; it holds the token"
        }
        StatusCode::NOT_FOUND => "`entente picture` lists what there is",
        StatusCode::UNPROCESSABLE_ENTITY => "mend what is named; `--dry-run` prints the claim without publishing it",
        _ => "see with `entente doctor`",
    }
}
