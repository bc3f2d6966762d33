//! What the API server trusts, and what is served.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::super::facts::Facts;
use super::{Check, Line, condition, text};
use crate::cluster::Read;
use crate::kubernetes::webhook_configuration::Entry;
use crate::tls::inspect::{self, CertificateInfo};

/// What ends sooner is warned of.
const SOON: Duration = Duration::from_hours(7 * 24);

const DAY: u64 = 24 * 3600;

/// A bundle that can be read, and the entries that have it.
struct Bundle {
    entries: Vec<String>,
    certificates: Vec<CertificateInfo>,
}

/// The distinct bundles by their text, and what is wrong with the others.
fn read(facts: &Facts) -> (Vec<Bundle>, Vec<Line>) {
    let check = Check::CaBundle;
    let mut by_text: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (_, read) in &facts.configurations {
        if let Read::Found(configuration) = read {
            for entry in Entry::read_all(configuration).filter_map(Result::ok) {
                let config = entry.client_config;
                // A URL may be trusted by the roots of the API server's own system.
                if !config.ca_bundle.is_empty() || config.url.is_none() {
                    by_text
                        .entry(config.ca_bundle)
                        .or_default()
                        .push(entry.name);
                }
            }
        }
    }
    let (mut bundles, mut lines) = (Vec::new(), Vec::new());
    for (bundle, entries) in by_text {
        let names = entries.join(", ");
        if bundle.is_empty() {
            lines.push(check.failure(
                format!("no caBundle in {names}: the API server trusts no certificate of Pillion"),
                "see why the leader does not write it (its log), or that cert-manager's injector \
                 runs; with certificates of your own, give the chart their caBundle",
            ));
            continue;
        }
        let pem = STANDARD.decode(&bundle).unwrap_or_default();
        match inspect::read(&pem) {
            Ok(certificates) => bundles.push(Bundle {
                entries,
                certificates,
            }),
            Err(error) => lines.push(check.failure(
                format!("the caBundle of {names} cannot be used: {error}"),
                "remove it, so that it is written anew, or give the PEM of the authority",
            )),
        }
    }
    (bundles, lines)
}

pub(super) fn bundles(facts: &Facts) -> Vec<Line> {
    let check = Check::CaBundle;
    let (bundles, mut lines) = read(facts);
    if bundles.len() > 1 {
        let entries: Vec<_> = bundles.iter().map(|one| one.entries.join(", ")).collect();
        lines.push(check.warning(
            format!("entries have different bundles: {}", entries.join(" | ")),
            "look again in a minute; if it stays, see the leader's log",
        ));
    }
    for bundle in &bundles {
        lines.extend(ends(bundle, facts.now));
    }
    if lines.is_empty() && !bundles.is_empty() {
        let count: usize = bundles.iter().map(|one| one.certificates.len()).sum();
        lines.push(check.ok(format!(
            "every entry has the same caBundle ({count} certificates)"
        )));
    }
    if lines.is_empty() {
        lines.push(check.warning(
            "not known: there is no entry to look at",
            "see the lines above",
        ));
    }
    lines
}

/// Whether the bundle's last authority ends.
fn ends(bundle: &Bundle, now: SystemTime) -> Option<Line> {
    let check = Check::CaBundle;
    let last = bundle.certificates.iter().max_by_key(|one| one.not_after)?;
    let names = bundle.entries.join(", ");
    let remedy = "renew the authority: see why the leader does not (its log), or cert-manager";
    match last.not_after.duration_since(now) {
        Err(_) => Some(check.failure(
            format!("every authority in the caBundle of {names} has expired"),
            remedy,
        )),
        Ok(left) if left < SOON => Some(check.warning(
            format!(
                "the last authority in the caBundle of {names} ends in {}",
                days(left)
            ),
            remedy,
        )),
        Ok(_) => None,
    }
}

fn days(left: Duration) -> String {
    match left.as_secs() / DAY {
        0 => format!("{} hours", left.as_secs() / 3600),
        days => format!("{days} days"),
    }
}

