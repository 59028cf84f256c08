//! The commands about agents, as a person types them: list, forget, rotate-key, and what `doctor` says; with the vault in a
//! file and in the journal's database.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;
use softlanding::hands::vault::{Taken, Vault};
use softlanding::twin::Scenario;
use softlanding::words::secret::Secret;

use super::REPEAT;
use crate::support::org::Org;
use crate::support::postgres::Database;
use crate::support::process::{folder, patiently, softlanding_ends, softlanding_says, texts};

const SCENARIO: &str = "story = \"vault: four agents, and nothing breaks\"\n[[cohorts]]\nname = \"evening\"\nagents = 4\n\
     shift_start_min = 30\nlogin_min = [-200, -120]\n";

/// A folder that is configured for an org whose four agents are enrolled.
struct Desk {
    folder: PathBuf,
    org: Org,
    database: Option<Database>,
}

impl Desk {
    async fn open(name: &str, database: Option<Database>) -> Desk {
        let scenario = Scenario::from_toml(SCENARIO).unwrap_or_else(|e| panic!("{e}"));
        let desk = Desk { folder: folder(name), org: Org::serve(scenario, -60, 1.0).await, database };
        softlanding_says(&desk.folder, &["init", "--twin", &desk.org.url]).await;
        if let Some(database) = &desk.database {
            desk.edit(|config| format!("store = \"{}\"\n{config}", database.url()));
        }
        let said = desk.says(&["import", "enrolments.jsonl"]).await;
        assert_eq!(said.trim(), "4 agents enrolled: 4 new, 0 with a newer token", "{REPEAT}");
        desk
    }
    fn edit(&self, change: impl FnOnce(String) -> String) {
        let file = self.folder.join("softlanding.toml");
        let text = std::fs::read_to_string(&file).expect("the configuration");
        std::fs::write(&file, change(text)).expect("a file");
    }
    async fn says(&self, arguments: &[&str]) -> String {
        softlanding_says(&self.folder, &[&["agents"], arguments].concat()).await
    }
    /// The command's code and complaint.
    async fn refused(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = softlanding_ends(&self.folder, &[&["agents"], arguments].concat()).await;
        let (_, complaint) = texts(&output);
        assert!(!complaint.contains("panicked"), "{complaint}");
        (output.status.code(), complaint)
    }
    async fn listed(&self) -> Value {
        serde_json::from_str(&self.says(&["list", "--json"]).await).expect("JSON")
    }
    async fn vault(&self) -> Vault {
        let key = Secret::new(read(&self.folder.join("vault.key")).trim().to_owned());
        match &self.database {
            Some(database) => Vault::connect(&database.url(), None, &key).await,
            None => Vault::open(&self.folder.join("vault.db"), &key).await,
        }
        .unwrap_or_else(|e| panic!("{e}"))
    }
    async fn mark_dead(&self, name: &str) {
        let vault = self.vault().await;
        let agents = vault.agents().await.expect("agents");
        let one = agents.into_iter().find(|one| one.name == name).expect("the agent");
        let Taken::Yours(spending) = vault.take(&one.agent).await.expect("a vault") else { panic!("{REPEAT}") };
        vault.mark_dead(&spending, "the refresh token is not valid").await.expect("a vault");
    }
    async fn close(self) {
        if let Some(database) = self.database {
            database.close().await;
        }
    }
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

async fn on_both(name: &str, check: impl AsyncFn(&Desk)) {
    let desk = Desk::open(name, None).await;
    check(&desk).await;
    desk.close().await;
    let desk = Desk::open(&format!("{name}-postgres"), Some(Database::new().await)).await;
    check(&desk).await;
    assert!(!desk.folder.join("vault.db").exists(), "the vault is in the database; {REPEAT}");
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_are_listed_and_forgotten_and_no_token_is_shown() {
    patiently(on_both("vault-commands", async |desk| {
        let enrolments = desk.org.enrolments();
        let names: Vec<&str> = enrolments.iter().map(|(_, name, _)| name.as_str()).collect();
        desk.mark_dead(names[2]).await;
        let listed = desk.listed().await;
        assert_eq!((&listed["enrolled"], &listed["must_sign_in"]), (&4.into(), &1.into()), "{listed}");
        let table = desk.says(&["list"]).await;
        assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
        let second = table.lines().nth(1).expect("a line");
        assert!(second.starts_with(names[2]), "who must sign in again comes first: {table}");
        assert!(table.contains("must sign in again: the refresh token is not valid"), "{table}");
        for (_, _, token) in &enrolments {
            assert!(!table.contains(token.expose()) && !listed.to_string().contains(token.expose()), "{REPEAT}");
        }

        // One who cannot be found: nobody is forgotten.
        let (code, complaint) = desk.refused(&["forget", names[0], "nobody@example.com"]).await;
        assert_eq!(code, Some(2), "{complaint}");
        assert!(complaint.contains("nobody@example.com is not enrolled"), "{complaint}");
        assert_eq!(desk.listed().await["enrolled"], 4, "{REPEAT}");

        let id = enrolments[1].0.as_str();
        let said = desk.says(&["forget", &names[0].to_uppercase(), id]).await;
        assert!(
            said.contains(&format!("forgotten: {} ({id})", names[1])) && said.contains("2 agents forgotten"),
            "{said}"
        );
        assert!(desk.says(&["forget", "--all-dead"]).await.contains(names[2]), "{REPEAT}");
        assert!(desk.says(&["forget", "--all-dead"]).await.starts_with("nobody had to be"), "{REPEAT}");
        let listed = desk.listed().await;
        assert_eq!(listed["enrolled"], 1, "{listed}");
        assert_eq!(listed["agents"][0]["name"], names[3], "{listed}");
        assert_eq!(desk.refused(&["forget"]).await.0, Some(2), "{REPEAT}");
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_is_forgotten_by_e_mail_address() {
    patiently(on_both("vault-email", async |desk| {
        let token = desk.org.token().await;
        let people = desk.org.call(&token, "GET", "/api/v2/users?pageSize=100&pageNumber=1", None).await.body;
        let enrolled = desk.org.enrolments();
        let people = people["entities"].as_array().expect("people");
        let one = people.iter().find(|one| one["id"] == enrolled[0].0.as_str()).expect("the agent");
        let email = one["email"].as_str().expect("an address");
        let said = desk.says(&["forget", email]).await;
        assert!(said.contains(enrolled[0].0.as_str()) && said.contains("1 agent forgotten"), "{said}");
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_vault_is_sealed_with_another_key_and_the_command_may_be_repeated() {
    patiently(on_both("vault-rekey", async |desk| {
        let (code, complaint) = desk.refused(&["rotate-key"]).await;
        assert_eq!(code, Some(3), "{complaint}");
        assert!(complaint.contains("no old_key"), "{complaint}");
        std::fs::rename(desk.folder.join("vault.key"), desk.folder.join("old.key")).expect("a key");
        let new = desk.says(&["new-key"]).await;
        let file = desk.folder.join("vault.key");
        std::fs::write(&file, new.trim()).expect("a file");
        desk.edit(|config| {
            config.replace(
                "key = { file = \"vault.key\" }",
                "key = { file = \"vault.key\" }\nold_key = { file = \"old.key\" }",
            )
        });
        // A key that others can read is refused before anything is done with it.
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("rights");
        let (code, complaint) = desk.refused(&["rotate-key"]).await;
        assert!(code == Some(6) && complaint.contains("chmod 600"), "{complaint}");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("rights");

        let (code, complaint) = desk.refused(&["list"]).await;
        assert!(code == Some(3) && complaint.contains("rotate-key"), "{complaint}");
        let said = desk.says(&["rotate-key"]).await;
        assert!(said.contains("the tokens of 4 agents are sealed with the new key"), "{said}");
        assert!(desk.says(&["rotate-key"]).await.contains("already"), "{REPEAT}");
        desk.edit(|config| config.replace("\nold_key = { file = \"old.key\" }", ""));
        assert_eq!(desk.listed().await["enrolled"], 4, "{REPEAT}");
        let vault = desk.vault().await;
        for (agent, _, token) in desk.org.enrolments() {
            let kept = vault.get(&agent).await.expect("a vault").expect("a grant");
            assert_eq!(kept.refresh_token, token, "{REPEAT}");
        }
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_says_where_the_vault_is_and_who_must_sign_in_again() {
    patiently(on_both("vault-doctor", async |desk| {
        let name = desk.org.enrolments()[0].1.clone();
        desk.mark_dead(&name).await;
        let output = softlanding_ends(&desk.folder, &["doctor", "--offline", "--json"]).await;
        let told: Value = serde_json::from_str(&texts(&output).0).expect("JSON");
        let checks = told["checks"].as_array().expect("checks");
        let vault = checks.iter().find(|check| check["name"] == "vault").expect("a line");
        let words = vault["words"].as_str().expect("words");
        let place = if desk.database.is_some() { "PostgreSQL" } else { "vault.db" };
        assert!(words.contains(place) && words.contains("1 of them must sign in again"), "{vault}");
        if desk.database.is_some() {
            // A file from before the journal moved: nobody is enrolled any more, and that is said.
            let all: Vec<String> = desk.org.enrolments().into_iter().map(|(agent, ..)| agent.to_string()).collect();
            desk.says(&[&["forget"], all.iter().map(String::as_str).collect::<Vec<_>>().as_slice()].concat()).await;
            std::fs::write(desk.folder.join("vault.db"), "").expect("a file");
            let output = softlanding_ends(&desk.folder, &["doctor", "--offline"]).await;
            let said = texts(&output).0.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(said.contains("vault.db are not in use"), "{said}");
            std::fs::remove_file(desk.folder.join("vault.db")).expect("a file");
        }
    }))
    .await;
}
