//! Several parameters that are wrong, or missing.

use super::*;

#[test]
fn a_required_list_or_map_is_not_empty() {
    let declared = "
    names: {type: list, required: true}
    keys: {type: map, required: true}
";
    let Refusal { message, .. } =
        resolve_with(declared, &[("names", " , ")], &[], &[]).unwrap_err();
    assert_eq!(
        message,
        "annotation t.pillion.dev/names is required by the template `t`; annotation \
         t.pillion.dev/keys.<key> is required by the template `t`"
    );
    let Refusal { message, .. } = resolve_with(declared, &[("names", "a")], &[], &[]).unwrap_err();
    assert_eq!(
        message,
        "annotation t.pillion.dev/keys.<key> is required by the template `t`"
    );
    let set = [("names", "a"), ("keys.x", "y")];
    assert!(resolve_with(declared, &set, &[], &[]).is_ok());
}

#[test]
fn a_person_is_told_of_every_bad_parameter_at_once() {
    let declared = "
    port: {type: integer, required: true}
    size: {type: quantity, default: 1Gi}
    host: {type: string, required: true}
";
    let set = [("port", "http"), ("size", "huge")];
    let namespace = [("port", "none"), ("size", "none")];
    let Refusal {
        reason,
        message,
        logged,
    } = resolve_with(declared, &set, &namespace, &[]).unwrap_err();
    assert_eq!(reason, Reason::ParameterInvalid);
    let told: Vec<_> = message.split("; annotation ").collect();
    assert_eq!(told.len(), 3, "{message}");
    assert!(told[0].contains("port of the pod: `http`") && told[1].contains("`huge`"));
    assert_eq!(
        told[2],
        "t.pillion.dev/host is required by the template `t`"
    );
    assert!(
        !logged.contains("huge") && logged.contains("t.pillion.dev/size"),
        "{logged}"
    );
}
