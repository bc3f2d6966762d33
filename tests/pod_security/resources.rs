//! LimitRanges, quotas and pods with resources of their own: refused where the checks say so, and
//! only there. Each pod has an app that is allowed alone, so that what is refused is the helper's.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::{LimitRange as LimitRangeObject, Pod as PodObject, ResourceQuota};
use pillion::check::resources::{LimitRange, Quota};
use pillion::check::{self, CheckContext, NamespaceFacts, Pod, Settings};
use pillion::finding::{Code, Finding};
use pillion::template::{Catalog, CatalogLookup, Source};
use serde_json::{Map, Value, json};

use crate::support::control_plane::ControlPlane;
use crate::support::failure::{Failure, Outcome};
use crate::support::namespace::Namespace;
use crate::support::wait::wait_until;

/// The controller counts a quota within a second or two.
const COUNTED: Duration = Duration::from_mins(1);

/// What the namespace has.
#[derive(Default)]
struct Known {
    limit_ranges: Vec<LimitRange>,
    quotas: Vec<Quota>,
}

/// What the checks find in a pod in which `helper` is a template's.
fn found(pod: &Value, known: &Known, code: Code) -> Vec<Finding> {
    let text = "apiVersion: pillion.dev/v1alpha1\nkind: ClusterInjectionTemplate\n\
                metadata: {name: mesh}\nspec: {metadata: {labels: {a: b}}}\n";
    let (path, text) = ("test.yaml".to_owned(), text.to_owned());
    let (catalog, errors) = Catalog::load(&[Source { path, text }], None);
    assert!(errors.is_empty(), "{errors:?}");
    let CatalogLookup::Template(template) = catalog.find("shop", "mesh") else {
        panic!("the template serves");
    };
    let labels = BTreeMap::new();
    let with = CheckContext {
        settings: &Settings::default(),
        kubernetes_minor: 37,
        surroundings: NamespaceFacts {
            namespace: "shop",
            labels: &labels,
            annotations: &labels,
            limit_ranges: &known.limit_ranges,
            quotas: &known.quotas,
            pulling_accounts: &std::collections::BTreeSet::new(),
            user: None,
        },
        templates: &[template.as_ref()],
    };
    let view = Pod::read(pod, &|name| (name == "helper").then_some("mesh"));
    let mut findings = check::findings(&view, &with);
    findings.retain(|finding| finding.code == code);
    findings
}

/// `cpu/memory`; `-` for none.
fn amounts(text: &str) -> Value {
    let names = ["cpu", "memory"].into_iter().zip(text.split('/'));
    let said = names.filter(|(_, amount)| *amount != "-");
    let said: Map<_, _> = said
        .map(|(name, amount)| (name.to_owned(), json!(amount)))
        .collect();
    Value::Object(said)
}

fn container(name: &str, requests: &str, limits: &str) -> Value {
    json!({"name": name, "image": "example.com/a:1",
        "resources": {"requests": amounts(requests), "limits": amounts(limits)}})
}

/// Where the helper stands.
#[derive(Debug, Clone, Copy)]
enum As {
    Classic,
    Native,
    Step,
}

/// A pod with an app and, where it is given, a helper.
fn pod(helper: Option<(As, &str, &str)>, spec: &Value) -> Value {
    let mut spec = spec.clone();
    spec["terminationGracePeriodSeconds"] = json!(0);
    spec["containers"] = json!([container("app", "500m/64Mi", "500m/64Mi")]);
    if let Some((place, requests, limits)) = helper {
        let mut helper = container("helper", requests, limits);
        match place {
            As::Classic => spec["containers"].as_array_mut().unwrap().push(helper),
            As::Native => {
                helper["restartPolicy"] = json!("Always");
                spec["initContainers"] = json!([helper]);
            }
            As::Step => spec["initContainers"] = json!([helper]),
        }
    }
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, "spec": spec})
}

/// Helpers of every kind and size: requests and limits.
fn helpers() -> Vec<(As, &'static str, &'static str)> {
    let sizes = [
        ("-/-", "-/-"),
        ("50m/16Mi", "-/-"),
        ("49m/-", "-/-"),
        ("100m/-", "250m/-"),
        ("-/-", "600m/128Mi"),
        ("600m/32Mi", "600m/32Mi"),
        ("-/65Mi", "-/-"),
        ("-/10Mi", "-/31Mi"),
        ("400m/1Mi", "1001m/64Mi"),
    ];
    let places = [As::Classic, As::Native, As::Step];
    let all = places
        .into_iter()
        .flat_map(|place| sizes.map(|(requests, limits)| (place, requests, limits)));
    all.collect()
}

