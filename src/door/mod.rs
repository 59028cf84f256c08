//! Floor 5, *door*: where people and their files come in, and where errors go out.

pub mod cli;
pub mod config;
pub mod error;
pub mod guide;
