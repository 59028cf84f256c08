//! Reads the list of refresh tokens that an organisation's app already holds: JSON lines, or CSV with a header.
//!
//! Must never: repeat a token in an error; a line is named by its number and by what is wrong with it.

use std::collections::HashMap;

use crate::words::secret::Secret;

/// More lines than any organisation has agents.
const LINES_MAX: usize = 1_000_000;
const REFERENCE_CHARS_MAX: usize = 200;
const TOKEN_BYTES_MAX: usize = 16_384;

/// An agent as a list names them: a user id, an e-mail address or a name. Only the platform can tell which.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AgentRef(String);

impl AgentRef {
    /// The text as it stood in the list.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for AgentRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// One agent's refresh token from a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// The line, from 1.
    pub line: usize,
    /// Who it belongs to.
    pub agent: AgentRef,
    /// The token.
    pub refresh_token: Secret,
}

/// What is wrong with one line of a list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {found}; accepted: {accepted}")]
pub struct EnrolmentError {
    /// The line, from 1.
    pub line: usize,
    /// What was found, without any token.
    pub found: String,
    /// What is accepted there.
    pub accepted: &'static str,
}

const JSON: &str = "{\"agent\": \"…\", \"refresh_token\": \"…\"}";
const CSV: &str = "agent,refresh_token";
const EITHER: &str =
    "lines of {\"agent\": \"…\", \"refresh_token\": \"…\"}, or CSV with the header agent,refresh_token";

/// Reads a list of agents and their refresh tokens: JSON lines when its first line begins with `{`, otherwise CSV with
/// a header that names the columns `agent` and `refresh_token`. Empty lines are passed over.
///
/// # Errors
/// Every line that cannot be used, all at once; then none may be imported.
pub fn parse_enrolments(text: &str) -> Result<Vec<Enrolment>, Vec<EnrolmentError>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()).peekable();
    let Some((first_line, first)) = lines.peek().copied() else {
        return Err(vec![error(1, "nothing", EITHER)]);
    };
    let mut results: Vec<Result<Enrolment, EnrolmentError>> = if first.trim_start().starts_with('{') {
        lines.by_ref().take(LINES_MAX).map(|(line, text)| from_json(line, text)).collect()
    } else {
        let columns = Columns::read(first_line, first).map_err(|e| vec![e])?;
        lines.by_ref().skip(1).take(LINES_MAX).map(|(line, text)| columns.row(line, text)).collect()
    };
    if let Some((line, _)) = lines.next() {
        results.push(Err(error(line, "more lines than can be agents", "up to 1,000,000 lines")));
    }
    if results.is_empty() {
        return Err(vec![error(first_line, "a header without any line below it", EITHER)]);
    }
    without_repeats(results)
}

/// All lines, or all errors; an agent who is named twice is an error, since only one of the tokens can be the newest.
fn without_repeats(results: Vec<Result<Enrolment, EnrolmentError>>) -> Result<Vec<Enrolment>, Vec<EnrolmentError>> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let (mut enrolments, mut errors) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Err(e) => errors.push(e),
            Ok(enrolment) => match seen.insert(enrolment.agent.0.to_lowercase(), enrolment.line) {
                Some(before) => {
                    let found = format!("{:?} again, after line {before}", enrolment.agent.0);
                    errors.push(error(enrolment.line, found, "each agent once"));
                }
                None => enrolments.push(enrolment),
            },
        }
    }
    if errors.is_empty() { Ok(enrolments) } else { Err(errors) }
}

fn error(line: usize, found: impl Into<String>, accepted: &'static str) -> EnrolmentError {
    EnrolmentError { line, found: found.into(), accepted }
}

