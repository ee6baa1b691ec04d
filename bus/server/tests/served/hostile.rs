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
            [("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("referrer-policy", "no-referrer")]
        {
            assert_eq!(headers[name], value, "{path}");
        }
    }
}
