//! Pod Security: allowed or forbidden, with the same controls in the same words.

use std::collections::{BTreeMap, BTreeSet};

use pillion::check::Pod;
use pillion::check::pod_security::{Control, Defaults, enforced, violations};

use crate::pod_security::variants;
use crate::support::control_plane::ControlPlane;
use crate::support::failure::Outcome;
use crate::support::namespace::Namespace;
use crate::support::raw::Answer;

/// The minor version of the control plane.
const NEWEST: u32 = 37;

/// Levels with versions on both sides of every change of a control.
const ENFORCED: [(&str, &str); 20] = [
    ("baseline", "latest"),
    ("baseline", "v1.0"),
    ("baseline", "v1.18"),
    ("baseline", "v1.26"),
    ("baseline", "v1.28"),
    ("baseline", "v1.30"),
    ("baseline", "v1.33"),
    ("baseline", "v1.36"),
    ("baseline", "v1.99"),
    ("restricted", "latest"),
    ("restricted", "v1.0"),
    ("restricted", "v1.7"),
    ("restricted", "v1.18"),
    ("restricted", "v1.19"),
    ("restricted", "v1.22"),
    ("restricted", "v1.24"),
    ("restricted", "v1.25"),
    ("restricted", "v1.31"),
    ("restricted", "v1.34"),
    ("restricted", "v1.35"),
];

/// The words after `violates PodSecurity "…": `; `None` where the pod was created.
fn told(answer: &Answer, enforced: &str) -> Result<Option<String>, String> {
    if answer.granted() {
        return Ok(None);
    }
    let start = format!("violates PodSecurity {enforced:?}: ");
    let message = answer.message();
    let words = message
        .split_once(&start)
        .map(|(_, words)| words.to_owned());
    words.map(Some).ok_or_else(|| message.to_owned())
}

#[tokio::test]
async fn pod_security_is_that_of_the_api_server() -> Outcome {
    let client = ControlPlane::shared().await?.client()?;
    let pods = variants::all();
    let mut violated: BTreeMap<Control, usize> = BTreeMap::new();
    let mut compared = BTreeSet::new();
    let mut invalid = BTreeSet::new();
    let (mut allowed, mut wrong) = (0, Vec::new());
    for (level, version) in ENFORCED {
        let labels = [
            ("pod-security.kubernetes.io/enforce", level),
            ("pod-security.kubernetes.io/enforce-version", version),
        ];
        let namespace = Namespace::create(&client, "enforcing", &labels, &[]).await?;
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let here = enforced(&labels.into(), &Defaults::default());
        assert_eq!(here.to_string(), format!("{level}:{version}"));
        for generated in &pods {
            let answer = namespace.create_pod("dryRun=All", &generated.pod).await?;
            let theirs = match told(&answer, &here.to_string()) {
                Ok(theirs) => theirs,
                Err(message) if generated.single => {
                    wrong.push(format!("{here} {}: {message}", generated.name));
                    continue;
                }
                Err(_) => {
                    invalid.insert(&generated.name);
                    continue;
                }
            };
            let view = Pod::read(&generated.pod, &|_| None);
            let found = violations(&view, here.level, here.version, NEWEST);
            for violation in &found {
                *violated.entry(violation.control).or_default() += 1;
            }
            let words: Vec<_> = found.iter().map(ToString::to_string).collect();
            let ours = (!words.is_empty()).then(|| words.join(", "));
            allowed += usize::from(theirs.is_none());
            compared.insert(&generated.name);
            if ours != theirs {
                wrong.push(format!(
                    "{here} {}:\n  ours   {ours:?}\n  theirs {theirs:?}",
                    generated.name
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(compared.len() >= 150, "only {} pods", compared.len());
    assert!(
        invalid.len() * 5 < compared.len(),
        "{} pods were invalid: {invalid:?}",
        invalid.len()
    );
    assert!(allowed > 200, "only {allowed} were allowed");
    for control in Control::ALL {
        assert!(
            violated.contains_key(control),
            "{} was never violated",
            control.as_str()
        );
    }
    Ok(())
}
