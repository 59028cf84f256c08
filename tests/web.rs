//! The web room over real sockets: companions and their hellos, commands and answers, sign-ins before the twin, two replicas
//! on PostgreSQL, and `softlanding serve` as a process.

#[path = "web/bus.rs"]
mod bus;
#[path = "web/companions.rs"]
mod companions;
#[path = "web/enrolment.rs"]
mod enrolment;
#[path = "web/page.rs"]
mod page;
#[path = "web/replicas.rs"]
mod replicas;
#[path = "web/room.rs"]
mod room;
#[path = "web/serve.rs"]
mod serve;
mod support;
