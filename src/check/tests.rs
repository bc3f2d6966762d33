//! How many findings come out.

use super::{MOST_ALIKE, bounded};
use crate::finding::{Code, Finding};

#[test]
fn findings_alike_are_counted() {
    let finding = |template, n: usize| {
        Finding::new(Code::EnvDuplicate, format!("p{n}"), format!("m{n}")).of(Some(template))
    };
    let many = (0..20).map(|n| finding("t", n));
    let other = Finding::new(Code::NestedMount, "p", "other").of(Some("t"));
    let findings: Vec<_> = many.chain([other, finding("s", 1)]).collect();
    let found = bounded(findings.clone());
    let messages: Vec<_> = found.iter().map(|found| found.message.as_str()).collect();
    let last = "m7; and 12 more like it";
    assert_eq!(
        messages,
        [
            "m0", "m1", "m2", "m3", "m4", "m5", "m6", last, "other", "m1"
        ]
    );
    assert_eq!(found[7].logged, last);
    // As many as are told are told as they are.
    let all = &findings[..MOST_ALIKE];
    assert_eq!(bounded(all.to_vec()), all);
}
