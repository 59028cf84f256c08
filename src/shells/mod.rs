//! Floor 4, *shells*: what drives the law in a world, and what turns events into words and pictures.

pub mod daemon;
pub mod deliver;
pub mod doctor;
pub mod driver;
pub mod leader;
pub mod live;
pub mod notice;
pub mod observe;
mod own_token;
pub mod pages;
pub mod perform;
pub mod preflight;
pub mod rehearse;
pub mod rehook;
pub mod report;
pub mod retention;
pub mod rollcall;
pub mod sim;
pub mod stage;
pub mod telemetry;
pub mod web;
