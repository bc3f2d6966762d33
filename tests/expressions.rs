//! Our evaluator and the API server's, on the same expressions and pods.
//!
//! Each expression becomes a validation that fails and says in its message whether the API server
//! gives what we give, or an error where we give one. The API server answers a dry-run creation with
//! one warning for each of them. An expression that it does not compile is taken out of the policy.

mod data;
mod generator;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::expression_source::Pod;
use crate::sampling::cases;
use crate::support::control_plane::ControlPlane;
use crate::support::failure::{Failure, Outcome};
use crate::support::namespace::Namespace;
use crate::support::raw;
use crate::support::wait::wait_until;
use kube::Client;
use pillion::expression::{Bindings, Budget, EvaluationError, Expression, Reads, Scope};
use serde_json::{Value, json};

use data::{Kind, VARIABLES};
use generator::Generator;

const GROUP: &str = "/apis/admissionregistration.k8s.io/v1";

/// How many expressions one policy has: their warnings must fit into 4096 characters.
const OF_ONE_POLICY: usize = 24;

/// At most one expression in this many may be refused by the API server, which so says nothing of
/// its value.
const ONE_REFUSED_OF: usize = 7;

/// What we say of an expression.
enum Ours {
    /// It gives this value, as an expression.
    Gives(String),
    /// It fails on the pod.
    Fails,
    /// It does not compile.
    Refuses(String),
}

/// An expression with what we say of it.
struct Case {
    source: String,
    ours: Ours,
}

/// What was found out about some expressions.
#[derive(Default)]
struct Findings {
    compared: usize,
    /// Why the API server refused expressions, and so said nothing of their values.
    refused: Vec<String>,
    /// Where the API server says something else.
    differing: Vec<String>,
}

impl Findings {
    fn extend(&mut self, other: Self) {
        self.compared += other.compared;
        self.refused.extend(other.refused);
        self.differing.extend(other.differing);
    }
}

/// The variables, compiled, and the names of expressions.
fn variables() -> (Scope, Vec<(String, Expression)>) {
    let mut scope = Scope::new();
    let mut variables = Vec::new();
    for (name, _, source) in VARIABLES {
        let expression = Expression::compile(source, &scope).unwrap();
        scope = scope.variable(name, expression.result().clone());
        variables.push(((*name).to_owned(), expression));
    }
    (scope, variables)
}

/// A value as an expression that gives it.
fn literal(value: &Value) -> String {
    let text = |text: &str| {
        let escaped: String = text
            .chars()
            .map(|c| match c {
                '\'' | '\\' => format!("\\{c}"),
                c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
                c => c.to_string(),
            })
            .collect();
        format!("'{escaped}'")
    };
    match value {
        Value::String(value) => text(value),
        Value::Number(number) if number.is_f64() => {
            format!("double('{:e}')", number.as_f64().unwrap())
        }
        Value::Array(items) => {
            let items: Vec<_> = items
                .iter()
                .map(|item| format!("dyn({})", literal(item)))
                .collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let entries = fields.iter();
            let entries: Vec<_> = entries
                .map(|(key, value)| format!("{}: dyn({})", text(key), literal(value)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        scalar => scalar.to_string(),
    }
}

/// What we say of an expression; `None` where that cannot be compared: what it gives cannot be
/// named, or we have a bound that the API server has not.
fn evaluated(
    source: &str,
    scope: &Scope,
    variables: &[(String, Expression)],
    pod: &Pod,
) -> Option<Case> {
    let ours = match Expression::compile(source, scope) {
        Ok(expression) => on_pod(&expression, variables, pod)?,
        Err(error) => Ours::Refuses(error.to_string()),
    };
    let is_short = !matches!(&ours, Ours::Gives(result) if result.len() >= 2000);
    (is_short && source.len() < 2000).then(|| Case {
        source: source.to_owned(),
        ours,
    })
}

/// What an expression gives on a pod, where that can be compared.
fn on_pod(expression: &Expression, variables: &[(String, Expression)], pod: &Pod) -> Option<Ours> {
    let mut reads = Reads::default();
    reads.extend(expression.reads());
    for (_, variable) in variables {
        reads.extend(variable.reads());
    }
    let budget = Budget::new();
    let bindings = Bindings::new(pod, &reads, variables, &budget);
    match expression.evaluate(&bindings) {
        Ok(value) => Some(Ours::Gives(literal(&value.unwrap_or_default()))),
        Err(
            EvaluationError::NotJson(_)
            | EvaluationError::TooManyItems(_)
            | EvaluationError::TextTooLong(_)
            | EvaluationError::BudgetExceeded(_),
        ) => None,
        Err(_) => Some(Ours::Fails),
    }
}

/// The expression that asks whether two are equal. What is made of a map has no order in the API server,
/// which goes over maps as Go does; we go over them by their keys.
fn equality(theirs: &str, ours: &str) -> String {
    let is_of_map = theirs.contains("variables.secret") && ours.starts_with('[');
    if is_of_map {
        return format!(
            "[dyn({theirs})].all(list, list.size() == dyn({ours}).size() \
             && list.all(item, item in dyn({ours})))"
        );
    }
    format!("dyn({theirs}) == dyn({ours})")
}

/// The validations of a policy.
fn validations(cases: &[Case]) -> Vec<Value> {
    let validation = |(index, case): (usize, &Case)| {
        let theirs = case.source.replace("pod.", "object.");
        let expected = match &case.ours {
            Ours::Gives(result) => result,
            Ours::Fails | Ours::Refuses(_) => "null",
        };
        json!({
            "expression": "object == null",
            "message": format!("{index}=error"),
            "messageExpression": format!("'{index}=' + string({})", equality(&theirs, expected)),
        })
    };
    cases.iter().enumerate().map(validation).collect()
}

/// A policy for the pods that carry its label.
fn policy(name: &str, cases: &[Case]) -> Value {
    let variables: Vec<_> = VARIABLES
        .iter()
        .map(|(name, _, expression)| json!({"name": name, "expression": expression}))
        .collect();
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"],
            }]},
            "matchConditions": [{
                "name": "asked",
                "expression": format!("object.metadata.?labels['policy'].orValue('') == '{name}'"),
            }],
            "variables": variables,
            "validations": validations(cases),
        },
    })
}

