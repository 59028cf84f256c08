//! `[[publish]]`: what is published by itself, when, and under which conditions.
//!
//! Must never: take an expression that fires on another day than its writer means, or two entries of one name.

use chrono::NaiveDate;
use chrono_tz::Tz;
use toml::de::{DeArray, DeValue};

use super::model::{CatchUp, PublishSettings};
use super::reader::{Field, Reader, Section, shown};
use crate::law::plan::{Approval, OnDrift, Timing};
use crate::shells::stage::WeekChoice;
use crate::words::calendar::parse_zone;
use crate::words::calendar::recur::{DstPolicy, Fold, Gap, Recurrence};

pub(super) const ZONES: &str =
    "a time zone: Central, Eastern, Mountain, Pacific, UTC, or a name such as \"America/Chicago\"";
const NAME: &str = "1 to 40 lower-case letters, digits and dashes, such as \"customer-care\"";
const UNIT: &str = "a business unit by its name or id";
const CRON: &str = "a cron expression such as \"0 0 16 * * Fri\"";
const SCHEDULE: &str = "a schedule by its id, its exact description, or a rule such as \"Approved*\"";
const DATES: &str = "a list of dates such as [\"2026-12-25\"]";
const DATE: &str = "a date such as \"2026-12-25\": year, month, day";
const CATCH_UP: &str = "\"never\", or a duration such as \"10min\", from 0s to 12h";

const MIN: i64 = 60_000;
const H: i64 = 60 * MIN;
const D: i64 = 24 * H;

/// The entries, in the order of the file.
pub(super) fn publishes<'t>(
    reader: &mut Reader<'t>,
    document: &mut Section<'t>,
    default_zone: Tz,
    timing: &Timing,
) -> Vec<PublishSettings> {
    let mut entries: Vec<PublishSettings> = Vec::new();
    for mut section in reader.tables(document, "publish") {
        let named = section.take("name");
        if let Some(entry) = publish(reader, &mut section, default_zone, timing) {
            let twice = entries.iter().any(|known| known.name == entry.name);
            if let Some(field) = named.filter(|_| twice) {
                let found = format!("{}, the name of an entry above", shown(field.value));
                reader.wrong(&field, found, "a name of its own for each entry");
            }
            entries.push(entry);
        }
    }
    entries
}

/// `None` when something without a default is missing or wrong; the reader then holds the error.
fn publish<'t>(
    reader: &mut Reader<'t>,
    section: &mut Section<'t>,
    default_zone: Tz,
    timing: &Timing,
) -> Option<PublishSettings> {
    let name = reader.needed_text(section, "name", NAME).and_then(|(field, text)| name(reader, &field, text));
    let cron = reader.needed_text(section, "cron", CRON);
    let zone = zone(reader, section, "zone").unwrap_or(default_zone);
    let policy = DstPolicy {
        gap: reader.choice(section, "dst_gap", &[("next", Gap::Next), ("skip", Gap::Skip)]).unwrap_or(Gap::Next),
        fold: reader
            .choice(section, "dst_fold", &[("first", Fold::First), ("both", Fold::Both)])
            .unwrap_or(Fold::First),
    };
    let skip = dates(reader, section, "skip");
    let business_unit = reader.needed_text(section, "business_unit", UNIT);
    let week = reader.choice(section, "week", &[("next", WeekChoice::Next)]).unwrap_or(WeekChoice::Next);
    let schedule = reader.text(section, "schedule", SCHEDULE).map(|(_, text)| text.to_owned());
    let stage_before_ms = reader.duration_ms(section, "stage_before", 3 * D, 10 * MIN..=14 * D);
    let approval =
        if reader.switch(section, "require_approval", false) { Approval::Required } else { Approval::NotNeeded };
    let drift = [("hold", OnDrift::Hold), ("publish-latest", OnDrift::PublishLatest)];
    let on_drift = reader.choice(section, "on_drift", &drift).unwrap_or(OnDrift::Hold);
    let catch_up = catch_up(reader, section, timing);
    reader.finish(section);
    let recurrence = cron.and_then(|(field, text)| recurrence(reader, &field, text, zone, policy, &skip));
    let (_, business_unit) = business_unit?;
    Some(PublishSettings {
        name: name?,
        recurrence: recurrence?,
        zone,
        business_unit: business_unit.to_owned(),
        week,
        schedule,
        stage_before_ms,
        approval,
        on_drift,
        catch_up,
    })
}

