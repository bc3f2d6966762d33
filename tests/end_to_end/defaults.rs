//! What the API server makes of everything that a template can put into a pod: with what our table of
//! defaults adds, a pod as it is written is the pod as it is stored.
//!
//! Each API type that a container, a volume or a field of the pod can hold is written here with as
//! little as it takes, so that a default which a new version brings is missed here first.

use std::collections::{BTreeMap, BTreeSet};

use pillion::kubernetes::defaults::fill;
use pillion::kubernetes::element_digest::element_digest;
use pillion::kubernetes::schema::FieldType;
use serde_json::{Map, Value, json};

use crate::end_to_end::pod_fields;
use crate::support::control_plane::ControlPlane;
use crate::support::failure::{Failure, Outcome};
use crate::support::namespace::Namespace;

/// API types of metadata, which only the template of a claim has.
const ELSEWHERE: [&str; 3] = ["ManagedFieldsEntry", "ObjectMeta", "OwnerReference"];

fn variables() -> Value {
    let from = |name: &str, source: Value| json!({"name": name, "valueFrom": source});
    json!([
        {"name": "EMPTY", "value": ""},
        from("FIELD", json!({"fieldRef": {"fieldPath": "metadata.name"}})),
        from("SIZE", json!({"resourceFieldRef": {"resource": "limits.cpu"}})),
        from("MAP", json!({"configMapKeyRef": {"name": "a", "key": "b"}})),
        from("SECRET", json!({"secretKeyRef": {"name": "a", "key": "b"}})),
        from("FILE", json!({"fileKeyRef": {"volumeName": "empty", "path": "a", "key": "A"}})),
    ])
}

fn containers() -> Value {
    json!([
        {
            "name": "everything",
            "image": "registry.example.com/a",
            "command": [], "args": ["a"], "stdin": false, "workingDir": "",
            "env": variables(),
            "envFrom": [{"configMapRef": {"name": "a"}}, {"secretRef": {"name": "a"}, "prefix": ""}],
            "ports": [{"containerPort": 80}, {"containerPort": 53, "protocol": "UDP", "hostPort": 0}],
            "volumeMounts": [{"name": "empty", "mountPath": "/a", "readOnly": false}],
            "volumeDevices": [{"name": "block", "devicePath": "/dev/b"}],
            "resources": {"limits": {"cpu": "1"}, "claims": [{"name": "gpu"}]},
            "resizePolicy": [{"resourceName": "cpu", "restartPolicy": "NotRequired"}],
            "restartPolicy": "Never",
            "restartPolicyRules": [{"action": "Restart",
                "exitCodes": {"operator": "In", "values": [1]}}],
            "lifecycle": {
                "postStart": {"httpGet": {"port": 80}},
                "preStop": {"sleep": {"seconds": 0}},
            },
            "livenessProbe": {"httpGet": {"port": 80, "httpHeaders": [{"name": "A", "value": ""}]}},
            "readinessProbe": {"grpc": {"port": 80}, "timeoutSeconds": 0, "initialDelaySeconds": 0},
            "startupProbe": {"exec": {"command": ["a"]}},
            "securityContext": {
                "capabilities": {"drop": ["ALL"], "add": []},
                "seccompProfile": {"type": "RuntimeDefault"},
                "appArmorProfile": {"type": "RuntimeDefault"},
                "seLinuxOptions": {"level": "a"},
                "windowsOptions": {"runAsUserName": "a"},
            },
        },
        {
            "name": "little",
            "image": "registry.example.com/b:1",
            "resources": {"requests": {}},
            "livenessProbe": {"tcpSocket": {"port": 80}},
            "lifecycle": {"preStop": {"tcpSocket": {"port": 80}},
                "postStart": {"exec": {"command": ["a"]}}},
        },
        {"name": "least", "image": "registry.example.com/c:latest"},
    ])
}

