//! Pods that violate the standards, each in one way or in several: the same ones in every run.

use serde_json::{Map, Value, json};

/// One way to change a pod: its name, where, and what is put there. `…/-` adds to a list.
type Change = (&'static str, &'static str, Value);

/// A pod that level restricted allows: a step, a sidecar, and an app.
fn hardened() -> Value {
    let context = json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}});
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod", "annotations": {}},
        "spec": {
            "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
            "initContainers": [
                {"name": "step", "image": "example.com/a:1", "securityContext": context},
                {"name": "beside", "image": "example.com/a:1", "restartPolicy": "Always",
                 "securityContext": context}],
            "containers": [
                {"name": "app", "image": "example.com/a:1", "securityContext": context},
                {"name": "other", "image": "example.com/a:1", "securityContext": context}],
            "volumes": []}})
}

/// A pod that says nothing at all.
fn bare() -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod", "annotations": {}},
        "spec": {"containers": [{"name": "app", "image": "example.com/a:1"}], "volumes": []}})
}

/// A pod for Windows, which may have none of the Linux fields.
fn windows() -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod", "annotations": {}},
        "spec": {"os": {"name": "windows"}, "securityContext": {"runAsNonRoot": true},
            "containers": [{"name": "app", "image": "example.com/a:1"}], "volumes": []}})
}

