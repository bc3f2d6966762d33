//! The precedence table, rule by rule, for a person who asks why.
//!
//! [`select`](crate::inject::selection::select) stops at the first rule that decides; here every rule is asked what it
//! says, with the very functions that `select` uses.

use std::sync::Arc;

use serde::Serialize;

use crate::inject::selection::{List, SelectionInput};
use crate::inject::selection::{
    by_disabled_namespace, by_label, excluded, mandatory, mirror, selected,
};
use crate::inject::settings::Settings;
use crate::inject::verdict::{Refusal, Verdict};
use crate::kubernetes::keys::{INJECT, INJECTION, MANDATORY};
use crate::review::Text;
use crate::template::{Catalog, Template};

/// The rules, in the order of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum RuleName {
    /// Namespaces whose pods are never touched.
    ExcludedNamespace,
    /// Mirrors of static pods.
    MirrorPod,
    /// Templates with `requirement: Mandatory`.
    MandatoryTemplates,
    /// The pod's label `pillion.dev/inject`.
    PodLabel,
    /// The namespace's label `pillion.dev/injection`.
    NamespaceLabel,
    /// The pod's annotation `pillion.dev/inject`.
    PodAnnotation,
    /// The namespace's annotation `pillion.dev/inject`.
    NamespaceAnnotation,
    /// Templates with a `selector`.
    Selectors,
}

/// What a rule does to the pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum Effect {
    /// It says nothing about this pod.
    Silent,
    /// It lets the namespace's annotation and the selectors count.
    Enables,
    /// It asks for templates.
    Asks,
    /// It takes templates out of what others ask for.
    Removes,
    /// It ends the selection, or refuses the pod.
    Stops,
    /// It would say something, but a rule before it stopped, or does not let it count.
    Overruled,
}

/// What one rule says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rule {
    /// Which one.
    pub(crate) rule: RuleName,
    /// What it does.
    pub(crate) effect: Effect,
    /// Whether it is the one that decides: the first that refuses the pod, else the first that
    /// stops or asks.
    pub(crate) decides: bool,
    /// What it says, in one sentence.
    pub(crate) says: String,
}

/// Who asks for a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Asker {
    /// The template is mandatory here.
    Mandatory,
    /// The template's own selector.
    Selector,
    /// The namespace's annotation.
    NamespaceAnnotation,
    /// The pod's annotation.
    PodAnnotation,
}

impl Asker {
    /// In words, behind "asked for by".
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Mandatory => "the namespace, in which it is mandatory",
            Self::Selector => "its own selector",
            Self::NamespaceAnnotation => "the namespace's annotation",
            Self::PodAnnotation => "the pod's annotation",
        }
    }
}

/// Who asks for a template that was selected.
pub(crate) fn askers(
    template: &Arc<Template>,
    catalog: &Catalog,
    asked: SelectionInput<'_>,
) -> Vec<Asker> {
    let name = template.name.as_str();
    let lists = |list| List::read(list).wanted.contains(&name);
    let has = |templates: &[Arc<Template>]| templates.iter().any(|one| Arc::ptr_eq(one, template));
    let stopped = by_label(asked).is_err() || by_disabled_namespace(asked).is_err();
    let enabled = !stopped && crate::inject::selection::is_enabled(asked);
    [
        Asker::Mandatory,
        Asker::Selector,
        Asker::NamespaceAnnotation,
        Asker::PodAnnotation,
    ]
    .into_iter()
    .filter(|asker| match asker {
        Asker::Mandatory => has(&mandatory(catalog, asked)),
        Asker::Selector => enabled && has(&selected(catalog, asked)),
        Asker::NamespaceAnnotation => enabled && lists(of_namespace(asked)),
        Asker::PodAnnotation => !stopped && lists(of_pod(asked)),
    })
    .collect()
}

/// What every rule says about a pod.
pub(crate) fn rules(
    catalog: &Catalog,
    settings: &Settings,
    asked: SelectionInput<'_>,
) -> Vec<Rule> {
    let mut table = Table::default();
    table.stops_if(
        RuleName::ExcludedNamespace,
        excluded(settings, asked),
        || format!("the namespace `{}` is not excluded", asked.namespace),
    );
    table.stops_if(RuleName::MirrorPod, mirror(asked), || {
        "the pod is no static pod's mirror".to_owned()
    });
    table.mandatory(catalog, asked);
    table.label(asked);
    table.namespace_label(asked);
    table.pod_annotation(asked);
    table.namespace(catalog, asked);
    table.rules
}

#[derive(Default)]
struct Table {
    rules: Vec<Rule>,
    stopped: bool,
    decided: bool,
}

impl Table {
    fn add(&mut self, rule: RuleName, effect: Effect, says: impl Into<String>) {
        let speaks = effect != Effect::Silent;
        let effect = if self.stopped && speaks {
            Effect::Overruled
        } else {
            effect
        };
        let decides = !self.decided && matches!(effect, Effect::Stops | Effect::Asks);
        self.stopped |= effect == Effect::Stops;
        self.decided |= decides;
        self.rules.push(Rule {
            rule,
            effect,
            decides,
            says: says.into(),
        });
    }

