//! Choices of what follows from findings: how they are written, and which cannot be taken.

use std::collections::BTreeMap;

use super::code::{Code, Policy, Refusal};
use crate::wording::did_you_mean;

/// Why a choice of policies cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PolicyError {
    /// An entry that is not `CODE=POLICY`.
    #[error("`{0}` is no policy: write CODE=Deny, CODE=Skip, CODE=Warn or CODE=Ignore")]
    Form(String),
    /// A code that no check has.
    #[error("there is no finding `{code}`{hint}")]
    Code {
        /// The code as it was written.
        code: String,
        /// The code that was probably meant, as a question.
        hint: String,
    },
    /// A word that is no policy.
    #[error("`{code}={policy}`: `{policy}` is no policy: Deny, Skip, Warn or Ignore is wanted")]
    Policy { code: Code, policy: String },
    /// A policy that would let a pod pass which the API server refuses.
    #[error(
        "`{code}` can be Deny or Skip only, not {policy}: the API server refuses such a pod itself"
    )]
    TooMild {
        code: Code,
        /// The policy that was chosen.
        policy: Policy,
    },
}

/// How many entries of a text are read, and how many of them reported as wrong: an annotation may
/// have 256 KiB.
const MOST_ENTRIES: usize = 200;
const MOST_ERRORS: usize = 8;
/// The longest entry in bytes, far above that of any code and policy.
const LONGEST_ENTRY: usize = 80;

/// Policies by code: a choice that overrides the defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policies(BTreeMap<Code, Policy>);

impl Policies {
    /// Chooses the policy of one code, given by their words.
    pub(crate) fn choose(&mut self, code: &str, policy: &str) -> Result<(), PolicyError> {
        let known = Code::parse(code).ok_or_else(|| PolicyError::Code {
            code: code.to_owned(),
            hint: did_you_mean(code, Code::ALL.iter().map(|code| code.as_str())),
        })?;
        let policy = Policy::parse(policy).ok_or_else(|| PolicyError::Policy {
            code: known,
            policy: policy.to_owned(),
        })?;
        if known.refusal() == Some(Refusal::Invalid) && policy > Policy::Skip {
            return Err(PolicyError::TooMild {
                code: known,
                policy,
            });
        }
        self.0.insert(known, policy);
        Ok(())
    }

    /// Reads `CODE=Policy,CODE=Policy`. Entries that cannot be taken are left out and reported, the
    /// first ones; there are not more useful entries than codes.
    pub(crate) fn parse(text: &str) -> (Self, Vec<PolicyError>) {
        let mut policies = Self::default();
        let mut errors = Vec::new();
        let entries = text
            .split([',', '\n'])
            .map(str::trim)
            .filter(|entry| !entry.is_empty());
        for entry in entries.take(MOST_ENTRIES) {
            if errors.len() == MOST_ERRORS {
                break;
            }
            if entry.len() > LONGEST_ENTRY {
                let start: String = entry.chars().take(LONGEST_ENTRY).collect();
                errors.push(PolicyError::Form(format!("{start}…")));
                continue;
            }
            let chosen = match entry.split_once('=') {
                Some((code, policy)) => policies.choose(code.trim(), policy.trim()),
                None => Err(PolicyError::Form(entry.to_owned())),
            };
            errors.extend(chosen.err());
        }
        (policies, errors)
    }

    /// Takes over every choice of another, which wins.
    pub(crate) fn extend(&mut self, other: &Self) {
        self.0.extend(other.iter());
    }

    /// The policy chosen for a code.
    pub(crate) fn get(&self, code: Code) -> Option<Policy> {
        self.0.get(&code).copied()
    }

    /// Every choice, by code.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Code, Policy)> + '_ {
        self.0.iter().map(|(code, policy)| (*code, *policy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_entries_hold_and_bad_ones_are_named() {
        let text = "PortConflict = Warn,\nImageTagFloating=Deny, PortConfict=Warn,NestedMount,\
                    NestedMount=Maybe,HostPortConflict=Warn";
        let (policies, errors) = Policies::parse(text);
        let chosen: Vec<_> = policies.iter().collect();
        assert_eq!(
            chosen,
            [
                (Code::PortConflict, Policy::Warn),
                (Code::ImageTagFloating, Policy::Deny)
            ]
        );
        let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            errors,
            [
                "there is no finding `PortConfict`; did you mean `PortConflict`?",
                "`NestedMount` is no policy: write CODE=Deny, CODE=Skip, CODE=Warn or CODE=Ignore",
                "`NestedMount=Maybe`: `Maybe` is no policy: Deny, Skip, Warn or Ignore is wanted",
                "`HostPortConflict` can be Deny or Skip only, not Warn: the API server refuses \
                 such a pod itself",
            ]
        );
    }

    #[test]
    fn a_long_text_is_read_to_a_bound() {
        let (_, errors) = Policies::parse(&"A=,".repeat(80_000));
        assert_eq!(errors.len(), MOST_ERRORS);
        let (_, errors) = Policies::parse(&format!("{}=Warn", "A".repeat(240_000)));
        let told = errors[0].to_string();
        assert!(errors.len() == 1 && told.len() < 200, "{told}");
    }
}
