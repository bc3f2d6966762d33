//! Answers as the page gets them, and that they are what the other commands say.

use serde_json::{Value, json};

use super::*;
use crate::cli::streams::Captured;
use crate::template::built_in;

fn context() -> PlaygroundContext {
    PlaygroundContext {
        catalog: Arc::new(Catalog::built_in()),
        sources: built_in::sources(),
        settings: Settings::default(),
        registration: crate::cli::explain::registration::shipped().unwrap(),
        directories: vec!["built-in".to_owned()],
    }
}

fn example(name: &str) -> PlaygroundQuestion {
    let mut sources = built_in::sources().into_iter();
    let path = format!("templates/{name}/template.yaml");
    PlaygroundQuestion {
        template: sources.find(|source| source.path == path).unwrap().text,
        manifest: built_in::example(name).unwrap().to_owned(),
        ..PlaygroundQuestion::default()
    }
}

fn asked(question: &PlaygroundQuestion) -> PlaygroundAnswer {
    answer(&context(), question).unwrap()
}

#[test]
fn the_page_says_what_inject_says() {
    for source in built_in::sources() {
        let name = source.path.split('/').nth(1).unwrap();
        let question = example(name);
        let answer = asked(&question);
        assert!(answer.template.is_empty(), "{name}: {:?}", answer.template);
        let mut captured = Captured::default();
        captured.run(&["inject"], &question.manifest);
        assert_eq!(answer.report, captured.stderr, "{name}");
        let after: Vec<_> = answer
            .difference
            .iter()
            .filter(|line| line.after.is_some())
            .map(|line| line.text.as_str())
            .collect();
        let expected: Vec<_> = captured.stdout.lines().collect();
        assert_eq!(after, expected, "{name}");
        assert!(answer.case.is_some() || answer.no_case.is_some(), "{name}");
    }
}

#[test]
fn every_added_field_has_its_line_in_the_template_and_in_the_result() {
    let answer = asked(&example("pgbouncer"));
    let question = example("pgbouncer");
    let pod = &answer.pods[0];
    assert!(pod.added.len() > 20, "{:?}", pod.added);
    let template: Vec<_> = question.template.lines().collect();
    for field in &pod.added {
        let line = field
            .line
            .unwrap_or_else(|| panic!("{}: no line", field.path));
        let mut lines = answer.difference.iter();
        let shown = lines
            .find(|shown| shown.after == Some(line as usize))
            .unwrap();
        let last = field.path.rsplit(['.', ']']).find(|part| !part.is_empty());
        if !field.path.ends_with(']') {
            assert!(
                shown.text.contains(last.unwrap()),
                "{}: {}",
                field.path,
                shown.text
            );
        }
        assert_eq!(field.file.as_deref(), Some(TEMPLATE_FILE));
        assert!(!template[field.from.unwrap() as usize - 1].trim().is_empty());
    }
    let image = pod
        .added
        .iter()
        .find(|field| field.path.ends_with("[pgbouncer].image"));
    let line = template[image.unwrap().from.unwrap() as usize - 1];
    assert!(line.contains("image: ${params.image}"), "{line}");
}

#[test]
fn a_pod_is_told_with_its_life_and_its_amounts() {
    let answer = asked(&example("pgbouncer"));
    let pod = &answer.pods[0];
    let pool = &pod.time_line.containers[0];
    assert_eq!(pool.added_by.as_deref(), Some("pgbouncer"));
    assert!(pod.time_line.steps.len() > pool.last && pool.first == 0);
    let names: Vec<_> = pod.resources.iter().map(|bar| bar.name.as_str()).collect();
    assert!(
        names.contains(&"cpu requests") && names.contains(&"memory limits"),
        "{names:?}"
    );
    assert!(pod.patch.as_array().is_some_and(|patch| !patch.is_empty()));
}

#[test]
fn what_is_wrong_is_told_at_its_line() {
    let mut question = example("pgbouncer");
    question.template = question
        .template
        .replace("readinessProbe:", "readinesProbe:");
    let wrong = question
        .template
        .lines()
        .position(|line| line.contains("readinesProbe"));
    let answer = asked(&question);
    let mut problems = answer.template.iter();
    let spot = problems
        .find(|spot| spot.message.contains("did you mean `readinessProbe`?"))
        .unwrap();
    assert_eq!(spot.line, wrong.unwrap() as u64 + 1);
    assert_eq!(spot.code, None);
    assert!(answer.report.contains("Denied"), "{}", answer.report);

    question.manifest = "kind: Pod\nkind: Pod\n".to_owned();
    let answer = asked(&question);
    assert_eq!(answer.manifest.len(), 1);
    assert_eq!(answer.manifest[0].line, 2);
    assert!(answer.pods.is_empty() && answer.difference.is_empty());
}

