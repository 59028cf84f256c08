//! softlanding makes the weekly Genesys Cloud WFM schedule publish land softly.

pub mod law;
pub mod twin;
pub mod words;