fn binding(name: &str, namespace: &Namespace) -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {
            "policyName": name,
            "validationActions": ["Warn"],
            "matchResources": {"namespaceSelector": {"matchLabels": {
                "kubernetes.io/metadata.name": namespace.name,
            }}},
        },
    })
}

/// Why the API server refuses validations of a policy, by their numbers.
fn refusals(answer: &raw::Answer) -> BTreeMap<usize, String> {
    let causes = answer.body["details"]["causes"].as_array();
    let refusals = causes.into_iter().flatten().filter_map(|cause| {
        let rest = cause["field"].as_str()?.strip_prefix("spec.validations[")?;
        let (number, field) = rest.split_once(']')?;
        let message = cause["message"].as_str()?;
        let reason = message
            .rsplit_once("\": ")
            .map_or(message, |(_, reason)| reason);
        (field == ".messageExpression").then(|| Some((number.parse().ok()?, reason.to_owned())))?
    });
    refusals.collect()
}

/// Installs a policy of the cases, and takes those out that the API server refuses.
async fn install(
    client: &Client,
    namespace: &Namespace,
    name: &str,
    cases: Vec<Case>,
) -> Outcome<(Vec<Case>, Findings)> {
    let mut findings = Findings::default();
    let path = format!("{GROUP}/validatingadmissionpolicies");
    let mut left = cases;
    // It may name some only once others are taken out.
    loop {
        let answer = raw::post(client, &path, &policy(name, &left)).await?;
        if answer.granted() {
            break;
        }
        let refusals = refusals(&answer);
        if refusals.is_empty() {
            return Err(Failure::new(answer.message().to_owned()));
        }
        let mut taken = Vec::new();
        for (index, case) in left.into_iter().enumerate() {
            let Some(reason) = refusals.get(&index) else {
                taken.push(case);
                continue;
            };
            let source = &case.source;
            let refusal = format!("{source}\n    the API server refuses it: {reason}");
            let known = matches!(case.ours, Ours::Refuses(_)) || is_by_design(reason);
            let list = if known {
                &mut findings.refused
            } else {
                &mut findings.differing
            };
            list.push(refusal);
        }
        left = taken;
    }
    for case in &left {
        if let Ours::Refuses(reason) = &case.ours {
            let source = &case.source;
            let difference = format!("{source}\n    the API server takes it, we do not: {reason}");
            findings.differing.push(difference);
        }
    }
    let path = format!("{GROUP}/validatingadmissionpolicybindings");
    let answer = raw::post(client, &path, &binding(name, namespace)).await?;
    if !answer.granted() {
        return Err(Failure::new(answer.message().to_owned()));
    }
    Ok((left, findings))
}

/// Whether the API server may refuse for this reason what we take: elements of several types, or a
/// conversion of a constant, which fails here on the pod.
fn is_by_design(reason: &str) -> bool {
    [
        "expected type '",
        "found no matching overload for '",
        "program instantiation failed: ",
    ]
    .iter()
    .any(|known| reason.contains(known))
}

fn pods() -> Vec<Value> {
    let containers = json!([
        {"name": "web", "image": "web:1", "ports": [{"containerPort": 80}],
         "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "ñ"}],
         "resources": {"limits": {"cpu": "1", "memory": "64Mi"}}},
        {"name": "metrics", "image": "metrics:1"},
    ]);
    vec![
        json!({
            "metadata": {"name": "web", "labels": {"app": "shop", "tier": "1"},
                "annotations": {"x/y": "1", "z": "ñandú"}},
            "spec": {"containers": containers, "hostNetwork": true, "restartPolicy": "Never",
                // The volume of a token has a random name.
                "automountServiceAccountToken": false,
                "volumes": [{"name": "v", "emptyDir": {}}]},
        }),
        json!({
            "metadata": {"name": "bare"},
            "spec": {"containers": [{"name": "only", "image": "a"}], "hostname": "h",
                "automountServiceAccountToken": false, "securityContext": {"runAsUser": 7}},
        }),
    ]
}

