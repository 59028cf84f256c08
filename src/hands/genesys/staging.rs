//! What `stage` reads before a run exists.
