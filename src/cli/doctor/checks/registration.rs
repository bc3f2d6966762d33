//! The webhook configurations: present, complete, and without hazards.

use serde_json::Value;

use super::super::facts::{Facts, OtherRegistration};
use super::workload::wanted;
use super::{Check, Health, Line, found};
use crate::cluster::Read;
use crate::cluster::webhook_lint::{Installation, Severity, lint, shipped_entries};
use crate::kubernetes::webhook_configuration::Entry;

const APPLY: &str = "apply the chart or the manifests again";

pub(super) fn configurations(facts: &Facts) -> Vec<Line> {
    let configurations = facts.configurations.iter();
    let own = configurations.map(|(kind, read)| match configuration(facts, kind, read) {
        Ok(line) | Err(line) => line,
    });
    own.chain(others(facts)).collect()
}

/// Configurations of other names whose entries of ours call a Service that is gone.
fn others(facts: &Facts) -> Vec<Line> {
    let check = Check::Configurations;
    let others = match &facts.others {
        Read::Found(others) => others,
        Read::Missing => return Vec::new(),
        Read::Unknown(why) => return vec![check.unknown("other webhook configurations", why)],
    };
    let gone = others.iter().filter(|other| other.found == Read::Missing);
    gone.map(|other| {
        let OtherRegistration { kind, name, .. } = other;
        let (namespace, service) = &other.service;
        let (health, follows) = if other.fails {
            (Health::Failure, "what it asks about is refused")
        } else {
            (Health::Warning, "each call of it fails, and nothing follows")
        };
        let message = format!(
            "the {kind} `{name}` has entries of Pillion for the Service `{service}` of the namespace \
             `{namespace}`, which does not exist: {follows}"
        );
        let remedy = format!(
            "where an earlier installation left it: kubectl delete {} {name}",
            kind.to_lowercase()
        );
        check.bad(health, message, remedy)
    })
    .collect()
}

fn configuration(facts: &Facts, kind: &str, read: &Read<Value>) -> Result<Line, Line> {
    let check = Check::Configurations;
    let name = &facts.names.name;
    // An older installation has fewer entries that give advice.
    let (health, without) = if kind.starts_with("Mutating") {
        let without = "the API server never calls Pillion, and pods that ask come out bare";
        (Health::Failure, without)
    } else {
        let without = "`kubectl apply` of a workload shows no warnings of Pillion's";
        (Health::Warning, without)
    };
    let configuration = found(check, kind, read, || {
        let message = format!("there is no {kind} `{name}`: {without}");
        check.bad(health, message, APPLY)
    })?;
    let entries: Vec<_> = Entry::read_all(configuration)
        .filter_map(Result::ok)
        .map(|entry| entry.name)
        .collect();
    let missing: Vec<_> = shipped_entries(configuration)
        .into_iter()
        .filter(|name| !entries.iter().any(|entry| entry == name))
        .collect();
    if missing.is_empty() {
        return Ok(check.ok(format!("the {kind} has its {} entries", entries.len())));
    }
    let message = format!("the {kind} lacks the entries {}", missing.join(", "));
    Err(check.bad(health, message, APPLY))
}

pub(super) fn hazards_of(facts: &Facts) -> Vec<Line> {
    let check = Check::Hazards;
    let installation = Installation {
        namespace: facts.names.namespace.clone(),
        service: facts.names.name.clone(),
        replicas: match &facts.deployment {
            Read::Found(deployment) => u32::try_from(wanted(deployment)).ok(),
            _ => None,
        },
    };
    let mut lines = Vec::new();
    let mut known = 0;
    for (_, read) in &facts.configurations {
        let Read::Found(configuration) = read else {
            continue;
        };
        known += 1;
        for hazard in lint(configuration, &installation) {
            let message = format!("{}: {}", hazard.entry, hazard.what);
            let health = match hazard.severity {
                Severity::Deadlock => Health::Failure,
                Severity::Mistake => Health::Warning,
                Severity::Tolerated => Health::Ok,
            };
            lines.push(check.bad(health, message, hazard.remedy));
        }
    }
    if known == 0 {
        return vec![check.warning(
            "not known: there is no configuration to look at",
            "see the lines above",
        )];
    }
    if lines.iter().all(|line| line.status == Health::Ok) {
        let message = "no entry could deadlock the cluster";
        lines.insert(0, check.ok(message));
    }
    lines
}