/// What the warnings say of each case, by its number.
fn answers(warnings: &[String]) -> BTreeMap<usize, String> {
    let answers = warnings.iter().filter_map(|warning| {
        let (_, message) = warning
            .split_once("': ")
            .map(|(_, rest)| rest.rsplit_once("': ").unwrap_or(("", rest)))?;
        let (number, answer) = message.split_once('=')?;
        Some((number.parse().ok()?, answer.to_owned()))
    });
    answers.collect()
}

/// Asks the API server what it says of the cases.
async fn compared(
    client: &Client,
    namespace: &Namespace,
    name: &str,
    pod: &Value,
    cases: Vec<Case>,
) -> Outcome<Findings> {
    let (cases, mut findings) = install(client, namespace, name, cases).await?;
    let mut said = BTreeMap::new();
    wait_until("the policy to answer", Duration::from_mins(1), async || {
        let answer = namespace.create_pod("dryRun=All", pod).await;
        let answer = answer.map_err(|failure| failure.to_string())?;
        if !answer.granted() {
            return Err(answer.message().to_owned());
        }
        said = answers(&answer.warnings);
        (said.len() == cases.len()).then_some(()).ok_or_else(|| {
            let (said, cases, warnings) = (said.len(), cases.len(), &answer.warnings);
            format!("{said} of {cases} answers: {warnings:?}")
        })
    })
    .await?;
    for plural in [
        "validatingadmissionpolicybindings",
        "validatingadmissionpolicies",
    ] {
        raw::delete(client, &format!("{GROUP}/{plural}/{name}")).await?;
    }
    findings.compared = cases.len();
    for (index, case) in cases.iter().enumerate() {
        let (expected, ours) = match &case.ours {
            Ours::Gives(result) => ("true", result.as_str()),
            Ours::Fails | Ours::Refuses(_) => ("error", "an error"),
        };
        let said = said.get(&index).map_or("nothing", String::as_str);
        if said != expected {
            let source = &case.source;
            let difference = format!("{source}\n    we give {ours}, the API server says {said}");
            findings.differing.push(difference);
        }
    }
    Ok(findings)
}

/// A pod with the label of a policy, and the same as the API server sees it, with its defaults.
async fn labelled(namespace: &Namespace, plain: &Value, policy: &str) -> Outcome<(Value, Pod)> {
    let mut pod = plain.clone();
    pod["metadata"]["labels"]["policy"] = json!(policy);
    let mut seen = namespace.create_pod("dryRun=All", &pod).await?.body;
    let metadata = seen["metadata"].as_object_mut();
    metadata.unwrap().remove("managedFields");
    Ok((pod, Pod(seen)))
}

/// Compares this many expressions, half of them on each pod.
async fn compare(name: &str, seed: u64, count: usize) -> Outcome {
    let control_plane = ControlPlane::shared().await?;
    let client = control_plane.client()?;
    let namespace = Namespace::create(&client, name, &[], &[]).await?;
    let (scope, variables) = variables();
    let mut generator = Generator::new(seed);
    let mut findings = Findings::default();
    for (batch, plain) in pods().iter().cycle().enumerate() {
        if findings.compared >= count {
            break;
        }
        let policy = format!("{name}-{batch}");
        let (labelled, pod) = labelled(&namespace, plain, &policy).await?;
        let mut cases = Vec::new();
        while cases.len() < OF_ONE_POLICY {
            let (kind, source) = generator.expression();
            // A number may be none that JSON can hold.
            let source = match kind {
                Kind::Number => format!("string({source})"),
                _ => source,
            };
            cases.extend(evaluated(&source, &scope, &variables, &pod));
        }
        findings.extend(compared(&client, &namespace, &policy, &labelled, cases).await?);
    }
    let Findings {
        compared,
        refused,
        differing,
    } = findings;
    let refusals = format!("{} refused by the API server", refused.len());
    println!("{compared} compared, {refusals}:\n{}", refused.join("\n"));
    let differences = differing.join("\n");
    let count = differing.len();
    assert!(
        differing.is_empty(),
        "{count} of {compared} differ:\n{differences}"
    );
    let most = (compared + refused.len()) / ONE_REFUSED_OF;
    assert!(refused.len() <= most, "{refusals}, {compared} compared");
    Ok(())
}

#[tokio::test]
async fn expressions_give_what_they_give_in_the_api_server() -> Outcome {
    let seed = std::env::var("PROPTEST_RNG_SEED").ok();
    let seed = seed.and_then(|seed| seed.parse().ok());
    let count = usize::try_from(cases(300)).unwrap();
    compare("expressions", seed.unwrap_or(20_261_129), count).await
}
