//! What the author of a form should know of what was published. A form is answered by leading on to a page, so the words
//! travel there in a cookie, and that page takes it away. Cookies are shared by all ports of a name: only words that this
//! server has signed are shown.

use axum::http::HeaderMap;
use entente_schemas::digest::{hex, length_prefixed};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::visit::cookie;
use crate::app::Shared;

/// Seconds that the way to the next page may take.
const AGE: u32 = 60;
/// Characters that are carried: a browser keeps 4,096 bytes, and one character takes up to twelve.
const LONGEST: usize = 300;

/// The cookie that carries remarks; none if there are none.
pub(super) fn carried(app: &Shared, remarks: &[String]) -> Option<String> {
    let words: String = remarks.join(" ").chars().take(LONGEST).collect();
    let text = utf8_percent_encode(&words, NON_ALPHANUMERIC);
    (!words.is_empty()).then(|| format!("{}={}.{text}; {} Max-Age={AGE}", name(app), signed(app, &words), SCOPE))
}

/// The remarks that a browser carries.
pub(super) fn read(app: &Shared, headers: &HeaderMap) -> Option<String> {
    let (signature, text) = cookie(headers, &name(app))?.split_once('.')?;
    let words = percent_decode_str(text).decode_utf8().ok()?;
    (signature == signed(app, &words)).then(|| format!("Published. {words}"))
}

/// The cookie that takes them away.
pub(super) fn forgotten(app: &Shared) -> String {
    format!("{}=; {SCOPE} Max-Age=0", name(app))
}

const SCOPE: &str = "Path=/; HttpOnly; SameSite=Strict;";

fn name(app: &Shared) -> String {
    format!("entente_told_{}", app.address.port())
}

fn signed(app: &Shared, words: &str) -> String {
    hex(&length_prefixed([words, app.form_token.reveal()]))
}
