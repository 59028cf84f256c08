//! softlanding makes the weekly Genesys Cloud WFM schedule publish land softly.

pub mod door;
pub mod hands;
pub mod law;
pub mod shells;
pub mod twin;
pub mod words;
