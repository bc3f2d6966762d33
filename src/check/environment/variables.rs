//! Variables that are defined twice.
//!
//! Kubernetes takes the last. A user's own duplicates are the user's business; a template's are not
//! expected by whoever reads the pod. Most containers have none, so that nothing is allocated to
//! find that out, and a container with 1500 variables is read once.

use super::super::pod::{Container, Env};
use crate::finding::{Code, Finding};
use crate::review::Text;

pub(super) fn duplicates(container: &Container<'_>, findings: &mut Vec<Finding>) {
    let mut names = Names::default();
    let ours = || container.env.iter().filter(|env| env.by.is_some());
    let mut repeats = false;
    for env in ours() {
        repeats |= names.may_have(name(env));
        names.add(name(env));
    }
    if names.is_empty() {
        return;
    }
    let mut others = container.env.iter().filter(|env| env.by.is_none());
    if !repeats && !others.any(|env| names.may_have(name(env))) {
        return;
    }
    for (index, env) in container.env.iter().enumerate() {
        if !names.may_have(name(env)) {
            continue;
        }
        let mut before = container.env.iter().take(index);
        let Some(first) = before.find(|first| name(first) == name(env)) else {
            continue;
        };
        let Some(by) = env.by.or(first.by) else {
            continue;
        };
        let title = container.title();
        let name = name(env);
        let message = match (first.by, env.by) {
            (Some(_), None) => format!(
                "{title} defines {name} itself after template {by} defined it; its own value counts"
            ),
            (None, Some(_)) => format!(
                "template {by} defines {name} again in {title}; the template's value counts"
            ),
            _ => format!("template {by} defines {name} twice in {title}; the last one counts"),
        };
        let path = format!("{}.env[{index}]", container.place);
        findings.push(Finding::new(Code::EnvDuplicate, path, message).of(Some(by)));
    }
}

/// The variable's name.
pub(super) fn name<'e>(env: &'e Env<'_>) -> &'e str {
    env.name.as_ref().map(Text::as_str).unwrap_or_default()
}

/// A set of names that can be wrong in one direction: a name that it has not is not in it.
#[derive(Default)]
struct Names([u64; 4]);

impl Names {
    fn place(name: &str) -> (usize, u64) {
        let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, step);
        let word = usize::try_from(hash >> 62).unwrap_or_default();
        (word, 1 << ((hash >> 32) & 63))
    }

    fn add(&mut self, name: &str) {
        let (word, bit) = Self::place(name);
        if let Some(word) = self.0.get_mut(word) {
            *word |= bit;
        }
    }

    fn may_have(&self, name: &str) -> bool {
        let (word, bit) = Self::place(name);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }

    fn is_empty(&self) -> bool {
        self.0 == [0; 4]
    }
}
