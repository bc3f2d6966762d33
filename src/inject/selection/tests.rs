//! Every cell of the precedence table, against an independent statement of its rules, and the cells
//! that people ask about by hand.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::template::Source;

mod broken;

/// `must` is mandatory, `auto` selects itself by the pod's label `app: auto`, `late` comes last.
fn catalog() -> Catalog {
    let template = |name: &str, spec: &str| {
        format!(
            "apiVersion: pillion.dev/v1alpha1\nkind: ClusterInjectionTemplate\n\
             metadata: {{name: {name}}}\nspec: {{{spec}}}\n"
        )
    };
    let text = [
        template("must", "requirement: Mandatory"),
        template(
            "auto",
            "selector: {podSelector: {matchLabels: {app: auto}}}",
        ),
        template("a", ""),
        template("b", ""),
        template("late", "order: 5"),
        template("broken", "nonsense: 1"),
    ]
    .join("---\n");
    let path = "templates.yaml".to_owned();
    Catalog::load(&[Source { path, text }], None).0
}

/// One pod in one namespace.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a column of the table"
)]
#[derive(Debug, Clone, Copy, Default)]
struct Case {
    excluded: bool,
    mirror: bool,
    from_node: bool,
    mandatory: bool,
    pod_label: Option<&'static str>,
    namespace_label: Option<&'static str>,
    pod_list: Option<&'static str>,
    namespace_list: Option<&'static str>,
    selected: bool,
}

fn pairs<'a, T: From<&'a str> + Ord>(list: &[(&'a str, Option<&'a str>)]) -> BTreeMap<T, T> {
    list.iter()
        .filter_map(|(key, value)| Some(((*key).into(), (*value)?.into())))
        .collect()
}

/// The templates' names joined by `,`, or the reason for none.
fn selected(catalog: &Catalog, case: Case) -> String {
    let flag = |on: bool| on.then_some("");
    let namespace_object = Namespace {
        labels: pairs(&[
            (INJECTION, case.namespace_label),
            (MANDATORY, flag(case.mandatory)),
        ]),
        annotations: pairs(&[(INJECT, case.namespace_list)]),
        ..Namespace::default()
    };
    let labels = pairs(&[
        (INJECT, case.pod_label),
        ("app", case.selected.then_some("auto")),
    ]);
    let annotations = pairs(&[(INJECT, case.pod_list), (MIRROR, flag(case.mirror))]);
    let asked = SelectionInput {
        namespace: if case.excluded { "kube-system" } else { "shop" },
        namespace_object: &namespace_object,
        labels: &labels,
        annotations: &annotations,
        from_node: case.from_node,
    };
    let selection = select(catalog, &Settings::default(), asked);
    crate::explain::rules::tests::agree(catalog, asked, &selection);
    match selection {
        Selection::Templates(templates) => {
            let names: Vec<_> = templates.iter().map(|t| t.name.clone()).collect();
            names.join(",")
        }
        Selection::Nothing(Refusal {
            reason, message, ..
        }) => {
            assert!(!message.is_empty());
            reason.code().to_owned()
        }
    }
}

/// The rules, said once more and in another way: first who may not, then a set that grows and
/// shrinks, then the order.
fn expected(case: Case) -> String {
    if case.excluded {
        return "NamespaceExcluded".to_owned();
    }
    if case.mirror && case.from_node {
        return "MirrorPod".to_owned();
    }
    if !matches!(case.pod_label, None | Some("true" | "false")) {
        return "LabelInvalid".to_owned();
    }
    let mut wanted: BTreeSet<(u8, &str)> = BTreeSet::new();
    let kept_out = if case.pod_label == Some("false") {
        Some("OptedOut")
    } else if case.namespace_label == Some("disabled") && case.pod_label != Some("true") {
        Some("NamespaceDisabled")
    } else {
        None
    };
    if kept_out.is_none() {
        let enabled = case.pod_label == Some("true") || case.namespace_label == Some("enabled");
        let pod: Vec<&str> = case.pod_list.unwrap_or_default().split(',').collect();
        let namespace = case.namespace_list.unwrap_or_default().split(',');
        if enabled {
            let mut own: BTreeSet<&str> = namespace.filter(|name| !name.starts_with('-')).collect();
            if case.selected {
                own.insert("auto");
            }
            let taken: Vec<&str> = case.namespace_list.unwrap_or_default().split(',').collect();
            own.retain(|name| !taken.contains(&format!("-{name}").as_str()));
            wanted.extend(own.iter().map(|name| (0, *name)));
        }
        wanted.extend(
            pod.iter()
                .filter(|name| !name.starts_with('-'))
                .map(|name| (0, *name)),
        );
        wanted.retain(|(_, name)| !pod.contains(&format!("-{name}").as_str()));
        wanted.remove(&(0, ""));
    }
    if case.mandatory {
        wanted.insert((0, "must"));
    }
    if wanted.remove(&(0, "late")) {
        wanted.insert((5, "late"));
    }
    if wanted.is_empty() {
        return kept_out.unwrap_or("NotRequested").to_owned();
    }
    let names: Vec<_> = wanted.iter().map(|(_, name)| *name).collect();
    names.join(",")
}

