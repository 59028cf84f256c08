//! Floor 4, *shells*: what stands between the law and the world of people and processes.

pub mod report;
