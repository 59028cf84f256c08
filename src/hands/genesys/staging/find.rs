//! From what a person typed to the one thing meant: by id, or by its whole name; anything less lists candidates.
//!
//! Must never: guess. A publish to the wrong business unit cannot be taken back.

/// What was found for a name or an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found<T> {
    /// Exactly this.
    One(T),
    /// The name fits more than one, or fits none whole; these are the ones it may mean.
    Several(Vec<Candidate>),
    /// Nothing fits; these are all there are.
    Nothing(Vec<Candidate>),
}

/// Something that may have been meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// Picks by exact id, else by whole name without regard to case. `label` gives a thing's id and name.
pub fn pick<T>(all: Vec<T>, wanted: &str, label: impl Fn(&T) -> Candidate) -> Found<T> {
    let wanted = wanted.trim();
    let folded = wanted.to_lowercase();
    let labels: Vec<Candidate> = all.iter().map(label).collect();
    let matching = |fits: &dyn Fn(&Candidate) -> bool| -> Vec<usize> {
        labels.iter().enumerate().filter(|(_, candidate)| fits(candidate)).map(|(at, _)| at).collect()
    };
    let by_id = matching(&|c| c.id == wanted);
    let by_name = matching(&|c| c.name.trim().to_lowercase() == folded);
    let exact = if by_id.is_empty() { by_name } else { by_id };
    if let [only] = exact.as_slice() {
        let only = *only;
        return match all.into_iter().nth(only) {
            Some(found) => Found::One(found),
            None => Found::Nothing(labels),
        };
    }
    let near = if exact.is_empty() { matching(&|c| c.name.to_lowercase().contains(&folded)) } else { exact };
    if near.is_empty() || folded.is_empty() {
        return Found::Nothing(labels);
    }
    Found::Several(labels.into_iter().enumerate().filter(|(at, _)| near.contains(at)).map(|(_, c)| c).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pick_from(names: &[&str], wanted: &str) -> Found<usize> {
        let label = |at: &usize| Candidate { id: format!("id-{at}"), name: names[*at].to_owned() };
        pick((0..names.len()).collect(), wanted, label)
    }

    #[test]
    fn only_an_id_or_a_whole_name_is_enough() {
        let names = ["Sales", "Sales East", "Support", "support", "Billing"];
        assert_eq!(pick_from(&names, "id-1"), Found::One(1));
        assert_eq!(pick_from(&names, " sales "), Found::One(0));
        assert_eq!(pick_from(&names, "BILLING"), Found::One(4));
        let Found::Several(both) = pick_from(&names, "Support") else { panic!("two of that name") };
        assert_eq!(both.iter().map(|c| c.id.as_str()).collect::<Vec<_>>(), ["id-2", "id-3"]);
        let Found::Several(partial) = pick_from(&names, "east") else { panic!("a part is not enough") };
        assert_eq!(partial.len(), 1);
        let Found::Nothing(all) = pick_from(&names, "Marketing") else { panic!("nothing fits") };
        assert_eq!(all.len(), 5);
        assert!(matches!(pick_from(&names, ""), Found::Nothing(_)));
    }
}
