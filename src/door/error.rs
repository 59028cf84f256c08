//! How softlanding fails: a code for scripts, a sentence for people, a hint, and the chain of causes, printed once.
//!
//! Must never: print a control character that came from outside, or end with a code that is not in the table.

use std::fmt;
use std::process::Termination;

use crate::door::config::{ConfigErrors, SecretError};
use crate::hands::StoreError;
use crate::hands::access::AccessError;
use crate::hands::journal::JournalError;
use crate::hands::vault::VaultError;
use crate::words::calendar::WhenError;

/// How softlanding ends, for scripts.
///
/// | code | meaning |
/// | ---: | --- |
/// | 0 | done |
/// | 1 | our bug: please report it |
/// | 2 | the command line is wrong |
/// | 3 | the configuration is wrong |
/// | 4 | refused for safety: a veto, a schedule that has changed or is published already, an instant in the past; nothing was published |
/// | 5 | in doubt: it cannot be told whether the publish took effect; a person must look |
/// | 6 | something is missing that is yours to provide: a host that answers, valid credentials, a permission, a readable file |
/// | 7 | stragglers: some softphone cannot take calls (`check`; of a run only with `--strict`, otherwise 0) |
/// | 8 | a person is needed: an approval is missing, or somebody or the schedule's drift holds the publish |
/// | 75 | not yet: the instant has not come, or another process is at it; call again |
/// | 130 | interrupted |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExitCode {
    /// 0: it is done.
    Done,
    /// 1: a fault in softlanding.
    Bug,
    /// 2: the command line is wrong.
    Usage,
    /// 3: the configuration is wrong.
    Config,
    /// 4: refused for safety; nothing was published.
    Refused,
    /// 5: in doubt; a person must look.
    InDoubt,
    /// 6: yours to fix: reachability, credentials, permissions, files.
    Access,
    /// 7: some softphone cannot take calls; of a run only when `--strict` was asked for.
    Stragglers,
    /// 8: a person is needed before it can go on.
    NeedsPerson,
    /// 75: not yet; call again (`EX_TEMPFAIL` of sysexits.h).
    NotYet,
    /// 130: interrupted, as shells report it (128 and signal 2).
    Interrupted,
}

impl ExitCode {
    /// Every code, in order.
    pub const ALL: [ExitCode; 11] = [
        ExitCode::Done,
        ExitCode::Bug,
        ExitCode::Usage,
        ExitCode::Config,
        ExitCode::Refused,
        ExitCode::InDoubt,
        ExitCode::Access,
        ExitCode::Stragglers,
        ExitCode::NeedsPerson,
        ExitCode::NotYet,
        ExitCode::Interrupted,
    ];

    /// The number that the shell sees.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            ExitCode::Done => 0,
            ExitCode::Bug => 1,
            ExitCode::Usage => 2,
            ExitCode::Config => 3,
            ExitCode::Refused => 4,
            ExitCode::InDoubt => 5,
            ExitCode::Access => 6,
            ExitCode::Stragglers => 7,
            ExitCode::NeedsPerson => 8,
            ExitCode::NotYet => 75,
            ExitCode::Interrupted => 130,
        }
    }
    /// What it means, for the help text.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            ExitCode::Done => "done",
            ExitCode::Bug => "our bug: please report it",
            ExitCode::Usage => "the command line is wrong",
            ExitCode::Config => "the configuration is wrong",
            ExitCode::Refused => "refused for safety; nothing was published",
            ExitCode::InDoubt => "in doubt whether the publish took effect: a person must look",
            ExitCode::Access => "a host, credentials, a permission or a file is missing that is yours to provide",
            ExitCode::Stragglers => {
                "stragglers: some softphone cannot take calls (`check`; of a run only with --strict)"
            }
            ExitCode::NeedsPerson => "a person is needed: an approval is missing, or the publish is held",
            ExitCode::NotYet => "not yet: call again at the instant that is told",
            ExitCode::Interrupted => "interrupted",
        }
    }
    /// The table of all codes, one a line, for `--help`.
    #[must_use]
    pub fn table() -> String {
        ExitCode::ALL.map(|code| format!("  {:>3}  {}", code.number(), code.meaning())).join("\n")
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        std::process::ExitCode::from(code.number())
    }
}

impl Termination for ExitCode {
    fn report(self) -> std::process::ExitCode {
        self.into()
    }
}

/// Why softlanding stopped, ready to be shown.
#[derive(Debug)]
pub struct Failure {
    /// How it ends.
    pub code: ExitCode,
    /// What went wrong: one sentence, in lower case, without its cause.
    pub message: String,
    /// Its parts, when there are several: each error of a file.
    pub details: Vec<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// What caused it.
    pub source: Option<anyhow::Error>,
}

