//! Mandatory templates that do not compile.

use super::*;

/// A selector is read where the rest of a document is wrong: pods that it leaves out are not held up.
#[test]
fn a_broken_mandatory_template_holds_up_the_pods_that_it_is_for() {
    let text = |selector: &str| {
        format!(
            "apiVersion: pillion.dev/v1alpha1\nkind: ClusterInjectionTemplate\nmetadata: {{name: m}}\nspec:\n  \
             requirement: Mandatory\n  selector: {selector}\n  sidecars: [{{name: \"${{nobody}}\"}}]\n"
        )
    };
    let bank = Namespace {
        labels: [("team", "bank"), (MANDATORY, "")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        ..Namespace::default()
    };
    let cases = [
        ("{namespaceSelector: {matchLabels: {team: bank}}}", true),
        ("{namespaceSelector: {matchLabels: {team: never}}}", false),
        ("{podSelector: {matchLabels: {app: never}}}", false),
        ("{namespaceSelector: {matchLabels: never}}", true),
        ("{}", true),
    ];
    for (selector, is_held_up) in cases {
        let source = Source {
            path: "m.yaml".to_owned(),
            text: text(selector),
        };
        let (catalog, errors) = Catalog::load(&[source], None);
        assert!(!errors.is_empty());
        let (labels, annotations) = (Dictionary::default(), Dictionary::default());
        let asked = SelectionInput {
            namespace: "bank",
            namespace_object: &bank,
            labels: &labels,
            annotations: &annotations,
            from_node: false,
        };
        let selected = select(&catalog, &Settings::default(), asked);
        let refused = matches!(&selected, Selection::Nothing(why)
            if why.reason == Reason::TemplateBroken);
        assert_eq!(refused, is_held_up, "{selector}: {selected:?}");
    }
}
