//! What only the memory journal can do: snapshots, damage at will, a clock that is moved.

use super::*;

#[test]
fn a_snapshot_goes_its_own_way() {
    let (journal, run) = (MemoryJournal::new(), run("r"));
    journal.begin_now(&run, NOW, &[Fact::Done]).unwrap();
    let lease = journal.lead_now(&run, &holder("a"), LONG_MS).unwrap().unwrap();
    let snapshot = journal.clone();
    journal.append_now(&lease, 1, NOW, &[Fact::Done], Some(2)).unwrap();
    assert_eq!(snapshot.load_now::<Fact>(&run).unwrap().len(), 1);
    assert_eq!(snapshot.append_now(&lease, 1, NOW, &[Fact::Done], Some(2)).unwrap(), 2);
    let taken = snapshot.append_now(&lease, 2, NOW, &[Fact::Done], Some(2));
    assert!(matches!(taken, Err(JournalError::ClaimTaken { .. })));
}

#[test]
fn a_damaged_record_in_memory_is_named() {
    let (journal, run) = (MemoryJournal::new(), run("r"));
    journal.begin_now(&run, NOW, &[Fact::Done, Fact::Done]).unwrap();
    journal.damage(&run, 2, "{\"nobody_knows_this\":1}");
    assert!(matches!(journal.load_now::<Fact>(&run), Err(JournalError::Corrupt { seq: 2, .. })));
}

#[test]
fn a_lease_ends_at_its_last_millisecond() {
    let (journal, run) = (MemoryJournal::new(), run("r"));
    journal.set_clock(NOW);
    journal.begin_now(&run, NOW, &[Fact::Done]).unwrap();
    let lease = journal.lead_now(&run, &holder("a"), 1_000).unwrap().unwrap();
    journal.set_clock(NOW + 999);
    assert_eq!(journal.lead_now(&run, &holder("b"), 1_000).unwrap(), None);
    journal.append_now(&lease, 1, NOW, &[Fact::Done], None).unwrap();
    journal.renew_now(&lease, 1_000).unwrap();
    journal.set_clock(NOW + 1_999);
    let late = journal.append_now(&lease, 2, NOW, &[Fact::Done], None);
    assert!(matches!(late, Err(JournalError::LeaseLost { by: None, .. })), "{late:?}");
    assert!(journal.lead_now(&run, &holder("b"), 1_000).unwrap().is_some());
}