#[test]
fn a_finding_of_lint_is_told_with_its_code_and_remedy() {
    let mut question = example("pgbouncer");
    question.template = "apiVersion: pillion.dev/v1alpha1\nkind: ClusterInjectionTemplate\n\
        metadata: {name: own}\nspec:\n  sidecars:\n    - {name: own, image: own}\n"
        .to_owned();
    let answer = asked(&question);
    let codes: Vec<_> = answer
        .template
        .iter()
        .filter_map(|spot| spot.code)
        .collect();
    assert!(codes.contains(&"ImageTagFloating"), "{codes:?}");
    assert!(answer.template.iter().all(|spot| spot.help.is_some()));
}

#[test]
fn what_is_set_beside_the_manifest_changes_the_result_and_the_command() {
    let mut question = example("pgbouncer");
    question
        .set
        .insert("pgbouncer.pool-mode".to_owned(), "statement".to_owned());
    question.kubernetes = Some("1.30".parse().unwrap());
    let answer = asked(&question);
    let mut lines = answer.difference.iter();
    assert!(lines.any(|line| line.text.contains("pool_mode = statement")));
    let end = "--templates built-in --kubernetes-version 1.30 --set pgbouncer.pool-mode=statement";
    assert!(answer.command.ends_with(end), "{}", answer.command);
    let mut fields = answer.parameters.iter();
    let field = fields.find(|field| field.name == "pool-mode").unwrap();
    assert_eq!(field.value.as_deref(), Some("statement"));
    let from = "annotation of the pod pgbouncer.pillion.dev/pool-mode";
    assert_eq!(field.from.as_deref(), Some(from));

    question.set.insert("nonsense".to_owned(), String::new());
    assert!(super::answer(&context(), &question).is_err());
}

#[test]
fn the_case_passes_the_template_test() {
    let root = tempfile::tempdir().unwrap();
    let mut question = example("pgbouncer");
    question
        .set
        .insert("pgbouncer.port".to_owned(), "5433".to_owned());
    question.kubernetes = Some("1.31".parse().unwrap());
    let case = asked(&question).case.unwrap();
    assert_eq!(case.path, "templates/pgbouncer/cases/playground.yaml");
    let path = root.path().join(&case.path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, &case.text).unwrap();
    let template = root.path().join("templates/pgbouncer/template.yaml");
    std::fs::write(template, &question.template).unwrap();
    let folder = root.path().join("templates");
    let mut captured = Captured::default();
    let status = captured.run(&["template", "test", folder.to_str().unwrap()], "");
    assert_eq!(status, 0, "{captured:?}\n{}", case.text);
}

#[test]
fn many_pods_are_shown_and_few_explained() {
    let mut question = example("pgbouncer");
    let one = question.manifest.clone();
    question.manifest = vec![one; MOST_EXPLAINED + 3].join("---\n");
    let answer = asked(&question);
    assert_eq!((answer.pods.len(), answer.left_out), (MOST_EXPLAINED, 3));
    assert!(answer.no_case.unwrap().contains("one object"));
    let last = &answer.pods[MOST_EXPLAINED - 1].added[0];
    assert!(last.line > answer.pods[0].added[0].line);
}

#[test]
fn a_question_is_read_strictly() {
    let read = |value: Value| PlaygroundQuestion::read(value.to_string().as_bytes());
    assert!(read(json!({"template": "", "manifest": ""})).is_ok());
    assert!(read(json!({"template": ""})).is_err());
    assert!(read(json!({"template": "", "manifest": "", "more": 1})).is_err());
    assert!(read(json!({"template": "", "manifest": "", "kubernetes": "1.3"})).is_err());
    let set: BTreeMap<_, _> = (0..300)
        .map(|number| (format!("a.b{number}"), ""))
        .collect();
    let error = read(json!({"template": "", "manifest": "", "set": set})).unwrap_err();
    assert!(error.to_string().contains("300"), "{error}");
}
