//! A form on a page: groups of labelled fields, each with what to type; after a mistake, with what was typed and what was
//! expected.

use entente_schemas::subject::AUDIENCE_ALL;
use maud::{Markup, html};

use super::fields::{Field, Group, Input, groups};
use super::{Form, FormKind, readers};
use crate::frame::Frame;
use crate::name::spaced;

/// A form in a drawer that is shut until it is opened or holds a mistake.
pub(crate) fn drawer(frame: &Frame, form: &Form, incident: &str) -> Markup {
    let kind = form.kind;
    let refused = frame.form.as_ref().filter(|refused| refused.kind == kind && refused.value("incident") == incident);
    let form = &shown(form, refused);
    html! {
        details.drawer.say id={ "say-" (kind.as_str()) } open[refused.is_some()] {
            summary { span { (title(form)) " " span.muted.small { (about(form)) } } }
            (body(frame, form, incident))
        }
    }
}

/// A form as a panel of its own.
pub(crate) fn panel(frame: &Frame, kind: FormKind, close: &str) -> Markup {
    let refused = frame.form.as_ref().filter(|refused| refused.kind == kind);
    let mut empty = Form::empty(kind);
    empty.set(readers::AUDIENCE, AUDIENCE_ALL);
    let form = refused.unwrap_or(&empty);
    html! {
        section.panel.say #say aria-labelledby="h-say" {
            header { h2 #h-say { (title(form)) } span.small { (about(form)) } a.btn href=(close) { "Close" } }
            (body(frame, form, ""))
        }
    }
}

/// The form that was refused; the claim as it stands, where only its affirmation was.
fn shown(form: &Form, refused: Option<&Form>) -> Form {
    match refused {
        Some(refused) if refused.value("still").is_empty() => refused.clone(),
        Some(refused) => form.clone().refused(refused.problems().to_vec()),
        None => form.clone(),
    }
}

fn title(form: &Form) -> &'static str {
    match form.kind {
        FormKind::Impact if form.value("object_id").is_empty() => "Report an impact",
        FormKind::Impact => "Revise your claim",
        FormKind::Note => "Write a note",
        FormKind::Request => "Ask",
        FormKind::Commitment => "Commit",
    }
}

fn about(form: &Form) -> &'static str {
    match form.kind {
        FormKind::Impact if form.value("object_id").is_empty() => "your desk's own claim, or what was told by phone",
        FormKind::Impact => "a revision replaces the whole claim",
        FormKind::Note => "for the record",
        FormKind::Request => "somebody owes an answer",
        FormKind::Commitment => "you owe it by a time",
    }
}

fn body(frame: &Frame, form: &Form, incident: &str) -> Markup {
    let example = frame.at.format("%Y-%m-%d %H:%M").to_string();
    html! {
        form.claim action="/claims" method="post" {
            input type="hidden" name="csrf" value=(frame.csrf);
            input type="hidden" name="kind" value=(form.kind.as_str());
            input type="hidden" name="back" value=(frame.own_address());
            @for (name, value) in [("incident", incident), ("object_id", form.value("object_id"))] {
                @if !value.is_empty() { input type="hidden" name=(name) value=(value); }
            }
            (mistakes(form))
            (readers::question(frame, form))
            @for group in groups(form.kind) { (fieldset(form, group, &example)) }
            p.acts { button.btn.pri type="submit" { "Publish" } span.muted.small { "Signed by " (crate::name::org(&frame.org)) ", " (readers::shown_to(frame)) } }
        }
    }
}

/// What was expected, on top for all fields, since the one concerned may stand in a group that is shut.
fn mistakes(form: &Form) -> Markup {
    html! {
        @if !form.problems().is_empty() {
            div.mistakes role="alert" {
                b { "Nothing was published. Expected instead:" }
                ul { @for problem in form.problems() {
                    li { code { (problem.path) } " " (problem.what) }
                } }
            }
        }
    }
}

fn fieldset(form: &Form, group: &Group, example: &str) -> Markup {
    let typed = group.fields.iter().any(|field| !form.value(field.path).is_empty() || wrong(form, field).is_some());
    html! {
        @if group.shut {
            details.group open[typed] { summary { (group.name) } div.grid { @for one in group.fields { (field(form, one, example)) } } }
        } @else {
            fieldset { legend { (group.name) } div.grid { @for one in group.fields { (field(form, one, example)) } } }
        }
    }
}

fn wrong<'a>(form: &'a Form, field: &Field) -> Option<&'a str> {
    form.problems().iter().find(|problem| problem.path == field.path).map(|problem| problem.what.as_str())
}

fn field(form: &Form, field: &Field, example: &str) -> Markup {
    let wrong = wrong(form, field);
    let wide = matches!(field.input, Input::Text | Input::Some(_)) || matches!(field.path, "title" | "headline");
    html! {
        @if let Input::Some(words) = field.input {
            div.field.wide { span.label { (field.label) } span.many {
                @for word in words {
                    label { input type="checkbox" name=(field.path) value=(word) checked[form.all(field.path).any(|typed| typed == *word)]; (spaced(word)) }
                }
            } }
        } @else {
            label.field.wide[wide].wrong[wrong.is_some()] {
                span.label { (field.label) @if field.required { b aria-hidden="true" { " *" } } }
                (control(form, field, example, wrong.is_some()))
                @if let Some(what) = wrong { span.err { (what) } } @else if !field.hint.is_empty() { span.hint { (field.hint) } }
            }
        }
    }
}

fn control(form: &Form, field: &Field, example: &str, wrong: bool) -> Markup {
    let (value, invalid) = (form.value(field.path), wrong.then_some("true"));
    html! {
        @match field.input {
            Input::Text => textarea name=(field.path) rows="3" required[field.required] aria-invalid=[invalid] { (value) },
            Input::Choice(words) => select name=(field.path) required[field.required] aria-invalid=[invalid] {
                option value="" { @if field.required { "choose" } @else { "not stated" } }
                @for word in words { option value=(word) selected[*word == value] { (spaced(word)) } }
            },
            Input::Flag => input type="checkbox" name=(field.path) value="true" checked[!value.is_empty()];,
            Input::Time => input type="text" name=(field.path) value=(value) placeholder=(example) autocomplete="off" required[field.required] aria-invalid=[invalid];,
            Input::Number => input type="text" inputmode="numeric" name=(field.path) value=(value) required[field.required] aria-invalid=[invalid];,
            _ => input type="text" name=(field.path) value=(value) required[field.required] aria-invalid=[invalid];,
        }
    }
}
