//! Who wants to hear which topics, and which line carries each: a line is one channel's worth of topics. Pure.
//!
//! A topic that several runs want is carried once. What finds no room waits until some is free. Must never: carry a topic
//! twice, or move one that is carried for no need: what is pushed meanwhile is lost.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use super::frames::{TOPICS_MAX, Topic};

/// A run among those that listen.
pub type Ear = u64;
/// A line among those that are open.
pub type LineId = u64;

/// Channels of one process. The platform allows 20 of one OAuth client (API.md section 11), and two replicas may share it.
pub const LINES_MAX: usize = 10;

/// All that is wanted, and where it is carried.
#[derive(Debug)]
pub struct Board {
    ears: BTreeMap<Ear, Vec<Topic>>,
    wanted: HashMap<Topic, Wanted>,
    lines: BTreeMap<LineId, Line>,
    /// Lines that have room.
    roomy: BTreeSet<LineId>,
    /// Topics that no line carries, those that have waited longest first.
    waiting: VecDeque<Topic>,
    /// Topics that a new line takes.
    room: usize,
    last: u64,
}

#[derive(Debug, Default)]
struct Wanted {
    by: Vec<Ear>,
    line: Option<LineId>,
}

#[derive(Debug)]
struct Line {
    topics: Vec<Topic>,
    room: usize,
    version: u64,
    /// Who has something on it since the last time that was told.
    newcomers: BTreeSet<Ear>,
}

impl Default for Board {
    fn default() -> Self {
        Board {
            ears: BTreeMap::new(),
            wanted: HashMap::new(),
            lines: BTreeMap::new(),
            roomy: BTreeSet::new(),
            waiting: VecDeque::new(),
            room: TOPICS_MAX,
            last: 0,
        }
    }
}

impl Board {
    /// Somebody wants to hear these topics, the most important first. Gives back the lines that are new by that.
    pub fn join(&mut self, topics: Vec<Topic>) -> (Ear, Vec<LineId>) {
        self.last += 1;
        let ear = self.last;
        let mut new = Vec::new();
        for topic in &topics {
            let wanted = self.wanted.entry(topic.clone()).or_default();
            let is_first = wanted.by.is_empty();
            if !wanted.by.contains(&ear) {
                wanted.by.push(ear);
            }
            match wanted.line.and_then(|line| self.lines.get_mut(&line)) {
                Some(line) => drop(line.newcomers.insert(ear)),
                None if is_first => new.extend(self.place(topic)),
                None => {}
            }
        }
        self.ears.insert(ear, topics);
        (ear, new)
    }

    /// Somebody wants to hear no more. What only that one wanted is not carried any longer.
    pub fn leave(&mut self, ear: Ear) {
        let mut gone: HashSet<Topic> = HashSet::new();
        let mut lines: BTreeSet<LineId> = BTreeSet::new();
        for topic in self.ears.remove(&ear).unwrap_or_default() {
            let Some(wanted) = self.wanted.get_mut(&topic) else { continue };
            wanted.by.retain(|by| *by != ear);
            if wanted.by.is_empty() {
                lines.extend(wanted.line);
                self.wanted.remove(&topic);
                gone.insert(topic);
            }
        }
        for line in self.lines.values_mut() {
            line.newcomers.remove(&ear);
        }
        for number in lines {
            let Some(line) = self.lines.get_mut(&number) else { continue };
            line.topics.retain(|topic| !gone.contains(topic));
            line.version += 1;
            if line.topics.len() < line.room {
                self.roomy.insert(number);
            }
        }
        self.waiting.retain(|topic| !gone.contains(topic));
        // There is a line for whoever waits only where room was made: a new one would have been opened before.
        self.place_the_waiting();
    }

    /// The platform has refused a line for its number of topics: it carries no more than `room`, nor does any new one. What
    /// was on it beyond that goes elsewhere. Gives back the lines that are new by that.
    pub fn narrow(&mut self, number: LineId, room: usize) -> Vec<LineId> {
        self.room = self.room.min(room);
        let Some(line) = self.lines.get_mut(&number) else { return Vec::new() };
        line.room = line.room.min(room);
        let over = line.topics.split_off(line.room.min(line.topics.len()));
        line.version += 1;
        if line.topics.len() >= line.room {
            self.roomy.remove(&number);
        }
        for topic in over.iter().rev() {
            if let Some(wanted) = self.wanted.get_mut(topic) {
                wanted.line = None;
            }
            self.waiting.push_front(topic.clone());
        }
        self.place_the_waiting()
    }

    /// Takes a line away on which there is nothing; whether it was taken away, or is no more.
    pub fn retire(&mut self, number: LineId) -> bool {
        if self.lines.get(&number).is_some_and(|line| !line.topics.is_empty()) {
            return false;
        }
        self.lines.remove(&number);
        self.roomy.remove(&number);
        true
    }

    /// What a line carries, and a number that changes with it; nothing when there is no such line.
    #[must_use]
    pub fn topics(&self, number: LineId) -> (&[Topic], u64) {
        self.lines.get(&number).map_or((&[], 0), |line| (&line.topics, line.version))
    }

    /// Who has something on a line.
    #[must_use]
    pub fn hearers(&self, number: LineId) -> BTreeSet<Ear> {
        let topics = self.topics(number).0.iter();
        topics.filter_map(|topic| self.wanted.get(topic)).flat_map(|wanted| wanted.by.iter().copied()).collect()
    }

