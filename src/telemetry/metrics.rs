//! The metrics. The registry is a value, so that tests can have as many as they like.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::inject::{Decision, Endpoint, Reason};
use crate::template::TemplateCounts;

/// Labels with names known at compile time.
type Labels<const N: usize> = [(&'static str, Cow<'static, str>); N];

type Counters<const N: usize> = Family<Labels<N>, Counter>;

type Gauges<const N: usize> = Family<Labels<N>, Gauge>;

/// A time in Unix seconds.
type Time = Gauge<f64, AtomicU64>;

/// Bounds of the latency histogram in seconds, from 10 µs (the work of one review is some tens of
/// microseconds) to 1 s (the API server's smallest `timeoutSeconds`).
const DURATIONS: [f64; 16] = [
    0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025,
    0.05, 0.1, 0.25, 0.5, 1.0,
];

/// The template label of outcomes of templates that are not served: names from annotations must
/// not become label values.
const OTHER: &str = "other";

/// Declares the metrics: each is a field, and is registered by its name with what it tells.
macro_rules! metrics {
    ($($field:ident: $type:ty = $new:expr, $name:literal, $help:literal;)*) => {
        /// Every metric of the server, with the registry that prints them.
        #[derive(Debug)]
        pub struct Metrics {
            registry: Registry,
            own_reasons: [Vec<OnceLock<Counter>>; 2],
            $($field: $type,)*
        }

        impl Metrics {
            /// Metrics with nothing counted yet but the log lines that were lost.
            pub(crate) fn new(log_lines_lost: Counter) -> Self {
                let mut registry = Registry::default();
                $(
                    let $field: $type = $new;
                    registry.register($name, $help, $field.clone());
                )*
                register_process(&mut registry, log_lines_lost);
                Self {
                    registry,
                    own_reasons: [(), ()]
                        .map(|()| Reason::OWN.iter().map(|_| OnceLock::new()).collect()),
                    $($field,)*
                }
            }
        }
    };
}

metrics! {
    reviews: Counters<3> = Family::default(),
        "pillion_reviews",
        "Reviews answered, by endpoint and by the pod's verdict and reason";
    outcomes: Counters<4> = Family::default(),
        "pillion_template_outcomes",
        "How selected templates ended on pods; templates that are not served count as other";
    findings: Counters<4> = Family::default(),
        "pillion_findings",
        "Pods in which something was found, by template, code and the policy that was followed";
    duration: Family<Labels<1>, Histogram, fn() -> Histogram> = Family::new_with_constructor(|| Histogram::new(DURATIONS)),
        "pillion_review_duration_seconds",
        "Time from a review's bytes to the bytes of its answer";
    recalled: Counter = Counter::default(),
        "pillion_decisions_recalled",
        "Reviews that were answered as an earlier one of a pod like this";
    rejections: Counters<1> = Family::default(),
        "pillion_http_rejections",
        "Requests to the webhook port that were not answered with a review, by HTTP status";
    refused_connections: Counter = Counter::default(),
        "pillion_connections_refused",
        "Connections closed at once because too many were open, in all or silent ones of one peer";
    templates: Gauges<1> = Family::default(),
        "pillion_templates",
        "Templates by what is served of them: served, the newest revision; stale, the last good one; broken, none, as none compiles";
    template_errors: Counter = Counter::default(),
        "pillion_template_reload_errors",
        "Errors met when templates of files were loaded";
    watch_up: Gauges<1> = Family::default(),
        "pillion_watch_up",
        "Whether the watch of a resource works: 1, or 0 while the cache is stale";
    watch_errors: Counters<1> = Family::default(),
        "pillion_watch_errors",
        "Failed attempts to watch a resource of the cluster";
    certificate_expiry: Time = Time::default(),
        "pillion_certificate_expiry_timestamp_seconds",
        "When the serving certificate ends, in Unix time";
    certificate_errors: Counter = Counter::default(),
        "pillion_certificate_reload_errors",
        "Certificates that were not taken because they are unusable";
    events: Counters<1> = Family::default(),
        "pillion_events",
        "Verdicts that were to become events, by what became of them";
    certificate_renewals: Counter = Counter::default(),
        "pillion_certificate_renewals",
        "Serving certificates signed by the own authority";
    authority_expiry: Family<Labels<1>, Time> = Family::default(),
        "pillion_authority_expiry_timestamp_seconds",
        "When the own authority ends, and the next one, in Unix time";
    bundle_writes: Counter = Counter::default(),
        "pillion_ca_bundle_writes",
        "Webhook configurations whose caBundle was written by this replica";
    bundle_errors: Counter = Counter::default(),
        "pillion_ca_bundle_errors",
        "Failures to read or write webhook configurations, or what caBundle is to hold";
    webhook_entries: Gauges<1> = Family::default(),
        "pillion_webhook_entries",
        "Entries of the webhook configurations by their caBundle, as the replica that leads last saw them: current, stale, or withheld because the entry could stop the cluster";
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new(Counter::default())
    }
}

