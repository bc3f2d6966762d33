//! One table: what is checked, and what the API server would say to it.

use serde_json::{Value, json};

use super::names::Spelling;
use super::{Step, check};

/// `path: message` of each problem.
fn problems(definition: &str, value: &Value) -> Vec<String> {
    let path = |steps: &[Step]| {
        let words = steps.iter().map(|step| match step {
            Step::Field(name) => name.to_string(),
            Step::Index(index) => index.to_string(),
        });
        words.collect::<Vec<_>>().join("/")
    };
    check(definition, value)
        .iter()
        .map(|problem| format!("{}: {}", path(&problem.path), problem.message))
        .collect()
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is one table")]
fn what_the_api_server_refuses_is_refused() {
    let table = [
        (
            "Container",
            json!({"image": ""}),
            "image: `image` must not be empty",
        ),
        (
            "Container",
            json!({"imagePullPolicy": "always"}),
            "imagePullPolicy: expected one of",
        ),
        (
            "Container",
            json!({"ports": [{"name": "a", "containerPort": 1}, {"name": "a", "containerPort": 2}]}),
            "ports/1/name: `a` is the name of ports[0] already",
        ),
        (
            "ContainerPort",
            json!({"containerPort": 0}),
            "containerPort: expected 1 to 65535, found 0",
        ),
        (
            "ContainerPort",
            json!({"protocol": "QUIC"}),
            "protocol: expected one of TCP, UDP, SCTP",
        ),
        (
            "ContainerPort",
            json!({"name": "UPPER"}),
            "name: `UPPER` is not a port's name",
        ),
        (
            "EnvVar",
            json!({"name": "A=B"}),
            "name: `A=B` is not a variable's name",
        ),
        (
            "EnvVar",
            json!({"name": "A", "value": "b", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}),
            ": `value` and `valueFrom` exclude each other",
        ),
        ("EnvVarSource", json!({}), ": one of configMapKeyRef"),
        (
            "Probe",
            json!({"tcpSocket": {"port": 1}, "exec": {"command": ["a"]}}),
            ": only one of",
        ),
        (
            "Probe",
            json!({"periodSeconds": -1, "tcpSocket": {"port": 1}}),
            "periodSeconds: expected at least 0",
        ),
        (
            "Container",
            json!({"startupProbe": {"successThreshold": 2, "tcpSocket": {"port": 1}}}),
            "startupProbe/successThreshold: the successThreshold",
        ),
        (
            "VolumeMount",
            json!({"mountPath": "a"}),
            "mountPath: `a` must begin with `/`",
        ),
        (
            "VolumeMount",
            json!({"mountPath": "/a", "subPath": "../b"}),
            "subPath: `../b` must be",
        ),
        (
            "ResourceRequirements",
            json!({"requests": {"cpu": "2"}, "limits": {"cpu": "1500m"}}),
            "requests/cpu: the request for cpu is above its limit",
        ),
        (
            "SecurityContext",
            json!({"privileged": true, "allowPrivilegeEscalation": false}),
            "allowPrivilegeEscalation: `allowPrivilegeEscalation: false` excludes",
        ),
        (
            "Volume",
            json!({"emptyDir": {"medium": "memory"}}),
            "emptyDir/medium: expected Memory",
        ),
        (
            "Volume",
            json!({"secret": {"secretName": "a", "defaultMode": 512}}),
            "secret/defaultMode: expected a file mode",
        ),
        (
            "PodSpec",
            json!({"tolerations": [{}]}),
            "tolerations/0: a toleration without `key`",
        ),
        (
            "PodSpec",
            json!({"nodeSelector": {"a": "b c"}}),
            "nodeSelector/a: `b c` is not a label's value",
        ),
    ];
    for (definition, value, expected) in table {
        let found = problems(definition, &value);
        assert_eq!(found.len(), 1, "{definition} {value}: {found:?}");
        assert!(found[0].starts_with(expected), "{value}: {found:?}");
    }
}

#[test]
fn what_is_valid_or_unknown_is_not_held_against_a_template() {
    let table = [
        (
            "Container",
            json!({"image": null, "ports": null, "env": null}),
        ),
        (
            "Container",
            json!({"livenessProbe": {"exec": null, "httpGet": null}}),
        ),
        (
            "Container",
            json!({"livenessProbe": {"exec": {"$when": null, "command": ["a"]}, "tcpSocket": {"port": 1}}}),
        ),
        (
            "Container",
            json!({"volumeMounts": [{"$when": null, "mountPath": "/a"}, {"mountPath": "/a"}]}),
        ),
        (
            "Container",
            json!({"livenessProbe": {"httpGet": {"port": "http"}, "successThreshold": 1}}),
        ),
        (
            "EnvVar",
            json!({"name": "A.b-C_1", "value": "", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['a']"}}}),
        ),
        (
            "VolumeMount",
            json!({"mountPath": "C:\\data", "subPath": "a/..b"}),
        ),
        (
            "ResourceRequirements",
            json!({"requests": {"cpu": "1", "$when": null}, "limits": {"cpu": 1, "example.com/x": 2}}),
        ),
        (
            "ContainerPort",
            json!({"containerPort": 65535, "hostPort": 0, "name": "a-1"}),
        ),
        (
            "PodSpec",
            json!({"tolerations": [{"operator": "Exists"}], "dnsPolicy": "None", "dnsConfig": {"nameservers": ["::1"]}}),
        ),
        ("Container", json!({"aFieldOfTomorrow": {"x": 1}})),
    ];
    for (definition, value) in table {
        assert_eq!(
            problems(definition, &value),
            [""; 0],
            "{definition} {value}"
        );
    }
}

#[test]
fn texts_are_spelled_as_the_api_server_asks() {
    let long = "a".repeat(254);
    let table = [
        (Spelling::Object, "a.b-c", "loki. -x a..b .a A a.-b a_b"),
        (Spelling::ObjectPrefix, "a- aA- a-- a.b", "- a..b -a"),
        (Spelling::Label, "a-b 1", "a.b -a a- A"),
        (Spelling::DataKey, "A_b.c- .a -", ". .. ..a a/b a=b"),
        (Spelling::FileVariable, "1a a/b ..", "a=b \u{e9} a\tb"),
        (Spelling::SearchDomain, ". a. _a.b_c a", ".. a..b -a a_ A"),
        (Spelling::Driver, "a.B-c", "a_b a. -a"),
        (
            Spelling::Signer,
            "a.b/c a.b/c.d-e",
            "a/b a.b a.b/c/d a.b/ A.b/c",
        ),
        (Spelling::TrustBundle, "a.b a.b:c:d-e", ":a a: a..b A a:b:C"),
        (Spelling::Sysctl, "a.b_c/d-e a", "A a. .a a..b _a"),
        (
            Spelling::ResourceField,
            "limits.cpu requests.hugepages-2Mi",
            "cpu limits.gpu limits.",
        ),
        (Spelling::Path, "/a a/..b ..a", ".. a/.. ../a"),
        (Spelling::AbsolutePath, "/ /a", "a ./a"),
        (Spelling::Inside, "a/b ..a a/..b", "/a .. a/../b"),
        (Spelling::InsideVisible, "a/b a/..b", "/a .. ..a a/../b"),
    ];
    for (spelling, right, wrong) in table {
        for text in right.split(' ') {
            assert_eq!(spelling.problem(text), None, "{spelling:?}");
        }
        for text in wrong.split(' ') {
            assert!(spelling.problem(text).is_some(), "{spelling:?} `{text}`");
        }
    }
    for spelling in [
        Spelling::Object,
        Spelling::Label,
        Spelling::DataKey,
        Spelling::Driver,
    ] {
        assert!(spelling.problem(&long).is_some(), "{spelling:?}");
    }
    assert!(Spelling::Unpadded.problem(" a").is_some());
}
