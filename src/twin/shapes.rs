//! The shapes that are read in bulk, typed: a page of users, stations or phones is written straight into its text.
//!
//! Must never: decide what an agent's state is; that is for the callers.

use serde::Serialize;

/// One page of a list (API.md section 3, paging style a).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Listing<T> {
    pub entities: Vec<T>,
    pub page_size: usize,
    pub page_number: usize,
    pub total: usize,
    pub page_count: usize,
    pub first_uri: String,
    pub last_uri: String,
    pub self_uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all_divs_permitted: Option<bool>,
}

/// A thing by its id, with whatever else is said of it.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reference {
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub self_uri: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct User<'a> {
    pub id: &'a str,
    pub name: String,
    pub division: Reference,
    pub chat: Chat,
    pub email: String,
    pub username: String,
    pub state: &'static str,
    pub version: u32,
    pub acd_auto_answer: bool,
    pub self_uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence: Option<Presence<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routing_status: Option<Routing<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_summary: Option<Conversations<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub station: Option<Stations<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization: Option<Authorization>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_token_issued: Option<Issued>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Chat {
    pub jabber_id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Issued {
    pub date_issued: String,
}

/// A user's presence; in the bulk read it carries the user's id, elsewhere whether it is the primary one.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Presence<'a> {
    pub id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<&'a str>,
    pub source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary: Option<bool>,
    pub presence_definition: Definition,
    pub message: &'static str,
    pub modified_date: String,
    pub self_uri: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Definition {
    pub id: String,
    pub system_presence: &'static str,
    pub self_uri: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Routing<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<&'a str>,
    pub status: &'static str,
    pub start_time: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Conversations<'a> {
    pub user_id: &'a str,
    pub call: Calls,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Calls {
    pub contact_center: Active,
    pub enterprise: Active,
}

#[derive(Debug, Serialize)]
pub(super) struct Active {
    pub active: u32,
    pub acw: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Authorization {
    pub roles: Vec<Reference>,
    pub unused_roles: Vec<Reference>,
    pub permissions: &'static [&'static str],
    pub permission_policies: Vec<Reference>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stations<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub associated_station: Option<UserStation<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_station: Option<UserStation<'a>>,
    pub default_station: UserStation<'a>,
    pub last_associated_station: UserStation<'a>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserStation<'a> {
    pub id: String,
    pub name: String,
    #[serde(rename = "type")]
    pub kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub associated_user: Option<IdOnly<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub associated_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_rtc_call_appearances: Option<u32>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct IdOnly<'a> {
    pub id: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Station<'a> {
    pub id: String,
    pub name: String,
    pub status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<&'a str>,
    pub web_rtc_user_id: &'a str,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub line_appearance_id: String,
    pub web_rtc_persistent_enabled: bool,
    pub web_rtc_force_turn: bool,
    pub web_rtc_call_appearances: u32,
    pub self_uri: String,
}

/// A phone; `lines` and the other properties that the SDK requires are always there.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Phone {
    pub id: String,
    pub name: String,
    pub version: u32,
    pub state: &'static str,
    pub date_created: String,
    pub site: Reference,
    pub phone_base_settings: Reference,
    pub lines: [Reference; 1],
    pub capabilities: Capabilities,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<PhoneStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_rtc_user: Option<Reference>,
    pub self_uri: String,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Capabilities {
    pub provisions: bool,
    pub registers: bool,
    pub dual_registers: bool,
    pub allow_reboot: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PhoneStatus {
    pub id: String,
    pub operational_status: &'static str,
    pub edges_status: &'static str,
    pub event_creation_time: String,
    pub phone_assignment_to_edge_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_statuses: Option<[LineStatus; 1]>,
}

#[derive(Debug, Serialize)]
pub(super) struct LineStatus {
    pub id: String,
    pub reachable: bool,
}
