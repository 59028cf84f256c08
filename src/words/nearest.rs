//! "Did you mean …?": the known word that a mistyped one was most likely meant to be.
//!
//! Must never: be used to act on a guess; it only ever fills a hint.

/// Words longer than this get no hint: the work is quadratic in the length, and the word comes from outside.
const FOUND_CHARS_MAX: usize = 64;

/// The known word nearest to `found`, if one is near enough to be meant; case does not matter.
///
/// Near enough is one slip for every three letters: a letter too many, too few, wrong, or two swapped.
#[must_use]
pub fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let found: Vec<char> = found.chars().take(FOUND_CHARS_MAX + 1).flat_map(char::to_lowercase).collect();
    if found.is_empty() || found.len() > FOUND_CHARS_MAX {
        return None;
    }
    let slips_max = (found.len() / 3).max(1);
    known
        .into_iter()
        .map(|word| (slips(&found, &word.chars().flat_map(char::to_lowercase).collect::<Vec<_>>()), word))
        .filter(|(slips, word)| *slips <= slips_max && *slips < word.chars().count())
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, word)| word)
}

/// The optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours.
fn slips(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&last, j) + usize::from(x != y)).min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                best = best.min(at(&before_last, j - 1) + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(a.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_finger_are_forgiven_and_strangers_are_not() {
        let known = ["refresh_lead", "prepare_lead", "region"];
        assert_eq!(nearest("refersh_lead", known), Some("refresh_lead"));
        assert_eq!(nearest("Regoin", known), Some("region"));
        assert_eq!(nearest("telephone", known), None);
        assert_eq!(nearest("", known), None);
        assert_eq!(nearest(&"x".repeat(10_000), known), None);
        // A one-letter word must not become any other one-letter word.
        assert_eq!(nearest("q", ["x"]), None);
    }

    #[test]
    fn a_swap_costs_one_and_the_distance_is_symmetric() {
        let chars = |s: &str| s.chars().collect::<Vec<_>>();
        for (a, b, n) in [("", "", 0), ("ab", "ba", 1), ("kitten", "sitting", 3), ("", "abc", 3)] {
            assert_eq!(slips(&chars(a), &chars(b)), n, "{a} {b}");
            assert_eq!(slips(&chars(b), &chars(a)), n, "{b} {a}");
        }
    }
}
