//! Values are borrowed where they can be, and copies are paid for.

use serde_json::json;

use super::*;

#[test]
fn json_comes_back_as_it_went() {
    let value = json!({"b": [1, -2, 3.5, "x", true, null], "a": {"n": {}, "l": []}});
    let budget = Budget::new();
    let back = Val::from(&value).into_result(&budget).unwrap().unwrap();
    assert_eq!(back, value);
    let keys: Vec<_> = back.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["a", "b"], "keys are sorted");
    assert!(budget.bytes_made() > 12 * 32, "copies are paid for");
}

#[test]
fn absent_is_told_from_null_inside() {
    let budget = Budget::new();
    assert_eq!(Val::Null.into_result(&budget).unwrap(), None);
    assert_eq!(Val::Optional(None, 0).into_result(&budget).unwrap(), None);
    let list = Val::list(vec![Val::Null, Val::Optional(None, 0)]).unwrap();
    assert_eq!(list.into_result(&budget).unwrap(), Some(json!([null])));
}

#[test]
fn what_json_cannot_hold_is_refused() {
    let budget = Budget::new();
    assert_eq!(
        Val::Number(f64::INFINITY).into_result(&budget),
        Err(EvaluationError::NotJson("not a number, or infinite"))
    );
    let keyed = Val::map(vec![(Val::Integer(1), Val::Null)]).unwrap();
    assert_eq!(
        keyed.into_result(&budget),
        Err(EvaluationError::NotJson(
            "a map with keys that are not text"
        ))
    );
}

#[test]
fn numbers_compare_across_types() {
    let budget = Budget::new();
    let is_equal = |a: &Val<'_>, b: &Val<'_>| equal(a, b, &budget).unwrap();
    assert!(is_equal(&Val::Integer(1), &Val::Number(1.0)));
    assert!(!is_equal(&Val::Integer(1), &Val::Boolean(true)));
    assert!(!is_equal(&Val::Number(f64::NAN), &Val::Number(f64::NAN)));
    assert!(
        compare(&Val::Integer(i64::MAX), &Val::Number(1e30))
            .unwrap()
            .is_lt()
    );
    assert_eq!(compare(&Val::Integer(1), &Val::Number(f64::NAN)), None);
    assert_eq!(compare(&Val::Integer(1), &Val::borrowed("1")), None);
}
