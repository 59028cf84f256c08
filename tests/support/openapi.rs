//! From the platform's API description (OpenAPI 3.0) to JSON Schema validators: strict for requests, lenient about what an
//! answer leaves out, and strict about what it invents.
//!
//! Must never: ignore a keyword of the description that it does not understand.

use std::collections::{BTreeSet, HashMap};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// Which way a body goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// Required properties bind, read-only properties may not be sent, unknown properties are errors.
    Request,
    /// Nothing is required (the platform leaves required properties out of answers), unknown properties are errors.
    Answer,
}

/// The description, with its validators as they are needed.
pub struct Description {
    api: Value,
    validators: HashMap<(String, Way), Validator>,
}

/// An operation found for a method and a path.
#[derive(Debug, Clone)]
pub struct Operation {
    /// As the description writes it, e.g. `GET /api/v2/users/{userId}`.
    pub name: String,
    /// The operation's description.
    pub about: Value,
    /// The path's parameters with the values found for them.
    pub path_values: Vec<(String, String)>,
}

const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];

impl Description {
    /// The description kept beside the tests.
    pub fn load() -> Description {
        let api = serde_json::from_str(include_str!("../openapi/platform.json")).expect("platform.json is JSON");
        Description { api, validators: HashMap::new() }
    }

    /// Every operation's name.
    pub fn names(&self) -> BTreeSet<String> {
        let paths = self.api["paths"].as_object().expect("paths");
        let methods = |item: &Value| METHODS.into_iter().filter(|m| item.get(m).is_some()).collect::<Vec<_>>();
        let named = |(path, item): (&String, &Value)| {
            methods(item).into_iter().map(|m| format!("{} {path}", m.to_uppercase())).collect::<Vec<_>>()
        };
        paths.iter().flat_map(named).collect()
    }

    /// The operation of a request; the reason when there is none.
    pub fn operation(&self, method: &str, path: &str) -> Result<Operation, String> {
        let paths = self.api["paths"].as_object().expect("paths");
        let fits = paths.iter().filter_map(|(template, item)| {
            let values = path_values(template, path)?;
            Some((values.len(), template, item, values))
        });
        // A literal segment goes before a parameter: `/users/me` is not a user called "me".
        let Some((_, template, item, path_values)) = fits.min_by_key(|(parameters, ..)| *parameters) else {
            return Err("no such path in the published API".to_owned());
        };
        match item.get(method.to_lowercase()) {
            Some(about) => Ok(Operation { name: format!("{method} {template}"), about: about.clone(), path_values }),
            None => Err(format!("{template} has no {method} in the published API")),
        }
    }

    /// Follows `#/components/…` when there is a reference.
    pub fn resolve<'a>(&'a self, node: &'a Value) -> &'a Value {
        match node.get("$ref").and_then(Value::as_str) {
            Some(reference) => {
                self.api.pointer(reference.trim_start_matches('#')).expect("a reference leads somewhere")
            }
            None => node,
        }
    }

    /// What is wrong with a value; empty when nothing is. `name` must name the schema: validators are kept under it.
    pub fn faults(&mut self, name: &str, schema: &Value, way: Way, value: &Value) -> Vec<String> {
        let key = (name.to_owned(), way);
        if !self.validators.contains_key(&key) {
            let document = self.document(schema, way);
            let options = jsonschema::options().should_validate_formats(true);
            let validator = options.build(&document).unwrap_or_else(|e| panic!("the schema of {name}: {e}"));
            self.validators.insert(key.clone(), validator);
        }
        let say = |e: jsonschema::ValidationError<'_>| {
            let place = e.instance_path().to_string();
            format!("{}: {e}", if place.is_empty() { "/" } else { &place })
        };
        self.validators[&key].iter_errors(value).map(say).collect()
    }

    /// A JSON Schema with everything that the given one refers to.
    fn document(&self, schema: &Value, way: Way) -> Value {
        let mut root = convert(schema, way);
        let mut definitions = Map::new();
        let mut waiting = references(&root);
        while let Some(name) = waiting.pop() {
            if definitions.contains_key(&name) {
                continue;
            }
            let given = self.api.pointer(&format!("/components/schemas/{name}")).expect("a reference leads somewhere");
            let converted = convert(given, way);
            waiting.extend(references(&converted));
            definitions.insert(name, converted);
        }
        root["$defs"] = Value::Object(definitions);
        root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
        root
    }
}