/// Counts agreements, and collects what differs.
#[derive(Default)]
struct Comparison {
    refused: usize,
    accepted: usize,
    wrong: Vec<String>,
}

impl Comparison {
    /// Asks the API server for a pod that was judged.
    async fn judge(&mut self, namespace: &Namespace, pod: &Value, found: &[Finding]) -> Outcome {
        let answer = namespace.create_pod("dryRun=All", pod).await?;
        let message = answer.message();
        let told = found.iter().all(|finding| {
            // Behind the last colon stand the API server's own words, where they are its.
            let words = finding.message.rsplit_once("not allow");
            let words = words.and_then(|(_, words)| words.split_once(": "));
            words.is_none_or(|(_, words)| message.contains(words))
        });
        if answer.granted() != found.is_empty() || !told {
            self.wrong.push(format!(
                "{pod}\n  ours   {found:?}\n  theirs {} {message}",
                answer.status
            ));
        }
        if answer.granted() {
            self.accepted += 1;
        } else {
            self.refused += 1;
        }
        Ok(())
    }

    fn end(&self, least: usize) {
        let wrong = &self.wrong;
        assert!(
            wrong.is_empty(),
            "{} differ:\n{}",
            wrong.len(),
            wrong.join("\n")
        );
        assert!(self.refused >= least, "only {} were refused", self.refused);
        assert!(
            self.accepted >= least,
            "only {} were accepted",
            self.accepted
        );
    }
}

/// The app alone is allowed, so that a refusal is the helper's.
async fn allows_the_app(namespace: &Namespace, spec: &Value) -> Outcome {
    let answer = namespace.create_pod("dryRun=All", &pod(None, spec)).await?;
    if answer.granted() {
        return Ok(());
    }
    Err(Failure::new(format!("the app alone: {}", answer.message())))
}

#[tokio::test]
async fn limit_ranges_refuse_what_is_said() -> Outcome {
    let client = ControlPlane::shared().await?.client()?;
    let limits = [
        json!([{"type": "Container", "min": {"cpu": "50m"}}]),
        json!([{"type": "Container", "max": {"cpu": "1"}}]),
        json!([{"type": "Container", "max": {"memory": "64Mi"}, "min": {"memory": "10Mi"}}]),
        json!([{"type": "Container", "maxLimitRequestRatio": {"cpu": 2}}]),
        json!([{"type": "Container", "maxLimitRequestRatio": {"memory": "1700m"},
                "default": {"memory": "96Mi"}, "defaultRequest": {"memory": "60Mi"}}]),
        json!([{"type": "Container", "default": {"memory": "64Mi", "cpu": "200m"}}]),
        json!([{"type": "Pod", "max": {"cpu": "1"}}]),
        json!([{"type": "Pod", "max": {"memory": "128Mi"}, "min": {"cpu": "100m"},
                "maxLimitRequestRatio": {"cpu": "1100m"}}]),
        json!([{"type": "Container", "defaultRequest": {"cpu": "200m"}, "default": {"cpu": "300m"}},
               {"type": "Pod", "max": {"cpu": "700m"}}]),
    ];
    let mut comparison = Comparison::default();
    for limits in limits {
        let namespace = Namespace::create(&client, "bounded", &[], &[]).await?;
        let object = json!({"metadata": {"name": "bounds"}, "spec": {"limits": limits}});
        // As it is written, not as the API server has filled it in.
        let known = Known {
            limit_ranges: vec![LimitRange::read(&object)],
            ..Known::default()
        };
        let _: LimitRangeObject = namespace.create_object(object).await?;
        allows_the_app(&namespace, &json!({})).await?;
        for helper in helpers() {
            let pod = pod(Some(helper), &json!({}));
            let found = found(&pod, &known, Code::LimitRangeViolated);
            comparison.judge(&namespace, &pod, &found).await?;
        }
    }
    comparison.end(30);
    Ok(())
}

