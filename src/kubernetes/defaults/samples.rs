//! Values for the tests of defaults.

use serde_json::{Value, json};

type Samples = Vec<(&'static str, Value, Value)>;

/// Values as somebody writes them and as the API server stores them, by their definitions.
pub(crate) fn samples() -> Samples {
    let fields = |written, stored| {
        let source = |reference: &Value| json!({"name": "A", "valueFrom": reference});
        ("EnvVar", source(&written), source(&stored))
    };
    let size = json!({"resourceFieldRef": {"resource": "limits.cpu"}});
    let size_stored = json!({"resourceFieldRef": {"resource": "limits.cpu", "divisor": "0"}});
    let probe = json!({"httpGet": {"port": 80, "path": "", "scheme": ""}, "timeoutSeconds": 0,
        "periodSeconds": 0, "initialDelaySeconds": 0});
    let probe_stored = json!({"httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
        "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3});
    let mut samples = vec![
        fields(size.clone(), size_stored.clone()),
        fields(
            json!({"fileKeyRef": {"volumeName": "v", "path": "a", "key": "A"}}),
            json!({"fileKeyRef": {"volumeName": "v", "path": "a", "key": "A", "optional": false}}),
        ),
        fields(
            json!({"fieldRef": {"fieldPath": "metadata.name", "apiVersion": ""}}),
            json!({"fieldRef": {"fieldPath": "metadata.name", "apiVersion": "v1"}}),
        ),
        (
            "EnvVar",
            json!({"name": "A", "value": ""}),
            json!({"name": "A"}),
        ),
        (
            "Volume",
            json!({"name": "v"}),
            json!({"name": "v", "emptyDir": {}}),
        ),
        ("Probe", probe, probe_stored),
        (
            "Toleration",
            json!({"key": "a", "operator": "Exists", "value": "", "effect": ""}),
            json!({"key": "a", "operator": "Exists"}),
        ),
        (
            "Container",
            json!({"name": "a", "resources": {"requests": {}}, "tty": false}),
            json!({"name": "a", "resources": {}, "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File"}),
        ),
    ];
    samples.extend(volumes());
    samples
}

/// The same of volumes.
fn volumes() -> Samples {
    let mode = 0o644;
    let volume = |kind: &str, written, stored| {
        let source = |source: &Value| json!({"name": "v", kind: source});
        ("Volume", source(&written), source(&stored))
    };
    let size = json!({"resourceFieldRef": {"resource": "limits.cpu"}});
    let size_stored = json!({"resourceFieldRef": {"resource": "limits.cpu", "divisor": "0"}});
    let item = |reference: &Value| {
        let mut item = reference.clone();
        item["path"] = json!("cpu");
        json!({"items": [item]})
    };
    let downward = json!({"items": item(&size_stored)["items"], "defaultMode": mode});
    let claim = json!({"accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}}});
    let mut claim_stored = claim.clone();
    claim_stored["volumeMode"] = json!("Filesystem");
    vec![
        volume("downwardAPI", item(&size), downward),
        volume(
            "projected",
            json!({"sources": [{"downwardAPI": item(&size)}]}),
            json!({"sources": [{"downwardAPI": item(&size_stored)}], "defaultMode": mode}),
        ),
        volume(
            "image",
            json!({"reference": "a:1"}),
            json!({"reference": "a:1", "pullPolicy": "IfNotPresent"}),
        ),
        volume(
            "image",
            json!({"reference": "r:5000/a", "pullPolicy": ""}),
            json!({"reference": "r:5000/a", "pullPolicy": "Always"}),
        ),
        volume(
            "ephemeral",
            json!({"volumeClaimTemplate": {"spec": claim}}),
            json!({"volumeClaimTemplate": {"metadata": {"creationTimestamp": null},
                "spec": claim_stored}}),
        ),
        volume(
            "iscsi",
            json!({"iqn": "i", "lun": 0, "targetPortal": "t", "readOnly": false}),
            json!({"iqn": "i", "lun": 0, "targetPortal": "t", "iscsiInterface": "default"}),
        ),
        volume(
            "rbd",
            json!({"image": "i", "monitors": ["m"]}),
            json!({"image": "i", "monitors": ["m"], "pool": "rbd", "user": "admin",
                "keyring": "/etc/ceph/keyring"}),
        ),
        volume(
            "azureDisk",
            json!({"diskName": "d", "diskURI": "u"}),
            json!({"diskName": "d", "diskURI": "u", "cachingMode": "ReadWrite", "fsType": "ext4",
                "readOnly": false, "kind": "Shared"}),
        ),
        volume(
            "scaleIO",
            json!({"gateway": "g", "system": "s", "secretRef": {"name": "s"}}),
            json!({"gateway": "g", "system": "s", "secretRef": {"name": "s"},
                "storageMode": "ThinProvisioned", "fsType": "xfs"}),
        ),
    ]
}
