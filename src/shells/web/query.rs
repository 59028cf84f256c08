//! Fields of a query, as browsers write them.
//!
//! Must never: hand on a field that is empty, too long, or no text.

/// The longest field that is looked at, in bytes.
const FIELD_BYTES_MAX: usize = 4_096;

/// A field of a query, decoded; nothing for one that is empty or too long.
pub(super) fn field(query: Option<&str>, name: &str) -> Option<String> {
    let pairs = query?.split('&').filter_map(|pair| pair.split_once('='));
    let value = pairs.into_iter().find_map(|(n, value)| (n == name).then_some(value))?;
    let spaced = value.replace('+', " ");
    let text = percent_encoding::percent_decode_str(&spaced).decode_utf8().ok()?.into_owned();
    (1..=FIELD_BYTES_MAX).contains(&text.len()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded_and_bounded() {
        assert_eq!(field(Some("a=1&return=https%3A%2F%2Fd.example"), "return").as_deref(), Some("https://d.example"));
        assert_eq!(field(Some("return="), "return"), None);
        assert_eq!(field(Some("state=%ff"), "state"), None);
        assert_eq!(field(Some(&format!("code={}", "x".repeat(5_000))), "code"), None);
        assert_eq!(field(None, "code"), None);
    }
}