impl Failure {
    /// A failure without a hint or a cause.
    #[must_use]
    pub fn new(code: ExitCode, message: impl Into<String>) -> Failure {
        Failure { code, message: message.into(), details: Vec::new(), hint: None, source: None }
    }
    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }
    /// The same with its cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<anyhow::Error>) -> Failure {
        self.source = Some(source.into());
        self
    }
    /// What is printed at the door: `error: …`, its parts, `  because: …` for each cause, `  hint: …`.
    #[must_use]
    pub fn render(&self) -> String {
        let mut lines = vec![format!("error: {}", printable(&self.message))];
        lines.extend(self.details.iter().map(|detail| format!("  {}", printable(detail))));
        let mut before = self.message.clone();
        for cause in self.source.iter().flat_map(|source| source.chain()) {
            let cause = cause.to_string();
            // Some libraries repeat their cause in their own text; once is enough.
            if !before.contains(&cause) {
                lines.push(format!("  because: {}", printable(&cause)));
            }
            before = cause;
        }
        lines.extend(self.hint.iter().map(|hint| format!("  hint: {}", printable(hint))));
        lines.join("\n")
    }
}

/// Messages quote servers and files; neither may steer the terminal. Lines after the first are set off.
fn printable(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let plain: String = text.chars().filter(|&c| c == '\n' || !(c.is_control() || turns(c))).collect();
    plain.trim_end().replace('\n', "\n    ")
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|e| e as &(dyn std::error::Error + 'static))
    }
}

impl From<ConfigErrors> for Failure {
    fn from(e: ConfigErrors) -> Self {
        let mut failure = Failure::new(ExitCode::Config, e.to_string());
        failure.details = e.errors.iter().map(|error| error.line_for(&e.file)).collect();
        failure.hint = e.hint().map(str::to_owned);
        failure
    }
}

impl From<SecretError> for Failure {
    fn from(e: SecretError) -> Self {
        Failure { hint: e.hint.clone(), ..Failure::new(ExitCode::Access, e.to_string()) }
    }
}

impl From<WhenError> for Failure {
    fn from(e: WhenError) -> Self {
        let code = match e {
            WhenError::Past { .. } => ExitCode::Refused,
            WhenError::Unreadable { .. }
            | WhenError::UnknownZone { .. }
            | WhenError::Skipped { .. }
            | WhenError::Twice { .. } => ExitCode::Usage,
        };
        Failure { hint: e.hint(), ..Failure::new(code, e.to_string()) }
    }
}

impl From<StoreError> for Failure {
    fn from(e: StoreError) -> Self {
        let code = match &e {
            StoreError::NotADatabase { .. } | StoreError::NotOurs { .. } | StoreError::BadAddress { .. } => {
                ExitCode::Config
            }
            StoreError::Missing { .. }
            | StoreError::Newer { .. }
            | StoreError::ReadOnly { .. }
            | StoreError::Replaced { .. }
            | StoreError::Exposed { .. }
            | StoreError::Damaged { .. }
            | StoreError::Unreachable { .. }
            | StoreError::Lost { .. }
            | StoreError::Busy { .. }
            | StoreError::Sql { .. } => ExitCode::Access,
        };
        with_cause(code, e.to_string(), Some(e.hint()), e)
    }
}

impl From<JournalError> for Failure {
    fn from(e: JournalError) -> Self {
        let code = match &e {
            // Another process is at it; how far it has come says nothing of refusal.
            JournalError::Conflict { .. } | JournalError::LeaseLost { .. } | JournalError::ClaimTaken { .. } => {
                ExitCode::NotYet
            }
            JournalError::Exists { .. } | JournalError::Led { .. } => ExitCode::Refused,
            JournalError::NotFound { .. } => ExitCode::Usage,
            JournalError::Newer { .. } | JournalError::Corrupt { .. } | JournalError::BadOrder { .. } => {
                ExitCode::Access
            }
            JournalError::Unwritable { .. } => ExitCode::Bug,
            JournalError::Store(_) => ExitCode::Access,
        };
        match e {
            JournalError::Store(store) => store.into(),
            other => with_cause(code, other.to_string(), other.hint(), other),
        }
    }
}

impl From<AccessError> for Failure {
    fn from(e: AccessError) -> Self {
        let (hint, message) = (e.hint(), e.to_string());
        match e {
            AccessError::Store(store) => store.into(),
            AccessError::NameTaken(_) => Failure::new(ExitCode::Refused, message).hint(hint),
            AccessError::BadName(_) => Failure::new(ExitCode::Usage, message).hint(hint),
            AccessError::TooMany(_) | AccessError::NoEntropy(_) => Failure::new(ExitCode::Access, message).hint(hint),
        }
    }
}