pub(super) fn served(facts: &Facts) -> Vec<Line> {
    let check = Check::Certificate;
    let chain = match &facts.served {
        Ok(chain) => chain,
        Err(why) => return vec![not_reached(facts, why)],
    };
    let Some(leaf) = chain.first() else {
        return vec![check.unknown("which certificate is served", "the chain is empty")];
    };
    let mut lines = validity(leaf, facts.now);
    let name = facts.server_name();
    // An expired certificate is told once, and the rest is judged as of when it was valid.
    let at = facts.now.clamp(leaf.not_before, leaf.not_after);
    let (bundles, _) = read(facts);
    for bundle in &bundles {
        if let Err(error) = inspect::vouches(&bundle.certificates, chain, &name, at) {
            lines.push(check.failure(
                format!(
                    "the caBundle of {} does not vouch for the certificate that is served for \
                     {name}: {error}",
                    bundle.entries.join(", ")
                ),
                "let both come from one authority: see the leader's log, cert-manager's \
                 inject-ca-from annotation, or the caBundle that the chart was given",
            ));
        }
    }
    if lines.is_empty() {
        let left = leaf.not_after.duration_since(facts.now).unwrap_or_default();
        let vouched = if bundles.is_empty() {
            ""
        } else {
            ", and the caBundle vouches for it"
        };
        lines.push(check.ok(format!(
            "the certificate that is served is valid for {}{vouched}",
            days(left)
        )));
    }
    lines
}

/// Why no certificate was seen, and how one can be.
fn not_reached(facts: &Facts, why: &str) -> Line {
    let check = Check::Certificate;
    let what = "which certificate is served";
    match &facts.names.connect {
        None => check.unknown(what, why),
        Some(address) => check.warning(
            format!("not known: {what}: {why}"),
            format!(
                "see that {address}, the address of --connect, can be reached and is the webhook's port: \
                 `kubectl port-forward -n {} service/{} PORT:443` makes one here",
                facts.names.namespace, facts.names.name
            ),
        ),
    }
}

fn validity(leaf: &CertificateInfo, now: SystemTime) -> Vec<Line> {
    let check = Check::Certificate;
    let remedy = "renew it: see the server's log, cert-manager, or whoever writes the files";
    if leaf.not_after < now {
        let message = "the certificate that is served has expired: the API server refuses it";
        return vec![check.failure(message, remedy)];
    }
    if leaf.not_before > now {
        let message = "the certificate that is served is not valid yet";
        return vec![check.failure(message, "set the clocks of nodes and authority right")];
    }
    let left = leaf.not_after.duration_since(now).unwrap_or_default();
    let whole = leaf
        .not_after
        .duration_since(leaf.not_before)
        .unwrap_or_default();
    // Short ones are renewed at two thirds of their life.
    if left < SOON.min(whole / 4) {
        let message = format!("the certificate that is served ends in {}", days(left));
        return vec![check.warning(message, remedy)];
    }
    Vec::new()
}

pub(super) fn cert_manager(facts: &Facts) -> Vec<Line> {
    let check = Check::CertManager;
    let certificates = match &facts.certificates {
        Read::Found(listed) => &listed.items,
        Read::Missing => return vec![check.ok("cert-manager is not installed, and not used")],
        Read::Unknown(why) => return vec![check.unknown("cert-manager's Certificates", why)],
    };
    if certificates.is_empty() {
        return vec![check.ok("cert-manager has no Certificate here: it is not used")];
    }
    certificates.iter().map(certificate).collect()
}

fn certificate(certificate: &Value) -> Line {
    let check = Check::CertManager;
    let name = text(certificate, "/metadata/name");
    match condition(certificate, "Ready") {
        Some(ready) if ready["status"] == "True" => {
            check.ok(format!("the Certificate `{name}` is ready"))
        }
        ready => {
            let why = ready.map_or("it has no condition Ready", |one| text(one, "/message"));
            let remedy = format!("cmctl status certificate {name} says what it waits for");
            check.failure(
                format!("the Certificate `{name}` is not ready: {why}"),
                remedy,
            )
        }
    }
}
