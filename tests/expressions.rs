//! Our evaluator and the API server's, on the same expressions and pods.
//!
//! Each expression becomes a validation that fails and says in its message whether the API server
//! gives what we give, or an error where we give one. The API server answers a dry-run creation with
//! one warning for each of them.

mod data;
mod generator;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::sampling::cases;
use crate::support::control_plane::ControlPlane;
use crate::support::failure::{Failure, Outcome};
use crate::support::namespace::Namespace;
use crate::support::raw;
use crate::support::wait::wait_until;
use kube::Client;
use pillion::expression::{
    Bindings, Budget, EvaluationError, Expression, Paths, Reads, Scope, Source,
};
use serde_json::{Value, json};

use data::{Kind, VARIABLES};
use generator::Generator;

const GROUP: &str = "/apis/admissionregistration.k8s.io/v1";

/// How many expressions one policy has: their warnings must fit into 4096 characters.
const OF_ONE_POLICY: usize = 24;

/// An expression with what we say of it.
struct Case {
    ours: String,
    /// What it gives, as an expression; `None` where it fails.
    result: Option<String>,
}

/// The pod as the API server sees it.
struct Pod(Value);

impl Source for Pod {
    fn parameter(&self, _: &str) -> Option<&Value> {
        None
    }
    fn pod(&self, _: &Paths) -> &Value {
        &self.0
    }
    fn apps(&self, _: &Paths) -> &Value {
        &Value::Null
    }
    fn app(&self, _: &Paths) -> &Value {
        &Value::Null
    }
    fn own(&self, _: &Paths) -> &Value {
        &Value::Null
    }
    fn namespace(&self, _: &Paths) -> &Value {
        &Value::Null
    }
    fn kubernetes_minor(&self) -> u32 {
        37
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

/// What we say of an expression, or why we refuse it; `None` where it is none that can be compared:
/// what it gives cannot be named, or we have a bound that the API server has not.
fn evaluated(
    source: &str,
    scope: &Scope,
    variables: &[(String, Expression)],
    pod: &Pod,
) -> Option<Result<Case, String>> {
    let expression = match Expression::compile(source, scope) {
        Ok(expression) => expression,
        Err(error) => return Some(Err(format!("{source}\n    we refuse it: {error}"))),
    };
    let mut reads = Reads::default();
    reads.extend(expression.reads());
    for (_, variable) in variables {
        reads.extend(variable.reads());
    }
    let budget = Budget::new();
    let bindings = Bindings::new(pod, &reads, variables, &budget);
    let result = match expression.evaluate(&bindings) {
        Ok(value) => Some(literal(&value.unwrap_or_default())),
        Err(
            EvaluationError::NotJson(_)
            | EvaluationError::TooManyItems(_)
            | EvaluationError::TextTooLong(_)
            | EvaluationError::BudgetExceeded(_),
        ) => return None,
        Err(_) => None,
    };
    let is_short = result.as_ref().is_none_or(|result| result.len() < 2000);
    let case = || Case {
        ours: source.to_owned(),
        result,
    };
    (is_short && source.len() < 2000).then(|| Ok(case()))
}

/// The validations of a policy.
fn validations(cases: &[Case]) -> Vec<Value> {
    let validation = |(index, case): (usize, &Case)| {
        let theirs = case.ours.replace("pod.", "object.");
        let expected = case.result.as_deref().unwrap_or("null");
        json!({
            "expression": "object == null",
            "message": format!("{index}=error"),
            "messageExpression": format!("'{index}=' + string(dyn({theirs}) == dyn({expected}))"),
        })
    };
    cases.iter().enumerate().map(validation).collect()
}

/// Installs a policy for the pods of a namespace that carry its label.
async fn install(client: &Client, namespace: &Namespace, name: &str, cases: &[Case]) -> Outcome {
    let variables: Vec<_> = VARIABLES
        .iter()
        .map(|(name, _, expression)| json!({"name": name, "expression": expression}))
        .collect();
    let policy = json!({
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
    });
    let binding = json!({
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
    });
    for (plural, object) in [
        ("validatingadmissionpolicies", &policy),
        ("validatingadmissionpolicybindings", &binding),
    ] {
        let answer = raw::post(client, &format!("{GROUP}/{plural}"), object).await?;
        if !answer.granted() {
            let sources: Vec<_> = cases.iter().map(|case| case.ours.as_str()).collect();
            let message = format!("{}\n{}", answer.message(), sources.join("\n"));
            return Err(Failure::new(message));
        }
    }
    Ok(())
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
                "volumes": [{"name": "v", "emptyDir": {}}]},
        }),
        json!({
            "metadata": {"name": "bare"},
            "spec": {"containers": [{"name": "only", "image": "a"}], "hostname": "h",
                "securityContext": {"runAsUser": 7}},
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

/// The cases of which the API server says something else.
async fn differences(
    client: &Client,
    namespace: &Namespace,
    name: &str,
    pod: &Value,
    cases: &[Case],
) -> Outcome<Vec<String>> {
    install(client, namespace, name, cases).await?;
    let mut pod = pod.clone();
    pod["metadata"]["labels"]["policy"] = json!(name);
    let mut said = BTreeMap::new();
    wait_until("the policy to answer", Duration::from_mins(1), async || {
        let answer = namespace.create_pod("dryRun=All", &pod).await;
        let answer = answer.map_err(|failure| failure.to_string())?;
        if !answer.granted() {
            return Err(answer.message().to_owned());
        }
        said = answers(&answer.warnings);
        (said.len() == cases.len()).then_some(()).ok_or_else(|| {
            format!(
                "{} of {} answers: {:?}",
                said.len(),
                cases.len(),
                answer.warnings
            )
        })
    })
    .await?;
    let differs = |(index, case): (usize, &Case)| {
        let expected = if case.result.is_some() {
            "true"
        } else {
            "error"
        };
        let said = said.get(&index).map_or("nothing", String::as_str);
        (said != expected).then(|| {
            let ours = case.result.as_deref().unwrap_or("an error");
            format!(
                "{}\n    we give {ours}, the API server says {said}",
                case.ours
            )
        })
    };
    let found = cases.iter().enumerate().filter_map(differs).collect();
    for plural in [
        "validatingadmissionpolicybindings",
        "validatingadmissionpolicies",
    ] {
        raw::delete(client, &format!("{GROUP}/{plural}/{name}")).await?;
    }
    Ok(found)
}

/// Compares this many expressions, half of them on each pod.
async fn compare(name: &str, seed: u64, count: usize) -> Outcome {
    let control_plane = ControlPlane::shared().await?;
    let client = control_plane.client()?;
    let namespace = Namespace::create(&client, name, &[], &[]).await?;
    let (scope, variables) = variables();
    let mut generator = Generator::new(seed);
    let mut found = Vec::new();
    let mut compared = 0;
    let pods = pods();
    let mut batch = 0;
    while compared < count {
        let plain = &pods[batch % pods.len()];
        let policy = format!("{name}-{batch}");
        batch += 1;
        let mut labelled = plain.clone();
        labelled["metadata"]["labels"]["policy"] = json!(policy);
        // With the API server's defaults.
        let seen = namespace.create_pod("dryRun=All", &labelled).await?;
        let mut seen = seen.body;
        seen["metadata"]
            .as_object_mut()
            .unwrap()
            .remove("managedFields");
        let pod = Pod(seen);
        let mut cases = Vec::new();
        while cases.len() < OF_ONE_POLICY {
            let (kind, source) = generator.expression();
            // A number may be none that JSON can hold.
            let source = match kind {
                Kind::Number => format!("string({source})"),
                _ => source,
            };
            match evaluated(&source, &scope, &variables, &pod) {
                Some(Ok(case)) => cases.push(case),
                Some(Err(refusal)) => found.push(refusal),
                None => {}
            }
        }
        match differences(&client, &namespace, &policy, plain, &cases).await {
            Ok(differing) => found.extend(differing),
            Err(failure) => found.push(failure.to_string()),
        }
        compared += cases.len();
    }
    assert!(
        found.is_empty(),
        "{} of {compared} differ:\n{}",
        found.len(),
        found.join("\n")
    );
    Ok(())
}

#[tokio::test]
async fn expressions_give_what_they_give_in_the_api_server() -> Outcome {
    let seed = std::env::var("PROPTEST_RNG_SEED").ok();
    let seed = seed.and_then(|seed| seed.parse().ok());
    let count = usize::try_from(cases(300)).unwrap();
    compare("expressions", seed.unwrap_or(20_261_129), count).await
}
