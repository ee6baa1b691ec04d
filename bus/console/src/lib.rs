//! The console: the shared picture as web pages, rendered on the server from the correlator's views. Every page is whole
//! without script; `assets/console.js` only replaces elements by id and answers keys. Provider text is shown as text,
//! never as markup: maud escapes every value, and a test forbids its one opt-out.

pub mod asset;
mod board;
mod error;
mod event;
mod feeds;
mod filters;
mod form;
mod fragment;
mod frame;
mod glyph;
mod incident;
mod link;
mod mark;
mod moment;
mod name;
mod number;
mod repair;
mod says;
mod shared;
mod shell;
mod spoken;
pub mod text;

#[cfg(test)]
mod tests;

pub use board::board;
pub use error::error;
pub use event::event;
pub use feeds::{FeedBeat, feeds};
pub use filters::Filters;
pub use form::{Form, FormKind, FormProblem, FormRequest};
pub use fragment::fragments;
pub use frame::{Frame, Theme};
pub use incident::incident;
#[cfg(test)]
use tests::fixture;

/// The content security policy of every page: no inline script or style, nothing from elsewhere, and markup that a
/// script makes only through the one policy of `console.js`.
pub const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                       form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
                       require-trusted-types-for 'script'; trusted-types entente";