/// Changes of a context, at the container's place or the pod's.
fn contexts() -> Vec<Change> {
    let app = "/spec/containers/0/securityContext";
    let step = "/spec/initContainers/0/securityContext";
    let pod = "/spec/securityContext";
    let at = |name, place: &str, field: &str, value: Value| -> Change {
        (
            name,
            Box::leak(format!("{place}/{field}").into_boxed_str()),
            value,
        )
    };
    vec![
        at("escalation", app, "allowPrivilegeEscalation", json!(true)),
        at(
            "escalation unsaid",
            step,
            "allowPrivilegeEscalation",
            Value::Null,
        ),
        at(
            "usual capability",
            app,
            "capabilities",
            json!({"drop": ["ALL"], "add": ["CHOWN"]}),
        ),
        at(
            "low ports",
            app,
            "capabilities",
            json!({"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}),
        ),
        at(
            "capabilities",
            step,
            "capabilities",
            json!({"drop": ["ALL"], "add": ["SYS_TIME", "NET_ADMIN", "NET_ADMIN", "KILL"]}),
        ),
        at(
            "drops some",
            app,
            "capabilities",
            json!({"drop": ["NET_RAW"]}),
        ),
        at("drops none", app, "capabilities", Value::Null),
        at(
            "adds only",
            step,
            "capabilities",
            json!({"add": ["NET_RAW"]}),
        ),
        (
            "privileged",
            "/spec/containers/0/securityContext",
            json!({"privileged": true, "capabilities": {"drop": ["ALL"]}}),
        ),
        at("not privileged", app, "privileged", json!(false)),
        at("proc default", app, "procMount", json!("Default")),
        at("root allowed", app, "runAsNonRoot", json!(false)),
        at("root allowed by pod", pod, "runAsNonRoot", json!(false)),
        at("root unsaid", pod, "runAsNonRoot", Value::Null),
        at("user root", app, "runAsUser", json!(0)),
        at("user", step, "runAsUser", json!(1000)),
        at("user root by pod", pod, "runAsUser", json!(0)),
        at(
            "seccomp off",
            app,
            "seccompProfile",
            json!({"type": "Unconfined"}),
        ),
        at(
            "seccomp of the node",
            app,
            "seccompProfile",
            json!({"type": "Localhost", "localhostProfile": "a.json"}),
        ),
        at(
            "seccomp off by pod",
            pod,
            "seccompProfile",
            json!({"type": "Unconfined"}),
        ),
        at("seccomp unsaid", pod, "seccompProfile", Value::Null),
        at(
            "armor off",
            app,
            "appArmorProfile",
            json!({"type": "Unconfined"}),
        ),
        at(
            "armor of the node",
            step,
            "appArmorProfile",
            json!({"type": "Localhost", "localhostProfile": "a"}),
        ),
        at(
            "armor off by pod",
            pod,
            "appArmorProfile",
            json!({"type": "Unconfined"}),
        ),
        at(
            "selinux type",
            app,
            "seLinuxOptions",
            json!({"type": "spc_t"}),
        ),
        at(
            "selinux engine",
            app,
            "seLinuxOptions",
            json!({"type": "container_engine_t"}),
        ),
        at(
            "selinux init",
            app,
            "seLinuxOptions",
            json!({"type": "container_init_t", "level": "s0"}),
        ),
        at(
            "selinux user",
            step,
            "seLinuxOptions",
            json!({"user": "system_u", "role": "r"}),
        ),
        at(
            "selinux by pod",
            pod,
            "seLinuxOptions",
            json!({"type": "spc_t", "role": "r"}),
        ),
    ]
}

/// Changes of other fields.
fn fields() -> Vec<Change> {
    let app = "/spec/containers/0";
    let at = |name, field: &str, value: Value| -> Change {
        (
            name,
            Box::leak(format!("{app}/{field}").into_boxed_str()),
            value,
        )
    };
    let port = |host: u16| json!([{"containerPort": 8080, "hostPort": host}]);
    vec![
        ("host network", "/spec/hostNetwork", json!(true)),
        ("host processes", "/spec/hostPID", json!(true)),
        ("host communication", "/spec/hostIPC", json!(true)),
        ("user namespace", "/spec/hostUsers", json!(false)),
        at("host port", "ports", port(80)),
        at("port", "ports", json!([{"containerPort": 8080}])),
        (
            "host port of the sidecar",
            "/spec/initContainers/1/ports",
            json!([{"containerPort": 1, "hostPort": 9001}, {"containerPort": 2, "hostPort": 9001,
                    "protocol": "UDP"}]),
        ),
        at(
            "probe host",
            "readinessProbe",
            json!({"httpGet": {"port": 1, "host": "10.0.0.9"}}),
        ),
        at("probe", "livenessProbe", json!({"tcpSocket": {"port": 1}})),
        (
            "probe host of the sidecar",
            "/spec/initContainers/1/startupProbe",
            json!({"tcpSocket": {"port": 1, "host": "a.example"}}),
        ),
        at(
            "hook host",
            "lifecycle",
            json!({"preStop": {"httpGet": {"port": 1, "host": "b.example"}},
            "postStart": {"httpGet": {"port": 1, "host": "10.0.0.9"}}}),
        ),
        (
            "safe sysctl",
            "/spec/securityContext/sysctls",
            json!([{"name": "kernel.shm_rmid_forced", "value": "1"}]),
        ),
        (
            "newer sysctls",
            "/spec/securityContext/sysctls",
            json!([{"name": "net.ipv4.tcp_rmem", "value": "1 2 3"},
                   {"name": "net.ipv4.tcp_keepalive_time", "value": "1"},
                   {"name": "net.ipv4.ip_local_reserved_ports", "value": "1"},
                   {"name": "net.ipv4.tcp_notsent_lowat", "value": "1"}]),
        ),
        (
            "sysctl",
            "/spec/securityContext/sysctls",
            json!([{"name": "kernel.msgmax", "value": "1"}]),
        ),
        (
            "armor annotation",
            "/metadata/annotations/container.apparmor.security.beta.kubernetes.io~1app",
            json!("unconfined"),
        ),
        (
            "armor annotation of the node",
            "/metadata/annotations/container.apparmor.security.beta.kubernetes.io~1step",
            json!("localhost/a"),
        ),
        (
            "seccomp annotation",
            "/metadata/annotations/container.seccomp.security.alpha.kubernetes.io~1app",
            json!("unconfined"),
        ),
    ]
}

/// A volume of every source that the API has.
fn volumes() -> Vec<Change> {
    let sources = json!({
        "hostPath": {"path": "/a"}, "gcePersistentDisk": {"pdName": "a"},
        "awsElasticBlockStore": {"volumeID": "a"}, "gitRepo": {"repository": "a"},
        "nfs": {"server": "a", "path": "/a"},
        "iscsi": {"targetPortal": "a", "iqn": "iqn.2001-04.com.example:a", "lun": 0},
        "glusterfs": {"endpoints": "a", "path": "a"}, "rbd": {"monitors": ["a"], "image": "a"},
        "flexVolume": {"driver": "a"}, "cinder": {"volumeID": "a"}, "cephfs": {"monitors": ["a"]},
        "flocker": {"datasetName": "a"}, "fc": {"targetWWNs": ["a"], "lun": 0},
        "azureFile": {"secretName": "a", "shareName": "a"}, "vsphereVolume": {"volumePath": "a"},
        "quobyte": {"registry": "a:1", "volume": "a"},
        "azureDisk": {"diskName": "a", "diskURI":
            "https://a.blob.core.windows.net/a/a.vhd"},
        "photonPersistentDisk": {"pdID": "a"}, "portworxVolume": {"volumeID": "a"},
        "scaleIO": {"gateway": "a", "system": "a", "volumeName": "a", "secretRef": {"name": "a"}},
        "storageos": {"volumeName": "a"},
        "configMap": {"name": "a"}, "secret": {"secretName": "a"}, "emptyDir": {},
        "downwardAPI": {"items": [{"path": "a", "fieldRef": {"fieldPath": "metadata.name"}}]},
        "projected": {"sources": []}, "csi": {"driver": "a.example"},
        "persistentVolumeClaim": {"claimName": "a"}, "image": {"reference": "example.com/a:1"},
        "ephemeral": {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}}}}},
        "unsaid": null,
    });
    let sources = sources.as_object().unwrap().clone();
    let volume = |(source, value): (String, Value)| -> Change {
        let name = source.to_lowercase();
        let volume = match value.is_null() {
            true => json!({"name": name}),
            false => json!({"name": name, source.as_str(): value}),
        };
        (
            Box::leak(source.into_boxed_str()),
            "/spec/volumes/-",
            volume,
        )
    };
    sources.into_iter().map(volume).collect()
}

