//! Somebody else who works on the same schedule: edits it, publishes it, deletes it, through the platform's own API.
//!
//! Must never: share a connection or a token with the program under test.

use std::io::Write;

use serde_json::{Value, json};
use softlanding::twin::{PUBLISHER_CLIENT_ID, PUBLISHER_CLIENT_SECRET};

const UNITS: &str = "/api/v2/workforcemanagement/businessunits";

/// A person with another client, and the draft that they work on.
pub struct Planner {
    http: reqwest::Client,
    url: String,
    token: String,
    schedule: String,
}

impl Planner {
    /// Logs in at the twin and finds the draft of that description.
    pub async fn at(url: &str, description: &str) -> Planner {
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let login =
            http.post(format!("{url}/oauth/token")).basic_auth(PUBLISHER_CLIENT_ID, Some(PUBLISHER_CLIENT_SECRET));
        let login = login.header("content-type", "application/x-www-form-urlencoded");
        let granted = json_of(login.body("grant_type=client_credentials")).await;
        let token = granted["access_token"].as_str().expect("a token").to_owned();
        let mut planner = Planner { http, url: url.to_owned(), token, schedule: String::new() };
        let units = planner.call("GET", UNITS, None).await;
        let unit = units["entities"][0]["id"].as_str().expect("a unit").to_owned();
        let listed = planner.call("GET", &format!("{UNITS}/{unit}/weeks/recent/schedules"), None).await;
        let mut drafts = listed["entities"].as_array().expect("schedules").iter();
        let draft = drafts.find(|s| s["description"] == description).expect("the draft");
        planner.schedule = draft["selfUri"].as_str().expect("its place").to_owned();
        planner
    }
    /// The schedule as it is.
    pub async fn look(&self) -> Value {
        self.call("GET", &self.schedule, None).await
    }
    /// Changes it: its version moves on, and it stays a draft.
    pub async fn edit(&self) {
        self.update(json!({ "description": "Approved" })).await;
    }
    /// Publishes it by hand.
    pub async fn publish(&self) {
        self.update(json!({ "published": true })).await;
    }
    /// Deletes it.
    pub async fn delete(&self) {
        self.call("DELETE", &self.schedule, None).await;
    }

    async fn update(&self, mut body: Value) {
        body["metadata"] = json!({ "version": self.look().await["metadata"]["version"] });
        let length = json!({ "contentLengthBytes": body.to_string().len() });
        let place = self.call("POST", &format!("{}/update/uploadurl", self.schedule), Some(length)).await;
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(body.to_string().as_bytes()).expect("memory");
        let mut upload = self.http.put(place["url"].as_str().expect("a url"));
        for (name, value) in place["headers"].as_object().expect("headers") {
            upload = upload.header(name, value.as_str().expect("a header's value"));
        }
        let uploaded = upload.body(packed.finish().expect("memory")).send().await.expect("the twin answers");
        assert_eq!(uploaded.status().as_u16(), 200);
        let update = json!({ "uploadKey": place["uploadKey"] });
        self.call("POST", &format!("{}/update", self.schedule), Some(update)).await;
    }
    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        let request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token);
        match body {
            Some(body) => json_of(request.header("content-type", "application/json").body(body.to_string())).await,
            None => json_of(request).await,
        }
    }
}

async fn json_of(request: reqwest::RequestBuilder) -> Value {
    let response = request.send().await.expect("the twin answers");
    let status = response.status().as_u16();
    let text = response.text().await.expect("a whole body");
    assert!((200..300).contains(&status), "{status}: {text}");
    serde_json::from_str(&text).unwrap_or_default()
}
