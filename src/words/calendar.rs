//! Instants as people say them: "Friday 16:00 CST" is the wall clock of America/Chicago.
