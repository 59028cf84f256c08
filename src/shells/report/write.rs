//! Writes the reports of a run into a folder, each whole or not at all.
//!
//! Must never: leave half a report where a whole one stood; each is written beside its place and then moved there.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::law::event::Record;
use crate::shells::report::document::document;
use crate::shells::report::render::{ReportError, Templates};
use crate::shells::report::story::Story;
use crate::shells::report::view::view;

/// Writes `report.html`, `report.md` and `report.json` into `dir`, which is made when it is missing; `templates_override`
/// is a folder of own templates. Gives back the files, in that order.
///
/// # Errors
/// [`ReportError`], before anything is written when a template is broken.
pub fn write_all<'a>(
    records: impl IntoIterator<Item = &'a Record>,
    dir: &Path,
    templates_override: Option<&Path>,
) -> Result<Vec<PathBuf>, ReportError> {
    write_story(&Story::of(records), dir, templates_override)
}

/// The same for a story that was heard already.
///
/// # Errors
/// As [`write_all`].
pub fn write_story(story: &Story, dir: &Path, templates_override: Option<&Path>) -> Result<Vec<PathBuf>, ReportError> {
    let templates = Templates::load(templates_override)?;
    let view = view(story);
    let (html, markdown) = (templates.html(&view)?, templates.markdown(&view)?);
    drop(view);
    fs::create_dir_all(dir).map_err(|source| ReportError::Write { path: dir.to_path_buf(), source })?;
    Ok(vec![
        whole(dir, "report.html", |out| out.write_all(html.as_bytes()))?,
        whole(dir, "report.md", |out| out.write_all(markdown.as_bytes()))?,
        whole(dir, "report.json", |out| {
            serde_json::to_writer(&mut *out, &document(story))?;
            out.write_all(b"\n")
        })?,
    ])
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
    fn all_three_reports_are_written_and_nothing_else_is_left() {
        let folder = Folder::new("all");
        let dir = folder.0.join("a/b");
        let records = sample::friday(1, 60);
        let written = write_all(&records, &dir, None).unwrap();
        let mut there: Vec<_> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
        there.sort();
        assert_eq!(there, [dir.join("report.html"), dir.join("report.json"), dir.join("report.md")]);
        assert_eq!(written, [dir.join("report.html"), dir.join("report.md"), dir.join("report.json")]);
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

    #[test]
    fn a_broken_template_is_named_with_its_line_and_variable() {
        let folder = Folder::new("templates");
        let broken = |name: &str, text: &str| {
            fs::write(folder.0.join(name), text).unwrap();
            let told = write_all(&sample::in_doubt(), &folder.0.join("out"), Some(&folder.0)).unwrap_err();
            fs::remove_file(folder.0.join(name)).unwrap();
            assert!(!folder.0.join("out").exists(), "nothing is written beside a broken template");
            told.to_string()
        };
        let told = broken("report.md.tera", "one\n{{ nobody_knows_me }}\n");
        assert!(told.contains("template report.md.tera, line 2") && told.contains("nobody_knows_me"), "{told}");
        let told = broken("report.html.tera", "{% if title %}\n\n{{ title }\n");
        assert!(told.contains("template report.html.tera, line 3"), "{told}");
        let told = broken("report.html.tera", "{{ title | nofilter }}");
        assert!(told.contains("report.html.tera") && told.contains("nofilter"), "{told}");
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
        write_all(&records, &folder.0.join("out"), Some(&folder.0)).unwrap();
        let html = folder.read("out/report.html");
        assert!(html.starts_with("<p>") && html.ends_with("<p>attention</p>"), "{html}");
        assert!(folder.read("out/report.md").contains("# Schedule publish"));
        let told = write_all(&records, &folder.0.join("out"), Some(&folder.0.join("nowhere"))).unwrap_err();
        assert!(matches!(told, ReportError::ReadTemplates { .. }));
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
