//! Images that are named exactly and such as are not.

use super::check;
use crate::check::test_support::{found_with, short, table};

#[test]
fn an_image_is_named_by_version_or_digest() {
    table(
        check,
        &[
            (
                "containers: [{name: t-p, image: nginx}]",
                "t ImageTagFloating",
            ),
            (
                "containers: [{name: t-p, image: 'nginx:latest'}]",
                "t ImageTagFloating",
            ),
            (
                "containers: [{name: t-p, image: 'host:5000/x'}]",
                "t ImageTagFloating",
            ),
            (
                "containers: [{name: t-p, image: 'nginx:stable'}]",
                "t ImageTagFloating",
            ),
            (
                "containers: [{name: t-p, image: 'nginx:1.27'}]",
                "t ImageNotPinned",
            ),
            (
                "initContainers: [{name: t-p, image: 'host:5000/x:1'}]",
                "t ImageNotPinned",
            ),
            (
                "containers: [{name: t-p, image: 'nginx@sha256:0000000000000000000000000000000000000000000000000000000000000000'}]",
                "",
            ),
            (
                "containers: [{name: t-p, image: 'nginx:latest@sha256:0000000000000000000000000000000000000000000000000000000000000000'}]",
                "",
            ),
            ("containers: [{name: app, image: nginx}, {name: t-p}]", ""),
        ],
    );
}

#[test]
fn a_private_image_needs_a_secret() {
    let found = |pod: &str| {
        let found = found_with(check, pod, |_, settings| {
            settings
                .private_registries
                .push("reg.example.com/team/".to_owned());
        });
        short(&found).join(", ")
    };
    let image = "containers: [{name: t-p, image: 'reg.example.com/team/x@sha256:0000000000000000000000000000000000000000000000000000000000000000'}]";
    assert_eq!(found(image), "t PullSecretMissing");
    assert_eq!(
        found(&format!("{{{image}, imagePullSecrets: [{{name: s}}]}}")),
        ""
    );
    assert_eq!(found(&image.replace("team", "public")), "");
    assert_eq!(found(&image.replace("t-p", "app")), "");
}

#[test]
fn the_log_does_not_hold_the_image() {
    let found = found_with(
        check,
        "containers: [{name: t-p, image: secret.example.com/x}]",
        |_, _| {},
    );
    assert!(found[0].message.contains("`secret.example.com/x`"));
    assert_eq!(
        found[0].logged,
        "the image of `t-p` (template t) has no tag, which means latest"
    );
    assert_eq!(found[0].path, "spec.containers[0].image");
}
