//! The routes that the twin knows, each with the permission that the platform asks for (openapi.json).
//!
//! Must never: answer a route without looking at its permission.

use super::answer::Answer;
use super::router::Call;
use super::world::Twin;
use crate::words::http::Method::{self, Delete, Get, Patch, Post, Put};

const SCHEDULE_VIEW: [&str; 2] = ["wfm:schedule:view", "wfm:publishedSchedule:view"];
const UNIT_VIEW: [&str; 4] =
    ["wfm:businessUnit:view", "wfm:schedule:view", "wfm:agent:view", "wfm:publishedSchedule:view"];
const EDGES: [&str; 1] = ["telephony:plugin:all"];
const DISASSOCIATE: [&str; 1] = ["telephony:station:disassociate"];
const ASSOCIATE: [&str; 1] = ["telephony:otherStationAssociation:edit"];
const DEFAULT_STATION: [&str; 2] = ["telephony:plugin:all", "telephony:phone:assign"];

impl Twin {
    /// Answers a call of a known caller; `None` when there is no such route.
    pub(super) fn route(&mut self, call: &Call<'_>, path: &[&str]) -> Option<Answer> {
        Some(match path {
            ["workforcemanagement", rest @ ..] => return self.route_wfm(call, rest),
            ["users", rest @ ..] => return self.route_users(call, rest),
            ["stations", rest @ ..] => return self.route_stations(call, rest),
            ["telephony", "providers", "edges", rest @ ..] => return self.route_edges(call, rest),
            ["notifications", rest @ ..] => return self.route_notifications(call, rest),
            ["authorization", rest @ ..] => return self.route_authorization(call, rest),
            ["organizations", rest @ ..] => return self.route_organization(call, rest),
            ["communications", "webRTC"] => return self.route_reported(call, path),
            ["conversations", rest @ ..] => return self.route_conversations(call, rest),
            ["diagnostics", ..] if call.request.method == Post => super::answer::Reply::empty(202),
            ["tokens", "me"] => match call.request.method {
                Get => self.token_info(call),
                Method::Head => super::answer::Reply::empty(200),
                Delete => self.delete_own_token(call),
                Post | Put | Patch | Method::Options => return None,
            },
            ["tokens", user] if call.request.method == Delete => {
                self.need(call, &["oauth:token:delete"]).and_then(|()| self.delete_tokens(user))
            }
            ["date"] if call.request.method == Get => self.server_date(),
            ["presence", "definitions"] if call.request.method == Get => self.presence_definitions(),
            _ => return None,
        })
    }

    /// Whether there is such a route at all; asked for callers without a valid token.
    pub(super) fn knows(&self, method: Method, path: &[&str]) -> bool {
        let edges = ["phones", "trunks", "edges", "metrics"];
        match path {
            ["workforcemanagement", "businessunits", ..] | ["workforcemanagement", "managementunits", ..] => true,
            ["users", "bulk", "export"] | ["communications", "webRTC"] => self.scenario.reported.offered,
            ["users", "bulk", ..] => false,
            ["conversations", _, ..] => true,
            ["diagnostics", ..] => method == Post,
            ["users", ..] | ["stations", ..] | ["notifications", "channels" | "availabletopics", ..] => true,
            ["telephony", "providers", "edges"] => true,
            ["telephony", "providers", "edges", what, ..] => edges.contains(what) || method == Get,
            ["authorization", "subjects" | "divisionspermitted", ..] => true,
            ["organizations", "me"] | ["organizations", "limits", ..] => true,
            ["tokens", _] | ["date"] | ["presence", "definitions"] => true,
            _ => false,
        }
    }

    fn route_wfm(&mut self, call: &Call<'_>, path: &[&str]) -> Option<Answer> {
        Some(match (call.request.method, path) {
            (Get, ["businessunits"]) => self.need(call, &UNIT_VIEW).and_then(|()| self.business_units()),
            (Get, ["businessunits", unit]) => self.need(call, &UNIT_VIEW).and_then(|()| self.business_unit(unit)),
            (Get, ["businessunits", unit, "managementunits"]) => self.management_units_of(unit),
            (Get, ["managementunits"]) => self.management_units(),
            (Get, ["managementunits", unit]) => self.need(call, &UNIT_VIEW).and_then(|()| self.management_unit(unit)),
            (Get, ["managementunits", unit, "users"]) => {
                self.need(call, &UNIT_VIEW).and_then(|()| self.management_unit_users(unit))
            }
            (Get, ["businessunits", unit, "users"]) => {
                self.need(call, &["wfm:agent:view"]).and_then(|()| self.business_unit_users(unit))
            }
            (Post, ["businessunits", unit, "agentschedules", "search"]) => {
                self.need(call, &SCHEDULE_VIEW).and_then(|()| self.search_shifts(call, unit))
            }
            (Get, ["businessunits", unit, "weeks", week, "schedules"]) => {
                self.need(call, &SCHEDULE_VIEW).and_then(|()| self.week_schedules(unit, week))
            }
            (Get, ["businessunits", unit, "weeks", week, "schedules", id]) => {
                self.need(call, &SCHEDULE_VIEW).and_then(|()| self.one_schedule(call, unit, week, id))
            }
            // Which permission the platform asks for is UNCERTAIN.
            (Delete, ["businessunits", unit, "weeks", week, "schedules", id]) => {
                self.need(call, &["wfm:schedule:edit"]).and_then(|()| self.delete_schedule(unit, week, id))
            }
            (Post, ["businessunits", unit, "weeks", week, "schedules", id, "agentschedules", "query"]) => {
                self.need(call, &SCHEDULE_VIEW).and_then(|()| self.query_shifts(call, unit, week, id))
            }
            (Post, ["businessunits", unit, "weeks", week, "schedules", id, "update", "uploadurl"]) => {
                self.need(call, &["wfm:schedule:edit"]).and_then(|()| self.upload_url(call, unit, week, id))
            }
            (Post, ["businessunits", unit, "weeks", week, "schedules", id, "update"]) => {
                self.need(call, &["wfm:schedule:edit"]).and_then(|()| self.update(call, unit, week, id))
            }
            _ => return None,
        })
    }