fn register_process(registry: &mut Registry, log_lines_lost: Counter) {
    let start = Time::default();
    start.set(unix_seconds(SystemTime::now()));
    registry.register(
        "process_start_time_seconds",
        "When the process started, in Unix time",
        start,
    );
    registry.register(
        "pillion_log_lines_lost",
        "Log lines lost because standard error was not read fast enough, closed or full",
        log_lines_lost,
    );
    registry.register(
        "pillion_build",
        "The program's version",
        Info::new([("version", env!("CARGO_PKG_VERSION"))]),
    );
}

impl Metrics {
    /// An endpoint answered a review. `is_served` tells which template names may become labels.
    pub fn reviewed(
        &self,
        endpoint_of: Endpoint,
        decision: &Decision,
        duration: Duration,
        is_served: impl Fn(&str) -> bool,
    ) {
        let endpoint = || ("endpoint", Cow::from(endpoint_of.as_str()));
        let known = |name| if is_served(name) { name } else { OTHER };
        self.review_counter(endpoint_of, decision.reason).inc();
        for outcome in &decision.outcomes {
            self.outcomes
                .get_or_create(&[
                    endpoint(),
                    ("template", known(&outcome.template).to_owned().into()),
                    ("verdict", outcome.reason.verdict().as_str().into()),
                    ("reason", outcome.reason.code().into()),
                ])
                .inc();
        }
        // Each once for a pod, however often it was found there.
        let judged = decision.judged().into_iter();
        let found: BTreeSet<_> = judged
            .map(|judged| {
                let template = judged.finding.template.as_deref().map_or("", known);
                (template, judged.finding.code, judged.policy)
            })
            .collect();
        for (template, code, policy) in found {
            self.findings
                .get_or_create(&[
                    endpoint(),
                    ("template", template.to_owned().into()),
                    ("code", code.as_str().into()),
                    ("policy", policy.as_str().into()),
                ])
                .inc();
        }
        self.duration
            .get_or_create(&[endpoint()])
            .observe(duration.as_secs_f64());
    }

    /// The counter of reviews with this end. It is looked up by its labels once only, as every review
    /// counts.
    fn review_counter(&self, endpoint: Endpoint, reason: Reason) -> Cow<'_, Counter> {
        let look_up = || {
            let labels = [
                ("endpoint", endpoint.as_str().into()),
                ("verdict", reason.verdict().as_str().into()),
                ("reason", reason.code().into()),
            ];
            self.reviews.get_or_create(&labels).clone()
        };
        let place = Reason::OWN.iter().position(|own| *own == reason);
        let counters = match endpoint {
            Endpoint::Mutate => self.own_reasons.first(),
            Endpoint::Advise => self.own_reasons.last(),
        };
        match counters.zip(place).and_then(|(all, place)| all.get(place)) {
            Some(counter) => Cow::Borrowed(counter.get_or_init(look_up)),
            None => Cow::Owned(look_up()),
        }
    }

    /// A review was answered as an earlier one.
    pub(crate) fn recalled(&self) {
        self.recalled.inc();
    }

    /// A request was answered with this HTTP status instead of a review.
    pub fn rejected(&self, status: u16) {
        self.rejections
            .get_or_create(&[("code", status.to_string().into())])
            .inc();
    }

    /// A connection was closed at once, as there are too many.
    pub(crate) fn refused_connection(&self) {
        self.refused_connections.inc();
    }

    /// How many templates there are, by what is served of them.
    pub fn templates(&self, counts: TemplateCounts) {
        let states = [
            ("served", counts.served),
            ("stale", counts.stale),
            ("broken", counts.broken),
        ];
        set_states(&self.templates, states);
    }

    /// So many errors were met in loading templates.
    pub(crate) fn template_errors(&self, count: usize) {
        self.template_errors.inc_by(count as u64);
    }

    /// Whether changes of a resource of the cluster arrive.
    pub fn watch_up(&self, resource: &'static str, up: bool) {
        self.watch_up
            .get_or_create(&[("resource", resource.into())])
            .set(i64::from(up));
    }

    /// A watch on a resource of the cluster failed.
    pub fn watch_error(&self, resource: &'static str) {
        self.watch_errors
            .get_or_create(&[("resource", resource.into())])
            .inc();
    }

    /// When the serving certificate ends.
    pub(crate) fn certificate_expires(&self, at: SystemTime) {
        self.certificate_expiry.set(unix_seconds(at));
    }

    /// A certificate was not taken.
    pub(crate) fn certificate_error(&self) {
        self.certificate_errors.inc();
    }

    /// A certificate was signed by the own authority.
    pub(crate) fn certificate_renewed(&self) {
        self.certificate_renewals.inc();
    }

    /// When the own authority ends, and the next one.
    pub fn authority_expires(&self, current: Option<SystemTime>, next: Option<SystemTime>) {
        for (role, at) in [("current", current), ("next", next)] {
            let label = [("authority", role.into())];
            match at {
                Some(at) => {
                    self.authority_expiry
                        .get_or_create(&label)
                        .set(unix_seconds(at));
                }
                None => {
                    self.authority_expiry.remove(&label);
                }
            }
        }
    }

    /// So many webhook configurations got their `caBundle`.
    pub(crate) fn ca_bundle_writes(&self, count: usize) {
        self.bundle_writes.inc_by(count as u64);
    }

    /// `caBundle` could not be looked at or written.
    pub(crate) fn ca_bundle_error(&self) {
        self.bundle_errors.inc();
    }

    /// The states of the entries of the webhook configurations.
    pub fn webhook_entries(&self, current: usize, stale: usize, withheld: usize) {
        let states = [
            ("current", current),
            ("stale", stale),
            ("withheld", withheld),
        ];
        set_states(&self.webhook_entries, states);
    }

    /// This became of a verdict that was to be an event.
    pub fn event(&self, result: &'static str) {
        self.events
            .get_or_create(&[("result", result.into())])
            .inc();
    }

    /// All metrics in `OpenMetrics` text.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

