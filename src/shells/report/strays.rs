//! Own templates that no report is made with: most often their names are misspelt.
//!
//! Must never: refuse anything; a report is made without them.

use std::path::Path;

use crate::shells::report::format::Format;
use crate::shells::report::words::clean;
use crate::words::nearest::nearest;

/// Every template of a folder that is no format's own, that no other names, and that defines no component: a sentence each. A
/// folder that cannot be read has its trouble told where it is used.
#[must_use]
pub fn strays(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<(String, String)> = entries
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, std::fs::read_to_string(entry.path()).ok()?)))
        .filter(|(name, _)| name.ends_with(".tera"))
        .collect();
    found.sort();
    let is_named = |name: &str| {
        let [double, single] = [format!("\"{name}\""), format!("'{name}'")];
        found.iter().any(|(other, text)| other != name && (text.contains(&double) || text.contains(&single)))
    };
    let stray = |(name, text): &&(String, String)| {
        let is_of_a_format = own_names().any(|own| own == name);
        !(is_of_a_format || is_named(name) || defines_a_component(text))
    };
    found.iter().filter(stray).map(|(name, _)| sentence(name)).collect()
}

fn own_names() -> impl Iterator<Item = &'static str> {
    Format::ALL.into_iter().filter_map(|format| format.template().map(|template| template.name))
}

fn defines_a_component(text: &str) -> bool {
    text.split("{%").skip(1).any(|tag| tag.trim_start_matches('-').trim_start().starts_with("component"))
}

fn sentence(name: &str) -> String {
    let meant = match nearest(name, own_names()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("reports are made with {}", own_names().collect::<Vec<_>>().join(", ")),
    };
    format!("the template {} is not used: no format has this name and no template includes it; {meant}", clean(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_template_that_nothing_can_use_is_named() {
        let folder = std::env::temp_dir().join(format!("softlanding-strays-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for (name, text) in [
            ("report.md.tera", "{% include \"head.md.tera\" %}"),
            ("head.md.tera", "head"),
            ("box.html.tera", "{%- component box() %}{% endcomponent box %}"),
            ("rpeort.md.tera", "never seen"),
            ("notes.txt", "no template"),
        ] {
            std::fs::write(folder.join(name), text).unwrap();
        }
        let told = strays(&folder);
        std::fs::remove_dir_all(&folder).unwrap();
        let [stray] = told.as_slice() else { panic!("{told:?}") };
        assert!(stray.starts_with("the template rpeort.md.tera is not used: "), "{stray}");
        assert!(stray.ends_with("did you mean report.md.tera?"), "{stray}");
        assert!(strays(&folder).is_empty(), "a folder that is not there has none");
    }
}