fn from_json(line: usize, text: &str) -> Result<Enrolment, EnrolmentError> {
    // The parser's own message can quote the text, so only its column is kept.
    let value: serde_json::Value =
        serde_json::from_str(text).map_err(|e| error(line, format!("no JSON object (column {})", e.column()), JSON))?;
    let Some(object) = value.as_object() else { return Err(error(line, "JSON that is no object", JSON)) };
    let field = |name: &str| match object.get(name) {
        Some(serde_json::Value::String(text)) => Ok(text.as_str()),
        Some(_) => Err(error(line, format!("the field {name}, which is no string"), JSON)),
        None => Err(error(line, format!("no {name}"), JSON)),
    };
    enrolment(line, field("agent")?, field("refresh_token")?, JSON)
}

fn enrolment(line: usize, agent: &str, token: &str, accepted: &'static str) -> Result<Enrolment, EnrolmentError> {
    let (agent, token) = (agent.trim(), token.trim());
    if agent.is_empty() {
        return Err(error(line, "an empty agent", accepted));
    }
    if agent.chars().count() > REFERENCE_CHARS_MAX || agent.chars().any(char::is_control) {
        return Err(error(line, "an agent that is no id, e-mail address or name", accepted));
    }
    if token.is_empty() {
        return Err(error(line, "an empty refresh_token", accepted));
    }
    if token.len() > TOKEN_BYTES_MAX || token.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(error(line, "a refresh_token that is none", "a token without spaces, up to 16,384 bytes"));
    }
    Ok(Enrolment { line, agent: AgentRef(agent.to_owned()), refresh_token: Secret::new(token.to_owned()) })
}

/// Where the two columns stand in a CSV file.
#[derive(Debug, Clone, Copy)]
struct Columns {
    agent: usize,
    token: usize,
    count: usize,
}

impl Columns {
    fn read(line: usize, header: &str) -> Result<Columns, EnrolmentError> {
        let names = fields(header).ok_or_else(|| error(line, "a quote that is not closed", CSV))?;
        let column = |wanted: &str| names.iter().position(|name| name.trim().eq_ignore_ascii_case(wanted));
        // A file without a header has a token in its first line, so the line is not shown.
        match (column("agent"), column("refresh_token")) {
            (Some(agent), Some(token)) => Ok(Columns { agent, token, count: names.len() }),
            (Some(_), None) => Err(error(line, "a header without the column refresh_token", EITHER)),
            (None, Some(_)) => Err(error(line, "a header without the column agent", EITHER)),
            (None, None) => Err(error(line, "neither a JSON object nor a header", EITHER)),
        }
    }
    fn row(&self, line: usize, text: &str) -> Result<Enrolment, EnrolmentError> {
        let fields = fields(text).ok_or_else(|| error(line, "a quote that is not closed", CSV))?;
        if fields.len() != self.count {
            let found = format!("{} fields under a header of {}", fields.len(), self.count);
            return Err(error(line, found, CSV));
        }
        match (fields.get(self.agent), fields.get(self.token)) {
            (Some(agent), Some(token)) => enrolment(line, agent, token, CSV),
            (None, _) | (_, None) => Err(error(line, "too few fields", CSV)),
        }
    }
}

