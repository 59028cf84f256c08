//! Two rates compared exactly, over one Friday or over several that each have a rate of their own.
//!
//! Given all losses of a Friday, those after the publish are binomial, with odds that are the ratio of the two rates times that
//! of the exposures. So the sum over several Fridays has a distribution that can be written out, whatever the rates of each of
//! them: a quiet Friday that was watched for long is never mixed up with a bad one. For one Friday it is the conditional test
//! of two Poisson rates, as `poisson.test` in R does it, and the interval is Clopper and Pearson's.
//! Must never: add up Fridays before they are compared.

use statrs::distribution::{Binomial, Discrete};

/// Half of what the interval leaves out: it holds the true ratio in 95 of 100 cases.
const TAIL: f64 = 0.025;
/// Probabilities that differ by less than this part are the same for the two-sided test.
const SAME: f64 = 1e-7;
/// Logarithms of probabilities below this are nothing: they cannot be told from 0 in any sum here.
const LN_NOTHING: f64 = -650.0;
/// The same where a sum is only held against [`TAIL`]: what is left out moves no digit of it, and the spreads are a third as wide.
const LN_NOTHING_BESIDE_TAIL: f64 = -45.0;
/// Ratios are looked for between these powers of e.
const LN_RATIO_MAX: f64 = 60.0;
/// Halvings of that range: twelve digits.
const HALVINGS: u32 = 48;

/// One Friday: losses, and for how long ready agents were watched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stratum {
    /// Losses before the publish and after it.
    pub losses: (u64, u64),
    /// Exposure before and after, in any unit; both above 0.
    pub exposure: (f64, f64),
}

/// How the rates compare.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// How many times as high the rate is after as before, as the losses have it most likely; `None` when there were none
    /// before.
    pub ratio: Option<f64>,
    /// The lower end of its interval, at 95 %.
    pub low: f64,
    /// The upper end; `None` when there were no losses before.
    pub high: Option<f64>,
    /// The probability of at least so much difference by chance, when the rates are the same.
    pub p: f64,
}

/// Compares the rates of all these Fridays together; `None` when there was no loss at all.
#[must_use]
pub fn compare(strata: &[Stratum]) -> Option<Comparison> {
    let (before, after) = strata.iter().fold((0, 0), |(b, a), s| (b + s.losses.0, a + s.losses.1));
    if before + after == 0 {
        return None;
    }
    let same = Spread::of(strata, 1.0, LN_NOTHING);
    let seen = same.at(after);
    let p = same.chances.iter().filter(|chance| **chance <= seen * (1.0 + SAME)).sum::<f64>().min(1.0);
    let spread = |ratio: f64| Spread::of(strata, ratio, LN_NOTHING_BESIDE_TAIL);
    let at_least = |ratio: f64| spread(ratio).from(after);
    let more = |ratio: f64| 1.0 - spread(ratio).up_to(after);
    let low = if after == 0 { 0.0 } else { ratio_where(|ratio| at_least(ratio) >= TAIL) };
    let high = (before > 0).then(|| ratio_where(|ratio| more(ratio) >= 1.0 - TAIL));
    let expected = |ratio: f64| strata.iter().map(|s| s.all() as f64 * s.share(ratio)).sum::<f64>();
    let likeliest = || if after == 0 { 0.0 } else { ratio_where(|ratio| expected(ratio) >= after as f64) };
    Some(Comparison { ratio: (before > 0).then(likeliest), low, high, p })
}

impl Stratum {
    fn all(self) -> u64 {
        self.losses.0 + self.losses.1
    }
    /// The chance of one loss to lie after the publish, when the rate there is so many times as high.
    fn share(self, ratio: f64) -> f64 {
        let (before, after) = self.exposure;
        ratio * after / (before + ratio * after)
    }
}

/// The smallest ratio from which on something is so; it must go on to be so.
fn ratio_where(is_so: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (-LN_RATIO_MAX, LN_RATIO_MAX);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if is_so(middle.exp()) { high = middle } else { low = middle }
    }
    high.exp()
}

