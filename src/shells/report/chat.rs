//! What Slack and Teams take, held against what a template has made.
//!
//! Slack: a message has at most 50 blocks, a header 150 characters, a section 3,000, each of its at most 10 fields 2,000, a
//! context 10 elements (Block Kit reference). Teams: a message through a webhook has at most 28 KB. Must never: let a message
//! pass that the receiver would refuse, for nobody sees it refused.

use serde_json::Value;

/// Blocks of a message to Slack, at most.
const BLOCKS_MAX: usize = 50;
const HEADER_CHARS_MAX: usize = 150;
const SECTION_CHARS_MAX: usize = 3_000;
const FIELD_CHARS_MAX: usize = 2_000;
/// Fields of a section and elements of a context, at most.
const FIELDS_MAX: usize = 10;
/// A message to Teams, in bytes, at most.
const TEAMS_BYTES_MAX: usize = 28 * 1024;
/// Adaptive Cards up to this version are shown by Teams.
const CARD_VERSIONS: [&str; 6] = ["1.0", "1.1", "1.2", "1.3", "1.4", "1.5"];

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|e| format!("what it makes is not JSON: {e} of the output"))
}

fn chars(value: &Value) -> usize {
    value.as_str().map_or(0, |text| text.encode_utf16().count())
}

fn bounded(what: &str, found: usize, max: usize) -> Result<(), String> {
    if found <= max { Ok(()) } else { Err(format!("{what} has {found}, Slack takes {max}")) }
}

/// Whether Slack takes the message.
///
/// # Errors
/// What it would refuse.
pub(super) fn slack_fits(text: &str) -> Result<(), String> {
    let message = json(text)?;
    let blocks = message.get("blocks").and_then(Value::as_array).ok_or("what it makes has no \"blocks\"")?;
    if blocks.is_empty() {
        return Err("what it makes has no block".to_owned());
    }
    bounded("the message, in blocks,", blocks.len(), BLOCKS_MAX)?;
    for (at, block) in (1..).zip(blocks) {
        let in_block = |what: &str| format!("block {at}, {what},");
        let list = |name: &str| block.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let max = if block["type"] == "header" { HEADER_CHARS_MAX } else { SECTION_CHARS_MAX };
        bounded(&in_block("its text, in characters"), chars(&block["text"]["text"]), max)?;
        for (name, each) in [("fields", FIELD_CHARS_MAX), ("elements", SECTION_CHARS_MAX)] {
            bounded(&in_block(name), list(name).len(), FIELDS_MAX)?;
            for part in list(name) {
                bounded(&in_block("a part, in characters"), chars(&part["text"]), each)?;
            }
        }
    }
    Ok(())
}

/// Whether Teams takes the message.
///
/// # Errors
/// What it would refuse.
pub(super) fn teams_fits(text: &str) -> Result<(), String> {
    let message = json(text)?;
    let card = &message["attachments"][0]["content"];
    if message["type"] != "message" || card["type"] != "AdaptiveCard" {
        return Err("what it makes is not a message with an Adaptive Card as its first attachment".to_owned());
    }
    let version = card["version"].as_str().unwrap_or_default();
    if !CARD_VERSIONS.contains(&version) {
        return Err(format!("the card's version is {version:?}, Teams shows 1.0 to 1.5"));
    }
    if text.len() > TEAMS_BYTES_MAX {
        return Err(format!("the message has {} bytes, Teams takes {TEAMS_BYTES_MAX}", text.len()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_slack_would_refuse_is_refused() {
        let section = |n: usize| json!({"type": "section", "text": {"type": "plain_text", "text": "x".repeat(n)}});
        let told = |blocks: Vec<Value>| slack_fits(&json!({ "blocks": blocks }).to_string());
        assert_eq!(told(vec![section(3_000); 50]), Ok(()));
        for (blocks, of) in [
            (vec![section(1); 51], "51, Slack takes 50"),
            (vec![section(1), section(3_001)], "block 2, its text, in characters, has 3001"),
            (vec![json!({"type": "header", "text": {"text": "x".repeat(151)}})], "has 151, Slack takes 150"),
            (vec![json!({"type": "section", "fields": vec![json!({"text": "x"}); 11]})], "fields, has 11"),
            (vec![json!({"type": "section", "fields": [{"text": "x".repeat(2_001)}]})], "has 2001"),
            (Vec::new(), "no block"),
        ] {
            let wrong = told(blocks).unwrap_err();
            assert!(wrong.contains(of), "{wrong}");
        }
        assert!(slack_fits("{\"blocks\": [}").unwrap_err().contains("line 1 column 13"));
    }

    #[test]
    fn what_teams_would_refuse_is_refused() {
        let told = |version: &str, n: usize| {
            let card = json!({"type": "AdaptiveCard", "version": version, "fallbackText": "x".repeat(n)});
            teams_fits(&json!({"type": "message", "attachments": [{ "content": card }]}).to_string())
        };
        assert_eq!(told("1.5", 20_000), Ok(()));
        assert!(told("1.5", 28 * 1024).unwrap_err().contains("Teams takes 28672"));
        assert!(told("1.6", 1).unwrap_err().contains("1.6"));
        assert!(teams_fits("{}").is_err() && teams_fits("[").is_err());
    }
}
