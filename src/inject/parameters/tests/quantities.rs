//! How expressions see the values of `quantity` parameters.

use super::*;

#[test]
fn quantities_are_seen_as_the_api_server_spells_them() {
    let declared = "
    memory: {type: quantity, default: 0.5Gi, minimum: 1Mi}
    size: {type: quantity, enum: [1024Mi, 2Gi], default: 1024Mi}
    computed: {type: quantity, default: '${quantity(params.memory).asInteger() * 2}'}
    several: {type: list, items: {type: quantity, minimum: 1Ki}}
    named: {type: map, items: {type: quantity}}
    text: {type: string, default: 1024Mi}
";
    let table: [(Settings<'_>, Value); 3] = [
        (&[], json!(["512Mi", "1Gi", "1073741824", [], {}, "1024Mi"])),
        (
            &[("memory", "1.5Gi"), ("several", "1024Mi, 0.5Mi")],
            json!([
                "1536Mi",
                "1Gi",
                "3221225472",
                ["1Gi", "512Ki"],
                {},
                "1024Mi"
            ]),
        ),
        (
            &[
                ("memory", "2000e3"),
                ("size", "2Gi"),
                ("named.a", "1000m"),
                ("text", "0.5Gi"),
            ],
            json!(["2e6", "2Gi", "4M", [], {"a": "1"}, "0.5Gi"]),
        ),
    ];
    let names = ["memory", "size", "computed", "several", "named", "text"];
    for (set, expected) in table {
        let values = resolve_with(declared, set, &[], &[]).unwrap();
        let seen: Vec<_> = names.iter().filter_map(|name| values.get(name)).collect();
        assert_eq!(json!(seen), expected, "{set:?}");
    }
    // What a template demands is about what somebody wrote.
    let refused = resolve_with(declared, &[("size", "1Gi")], &[], &[]).unwrap_err();
    assert!(
        refused.message.contains("expected one of: 1024Mi, 2Gi"),
        "{}",
        refused.message
    );
}
