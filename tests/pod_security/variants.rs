//! Pods that violate the standards, each in one way or in several: the same ones in every run.

use serde_json::{Map, Value, json};

/// One way to change a pod: its name, where, and what is put there. `…/-` adds to a list.
type Change = (String, String, Value);

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

/// Changes of contexts and of other fields: the name, where, and what is put there.
const CHANGES: &str = r#"
escalation @ app/securityContext/allowPrivilegeEscalation = true
escalation unsaid @ step/securityContext/allowPrivilegeEscalation = null
usual capability @ app/securityContext/capabilities = {"drop": ["ALL"], "add": ["CHOWN"]}
low ports @ app/securityContext/capabilities = {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}
capabilities @ step/securityContext/capabilities = {"drop": ["ALL"], "add": ["SYS_TIME", "NET_ADMIN", "NET_ADMIN", "KILL"]}
drops some @ app/securityContext/capabilities = {"drop": ["NET_RAW"]}
drops none @ app/securityContext/capabilities = null
adds only @ step/securityContext/capabilities = {"add": ["NET_RAW"]}
privileged @ app/securityContext = {"privileged": true, "capabilities": {"drop": ["ALL"]}}
not privileged @ app/securityContext/privileged = false
proc default @ app/securityContext/procMount = "Default"
root allowed @ app/securityContext/runAsNonRoot = false
root allowed by pod @ spec/securityContext/runAsNonRoot = false
root unsaid @ spec/securityContext/runAsNonRoot = null
user root @ app/securityContext/runAsUser = 0
user @ step/securityContext/runAsUser = 1000
user root by pod @ spec/securityContext/runAsUser = 0
seccomp off @ app/securityContext/seccompProfile = {"type": "Unconfined"}
seccomp of the node @ app/securityContext/seccompProfile = {"type": "Localhost", "localhostProfile": "a.json"}
seccomp off by pod @ spec/securityContext/seccompProfile = {"type": "Unconfined"}
seccomp unsaid @ spec/securityContext/seccompProfile = null
armor off @ app/securityContext/appArmorProfile = {"type": "Unconfined"}
armor of the node @ step/securityContext/appArmorProfile = {"type": "Localhost", "localhostProfile": "a"}
armor off by pod @ spec/securityContext/appArmorProfile = {"type": "Unconfined"}
selinux type @ app/securityContext/seLinuxOptions = {"type": "spc_t"}
selinux engine @ app/securityContext/seLinuxOptions = {"type": "container_engine_t"}
selinux init @ app/securityContext/seLinuxOptions = {"type": "container_init_t", "level": "s0"}
selinux user @ step/securityContext/seLinuxOptions = {"user": "system_u", "role": "r"}
selinux by pod @ spec/securityContext/seLinuxOptions = {"type": "spc_t", "role": "r"}
host network @ spec/hostNetwork = true
host processes @ spec/hostPID = true
host communication @ spec/hostIPC = true
user namespace @ spec/hostUsers = false
host port @ app/ports = [{"containerPort": 8080, "hostPort": 80}]
port @ app/ports = [{"containerPort": 8080}]
host ports of the sidecar @ beside/ports = [{"containerPort": 1, "hostPort": 9001}, {"containerPort": 2, "hostPort": 9001, "protocol": "UDP"}]
probe host @ app/readinessProbe = {"httpGet": {"port": 1, "host": "10.0.0.9"}}
probe @ app/livenessProbe = {"tcpSocket": {"port": 1}}
probe host of the sidecar @ beside/startupProbe = {"tcpSocket": {"port": 1, "host": "a.example"}}
hook hosts @ app/lifecycle = {"preStop": {"httpGet": {"port": 1, "host": "b.example"}}, "postStart": {"httpGet": {"port": 1, "host": "10.0.0.9"}}}
safe sysctl @ spec/securityContext/sysctls = [{"name": "kernel.shm_rmid_forced", "value": "1"}]
newer sysctls @ spec/securityContext/sysctls = [{"name": "net.ipv4.tcp_rmem", "value": "1 2 3"}, {"name": "net.ipv4.tcp_keepalive_time", "value": "1"}, {"name": "net.ipv4.ip_local_reserved_ports", "value": "1"}, {"name": "net.ipv4.tcp_notsent_lowat", "value": "1"}]
sysctl @ spec/securityContext/sysctls = [{"name": "kernel.msgmax", "value": "1"}]
armor annotation @ annotations/container.apparmor.security.beta.kubernetes.io~1app = "unconfined"
armor annotation of the node @ annotations/container.apparmor.security.beta.kubernetes.io~1step = "localhost/a"
seccomp annotation @ annotations/container.seccomp.security.alpha.kubernetes.io~1app = "unconfined"
"#;

