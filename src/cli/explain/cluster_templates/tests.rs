//! What is said of a pod whose template's text in the cluster is broken or cannot be read.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::explain::{Explanation, Question, Registration};
use crate::inject::{Engine, RequestContext, Settings};

/// What is explained of a pod with these annotations in a namespace with these labels.
fn explained(listed: &[Listed], annotations: &Value, labels: &Value) -> Explanation {
    let (catalog, _) = known(listed);
    let catalog = Catalog::layered([&catalog, &Catalog::built_in()]);
    let mut settings = Settings::default();
    let namespace = json!({"metadata": {"labels": labels}});
    let namespace = crate::inject::Namespace::of_object(&namespace);
    settings.namespaces.insert("shop", namespace);
    let engine = Engine::new(Arc::new(catalog), Arc::new(settings));
    let subject = RequestContext {
        namespace: "shop".to_owned(),
        ..RequestContext::default()
    };
    let pod = json!({
        "metadata": {"name": "p1", "annotations": annotations},
        "spec": {"containers": [{"name": "app", "image": "app"}]},
    });
    let question = Question::Pod {
        subject: &subject,
        pod: &pod.to_string(),
    };
    let registration = Registration {
        from: "nowhere".to_owned(),
        configurations: Err("not asked".to_owned()),
    };
    engine.explain(&question, &registration, &[]).unwrap()
}

fn known(listed: &[Listed]) -> (Catalog, Vec<String>) {
    catalog(listed.iter().map(|(plural, read)| (*plural, read)))
}

fn of_cluster(read: Read<ObjectPage>) -> Vec<Listed> {
    vec![("clusterinjectiontemplates", read)]
}

fn broken(status: &Value, requirement: &str) -> Vec<Listed> {
    let template = json!({
        "metadata": {"name": "clock"},
        "spec": {"requirement": requirement, "metadata": {"labels": {"a": "${params.nobody}"}}},
        "status": status,
    });
    of_cluster(Read::Found(ObjectPage {
        items: vec![template],
        more: false,
    }))
}

fn forbidden() -> Vec<Listed> {
    of_cluster(Read::Unknown("403 Forbidden".to_owned()))
}

#[test]
fn a_refusal_is_told_only_where_it_is_known() {
    let last_good = json!({"servedRevision": "abc123"});
    let mandatory = json!({"pillion.dev/mandatory": ""});
    let asks = json!({"pillion.dev/inject": "clock"});
    let table = [
        (
            broken(&json!({}), "Optional"),
            &asks,
            json!({}),
            "Denied (TemplateBroken)",
            "no earlier revision",
        ),
        (
            broken(&last_good, "Optional"),
            &asks,
            json!({}),
            "Unknown (TemplateUnknown)",
            "its earlier revision abc123 is served",
        ),
        (
            broken(&last_good, "Mandatory"),
            &json!({}),
            mandatory,
            "Unknown (TemplateUnknown)",
            "its earlier revision abc123 is served",
        ),
        (
            forbidden(),
            &asks,
            json!({}),
            "Unknown (TemplateUnknown)",
            "whether there is a template `clock` is not known",
        ),
        (
            of_cluster(Read::Missing),
            &asks,
            json!({}),
            "Denied (TemplateNotFound)",
            "there is no template `clock`",
        ),
    ];
    for (listed, annotations, labels, judgement, message) in table {
        let told = explained(&listed, annotations, &labels);
        assert_eq!(told.judgement(), judgement, "{told:#?}");
        assert!(told.message.contains(message), "{told:#?}");
        let is_known = told.verdict.is_some();
        assert_eq!(told.stopped_by.is_some(), is_known, "{told:#?}");
        let json = serde_json::to_value(&told).unwrap();
        let word = judgement.split(' ').next().unwrap();
        assert_eq!(json["verdict"], word);
    }
}

#[test]
fn what_is_not_known_is_noted_with_what_to_do() {
    let (_, notes) = known(&forbidden());
    assert!(
        notes
            .iter()
            .any(|note| note.contains("you need: list clusterinjectiontemplates"))
    );
    let (_, notes) = known(&broken(&json!({"servedRevision": "abc123"}), "Optional"));
    assert!(
        notes
            .iter()
            .any(|note| note.contains("ClusterInjectionTemplate/clock") && note.contains("abc123"))
    );
}