fn path_values(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    let (mut left, mut right) = (template.split('/'), path.split('/'));
    let mut values = Vec::new();
    loop {
        match (left.next(), right.next()) {
            (None, None) => return Some(values),
            (Some(segment), Some(value)) => match segment.strip_prefix('{').and_then(|s| s.strip_suffix('}')) {
                Some(name) if !value.is_empty() => values.push((name.to_owned(), value.to_owned())),
                None if segment == value => {}
                Some(_) | None => return None,
            },
            (Some(_), None) | (None, Some(_)) => return None,
        }
    }
}

fn references(schema: &Value) -> Vec<String> {
    match schema {
        Value::Array(items) => items.iter().flat_map(references).collect(),
        Value::Object(map) => {
            let own = map.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix("#/$defs/"));
            own.map(str::to_owned).into_iter().chain(map.values().flat_map(references)).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// One schema, from OpenAPI 3.0 to JSON Schema.
fn convert(schema: &Value, way: Way) -> Value {
    let map = schema.as_object().expect("a schema is an object");
    let mut out = Map::new();
    for (keyword, value) in map {
        match keyword.as_str() {
            "type" | "enum" | "format" | "maxItems" | "minItems" | "minimum" | "maximum" => {
                out.insert(keyword.clone(), value.clone());
            }
            "$ref" => {
                let name = value.as_str().and_then(|r| r.strip_prefix("#/components/schemas/")).expect("a schema");
                out.insert(keyword.clone(), json!(format!("#/$defs/{name}")));
            }
            "allOf" => {
                let parts: Vec<Value> = value.as_array().expect("a list").iter().map(|s| convert(s, way)).collect();
                // Strictness about unknown properties would make the parts exclude each other.
                assert_eq!(parts.len(), 1, "allOf with several parts is not understood");
                out.insert(keyword.clone(), Value::Array(parts));
            }
            "items" => {
                out.insert(keyword.clone(), convert(value, way));
            }
            "additionalProperties" => {
                let converted = if value.is_boolean() { value.clone() } else { convert(value, way) };
                out.insert(keyword.clone(), converted);
            }
            "properties" => {
                let given = value.as_object().expect("properties");
                let kept = given.iter().filter(|(_, s)| way == Way::Answer || s.get("readOnly") != Some(&json!(true)));
                let kept: Map<String, Value> = kept.map(|(name, s)| (name.clone(), convert(s, way))).collect();
                out.insert(keyword.clone(), Value::Object(kept));
                if !map.contains_key("additionalProperties") {
                    out.insert("additionalProperties".to_owned(), json!(false));
                }
            }
            "required" => {
                let read_only = |name: &Value| {
                    let property = name.as_str().and_then(|n| map.get("properties")?.get(n));
                    property.and_then(|s| s.get("readOnly")) == Some(&json!(true))
                };
                let names = value.as_array().expect("a list").iter();
                let binding: Vec<Value> = names.filter(|n| way == Way::Request && !read_only(n)).cloned().collect();
                out.insert(keyword.clone(), Value::Array(binding));
            }
            // Looked at where they matter: "properties" and below.
            "readOnly" | "nullable" => {}
            other => panic!("the keyword {other} is not understood"),
        }
    }
    let out = Value::Object(out);
    if map.get("nullable") == Some(&json!(true)) { json!({ "anyOf": [out, { "type": "null" }] }) } else { out }
}