/// Where the places of the table are.
const PLACES: [(&str, &str); 5] = [
    ("app/", "/spec/containers/0/"),
    ("step/", "/spec/initContainers/0/"),
    ("beside/", "/spec/initContainers/1/"),
    ("annotations/", "/metadata/annotations/"),
    ("spec/", "/spec/"),
];

/// The changes of the table.
fn changes() -> Vec<Change> {
    let change = |line: &'static str| {
        let (name, rest) = line.split_once(" @ ").unwrap();
        let (place, value) = rest.split_once(" = ").unwrap();
        let mut places = PLACES.into_iter();
        let place = places.find_map(|(short, long)| {
            let rest = place.strip_prefix(short)?;
            Some(format!("{long}{rest}"))
        });
        let value = serde_json::from_str(value).unwrap();
        (name.to_owned(), place.unwrap(), value)
    };
    CHANGES
        .lines()
        .filter(|line| !line.is_empty())
        .map(change)
        .collect()
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
        let mut volume = json!({"name": source.to_lowercase()});
        if !value.is_null() {
            volume[source.as_str()] = value;
        }
        (source, "/spec/volumes/-".to_owned(), volume)
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

/// A change that only some pods can have.
fn special(name: &str, place: &str, value: Value) -> Change {
    (name.to_owned(), place.to_owned(), value)
}

/// Adds a base with changes.
fn add(pods: &mut Vec<Generated>, base: fn() -> Value, changes: &[&Change]) {
    let mut pod = base();
    for change in changes {
        apply(&mut pod, change);
    }
    let names: Vec<&str> = changes.iter().map(|(name, ..)| name.as_str()).collect();
    pods.push(Generated {
        name: format!("{} {}", pods.len(), names.join(" + ")),
        pod,
        single: changes.len() < 2,
    });
}

/// Every change alone, and many in combination.
pub(crate) fn all() -> Vec<Generated> {
    let changes: Vec<Change> = [changes(), volumes()].concat();
    let mut pods = Vec::new();
    for base in [hardened, bare, windows] {
        add(&mut pods, base, &[]);
    }
    only_together(&mut pods);
    for change in &changes {
        add(&mut pods, hardened, &[change]);
    }
    // Steps without a common divisor with the number of changes meet every pair of distances.
    for (distance, third) in [(7, 11), (13, 29), (31, 5)] {
        for (index, change) in changes.iter().enumerate().step_by(2) {
            let other = &changes[(index + distance) % changes.len()];
            let more = &changes[(index * 3 + third) % changes.len()];
            let base = if index % 3 == 0 { bare } else { hardened };
            add(&mut pods, base, &[change, other, more]);
        }
    }
    pods
}

/// Changes that validation allows in certain pods alone.
fn only_together(pods: &mut Vec<Generated>) {
    // A hardened pod has a field that may not contradict the annotation.
    let annotations = json!({"seccomp.security.alpha.kubernetes.io/pod": "unconfined",
        "container.seccomp.security.alpha.kubernetes.io/app": "unconfined",
        "container.seccomp.security.alpha.kubernetes.io/nobody": "unconfined"});
    let annotations = special("seccomp annotations", "/metadata/annotations", annotations);
    add(pods, bare, &[&annotations]);
    let network = special("host network", "/spec/hostNetwork", json!(true));
    for context in [
        "/spec/securityContext",
        "/spec/containers/0/securityContext",
    ] {
        let place = format!("{context}/windowsOptions");
        let on_host = special("host process", &place, json!({"hostProcess": true}));
        add(pods, windows, &[&on_host, &network]);
    }
    let place = "/spec/containers/0/securityContext/procMount";
    let unmasked = special("unmasked", place, json!("Unmasked"));
    let root = special("root", "/spec/securityContext/runAsUser", json!(0));
    let user_namespace = special("user namespace", "/spec/hostUsers", json!(false));
    for base in [hardened, bare] {
        add(pods, base, &[&unmasked, &user_namespace]);
        add(pods, base, &[&root, &user_namespace]);
    }
}
