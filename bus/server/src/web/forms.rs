//! The console's forms: a claim as a person typed it. What was wrong comes back beside the field, with all that was
//! typed; nothing is ever published from a page that this server did not make.

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use entente_console::{Form, FormProblem, Theme};
use url::form_urlencoded;

use super::api::{of_type, taken};
use super::query::{Asked, Pairs, pairs};
use super::refusal::Refusal;
use super::told;
use super::view::{View, filters};
use super::visit::{Visit, set_cookie, themed};
use crate::app::App;
use crate::claims::{Mistake, PublishError, Request};
use crate::room::When;

/// How a browser writes a form without files.
const FORM: &str = "application/x-www-form-urlencoded";

/// `POST /claims`
pub(crate) async fn claims(
    State(app): State<App>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let visit = Visit::of(&app, "/claims", "", &headers);
    let form = match of_type(&headers, FORM).and_then(|()| taken(body)).and_then(|body| read(&body)) {
        Ok(form) => form,
        Err(refusal) => return visit.refused(&app, &refusal),
    };
    let back = Back::of(&form, &app, &headers);
    if !visit.may_send(&app, form.csrf()) {
        let what = "Nothing was published: the form was older than the server, or came from elsewhere. Look it over and send it again.";
        return back.again(&app, StatusCode::FORBIDDEN, form, Vec::new(), Some(what.to_owned())).await;
    }
    match publish(&app, &form).await {
        Ok(remarks) => {
            let mut answer = Redirect::to(&back.address()).into_response();
            if let Some(cookie) = told::carried(&app, &remarks) {
                set_cookie(&mut answer, &cookie);
            }
            answer
        }
        Err(Failed::Fields(problems)) => back.again(&app, StatusCode::UNPROCESSABLE_ENTITY, form, problems, None).await,
        Err(Failed::Whole(status, what)) => back.again(&app, status, form, Vec::new(), Some(what)).await,
    }
}

fn read(body: &[u8]) -> Result<Form, Refusal> {
    let sent: Pairs = form_urlencoded::parse(body).into_owned().collect();
    let next = "open the form anew on the board or on an incident's page";
    Form::read(sent).ok_or_else(|| Refusal::new(StatusCode::BAD_REQUEST, "the form is none of this console's", next))
}

/// Why a form was not published.
enum Failed {
    Fields(Vec<FormProblem>),
    Whole(StatusCode, String),
}

/// What the author should know.
async fn publish(app: &App, form: &Form) -> Result<Vec<String>, Failed> {
    let asked = form.request(app.clock.now()).map_err(Failed::Fields)?;
    let own = Request::new(asked.family, asked.claim);
    let request = Request { still: asked.still, audience: asked.audience, tlp: asked.tlp, ..own };
    match app.desk.publish(request).await {
        Ok(published) if published.position.is_none() => {
            let what = "Taken and safe on disk, but the log does not answer yet: it appears here once the log does. Do not send it again.";
            Err(Failed::Whole(StatusCode::ACCEPTED, what.to_owned()))
        }
        Ok(published) => Ok(published.remarks),
        Err(PublishError::Mistakes(mistakes)) => Err(Failed::Fields(mistakes.into_iter().map(problem).collect())),
        Err(other) => {
            let refusal = Refusal::from(other);
            Err(Failed::Whole(refusal.status, format!("{}; {}", refusal.body.error, refusal.body.next)))
        }
    }
}

fn problem(mistake: Mistake) -> FormProblem {
    let path = mistake.path.strip_prefix("(request).").map_or(mistake.path.clone(), str::to_owned);
    FormProblem { path, what: mistake.what }
}

/// The page that a form stood on.
struct Back {
    visit: Visit,
    view: View,
}

impl Back {
    fn of(form: &Form, app: &App, headers: &HeaderMap) -> Self {
        let (path, query) = form.back().split_once('?').unwrap_or((form.back(), ""));
        let path = path.split('#').next().unwrap_or("/");
        let query = without_moment(query.split('#').next().unwrap_or_default());
        let key =
            path.strip_prefix("/incidents/").map(|key| percent_encoding::percent_decode_str(key).decode_utf8_lossy());
        let view = match key {
            Some(key) if !key.is_empty() => View::Incident(key.into_owned()),
            _ => board(&query, app),
        };
        let path = view.path();
        Self { visit: Visit::of(app, &path, &query, headers), view }
    }

    /// The page, live and with the form closed.
    fn address(&self) -> String {
        let kept = pairs(Some(&self.visit.query)).into_iter().filter(|(key, _)| key != "say");
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish();
        if query.is_empty() { self.visit.path.clone() } else { format!("{}?{query}", self.visit.path) }
    }

    /// The page again, with the form as it was sent.
    async fn again(
        mut self,
        app: &App,
        status: StatusCode,
        form: Form,
        problems: Vec<FormProblem>,
        what: Option<String>,
    ) -> Response {
        let published = status == StatusCode::ACCEPTED;
        self.visit.form = (!published).then(|| form.refused(problems));
        self.visit.problem = what;
        let shown = self.view.show(app, &self.visit, When::live(app.clock.second())).await;
        let page = shown.map(|shown| self.visit.page(app, status, shown.html));
        self.visit.answer(app, page)
    }
}

fn board(query: &str, app: &App) -> View {
    let asked = Asked::read(pairs(Some(query)), entente_console::Filters::KEYS, &app.room.streams());
    View::Board(asked.and_then(|asked| filters(&asked)).unwrap_or_default())
}

/// What was just said is not to be seen in an earlier moment.
fn without_moment(query: &str) -> String {
    let kept = pairs(Some(query)).into_iter().filter(|(key, _)| !matches!(key.as_str(), "as_of" | "at"));
    form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish()
}

/// `POST /prefs`
pub(crate) async fn prefs(State(app): State<App>, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Response {
    let visit = Visit::of(&app, "/prefs", "", &headers);
    let sent: Pairs = match of_type(&headers, FORM).and_then(|()| taken(body)) {
        Ok(body) => form_urlencoded::parse(&body).into_owned().collect(),
        Err(refusal) => return visit.refused(&app, &refusal),
    };
    let field = |name: &str| sent.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
    if !visit.may_send(&app, field("csrf")) {
        let what = "nothing was set: the page was older than the server, or from elsewhere";
        return visit.refused(
            &app,
            &Refusal::new(StatusCode::FORBIDDEN, what, "go back, load the page anew, and choose again"),
        );
    }
    themed(Theme::from_word(field("theme")), own_path(field("back")))
}

/// Only a path: an address of another server would send the reader away.
fn own_path(address: &str) -> &str {
    let own = address.starts_with('/') && !address.starts_with("//") && !address.contains(['\\', '\r', '\n', '\t']);
    if own { address } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_is_never_sent_away() {
        assert_eq!(own_path("/incidents/inc-a?as_of=7"), "/incidents/inc-a?as_of=7");
        for elsewhere in ["https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example", "", "evil"] {
            assert_eq!(own_path(elsewhere), "/", "{elsewhere:?}");
        }
    }

    #[test]
    fn what_was_said_is_shown_live() {
        assert_eq!(without_moment("state=open&as_of=7&at=2024-07-19&say=note"), "state=open&say=note");
        assert_eq!(without_moment(""), "");
    }
}
