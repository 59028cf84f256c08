//! Writes the reports of a run into a folder, each whole or not at all.
//!
//! Must never: leave half a report where a whole one stood; each is written beside its place and then moved there.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::law::event::Record;
use crate::shells::report::document::document;
use crate::shells::report::format::Format;
use crate::shells::report::render::{Rendered, ReportError, Setting, Templates};
use crate::shells::report::story::Story;
use crate::shells::report::view::view;
use crate::shells::report::words::clean;

/// Where the troubles with own templates are told, beside the reports; there only when there are any.
pub const TROUBLES: &str = "report.troubles.txt";

/// What was written.
#[derive(Debug, Default)]
pub struct Written {
    /// The reports, in the order of [`Format::ALL`].
    pub files: Vec<PathBuf>,
    /// What was wrong with own templates; the built-in ones took their place.
    pub troubles: Vec<Arc<ReportError>>,
}

/// Writes the report in every format into `dir`, which is made when it is missing; `templates` is a folder of own templates.
///
/// # Errors
/// [`ReportError`], when a file cannot be written. A broken template of one's own is no error: see [`Written::troubles`].
pub fn write_all<'a>(
    records: impl IntoIterator<Item = &'a Record>,
    dir: &Path,
    templates: Option<&Path>,
) -> Result<Written, ReportError> {
    write_story(&Story::of(records), dir, templates)
}

/// The same for a story that was heard already.
///
/// # Errors
/// As [`write_all`].
pub fn write_story(story: &Story, dir: &Path, templates: Option<&Path>) -> Result<Written, ReportError> {
    let templates = Templates::load(templates)?;
    let setting = Setting::of(&view(story))?;
    fs::create_dir_all(dir).map_err(|source| ReportError::Write { path: dir.to_path_buf(), source })?;
    let mut written = Written::default();
    for format in Format::ALL {
        let file = match templates.render(format, &setting)? {
            Some(Rendered { text, trouble }) => {
                written.add(trouble);
                whole(dir, format.file(), |out| out.write_all(text.as_bytes()))?
            }
            None => whole(dir, format.file(), |out| {
                serde_json::to_writer(&mut *out, &document(story))?;
                out.write_all(b"\n")
            })?,
        };
        written.files.push(file);
    }
    tell(dir, &written.troubles)?;
    Ok(written)
}

/// The report in one format; the built-in template takes the place of an own one that is broken.
///
/// # Errors
/// Only where a built-in template fails, which is a bug.
pub fn render(story: &Story, format: Format, templates: Option<&Path>) -> Result<Rendered, ReportError> {
    let by_template = match format.template() {
        Some(_) => Templates::load(templates)?.render(format, &Setting::of(&view(story))?)?,
        None => None,
    };
    if let Some(rendered) = by_template {
        return Ok(rendered);
    }
    let text = serde_json::to_string(&document(story));
    let text = text.map_err(|e| ReportError::Output { template: "of no format", message: e.to_string() })?;
    Ok(Rendered { text: text + "\n", trouble: None })
}

impl Written {
    fn add(&mut self, trouble: Option<Arc<ReportError>>) {
        // A folder that cannot be read is one trouble, whatever the number of formats.
        let known = |new: &Arc<ReportError>| self.troubles.iter().any(|old| Arc::ptr_eq(old, new));
        let new = trouble.filter(|new| !known(new));
        self.troubles.extend(new);
    }
}

fn tell(dir: &Path, troubles: &[Arc<ReportError>]) -> Result<(), ReportError> {
    if troubles.is_empty() {
        // What an earlier report was told may be mended.
        fs::remove_file(dir.join(TROUBLES)).ok();
        return Ok(());
    }
    whole(dir, TROUBLES, |out| {
        writeln!(out, "The built-in template was used instead of:")?;
        troubles.iter().try_for_each(|trouble| writeln!(out, "  {}", trouble_words(trouble)))
    })?;
    Ok(())
}

/// A trouble with its cause, on one line.
#[must_use]
pub fn trouble_words(trouble: &ReportError) -> String {
    let cause = std::error::Error::source(trouble).map(|cause| format!(": {cause}")).unwrap_or_default();
    clean(&format!("{trouble}{cause}"))
}