fn set_states<const N: usize>(gauges: &Gauges<1>, states: [(&'static str, usize); N]) {
    for (state, count) in states {
        gauges
            .get_or_create(&[("state", state.into())])
            .set(i64::try_from(count).unwrap_or(i64::MAX));
    }
}

fn unix_seconds(at: SystemTime) -> f64 {
    at.duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inject::TemplateOutcome;

    #[test]
    fn everything_is_printed_under_its_name() {
        let metrics = Metrics::default();
        let mut decision = Decision::plain(Reason::Applied, "");
        for template in ["log-shipper", "made-up"] {
            decision.outcomes.push(TemplateOutcome {
                template: template.to_owned(),
                revision: String::new(),
                reason: Reason::Applied,
                message: String::new(),
                logged: String::new(),
                findings: Vec::new(),
            });
        }
        for endpoint in [Endpoint::Mutate, Endpoint::Advise] {
            metrics.reviewed(endpoint, &decision, Duration::from_micros(20), |name| {
                name == "log-shipper"
            });
        }
        metrics.recalled();
        metrics.rejected(415);
        metrics.refused_connection();
        metrics.templates(TemplateCounts {
            served: 3,
            stale: 1,
            broken: 2,
        });
        metrics.template_errors(2);
        metrics.watch_up("namespaces", true);
        metrics.watch_error("limitranges");
        metrics.certificate_error();
        metrics.certificate_renewed();
        let later = SystemTime::UNIX_EPOCH + Duration::from_secs(1_950_000_001);
        metrics.authority_expires(Some(later), Some(later));
        metrics.authority_expires(Some(later), None);
        metrics.ca_bundle_writes(2);
        metrics.ca_bundle_error();
        metrics.webhook_entries(4, 1, 0);
        metrics.certificate_expires(SystemTime::UNIX_EPOCH + Duration::from_secs(1_900_000_000));
        let text = metrics.to_text();
        for line in [
            "pillion_reviews_total{endpoint=\"mutate\",verdict=\"Injected\",reason=\"Applied\"} 1",
            "pillion_reviews_total{endpoint=\"advise\",verdict=\"Injected\",reason=\"Applied\"} 1",
            "pillion_template_outcomes_total{endpoint=\"advise\",template=\"log-shipper\",verdict=\"Injected\",reason=\"Applied\"} 1",
            "pillion_template_outcomes_total{endpoint=\"mutate\",template=\"other\",verdict=\"Injected\",reason=\"Applied\"} 1",
            "pillion_review_duration_seconds_bucket{le=\"0.000025\",endpoint=\"mutate\"} 1",
            "pillion_review_duration_seconds_bucket{le=\"1.0\",endpoint=\"advise\"} 1",
            "pillion_decisions_recalled_total 1",
            "pillion_http_rejections_total{code=\"415\"} 1",
            "pillion_connections_refused_total 1",
            "pillion_templates{state=\"served\"} 3",
            "pillion_templates{state=\"stale\"} 1",
            "pillion_templates{state=\"broken\"} 2",
            "pillion_template_reload_errors_total 2",
            "pillion_watch_up{resource=\"namespaces\"} 1",
            "pillion_watch_errors_total{resource=\"limitranges\"} 1",
            "pillion_certificate_expiry_timestamp_seconds 1900000000.0",
            "pillion_certificate_reload_errors_total 1",
            "pillion_certificate_renewals_total 1",
            "pillion_authority_expiry_timestamp_seconds{authority=\"current\"} 1950000001.0",
            "pillion_ca_bundle_writes_total 2",
            "pillion_ca_bundle_errors_total 1",
            "pillion_webhook_entries{state=\"current\"} 4",
            "pillion_webhook_entries{state=\"withheld\"} 0",
            concat!(
                "pillion_build_info{version=\"",
                env!("CARGO_PKG_VERSION"),
                "\"} 1"
            ),
            "process_start_time_seconds ",
            "pillion_log_lines_lost_total 0",
            "# EOF",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
        assert!(!text.contains("made-up"), "{text}");
        assert!(!text.contains("authority=\"next\""), "{text}");
    }
}
