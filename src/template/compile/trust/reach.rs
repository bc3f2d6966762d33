//! Where values that a pod may set reach in a template that adds privilege.

use std::collections::{BTreeMap, BTreeSet};

use super::references::{open_variables, references};
use crate::expression::{Expression, Reads};
use crate::template::compile::Errors;
use crate::template::compile::fragment::WHEN;
use crate::template::compile::reader::join;
use crate::template::compiled::Template;
use crate::template::fragment::Fragment;
use crate::template::node::{Node, NodeValue};
use crate::template::parameter::Setter;

/// Fields of a container that decide how its privilege is used: what runs (in probes and hooks
/// too), where and as whom, which part of a volume it sees and which of its own files that hides.
const DECISIVE: [&str; 10] = [
    "image",
    "command",
    "args",
    "workingDir",
    "securityContext",
    "exec",
    "mountPath",
    "devicePath",
    "subPath",
    "subPathExpr",
];
/// Lists of a container in which a computed name is decisive: of a variable such as `LD_PRELOAD`, of a volume of
/// the pod's, of an object with any variables in it.
const NAMED: [&str; 4] = ["env", "envFrom", "volumeMounts", "volumeDevices"];
/// Fields of a container that hold decisive ones, and may come from an expression as a whole.
const HOLDERS: [&str; 10] = [
    "env",
    "envFrom",
    "volumeMounts",
    "volumeDevices",
    "lifecycle",
    "postStart",
    "preStop",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
];

/// Fields of a container in which the kubelet expands variables, and that decide how its privilege
/// is used. It expands none in lifecycle handlers.
const EXPANDED: [&str; 3] = ["command", "args", "subPathExpr"];

/// Refuses values that a pod may set in the fields that decide how privilege is used.
pub(super) fn check(errors: &mut Errors<'_>, spec: &Node, template: &Template, raised_by: &str) {
    let open = open_names(template);
    let mut reach = Reach {
        errors,
        open,
        raised_by,
    };
    let containers = [
        ("initContainers", &template.init_containers),
        ("sidecars", &template.sidecars),
    ];
    for (list, containers) in containers {
        for container in containers {
            let node = spec.get(list).and_then(|list| named(list, &container.name));
            let path = &container.origin.field;
            reach.walk(&container.body, node.unwrap_or(spec), path);
            if let Some(node) = node {
                reach.variables(&container.body, node, path);
            }
        }
    }
    for volume in &template.volumes {
        if let Some(source) = &volume.source {
            let node = spec
                .get("volumes")
                .and_then(|list| named(list, &volume.name));
            reach.refuse(source, node.unwrap_or(spec), &volume.origin.field);
        }
    }
    if let (Some(fragment), Some(node)) = (&template.pod, spec.get("pod")) {
        reach.refuse(fragment, node, "spec.pod");
    }
    let app = spec.get("app").and_then(|app| app.get("securityContext"));
    let security = template
        .app
        .as_ref()
        .and_then(|app| app.field("securityContext"));
    if let (Some(fragment), Some(node)) = (security, app) {
        reach.refuse(fragment, node, "spec.app.securityContext");
    }
}

/// The element of a list that has this name.
fn named<'n>(list: &'n Node, name: &str) -> Option<&'n Node> {
    let NodeValue::List(items) = &list.value else {
        return None;
    };
    items
        .iter()
        .find(|item| item.get("name").and_then(Node::text) == Some(name))
}

/// Looks for what a pod may set, and notes where it reaches.
struct Reach<'e, 's> {
    errors: &'e mut Errors<'s>,
    open: OpenNames,
    /// The field that raises the template above the level baseline.
    raised_by: &'e str,
}

impl Reach<'_, '_> {
    /// Looks at the decisive fields below a part of a container.
    fn walk(&mut self, fragment: &Fragment, node: &Node, path: &str) {
        match fragment {
            Fragment::Object(fields) => {
                for (name, fragment) in fields {
                    let node = node.get(name).unwrap_or(node);
                    let path = join(path, name);
                    let whole = matches!(fragment, Fragment::Dynamic(_));
                    let holder = HOLDERS.contains(&&**name) && whole;
                    if holder || DECISIVE.contains(&&**name) || is_name(&path) {
                        self.refuse(fragment, node, &path);
                    } else {
                        self.walk(fragment, node, &path);
                    }
                }
            }
            Fragment::List(items) => {
                let nodes = match &node.value {
                    NodeValue::List(nodes) => nodes.as_slice(),
                    _ => &[],
                };
                let is_named = NAMED.iter().any(|name| path.ends_with(&format!(".{name}")));
                for (index, item) in items.iter().enumerate() {
                    let node = nodes.get(index).unwrap_or(node);
                    let path = format!("{path}[{index}]");
                    if is_named && is_computed(item) {
                        self.refuse(item, node, &path);
                    } else {
                        self.walk(item, node, &path);
                    }
                }
            }
            Fragment::When(_, inner) | Fragment::Mount(_, inner, _) => {
                self.walk(inner, node, path);
            }
            Fragment::Constant(_) | Fragment::Dynamic(_) | Fragment::Text(_) => {}
        }
    }

    fn refuse(&mut self, fragment: &Fragment, node: &Node, path: &str) {
        if let Some(what) = self.reached(fragment) {
            let message = format!(
                "this template adds privilege above the level baseline by {}, so {what} cannot \
                 reach this field",
                self.raised_by
            );
            self.errors.add(node.place, path, message);
        }
    }

