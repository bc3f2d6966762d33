//! The catalog that is built into the program: the folders of `templates/`.

use super::Source;

/// Embeds `templates/<name>/template.yaml` for each name.
macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        &[$((
            concat!("templates/", $name, "/template.yaml"),
            include_str!(concat!("../../templates/", $name, "/template.yaml")),
        )),*]
    };
}

/// Path and text of each template.
const EMBEDDED: &[(&str, &str)] = embedded![
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

/// The files of the built-in catalog.
pub fn sources() -> Vec<Source> {
    let source = |(path, text): &(&str, &str)| Source {
        path: (*path).to_owned(),
        text: (*text).to_owned(),
    };
    EMBEDDED.iter().map(source).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Catalog;
    use super::*;

    #[test]
    fn every_built_in_template_compiles() {
        let (catalog, errors) = Catalog::load(&sources(), None);
        assert!(errors.is_empty(), "{errors:#?}");
        assert_eq!(catalog.summaries().len(), EMBEDDED.len());
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
        let built_in: Vec<_> = EMBEDDED
            .iter()
            .map(|(path, _)| path.split('/').nth(1).unwrap())
            .collect();
        assert_eq!(names, built_in);
    }
}
