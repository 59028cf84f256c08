//! Sets the view with templates: the ones built in, or those of an admin's own folder.
//!
//! An own template that is broken, or makes what its receiver would refuse, costs nobody the report: the built-in one takes its
//! place, and the trouble is told beside. What a template makes is bounded, and so are its ranges, includes and components, and
//! the time that an own one may take. Must never: let a value reach a report unescaped unless the template says so, panic over a
//! broken template, or keep more of its output than the format's bound.

use std::io::{ErrorKind as IoKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tera::{Context, ErrorKind, Tera};

use crate::shells::report::bounded::{Bench, Unanswered};
use crate::shells::report::filters::{add_cut, add_mail};
use crate::shells::report::format::{Format, Template};
use crate::shells::report::view::View;

/// An own template is waited for no longer than this; the built-in ones take a fraction of a second.
const OWN_WITHIN: Duration = Duration::from_secs(10);
/// Where own templates are set.
static BENCH: Bench = Bench::new();

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
    /// The templates do not fit together, or what they make is not what their format demands.
    #[error("template {template}: {message}")]
    Output {
        /// The template's file name.
        template: &'static str,
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

/// A report, and what was wrong with the own template that should have made it.
#[derive(Debug)]
pub struct Rendered {
    /// The report.
    pub text: String,
    /// Why the built-in template made it.
    pub trouble: Option<Arc<ReportError>>,
}

/// The templates of every format, read and checked.
pub struct Templates {
    engines: Vec<Engine>,
}

struct Engine {
    format: Format,
    template: &'static Template,
    built_in: Tera,
    own: Own,
}

/// Whether an admin's folder has templates of the format.
enum Own {
    None,
    Some(Arc<Tera>),
    /// One of them is broken, or none can be read.
    Broken(Arc<ReportError>),
}

impl Own {
    fn of(template: &'static Template, mut found: Vec<(String, String)>, built_in: &(String, String)) -> Own {
        if found.is_empty() {
            return Own::None;
        }
        if !found.iter().any(|(name, _)| name == template.name) {
            found.push(built_in.clone());
        }
        match engine(template, found) {
            Ok(tera) => Own::Some(Arc::new(tera)),
            Err(trouble) => Own::Broken(Arc::new(trouble)),
        }
    }
}

/// The view as the engines take it.
pub struct Setting(Arc<Context>);

impl Setting {
    /// Made once for all formats.
    ///
    /// # Errors
    /// Never with a view of ours.
    pub fn of(view: &View) -> Result<Setting, ReportError> {
        let bad = |error: tera::Error| ReportError::Output { template: "of any format", message: error.to_string() };
        Ok(Setting(Arc::new(Context::from_serialize(view).map_err(bad)?)))
    }
}

impl Templates {
    /// The built-in templates, and those of the same name in `folder` before them. Other files there whose names end like one
    /// of them (`.html.tera`, `.slack.json.tera`, …) can be included.
    ///
    /// # Errors
    /// When a built-in template is broken, which is a bug. What is wrong in the folder is told when it is used.
    pub fn load(folder: Option<&Path>) -> Result<Templates, ReportError> {
        let (own, unread) = match folder.map(own_templates).transpose() {
            Ok(found) => (found.unwrap_or_default(), None),
            Err(unread) => (Vec::new(), Some(Arc::new(unread))),
        };
        let mut engines = Vec::new();
        for format in Format::ALL {
            let Some(template) = format.template() else { continue };
            let built_in = (template.name.to_owned(), template.built_in.to_owned());
            let of_format: Vec<_> = own.iter().filter(|(name, _)| name.ends_with(template.suffix)).cloned().collect();
            let own = match &unread {
                Some(unread) => Own::Broken(Arc::clone(unread)),
                None => Own::of(template, of_format, &built_in),
            };
            engines.push(Engine { format, template, built_in: engine(template, vec![built_in])?, own });
        }
        Ok(Templates { engines })
    }
    /// The report in one format; `None` for JSON, which no template makes.
    ///
    /// # Errors
    /// When even the built-in template fails, which is a bug.
    pub fn render(&self, format: Format, setting: &Setting) -> Result<Option<Rendered>, ReportError> {
        let Some(engine) = self.engines.iter().find(|engine| engine.format == format) else { return Ok(None) };
        let trouble = match &engine.own {
            Own::None => None,
            Own::Broken(trouble) => Some(Arc::clone(trouble)),
            Own::Some(own) => match set_own(own, engine.template, setting) {
                Ok(text) => return Ok(Some(Rendered { text, trouble: None })),
                Err(trouble) => Some(Arc::new(trouble)),
            },
        };
        let text = set(&engine.built_in, engine.template, &setting.0)?;
        Ok(Some(Rendered { text, trouble }))
    }
}

/// Reads the templates of a folder by file name: every file whose name ends as one of a format does.
fn own_templates(folder: &Path) -> Result<Vec<(String, String)>, ReportError> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| ReportError::ReadTemplates { path, source }
    };
    let of_a_format = |name: &str| Format::ALL.iter().filter_map(|f| f.template()).any(|t| name.ends_with(t.suffix));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed(folder))? {
        let path = entry.map_err(failed(folder))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()).map(str::to_owned) else { continue };
        if of_a_format(&name) {
            let text = std::fs::read_to_string(&path).map_err(failed(&path))?;
            found.push((name, text));
        }
    }
    found.sort();
    Ok(found)
}

