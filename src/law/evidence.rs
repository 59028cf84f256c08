//! Evidence for or against the users' suspicion: whether softphones are lost more often after a publish than before it.
//!
//! A loss is an agent who was ready at one look and is not at the next, without having logged out; it is counted against the
//! time for which ready agents were watched. [`rates`](crate::law::rates) compares.
//! Must never: call silence evidence, or an association a cause.

use serde::{Deserialize, Serialize};

use crate::law::rates::{Comparison, Stratum, compare};
use crate::words::clock::Timestamp;

/// Below this probability of so much difference by chance, an association is spoken of.
const CLEAR: f64 = 0.001;
/// What was seen in some time: losses, and for how long ready agents were watched.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Exposure {
    /// Softphones that were lost.
    pub losses: u64,
    /// Milliseconds of ready agents, summed over them.
    pub agent_ms: u64,
}

impl Exposure {
    /// Losses of a thousand ready agents in a minute; `None` when nobody was watched.
    #[must_use]
    pub fn per_thousand_a_minute(&self) -> Option<f64> {
        (self.agent_ms > 0).then(|| self.losses as f64 * 60_000.0 * 1_000.0 / self.agent_ms as f64)
    }
    fn add(&mut self, other: Exposure) {
        self.losses = self.losses.saturating_add(other.losses);
        self.agent_ms = self.agent_ms.saturating_add(other.agent_ms);
    }
}

/// Two looks at the same agents: how many were ready at the first and are decided at the second, and how many of them were lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Between {
    /// When the first look was.
    pub from: Timestamp,
    /// When the second was.
    pub to: Timestamp,
    /// Ready at the first. An observation has only those of whom the second says something, and nothing between them did.
    pub ready: u64,
    /// Of them not ready at the second, although logged in.
    pub lost: u64,
}

/// Agents that can be watched at once; the roster of a run is no longer.
const AGENTS_MAX: u64 = 1_000_000;

/// What is impossible in an observation: where it stands, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place} is {found}, {why}")]
pub struct Impossible {
    place: String,
    found: u64,
    why: String,
}

/// Whether looks can have brought this evidence: nobody is lost who was not ready, or watched longer than there were looks.
///
/// # Errors
/// The first number that is impossible.
pub fn possible(looks: &[Between], evidence: &Evidence) -> Result<(), Impossible> {
    let (mut lost, mut ms) = (0u128, 0u128);
    for (n, look) in looks.iter().enumerate() {
        let at = |field: &str, found: u64, why: String| Impossible { place: format!("looks[{n}].{field}"), found, why };
        if look.ready > AGENTS_MAX {
            return Err(at("ready", look.ready, format!("more than the {AGENTS_MAX} agents that can be watched")));
        }
        if look.lost > look.ready {
            return Err(at("lost", look.lost, format!("of {} who were ready", look.ready)));
        }
        lost += u128::from(look.lost);
        ms += u128::from(look.ready) * u128::from(look.to.since_ms(look.from).max(0).unsigned_abs());
    }
    for (when, seen) in [("before", evidence.before), ("after", evidence.after)] {
        let at = |field: &str, found: u64, why: String| {
            Err(Impossible { place: format!("evidence.{when}.{field}"), found, why })
        };
        if u128::from(seen.losses) > lost {
            return at("losses", seen.losses, format!("more than the {lost} that its looks found"));
        }
        if u128::from(seen.agent_ms) > ms {
            return at("agent_ms", seen.agent_ms, format!("more than the {ms} ms of its looks"));
        }
        lost -= u128::from(seen.losses);
        ms -= u128::from(seen.agent_ms);
    }
    Ok(())
}

/// Before and after one publish, or several.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// Before it.
    pub before: Exposure,
    /// In the time after it.
    pub after: Exposure,
}

impl Evidence {
    /// Sorts looks into before and after `publish_at`; what lies more than `after_ms` after it belongs to neither. Two looks with
    /// the publish between them count as after, so that what it does at once is not lost.
    #[must_use]
    pub fn of(looks: &[Between], publish_at: Timestamp, after_ms: i64) -> Evidence {
        let mut evidence = Evidence::default();
        for look in looks {
            let agent_ms = look.ready * u64::try_from(look.to.since_ms(look.from)).unwrap_or_default();
            let seen = Exposure { losses: look.lost, agent_ms };
            if look.to < publish_at {
                evidence.before.add(seen);
            } else if look.from < publish_at + after_ms {
                evidence.after.add(seen);
            }
        }
        evidence
    }
    /// Several publishes added up, to tell how much was seen; what they say together is [`pooled`]'s to tell.
    #[must_use]
    pub fn sum(all: &[Evidence]) -> Evidence {
        let mut sum = Evidence::default();
        for one in all {
            sum.before.add(one.before);
            sum.after.add(one.after);
        }
        sum
    }
    /// What the numbers say.
    #[must_use]
    pub fn finding(&self) -> Finding {
        pooled(std::slice::from_ref(self))
    }
    /// As the comparison takes it; `None` when nobody was watched before or after.
    fn stratum(&self) -> Option<Stratum> {
        let (before, after) = (self.before, self.after);
        (before.agent_ms > 0 && after.agent_ms > 0).then_some(Stratum {
            losses: (before.losses, after.losses),
            exposure: (before.agent_ms as f64, after.agent_ms as f64),
        })
    }
}

