//! Who may ask at all: only pages of this server and programs of this machine. Everything listens on loopback, but a
//! foreign page can make a browser ask there (DNS rebinding, forged forms), so names and origins are checked.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::refusal::Refusal;
use crate::app::App;

/// The names that this server answers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names([String; 3]);

impl Names {
    pub(crate) fn of(port: u16) -> Self {
        Self(["127.0.0.1", "localhost", "[::1]"].map(|name| format!("{name}:{port}")))
    }

    fn knows(&self, authority: &str) -> bool {
        self.0.iter().any(|name| name.eq_ignore_ascii_case(authority))
    }

    /// Whether the request is addressed to this server, in its Host header and, if it has one, in its address.
    fn addressed(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = hosts.next().and_then(|host| host.to_str().ok());
        let single = hosts.next().is_none();
        let authority = uri.authority().is_none_or(|authority| self.knows(authority.as_str()));
        single && authority && host.is_some_and(|host| self.knows(host))
    }

    /// Whether a request that changes something comes from a page of this server, or from no page at all.
    fn own_origin(&self, headers: &HeaderMap) -> bool {
        let origin = headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or("null"));
        let own = origin.is_none_or(|origin| origin.strip_prefix("http://").is_some_and(|name| self.knows(name)));
        own && !is_foreign(headers)
    }
}

/// Whether a browser says that a page of another origin asks. Another port of this machine is another origin as well.
fn is_foreign(headers: &HeaderMap) -> bool {
    headers.get_all("sec-fetch-site").iter().any(|site| !matches!(site.as_bytes(), b"same-origin" | b"none"))
}

/// Whether a browser follows a link to a page of its own, as from a mail; not for a frame, a script or a picture.
fn is_navigation(headers: &HeaderMap) -> bool {
    let says = |name: &str, word: &str| headers.get(name).is_some_and(|value| value.as_bytes() == word.as_bytes());
    says("sec-fetch-mode", "navigate") && says("sec-fetch-dest", "document")
}

/// Refuses what is not meant for this server, and gives every answer its headers.
pub(crate) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let (uri, headers) = (request.uri(), request.headers());
    let mut response = if !app.names.addressed(uri, headers) {
        let what = "this server answers to its own names on this machine only";
        Refusal::new(StatusCode::FORBIDDEN, what, format!("open {}", app.address)).into_response()
    } else if is_unsafe(request.method()) && !app.names.own_origin(headers) {
        let what = "a page of another origin may not change anything here";
        Refusal::new(StatusCode::FORBIDDEN, what, format!("use the page at {}", app.address)).into_response()
    } else if is_foreign(headers) && !is_navigation(headers) {
        let what = "a page of another origin may not use what is here";
        Refusal::new(StatusCode::FORBIDDEN, what, format!("open {} itself", app.address)).into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    for (name, value) in SECURITY {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

fn is_unsafe(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD)
}

const SECURITY: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, entente_console::CSP),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // Others learn nothing either way; without one a browser says of our own forms too that they come from nowhere.
    (header::REFERRER_POLICY, "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

#[cfg(test)]
mod tests {
    use super::*;

    const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
    const MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
    const DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name.clone(), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn only_the_own_names_with_the_own_port_are_answered_to() {
        let names = Names::of(4790);
        let asked = |host: &str| names.addressed(&Uri::from_static("/"), &headers(&[(header::HOST, host)]));
        for own in ["127.0.0.1:4790", "localhost:4790", "LocalHost:4790", "[::1]:4790"] {
            assert!(asked(own), "{own}");
        }
        for foreign in
            ["evil.example", "evil.example:4790", "127.0.0.1", "localhost:80", "127.0.0.1:4790.evil.example", ""]
        {
            assert!(!asked(foreign), "{foreign}");
        }
        assert!(!names.addressed(&Uri::from_static("/"), &HeaderMap::new()));
        let twice = headers(&[(header::HOST, "localhost:4790"), (header::HOST, "evil.example")]);
        assert!(!names.addressed(&Uri::from_static("/"), &twice));
        let own = headers(&[(header::HOST, "localhost:4790")]);
        assert!(!names.addressed(&Uri::from_static("http://evil.example/"), &own));
    }

    #[test]
    fn a_foreign_page_changes_nothing() {
        let names = Names::of(4790);
        let origin = |origin: &str| names.own_origin(&headers(&[(header::ORIGIN, origin)]));
        assert!(names.own_origin(&HeaderMap::new()) && origin("http://127.0.0.1:4790"));
        for foreign in ["null", "https://127.0.0.1:4790", "http://127.0.0.1:80", "http://evil.example", ""] {
            assert!(!origin(foreign), "{foreign}");
        }
        assert!(!names.own_origin(&headers(&[(SITE, "cross-site")])));
    }

    #[test]
    fn a_foreign_page_can_link_here_and_not_embed() {
        let says = |site, mode, dest| {
            let headers = headers(&[(SITE, site), (MODE, mode), (DEST, dest)]);
            is_foreign(&headers) && !is_navigation(&headers)
        };
        for (site, mode, dest) in [
            ("cross-site", "no-cors", "image"),
            ("cross-site", "no-cors", "script"),
            ("cross-site", "cors", "empty"),
            ("cross-site", "navigate", "iframe"),
            ("same-site", "no-cors", "document"),
            ("same-site", "navigate", "frame"),
            ("somewhere", "no-cors", "image"),
        ] {
            assert!(says(site, mode, dest), "{site} {mode} {dest}");
        }
        for (site, mode, dest) in [
            ("cross-site", "navigate", "document"),
            ("same-site", "navigate", "document"),
            ("same-origin", "cors", "empty"),
            ("none", "navigate", "document"),
        ] {
            assert!(!says(site, mode, dest), "{site} {mode} {dest}");
        }
        assert!(!is_foreign(&HeaderMap::new()));
    }
}
