//! The faces of a run: live on a terminal, as JSON lines, as a closing summary, and as reports to keep.
//!
//! Everything here is drawn from [`crate::law::event::Record`]s and nothing else: events are the only door between
//! work and words. A [`Story`] folds them; each face shows the same story.
//!
//! | file | face |
//! |---|---|
//! | [`story`], [`agent`], [`facts`] | the fold itself |
//! | [`ending`], [`needs`], [`summary`] | the answer in a sentence; what a person has to do; the closing text |
//! | [`terminal`] | the live display: [`bars`] drawn from [`frame`], plain [`lines`], JSON lines; [`notices`] words them |
//! | [`document`], [`schema`] | `report.json` and its published schema |
//! | [`view`], [`rows`] | what templates may show |
//! | [`mod@format`], [`mod@render`], `bounded` | the six forms of a report; the templates that make them, and what takes the place of a broken or endless one |
//! | [`losses`], [`ready`] | what was lost around T; how long it took until agents could take calls |
//! | [`calls`] | the calls that were spent |
//! | [`coverage`], [`waves`] | whom the preparations reached, what pages said; how remedies were widened |
//! | [`pictures`], [`shifts`], [`ladder`], [`minutes`], [`cells`], [`svg`] | the pictures in the page |
//! | [`mod@write`] | all reports into a folder |
//! | [`recorded`] | a Friday to try templates on |
//! | [`strays`] | own templates that nothing uses |
//! | [`words`] | instants, durations, counts and names as people read them |
//!
//! Must never: decide anything, or show a secret.

pub mod agent;
pub mod aside;
pub mod bars;
mod bounded;
pub mod calls;
pub mod cells;
mod chat;
pub mod control;
pub mod coverage;
pub mod document;
pub mod document_agents;
pub mod ending;
pub mod facts;
mod filters;
pub mod format;
pub mod frame;
pub mod history;
pub mod ladder;
pub mod lines;
pub mod losses;
pub mod minutes;
pub mod needs;
pub mod next;
pub mod notices;
pub mod pictures;
pub mod ready;
pub mod recorded;
pub mod render;
pub mod rows;
#[cfg(test)]
pub mod sample;
pub mod schema;
pub mod shifts;
pub mod story;
pub mod strays;
pub mod summary;
pub mod svg;
pub mod terminal;
pub mod view;
pub mod waves;
pub mod words;
pub mod write;

pub use bars::Colour;
pub use format::Format;
pub use render::{Rendered, ReportError};
pub use schema::SCHEMA;
pub use story::Story;
pub use terminal::Display;
pub use write::{Written, render, write_all, write_story};