pub(super) fn name(reader: &mut Reader<'_>, field: &Field<'_>, text: &str) -> Option<String> {
    let fine = (1..=40).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !fine {
        reader.wrong(field, shown(field.value), NAME);
    }
    fine.then(|| text.to_owned())
}

/// A zone by the names that people use, or by its IANA name.
pub(super) fn zone<'t>(reader: &mut Reader<'t>, section: &mut Section<'t>, key: &'static str) -> Option<Tz> {
    let (field, name) = reader.text(section, key, ZONES)?;
    let zone = parse_zone(name);
    if zone.is_none() {
        reader.wrong(&field, shown(field.value), ZONES);
    }
    zone
}

fn recurrence(
    reader: &mut Reader<'_>,
    field: &Field<'_>,
    text: &str,
    zone: Tz,
    policy: DstPolicy,
    skip: &[NaiveDate],
) -> Option<Recurrence> {
    match Recurrence::parse(text, zone, policy, skip) {
        Ok(recurrence) => Some(recurrence),
        Err(e) => {
            let found = format!("{} in the {}", e.found, e.field);
            match e.hint {
                Some(hint) => reader.wrong_hint(field, found, e.accepted, hint),
                None => reader.wrong(field, found, e.accepted),
            }
            None
        }
    }
}

/// Dates as strings or as TOML's own dates; each mistake is named where it stands.
fn dates<'t>(reader: &mut Reader<'t>, section: &mut Section<'t>, key: &'static str) -> Vec<NaiveDate> {
    let Some(field) = section.take(key) else { return Vec::new() };
    let DeValue::Array(list) = field.value else {
        reader.wrong(&field, shown(field.value), DATES);
        return Vec::new();
    };
    each(list, &field).filter_map(|item| date(reader, &item)).collect()
}

fn each<'t>(list: &'t DeArray<'t>, field: &Field<'t>) -> impl Iterator<Item = Field<'t>> {
    let name = field.name.clone();
    list.iter().map(move |item| Field { name: name.clone(), span: item.span(), value: item.get_ref() })
}

fn date(reader: &mut Reader<'_>, item: &Field<'_>) -> Option<NaiveDate> {
    let text = match item.value {
        DeValue::String(text) => text.to_string(),
        DeValue::Datetime(at) if at.time.is_none() => at.to_string(),
        DeValue::Datetime(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Array(_)
        | DeValue::Table(_) => String::new(),
    };
    // All ten characters: "26-12-25" could be two different days.
    let date = (text.len() == 10).then(|| text.parse().ok()).flatten();
    if date.is_none() {
        reader.wrong(item, shown(item.value), DATE);
    }
    date
}

fn catch_up<'t>(reader: &mut Reader<'t>, section: &mut Section<'t>, timing: &Timing) -> CatchUp {
    let usual = CatchUp::within(timing.late_by_max_ms);
    let Some(field) = section.take("catch_up") else { return usual };
    let DeValue::String(text) = field.value else {
        reader.wrong(&field, shown(field.value), CATCH_UP);
        return usual;
    };
    let ms = super::parse_duration_ms(text).filter(|ms| (0..=12 * H).contains(ms));
    match (text.as_ref(), ms) {
        ("never", _) => CatchUp::Never,
        (_, Some(ms)) => CatchUp::within(ms),
        (_, None) => {
            reader.wrong(&field, shown(field.value), CATCH_UP);
            usual
        }
    }
}
