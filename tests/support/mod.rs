//! What several test files share. Each of them uses a part of it.

#![allow(dead_code, reason = "every test file is a crate of its own and uses a part of this")]

pub mod contract;
pub mod openapi;
pub mod org;
pub mod planner;
pub mod postgres;
pub mod process;
pub mod replicas;
pub mod site;
pub mod tale;
pub mod way;