fn projections() -> Value {
    json!([
        {"serviceAccountToken": {"path": "token"}},
        {"configMap": {"name": "a", "items": [{"key": "a", "path": "b"}]}},
        {"secret": {"name": "a", "items": []}},
        {"downwardAPI": {"items": [
            {"path": "name", "fieldRef": {"fieldPath": "metadata.name"}},
            {"path": "cpu", "resourceFieldRef":
                {"containerName": "everything", "resource": "limits.cpu"}},
        ]}},
        {"clusterTrustBundle": {"signerName": "example.com/a", "path": "a.pem"}},
        {"podCertificate": {"signerName": "example.com/a", "keyType": "ED25519",
            "credentialBundlePath": "b.pem"}},
    ])
}

fn claims() -> (Value, Value) {
    let claim = |more: &Value| {
        let mut spec = json!({"accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}}});
        for (name, value) in more.as_object().into_iter().flatten() {
            spec[name] = value.clone();
        }
        json!({"volumeClaimTemplate": {"spec": spec}})
    };
    let source =
        json!({"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "a"});
    (
        claim(
            &json!({"dataSource": source, "selector": {"matchExpressions":
            [{"key": "a", "operator": "Exists", "values": []}]}}),
        ),
        claim(&json!({"dataSourceRef": source, "storageClassName": ""})),
    )
}

fn volumes() -> Value {
    let (claim, other) = claims();
    let secret = json!({"name": "a"});
    let sources = json!({
        "empty": {"emptyDir": {}},
        "nothing": {},
        "block": {"persistentVolumeClaim": {"claimName": "a", "readOnly": false}},
        "claim": {"ephemeral": claim},
        "other-claim": {"ephemeral": other},
        "image": {"image": {"reference": "registry.example.com/a"}},
        "pinned": {"image": {"reference": "registry.example.com/a:1", "pullPolicy": ""}},
        "projected": {"projected": {"sources": projections()}},
        "map": {"configMap": {"name": "a"}},
        "secret": {"secret": {"secretName": "a"}},
        "downward": {"downwardAPI": {"items": [{"path": "cpu", "resourceFieldRef":
            {"containerName": "everything", "resource": "limits.cpu"}}]}},
        "host": {"hostPath": {"path": "/a"}},
        "nfs": {"nfs": {"server": "a", "path": "/a"}},
        "csi": {"csi": {"driver": "example.com", "nodePublishSecretRef": secret}},
        "iscsi": {"iscsi": {"targetPortal": "10.0.0.1:3260", "lun": 0,
            "iqn": "iqn.2001-04.com.example:a", "secretRef": secret}},
        "rbd": {"rbd": {"monitors": ["a"], "image": "a", "secretRef": secret}},
        "azure": {"azureDisk": {"diskName": "a", "diskURI": "https://a.blob.core.windows.net/b/c.vhd"}},
        "azure-file": {"azureFile": {"secretName": "a", "shareName": "a"}},
        "scale-io": {"scaleIO": {"gateway": "a", "system": "a", "secretRef": secret,
            "volumeName": "a"}},
        "aws": {"awsElasticBlockStore": {"volumeID": "a", "partition": 0}},
        "ceph": {"cephfs": {"monitors": ["a"], "secretRef": secret}},
        "cinder": {"cinder": {"volumeID": "a", "secretRef": secret}},
        "fc": {"fc": {"wwids": ["a"]}},
        "flex": {"flexVolume": {"driver": "a/b", "secretRef": secret}},
        "flocker": {"flocker": {"datasetName": "a"}},
        "gce": {"gcePersistentDisk": {"pdName": "a"}},
        "git": {"gitRepo": {"repository": "a"}},
        "gluster": {"glusterfs": {"endpoints": "a", "path": "a"}},
        "photon": {"photonPersistentDisk": {"pdID": "a"}},
        "portworx": {"portworxVolume": {"volumeID": "a"}},
        "quobyte": {"quobyte": {"registry": "a:1", "volume": "a"}},
        "storage-os": {"storageos": {"volumeName": "a", "secretRef": secret}},
        "vsphere": {"vsphereVolume": {"volumePath": "a"}},
    });
    let named = sources.as_object().into_iter().flatten();
    let volumes = named.map(|(name, source)| {
        let mut volume = source.clone();
        volume["name"] = json!(name);
        volume
    });
    volumes.collect()
}

/// The fields of the pod's spec that a template may set.
fn pod_fields() -> Value {
    let labels = json!({"matchLabels": {"a": "b"}});
    let term = json!({"topologyKey": "a", "labelSelector": labels});
    let requirement = json!({"key": "a", "operator": "Exists", "values": []});
    let pods = json!({
        "requiredDuringSchedulingIgnoredDuringExecution": [term],
        "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": term}],
    });
    json!({
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution":
                    {"nodeSelectorTerms": [{"matchExpressions": [requirement]}]},
                "preferredDuringSchedulingIgnoredDuringExecution":
                    [{"weight": 1, "preference": {"matchExpressions": [requirement]}}],
            },
            "podAffinity": pods,
            "podAntiAffinity": pods,
        },
        "dnsConfig": {"options": [{"name": "debug"}, {"name": "a", "value": ""}], "searches": []},
        "dnsPolicy": "",
        "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["a"]}],
        "imagePullSecrets": [{"name": "a"}],
        "nodeSelector": {},
        "securityContext": {
            "sysctls": [{"name": "kernel.shm_rmid_forced", "value": "0"}],
            "supplementalGroups": [],
            "seLinuxOptions": {"level": "a", "user": ""},
            "windowsOptions": {},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "shareProcessNamespace": false,
        "tolerations": [{"key": "a", "operator": "Exists", "value": "", "effect": ""}],
        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "a",
            "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": labels, "matchLabelKeys": []}],
    })
}

