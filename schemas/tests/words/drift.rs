//! The files in `schemas/v1` are the text of the types. With ENTENTE_UPDATE=1 they are written anew; a schema of a
//! released minor version is never changed.

use std::collections::BTreeSet;
use std::sync::Once;

use entente_schemas::family::Family;
use entente_schemas::{asyncapi, schema};
use serde_json::Value;

use crate::making::{read, v1};

fn schemas() -> Vec<(String, Value)> {
    let families = Family::ALL.iter().map(|family| (format!("{family}.schema.json"), family.claim_schema()));
    let others = [
        ("envelope.schema.json".to_owned(), schema::of_envelope()),
        ("beat.schema.json".to_owned(), schema::of_beat()),
    ];
    families.chain(others).collect()
}

fn files() -> Vec<(String, String)> {
    let json = schemas().into_iter().map(|(name, schema)| (name, format!("{schema:#}\n")));
    let yaml = serde_saphyr::to_string(&asyncapi::document()).unwrap();
    json.chain([("asyncapi.yaml".to_owned(), yaml)]).collect()
}

/// Writes the files anew where that is asked for, before any test of this room looks at them.
fn updated() -> Vec<(String, String)> {
    static ONCE: Once = Once::new();
    let files = files();
    ONCE.call_once(|| {
        if std::env::var_os("ENTENTE_UPDATE").is_some_and(|value| value == "1") {
            for (name, text) in &files {
                std::fs::write(v1(name), text).unwrap();
            }
        }
    });
    files
}

#[test]
fn the_files_are_those_of_the_types() {
    for (name, text) in updated() {
        let written = std::fs::read_to_string(v1(&name)).unwrap_or_default();
        assert!(
            written == text,
            "schemas/v1/{name} is not what the types say; if the change is meant, run \
             `ENTENTE_UPDATE=1 cargo test -p entente-schemas` and look at the difference"
        );
    }
}

#[test]
fn no_other_file_stands_beside_them() {
    let expected: BTreeSet<String> =
        updated().into_iter().map(|(name, _)| name).chain(["ok".to_owned(), "bad".to_owned()]).collect();
    let found: BTreeSet<String> =
        std::fs::read_dir(v1("")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(found, expected);
}

#[test]
fn the_yaml_is_yaml_and_says_what_the_document_says() {
    updated();
    let read: Value = serde_saphyr::from_str(&read(&v1("asyncapi.yaml"))).unwrap();
    assert_eq!(read, asyncapi::document());
}

#[test]
fn every_reference_of_the_document_leads_somewhere() {
    fn follow(value: &Value, root: &Value, found: &mut usize) {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            *found += 1;
            match reference.strip_prefix('#') {
                Some(pointer) => assert!(root.pointer(pointer).is_some(), "{reference}"),
                None => assert!(v1(reference).is_file(), "{reference}"),
            }
        }
        match value {
            Value::Object(members) => members.values().for_each(|member| follow(member, root, found)),
            Value::Array(items) => items.iter().for_each(|item| follow(item, root, found)),
            _ => {}
        }
    }
    updated();
    let (document, mut found) = (asyncapi::document(), 0);
    follow(&document, &document, &mut found);
    assert!(found > 3 * Family::ALL.len(), "only {found} references");
}

#[test]
fn every_parameter_of_an_address_is_described() {
    let document = asyncapi::document();
    for (name, channel) in document["channels"].as_object().unwrap() {
        let address = channel["address"].as_str().unwrap();
        let named: BTreeSet<&str> =
            address.split('.').filter_map(|token| token.strip_prefix('{')?.strip_suffix('}')).collect();
        let described: BTreeSet<&str> = channel["parameters"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(named, described, "{name}");
    }
}

#[test]
fn every_schema_is_closed_and_one_that_a_validator_takes() {
    for (name, schema) in schemas() {
        assert!(jsonschema::meta::is_valid(&schema), "{name}");
        jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(schema["additionalProperties"], false, "{name}");
        for (part, inner) in schema["$defs"].as_object().into_iter().flatten() {
            if inner["type"] == "object" {
                assert_eq!(inner["additionalProperties"], false, "{part} in {name}");
            }
        }
    }
}