    /// Who has something on a line since this was asked last.
    pub fn newcomers(&mut self, number: LineId) -> BTreeSet<Ear> {
        self.lines.get_mut(&number).map(|line| std::mem::take(&mut line.newcomers)).unwrap_or_default()
    }

    /// Who wants to hear a topic.
    #[must_use]
    pub fn heard_by(&self, topic: &str) -> &[Ear] {
        self.wanted.get(topic).map_or(&[], |wanted| &wanted.by)
    }

    /// How many topics of somebody no line carries.
    #[must_use]
    pub fn unheard(&self, ear: Ear) -> usize {
        if self.waiting.is_empty() {
            return 0;
        }
        let uncarried = |topic: &&Topic| self.wanted.get(*topic).is_some_and(|wanted| wanted.line.is_none());
        self.ears.get(&ear).map_or(0, |topics| topics.iter().filter(uncarried).count())
    }

    /// The lines that are open, in order.
    pub fn lines(&self) -> impl Iterator<Item = LineId> {
        self.lines.keys().copied()
    }

    fn place_the_waiting(&mut self) -> Vec<LineId> {
        let mut new = Vec::new();
        for topic in std::mem::take(&mut self.waiting) {
            new.extend(self.place(&topic));
        }
        new
    }

    /// Finds a line for a topic; gives it back if it is new.
    fn place(&mut self, topic: &Topic) -> Option<LineId> {
        let (number, is_new) = match self.roomy.first() {
            Some(number) => (*number, false),
            None if self.lines.len() < LINES_MAX => (self.open(), true),
            None => {
                self.waiting.push_back(topic.clone());
                return None;
            }
        };
        let (Some(line), Some(wanted)) = (self.lines.get_mut(&number), self.wanted.get_mut(topic)) else { return None };
        wanted.line = Some(number);
        line.newcomers.extend(&wanted.by);
        line.topics.push(topic.clone());
        line.version += 1;
        if line.topics.len() >= line.room {
            self.roomy.remove(&number);
        }
        is_new.then_some(number)
    }

    fn open(&mut self) -> LineId {
        self.last += 1;
        let line = Line { topics: Vec::new(), room: self.room, version: 0, newcomers: BTreeSet::new() };
        self.lines.insert(self.last, line);
        self.roomy.insert(self.last);
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Topics `from..to` of one organisation.
    fn some(range: std::ops::Range<usize>) -> Vec<Topic> {
        range.map(|n| Topic::from(format!("t-{n}"))).collect()
    }
    fn sizes(board: &Board) -> Vec<usize> {
        board.lines().map(|line| board.topics(line).0.len()).collect()
    }

    #[test]
    fn topics_of_many_runs_fill_lines_one_after_the_other_and_what_two_want_is_carried_once() {
        let mut board = Board::default();
        let mut new = 0;
        for run in 0..25 {
            // One hundred agents each, and one topic that all of them want.
            let topics = [some(9_999..10_000), some(run * 100..(run + 1) * 100)].concat();
            new += board.join(topics).1.len();
        }
        assert_eq!((new, sizes(&board)), (3, vec![1_000, 1_000, 501]));
        assert_eq!(board.heard_by("t-9999").len(), 25);
        assert_eq!(board.heard_by("t-1").len(), 1);
        assert_eq!(board.heard_by("t-77777"), &[] as &[Ear]);
    }

    #[test]
    fn who_leaves_takes_away_what_nobody_else_wants_and_the_room_is_used_again() {
        let mut board = Board::default();
        let (one, lines) = board.join(some(0..600));
        let line = lines[0];
        let (two, none) = board.join(some(500..900));
        assert_eq!((none.len(), board.hearers(line).len()), (0, 2));
        assert_eq!(board.newcomers(line), BTreeSet::from([one, two]));
        let before = board.topics(line).1;
        board.leave(one);
        assert_eq!(board.topics(line).0, some(500..900));
        assert!(board.topics(line).1 > before && board.newcomers(line).is_empty());
        let (three, new) = board.join(some(2_000..2_600));
        assert_eq!((new.len(), sizes(&board), board.newcomers(line)), (0, vec![1_000], BTreeSet::from([three])));
        assert!(!board.retire(line));
        board.leave(two);
        board.leave(three);
        assert!(board.retire(line) && board.retire(line) && board.lines().count() == 0);
        assert!(board.wanted.is_empty() && board.roomy.is_empty() && board.ears.is_empty());
    }

    #[test]
    fn what_finds_no_room_waits_and_it_is_known_whose_it_is() {
        let mut board = Board::default();
        let (one, new) = board.join(some(0..9_500));
        let (two, none) = board.join(some(9_400..10_700));
        assert_eq!((new.len(), none.len(), board.lines().count()), (10, 0, LINES_MAX));
        assert_eq!((board.unheard(one), board.unheard(two)), (0, 700));
        // Both are told once somebody makes room, and nobody else is moved.
        board.leave(one);
        assert_eq!(board.unheard(two), 0);
        assert_eq!(sizes(&board).iter().sum::<usize>(), 1_300);
    }

    #[test]
    fn a_line_that_is_refused_for_its_number_is_narrowed_and_the_rest_goes_to_others() {
        let mut board = Board::default();
        let (one, lines) = board.join(some(0..900));
        let new = board.narrow(lines[0], 200);
        assert_eq!((new.len(), sizes(&board), board.unheard(one)), (4, vec![200, 200, 200, 200, 100], 0));
        assert_eq!(board.topics(lines[0]).0, some(0..200), "what matters most is still where it was");
        board.join(some(1_000..3_000));
        assert_eq!(sizes(&board), vec![200; LINES_MAX]);
    }
}