    fn route_users(&mut self, call: &Call<'_>, path: &[&str]) -> Option<Answer> {
        let view = ["telephony:otherStationAssociation:view"];
        Some(match (call.request.method, path) {
            (Get, []) => self.users(call),
            (Post, ["bulk", "export"]) => return self.route_reported(call, &["users", "bulk", "export"]),
            (Get, ["presences", _, "bulk"]) => self.presences(call),
            (Get, ["me"]) => self.me(call),
            (Get, ["stations", "me"]) => self
                .need(call, &["telephony:selfStationAssociation:view"])
                .and_then(|()| self.caller(call))
                .and_then(|i| self.user_stations(i)),
            (Get, [user]) => self.user(call, user),
            (Get, [user, "station"]) => {
                self.need(call, &view).and_then(|()| self.find_agent(user)).and_then(|i| self.user_stations(i))
            }
            (Get, [user, "routingstatus"]) => self.routing(user),
            (Get, [user, "presences", "purecloud"]) => self.presence(user),
            (Get, [user, "roles"]) => self.need(call, &["authorization:grant:view"]).and_then(|()| self.roles(user)),
            (Put, [user, "station", "associatedstation", station]) => {
                self.need(call, &ASSOCIATE).and_then(|()| self.associate(user, station))
            }
            (Delete, [user, "station", "associatedstation"]) => {
                self.need(call, &DISASSOCIATE).and_then(|()| self.disassociate_user(user))
            }
            (Put, [user, "station", "defaultstation", station]) => {
                self.need(call, &DEFAULT_STATION).and_then(|()| self.set_default_station(user, station))
            }
            _ => return None,
        })
    }

    fn route_stations(&mut self, call: &Call<'_>, path: &[&str]) -> Option<Answer> {
        Some(match (call.request.method, path) {
            (Get, []) => self.stations(call),
            (Get, [station]) => self.station(station),
            (Delete, [station, "associateduser"]) => {
                self.need(call, &DISASSOCIATE).and_then(|()| self.disassociate_station(station))
            }
            _ => return None,
        })
    }

    fn route_edges(&mut self, call: &Call<'_>, path: &[&str]) -> Option<Answer> {
        if let Err(problem) = self.need(call, &EDGES) {
            return Some(Err(problem));
        }
        Some(match (call.request.method, path) {
            (Get, []) => self.edges(call),
            (Get, ["phones"]) => self.phones(call),
            (Get, ["phones", phone]) => self.phone(phone),
            (Post, ["phones", "reboot"]) => self.reboot_many(call),
            (Post, ["phones", phone, "reboot"]) => self.reboot(phone),
            (Get, ["trunks"]) => self.trunks(call),
            (Get, ["trunks", trunk]) => self.trunk(trunk),
            (Get, ["sites"]) => self.sites(call),
            (Get, ["phonebasesettings" | "lines" | "metrics" | "expired", ..]) => return None,
            (Get, [edge]) => self.edge(edge),
            _ => return None,
        })
    }

    fn route_notifications(&mut self, call: &Call<'_>, path: &[&str]) -> Option<Answer> {
        Some(match (call.request.method, path) {
            (Post, ["channels"]) => self.open_channel(call),
            (Get, ["channels"]) => self.list_channels(call),
            (Get, ["channels", channel, "subscriptions"]) => self.subscriptions(call, channel),
            (Post, ["channels", channel, "subscriptions"]) => self.subscribe(call, channel, super::notify::Change::Add),
            (Put, ["channels", channel, "subscriptions"]) => {
                self.subscribe(call, channel, super::notify::Change::Replace)
            }
            (Delete, ["channels", channel, "subscriptions"]) => self.unsubscribe(call, channel),
            (Get, ["availabletopics"]) => self.available_topics(),
            _ => return None,
        })
    }

    fn route_authorization(&mut self, call: &Call<'_>, path: &[&str]) -> Option<Answer> {
        Some(match (call.request.method, path) {
            (Get, ["subjects", "me"]) => self.own_subject(call),
            (Get, ["subjects", subject]) => {
                self.need(call, &["authorization:grant:view"]).and_then(|()| self.subject(subject))
            }
            (Get, ["divisionspermitted", "me"]) => self.divisions(call),
            (Get, ["divisionspermitted", "paged", subject]) => self.divisions_paged(call, subject),
            _ => return None,
        })
    }

    fn route_organization(&mut self, call: &Call<'_>, path: &[&str]) -> Option<Answer> {
        Some(match (call.request.method, path) {
            (Get, ["me"]) => self.organization(),
            (Get, ["limits", "namespaces", namespace] | ["limits", "namespaces", namespace, "defaults"]) => {
                self.limits(namespace)
            }
            _ => return None,
        })
    }

    fn route_reported(&mut self, call: &Call<'_>, path: &[&str]) -> Option<Answer> {
        if !self.scenario.reported.offered {
            return None;
        }
        Some(match (call.request.method, path) {
            (Get, ["communications", "webRTC"]) => self.media_token(call),
            (Post, ["users", "bulk", "export"]) => self.reset_sessions(call),
            _ => return None,
        })
    }
}
