//! A small Friday that was recorded, to try templates on: the scenario `friday-1600` with fewer agents, played by `rehearse`.
//!
//! Must never: be edited by hand; `tests/reports/record` makes it anew.

use std::io::Read;

use flate2::read::GzDecoder;

use crate::law::event::Record;

const FRIDAY: &[u8] = include_bytes!("../../../templates/friday-1600.jsonl.gz");
/// The recording, unpacked, in bytes, at most.
const FRIDAY_BYTES_MAX: u64 = 16 << 20;

/// Its records.
///
/// # Errors
/// None in a build whose tests pass.
pub fn friday() -> Result<Vec<Record>, std::io::Error> {
    let mut text = String::new();
    GzDecoder::new(FRIDAY).take(FRIDAY_BYTES_MAX).read_to_string(&mut text)?;
    text.lines().map(|line| serde_json::from_str(line).map_err(Into::into)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::audit::Auditor;

    #[test]
    fn the_recorded_friday_keeps_every_rule_and_has_every_verdict() {
        let records = friday().unwrap();
        Auditor::check(&records).unwrap();
        let story = crate::shells::report::Story::of(&records);
        let tally = story.counts.tally;
        assert!(story.settled.is_some() && story.publish.confirmed.is_some());
        for n in [tally.ready, tally.recovered, tally.deferred, tally.stragglers, tally.unknown, story.refresh.dead] {
            assert!(n > 0, "{tally:?}");
        }
        assert!(story.losses.evidence().after.losses > 0 && story.losses.looks() > 2);
    }
}
