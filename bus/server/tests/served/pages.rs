//! The pages as a browser gets them: whole without script, with exact links, and with forms that only they can send.

use reqwest::{Response, StatusCode, header};

use super::trial::{Trial, impact, soon};

/// The value of the hidden field that every form carries.
fn form_token(html: &str) -> String {
    let (_, after) = html.split_once("name=\"csrf\" value=\"").expect("the page has a form");
    after.split('"').next().unwrap().to_owned()
}

/// The cookies that a page sets, as a browser sends them back.
fn cookies(response: &Response) -> String {
    let set = response.headers().get_all(header::SET_COOKIE).iter();
    set.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap().to_owned()).collect::<Vec<_>>().join("; ")
}

/// A browser that has opened the board.
pub async fn opened(trial: &Trial) -> (String, String) {
    let board = trial.get("/").await;
    let cookies = cookies(&board);
    (cookies, form_token(&board.text().await.unwrap()))
}

pub async fn sent(trial: &Trial, path: &str, cookies: &str, fields: &[(&str, &str)]) -> Response {
    let request = trial.http.post(trial.url(path)).header(header::COOKIE, cookies);
    let request = request.header(header::ORIGIN, trial.address.to_string());
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
    soon(request.send()).await.unwrap()
}

pub fn location(response: &Response) -> &str {
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    response.headers()[header::LOCATION].to_str().unwrap()
}