#[test]
fn every_cell_is_as_the_rules_say() {
    let catalog = catalog();
    let flags = [false, true];
    let mut cells = 0;
    for excluded in flags {
        for (mirror, from_node) in [(false, false), (true, false), (false, true), (true, true)] {
            for (mandatory, selected_by_label) in
                [(false, false), (false, true), (true, false), (true, true)]
            {
                for pod_label in [None, Some("true"), Some("false"), Some("yes"), Some("")] {
                    for namespace_label in [None, Some("enabled"), Some("disabled"), Some("else")] {
                        for pod_list in [
                            None,
                            Some(""),
                            Some("a"),
                            Some("late,b,a"),
                            Some("-a"),
                            Some("b,-auto"),
                            Some("-must"),
                            Some("a,-a"),
                        ] {
                            for namespace_list in
                                [None, Some("a"), Some("late,a"), Some("-auto"), Some("must")]
                            {
                                let case = Case {
                                    excluded,
                                    mirror,
                                    from_node,
                                    mandatory,
                                    pod_label,
                                    namespace_label,
                                    pod_list,
                                    namespace_list,
                                    selected: selected_by_label,
                                };
                                assert_eq!(selected(&catalog, case), expected(case), "{case:?}");
                                cells += 1;
                            }
                        }
                    }
                }
            }
        }
    }
    assert_eq!(cells, 2 * 4 * 4 * 5 * 4 * 8 * 5);
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is one table")]
fn the_cells_that_people_ask_about() {
    let catalog = catalog();
    let none = Case::default();
    let table: &[(&str, Case, &str)] = &[
        ("nothing", none, "NotRequested"),
        (
            "an annotation asks by itself",
            Case {
                pod_list: Some("a"),
                ..none
            },
            "a",
        ),
        (
            "but not where the namespace is disabled",
            Case {
                pod_list: Some("a"),
                namespace_label: Some("disabled"),
                ..none
            },
            "NamespaceDisabled",
        ),
        (
            "unless the pod's label says so",
            Case {
                pod_list: Some("a"),
                namespace_label: Some("disabled"),
                pod_label: Some("true"),
                ..none
            },
            "a",
        ),
        (
            "the namespace's list needs an enabled namespace",
            Case {
                namespace_list: Some("a"),
                ..none
            },
            "NotRequested",
        ),
        (
            "or the pod's label, which makes it count as enabled",
            Case {
                namespace_list: Some("a"),
                pod_label: Some("true"),
                ..none
            },
            "a",
        ),
        (
            "the pod's list adds to the namespace's",
            Case {
                namespace_list: Some("a"),
                namespace_label: Some("enabled"),
                pod_list: Some("b"),
                ..none
            },
            "a,b",
        ),
        (
            "and takes from it",
            Case {
                namespace_list: Some("a,b"),
                namespace_label: Some("enabled"),
                pod_list: Some("-a"),
                ..none
            },
            "b",
        ),
        (
            "a selector counts in an enabled namespace",
            Case {
                selected: true,
                namespace_label: Some("enabled"),
                ..none
            },
            "auto",
        ),
        (
            "and nowhere else",
            Case {
                selected: true,
                ..none
            },
            "NotRequested",
        ),
        (
            "nobody gets around a mandatory template",
            Case {
                mandatory: true,
                pod_label: Some("false"),
                pod_list: Some("-must"),
                ..none
            },
            "must",
        ),
        (
            "but in an excluded namespace",
            Case {
                mandatory: true,
                excluded: true,
                ..none
            },
            "NamespaceExcluded",
        ),
        (
            "a mirror pod is left alone",
            Case {
                mirror: true,
                from_node: true,
                mandatory: true,
                ..none
            },
            "MirrorPod",
        ),
        (
            "where a node made it",
            Case {
                mirror: true,
                pod_list: Some("a"),
                ..none
            },
            "a",
        ),
        (
            "blanks, lines and repetitions",
            Case {
                pod_list: Some(" b ,\n a\nb,"),
                ..none
            },
            "a,b",
        ),
        (
            "templates know their order",
            Case {
                pod_list: Some("late,b,a"),
                ..none
            },
            "a,b,late",
        ),
        (
            "an unknown one",
            Case {
                pod_list: Some("a,lat"),
                ..none
            },
            "TemplateNotFound",
        ),
        (
            "a broken one",
            Case {
                pod_list: Some("broken"),
                ..none
            },
            "TemplateBroken",
        ),
        (
            "a removed broken one",
            Case {
                pod_list: Some("a,broken,-broken"),
                ..none
            },
            "a",
        ),
        (
            "the label is no list",
            Case {
                pod_label: Some("a"),
                ..none
            },
            "LabelInvalid",
        ),
        (
            "an invalid label refuses in a mandatory namespace too",
            Case {
                pod_label: Some("a"),
                mandatory: true,
                ..none
            },
            "LabelInvalid",
        ),
    ];
    for (what, case, expected) in table {
        assert_eq!(selected(&catalog, *case), *expected, "{what}");
    }
}

#[test]
fn refusals_say_what_would_be_right() {
    let catalog = catalog();
    let namespace_object = Namespace::default();
    let ask = |list: &str| {
        let annotations = pairs(&[(INJECT, Some(list))]);
        let asked = SelectionInput {
            namespace: "shop",
            namespace_object: &namespace_object,
            labels: &BTreeMap::new(),
            annotations: &annotations,
            from_node: false,
        };
        match select(&catalog, &Settings::default(), asked) {
            Selection::Nothing(why) => why.message,
            Selection::Templates(_) => panic!("expected a refusal"),
        }
    };
    assert_eq!(
        ask("lat"),
        "annotation pillion.dev/inject of the pod: there is no template `lat`; did you mean `late`?"
    );
    assert_eq!(
        ask("something-else"),
        "annotation pillion.dev/inject of the pod: there is no template `something-else`; \
         templates here: a, auto, b, broken, late, must"
    );
    let long = "x".repeat(200_000);
    assert_eq!(
        ask(&long),
        format!(
            "annotation pillion.dev/inject of the pod: there is no template `{}…`; names have at \
             most 63 characters",
            "x".repeat(60)
        )
    );
    assert_eq!(
        ask(&long.repeat(2)),
        "the pod's annotations have 400018 bytes, more than the 262144 that Kubernetes allows"
    );
    let no = |name: &str, hint: &str| {
        format!("annotation pillion.dev/inject of the pod: there is no template `{name}`; {hint}")
    };
    assert_eq!(
        ask("rok"),
        no("rok", "did you mean `broken`?"),
        "a part of a name"
    );
    for list in ["a;b", "a b"] {
        assert_eq!(ask(list), no(list, "separate names by commas"));
    }
    let label = "that is a value of the label pillion.dev/inject: the annotation lists templates";
    assert_eq!(ask("true"), no("true", label));
    assert!(
        ask("broken")
            .contains("`broken` does not compile and has no earlier revision: templates.yaml:"),
        "{}",
        ask("broken")
    );
}

/// A tenant's init container that never ends would keep a mandatory helper from starting.
#[test]
fn no_template_of_a_namespace_stands_before_a_mandatory_one() {
    let template = |kind: &str, metadata: &str, spec: &str| {
        format!(
            "apiVersion: pillion.dev/v1alpha1\nkind: {kind}\nmetadata: {{{metadata}}}\nspec: {{{spec}}}\n"
        )
    };
    let text = [
        template(
            "ClusterInjectionTemplate",
            "name: must",
            "requirement: Mandatory, order: -7",
        ),
        template("ClusterInjectionTemplate", "name: early", "order: -9"),
        template(
            "InjectionTemplate",
            "name: a, namespace: shop",
            "order: -1000000",
        ),
        template("InjectionTemplate", "name: z, namespace: shop", "order: 3"),
    ]
    .join("---\n");
    let path = "templates.yaml".to_owned();
    let (catalog, errors) = Catalog::load(&[Source { path, text }], None);
    assert!(errors.is_empty(), "{errors:?}");
    let mut found: Vec<_> = ["a", "z", "early", "must"]
        .into_iter()
        .map(|name| Arc::clone(catalog.find("shop", name).template().unwrap()))
        .collect();
    assert_eq!(composed(found.clone()), ["early", "must", "a", "z"]);
    found.retain(|template| !template.mandatory);
    assert_eq!(composed(found), ["a", "early", "z"]);
}

/// The names of templates in the order in which they are composed.
fn composed(mut templates: Vec<Arc<Template>>) -> Vec<String> {
    templates.sort_by(|one, other| place(one).cmp(&place(other)));
    tenants_behind_mandatory(&mut templates);
    let names = templates.iter().map(|template| template.name.clone());
    names.collect()
}
