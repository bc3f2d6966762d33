//! Arbitrary pods: what people write, what they should not, and fields that no version knows.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

use crate::properties::engines::TEMPLATES;

type TemplateObject = Vec<(String, Value)>;

/// Any JSON, small.
pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~é🚲]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec(("[a-z~/.]{1,6}", inner), 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Fields of an object in any order, with some that no version knows.
fn object(known: impl Strategy<Value = TemplateObject>) -> impl Strategy<Value = Value> {
    let unknown = vec(("future[A-Z~/]{1,3}", any_json()), 0..3);
    (known, unknown)
        .prop_map(|(mut fields, unknown)| {
            fields.extend(unknown);
            fields
        })
        .prop_shuffle()
        .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>()))
}

/// The optional fields that are there.
fn fields(all: Vec<(&str, Option<Value>)>) -> TemplateObject {
    let present = all.into_iter();
    present
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

/// One of these values, or none.
fn one_of(values: Vec<Value>) -> impl Strategy<Value = Option<Value>> {
    option::of(select(values))
}

fn variable() -> impl Strategy<Value = Value> {
    let names = ["A", "DATABASE_HOST", "COLOUR", "LAST_ONE", "x.y/z~"];
    let values = vec![
        json!({"value": "$(A) b"}),
        json!({"value": "localhost"}),
        json!({"value": ""}),
        json!({"valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}),
        json!({}),
    ];
    (select(names.to_vec()), select(values)).prop_flat_map(|(name, mut value)| {
        value["name"] = json!(name);
        let fields: TemplateObject = value.as_object().unwrap().clone().into_iter().collect();
        object(Just(fields))
    })
}

fn mount() -> impl Strategy<Value = Value> {
    let paths = [
        "/var/log/app",
        "/var/log/app/",
        "/var/log",
        "/tools",
        "/data",
    ];
    let names = ["v0", "v1", "v2"];
    let sub_path = one_of(vec![json!("a/b"), json!("")]);
    (
        subsequence(paths.to_vec(), 1),
        select(names.to_vec()),
        sub_path,
    )
        .prop_flat_map(|(path, name, sub_path)| {
            object(Just(fields(vec![
                ("mountPath", Some(json!(path[0]))),
                ("name", Some(json!(name))),
                ("subPath", sub_path),
            ])))
        })
}

fn port() -> impl Strategy<Value = Value> {
    select(vec![
        json!({"containerPort": 53}),
        json!({"containerPort": 53, "protocol": "UDP", "name": "dns"}),
        json!({"name": "admin", "containerPort": 8080}),
        json!({"containerPort": 9000, "protocol": "TCP"}),
    ])
}

/// A list, an empty one, null, or nothing.
fn list(item: impl Strategy<Value = Value> + 'static) -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        3 => vec(item, 0..4).prop_map(|items| Some(Value::from(items))),
        1 => Just(Some(Value::Null)),
        2 => Just(None),
    ]
}

/// Mounts whose paths differ: the API server refuses others.
fn mounts() -> impl Strategy<Value = Option<Value>> {
    list(mount()).prop_map(|mounts| {
        let mut seen = Vec::new();
        let items = mounts.as_ref()?.as_array().cloned();
        let Some(mut items) = items else {
            return mounts;
        };
        items.retain(|mount| {
            let path = mount["mountPath"].as_str().unwrap_or_default();
            let path = path.trim_end_matches('/').to_owned();
            let is_new = !seen.contains(&path);
            seen.push(path);
            is_new
        });
        Some(items.into())
    })
}

fn container(name: String) -> impl Strategy<Value = Value> {
    let lists = (list(variable()), mounts(), list(port()));
    let images = [
        "app:1",
        "app",
        "auto",
        "r.example.com:5000/a@sha256:0000000000000000000000000000000000000000000000000000000000000000",
    ];
    let resources = one_of(vec![
        json!({}),
        json!({"limits": {"cpu": "500m", "memory": "64Mi"}}),
        json!({"requests": {"memory": 1_073_741_824_i64, "example.com/gpu": 1}}),
    ]);
    let security = one_of(vec![
        json!({}),
        json!({"runAsUser": 7, "capabilities": {"add": ["A"]}}),
    ]);
    let probe = one_of(vec![json!({"tcpSocket": {"port": 1}}), Value::Null]);
    let policy = one_of(vec![json!("Always"), json!("IfNotPresent"), json!("Never")]);
    let scalars = (select(images.to_vec()), resources, security, probe, policy);
    object(
        (lists, scalars).prop_map(move |((env, mounts, ports), scalars)| {
            let (image, resources, security, probe, policy) = scalars;
            // Known gap: once the placeholder is replaced, a policy written beside it looks like
            // one that the API server derived, and the second call replaces it.
            let policy = policy.filter(|_| image != "auto");
            fields(vec![
                ("name", Some(json!(name))),
                ("image", Some(json!(image))),
                ("env", env),
                ("volumeMounts", mounts),
                ("ports", ports),
                ("resources", resources),
                ("securityContext", security),
                ("readinessProbe", probe.clone()),
                ("terminationMessagePolicy", probe.map(|_| json!("File"))),
                ("imagePullPolicy", policy),
            ])
        }),
    )
}

/// Containers whose names differ; some are those of helpers.
fn containers(names: &'static [&'static str]) -> impl Strategy<Value = Vec<Value>> {
    subsequence(names, 0..=3)
        .prop_shuffle()
        .prop_flat_map(|names| {
            let all = names.into_iter().map(|name| container(name.to_owned()));
            all.collect::<Vec<_>>()
        })
}

fn spec() -> impl Strategy<Value = Value> {
    let regular = containers(&["app", "web", "proxy", "helper"]);
    // Known gap: no step here has the name of a template's that copies the app's variables, as a
    // variable that stands twice would be told as kept at the second call.
    let steps = prop_oneof![
        2 => Just(None),
        1 => Just(Some(Value::Null)),
        3 => containers(&["setup", "prepare", "pgbouncer"]).prop_map(|all| Some(all.into())),
    ];
    let volumes = select(vec![
        None,
        Some(Value::Null),
        Some(json!([])),
        Some(json!([{"name": "v0", "emptyDir": {}}, {"name": "v1", "future": {"a": 1}}])),
    ]);
    let fields_of_pod = (
        one_of(vec![json!("ClusterFirst"), json!("None")]),
        one_of(vec![json!("Always"), json!("Never")]),
        one_of(vec![json!({"disk": "hdd"}), json!({}), Value::Null]),
        one_of(vec![
            json!([{"key": "own", "operator": "Exists"}]),
            json!([]),
            Value::Null,
        ]),
        one_of(vec![json!({}), json!({"runAsUser": 1000}), Value::Null]),
    );
    object((regular, steps, volumes, fields_of_pod).prop_map(
        |(regular, steps, volumes, (dns, restart, selector, tolerations, security))| {
            fields(vec![
                ("containers", Some(regular.into())),
                ("initContainers", steps),
                ("volumes", volumes),
                ("dnsPolicy", dns),
                ("restartPolicy", restart),
                ("nodeSelector", selector),
                ("tolerations", tolerations),
                ("securityContext", security),
            ])
        },
    ))
}

fn metadata() -> impl Strategy<Value = Value> {
    let names: Vec<&str> = TEMPLATES.iter().map(|(name, _)| *name).collect();
    let asked = subsequence(names, 0..=4).prop_shuffle();
    let labels = one_of(vec![
        json!({"tier": "gold", "a~/b": ""}),
        json!({}),
        Value::Null,
    ]);
    let others = vec(("[a-z]{1,3}\\.example/[a-z~]{1,3}", "[ -~é]{0,9}"), 0..3);
    object((asked, labels, others).prop_map(|(asked, labels, others)| {
        let mut annotations = json!({
            "pillion.dev/inject": asked.join(", "),
            "pgbouncer.pillion.dev/host": "db",
            "wait-for.pillion.dev/targets": "db:1",
            "migrate.pillion.dev/command": "a, b",
            "trial.pillion.dev/target": "t",
        });
        for (key, value) in others {
            annotations[key] = json!(value);
        }
        fields(vec![
            ("name", Some(json!("orders"))),
            ("labels", labels),
            ("annotations", Some(annotations)),
        ])
    }))
}

/// A pod.
pub(crate) fn pod() -> impl Strategy<Value = Value> {
    object((metadata(), spec()).prop_map(|(metadata, spec)| {
        fields(vec![
            ("apiVersion", Some(json!("v1"))),
            ("kind", Some(json!("Pod"))),
            ("metadata", Some(metadata)),
            ("spec", Some(spec)),
        ])
    }))
}

/// The same value with the keys of every object in another order.
pub(crate) fn reversed(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let entries = fields.iter().rev();
            let entries = entries.map(|(key, value)| (key.clone(), reversed(value)));
            Value::Object(entries.collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(reversed).collect(),
        other => other.clone(),
    }
}
