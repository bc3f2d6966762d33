//! What the documents say is what the program does.
//!
//! Whatever can be made by a program is made by one: text between `<!-- generated: … -->` and
//! `<!-- end -->` is compared with what stands there, and written there with `UPDATE=1`. Every
//! template that is shown is compiled.

mod functions;
mod generated;
mod schema;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use pillion::inject::{Engine, Namespace, RequestContext, Settings, Verdict};
    use pillion::review::{Document, Pod};
    use pillion::template::{Catalog, Source};
    use serde_json::Value;

    use super::generated;

    const START: &str = "<!-- generated: ";
    const END: &str = "<!-- end -->";

    fn root() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR"))
    }

    /// The folders of the catalog, by name.
    fn catalog() -> Vec<PathBuf> {
        let entries = fs::read_dir(root().join("templates")).unwrap();
        let mut folders: Vec<_> = entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_dir())
            .collect();
        folders.sort();
        assert!(folders.len() > 2, "the catalog is at templates/");
        folders
    }

    /// Every document, with its path below the root.
    fn documents() -> Vec<(String, String)> {
        let mut folders = vec![root(), root().join("docs"), root().join("templates")];
        folders.extend(catalog());
        let mut paths: Vec<_> = folders
            .iter()
            .flat_map(|folder| fs::read_dir(folder).unwrap())
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
            .collect();
        paths.sort();
        let relative = |path: &Path| path.strip_prefix(root()).unwrap().display().to_string();
        paths
            .iter()
            .map(|path| (relative(path), fs::read_to_string(path).unwrap()))
            .collect()
    }

    /// The document with every generated part made anew, and how many those are.
    fn regenerated(document: &str) -> (String, usize) {
        let mut made = String::new();
        let mut count = 0;
        let mut lines = document.split_inclusive('\n');
        while let Some(line) = lines.next() {
            made.push_str(line);
            let order = line.trim_end().strip_prefix(START);
            let Some(order) = order.and_then(|order| order.strip_suffix(" -->")) else {
                continue;
            };
            made.push_str(&generated::part(order));
            let end = lines.find(|line| line.trim_end() == END);
            made.push_str(end.unwrap_or_else(|| panic!("{order} has no end")));
            count += 1;
        }
        (made, count)
    }

    #[test]
    fn generated_parts_are_up_to_date() {
        let update = std::env::var_os("UPDATE").is_some_and(|value| value == "1");
        let mut total = 0;
        for (path, document) in documents() {
            let (made, count) = regenerated(&document);
            total += count;
            if update && made != document {
                fs::write(root().join(&path), &made).unwrap();
            } else {
                similar_asserted(&path, &document, &made);
            }
        }
        assert!(total > 10, "only {total} generated parts were found");
    }

    fn similar_asserted(path: &str, document: &str, made: &str) {
        let difference = similar::TextDiff::from_lines(document, made);
        let difference = difference.unified_diff().to_string();
        assert!(
            difference.is_empty(),
            "{path} is not up to date; run UPDATE=1 cargo test --test offline documentation::\n{difference}"
        );
    }

    #[test]
    fn a_stale_part_is_found() {
        let stale = format!("a\n{START}reasons -->\nstale words\n{END}\nb\n");
        let (made, count) = regenerated(&stale);
        assert_eq!(count, 1);
        assert!(made.starts_with("a\n") && made.ends_with(&format!("{END}\nb\n")));
        assert!(made.contains("| `Applied` | Injected |") && !made.contains("stale words"));
    }

    /// The blocks of YAML in a document, each with the number of its first line.
    fn yaml_blocks(document: &str) -> Vec<(usize, String)> {
        let mut blocks = Vec::new();
        let mut open: Option<(usize, String)> = None;
        for (number, line) in document.lines().enumerate() {
            match &mut open {
                None if line == "```yaml" => open = Some((number + 2, String::new())),
                Some(_) if line == "```" => blocks.extend(open.take()),
                Some((_, block)) => {
                    block.push_str(line);
                    block.push('\n');
                }
                None => {}
            }
        }
        blocks
    }

    #[test]
    fn every_template_that_is_shown_compiles() {
        let mut count = 0;
        for (path, document) in documents() {
            for (line, text) in yaml_blocks(&document) {
                let parsed: Result<Vec<Value>, _> = serde_saphyr::from_multiple(&text);
                let parsed = parsed.unwrap_or_else(|error| panic!("{path}:{line}: {error}"));
                let value = parsed.first().cloned().unwrap_or_default();
                let kind = value["kind"].as_str().unwrap_or_default();
                if !kind.ends_with("InjectionTemplate") {
                    continue;
                }
                count += 1;
                let source = Source {
                    path: format!("{path}:{line}"),
                    text,
                };
                let (_, errors) = Catalog::load(&[source], None);
                let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
                assert!(errors.is_empty(), "{}", errors.join("\n"));
            }
        }
        assert!(count > 8, "only {count} templates were found");
    }

    /// The annotations of a pod that asks for a template and sets what it must.
    fn asking(template: &Value) -> BTreeMap<String, String> {
        let name = template["metadata"]["name"].as_str().unwrap();
        let parameters = template["spec"]["parameters"].as_object();
        let required = parameters
            .into_iter()
            .flatten()
            .filter(|(_, p)| p["required"] == true);
        let set = required.map(|(parameter, _)| {
            (
                format!("{name}.pillion.dev/{parameter}"),
                "db.example.com".to_owned(),
            )
        });
        let asked = ("pillion.dev/inject".to_owned(), name.to_owned());
        set.chain([asked]).collect()
    }

    #[test]
    fn every_template_of_the_guide_applies_to_a_pod() {
        let guide = fs::read_to_string(root().join("docs/templates.md")).unwrap();
        let mut settings = Settings::default();
        let labels = ["pillion.dev/injection", "pillion.dev/mandatory", "audited"];
        let labels = labels.map(|label| (label.to_owned(), "true".to_owned()));
        let namespace = Namespace {
            labels: labels.into(),
            ..Namespace::default()
        };
        settings.namespaces.insert("shop", namespace);
        let settings = Arc::new(settings);
        let pod = r#"{"metadata": {"name": "a"}, "spec": {"containers": [{"name": "a", "image": "a:1"}]}}"#;
        let mut count = 0;
        for (line, text) in yaml_blocks(&guide) {
            let template: Value = serde_saphyr::from_str(&text).unwrap_or_default();
            if !template["kind"]
                .as_str()
                .unwrap_or_default()
                .ends_with("InjectionTemplate")
            {
                continue;
            }
            count += 1;
            let subject = RequestContext {
                namespace: "shop".to_owned(),
                annotations: asking(&template),
                ..RequestContext::default()
            };
            let path = format!("docs/templates.md:{line}");
            let (catalog, _) = Catalog::load(
                &[Source {
                    path: path.clone(),
                    text,
                }],
                None,
            );
            let engine = Engine::new(Arc::new(catalog), Arc::clone(&settings));
            let document = Document::read(pod).unwrap();
            let decision = engine.decide(&subject, &Pod::read(document.root()).unwrap(), None);
            let applies = matches!(decision.verdict(), Verdict::Injected | Verdict::Shadowed);
            assert!(applies, "{path}: {}: {}", decision.reason, decision.message);
        }
        assert!(count > 10, "only {count} templates were found");
    }

    #[test]
    fn blocks_are_found_with_their_lines() {
        let document = "a\n```yaml\nb: 1\n```\n```sh\nc\n```\n```yaml\nd: 2\ne: 3\n```\n";
        let blocks = yaml_blocks(document);
        assert_eq!(blocks, [(3, "b: 1\n".into()), (9, "d: 2\ne: 3\n".into())]);
    }

    #[test]
    fn every_template_of_the_catalog_is_described() {
        for folder in catalog() {
            let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
            let readme = fs::read_to_string(folder.join("README.md")).unwrap_or_default();
            for part in [
                format!("# {name}\n"),
                format!("{START}parameters {name} -->"),
                format!("{START}yaml examples/{name}.yaml -->"),
                format!("{START}run pillion inject -f examples/{name}.yaml"),
            ] {
                assert!(
                    readme.contains(&part),
                    "templates/{name}/README.md lacks {part}"
                );
            }
        }
    }

    /// The cells of each row of the guide that names a template.
    fn guide() -> Vec<Vec<String>> {
        let text = fs::read_to_string(root().join("templates/README.md")).unwrap();
        let rows = text.lines().filter(|line| line.starts_with("| "));
        rows.map(|line| {
            let cells = line.trim_matches('|').split(" | ");
            cells.map(|cell| cell.trim().to_owned()).collect()
        })
        .filter(|row: &Vec<String>| row.get(2).is_some_and(|cell| cell.starts_with('`')))
        .collect()
    }

    #[test]
    fn the_guide_leads_to_every_template_of_the_catalog() {
        let rows = guide();
        for folder in catalog() {
            let name = folder.file_name().unwrap().to_str().unwrap();
            let text = fs::read_to_string(folder.join("template.yaml")).unwrap();
            let template: Value = serde_saphyr::from_str(&text).unwrap();
            let pattern = template["spec"]["pattern"].as_str().unwrap();
            let found: Vec<_> = rows
                .iter()
                .filter(|row| row[2] == format!("`{name}`"))
                .collect();
            let [row] = found.as_slice() else {
                panic!("templates/README.md has {} rows for {name}", found.len());
            };
            let [need, listed, _, not] = row.as_slice() else {
                panic!("the row of {name} in templates/README.md does not have four cells");
            };
            assert_eq!(
                listed, pattern,
                "the pattern of {name} in templates/README.md"
            );
            assert!(!need.is_empty() && !not.is_empty(), "{name}: {row:?}");
        }
    }

    #[test]
    fn what_the_catalog_adds_passes_the_restricted_level() {
        for folder in catalog() {
            let name = folder.file_name().unwrap().to_str().unwrap();
            let text = fs::read_to_string(folder.join("template.yaml")).unwrap();
            let template: Value = serde_saphyr::from_str(&text).unwrap();
            let level = &template["spec"]["podSecurityLevel"];
            if level.as_str().is_some_and(|level| level != "restricted") {
                continue;
            }
            let command = format!("pillion inject -o json -f examples/{name}.yaml 2>/dev/null");
            let pod: Value = serde_json::from_str(&generated::output(&command)).unwrap();
            for container in pod["spec"]["initContainers"]
                .as_array()
                .into_iter()
                .flatten()
            {
                let context = &container["securityContext"];
                assert_eq!(context["allowPrivilegeEscalation"], false, "{container}");
                assert_eq!(context["runAsNonRoot"], true, "{container}");
                assert_eq!(context["capabilities"]["drop"][0], "ALL", "{container}");
                assert_eq!(
                    context["seccompProfile"]["type"], "RuntimeDefault",
                    "{container}"
                );
            }
            for volume in pod["spec"]["volumes"].as_array().into_iter().flatten() {
                let proven = [
                    "emptyDir",
                    "downwardAPI",
                    "configMap",
                    "secret",
                    "projected",
                    "csi",
                ];
                assert!(
                    proven.iter().any(|source| volume.get(source).is_some()),
                    "{volume}"
                );
            }
        }
    }
}
