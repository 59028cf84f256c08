//! Elements of XML, written: the twin's answers are built as values and put into text in one place.
//!
//! Must never: let a text or an attribute become markup.

use std::fmt::{self, Display, Write};

/// An element that is going to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    inside: Vec<Inside>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Inside {
    Tag(Tag),
    Text(String),
}

impl Tag {
    /// An element without anything in it.
    pub fn new(name: &'static str) -> Tag {
        Tag { name, attributes: Vec::new(), inside: Vec::new() }
    }
    /// An element in a namespace of its own.
    pub fn within(name: &'static str, namespace: &str) -> Tag {
        Tag::new(name).with("xmlns", namespace)
    }
    /// The same with one more attribute.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Tag {
        self.attributes.push((name, value.into()));
        self
    }
    /// The same with an attribute, if there is a value.
    pub fn with_some(self, name: &'static str, value: Option<impl Into<String>>) -> Tag {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }
    /// The same with one more element in it.
    pub fn holding(mut self, tag: Tag) -> Tag {
        self.inside.push(Inside::Tag(tag));
        self
    }
    /// The same with text in it.
    pub fn saying(mut self, text: impl Into<String>) -> Tag {
        self.inside.push(Inside::Text(text.into()));
        self
    }
}

impl Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}", self.name)?;
        for (name, value) in &self.attributes {
            write!(f, " {name}=\"")?;
            escape(f, value)?;
            f.write_char('"')?;
        }
        if self.inside.is_empty() {
            return f.write_str("/>");
        }
        f.write_char('>')?;
        for inside in &self.inside {
            match inside {
                Inside::Tag(tag) => tag.fmt(f)?,
                Inside::Text(text) => escape(f, text)?,
            }
        }
        write!(f, "</{}>", self.name)
    }
}

/// Line ends and tabs are written as references, since a parser may change them otherwise; what XML cannot hold is left out.
fn escape(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    for c in text.chars() {
        match c {
            '<' => f.write_str("&lt;")?,
            '>' => f.write_str("&gt;")?,
            '&' => f.write_str("&amp;")?,
            '"' => f.write_str("&quot;")?,
            '\'' => f.write_str("&apos;")?,
            '\n' => f.write_str("&#10;")?,
            '\r' => f.write_str("&#13;")?,
            '\t' => f.write_str("&#9;")?,
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => f.write_char(c)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_said_comes_back_from_a_parser_as_it_was() {
        for said in ["plain", "<b a=\"1\">&amp;'</b>", "m=audio 9\r\na=candidate:1\r\n\ttab", "é ☎", ""] {
            let text = Tag::within("note", "urn:x").with("about", said).holding(Tag::new("p").saying(said)).to_string();
            let read = roxmltree::Document::parse(&text).unwrap();
            let root = read.root_element();
            assert!(root.has_tag_name(("urn:x", "note")));
            assert_eq!(root.attribute("about"), Some(said));
            assert_eq!(root.first_element_child().unwrap().text().unwrap_or_default(), said);
        }
        assert_eq!(Tag::new("a").saying("\u{0}x\u{1}").to_string(), "<a>x</a>");
        assert_eq!(Tag::new("a").with_some("b", None::<String>).to_string(), "<a/>");
    }
}
