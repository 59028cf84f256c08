//! How pushed events reach their channels, and what goes wrong on the way: lost, late, doubled, or the socket closes.
//!
//! Must never: deliver to a channel that has ended, whatever was still under way to it.

use serde_json::json;

use super::agenda::Due;
use super::notify::{Frame, Push, frame};
use super::world::Twin;

impl Twin {
    /// One event on its way to one channel.
    pub(super) fn send_event(&mut self, at: usize, text: &str) {
        let faults = self.scenario.faults;
        let lost = self.luck.chance(faults.lost_notifications_share);
        // Drawn only where a scenario asks for it, so that the others keep the chance they had.
        let late = faults.late_notifications_share > 0.0 && self.luck.chance(faults.late_notifications_share);
        let doubled = faults.doubled_notifications_share > 0.0 && self.luck.chance(faults.doubled_notifications_share);
        let alive = self.channels.get(at).map(|c| c.id.clone()).filter(|id| self.channel_is_open(id));
        let Some(channel) = alive.filter(|_| !lost) else { return };
        for _ in 0..if doubled { 2 } else { 1 } {
            let push = Push { channel: channel.clone(), frame: Frame::Text(text.to_owned()) };
            if late {
                self.send_late(push);
            } else {
                self.put(push);
            }
        }
    }

    /// Hands an event to whatever reads the channel: a notification socket, or a softphone's stream in its own dialect.
    fn put(&mut self, push: Push) {
        let streaming =
            self.find_channel(&push.channel).filter(|at| self.channels.get(*at).is_some_and(|c| c.streaming));
        match (streaming, push.frame) {
            (Some(at), Frame::Text(text)) => self.event_to_stream(at, &text),
            (_, frame) => self.pushes.push(Push { channel: push.channel, frame }),
        }
    }

    fn send_late(&mut self, push: Push) {
        let number = self.agenda_serial;
        self.late.insert(number, push);
        self.schedule_in(self.scenario.faults.late_notifications_s, Due::Arrives(number));
    }

    pub(super) fn arrive_late(&mut self, number: u64) {
        let push = self.late.remove(&number).filter(|push| self.channel_is_open(&push.channel));
        push.into_iter().for_each(|push| self.put(push));
    }

    /// A channel's socket closes again and again, for as long as the channel lives.
    pub(super) fn let_socket_close(&mut self, at: usize) {
        let every_s = self.scenario.faults.sockets_close_every_s;
        if every_s > 0 {
            self.schedule_in(every_s, Due::SocketCloses(at));
        }
    }

    /// The platform leaves about a minute between the word and the end (API.md section 11); a client that hears it is gone at
    /// once, so here the end follows it. The channel stays.
    pub(super) fn close_socket(&mut self, at: usize) {
        let Some(channel) = self.channels.get(at).map(|c| c.id.clone()).filter(|id| self.channel_is_open(id)) else {
            return;
        };
        let text = frame("v2.system.socket_closing", json!({ "channelId": channel }), None, self.answers);
        self.pushes.push(Push { channel: channel.clone(), frame: Frame::Text(text) });
        self.pushes.push(Push { channel, frame: Frame::Close });
        self.let_socket_close(at);
    }
}