fn spec() -> Value {
    let mut spec = pod_fields();
    spec["containers"] = containers();
    spec["initContainers"] =
        json!([{"name": "first", "image": "a@sha256:1", "restartPolicy": "Always"}]);
    spec["volumes"] = volumes();
    spec["resourceClaims"] = json!([{"name": "gpu", "resourceClaimName": "gpu"}]);
    spec
}

/// The spec of a pod as the API server stores it.
async fn stored(namespace: &Namespace, spec: &Value) -> Outcome<Value> {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": spec});
    let answer = namespace.create_pod("dryRun=All", &pod).await?;
    if !answer.granted() {
        return Err(Failure::new(format!("refused: {}", answer.message())));
    }
    let mut spec = answer.body["spec"].clone();
    // An admission plugin's, which no template has written.
    if let Some(tolerations) = spec["tolerations"].as_array_mut() {
        tolerations.retain(|toleration| toleration["tolerationSeconds"] != 300);
    }
    Ok(spec)
}

async fn namespace() -> Outcome<Namespace> {
    let client = ControlPlane::shared().await?.client()?;
    Namespace::create(&client, "defaults", &[], &[]).await
}

/// The elements of the lists and the other fields, each with its type.
fn parts(spec: &Value) -> BTreeMap<String, (FieldType, Value)> {
    let mut parts = BTreeMap::new();
    for (list, definition) in [
        ("containers", "Container"),
        ("initContainers", "Container"),
        ("volumes", "Volume"),
    ] {
        for item in spec[list].as_array().into_iter().flatten() {
            let name = item["name"].as_str().unwrap_or_default();
            let ty = FieldType::Object(definition.to_owned());
            parts.insert(format!("{list} {name}"), (ty, item.clone()));
        }
    }
    for (field, _) in pod_fields::cases() {
        let mut alone = Map::new();
        if let Some(value) = spec.get(field) {
            alone.insert(field.to_owned(), value.clone());
        }
        let ty = FieldType::Object("PodSpec".to_owned());
        parts.insert(field.to_owned(), (ty, Value::Object(alone)));
    }
    parts
}