#[tokio::test]
async fn every_page_shows_what_the_log_holds_and_is_whole() {
    let trial = Trial::start().await;
    let published = trial.publish("impact", impact("Windows VMs stop <script>alert(1)</script>")).await;
    let id = trial.json("/v1/picture").await["incidents"][0]["id"].as_str().unwrap().to_owned();
    let pages =
        ["/".to_owned(), format!("/incidents/{id}"), "/feeds".to_owned(), format!("/events/{}", published["position"])];
    for page in &pages {
        let response = trial.get(page).await;
        assert_eq!(
            (response.status(), &response.headers()["content-type"]),
            (StatusCode::OK, &"text/html; charset=utf-8".parse().unwrap()),
            "{page}"
        );
        let html = response.text().await.unwrap();
        assert!(html.trim_end().ends_with("</html>") && !html.contains("<script>alert"), "{page}");
    }
    let html = trial.get(&pages[1]).await.text().await.unwrap();
    assert_eq!(html.matches("data-q=").count(), 8);
    for page in ["/board.txt".to_owned(), format!("/incidents/{id}/text")] {
        let response = trial.get(&page).await;
        assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
        assert!(response.text().await.unwrap().contains("Windows VMs stop"), "{page}");
        let past = trial.get(&format!("{page}?as_of=1")).await.text().await.unwrap();
        assert!(past.contains("AS OF position 1, ") && past.contains("not live"), "{page}: {past}");
    }
    let filtered = trial.get("/board.txt?provider=gcp").await.text().await.unwrap();
    assert!(filtered.contains("FILTERED: only about GCP"), "{filtered}");
    for (name, mime) in
        [("console.css", "text/css"), ("console.js", "text/javascript"), ("glyphs.svg", "image/svg+xml")]
    {
        let file = trial.get(&format!("/assets/{name}")).await;
        assert!(file.headers()["content-type"].to_str().unwrap().starts_with(mime), "{name}");
    }
    assert_eq!(trial.get("/assets/..%2Fapp.rs").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_time_leads_to_its_position_and_a_member_to_its_incident() {
    let trial = Trial::start().await;
    let first = trial.publish("impact", impact("One")).await;
    trial.publish("impact", impact("Two")).await;
    let logged = trial.json("/v1/events/1").await["line"]["logged"].as_str().unwrap().replace('+', "%2B");
    let moved = trial.get(&format!("/?state=open&as_of={logged}&sort=name")).await;
    assert_eq!(location(&moved), "/?state=open&as_of=1&sort=name");
    let then = trial.get("/?as_of=1").await.text().await.unwrap();
    assert!(then.contains("One") && !then.contains("Two"));
    let object = first["object_id"].as_str().unwrap();
    let moved = trial.get(&format!("/incidents/{object}?as_of=1")).await;
    let target = location(&moved).to_owned();
    assert!(target.starts_with("/incidents/inc-") && target.ends_with("?as_of=1"), "{target}");
    assert_eq!(trial.get(&target).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_mistaken_address_says_what_failed_and_what_to_do() {
    let trial = Trial::start().await;
    for (path, status, told) in [
        ("/?zoom=2", StatusCode::BAD_REQUEST, "zoom"),
        ("/?state=half", StatusCode::BAD_REQUEST, "open, closed"),
        ("/feeds?as_of=9", StatusCode::NOT_FOUND, "log is at position 0"),
        ("/incidents/inc-nothing", StatusCode::NOT_FOUND, "inc-nothing"),
        ("/events/7", StatusCode::NOT_FOUND, "there is no record"),
        ("/nowhere", StatusCode::NOT_FOUND, "nothing at this address"),
    ] {
        let response = trial.get(path).await;
        assert_eq!(response.status(), status, "{path}");
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/html"), "{path}");
        let html = response.text().await.unwrap();
        assert!(html.to_lowercase().contains(told), "{path} does not say {told}");
    }
}

#[tokio::test]
async fn a_form_becomes_a_claim_and_leads_back_to_its_page() {
    let trial = Trial::start().await;
    let (cookies, token) = opened(&trial).await;
    let fields = [
        ("csrf", token.as_str()),
        ("kind", "impact"),
        ("back", "/?say=impact&state=open"),
        ("title", "Windows instances fail their status check"),
        ("phase", "investigating"),
        ("severity", "critical"),
        ("blocks.0.provider", "aws"),
        ("blocks.0.service_class", "compute"),
        ("blocks.0.state", "affected_unavailable"),
        ("blocks.0.regions", "us-east-1"),
    ];
    let answer = sent(&trial, "/claims", &cookies, &fields).await;
    assert_eq!(location(&answer), "/?state=open");
    assert!(trial.get("/").await.text().await.unwrap().contains("Windows instances fail"));
    let picture = trial.json("/v1/picture").await;
    let id = picture["incidents"][0]["id"].as_str().unwrap();
    let back = format!("/incidents/{id}");
    for kind in ["note", "request", "commitment"] {
        let fields =
            [("csrf", token.as_str()), ("kind", kind), ("back", &back), ("text", "Which builds?"), ("incident", id)];
        assert_eq!(location(&sent(&trial, "/claims", &cookies, &fields).await), back, "{kind}");
    }
    // The incident that the form stood at is written as the object that gave it its id.
    let note = trial.json("/v1/events/2").await;
    assert_eq!(note["payload"]["data"]["refs"][0]["value"], picture["incidents"][0]["members"][0]["object_id"]);
    let incident = trial.json(&format!("/v1/incidents/{id}")).await;
    assert_eq!(incident["owed"].as_array().unwrap().iter().filter(|owed| owed["kind"] == "request").count(), 1);
    let object = picture["incidents"][0]["members"][0]["object_id"].as_str().unwrap();
    let still = [("csrf", token.as_str()), ("kind", "impact"), ("back", &back), ("still", "1"), ("object_id", object)];
    assert_eq!(location(&sent(&trial, "/claims", &cookies, &still).await), back);
    assert_eq!(trial.json(&format!("/v1/incidents/{id}")).await["lanes"][0]["claim"]["rev"], 2);
}

#[tokio::test]
async fn what_is_hardly_meant_is_told_once_on_the_next_page() {
    let trial = Trial::start().await;
    let (cookies, token) = opened(&trial).await;
    let fields = [
        ("csrf", token.as_str()),
        ("kind", "request"),
        ("text", "Which builds?"),
        ("to", "gcp"),
        ("due_at", "2024-07-19 05:10"),
    ];
    let answer = sent(&trial, "/claims", &cookies, &fields).await;
    assert_eq!(location(&answer), "/");
    let told = self::cookies(&answer);
    let page = |cookie: String| {
        let request = trial.http.get(trial.url("/")).header(header::COOKIE, cookie);
        async move { soon(request.send()).await.unwrap() }
    };
    let next = page(format!("{cookies}; {told}")).await;
    assert!(next.headers()[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    assert!(next.text().await.unwrap().contains("due_at is past"));
    let forged = page(format!("{cookies}; {}", told.replace("past", "lost"))).await;
    assert!(!forged.headers().contains_key(header::SET_COOKIE));
    assert!(!forged.text().await.unwrap().contains("due_at is"));
    let well = [("csrf", token.as_str()), ("kind", "note"), ("text", "All is well")];
    assert!(!sent(&trial, "/claims", &cookies, &well).await.headers().contains_key(header::SET_COOKIE));
}

#[tokio::test]
async fn a_mistake_keeps_what_was_typed_and_says_what_was_expected() {
    let trial = Trial::start().await;
    let (cookies, token) = opened(&trial).await;
    let fields = [
        ("csrf", token.as_str()),
        ("kind", "impact"),
        ("back", "/?say=impact"),
        ("title", "Typed with care"),
        ("phase", "investigating"),
        ("severity", "critical"),
        ("times.occurred_at", "at dawn"),
    ];
    let answer = sent(&trial, "/claims", &cookies, &fields).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let html = answer.text().await.unwrap();
    assert!(html.contains("Typed with care") && html.contains("at dawn") && html.contains("05:10"), "{html}");
    assert_eq!(trial.json("/v1/picture").await["as_of"], "0");
}

#[tokio::test]
async fn a_form_that_this_server_did_not_make_publishes_nothing() {
    let trial = Trial::start().await;
    let (cookies, token) = opened(&trial).await;
    let form = |csrf: &str| {
        vec![("csrf".to_owned(), csrf.to_owned()), ("kind".into(), "note".into()), ("text".into(), "kept text".into())]
    };
    let try_with = |cookies: String, fields: Vec<(String, String)>| {
        let trial = &trial;
        async move {
            let fields: Vec<(&str, &str)> =
                fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            sent(trial, "/claims", &cookies, &fields).await
        }
    };
    for (cookies, csrf) in [(cookies.clone(), "guessed"), (String::new(), token.as_str())] {
        let answer = try_with(cookies, form(csrf)).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        let html = answer.text().await.unwrap();
        assert!(html.contains("Nothing was published") && html.contains("kept text"));
    }
    let foreign = trial.http.post(trial.url("/claims")).header(header::COOKIE, &cookies).header(header::ORIGIN, "null");
    assert_eq!(soon(foreign.body("kind=note").send()).await.unwrap().status(), StatusCode::FORBIDDEN);
    assert_eq!(
        try_with(cookies, vec![("csrf".into(), token), ("kind".into(), "rumour".into())]).await.status(),
        StatusCode::BAD_REQUEST
    );
    assert_eq!(trial.json("/v1/picture").await["as_of"], "0");
}

#[tokio::test]
async fn the_theme_is_kept_and_leads_nowhere_else() {
    let trial = Trial::start().await;
    let (cookies, token) = opened(&trial).await;
    let answer =
        sent(&trial, "/prefs", &cookies, &[("csrf", &token), ("theme", "dark"), ("back", "/feeds?as_of=0")]).await;
    assert_eq!(location(&answer), "/feeds?as_of=0");
    let theme = self::cookies(&answer);
    let page = soon(trial.http.get(trial.url("/feeds")).header(header::COOKIE, theme).send()).await.unwrap();
    assert!(page.text().await.unwrap().contains("data-theme=\"dark\""));
    let away =
        sent(&trial, "/prefs", &cookies, &[("csrf", &token), ("theme", "dark"), ("back", "//evil.example")]).await;
    assert_eq!(location(&away), "/");
    let forged = sent(&trial, "/prefs", &cookies, &[("theme", "dark"), ("back", "/")]).await;
    assert_eq!(forged.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_form_cookie_is_for_this_server_alone() {
    let trial = Trial::start().await;
    let board = trial.get("/").await;
    let cookie = board.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with(&format!("entente_form_{}=", trial.address.port())), "{cookie}");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!trial.json("/v1/picture").await.to_string().contains(&trial.token()));
}