#[tokio::test]
async fn quotas_refuse_what_is_said() -> Outcome {
    let client = ControlPlane::shared().await?.client()?;
    let specs = [
        json!({"hard": {"requests.cpu": "1500m"}}),
        json!({"hard": {"cpu": "1100m", "memory": "160Mi"}}),
        json!({"hard": {"limits.cpu": "1700m"}}),
        json!({"hard": {"limits.memory": "256Mi", "pods": "5"}}),
        json!({"hard": {"requests.ephemeral-storage": "1Gi", "count/pods": "2"}}),
        json!({"hard": {"requests.cpu": "1"}, "scopes": ["Terminating"]}),
        json!({"hard": {"pods": "1", "requests.cpu": "1100m"}, "scopes": ["NotTerminating", "NotBestEffort"]}),
        json!({"hard": {"memory": "1Mi"}, "scopeSelector": {"matchExpressions":
            [{"scopeName": "PriorityClass", "operator": "Exists"}]}}),
    ];
    let mut comparison = Comparison::default();
    for mut spec in specs {
        if let Some(pods) = spec["hard"].get_mut("pods") {
            *pods = json!("2");
        }
        let namespace = Namespace::create(&client, "counted", &[], &[]).await?;
        let object = json!({"metadata": {"name": "team"}, "spec": spec});
        let _: ResourceQuota = namespace.create_object(object).await?;
        counted(&namespace, "0").await?;
        let mut other = pod(None, &json!({}));
        other["metadata"]["name"] = json!("other");
        wait_until("the first pod", COUNTED, async || {
            let made = namespace.create_object::<PodObject>(other.clone()).await;
            made.map(drop).map_err(|failure| failure.to_string())
        })
        .await?;
        let known = Known {
            quotas: vec![counted(&namespace, "").await?],
            ..Known::default()
        };
        allows_the_app(&namespace, &json!({})).await?;
        for helper in helpers() {
            let pod = pod(Some(helper), &json!({}));
            let found = found(&pod, &known, Code::QuotaExceeded);
            comparison.judge(&namespace, &pod, &found).await?;
        }
    }
    comparison.end(30);
    Ok(())
}

/// The quota once the controller has counted: everything used where `used` is empty.
async fn counted(namespace: &Namespace, used: &str) -> Outcome<Quota> {
    wait_until("the quota's status", COUNTED, async || {
        let quota = namespace.api::<ResourceQuota>().get("team").await;
        let quota = quota.map_err(|error| error.to_string())?;
        let value = serde_json::to_value(&quota).map_err(|error| error.to_string())?;
        let status = value["status"]["used"].as_object();
        let amounts: Vec<&Value> = status.into_iter().flat_map(|used| used.values()).collect();
        if amounts.is_empty() {
            return Err("not counted yet".to_owned());
        }
        // A quota that does not count the other pod, or counts what it has not, stays at zero.
        let applies =
            value["spec"]["scopes"][0] != "Terminating" && value["spec"]["scopeSelector"].is_null();
        if used.is_empty() && applies && amounts.iter().all(|amount| **amount == "0") {
            return Err("the other pod is not counted yet".to_owned());
        }
        Ok(Quota::read(&value))
    })
    .await
}

#[tokio::test]
async fn pods_with_resources_of_their_own_refuse_what_is_said() -> Outcome {
    let client = ControlPlane::shared().await?.client()?;
    let namespace = Namespace::create(&client, "whole", &[], &[]).await?;
    let own = [
        json!({"requests": {"cpu": "1"}}),
        json!({"requests": {"cpu": "1"}, "limits": {"cpu": "1"}}),
        json!({"requests": {"memory": "100Mi"}, "limits": {"memory": "1Gi"}}),
        json!({"requests": {"cpu": "500m", "memory": "64Mi"}}),
        json!({"limits": {"cpu": "700m", "memory": "100Mi"}}),
        json!({"limits": {"memory": "96Mi"}}),
    ];
    let mut comparison = Comparison::default();
    for own in own {
        let spec = json!({"resources": own});
        allows_the_app(&namespace, &spec).await?;
        for helper in helpers() {
            let pod = pod(Some(helper), &spec);
            let known = Known::default();
            let found = found(&pod, &known, Code::PodResourcesExceeded);
            comparison.judge(&namespace, &pod, &found).await?;
        }
    }
    comparison.end(30);
    Ok(())
}