/// What several publishes say together, each with a rate of its own.
#[must_use]
pub fn pooled(all: &[Evidence]) -> Finding {
    let strata: Vec<Stratum> = all.iter().filter_map(Evidence::stratum).collect();
    let Some(Comparison { ratio, low, high, p }) = compare(&strata) else { return Finding::Nothing };
    let compared = Compared { ratio, low, high, p };
    if p < CLEAR && low > 1.0 { Finding::Association(compared) } else { Finding::None(compared) }
}

/// How two rates compare.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Compared {
    /// How many times as frequent losses are after as before; `None` when there were none before.
    pub ratio: Option<f64>,
    /// The lower end of its interval, at 95 %.
    pub low: f64,
    /// The upper end; `None` when there were no losses before.
    pub high: Option<f64>,
    /// The probability of at least so much difference by chance.
    pub p: f64,
}

/// What the numbers say.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "finding", rename_all = "snake_case")]
pub enum Finding {
    /// Softphones are lost more often after a publish, beyond chance.
    Association(Compared),
    /// No difference beyond chance, or fewer are lost.
    None(Compared),
    /// No loss at all, or nobody was watched before or after.
    Nothing,
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Timestamp = Timestamp(1_795_816_800_000);
    const MINUTE: u64 = 60_000;

    fn finding(after: (u64, u64), before: (u64, u64)) -> Finding {
        let exposure = |(losses, minutes): (u64, u64)| Exposure { losses, agent_ms: minutes * MINUTE };
        Evidence { before: exposure(before), after: exposure(after) }.finding()
    }
    fn compared(finding: Finding) -> Compared {
        match finding {
            Finding::Association(compared) | Finding::None(compared) => compared,
            Finding::Nothing => panic!("nothing was found"),
        }
    }
    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-8 * b.abs().max(1e-300)
    }

    /// Values of SciPy 1.16 (`binomtest(k, n, t1 / (t0 + t1))` with its exact interval), and the first of R's manual too.
    #[test]
    fn the_exact_test_agrees_with_an_independent_implementation() {
        for (after, before, p, low, high) in [
            ((11, 800), (21, 3011), 0.0796686330333295, 0.858426403391619, Some(4.277265943654079)),
            ((41, 5), (3, 30), 1.893819385689183e-31, 26.16088847715405, Some(413.9425561049421)),
            ((3, 5), (18, 30), 1.0, 0.18868666742276358, Some(3.4254258370241986)),
            ((0, 5), (7, 30), 0.6034305433960341, 0.0, Some(4.1628838805794945)),
            ((5, 30), (0, 30), 0.0625, 0.91635585731546, None),
            ((120, 5), (700, 30), 0.7646653997892661, 0.8403027339334838, Some(1.2499788080281469)),
        ] {
            let found = compared(finding(after, before));
            assert!(close(found.p, p) && close(found.low, low), "{after:?} {before:?}: {found:?}");
            assert!(found.high.zip(high).is_none_or(|(a, b)| close(a, b)) && found.high.is_some() == high.is_some());
        }
    }

    /// Values of SciPy 1.16: the convolution of `binom.pmf` with shares r·a/(b+r·a), its tails and its mean solved by `brentq`.
    #[test]
    fn fridays_together_agree_with_an_independent_implementation_and_are_not_added_up() {
        let of = |fridays: &[(u64, u64, u64, u64)]| {
            let one = |(before, after, before_min, after_min): &(u64, u64, u64, u64)| Evidence {
                before: Exposure { losses: *before, agent_ms: before_min * MINUTE },
                after: Exposure { losses: *after, agent_ms: after_min * MINUTE },
            };
            compared(pooled(&fridays.iter().map(one).collect::<Vec<_>>()))
        };
        let near = |a: Option<f64>, b: Option<f64>| match (a, b) {
            (Some(a), Some(b)) => (a - b).abs() <= 1e-7 * b.abs().max(1e-9),
            (a, b) => a == b,
        };
        for (fridays, ratio, low, high, p) in [
            (
                &[(3, 41, 30, 5), (1, 2, 28, 6), (0, 17, 31, 5)][..],
                Some(89.84450648309075),
                33.317748141952755,
                Some(340.45894845966075),
                7.918232854500797e-46,
            ),
            (
                &[(700, 120, 30, 5), (2, 0, 30, 200)],
                Some(1.0111274387454317),
                0.8251827819044494,
                Some(1.229968633451125),
                0.9205696611110523,
            ),
            (&[(0, 5, 30, 30), (0, 9, 10, 5)], None, 5.39386482996797, None, 1.5876644820403386e-06),
            (&[(4, 0, 30, 5), (2, 0, 30, 5)], Some(0.0), 0.0, Some(5.095867165783946), 1.0),
            // Two Fridays with nothing in them, of which the sums would say that losses are fifty times as rare.
            (&[(100, 10, 10, 1), (1, 10, 100, 1000)], Some(1.0), 0.4916317297257885, Some(1.8727607426364055), 1.0),
        ] {
            let found = of(fridays);
            assert!(near(found.ratio, ratio) && near(found.high, high), "{fridays:?}: {found:?}");
            assert!(near(Some(found.low), Some(low)) && near(Some(found.p), Some(p)), "{fridays:?}: {found:?}");
        }
    }

    #[test]
    fn only_more_losses_beyond_chance_are_an_association() {
        assert!(matches!(finding((41, 5), (3, 30)), Finding::Association(_)));
        assert!(matches!(finding((3, 5), (18, 30)), Finding::None(_)));
        assert!(matches!(finding((0, 500), (700, 30)), Finding::None(_)), "fewer losses are no association");
        assert!(matches!(finding((2_940, 5), (0, 30)), Finding::Association(Compared { ratio: None, .. })));
        for nothing in [finding((0, 5), (0, 30)), finding((9, 5), (0, 0)), finding((0, 0), (9, 30))] {
            assert_eq!(nothing, Finding::Nothing);
        }
    }

    #[test]
    fn numbers_that_no_look_can_have_brought_are_refused_with_their_place() {
        let look = Between { from: T, to: T + 30_000, ready: 100, lost: 7 };
        let whole = Evidence::of(&[look; 2], T, 60_000);
        assert_eq!(possible(&[look; 2], &whole), Ok(()));
        let seen = |losses, agent_ms| Exposure { losses, agent_ms };
        let told = |looks: &[Between], evidence| possible(looks, &evidence).unwrap_err().to_string();
        let endless = Evidence { after: seen(u64::MAX, 6_000_000), ..whole };
        let words = "evidence.after.losses is 18446744073709551615, more than the 14 that its looks found";
        assert_eq!(told(&[look; 2], endless), words);
        let twice = Evidence { before: whole.after, after: whole.after };
        assert!(told(&[look; 2], twice).starts_with("evidence.after.losses is 14, more than the 0 "));
        let long = Evidence { after: seen(14, 6_000_001), ..whole };
        assert!(told(&[look; 2], long).starts_with("evidence.after.agent_ms is 6000001, "));
        let [more, crowd] = [Between { lost: 101, ..look }, Between { ready: u64::MAX, lost: u64::MAX, ..look }];
        assert_eq!(told(&[look, more], whole), "looks[1].lost is 101, of 100 who were ready");
        assert!(told(&[crowd], whole).starts_with("looks[0].ready is 18446744073709551615, "));
    }

    #[test]
    fn looks_are_sorted_by_the_publish_and_pooled() {
        let look = |from_s: i64, to_s: i64, lost: u64| Between {
            from: T + from_s * 1_000,
            to: T + to_s * 1_000,
            ready: 100,
            lost,
        };
        let looks = [look(-90, -60, 1), look(-60, -30, 0), look(-10, 20, 40), look(20, 50, 5), look(400, 430, 9)];
        let evidence = Evidence::of(&looks, T, 300_000);
        assert_eq!(evidence.before, Exposure { losses: 1, agent_ms: 6_000_000 });
        assert_eq!(evidence.after, Exposure { losses: 45, agent_ms: 6_000_000 });
        assert_eq!(Evidence::sum(&[evidence; 2]).after, Exposure { losses: 90, agent_ms: 12_000_000 });
        assert!(evidence.after.per_thousand_a_minute().is_some_and(|rate| close(rate, 450.0)));
    }
}
