//! The published JSON Schema of `report.json`.
//!
//! A reader of version 1 must ignore what it does not know, so the schema lets new fields in. Must never: lag behind; the tests
//! hold every document against it with no field let in that it does not name.

/// The schema, as `softlanding report schema` prints it.
pub const SCHEMA: &str = include_str!("../../../templates/report.schema.json");

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::law::event::{Record, StopKind};
    use crate::law::plan::StagedBy;
    use crate::shells::report::document::document;
    use crate::shells::report::{Story, recorded, sample};

    /// The schema with every object closed.
    fn strict(mut schema: Value) -> Value {
        match &mut schema {
            Value::Object(object) => {
                if object.contains_key("properties") {
                    object.insert("additionalProperties".to_owned(), json!(false));
                }
                object.values_mut().for_each(|value| *value = strict(value.take()));
            }
            Value::Array(items) => items.iter_mut().for_each(|item| *item = strict(item.take())),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        schema
    }

    fn validator() -> jsonschema::Validator {
        let schema = strict(serde_json::from_str(SCHEMA).unwrap());
        jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
    }

    fn of(records: &[Record]) -> Value {
        serde_json::to_value(document(&Story::of(records))).unwrap()
    }

    #[test]
    fn every_document_keeps_to_the_published_schema() {
        let validator = validator();
        let mut stories = vec![sample::friday(1, 60), sample::friday(2, 500), sample::in_doubt(), Vec::new()];
        let kinds = [StopKind::Vetoed, StopKind::Drifted, StopKind::Missed, StopKind::Refused, StopKind::Aborted];
        stories.extend(kinds.map(|kind| sample::stopped(kind, "because")));
        let friday = recorded::friday().unwrap();
        stories.extend((0..=friday.len()).step_by(97).map(|to| friday[..to].to_vec()));
        stories.push(friday);
        let mut outside = sample::plan(3, 20);
        outside.policy.staged_by = Some(StagedBy { who: "ann".to_owned(), why: None });
        stories.push(sample::Scribe::staged(outside).in_order());
        for records in stories {
            let document = of(&records);
            let faults: Vec<String> =
                validator.iter_errors(&document).map(|e| format!("{}: {e}", e.instance_path())).collect();
            assert!(faults.is_empty(), "{} records: {faults:#?}", records.len());
        }
    }

    #[test]
    fn a_field_that_the_schema_does_not_name_is_found() {
        let (validator, whole) = (validator(), of(&sample::friday(1, 20)));
        assert!(validator.is_valid(&whole));
        for place in ["", "/run", "/losses", "/agents/0", "/remedies/0", "/over_time/0", "/coverage"] {
            let mut document = whole.clone();
            document.pointer_mut(place).unwrap().as_object_mut().unwrap().insert("surprise".to_owned(), json!(1));
            assert!(!validator.is_valid(&document), "{place}");
        }
        for missing in ["format", "agents", "tally"] {
            let mut document = whole.clone();
            document.as_object_mut().unwrap().remove(missing);
            assert!(!validator.is_valid(&document), "{missing}");
        }
    }
}