impl From<VaultError> for Failure {
    fn from(e: VaultError) -> Self {
        let code = match &e {
            VaultError::BadKey { .. } | VaultError::WrongKey | VaultError::KeyReplaced => ExitCode::Config,
            VaultError::Held { .. } | VaultError::Out { .. } => ExitCode::NotYet,
            VaultError::BadToken { .. } => ExitCode::Usage,
            VaultError::Altered { .. } | VaultError::Damaged | VaultError::NoEntropy | VaultError::Store(_) => {
                ExitCode::Access
            }
        };
        match e {
            VaultError::Store(store) => store.into(),
            other => with_cause(code, other.to_string(), other.hint(), other),
        }
    }
}

/// Anything that no floor has given a kind is a fault of ours, unless a failure with a kind lies inside.
impl From<anyhow::Error> for Failure {
    fn from(e: anyhow::Error) -> Self {
        match e.downcast::<Failure>() {
            Ok(failure) => failure,
            Err(e) => Failure::new(ExitCode::Bug, "something went wrong that softlanding does not expect")
                .because(e)
                .hint("please report it, with the lines above"),
        }
    }
}

/// The error's own text is the message, so only what lies below it is the cause.
fn with_cause(
    code: ExitCode,
    message: String,
    hint: Option<&'static str>,
    error: impl std::error::Error + Send + Sync + 'static,
) -> Failure {
    let mut failure = Failure { hint: hint.map(str::to_owned), ..Failure::new(code, message) };
    if std::error::Error::source(&error).is_some() {
        failure.source = Some(anyhow::Error::new(error));
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_in_the_table_and_in_the_documentation_once() {
        let numbers = ExitCode::ALL.map(ExitCode::number);
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 7, 8, 75, 130]);
        let source = include_str!("error.rs");
        for code in ExitCode::ALL {
            let row = format!("/// | {} | ", code.number());
            assert_eq!(source.matches(&row).count(), 1, "{row}");
            assert!(ExitCode::table().contains(&format!("{:>3}  {}", code.number(), code.meaning())));
        }
    }

    #[test]
    fn a_failure_is_printed_with_its_causes_and_its_hint() {
        let io = std::io::Error::other("connection refused");
        let failure = Failure::new(ExitCode::Access, "the organisation cannot be reached")
            .because(anyhow::Error::new(io).context("GET https://api.example.com failed"))
            .hint("check the region");
        assert_eq!(
            failure.render(),
            "error: the organisation cannot be reached\n  because: GET https://api.example.com failed\n  \
             because: connection refused\n  hint: check the region"
        );
        assert_eq!(Failure::new(ExitCode::Usage, "no run is named").render(), "error: no run is named");
    }

    #[test]
    fn a_message_from_outside_cannot_steer_the_terminal_or_pose_as_another_line() {
        let failure = Failure::new(ExitCode::Access, "the server said: \u{1b}[2Jall is well\r\nerror: pay here");
        assert_eq!(failure.render(), "error: the server said: [2Jall is well\n    error: pay here");
    }

    #[test]
    fn a_failure_survives_a_trip_through_anyhow_and_strangers_are_bugs() {
        let inner: anyhow::Error = Failure::new(ExitCode::InDoubt, "no answer").into();
        assert_eq!(Failure::from(inner).code, ExitCode::InDoubt);
        let stranger = Failure::from(anyhow::anyhow!("index out of bounds"));
        assert_eq!(stranger.code, ExitCode::Bug);
        assert!(stranger.render().contains("because: index out of bounds"));
    }

    #[test]
    fn kinds_of_error_get_their_codes() {
        let run = crate::words::id::RunId::new("r1").unwrap();
        let conflict = JournalError::Conflict { run: run.clone(), expected_seq: 1, found_seq: 2 };
        assert_eq!(Failure::from(conflict).code, ExitCode::NotYet);
        assert_eq!(Failure::from(JournalError::NotFound { run }).code, ExitCode::Usage);
        let busy = Failure::from(JournalError::Store(StoreError::Busy { name: "journal" }));
        assert_eq!((busy.code, busy.render().lines().count()), (ExitCode::Access, 2));
        assert_eq!(Failure::from(VaultError::WrongKey).code, ExitCode::Config);
        let past = WhenError::Past { found: "x".to_owned(), description: "y".to_owned() };
        assert_eq!(Failure::from(past).code, ExitCode::Refused);
        let source = std::io::Error::from(std::io::ErrorKind::PermissionDenied).into();
        let unreachable = StoreError::Unreachable { name: "vault", place: "/x".to_owned(), hint: "look", source };
        let rendered = Failure::from(VaultError::Store(unreachable)).render();
        assert!(
            rendered.starts_with("error: the vault /x cannot be opened\n  because: permission denied\n  hint: "),
            "{rendered}"
        );
    }
}
