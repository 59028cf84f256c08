//! Floor 1, *law*: what is right, as pure functions over values. No I/O, no async, no clock, no chance of its own.

pub mod agenda;
pub mod agent;
pub mod audit;
pub mod command;
pub mod concern;
pub mod decide;
pub mod event;
pub mod evidence;
pub mod fared;
pub mod hint;
pub mod lead;
pub mod losses;
pub mod occurrence;
pub mod order;
pub mod pace;
pub mod page;
pub mod plan;
pub mod punctuality;
pub mod rates;
pub mod rollcall;
pub mod run;
pub mod rungs;
pub mod spent;
pub mod tally;
pub mod verdict;
pub mod young;
