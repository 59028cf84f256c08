//! The faces of a run: live on a terminal, as JSON lines, as a closing summary, and as reports to keep.
//!
//! Everything here is drawn from [`crate::law::event::Record`]s and nothing else: events are the only door between
//! work and words. A [`Story`] folds them; each face shows the same story.
//!
//! | file | face |
//! |---|---|
//! | [`story`], [`agent`], [`facts`] | the fold itself |
//! | [`ending`], [`summary`] | the answer in a sentence; the closing text |
//! | [`terminal`] | the live display: [`bars`] drawn from [`frame`], plain [`lines`], JSON lines; [`notices`] words them |
//! | [`document`] | `report.json` |
//! | [`view`], [`rows`], [`render`] | what templates may show, and the templates |
//! | [`losses`], [`ready`] | what was lost around T; how long it took until agents could take calls |
//! | [`coverage`], [`waves`] | whom the preparations reached, what pages said; how remedies were widened |
//! | [`pictures`], [`cells`], [`svg`] | the pictures in the page |
//! | [`mod@write`] | all reports into a folder |
//! | [`words`] | instants, durations, counts and names as people read them |
//!
//! Must never: decide anything, or show a secret.

pub mod agent;
pub mod bars;
pub mod cells;
pub mod control;
pub mod coverage;
pub mod document;
pub mod document_agents;
pub mod ending;
pub mod facts;
pub mod frame;
pub mod history;
pub mod lines;
pub mod losses;
pub mod next;
pub mod notices;
pub mod pictures;
pub mod ready;
pub mod render;
pub mod rows;
#[cfg(test)]
pub mod sample;
pub mod story;
pub mod summary;
pub mod svg;
pub mod terminal;
pub mod view;
pub mod waves;
pub mod words;
pub mod write;

pub use bars::Colour;
pub use render::ReportError;
pub use story::Story;
pub use terminal::Display;
pub use write::{write_all, write_story};