/// Puts a value at a place; null takes away what is there.
fn apply(pod: &mut Value, (_, place, value): &Change) {
    let (parent, field) = place.rsplit_once('/').unwrap();
    let field = field.replace("~1", "/");
    let mut at = pod;
    for part in parent.split('/').skip(1) {
        at = match at {
            Value::Array(items) => match items.get_mut(part.parse::<usize>().unwrap()) {
                Some(item) => item,
                None => return,
            },
            Value::Object(fields) => fields
                .entry(part)
                .or_insert_with(|| Value::Object(Map::new())),
            _ => return,
        };
    }
    match at {
        Value::Array(items) => items.push(value.clone()),
        Value::Object(fields) if value.is_null() => {
            fields.remove(&field);
        }
        Value::Object(fields) => {
            fields.insert(field, value.clone());
        }
        _ => {}
    }
}

/// A pod, and what was done to it.
#[derive(Debug)]
pub(crate) struct Generated {
    /// What was done.
    pub(crate) name: String,
    /// The pod.
    pub(crate) pod: Value,
    /// Whether it is one change alone, which must be valid.
    pub(crate) single: bool,
}

/// Every change alone, and many in combination.
pub(crate) fn all() -> Vec<Generated> {
    let changes: Vec<Change> = [contexts(), fields(), volumes()].concat();
    let mut pods = Vec::new();
    let mut add = |base: fn() -> Value, what: &str, changes: &[&Change]| {
        let mut pod = base();
        changes.iter().for_each(|change| apply(&mut pod, change));
        let names: Vec<_> = changes.iter().map(|(name, ..)| *name).collect();
        pods.push(Generated {
            name: format!("{what}: {}", names.join(" + ")),
            pod,
            single: changes.len() < 2,
        });
    };
    add(hardened, "hardened", &[]);
    add(bare, "bare", &[]);
    add(windows, "windows", &[]);
    // A hardened pod has a field that may not contradict the annotation.
    let annotated: Change = (
        "seccomp annotations",
        "/metadata/annotations",
        json!({"seccomp.security.alpha.kubernetes.io/pod": "unconfined",
               "container.seccomp.security.alpha.kubernetes.io/app": "unconfined",
               "container.seccomp.security.alpha.kubernetes.io/nobody": "unconfined"}),
    );
    add(bare, "bare", &[&annotated]);
    let on_host: Change = (
        "host process",
        "/spec/securityContext/windowsOptions",
        json!({"hostProcess": true}),
    );
    let network: Change = ("host network", "/spec/hostNetwork", json!(true));
    let container: Change = (
        "host process of one",
        "/spec/containers/0/securityContext/windowsOptions",
        json!({"hostProcess": true}),
    );
    add(windows, "windows", &[&on_host, &network]);
    add(windows, "windows", &[&container, &network]);
    let unmasked: Change = (
        "proc",
        "/spec/containers/0/securityContext/procMount",
        json!("Unmasked"),
    );
    let user_namespace: Change = ("user namespace", "/spec/hostUsers", json!(false));
    for base in [hardened, bare] {
        add(base, "unmasked", &[&unmasked, &user_namespace]);
        let root: Change = ("user root", "/spec/securityContext/runAsUser", json!(0));
        add(base, "root", &[&root, &user_namespace]);
    }
    for change in &changes {
        add(hardened, "hardened", &[change]);
    }
    // Steps without a common divisor with the number of changes meet every pair of distances.
    for (distance, third) in [(7, 11), (13, 29), (31, 5)] {
        for (index, change) in changes.iter().enumerate().step_by(2) {
            let other = &changes[(index + distance) % changes.len()];
            let more = &changes[(index * 3 + third) % changes.len()];
            let base = if index % 3 == 0 { bare } else { hardened };
            add(base, "together", &[change, other, more]);
        }
    }
    pods
}