    /// What a pod may set that reaches a fragment.
    fn reached(&self, fragment: &Fragment) -> Option<String> {
        let mut reached = None;
        fragment.expressions(&mut |expression| {
            if reached.is_none() {
                reached = reached_by(expression.reads(), &self.open);
            }
        });
        reached
    }

    /// Refuses references in decisive fields to variables whose value a pod may decide.
    fn variables(&mut self, body: &Fragment, node: &Node, path: &str) {
        let variables = OpenVariables {
            named: open_variables(node, |name| self.reached_variable(body.field("env")?, name)),
            any: self.open_environment(body),
        };
        self.refuse_references(node, path, false, &variables);
    }

    /// What a pod may set that reaches the variable of this name.
    fn reached_variable(&self, env: &Fragment, name: &str) -> Option<String> {
        match env {
            Fragment::List(items) => items
                .iter()
                .filter(|item| is_named(item, name))
                .find_map(|item| self.reached(item)),
            Fragment::When(_, inner) => self.reached_variable(inner, name),
            other => self.reached(other),
        }
    }

    /// What a pod may set that decides which variables there are.
    fn open_environment(&self, body: &Fragment) -> Option<String> {
        let env = body.field("env").filter(|env| is_computed(env));
        let sources = body.field("envFrom");
        [env, sources]
            .into_iter()
            .flatten()
            .find_map(|fragment| self.reached(fragment))
    }

    fn refuse_references(
        &mut self,
        node: &Node,
        path: &str,
        is_expanded: bool,
        open: &OpenVariables,
    ) {
        match &node.value {
            NodeValue::Text(text) if is_expanded => {
                for name in references(text) {
                    let Some(what) = open.named.get(name).or(open.any.as_ref()) else {
                        continue;
                    };
                    let message = format!(
                        "this template adds privilege above the level baseline by {}, so {what} \
                         cannot reach this field through the variable `{name}`",
                        self.raised_by
                    );
                    self.errors.add(node.place, path, message);
                }
            }
            NodeValue::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    let path = format!("{path}[{index}]");
                    self.refuse_references(item, &path, is_expanded, open);
                }
            }
            NodeValue::Map(entries) => {
                for entry in entries {
                    let key = entry.key.as_str();
                    if ![WHEN, "env", "lifecycle"].contains(&key) {
                        let is_expanded = is_expanded || EXPANDED.contains(&key);
                        let path = join(path, key);
                        self.refuse_references(&entry.value, &path, is_expanded, open);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Whether a path ends at what an element of these lists is called, or refers to by name.
fn is_name(path: &str) -> bool {
    let Some((list, field)) = path.rsplit_once('[') else {
        return false;
    };
    let Some((_, field)) = field.split_once("].") else {
        return false;
    };
    let last = field.rsplit('.').next();
    let is_called =
        field == "name" || (list.ends_with(".envFrom") && matches!(last, Some("prefix" | "name")));
    is_called && NAMED.iter().any(|name| list.ends_with(&format!(".{name}")))
}

/// Variables of a container whose value a pod may decide.
struct OpenVariables {
    named: BTreeMap<String, String>,
    /// What decides any other variable, where the environment as a whole is open.
    any: Option<String>,
}

fn is_named(item: &Fragment, name: &str) -> bool {
    matches!(item.field("name"), Some(Fragment::Constant(known)) if known.value() == name)
}

/// Whether an expression gives a list, or an element of one, as a whole.
fn is_computed(fragment: &Fragment) -> bool {
    match fragment {
        Fragment::When(_, inner) => is_computed(inner),
        fragment => matches!(fragment, Fragment::Dynamic(_)),
    }
}

/// Parameters and variables whose value a pod may decide, by their names in expressions.
struct OpenNames {
    parameters: BTreeSet<String>,
    variables: BTreeSet<String>,
}

fn open_names(template: &Template) -> OpenNames {
    let mut open = OpenNames {
        parameters: BTreeSet::new(),
        variables: BTreeSet::new(),
    };
    for parameter in &template.parameters {
        let mut by_default = false;
        if let Some(default) = &parameter.default {
            default.expressions(&mut |e| by_default |= reached_by(e.reads(), &open).is_some());
        }
        if by_default || parameter.set_by.contains(&Setter::Pod) {
            open.parameters.insert(parameter.expression_name.clone());
        }
    }
    for (name, expression) in &template.variables {
        if reached_by(Expression::reads(expression), &open).is_some() {
            open.variables.insert(name.clone());
        }
    }
    open
}

/// What of these reads a pod may decide, in words, with what would be right.
fn reached_by(reads: &Reads, open: &OpenNames) -> Option<String> {
    if let Some(name) = reads.parameters.intersection(&open.parameters).next() {
        return Some(format!(
            "the parameter `{name}`, which a pod may set (directly or through its default; \
             `setBy: [Namespace]` or `[]` keeps it from that),"
        ));
    }
    if let Some(name) = reads.variables.intersection(&open.variables).next() {
        return Some(format!(
            "the variable `{name}`, which reads what a pod may set,"
        ));
    }
    let of_the_pod = [&reads.pod, &reads.app, &reads.apps, &reads.own];
    of_the_pod
        .iter()
        .any(|paths| !paths.is_empty())
        .then(|| "what the pod itself says".to_owned())
}
