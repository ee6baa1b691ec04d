//! The endpoints that give tokens: of a managed identity, and of Entra ID for a secret or an assertion. Which proof is
//! shown does not matter here; that one is shown does.

use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::answer::{Answer, unauthorized};
use super::stage::Script;

/// How long a token is good for.
const LIFETIME: i64 = 3_600;

/// A token for a managed identity, as App Service gives it.
pub(super) fn identity(script: &mut Script, header: Option<&str>, now: DateTime<Utc>) -> Answer {
    if header.is_none_or(str::is_empty) {
        return Answer::refused(StatusCode::UNAUTHORIZED, "Unauthorized", "The identity header is missing.");
    }
    let expires = (now + TimeDelta::seconds(LIFETIME)).timestamp().to_string();
    Answer::ok(json!({
        "access_token": give(script, now), "expires_on": expires,
        "resource": "https://management.azure.com", "token_type": "Bearer",
    }))
}

/// A token for an application that shows a secret, other than `wrong`, or an assertion.
pub(super) fn application(script: &mut Script, form: &str, now: DateTime<Utc>) -> Answer {
    let shown = |name: &str| {
        form.split('&').filter_map(|pair| pair.split_once('=')).any(|(key, value)| key == name && !value.is_empty())
    };
    let wrong = form.split('&').any(|pair| pair == "client_secret=wrong");
    if wrong || !shown("client_id") || !(shown("client_secret") || shown("client_assertion")) {
        return Answer::raw(
            StatusCode::UNAUTHORIZED,
            json!({
                "error": "invalid_client", "error_codes": [7000215],
                "error_description": format!("AADSTS7000215: Invalid client secret provided in tenant {}.", script.tenant),
            }),
        );
    }
    Answer::ok(json!({ "token_type": "Bearer", "expires_in": LIFETIME, "access_token": give(script, now) }))
}

fn give(script: &mut Script, now: DateTime<Utc>) -> String {
    script.given += 1;
    let token = format!("double-token-{}", script.given);
    script.tokens.insert(token.clone(), now);
    token
}

/// Why a call is not let in, if it is not.
pub(super) fn turned_away(script: &Script, authorization: Option<&str>) -> Option<Answer> {
    let Some(token) = authorization.and_then(|header| header.strip_prefix("Bearer ")) else {
        return Some(unauthorized(
            "AuthenticationFailed",
            "Authentication failed. The Authorization header is missing.",
        ));
    };
    let known = script.tokens.contains_key(token);
    (!known).then(|| unauthorized("InvalidAuthenticationToken", "The access token is invalid."))
}