    /// Ends the selection. A refusal of the pod overrules those before it, too.
    fn stop(&mut self, rule: RuleName, why: Refusal) {
        if why.reason.verdict() == Verdict::Denied && !self.stopped {
            self.rules.iter_mut().for_each(|rule| rule.decides = false);
            self.decided = false;
        }
        self.add(rule, Effect::Stops, why.message);
    }

    fn stops_if(&mut self, rule: RuleName, why: Option<Refusal>, else_: impl Fn() -> String) {
        match why {
            Some(why) => self.stop(rule, why),
            None => self.add(rule, Effect::Silent, else_()),
        }
    }

    fn mandatory(&mut self, catalog: &Catalog, asked: SelectionInput<'_>) {
        let rule = RuleName::MandatoryTemplates;
        if !asked.namespace_object.labels.contains_key(MANDATORY) {
            let says = format!("the namespace has no label {MANDATORY}");
            return self.add(rule, Effect::Silent, says);
        }
        if let Some(why) = crate::inject::selection::broken_mandatory(catalog, asked) {
            return self.stop(rule, why);
        }
        let names = names(&mandatory(catalog, asked));
        if names.is_empty() {
            let says =
                format!("the namespace has the label {MANDATORY}; no mandatory template fits");
            return self.add(rule, Effect::Silent, says);
        }
        let says = format!("the namespace has the label {MANDATORY}: {names}");
        self.add(rule, Effect::Asks, says);
    }

    fn label(&mut self, asked: SelectionInput<'_>) {
        let rule = RuleName::PodLabel;
        match by_label(asked) {
            Ok(true) => {
                let says =
                    format!("the pod's label {INJECT} is `true`: its namespace counts as enabled");
                self.add(rule, Effect::Enables, says);
            }
            Ok(false) => {
                self.add(
                    rule,
                    Effect::Silent,
                    format!("the pod has no label {INJECT}"),
                );
            }
            Err(why) => self.stop(rule, why),
        }
    }

    fn namespace_label(&mut self, asked: SelectionInput<'_>) {
        let rule = RuleName::NamespaceLabel;
        if let Err(why) = by_disabled_namespace(asked) {
            return self.stop(rule, why);
        }
        let Some(value) = asked.namespace_object.injection() else {
            let says = format!("the namespace has no label {INJECTION}");
            return self.add(rule, Effect::Silent, says);
        };
        let (effect, remark) = match value {
            "enabled" => (Effect::Enables, ""),
            "disabled" => (Effect::Overruled, ", but the pod's label counts first"),
            _ => (
                Effect::Silent,
                ", which means nothing: `enabled` or `disabled`",
            ),
        };
        let says = format!("the namespace's label {INJECTION} is `{value}`{remark}");
        self.add(rule, effect, says);
    }

    fn pod_annotation(&mut self, asked: SelectionInput<'_>) {
        let (effect, says) = listed("the pod", of_pod(asked));
        self.add(RuleName::PodAnnotation, effect, says);
    }

    /// The namespace's annotation and the selectors, which count in an enabled namespace.
    fn namespace(&mut self, catalog: &Catalog, asked: SelectionInput<'_>) {
        let enabled = crate::inject::selection::is_enabled(asked);
        let counts = |effect, says: String| {
            if enabled || effect == Effect::Silent {
                (effect, says)
            } else {
                let says = format!("{says}, but the namespace is not enabled (label {INJECTION})");
                (Effect::Overruled, says)
            }
        };
        let (effect, says) = listed("the namespace", of_namespace(asked));
        let (effect, says) = counts(effect, says);
        self.add(RuleName::NamespaceAnnotation, effect, says);
        let names = names(&selected(catalog, asked));
        let (effect, says) = if names.is_empty() {
            (Effect::Silent, "no template's selector matches".to_owned())
        } else {
            counts(Effect::Asks, format!("selectors match: {names}"))
        };
        self.add(RuleName::Selectors, effect, says);
    }
}

fn names(templates: &[Arc<Template>]) -> String {
    let names: Vec<_> = templates.iter().map(|one| one.name.as_str()).collect();
    names.join(", ")
}

/// The pod's list.
fn of_pod(asked: SelectionInput<'_>) -> Option<&str> {
    asked.annotations.get(INJECT).map(Text::as_str)
}

/// The namespace's list.
fn of_namespace(asked: SelectionInput<'_>) -> Option<&str> {
    let list = asked.namespace_object.annotations.get(INJECT);
    list.map(String::as_str)
}

fn listed(whose: &str, list: Option<&str>) -> (Effect, String) {
    if list.is_none() {
        let says = format!("{whose} has no annotation {INJECT}");
        return (Effect::Silent, says);
    }
    let List { wanted, removed } = List::read(list);
    let removed: Vec<_> = removed.into_iter().collect();
    let (effect, does) = match (wanted.join(", "), removed.join(", ")) {
        (asks, _) if asks.is_empty() && removed.is_empty() => (Effect::Silent, "is empty".into()),
        (asks, out) if asks.is_empty() => (Effect::Removes, format!("takes out {out}")),
        (asks, out) if out.is_empty() => (Effect::Asks, format!("asks for {asks}")),
        (asks, out) => (Effect::Asks, format!("asks for {asks} and takes out {out}")),
    };
    (effect, format!("{whose}'s annotation {INJECT} {does}"))
}

#[cfg(test)]
pub(crate) mod tests;