/// The fields of a line of CSV (RFC 4180): separated by commas, quoted where needed, a quote doubled inside of quotes.
/// `None` when a quote is not closed.
fn fields(line: &str) -> Option<Vec<String>> {
    let mut fields = vec![String::new()];
    let mut chars = line.trim_end_matches('\r').chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        let field = fields.last_mut()?;
        match (c, quoted) {
            ('"', true) if chars.next_if_eq(&'"').is_some() => field.push('"'),
            ('"', true) => quoted = false,
            ('"', false) if field.trim().is_empty() => {
                field.clear();
                quoted = true;
            }
            (',', false) => fields.push(String::new()),
            (c, _) => field.push(c),
        }
    }
    (!quoted).then_some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(usize, String, String)> {
        let plain = |e: Enrolment| (e.line, e.agent.0, e.refresh_token.expose().to_owned());
        parse_enrolments(text).unwrap().into_iter().map(plain).collect()
    }
    fn errors(text: &str) -> Vec<String> {
        parse_enrolments(text).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn json_lines_and_csv_are_read_alike() {
        let expected = [(1, "ann@example.com", "tok-1"), (3, "Bo, the second", "tok-2")]
            .map(|(line, agent, token)| (line, agent.to_owned(), token.to_owned()));
        let json = "{\"agent\": \"ann@example.com\", \"refresh_token\": \"tok-1\", \"note\": 5}\n\n\
                    {\"refresh_token\": \"tok-2\", \"agent\": \" Bo, the second \"}\n";
        assert_eq!(read(json), expected);
        let shifted = expected.map(|(line, agent, token)| (line + 1, agent, token));
        let csv = "\u{feff}Agent,team,Refresh_Token\r\nann@example.com,x,tok-1\r\n\r\n\"Bo, the second\",\"a \"\"b\"\"\",tok-2\r\n";
        assert_eq!(read(csv), shifted);
    }

    #[test]
    fn all_errors_come_at_once_and_no_token_among_them() {
        let text = "{\"agent\": \"a\", \"refresh_token\": \"hush-1\"}\n\
                    {\"agent\": \"\", \"refresh_token\": \"hush-2\"}\n\
                    {\"agent\": \"c\", \"refresh_token\": hush-3}\n\
                    {\"agent\": \"d\"}\n\
                    {\"agent\": 5, \"refresh_token\": \"hush-4\"}\n\
                    [\"hush-5\"]\n\
                    {\"agent\": \"A\", \"refresh_token\": \"hush-6\"}\n\
                    {\"agent\": \"e\", \"refresh_token\": \"hush 7\"}\n\
                    {\"agent\": \"f\", \"refresh_token\": \"\"}\n";
        let errors = errors(text);
        assert_eq!(errors.len(), 8, "{errors:#?}");
        for (n, (error, found)) in errors
            .iter()
            .zip([
                "line 2: an empty agent",
                "line 3: no JSON object (column 33)",
                "line 4: no refresh_token",
                "line 5: the field agent, which is no string",
                "line 6: JSON that is no object",
                "line 7: \"A\" again, after line 1",
                "line 8: a refresh_token that is none",
                "line 9: an empty refresh_token",
            ])
            .enumerate()
        {
            assert!(error.starts_with(found), "{n}: {error}");
            assert!(!error.contains("hush"), "{error}");
        }
    }

    #[test]
    fn a_file_of_the_wrong_kind_is_refused_without_being_quoted() {
        for (text, found) in [
            ("", "line 1: nothing"),
            ("\n \n", "line 1: nothing"),
            ("ann@example.com,hush\n", "line 1: neither a JSON object nor a header"),
            ("agent;refresh_token\n", "line 1: neither a JSON object nor a header"),
            ("agent,token\nann,hush\n", "line 1: a header without the column refresh_token"),
            ("refresh_token\nhush\n", "line 1: a header without the column agent"),
            ("\nagent,refresh_token\n", "line 2: a header without any line"),
            ("agent,refresh_token\nann\n", "line 2: 1 fields under a header of 2"),
            ("agent,refresh_token\n\"ann,hush\n", "line 2: a quote that is not closed"),
            ("agent,refresh_token\n,hush\n", "line 2: an empty agent"),
        ] {
            let errors = errors(text);
            assert!(errors.len() == 1 && errors[0].starts_with(found), "{text:?}: {errors:?}");
            assert!(!errors[0].contains("hush"), "{errors:?}");
        }
    }

    #[test]
    fn no_list_makes_it_panic() {
        let mut seed = crate::words::clock::Seed(11).fork("lists");
        let pieces = [
            "{",
            "}",
            "\"agent\"",
            ":",
            "\"refresh_token\"",
            ",",
            "\n",
            "\r",
            "\"",
            "x",
            "é",
            "agent",
            "refresh_token",
            "\u{0}",
        ];
        for _ in 0..5000 {
            let n = seed.between(0, 20);
            let text: String = (0..n).map(|_| pieces[seed.between(0, pieces.len() as i64 - 1) as usize]).collect();
            let _ = parse_enrolments(&text);
        }
    }
}
