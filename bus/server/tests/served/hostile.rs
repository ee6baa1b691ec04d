//! Requests that mean no good.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::trial::{Trial, impact, soon};

/// Sends bytes as they are and reads the whole answer.
async fn raw(trial: &Trial, request: &str) -> String {
    let mut stream = TcpStream::connect(trial.address.socket()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    answer
}

#[tokio::test]
async fn a_name_that_is_not_ours_is_refused() {
    let trial = Trial::start().await;
    let port = trial.address.port();
    for host in ["evil.example".to_owned(), format!("evil.example:{port}"), "127.0.0.1".to_owned(), String::new()] {
        let answer =
            raw(&trial, &format!("GET /v1/picture HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{host}: {answer}");
        assert!(!answer.contains("incidents"), "{host}: {answer}");
    }
    for host in ["127.0.0.1", "localhost", "[::1]"] {
        let answer =
            raw(&trial, &format!("GET /v1/picture HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{host}: {answer}");
    }
}

#[tokio::test]
async fn a_foreign_page_cannot_publish_even_with_the_token() {
    let trial = Trial::start().await;
    let body = json!({"family": "impact", "claim": impact("x")}).to_string();
    let request = trial.http.post(trial.url("/v1/claims")).bearer_auth(trial.token()).body(body);
    let response = soon(request.header("origin", "http://evil.example").send()).await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert_eq!(trial.json("/v1/picture").await["as_of"], "0");
}

#[tokio::test]
async fn a_foreign_page_reads_nothing_and_makes_no_work() {
    let trial = Trial::start().await;
    let asked = |path: &str, site: &str, mode: &str, dest: &str| {
        let request = trial.http.get(trial.url(path)).header("sec-fetch-site", site);
        let request = request.header("sec-fetch-mode", mode).header("sec-fetch-dest", dest);
        async move { soon(request.send()).await.unwrap().status() }
    };
    for path in ["/", "/v1/picture?as_of=0", "/v1/live", "/board.txt", "/assets/console.css"] {
        for (site, mode, dest) in
            [("cross-site", "no-cors", "image"), ("same-site", "cors", "empty"), ("cross-site", "navigate", "iframe")]
        {
            assert_eq!(asked(path, site, mode, dest).await, StatusCode::FORBIDDEN, "{path} {site} {mode} {dest}");
        }
        assert_eq!(asked(path, "same-origin", "cors", "empty").await, StatusCode::OK, "{path}");
        assert_eq!(trial.get(path).await.status(), StatusCode::OK, "{path}");
    }
    assert_eq!(asked("/", "cross-site", "navigate", "document").await, StatusCode::OK);
}

#[tokio::test]
async fn methods_that_an_address_does_not_take_are_refused_with_those_that_it_does() {
    let trial = Trial::start().await;
    let asked = |method: &str, path: &str| {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = trial.http.request(method, trial.url(path));
        async move { soon(request.send()).await.unwrap() }
    };
    let head = asked("HEAD", "/v1/picture").await;
    assert_eq!(
        (head.status(), &head.headers()["content-type"]),
        (StatusCode::OK, &"application/json".parse().unwrap())
    );
    assert!(head.text().await.unwrap().is_empty());
    for (method, path, allowed) in
        [("OPTIONS", "/v1/claims", "POST"), ("GET", "/v1/claims", "POST"), ("PUT", "/v1/picture", "GET,HEAD")]
    {
        let refused = asked(method, path).await;
        assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        assert_eq!(refused.headers()["allow"], allowed, "{method} {path}");
        assert!(!refused.headers().contains_key("access-control-allow-origin"));
        assert!(refused.json::<Value>().await.unwrap()["next"].is_string());
    }
}

#[tokio::test]
async fn what_is_written_otherwise_than_it_is_taken_is_refused() {
    let trial = Trial::start().await;
    let body = json!({"family": "impact", "claim": impact("x")}).to_string();
    for media in ["text/plain", "application/x-www-form-urlencoded", "\u{e9}"] {
        let request = trial.http.post(trial.url("/v1/claims")).bearer_auth(trial.token()).body(body.clone());
        let refused = soon(request.header("content-type", media).send()).await.unwrap();
        assert_eq!(refused.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "{media}");
        assert!(refused.text().await.unwrap().contains("application/json"));
    }
    let form = trial.http.post(trial.url("/claims")).header("content-type", "text/plain").body("kind=note");
    assert_eq!(soon(form.send()).await.unwrap().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    for path in ["/v1/incidents/%FF", "/v1/events/%C3%28", "/incidents/%FF", "/events/%FF", "/assets/%FF"] {
        let response = trial.get(path).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{path}");
        assert!(response.text().await.unwrap().contains("percent-encoded"), "{path}");
    }
    assert_eq!(trial.json("/v1/picture").await["as_of"], "0");
}

#[tokio::test]
async fn sizes_and_depths_that_no_claim_has_are_refused() {
    let trial = Trial::start().await;
    let large =
        trial.post(format!(r#"{{"family": "impact", "claim": {{"title": "{}"}}}}"#, "x".repeat(1_000_000))).await;
    assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let refused: Value = large.json().await.unwrap();
    assert!(refused["next"].as_str().unwrap().contains("65536"), "{refused}");
    let deep = trial.post(format!(r#"{{"family": "impact", "claim": {}"#, r#"{"a":"#.repeat(40_000))).await;
    assert_eq!(deep.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(deep.text().await.unwrap().contains("recursion limit"));
    let mut fat = impact("x");
    fat["summary"] = json!("y".repeat(4_000));
    fat["symptoms"] = json!((0..40).map(|n| format!("{n}{}", "z".repeat(2_000))).collect::<Vec<_>>());
    let fat = trial.post(json!({"family": "impact", "claim": fat}).to_string()).await;
    assert_eq!(fat.status(), StatusCode::UNPROCESSABLE_ENTITY, "{}", fat.text().await.unwrap());
    let twice = trial.post(r#"{"family": "impact", "claim": {"title": "a", "title": "b"}}"#.to_owned()).await;
    assert!(twice.text().await.unwrap().contains("duplicate key `title`"));
    // What came before has done no harm.
    trial.publish("impact", impact("Windows VMs stop")).await;
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_keep_a_page_to_itself() {
    let trial = Trial::start().await;
    for path in ["/v1/picture", "/v1/nowhere", "/v1/picture?zoom=1"] {
        let headers = trial.get(path).await.headers().clone();
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        for (name, value) in
            [("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("referrer-policy", "same-origin")]
        {
            assert_eq!(headers[name], value, "{path}");
        }
    }
}