/// The parts of a spec whose digests are others once they are stored.
fn changed(written: &Value, stored: &Value) -> Vec<String> {
    let stored = parts(stored);
    let written = parts(written).into_iter();
    let changed = written.filter_map(|(name, (ty, value))| {
        let (_, now) = stored.get(&name)?;
        let is_same = element_digest(&ty, &value) == element_digest(&ty, now);
        (!is_same).then(|| format!("{name}: {value} is stored as {now}"))
    });
    changed.collect()
}

#[tokio::test]
async fn with_our_defaults_what_is_written_is_what_is_stored() -> Outcome {
    let spec = spec();
    let stored = stored(&namespace().await?, &spec).await?;
    assert_eq!(changed(&spec, &stored), [""; 0]);
    let filled = |spec: &Value| {
        let mut spec = spec.clone();
        fill("PodSpec", &mut spec);
        spec
    };
    let (written, received) = (filled(&spec), filled(&stored));
    for (name, (_, value)) in parts(&written) {
        let received = &parts(&received)[&name].1;
        assert_eq!(value, *received, "{name}");
    }
    // The API server did its part.
    let cpu = "/containers/0/env/2/valueFrom/resourceFieldRef/divisor";
    assert_eq!(stored.pointer(cpu), Some(&json!("0")));
    Ok(())
}

#[tokio::test]
async fn what_a_feature_gate_drops_is_as_it_was() -> Outcome {
    let spec = json!({
        "containers": [
            {
                "name": "a", "image": "a:1",
                "lifecycle": {"stopSignal": "SIGUSR1"},
                "volumeMounts": [{"name": "v", "mountPath": "/v", "bindMountOptions": ["noexec"]}],
                "livenessProbe": {"grpc": {"port": 80, "mode": "Plaintext"}},
                "readinessProbe": {"httpGet": {"port": 80, "protocol": "HTTP2"}},
            },
        ],
        "volumes": [
            {"name": "v", "emptyDir": {"mode": 0o700}},
            {"name": "w", "secret": {"secretName": "a", "defaultUser": 1,
                "items": [{"key": "a", "path": "b", "user": 1}]}},
        ],
    });
    let stored = stored(&namespace().await?, &spec).await?;
    assert_eq!(changed(&spec, &stored), [""; 0]);
    let dropped = stored.pointer("/containers/0/lifecycle/stopSignal");
    assert_eq!(dropped, None, "the gate is on: {stored}");
    Ok(())
}

/// The API types of the schema, each with the types of its fields.
fn schema() -> BTreeMap<String, BTreeMap<String, String>> {
    let text = include_str!("../../src/kubernetes/schema/pod.json");
    serde_json::from_str(text).unwrap()
}

/// The definition that a type of the schema names, of lists and maps that of their elements.
fn named(ty: &str) -> &str {
    ty.trim_matches(['[', ']', '{', '}', '!'])
}

#[test]
fn every_api_type_that_a_template_can_set_is_tried() {
    let schema = schema();
    let spec = spec();
    let mut tried = BTreeSet::new();
    let mut places = vec![("PodSpec".to_owned(), spec)];
    while let Some((definition, value)) = places.pop() {
        match value {
            Value::Array(items) => {
                places.extend(items.into_iter().map(|item| (definition.clone(), item)));
            }
            Value::Object(fields) => {
                tried.insert(definition.clone());
                let known = schema.get(&definition).into_iter().flatten();
                places.extend(known.filter_map(|(name, ty)| {
                    Some((named(ty).to_owned(), fields.get(name)?.clone()))
                }));
            }
            _ => {}
        }
    }
    let mut settable = BTreeSet::new();
    let mut roots = vec!["Container", "Volume"];
    let fields = pod_fields::cases();
    roots.extend(
        fields
            .iter()
            .map(|(field, _)| named(&schema["PodSpec"][*field])),
    );
    while let Some(definition) = roots.pop() {
        let Some(fields) = schema.get(definition) else {
            continue;
        };
        if !ELSEWHERE.contains(&definition) && settable.insert(definition) {
            roots.extend(fields.values().map(|ty| named(ty)));
        }
    }
    settable.retain(|definition| !tried.contains(*definition));
    assert_eq!(settable, BTreeSet::new());
}
