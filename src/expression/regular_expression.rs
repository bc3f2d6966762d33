//! Regular expressions that take a bounded part of the memory.
//!
//! A pattern of a few bytes may become a program of a megabyte, and what is remembered between two
//! matches another one for each thread. Whoever writes a template writes patterns, so the programs of a
//! template are bounded together, and what a match needs is kept only while it is small.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use regex_automata::Input;
use regex_automata::meta::{BuildError, Cache, Config, Regex};
use regex_automata::nfa::thompson::WhichCaptures;
use thiserror::Error;

/// What the patterns of one template may take together, in bytes.
const MOST_OF_TEMPLATE: usize = 1024 * 1024;

/// The largest memory of a match that is kept for the next one. What an ordinary pattern needs is less;
/// what a hostile one needs is given back.
const LARGEST_KEPT: usize = 8 * 1024;

/// What a compiled pattern takes besides what it says itself.
const BASE: usize = 4608;

/// What one match may take while it goes on.
const LARGEST_CACHE: usize = 1024 * 1024;

/// Why a regular expression was not compiled.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum RegularExpressionError {
    /// It is not well formed.
    #[error("{0}")]
    Syntax(String),
    /// It is too large by itself.
    #[error("it takes more than {0} bytes when it is compiled; repeat less")]
    TooLarge(usize),
    /// There are too many in its template.
    #[error(
        "the patterns of the template take more than {} KiB together when they are compiled; repeat \
         less, or take some out",
        MOST_OF_TEMPLATE >> 10
    )]
    TooManyInTemplate,
}

/// What the patterns of one template may still take. Clones share it.
#[derive(Clone)]
pub(crate) struct PatternAllowance(Arc<AtomicUsize>);

impl Default for PatternAllowance {
    fn default() -> Self {
        Self(Arc::new(AtomicUsize::new(MOST_OF_TEMPLATE)))
    }
}

impl fmt::Debug for PatternAllowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PatternAllowance")
            .field(&self.left())
            .finish()
    }
}

impl PatternAllowance {
    fn left(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// What was taken so far, in bytes.
    pub(crate) fn taken(&self) -> usize {
        MOST_OF_TEMPLATE.saturating_sub(self.left())
    }

    /// Refuses all further ones at once: the template is refused anyhow, and to compile takes time.
    fn exhaust(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    fn take(&self, bytes: usize) -> bool {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(bytes)
            })
            .is_ok()
    }
}

/// A compiled regular expression. Clones share its program.
#[derive(Clone, Debug)]
pub(crate) struct RegularExpression {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    regex: Regex,
    /// The memory of the last match, where it is small. A match that finds it in use makes its own.
    kept: Mutex<Option<Box<Cache>>>,
}

impl RegularExpression {
    /// Compiles a pattern whose program has at most `size_limit` bytes, and takes what it needs from the
    /// allowance of its template.
    pub(crate) fn compile(
        pattern: &str,
        size_limit: usize,
        allowance: &PatternAllowance,
    ) -> Result<Self, RegularExpressionError> {
        let left = allowance.left();
        if left == 0 {
            return Err(RegularExpressionError::TooManyInTemplate);
        }
        let config = Config::new()
            .nfa_size_limit(Some(size_limit.min(left)))
            .hybrid_cache_capacity(LARGEST_CACHE)
            // Whether a text matches is all that is asked: no groups, for which a one-pass program is.
            .onepass(false)
            .which_captures(WhichCaptures::Implicit);
        let built = Regex::builder().configure(config).build(pattern);
        let regex = match built.map_err(|error| refusal(&error, size_limit, left)) {
            Ok(regex) if allowance.take(BASE + regex.memory_usage() + LARGEST_KEPT) => regex,
            Ok(_) | Err(RegularExpressionError::TooManyInTemplate) => {
                allowance.exhaust();
                return Err(RegularExpressionError::TooManyInTemplate);
            }
            Err(error) => return Err(error),
        };
        Ok(Self {
            inner: Arc::new(Inner {
                regex,
                kept: Mutex::new(None),
            }),
        })
    }

