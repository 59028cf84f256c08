//! Sets the view with templates: the ones built in, or those of an admin's own folder.
//!
//! Must never: let a value reach the page unescaped unless the template says so, or panic over a broken template.

use std::path::{Path, PathBuf};

use tera::{Context, ErrorKind, Tera};

use crate::shells::report::view::View;

const HTML: &str = "report.html.tera";
const MARKDOWN: &str = "report.md.tera";
const HTML_BUILT_IN: &str = include_str!("../../../templates/report.html.tera");
const MARKDOWN_BUILT_IN: &str = include_str!("../../../templates/report.md.tera");

/// A report that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A template is broken, or names something that a report does not have.
    #[error("template {template}, line {line}, column {column}: {message}")]
    Template {
        /// The template's file name.
        template: String,
        /// Its line, from 1.
        line: usize,
        /// Its column, from 1.
        column: usize,
        /// What is wrong; names the variable, filter or tag.
        message: String,
    },
    /// The templates do not fit together.
    #[error("templates of {kind}: {message}")]
    Templates {
        /// Which kind of report.
        kind: &'static str,
        /// What is wrong.
        message: String,
    },
    /// The folder of templates could not be read.
    #[error("could not read templates from {}", path.display())]
    ReadTemplates {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A report could not be written.
    #[error("could not write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// The templates of both kinds of report, read and checked.
pub struct Templates {
    html: Tera,
    markdown: Tera,
}

impl Templates {
    /// The built-in templates, replaced by those of the same name in `folder`. Other files there that end in
    /// `.html.tera` or `.md.tera` can be included.
    ///
    /// # Errors
    /// When the folder cannot be read, or a template is broken.
    pub fn load(folder: Option<&Path>) -> Result<Templates, ReportError> {
        let mut html = vec![(HTML.to_owned(), HTML_BUILT_IN.to_owned())];
        let mut markdown = vec![(MARKDOWN.to_owned(), MARKDOWN_BUILT_IN.to_owned())];
        for (name, text) in folder.map(own_templates).transpose()?.unwrap_or_default() {
            let kind = if name.ends_with(".html.tera") { &mut html } else { &mut markdown };
            kind.retain(|(built_in, _)| *built_in != name);
            kind.push((name, text));
        }
        let mut html_engine = Tera::new();
        html_engine.autoescape_on([".html.tera"]);
        add(&mut html_engine, "HTML", html)?;
        let mut markdown_engine = Tera::new();
        markdown_engine.autoescape_on([".md.tera"]);
        markdown_engine.set_escape_fn(escape_markdown);
        add(&mut markdown_engine, "Markdown", markdown)?;
        Ok(Templates { html: html_engine, markdown: markdown_engine })
    }
    /// The report as HTML.
    ///
    /// # Errors
    /// When the template names what the view does not have.
    pub fn html(&self, view: &View) -> Result<String, ReportError> {
        render(&self.html, "HTML", HTML, view)
    }
    /// The report as Markdown.
    ///
    /// # Errors
    /// When the template names what the view does not have.
    pub fn markdown(&self, view: &View) -> Result<String, ReportError> {
        render(&self.markdown, "Markdown", MARKDOWN, view)
    }
}

/// Reads the templates of a folder: every file that ends in `.html.tera` or `.md.tera`, by file name.
fn own_templates(folder: &Path) -> Result<Vec<(String, String)>, ReportError> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| ReportError::ReadTemplates { path, source }
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed(folder))? {
        let path = entry.map_err(failed(folder))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()).map(str::to_owned) else { continue };
        if name.ends_with(".html.tera") || name.ends_with(".md.tera") {
            let text = std::fs::read_to_string(&path).map_err(failed(&path))?;
            found.push((name, text));
        }
    }
    found.sort();
    Ok(found)
}

fn add(engine: &mut Tera, kind: &'static str, templates: Vec<(String, String)>) -> Result<(), ReportError> {
    engine.add_raw_templates(templates).map_err(|error| told(kind, &error))
}

fn render(engine: &Tera, kind: &'static str, template: &str, view: &View) -> Result<String, ReportError> {
    let context = Context::from_serialize(view).map_err(|error| told(kind, &error))?;
    engine.render(template, &context).map_err(|error| told(kind, &error))
}

fn told(kind: &'static str, error: &tera::Error) -> ReportError {
    match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => ReportError::Template {
            template: report.filename().to_owned(),
            line: report.span().start_line,
            column: report.span().start_col + 1,
            message: report.message().to_owned(),
        },
        // The kinds are the engine's and may grow; each of the others says in words what is wrong.
        _ => ReportError::Templates { kind, message: error.to_string() },
    }
}

/// Escapes a value for Markdown, table cells included: what could mark up, link or end the cell stands for itself.
fn escape_markdown(text: &str, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    for (at, c) in text.char_indices() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' => write!(out, "\\{c}")?,
            '<' => out.write_all(b"&lt;")?,
            '>' => out.write_all(b"&gt;")?,
            '&' => out.write_all(b"&amp;")?,
            // A bare address would become a link.
            ':' if text.get(at..).is_some_and(|rest| rest.starts_with("://")) => out.write_all(b"&#58;")?,
            '@' => out.write_all(b"&#64;")?,
            c if c.is_control() => out.write_all(b" ")?,
            c => write!(out, "{c}")?,
        }
    }
    Ok(())
}