fn engine(template: &'static Template, templates: Vec<(String, String)>) -> Result<Tera, ReportError> {
    let mut engine = Tera::new();
    engine.autoescape_on([template.suffix]);
    engine.set_escape_fn(template.escape);
    add_cut(&mut engine, template.weigh);
    if template.suffix == ".mail.txt.tera" {
        add_mail(&mut engine);
    }
    engine.add_raw_templates(templates).map_err(|error| told(template, &error))?;
    Ok(engine)
}

/// The same for an own template, which may take for ever.
fn set_own(engine: &Arc<Tera>, template: &'static Template, setting: &Setting) -> Result<String, ReportError> {
    let (engine, context) = (Arc::clone(engine), Arc::clone(&setting.0));
    let set = BENCH.within(OWN_WITHIN, move || set(&engine, template, &context));
    set.unwrap_or_else(|why| {
        let message = match why {
            Unanswered::TooLong => format!("it takes longer than {} s: its loops do not end", OWN_WITHIN.as_secs()),
            Unanswered::Busy => "one of the own templates is still at work that took too long before".to_owned(),
            Unanswered::Lost => "no thread could be had for it".to_owned(),
        };
        Err(ReportError::Output { template: template.name, message })
    })
}

fn set(engine: &Tera, template: &'static Template, context: &Context) -> Result<String, ReportError> {
    let wrong = |message: String| ReportError::Output { template: template.name, message };
    let mut page = Page { text: Vec::new(), bytes_max: template.bytes_max };
    engine.render_to(template.name, context, &mut page).map_err(|error| told(template, &error))?;
    let text = String::from_utf8(page.text).map_err(|e| wrong(e.to_string()))?;
    if text.trim().is_empty() {
        return Err(wrong("what it makes is empty".to_owned()));
    }
    (template.fits)(&text).map_err(wrong)?;
    Ok(text)
}

/// What a template has made so far; takes no more than the format allows.
struct Page {
    text: Vec<u8>,
    bytes_max: usize,
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.text.len() + bytes.len() > self.bytes_max {
            return Err(IoKind::FileTooLarge.into());
        }
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn told(template: &'static Template, error: &tera::Error) -> ReportError {
    match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => ReportError::Template {
            template: report.filename().to_owned(),
            line: report.span().start_line,
            column: report.span().start_col + 1,
            message: report.message().to_owned(),
        },
        ErrorKind::Io(IoKind::FileTooLarge) => {
            let message = format!("what it makes is longer than {} bytes", template.bytes_max);
            ReportError::Output { template: template.name, message }
        }
        // The kinds are the engine's and may grow; each of the others says in words what is wrong.
        _ => ReportError::Output { template: template.name, message: error.to_string() },
    }
}
