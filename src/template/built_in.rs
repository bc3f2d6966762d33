//! The catalog that is built into the program: the folders of `templates/`.

use std::sync::{Arc, OnceLock};

use super::compile::compile;
use super::{Source, Template};

/// A template of the built-in catalog, compiled when it is first asked for.
#[derive(Debug)]
pub(super) struct BuiltIn {
    pub(super) path: &'static str,
    name: &'static str,
    text: &'static str,
    example: &'static str,
    compiled: OnceLock<Option<Arc<Template>>>,
}

/// Embeds `templates/<name>/template.yaml` and `examples/<name>.yaml` for each name.
macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        /// Every template, by name.
        pub(super) static TEMPLATES: [BuiltIn; [$($name),*].len()] = [$(BuiltIn {
            path: concat!("templates/", $name, "/template.yaml"),
            name: $name,
            text: include_str!(concat!("../../templates/", $name, "/template.yaml")),
            example: include_str!(concat!("../../examples/", $name, ".yaml")),
            compiled: OnceLock::new(),
        }),*];
    };
}

embedded![
    "api-proxy",
    "app-probes",
    "config-reloader",
    "dapr",
    "database-proxy",
    "debug-tools",
    "envoy-tls",
    "fetch-config",
    "fix-permissions",
    "graceful-drain",
    "jmx-exporter",
    "kafka",
    "linkerd-proxy",
    "log-format",
    "log-shipper",
    "mesh-proxy",
    "migrate",
    "nginx-tls",
    "node-agent",
    "otel-collector",
    "pgbouncer",
    "pipe-metrics",
    "promtail",
    "redis-shards",
    "signal-reloader",
    "spiffe-csi",
    "stats-exporter",
    "vault-agent",
    "vector",
    "wait-for",
    "warm-up",
];

impl BuiltIn {
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    fn source(&self) -> Source {
        Source {
            path: self.path.to_owned(),
            text: self.text.to_owned(),
        }
    }

    /// The template; every built-in one compiles, which the tests hold.
    pub(super) fn compiled(&self) -> Option<&Arc<Template>> {
        let compiled = self.compiled.get_or_init(|| {
            let document = compile(&self.source()).into_iter().next();
            document?.result.ok().map(Arc::from)
        });
        compiled.as_ref()
    }
}

/// The manifest that shows a built-in template.
pub fn example(name: &str) -> Option<&'static str> {
    let mut templates = TEMPLATES.iter();
    let found = templates.find(|template| template.name == name)?;
    Some(found.example)
}

/// The files of the built-in catalog.
pub fn sources() -> Vec<Source> {
    TEMPLATES.iter().map(BuiltIn::source).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Catalog;
    use super::*;
    use crate::expression::Budget;

    #[test]
    fn every_built_in_template_compiles() {
        let (catalog, errors) = Catalog::load(&sources(), None);
        assert!(errors.is_empty(), "{errors:#?}");
        assert_eq!(catalog.summaries(), Catalog::built_in().summaries());
        assert_eq!(catalog.summaries().len(), TEMPLATES.len());
        for template in &TEMPLATES {
            assert_eq!(template.compiled().unwrap().name, template.name);
        }
    }

    #[test]
    fn no_built_in_template_applies_without_being_asked_for() {
        let (catalog, _) = Catalog::load(&sources(), None);
        assert!(!catalog.has_unasked());
        assert!(catalog.unasked("default").next().is_none());
    }

    #[test]
    fn parameters_with_the_name_of_an_object_take_what_kubernetes_takes() {
        let mut count = 0;
        for template in &TEMPLATES {
            let compiled = template.compiled().unwrap();
            for parameter in &compiled.parameters {
                let pattern = parameter.constraints.pattern.as_ref();
                let hint = pattern.and_then(|pattern| pattern.hint());
                if !hint.is_some_and(|hint| hint.starts_with("the name of a Kubernetes object")) {
                    continue;
                }
                let takes = |text: &str| parameter.parse(text, &Budget::new()).is_ok();
                for name in ["loki", "a.b-c", "0"] {
                    assert!(takes(name), "{} {}", template.name, parameter.name);
                }
                for name in ["loki.", "-x", "a..b", ".a", "a.-b", "A"] {
                    assert!(!takes(name), "{} {}", template.name, parameter.name);
                }
                count += 1;
            }
        }
        assert!(count >= 20, "{count}");
    }

    #[test]
    fn every_folder_of_the_catalog_is_built_in() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(Result::unwrap)
            .filter(|entry| entry.path().is_dir())
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        names.sort();
        let built_in: Vec<_> = TEMPLATES.iter().map(BuiltIn::name).collect();
        assert_eq!(names, built_in);
    }
}
