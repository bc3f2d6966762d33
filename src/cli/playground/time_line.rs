//! The order in which the containers of a pod start and stop, as the kubelet keeps it.
//!
//! Init containers run one after another; one with `restartPolicy: Always` lets the next go on as
//! soon as it has started, runs for the pod's life, and is stopped after the app containers, the
//! last one first. App containers start in their order, where each waits for the `postStart` hook
//! of the one before, and are all told to end at once.

use serde::Serialize;
use serde_json::Value;

use crate::kubernetes::object::list_at;

/// The life of a pod.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TimeLine {
    /// What happens, one step after another.
    pub(super) steps: Vec<String>,
    /// The containers, in the order in which they start.
    pub(super) containers: Vec<Lane>,
}

/// One container's part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Lane {
    pub(super) name: String,
    pub(super) role: Role,
    /// The template that adds it; absent for the user's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) added_by: Option<String>,
    /// The step in which it starts, from 0.
    pub(super) first: usize,
    /// The step in which it ends.
    pub(super) last: usize,
    /// When it starts, in words.
    pub(super) starts: String,
    /// When it ends, in words.
    pub(super) ends: String,
}

/// What a container is to its pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Role {
    /// It ends before the next one starts.
    Init,
    /// It runs beside the app, from before it until after it.
    Sidecar,
    /// It is one of `containers`.
    App,
}

/// The life of this pod. `added_by` says which template adds the container at a list and a name.
pub(super) fn of(pod: &Value, added_by: &dyn Fn(&str, &str) -> Option<String>) -> TimeLine {
    let mut line = TimeLine::default();
    let mut before = "first".to_owned();
    for container in list_at(pod, "/spec/initContainers") {
        let name = name(container);
        let is_sidecar = container.get("restartPolicy").and_then(Value::as_str) == Some("Always");
        let first = line.steps.len();
        line.steps.push(if is_sidecar {
            format!("{name} starts")
        } else {
            format!("{name} runs")
        });
        line.containers.push(Lane {
            added_by: added_by("initContainers", name),
            role: if is_sidecar {
                Role::Sidecar
            } else {
                Role::Init
            },
            first,
            last: first,
            starts: std::mem::replace(&mut before, after(name, is_sidecar, container)),
            ends: "before the next one starts".to_owned(),
            name: name.to_owned(),
        });
    }
    add_apps(pod, &mut line, before, added_by);
    end(&mut line);
    line
}

/// What the container behind this one waits for.
fn after(name: &str, is_sidecar: bool, container: &Value) -> String {
    let waits = if !is_sidecar {
        "has ended"
    } else if container.get("startupProbe").is_some() {
        "has started, as its startup probe says"
    } else {
        "was started"
    };
    format!("after {name} {waits}")
}

fn add_apps(
    pod: &Value,
    line: &mut TimeLine,
    mut before: String,
    added_by: &dyn Fn(&str, &str) -> Option<String>,
) {
    let mut is_held = true;
    for container in list_at(pod, "/spec/containers") {
        let name = name(container);
        if is_held {
            line.steps.push(format!("{name} starts"));
        }
        line.containers.push(Lane {
            added_by: added_by("containers", name),
            role: Role::App,
            first: line.steps.len().saturating_sub(1),
            last: 0,
            starts: before.clone(),
            ends: "when the pod ends, with the other app containers".to_owned(),
            name: name.to_owned(),
        });
        is_held = container.pointer("/lifecycle/postStart").is_some();
        if is_held {
            before = format!("after the postStart hook of {name}");
        }
    }
}

/// Adds how everything ends.
fn end(line: &mut TimeLine) {
    line.steps.push("the pod runs".to_owned());
    line.steps.push("the app containers end".to_owned());
    let apps_end = line.steps.len() - 1;
    let mut before = "the app containers".to_owned();
    for lane in line.containers.iter_mut().rev() {
        match lane.role {
            Role::App => lane.last = apps_end,
            Role::Sidecar => {
                line.steps.push(format!("{} ends", lane.name));
                lane.last = line.steps.len() - 1;
                lane.ends = format!("after {before}");
                before.clone_from(&lane.name);
            }
            Role::Init => {}
        }
    }
}

fn name(container: &Value) -> &str {
    let name = container.get("name").and_then(Value::as_str);
    name.unwrap_or("(no name)")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sidecars_start_before_the_app_and_end_after_it() {
        let pod = json!({"spec": {
            "initContainers": [
                {"name": "wait"},
                {"name": "pool", "restartPolicy": "Always", "startupProbe": {}},
                {"name": "logs", "restartPolicy": "Always"},
            ],
            "containers": [{"name": "web", "lifecycle": {"postStart": {}}}, {"name": "job"}],
        }});
        let added = |_: &str, name: &str| (name == "pool").then(|| "pgbouncer".to_owned());
        let line = of(&pod, &added);
        let expected = [
            "wait runs",
            "pool starts",
            "logs starts",
            "web starts",
            "job starts",
            "the pod runs",
            "the app containers end",
            "logs ends",
            "pool ends",
        ];
        assert_eq!(line.steps, expected);
        let lanes: Vec<_> = line
            .containers
            .iter()
            .map(|lane| (lane.name.as_str(), lane.role, lane.first, lane.last))
            .collect();
        let expected = [
            ("wait", Role::Init, 0, 0),
            ("pool", Role::Sidecar, 1, 8),
            ("logs", Role::Sidecar, 2, 7),
            ("web", Role::App, 3, 6),
            ("job", Role::App, 4, 6),
        ];
        assert_eq!(lanes, expected);
        let pool = &line.containers[1];
        assert_eq!(pool.added_by.as_deref(), Some("pgbouncer"));
        assert_eq!(
            (pool.starts.as_str(), pool.ends.as_str()),
            ("after wait has ended", "after logs")
        );
        let logs = &line.containers[2].starts;
        assert_eq!(logs, "after pool has started, as its startup probe says");
        assert_eq!(line.containers[4].starts, "after the postStart hook of web");
    }
}
