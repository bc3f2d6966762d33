//! Lines, on a template with everything that moves elements: conditions, lists from expressions,
//! names that the engine makes.

use serde_json::json;

use super::*;
use crate::explain::fields;
use crate::inject::pod::List;

const TEMPLATE: &str = r#"apiVersion: pillion.dev/v1alpha1
kind: ClusterInjectionTemplate
metadata: {name: proxy}
spec:
  parameters:
    port: {type: integer, default: 80}
  sidecars:
    - name: proxy
      image: registry.example.com/proxy:1
      args:
        - --port


        - ${string(params.port)}
      env:
        - {$when: params.port == 81, name: A, value: "1"}
        - name: B
          value: "2"
        - {name: C, value: "${string(params.port)}"}
      readinessProbe:
        tcpSocket: {port: 80}
      volumeMounts:
        - {name: config, mountPath: /etc/proxy}
  volumes:
    - name: config
      files:
        a.txt: a
        b.txt: |-
          b
  app:
    env:
      - {name: PROXY, value: "on"}
  metadata:
    labels: {proxied: "yes"}
"#;

fn sources() -> Vec<Source> {
    let text = TEMPLATE.to_owned();
    vec![Source {
        path: "proxy.yaml".to_owned(),
        text,
    }]
}

fn told(to: AddedTo, value: Value) -> Vec<String> {
    let sources = sources();
    let (catalog, errors) = Catalog::load(&sources, None);
    assert!(errors.is_empty(), "{errors:#?}");
    let crate::template::CatalogLookup::Template(template) = catalog.find("shop", "proxy") else {
        panic!("no template")
    };
    let mut lines = Lines::new(&catalog, &sources);
    assert_eq!(lines.file(template).as_deref(), Some("proxy.yaml"));
    let additions = [Addition { to, value }];
    fields::of(template, &additions, &mut lines)
        .into_iter()
        .map(|field| format!("{}:{}", field.path, field.line.unwrap_or_default()))
        .collect()
}

#[test]
fn a_container_tells_the_line_of_each_field() {
    let container = json!({
        "name": "proxy", "image": "registry.example.com/proxy:1", "args": ["--port", "80"],
        "env": [{"name": "B", "value": "2"}, {"name": "C", "value": "80"}],
        "readinessProbe": {"tcpSocket": {"port": 80}},
        "volumeMounts": [{"name": "proxy-config", "mountPath": "/etc/proxy"}],
        "restartPolicy": "Always", "startupProbe": {"tcpSocket": {"port": 80}, "periodSeconds": 1},
    });
    let name = "proxy".to_owned();
    let expected = [
        "name:8",
        "image:9",
        "args[0]:11",
        "args[1]:14",
        "env[0].name:17",
        "env[0].value:18",
        "env[1].name:19",
        "env[1].value:19",
        "readinessProbe.tcpSocket.port:21",
        "volumeMounts[0].name:23",
        "volumeMounts[0].mountPath:23",
        "restartPolicy:8",
        "startupProbe.tcpSocket.port:21",
        "startupProbe.periodSeconds:20",
    ];
    let expected = expected.map(|field| format!("spec.initContainers[proxy].{field}"));
    assert_eq!(
        told(AddedTo::List(List::InitContainers, name), container),
        expected
    );
}

#[test]
fn volumes_files_edits_and_labels_are_found() {
    let table = [
        (
            AddedTo::List(List::Volumes, "proxy-config".to_owned()),
            json!({"name": "proxy-config", "downwardAPI": {"items": [{"path": "a.txt"}]}}),
            vec![
                "spec.volumes[proxy-config].name:25",
                "spec.volumes[proxy-config].downwardAPI.items[0].path:26",
            ],
        ),
        (
            AddedTo::Annotation("pillion.dev/file.proxy-config.b.txt".to_owned()),
            json!("b"),
            vec!["metadata.annotations[pillion.dev/file.proxy-config.b.txt]:28"],
        ),
        (
            AddedTo::Container(List::Containers, "app".to_owned(), "/env".to_owned()),
            json!([{"name": "PROXY", "value": "on"}]),
            vec![
                "spec.containers[app].env[0].name:32",
                "spec.containers[app].env[0].value:32",
            ],
        ),
        (
            AddedTo::Container(List::Containers, "app".to_owned(), "/env/3".to_owned()),
            json!({"name": "PROXY", "value": "on"}),
            vec![
                "spec.containers[app].env[3].name:32",
                "spec.containers[app].env[3].value:32",
            ],
        ),
        (
            AddedTo::Container(
                List::InitContainers,
                "proxy".to_owned(),
                "/image".to_owned(),
            ),
            json!("registry.example.com/proxy:1"),
            vec!["spec.initContainers[proxy].image:9"],
        ),
        (
            AddedTo::Label("proxied".to_owned()),
            json!("yes"),
            vec!["metadata.labels[proxied]:34"],
        ),
    ];
    for (to, value, expected) in table {
        assert_eq!(told(to, value), expected);
    }
}