    /// Whether the pattern is found in a text.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        let Inner { regex, kept } = &*self.inner;
        let held = kept.try_lock().ok().and_then(|mut kept| kept.take());
        let mut cache = held.unwrap_or_else(|| Box::new(regex.create_cache()));
        let input = Input::new(text).earliest(true);
        let is_match = regex.search_half_with(&mut cache, &input).is_some();
        if cache.memory_usage() <= LARGEST_KEPT
            && let Ok(mut kept) = kept.try_lock()
        {
            *kept = Some(cache);
        }
        is_match
    }

    /// What is kept for the next match, in bytes.
    #[cfg(test)]
    fn kept(&self) -> Option<usize> {
        let kept = self.inner.kept.lock().unwrap();
        kept.as_ref().map(|cache| cache.memory_usage())
    }
}

fn refusal(error: &BuildError, size_limit: usize, left: usize) -> RegularExpressionError {
    match (error.size_limit(), error.syntax_error()) {
        (Some(_), _) if left < size_limit => RegularExpressionError::TooManyInTemplate,
        (Some(_), _) => RegularExpressionError::TooLarge(size_limit),
        (None, Some(syntax)) => {
            let text = syntax.to_string();
            let line = text.lines().last().unwrap_or_default();
            RegularExpressionError::Syntax(line.trim_start_matches("error: ").to_owned())
        }
        (None, None) => RegularExpressionError::Syntax(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 1024 * 1024;

    fn compile(pattern: &str) -> RegularExpression {
        RegularExpression::compile(pattern, LIMIT, &PatternAllowance::default()).unwrap()
    }

    #[test]
    fn the_patterns_of_a_template_are_bounded_together() {
        let allowance = PatternAllowance::default();
        let many = std::iter::repeat_with(|| {
            RegularExpression::compile("^a[bc]{0,200}$", LIMIT, &allowance)
        });
        let (compiled, refused): (Vec<_>, Vec<_>) = many.take(200).partition(Result::is_ok);
        let bytes: usize = compiled
            .iter()
            .flatten()
            .map(|compiled| compiled.inner.regex.memory_usage())
            .sum();
        assert!(bytes <= MOST_OF_TEMPLATE, "{bytes}");
        assert!((10..=64).contains(&compiled.len()), "{}", compiled.len());
        let reason = refused.into_iter().next().unwrap().unwrap_err();
        assert_eq!(reason, RegularExpressionError::TooManyInTemplate);
        assert_eq!(
            allowance.taken(),
            MOST_OF_TEMPLATE,
            "and no smaller one is tried"
        );
    }

    #[test]
    fn one_that_is_too_large_is_told_from_too_many() {
        let allowance = PatternAllowance::default();
        let compile = |pattern| RegularExpression::compile(pattern, 4096, &allowance).unwrap_err();
        let too_large = compile("(?:abc){1000}");
        assert_eq!(too_large, RegularExpressionError::TooLarge(4096));
        let syntax = compile("(");
        assert!(matches!(syntax, RegularExpressionError::Syntax(_)));
        assert_eq!(allowance.taken(), 0, "what was refused takes nothing");
    }

    #[test]
    fn what_a_hostile_match_needed_is_given_back() {
        let plain = compile("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$");
        let text = "orders-7f9c".repeat(20);
        assert!(plain.is_match(&text) && !plain.is_match("-"));
        assert!(plain.kept().is_some_and(|bytes| bytes <= LARGEST_KEPT));
        let hostile = compile("[0-9A-Za-z_]{1000}");
        assert!(!hostile.is_match(&"a".repeat(999)));
        assert_eq!(
            hostile.kept(),
            None,
            "it takes more than that from the beginning"
        );
        assert!(hostile.is_match(&"a".repeat(1000)));
    }
}
