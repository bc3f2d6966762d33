//! Lifecycle: whether a sidecar is native or classic, and what follows from it.
//!
//! A native sidecar is an init container with `restartPolicy: Always` (KEP-753): it starts before
//! the app, ends after it, and does not keep a Job from ending. It takes a kubelet that knows it;
//! an older one would wait for ever for the init container to end.

use std::sync::{Arc, LazyLock};

use serde_json::{Map, Value, json};

use super::pod::List;
use super::settings::Settings;
use crate::template::compiled::{ContainerTemplate, FORBIDDEN_ON_INIT_CONTAINERS, Placement};
use crate::template::value::{Constant, ReadObject, TemplateObject, TemplateValue};

/// The first minor version whose oldest supported kubelet (three minors behind the API server)
/// has native sidecars switched on: 1.29 (KEP-753).
pub(crate) const FIRST_SURE_MINOR: u32 = 32;
/// How often a startup probe made from a readiness probe may fail, once a second: five minutes.
const WAIT_FAILURES: u32 = 300;

/// Whether a template's sidecars are placed natively.
pub(crate) fn is_native(placement: Placement, settings: &Settings) -> bool {
    match placement {
        Placement::Native => true,
        Placement::Classic => false,
        Placement::Auto => settings
            .native_sidecars
            .unwrap_or(settings.kubernetes_minor >= FIRST_SURE_MINOR),
    }
}

/// Makes a container a native sidecar. Where the app waits for it, it gets a startup probe made
/// from its readiness probe, unless it has one of its own.
pub(crate) fn make_native(value: &mut TemplateObject, container: &ContainerTemplate) {
    static ALWAYS: LazyLock<Arc<Constant>> = LazyLock::new(|| Constant::new("Always".into()));
    value.insert("restartPolicy", TemplateValue::Shared(Arc::clone(&ALWAYS)));
    if !container.wait_for_ready || value.contains_key("startupProbe") {
        return;
    }
    let probe = match value.field("readinessProbe") {
        Some(TemplateValue::Shared(readiness)) => {
            // A constant of the container's template is the same at every pod.
            let probe = container
                .startup_probe
                .get_or_init(|| startup_probe(readiness.value()).map(Constant::new));
            probe.clone().map(TemplateValue::Shared)
        }
        Some(TemplateValue::Own(readiness)) => startup_probe(readiness).map(TemplateValue::Own),
        None => None,
    };
    if let Some(probe) = probe {
        value.insert("startupProbe", probe);
    }
}

/// The startup probe that asks as a readiness probe does, as often as waiting takes.
fn startup_probe(readiness: &Value) -> Option<Value> {
    let readiness = readiness.as_object()?;
    let handlers = ["exec", "httpGet", "tcpSocket", "grpc"];
    let handler = handlers
        .into_iter()
        .find_map(|name| readiness.get_key_value(name));
    let (name, handler) = handler?;
    let mut probe = Map::new();
    probe.insert(name.clone(), handler.clone());
    // What takes longer than the second that is the default would fail each time.
    if let Some(timeout) = readiness.get("timeoutSeconds") {
        probe.insert("timeoutSeconds".to_owned(), timeout.clone());
    }
    probe.insert("periodSeconds".to_owned(), json!(1));
    probe.insert("failureThreshold".to_owned(), json!(WAIT_FAILURES));
    Some(Value::Object(probe))
}

/// Fits a template's container to the place where the user put their own of that name: what the
/// API server refuses there is left out.
pub(crate) fn fit(want: &mut TemplateObject, list: List, theirs: &Value) {
    if list == List::Containers {
        want.remove("restartPolicy");
        return;
    }
    let native = want.contains_key("restartPolicy")
        || theirs.get("restartPolicy").and_then(Value::as_str) == Some("Always");
    if !native {
        for field in FORBIDDEN_ON_INIT_CONTAINERS {
            want.remove(field);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use super::*;
    use crate::template::fragment::{Fragment, Origin};

    #[test]
    fn auto_is_native_where_every_kubelet_surely_knows_it() {
        let table = [
            (Placement::Auto, 31, None, false),
            (Placement::Auto, 32, None, true),
            (Placement::Auto, 31, Some(true), true),
            (Placement::Auto, 37, Some(false), false),
            (Placement::Native, 28, None, true),
            (Placement::Classic, 37, Some(true), false),
        ];
        for (placement, kubernetes_minor, native_sidecars, expected) in table {
            let settings = Settings {
                kubernetes_minor,
                native_sidecars,
                ..Settings::default()
            };
            assert_eq!(is_native(placement, &settings), expected, "{settings:?}");
        }
    }

    #[test]
    fn waiting_takes_the_handler_of_the_readiness_probe() {
        let container = |json: Value| TemplateObject::from(json.as_object().unwrap().clone());
        let waiting = |wait_for_ready| ContainerTemplate {
            name: "a".to_owned(),
            wait_for_ready,
            startup_probe: OnceLock::new(),
            body: Fragment::constant(Value::Null),
            origin: Arc::new(Origin {
                field: String::new(),
                line: 1,
            }),
        };
        let readiness = json!({"tcpSocket": {"port": 1}, "periodSeconds": 9, "initialDelaySeconds": 5, "timeoutSeconds": 7});
        let mut waits = container(json!({"readinessProbe": readiness}));
        make_native(&mut waits, &waiting(true));
        let expected = json!({"tcpSocket": {"port": 1}, "timeoutSeconds": 7, "periodSeconds": 1, "failureThreshold": 300});
        assert_eq!(waits.get("startupProbe"), Some(&expected));
        let mut constant = TemplateObject::default();
        let readiness = TemplateValue::Shared(Constant::new(readiness));
        constant.insert("readinessProbe", readiness);
        make_native(&mut constant, &waiting(true));
        assert_eq!(constant.get("startupProbe"), Some(&expected));
        let mut own = container(json!({"readinessProbe": {"tcpSocket": {"port": 1}},
            "startupProbe": {"tcpSocket": {"port": 2}}}));
        make_native(&mut own, &waiting(true));
        assert_eq!(own.get("startupProbe").unwrap()["tcpSocket"]["port"], 2);
        let mut without = container(json!({"readinessProbe": {"tcpSocket": {"port": 1}}}));
        make_native(&mut without, &waiting(false));
        assert!(!without.contains_key("startupProbe"));
    }
}
