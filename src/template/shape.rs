//! The shape of a template's document: each field of the language, what it is for and what it may
//! hold.
//!
//! The compiler takes its known and required fields and its words from these tables, and the JSON
//! Schema and the `CustomResourceDefinition`s are printed from them. The fields of the spec are in
//! `compile::settings`, each with the code that reads it.

use super::parameter::{ParameterType, Setter};
use super::word::{Word, words};

/// A DNS label (RFC 1123).
pub(super) const LABEL_PATTERN: &str = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
/// Characters of a DNS label.
pub(super) const LONGEST_LABEL: usize = 63;

/// A field of a template's document.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) required: bool,
    /// Whether it is for people alone: no pod has it, so that another text makes no other revision.
    pub(super) is_for_people: bool,
    pub(super) kind: Kind,
}

impl Field {
    pub(super) const fn new(name: &'static str, kind: Kind, description: &'static str) -> Self {
        Self {
            name,
            description,
            required: false,
            is_for_people: false,
            kind,
        }
    }

    pub(super) const fn for_people(name: &'static str, description: &'static str) -> Self {
        Self {
            is_for_people: true,
            ..Self::new(name, Kind::Text, description)
        }
    }

    const fn required(name: &'static str, kind: Kind, description: &'static str) -> Self {
        Self {
            required: true,
            ..Self::new(name, kind, description)
        }
    }
}

/// What a field may hold.
#[derive(Debug)]
pub(super) enum Kind {
    Text,
    /// A text that tells the elements of a list apart.
    Name,
    Boolean,
    /// A whole number, and the smallest one.
    Integer(i64),
    /// A number, or a text that says one: the end of a range.
    Bound,
    Any,
    /// A list of at least one value of any kind.
    Values,
    /// One of a few words.
    Words(fn() -> Vec<&'static str>),
    /// CEL, or a plain boolean.
    Expression,
    /// Text that may hold expressions.
    Message,
    /// A list that is one value.
    List(&'static Self),
    /// An object of the language.
    Object(&'static [Field]),
    /// A list of objects that are told apart by their names.
    NamedObjects(&'static [Field]),
    /// Declared parameters, by name.
    Parameters(&'static [Field]),
    /// An object of the language in which the API server keeps unknown fields, so that the compiler
    /// can name them.
    OpenObject(&'static [Field]),
    /// Labels to select by.
    Labels,
    /// Texts by key, each of which may hold expressions.
    Texts,
    /// Policies by the code of a finding.
    Policies,
    /// Names of a container's fields.
    ContainerFields,
    Sidecars,
    InitContainers,
    Volumes,
    /// The fields of an app container that a template may set.
    App,
    /// The fields of the pod's spec that a template may set.
    Pod,
}

/// The types that an element of a list or map can have.
fn scalar_types() -> Vec<&'static str> {
    let scalars = ParameterType::WORDS.iter().filter(|(_, ty)| ty.is_scalar());
    scalars.map(|(word, _)| *word).collect()
}

/// The two kinds of templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DocumentKind {
    Cluster,
    Namespaced,
}

impl Word for DocumentKind {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("ClusterInjectionTemplate", Self::Cluster),
        ("InjectionTemplate", Self::Namespaced),
    ];
}

/// The operators of a label selector's requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SelectorOperator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

impl Word for SelectorOperator {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("In", Self::In),
        ("NotIn", Self::NotIn),
        ("Exists", Self::Exists),
        ("DoesNotExist", Self::DoesNotExist),
    ];
}

const TYPE_DESCRIPTION: &str =
    "how a value is read; Quantity and duration are texts in expressions";
const ENUM: Field = Field::new("enum", Kind::Values, "the values that are allowed");
const PATTERN: Field = Field::new(
    "pattern",
    Kind::Text,
    "a regular expression that the whole text matches",
);
const PATTERN_HINT: Field = Field::for_people(
    "patternHint",
    "the pattern in words, for the person whose value does not match it",
);
const MINIMUM: Field = Field::new("minimum", Kind::Bound, "the smallest value");
const MAXIMUM: Field = Field::new("maximum", Kind::Bound, "the largest value");
const DESCRIPTION: Field = Field::for_people("description", "what to set");

/// A parameter's declaration.
#[rustfmt::skip]
pub(super) const PARAMETER: &[Field] = &[
    Field::required("type", Kind::Words(words::<ParameterType>), TYPE_DESCRIPTION),
    DESCRIPTION,
    Field::new(
        "default",
        Kind::Any,
        "the value where nobody sets one; expressions read `params` and `app`",
    ),
    Field::new("required", Kind::Boolean, "whether a pod without a value is refused"),
    ENUM,
    PATTERN,
    PATTERN_HINT,
    MINIMUM,
    MAXIMUM,
    Field::new("items", Kind::OpenObject(ITEMS), "what each element of a list or map is"),
    Field::new("maxItems", Kind::Integer(1), "how many elements a list or map may have"),
    Field::new("setBy", Kind::List(&Kind::Words(words::<Setter>)), "who may set it by annotation"),
];

/// The elements of a list or map parameter.
pub(super) const ITEMS: &[Field] = &[
    Field::new("type", Kind::Words(scalar_types), TYPE_DESCRIPTION),
    ENUM,
    PATTERN,
    PATTERN_HINT,
    MINIMUM,
    MAXIMUM,
    DESCRIPTION,
];

const EXPRESSION: Field =
    Field::required("expression", Kind::Expression, "CEL, without `${` and `}`");

pub(super) const MATCH_CONDITION: &[Field] = &[
    Field::required(
        "name",
        Kind::Name,
        "the reason to skip, where the condition is false",
    ),
    EXPRESSION,
];

pub(super) const VALIDATION: &[Field] = &[
    EXPRESSION,
    Field::new(
        "message",
        Kind::Message,
        "what the person reads whose pod is refused",
    ),
];

pub(super) const VARIABLE: &[Field] = &[
    Field::required("name", Kind::Name, "its name below `variables`"),
    EXPRESSION,
];

/// Which pods a template applies to without being asked for.
pub(super) const SELECTOR: &[Field] = &[
    Field::new(
        "namespaceSelector",
        Kind::Object(LABEL_SELECTOR),
        "labels of the namespace; empty: all namespaces",
    ),
    Field::new(
        "podSelector",
        Kind::Object(LABEL_SELECTOR),
        "labels of the pod; empty: all pods",
    ),
];

pub(super) const LABEL_SELECTOR: &[Field] = &[
    Field::new("matchLabels", Kind::Labels, "labels with their values"),
    Field::new(
        "matchExpressions",
        Kind::List(&Kind::Object(REQUIREMENT)),
        "requirements on labels, all of which hold",
    ),
];

pub(super) const REQUIREMENT: &[Field] = &[
    Field::required("key", Kind::Text, "the label's key"),
    Field::required(
        "operator",
        Kind::Words(words::<SelectorOperator>),
        "how the label compares with `values`",
    ),
    Field::new("values", Kind::List(&Kind::Text), "for In and NotIn"),
];

/// What the pod's own metadata gets.
pub(super) const METADATA: &[Field] = &[
    Field::new("labels", Kind::Texts, "labels for the pod"),
    Field::new("annotations", Kind::Texts, "annotations for the pod"),
];

/// The field of a sidecar that is the language's own.
pub(super) const WAIT_FOR_READY: Field = Field::new(
    "waitForReady",
    Kind::Boolean,
    "the app starts when this is ready",
);

/// A volume that the app may have already.
pub(super) const ADOPT: &[Field] = &[Field::required(
    "mountPath",
    Kind::Message,
    "the path at which the app mounts it",
)];
