//! What is read is what `serde_json` reads, and nothing else is.

use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn parts_are_found_where_they_are_written() {
    let text = r#" {"a": {"x": 1.10, "y": [1, "two", null]}, "b": null, "c\n": "d\t", "a": 2} "#;
    let document = Document::read(text).unwrap();
    let root = document.root();
    assert_eq!(root.raw(), text.trim());
    let first = root.get("a").unwrap();
    assert_eq!(first.raw(), r#"{"x": 1.10, "y": [1, "two", null]}"#);
    let elements: Vec<_> = first.get("y").unwrap().elements().map(Json::raw).collect();
    assert_eq!(elements, ["1", "\"two\"", "null"]);
    assert!(root.get("b").is_none() && root.get("x").is_none());
    assert_eq!(root.text("c\n").as_deref(), Some("d\t"));
    assert!(matches!(
        first.get("y").unwrap().elements().nth(1).unwrap().as_text(),
        Some(Cow::Borrowed("two"))
    ));
    let names: Vec<_> = root.fields().map(|(name, _)| name).collect();
    assert_eq!(names, ["a", "b", "c\n", "a"]);
}

#[test]
fn an_error_names_the_place() {
    let error = Document::read("{\"a\":\n 01}").unwrap_err();
    assert_eq!((error.line(), error.column()), (2, 3));
    let document = Document::read("{\"a\":\n [1, \"x\"]}").unwrap();
    let error = document
        .root()
        .get("a")
        .unwrap()
        .read_as::<Vec<u8>>()
        .unwrap_err();
    assert_eq!((error.line(), error.column()), (1, 7));
    let deep = format!("{}1{}", "[".repeat(127), "]".repeat(127));
    assert!(Document::read(&deep).is_ok());
    assert!(Document::read(&format!("[{deep}]")).is_err());
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<u64>().prop_map(serde_json::Value::from),
        any::<f64>().prop_map(serde_json::Value::from),
        any::<String>().prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn what_serde_writes_is_read_as_it_was(value in value(), is_pretty: bool) {
        let text = if is_pretty {
            serde_json::to_string_pretty(&value).unwrap()
        } else {
            value.to_string()
        };
        let expected: serde_json::Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(Document::read(&text).unwrap().root().to_value(), expected);
    }

    #[test]
    fn bytes_that_are_nearly_json_are_taken_where_serde_takes_them(
        value in value(),
        at: prop::sample::Index,
        bytes in "[\"\\\\{}\\[\\]:,0-9eE.+u \\n\\x00truefalsn-]{0,3}",
        cut in 0..3_usize,
    ) {
        let mut text = value.to_string();
        let places: Vec<usize> = text.char_indices().map(|(place, _)| place).collect();
        let place = places[at.index(places.len())];
        let end = places.iter().copied().find(|end| *end >= place + cut).unwrap_or(text.len());
        text.replace_range(place..end, &bytes);
        let expected = serde_json::from_str::<IgnoredAny>(&text);
        prop_assert_eq!(Document::read(&text).is_ok(), expected.is_ok(), "{}", text);
        if let (Ok(document), Ok(expected)) =
            (Document::read(&text), serde_json::from_str::<serde_json::Value>(&text))
        {
            prop_assert_eq!(document.root().to_value(), expected);
        }
    }
}