/// The chances of each number of losses after the publish, those that are nothing left out at both ends.
struct Spread {
    first: u64,
    chances: Vec<f64>,
}

impl Spread {
    fn of(strata: &[Stratum], ratio: f64, ln_nothing: f64) -> Spread {
        let one = Spread { first: 0, chances: vec![1.0] };
        let told = strata.iter().filter(|s| s.all() > 0);
        told.fold(one, |sum, s| sum.plus(&Spread::of_one(*s, ratio, ln_nothing)))
    }
    /// From the likeliest number outwards, each chance from the one before it: a factorial for each would take seconds where
    /// thousands were lost.
    fn of_one(stratum: Stratum, ratio: f64, ln_nothing: f64) -> Spread {
        let (all, share) = (stratum.all(), stratum.share(ratio));
        let Ok(binomial) = Binomial::new(share, all) else {
            return Spread { first: 0, chances: vec![1.0] };
        };
        let likeliest = (((all + 1) as f64 * share) as u64).min(all);
        let (most, least) = (binomial.ln_pmf(likeliest).exp(), ln_nothing.exp());
        let odds = share / (1.0 - share);
        let mut chances: Vec<f64> =
            outwards(most, least, (1..=likeliest).rev().map(|n| n as f64 / ((all - n + 1) as f64 * odds))).collect();
        let first = likeliest - chances.len() as u64;
        chances.reverse();
        chances.push(most);
        chances.extend(outwards(most, least, (likeliest..all).map(|n| (all - n) as f64 / (n + 1) as f64 * odds)));
        Spread { first, chances }
    }
    fn plus(&self, other: &Spread) -> Spread {
        let mut chances = vec![0.0; (self.chances.len() + other.chances.len()).saturating_sub(1)];
        for (i, a) in self.chances.iter().enumerate() {
            for (sum, b) in chances.iter_mut().skip(i).zip(&other.chances) {
                *sum += a * b;
            }
        }
        Spread { first: self.first + other.first, chances }
    }
    fn at(&self, n: u64) -> f64 {
        n.checked_sub(self.first)
            .and_then(|at| self.chances.get(usize::try_from(at).ok()?))
            .copied()
            .unwrap_or_default()
    }
    /// So many or more.
    fn from(&self, n: u64) -> f64 {
        (self.first..).zip(&self.chances).filter(|(k, _)| *k >= n).map(|(_, chance)| chance).sum()
    }
    /// So many or fewer.
    fn up_to(&self, n: u64) -> f64 {
        (self.first..).zip(&self.chances).filter(|(k, _)| *k <= n).map(|(_, chance)| chance).sum()
    }
}

/// What comes after `chance` when each is so many times the one before, as long as it is something.
fn outwards(chance: f64, least: f64, factors: impl Iterator<Item = f64>) -> impl Iterator<Item = f64> {
    let chances = factors.scan(chance, |chance, factor| {
        *chance *= factor;
        Some(*chance)
    });
    chances.take_while(move |chance| *chance > least)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fridays that were watched for equally long are one binomial, which no sum over Fridays is needed for: the convolution must
    /// come to the same, also where thousands were lost.
    #[test]
    fn many_large_fridays_of_the_same_exposure_are_one() {
        for (fridays, losses) in [(2, (3, 41)), (12, (30, 300)), (4, (300, 2_000)), (2, (0, 30_000))] {
            let one = Stratum { losses, exposure: (30.0, 5.0) };
            let (before, after): (u64, u64) = losses;
            let sum = Stratum { losses: (before * fridays, after * fridays), ..one };
            let together = compare(&vec![one; fridays as usize]).unwrap();
            let at_once = compare(&[sum]).unwrap();
            let same = |a: f64, b: f64| (a - b).abs() <= 1e-9 * b.abs();
            assert!(same(together.low, at_once.low) && same(together.p, at_once.p), "{together:?} {at_once:?}");
            assert_eq!(together.high.is_some(), before > 0);
            assert!(together.high.zip(at_once.high).is_none_or(|(a, b)| same(a, b)), "{together:?} {at_once:?}");
        }
    }
}
