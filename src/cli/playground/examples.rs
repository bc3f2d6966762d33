//! What the page offers to begin with: every template that is served, each with a manifest that asks
//! for it.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use crate::template::description::{Description, describe};
use crate::template::{Catalog, Source, Template, built_in};

/// One template to begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Example {
    pub(super) name: String,
    pub(super) pattern: &'static str,
    /// What its author says of it.
    pub(super) description: String,
    /// The text of its file.
    pub(super) template: String,
    /// A manifest that asks for it.
    pub(super) manifest: String,
}

/// The examples of the templates that a catalog made of these files has in the namespace `default`.
pub(super) fn of(catalog: &Catalog, sources: &[Source]) -> Vec<Example> {
    let mut names: Vec<_> = catalog.names("default").collect();
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .filter_map(|name| example(catalog, catalog.find("default", name).template()?, sources))
        .collect()
}

fn example(catalog: &Catalog, template: &Template, sources: &[Source]) -> Option<Example> {
    let file = catalog.file(template)?;
    let source = sources.iter().find(|source| source.path == file)?;
    let description = describe(template);
    let of_catalog = built_in::example(&template.name)
        .filter(|_| file == format!("templates/{}/template.yaml", template.name));
    let manifest = of_catalog.map_or_else(|| asking(&description), str::to_owned);
    Some(Example {
        name: description.name,
        pattern: description.pattern,
        description: description.text,
        template: source.text.clone(),
        manifest,
    })
}

/// A pod that asks for a template, with its required parameters to fill in.
pub(super) fn asking(description: &Description) -> String {
    let mut text = format!(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: app\n  annotations:\n    \
         pillion.dev/inject: {}\n",
        description.name
    );
    let required = description.parameters.iter().filter(|one| one.required);
    for parameter in required.filter(|one| one.set_by.contains(&"Pod")) {
        let _ = writeln!(text, "    {}: {}", parameter.annotation, Value::from("…"));
    }
    text.push_str(
        "spec:\n  containers:\n    - name: app\n      image: registry.example.com/app:1.0.0\n",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_template_has_an_example_that_asks_for_it() {
        let examples = of(&Catalog::built_in(), &built_in::sources());
        assert_eq!(examples.len(), built_in::sources().len());
        for example in &examples {
            let name = &example.name;
            assert!(example.manifest.contains("pillion.dev/inject"), "{name}");
            assert!(
                example.template.contains(&format!("name: {name}")),
                "{name}"
            );
        }
    }

    #[test]
    fn an_own_template_gets_a_pod_with_what_it_requires() {
        let text = "apiVersion: pillion.dev/v1alpha1\nkind: ClusterInjectionTemplate\n\
            metadata: {name: own}\nspec:\n  parameters: {to: {type: string, required: true}}\n  \
            metadata: {labels: {to: '${params.to}'}}\n";
        let source = Source {
            path: "own.yaml".to_owned(),
            text: text.to_owned(),
        };
        let (catalog, errors) = Catalog::load(std::slice::from_ref(&source), None);
        assert!(errors.is_empty(), "{errors:?}");
        let examples = of(&catalog, &[source]);
        assert!(examples[0].manifest.contains("own.pillion.dev/to: \"…\"\n"));
        assert_eq!(examples[0].template, text);
    }
}
