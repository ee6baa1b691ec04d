//! The OpenAPI 3.1 document, made from the table of addresses and from the types that are answered.

use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::refusal::ErrorBody;
use super::routes::{Content, Route, table};

pub(crate) async fn document() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], openapi().to_string()).into_response()
}

/// The document.
pub(crate) fn openapi() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for route in table() {
        let operation = operation(&route, &mut generator);
        let path = paths.entry(route.path.replace("{*", "{")).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(route.method.as_str().to_lowercase(), operation);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Entente",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The shared picture of cross-cloud incidents, as one viewer's credential sees it. Loopback only.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    })
}

fn operation(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let mut responses = Map::new();
    for (status, content) in &route.gives {
        responses.insert(status.as_u16().to_string(), response(*status, *content, generator));
    }
    responses.insert("default".to_owned(), refused(route, generator));
    let mut operation = json!({"summary": route.about, "parameters": parameters(route), "responses": responses});
    if let (Some(takes), Some(members)) = (route.takes, operation.as_object_mut()) {
        members.insert("requestBody".to_owned(), json!({"required": true, "content": body(takes, generator)}));
        if route.method == Method::POST && matches!(takes, Content::Json(_)) {
            members.insert("security".to_owned(), json!([{"token": []}]));
        }
    }
    operation
}

/// A page tells its reader on a page; what never came to it, a foreign caller for one, is told as everywhere.
fn refused(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let mut told = json!({"application/json": {"schema": generator.subschema_for::<ErrorBody>()}});
    let shows = |content: &Content| matches!(content, Content::Html);
    let page = route.gives.iter().any(|(_, content)| shows(content));
    if let (true, Some(media)) = (page, told.as_object_mut()) {
        media.insert("text/html".to_owned(), json!({"schema": {"type": "string"}}));
    }
    json!({"description": "What failed, and the next step.", "content": told})
}

fn response(status: StatusCode, content: Content, generator: &mut SchemaGenerator) -> Value {
    let description = status.canonical_reason().unwrap_or("Answer");
    match content {
        Content::Elsewhere => {
            json!({"description": description, "headers": {"Location": {"schema": {"type": "string"}}}})
        }
        content => json!({"description": description, "content": body(content, generator)}),
    }
}

fn body(content: Content, generator: &mut SchemaGenerator) -> Value {
    let (media, schema) = match content {
        Content::Json(schema) => ("application/json", schema(generator).to_value()),
        Content::Html => ("text/html", json!({"type": "string"})),
        Content::Text => ("text/plain", json!({"type": "string"})),
        Content::Form => ("application/x-www-form-urlencoded", json!({"type": "object"})),
        Content::Events => ("text/event-stream", json!({"type": "string"})),
        Content::File | Content::Elsewhere => ("*/*", json!({})),
    };
    json!({ media: {"schema": schema} })
}

fn parameters(route: &Route) -> Vec<Value> {
    let named = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Value> = named
        .map(|name| json!({"name": name.trim_start_matches('*'), "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    if route.moment {
        parameters.push(key("as_of", "How far the log counts: a position, or a time with its day, in UTC."));
        parameters.push(key("at", "What the clock shows: a time with its day, in UTC."));
    }
    parameters.extend(route.query.iter().map(|name| key(name, "")));
    parameters
}

fn key(name: &str, about: &str) -> Value {
    let mut parameter = json!({"name": name, "in": "query", "required": false, "schema": {"type": "string"}});
    if let Some(members) = parameter.as_object_mut()
        && !about.is_empty()
    {
        members.insert("description".to_owned(), json!(about));
    }
    parameter
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_is_in_the_document_with_its_parameters() {
        let document = openapi();
        let routes = table();
        assert!(routes.len() >= 8);
        for route in &routes {
            let path = route.path.replace("{*", "{");
            let operation = &document["paths"][&path][route.method.as_str().to_lowercase()];
            assert!(operation.is_object(), "{} {path} is missing", route.method);
            let names: Vec<&str> =
                operation["parameters"].as_array().unwrap().iter().filter_map(|p| p["name"].as_str()).collect();
            assert!(route.query.iter().all(|key| names.contains(key)), "{path}: {names:?}");
            assert_eq!(names.contains(&"as_of"), route.moment, "{path}");
        }
        let operations: usize =
            document["paths"].as_object().unwrap().values().map(|path| path.as_object().unwrap().len()).sum();
        assert_eq!(operations, routes.len());
    }

    #[test]
    fn every_reference_leads_to_a_schema() {
        let document = openapi();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let mut references = BTreeSet::new();
        collect(&document, &mut references);
        for needed in ["Picture", "Incident", "Line", "Error", "ClaimRequest"] {
            assert!(schemas.contains_key(needed), "{needed} is missing among {:?}", schemas.keys());
        }
        for reference in references {
            let name = reference.strip_prefix("#/components/schemas/").unwrap_or_else(|| panic!("{reference}"));
            assert!(schemas.contains_key(name), "{reference} leads nowhere");
        }
    }

    fn collect(value: &Value, references: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                for (key, member) in members {
                    match member {
                        Value::String(target) if key == "$ref" => drop(references.insert(target.clone())),
                        member => collect(member, references),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
            _ => {}
        }
    }
}
