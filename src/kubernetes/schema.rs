//! The field types of a pod's spec: the field decides the type of what a template puts into it.
//!
//! A number in a text field, or text in an integer field, is an error 500 from the API server even
//! where the failure policy is `Ignore`; so types are checked when a template is loaded. The table
//! is generated from k8s-openapi's JSON Schema of `PodSpec` (`tests/generated.rs` keeps it current)
//! and embedded, so that the program needs neither that crate nor its start-up time.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use super::fields::{FIELDS, FieldFacts};

/// What a field can hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldType {
    /// A string.
    Text,
    /// A whole number of at most 32 bits.
    Integer32,
    /// A whole number of at most 64 bits.
    Integer64,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A whole number or a string, such as a port by number or by name.
    IntegerOrText,
    /// A resource quantity, written as a string or a number.
    Quantity,
    /// Anything: the API type says no more.
    Any,
    /// An object of the named definition.
    Object(String),
    /// A list.
    List(Box<Self>),
    /// A map from free keys.
    Map(Box<Self>),
}

impl FieldType {
    /// Whether a value of it is one value, and nothing that others add to.
    pub(crate) fn is_scalar(&self) -> bool {
        !matches!(
            self,
            Self::Object(_) | Self::List(_) | Self::Map(_) | Self::Any
        )
    }

    fn parse(text: &str) -> Self {
        let inner = |open: char, close: char| {
            text.strip_prefix(open)
                .and_then(|rest| rest.strip_suffix(close))
                .map(|inner| Box::new(Self::parse(inner)))
        };
        if let Some(element) = inner('[', ']') {
            return Self::List(element);
        }
        if let Some(value) = inner('{', '}') {
            return Self::Map(value);
        }
        match text {
            "string" => Self::Text,
            "int32" => Self::Integer32,
            "int64" => Self::Integer64,
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            "int-or-string" => Self::IntegerOrText,
            "quantity" => Self::Quantity,
            "any" => Self::Any,
            definition => Self::Object(definition.to_owned()),
        }
    }

    /// The type in words, as an error prints it.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Integer32 | Self::Integer64 => "an integer".to_owned(),
            Self::Number => "a number".to_owned(),
            Self::Boolean => "true or false".to_owned(),
            Self::IntegerOrText => "an integer or text".to_owned(),
            Self::Quantity => "a quantity".to_owned(),
            Self::Any => "any value".to_owned(),
            Self::Object(name) => format!("a map ({name})"),
            Self::List(_) => "a list".to_owned(),
            Self::Map(_) => "a map".to_owned(),
        }
    }
}

/// One field of a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub(crate) ty: FieldType,
    /// Whether the API server refuses an object without it.
    pub(crate) required: bool,
    /// What the API says of it beyond its type.
    pub(crate) facts: Option<&'static FieldFacts>,
}

/// An API type: its fields by name.
pub(crate) type Definition = BTreeMap<String, Field>;

static DEFINITIONS: LazyLock<HashMap<String, Definition>> = LazyLock::new(|| {
    let text = include_str!("schema/pod.json");
    let raw: BTreeMap<String, BTreeMap<String, String>> =
        serde_json::from_str(text).unwrap_or_default();
    let mut definitions: HashMap<String, Definition> = HashMap::with_capacity(raw.len());
    for (definition, fields) in raw {
        let fields = fields.into_iter().map(|(name, text)| {
            let field = Field {
                ty: FieldType::parse(text.trim_end_matches('!')),
                required: text.ends_with('!'),
                facts: None,
            };
            (name, field)
        });
        definitions.insert(definition, fields.collect());
    }
    for facts in FIELDS {
        let definition = definitions.get_mut(facts.definition);
        if let Some(field) = definition.and_then(|fields| fields.get_mut(facts.name)) {
            field.facts = Some(facts);
        }
    }
    definitions
});

/// The definition of an API type by its short name, such as `Container`.
pub(crate) fn definition(name: &str) -> Option<&'static Definition> {
    DEFINITIONS.get(name)
}

/// What the API says of a field beyond its type.
pub(crate) fn facts(definition_name: &str, field_name: &str) -> Option<&'static FieldFacts> {
    field(definition_name, field_name)?.facts
}

/// The type of a field of an API type.
pub(crate) fn field(definition_name: &str, field_name: &str) -> Option<&'static Field> {
    definition(definition_name)?.get(field_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_read_as_the_api_has_them() {
        let ty = |definition: &str, name: &str| field(definition, name).unwrap().ty.clone();
        assert_eq!(ty("Container", "image"), FieldType::Text);
        assert_eq!(ty("ContainerPort", "containerPort"), FieldType::Integer32);
        assert_eq!(
            ty("PodSpec", "terminationGracePeriodSeconds"),
            FieldType::Integer64
        );
        assert_eq!(ty("HTTPGetAction", "port"), FieldType::IntegerOrText);
        assert_eq!(ty("EmptyDirVolumeSource", "sizeLimit"), FieldType::Quantity);
        let mounts = FieldType::List(Box::new(FieldType::Object("VolumeMount".to_owned())));
        assert_eq!(ty("Container", "volumeMounts"), mounts);
        let requests = FieldType::Map(Box::new(FieldType::Quantity));
        assert_eq!(ty("ResourceRequirements", "requests"), requests);
        assert!(field("ContainerPort", "containerPort").unwrap().required);
        assert!(!field("ContainerPort", "name").unwrap().required);
    }

    #[test]
    fn every_named_definition_is_there() {
        fn named(ty: &FieldType) -> Option<&str> {
            match ty {
                FieldType::Object(name) => Some(name),
                FieldType::List(inner) | FieldType::Map(inner) => named(inner),
                _ => None,
            }
        }
        for fields in DEFINITIONS.values() {
            for name in fields.values().filter_map(|field| named(&field.ty)) {
                assert!(definition(name).is_some(), "{name}");
            }
        }
    }
}