fn whole(
    dir: &Path,
    name: &str,
    fill: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>,
) -> Result<PathBuf, ReportError> {
    let path = dir.join(name);
    let beside = dir.join(format!(".{name}.{}.tmp", std::process::id()));
    let written = File::create(&beside).and_then(|file| {
        let mut out = BufWriter::new(file);
        fill(&mut out)?;
        out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(&beside, &path)
    });
    written.map_err(|source| {
        // What is left beside is of no use; that it cannot be removed changes nothing about the first failure.
        fs::remove_file(&beside).ok();
        ReportError::Write { path: path.clone(), source }
    })?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::event::StopKind;
    use crate::shells::report::sample;
    use crate::shells::report::words::columns;

    /// A folder of its own for one test, gone when it ends.
    struct Folder(PathBuf);
    impl Folder {
        fn new(name: &str) -> Folder {
            let path = std::env::temp_dir().join(format!("softlanding-report-{}-{name}", std::process::id()));
            fs::remove_dir_all(&path).ok();
            fs::create_dir_all(&path).unwrap();
            Folder(path)
        }
        fn read(&self, name: &str) -> String {
            fs::read_to_string(self.0.join(name)).unwrap()
        }
    }
    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).ok();
        }
    }

    /// Every tag that is opened is closed, in order; gives back how many elements there were.
    fn balanced(html: &str) -> usize {
        const VOID: [&str; 3] = ["meta", "br", "!DOCTYPE"];
        let (mut open, mut seen, mut rest) = (Vec::new(), 0, html);
        while let Some(at) = rest.find('<') {
            let tag = &rest[at + 1..];
            let end = tag.find('>').expect("a tag without its end");
            let (inside, after) = (&tag[..end], &tag[end + 1..]);
            rest = after;
            let name = inside.trim_start_matches('/').split([' ', '/']).next().unwrap();
            if inside.starts_with('/') {
                assert_eq!(open.pop().as_deref(), Some(name), "closed out of order before {:.80}", after);
            } else if !inside.ends_with('/') && !VOID.contains(&name) {
                open.push(name.to_owned());
                seen += 1;
            }
            if name == "style" && !inside.starts_with('/') {
                rest = &rest[rest.find("</style").unwrap()..];
            }
        }
        assert!(open.is_empty(), "left open: {open:?}");
        seen
    }

    #[test]
    fn every_report_is_written_and_nothing_else_is_left() {
        let folder = Folder::new("all");
        let dir = folder.0.join("a/b");
        let records = sample::friday(1, 60);
        let written = write_all(&records, &dir, None).unwrap();
        let mut there: Vec<_> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
        there.sort();
        assert_eq!(written.files, Format::ALL.map(|format| dir.join(format.file())));
        let mut expected = written.files;
        expected.sort();
        assert_eq!(there, expected);
        // A second time over the first.
        assert!(write_all(&records, &dir, None).is_ok());
    }

    #[test]
    fn the_page_is_well_formed_self_contained_and_escaped() {
        for (name, records) in [
            ("friday", sample::friday(1, 60)),
            ("stopped", sample::stopped(StopKind::Drifted, "version 8 <b>is</b> not 7")),
            ("doubt", sample::in_doubt()),
            ("nothing", Vec::new()),
        ] {
            let folder = Folder::new(name);
            write_all(&records, &folder.0, None).unwrap();
            let html = folder.read("report.html");
            assert!(balanced(&html) > 30);
            assert_eq!(html.contains("id=\"readiness-t\""), name == "friday", "pictures of nobody in {name}");
            for bad in ["<script", "<b>is", "alert('x')", "\u{202e}", "\u{1b}", "src=", "url(", "@import", "http-equiv"]
            {
                assert!(!html.contains(bad), "{bad:?} in the page of {name}");
            }
            let links: Vec<&str> = html.split("href=\"").skip(1).map(|rest| &rest[..1]).collect();
            assert!(links.iter().all(|first| *first == "#"), "the page of {name} leads elsewhere");
        }
    }

    #[test]
    fn the_page_answers_the_admin_and_shows_every_picture() {
        let folder = Folder::new("answer");
        write_all(&sample::friday(1, 60), &folder.0, None).unwrap();
        let html = folder.read("report.html");
        for part in [
            "Published once at Friday 27 Nov 2026 16:00:00 CST (+31 ms), complete after 25 s.",
            "&lt;script&gt;",
            "id=\"timeline-t\"",
            "id=\"readiness-t\"",
            "id=\"cells-t\"",
            "id=\"remedies-t\"",
            "To be asked to sign in again",
            "had no new token in their page: depend on remedies",
            "What pages said of their softphones",
            "Each remedy is tried for 5 agents first",
            "<td>widened</td>",
            "brake: phone reboot helped &lt;b&gt;0",
            "20-wallboard",
        ] {
            assert!(html.contains(part), "{part:?} is missing");
        }
        assert!(html.matches("<use href=\"#k-").count() >= 60 + 60, "a cell and a story for each agent");
    }

    #[test]
    fn markdown_tables_hold_against_hostile_names() {
        let folder = Folder::new("markdown");
        write_all(&sample::friday(1, 60), &folder.0, None).unwrap();
        let text = folder.read("report.md");
        println!("{text}");
        let mut columns = None;
        for line in text.lines() {
            assert!(!line.contains('\u{202e}') && !line.contains("<script"), "{line}");
            if !line.starts_with('|') {
                columns = None;
                continue;
            }
            let cells = line.replace("\\|", "").matches('|').count();
            assert_eq!(*columns.get_or_insert(cells), cells, "{line}");
        }
        assert!(
            text.contains("| softphone ready |")
                && text.contains("| widened |")
                && text.contains("&lt;script&gt;")
                && text.contains("Pipe \\| and \\`tick\\` new line"),
            "{text}"
        );
    }

    /// What an own template makes of a Friday, and what is told of it.
    fn with_own(folder: &Folder, name: &str, text: &str) -> (Written, String) {
        fs::write(folder.0.join(name), text).unwrap();
        let written = write_all(&sample::friday(1, 20), &folder.0.join("out"), Some(&folder.0)).unwrap();
        fs::remove_file(folder.0.join(name)).unwrap();
        let told: Vec<String> = written.troubles.iter().map(|trouble| trouble_words(trouble)).collect();
        (written, told.join("\n"))
    }

    #[test]
    fn a_broken_template_is_named_with_its_line_and_variable_and_the_built_in_one_takes_its_place() {
        let folder = Folder::new("templates");
        write_all(&sample::friday(1, 20), &folder.0.join("built-in"), None).unwrap();
        for (name, text, says) in [
            ("report.md.tera", "one\n{{ nobody_knows_me }}\n", "template report.md.tera, line 2, column 4: "),
            ("report.md.tera", "one\n{{ nobody_knows_me }}\n", "nobody_knows_me"),
            ("report.html.tera", "{% if title %}\n\n{{ title }\n", "template report.html.tera, line 3, column "),
            ("report.html.tera", "{{ title | nofilter }}", "nofilter"),
            ("report.html.tera", "{{ title | cut }}", "max"),
            ("report.mail.txt.tera", "{% include \"nowhere.mail.txt.tera\" %}", "nowhere.mail.txt.tera"),
            ("report.mail.txt.tera", "{% if false %}x{% endif %}\n", "what it makes is empty"),
            ("report.slack.json.tera", "{\"blocks\": [{{ title }}]}", "not JSON: expected value at line 1 column 13"),
            ("report.slack.json.tera", "{\"text\": \"{{ title }}\"}", "no \"blocks\""),
            ("report.teams.json.tera", "{\"type\": \"message\"}", "Adaptive Card"),
            ("foot.md.tera", "{{ title }", "template foot.md.tera, line 1"),
        ] {
            let (written, told) = with_own(&folder, name, text);
            assert!(told.contains(says) && written.troubles.len() == 1, "{name}: {told}");
            for format in Format::ALL {
                let file = |dir: &str| folder.read(&format!("{dir}/{}", format.file()));
                assert_eq!(file("out"), file("built-in"), "{name}: {told}");
            }
            assert!(folder.read(&format!("out/{TROUBLES}")).contains(told.as_str()));
        }
        write_all(&sample::in_doubt(), &folder.0.join("out"), None).unwrap();
        assert!(!folder.0.join("out").join(TROUBLES).exists(), "a trouble that is over is told no longer");
    }

    #[test]
    fn a_template_without_end_is_cut_short() {
        let folder = Folder::new("endless");
        let lines = "{% for a in range(end=90000) %}{% for b in range(end=90000) %}{{ title }}{% endfor %}{% endfor %}";
        let (_, told) = with_own(&folder, "report.mail.txt.tera", lines);
        assert!(told.contains("what it makes is longer than 1048576 bytes"), "{told}");
        let itself = "{% include \"report.md.tera\" %}";
        let (_, told) = with_own(&folder, "report.md.tera", itself);
        assert!(told.to_lowercase().contains("circular"), "{told}");
    }

    #[test]
    fn own_templates_replace_the_built_in_ones_and_may_include_others() {
        let folder = Folder::new("own");
        fs::write(folder.0.join("report.html.tera"), "<p>{{ stories[0].name }}</p>{% include \"foot.html.tera\" %}")
            .unwrap();
        fs::write(folder.0.join("foot.html.tera"), "<p>{{ tone }}</p>").unwrap();
        fs::write(folder.0.join("notes.txt"), "{{ not a template").unwrap();
        let mut records = sample::friday(1, 4);
        records.truncate(2);
        let written = write_all(&records, &folder.0.join("out"), Some(&folder.0)).unwrap();
        assert!(written.troubles.is_empty());
        let html = folder.read("out/report.html");
        assert!(html.starts_with("<p>") && html.ends_with("<p>attention</p>"), "{html}");
        assert!(folder.read("out/report.md").contains("# Schedule publish"));
        let nowhere = write_all(&records, &folder.0.join("out"), Some(&folder.0.join("nowhere"))).unwrap();
        assert!(matches!(nowhere.troubles.as_slice(), [one] if matches!(**one, ReportError::ReadTemplates { .. })));
        assert!(folder.read("out/report.html").starts_with("<!DOCTYPE html>"));
    }

    #[test]
    fn messages_for_chats_and_mail_hold_against_hostile_names() {
        for records in [sample::friday(3, 500), sample::in_doubt(), Vec::new()] {
            let story = Story::of(&records);
            let text = |format| render(&story, format, None).unwrap().text;
            let slack: serde_json::Value = serde_json::from_str(&text(Format::Slack)).unwrap();
            let teams: serde_json::Value = serde_json::from_str(&text(Format::Teams)).unwrap();
            let mail = text(Format::Mail);
            for said in [slack.to_string(), teams.to_string(), mail.clone()] {
                assert!(!said.contains('\u{202e}') && !said.contains('\u{1b}'), "{said}");
            }
            assert!(!slack.to_string().contains('<'), "{slack}");
            let (head, body) = mail.split_once("\n\n").unwrap();
            assert!(head.starts_with("Subject: ") && head.is_ascii(), "{head}");
            let wide: Vec<&str> = body.lines().filter(|line| columns(line) > 72).collect();
            assert!(wide.is_empty(), "{wide:#?}");
            if let Some(name) = story.plan.as_ref().map(|_| "Contoso Care, week of 2026-11-30") {
                assert!(mail.contains(name) && slack.to_string().contains(name) && teams.to_string().contains(name));
            }
        }
    }

    /// Names of nothing but what each format escapes, in a cohort of nothing but stragglers: the most that a message can become.
    #[test]
    fn the_worst_names_make_messages_that_are_still_taken() {
        for name in ["&".repeat(200), "\"".repeat(200), "\u{1f600}".repeat(200), "<@U1>*_~`".repeat(40)] {
            let mut records = sample::friday(3, 500);
            for record in &mut records {
                if let crate::law::event::Event::Staged { plan } = &mut record.event {
                    plan.business_unit.name.clone_from(&name);
                    plan.roster.iter_mut().for_each(|member| member.name.clone_from(&name));
                }
            }
            let story = Story::of(&records);
            for format in [Format::Slack, Format::Teams, Format::Mail] {
                let rendered = render(&story, format, None).unwrap();
                assert!(rendered.trouble.is_none() && rendered.text.len() > 1_000);
            }
        }
    }

    #[test]
    fn a_large_cohort_makes_a_page_that_a_browser_bears() {
        let folder = Folder::new("large");
        write_all(&sample::friday(6, 9_000), &folder.0, None).unwrap();
        let html = folder.read("report.html");
        assert!(html.len() < 6_000_000, "{} bytes", html.len());
        assert!(html.contains("each cell stands for 3 agents") && html.contains("7000 more agents are in report.json"));
        let json: serde_json::Value = serde_json::from_str(&folder.read("report.json")).unwrap();
        assert_eq!(json["agents"].as_array().map(Vec::len), Some(9_000));
    }
}
