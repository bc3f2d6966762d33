//! What one review may cost: steps of evaluation, bytes made, bytes of the patch, and time.
//!
//! One budget is handed through everything that is evaluated for a review: all templates, their
//! expressions, the app containers that these are evaluated for, and compositions that are made
//! again. Steps and bytes are fixed numbers, so that a webhook, a file and a debug build end at
//! the same place; time is asked of the server alone, as nothing else has a deadline.

use std::cell::Cell;
use std::fmt;

/// Steps of one review, worth about 50 ms in a release build. A node of an expression takes one;
/// text that is looked through takes one for each [`BYTES_PER_STEP`].
const STEPS: u64 = 4_000_000;

/// Bytes of text and values that one review may make: enough to copy the largest pod that the API
/// server takes several times.
const BYTES: u64 = 16 * 1024 * 1024;

/// What all templates together may add to one pod: the API server takes no larger patch
/// (`apiserver:pkg/endpoints/handlers/rest.go`, `limitBytes` of 3 MiB).
pub const PATCH_BYTES: u64 = 3 * 1024 * 1024;

/// Templates in shadow mode share this part of the budget, so that they cannot refuse a pod by
/// using up what the others need.
const SHADOW_PART: u64 = 4;

/// How many bytes of text are looked through in the time of one step.
const BYTES_PER_STEP: u64 = 16;

/// What a value takes besides its text.
const VALUE_BYTES: usize = 32;

/// How many steps pass before the deadline is looked at again.
const STEPS_PER_LOOK: u64 = 4096;

/// Which part of a budget has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exhausted {
    /// Steps.
    Steps,
    /// Bytes.
    Bytes,
    /// Bytes of the patch.
    Patch,
    /// The time until the API server stops waiting.
    Deadline,
}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Steps => write!(
                f,
                "the expressions and patterns take more than the {STEPS} steps that one review may have; go \
                 over fewer lists inside one another, or match shorter texts"
            ),
            Self::Bytes => write!(
                f,
                "the expressions make more than the {} MiB of data that one review may have; make \
                 shorter texts, or fewer",
                BYTES >> 20
            ),
            Self::Patch => write!(
                f,
                "the templates add more than {} MiB to the pod, more than the API server takes",
                PATCH_BYTES >> 20
            ),
            Self::Deadline => f.write_str(
                "the expressions were not evaluated in the time that the API server waits",
            ),
        }
    }
}

impl std::error::Error for Exhausted {}

/// What is left of some part of a budget.
#[derive(Debug)]
struct Left {
    steps: Cell<u64>,
    bytes: Cell<u64>,
    ended: Cell<Option<Exhausted>>,
}

impl Left {
    fn of(part: u64) -> Self {
        Self {
            steps: Cell::new(STEPS / part),
            bytes: Cell::new(BYTES / part),
            ended: Cell::new(None),
        }
    }

    fn take(&self, steps: u64, bytes: u64) -> Result<(), Exhausted> {
        if let Some(ended) = self.ended.get() {
            return Err(ended);
        }
        let steps_left = self.steps.get().checked_sub(steps);
        self.steps
            .set(steps_left.ok_or_else(|| self.end(Exhausted::Steps))?);
        let bytes_left = self.bytes.get().checked_sub(bytes);
        self.bytes
            .set(bytes_left.ok_or_else(|| self.end(Exhausted::Bytes))?);
        Ok(())
    }

    fn end(&self, why: Exhausted) -> Exhausted {
        self.ended.set(Some(why));
        why
    }
}

/// The budget of one review.
pub struct Budget<'d> {
    left: Left,
    for_shadows: Left,
    in_shadow: Cell<bool>,
    patch: Cell<u64>,
    next_look: Cell<u64>,
    is_late: Option<&'d dyn Fn() -> bool>,
}

impl fmt::Debug for Budget<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

impl Default for Budget<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'d> Budget<'d> {
    /// A whole budget without a deadline.
    pub fn new() -> Self {
        Self {
            left: Left::of(1),
            for_shadows: Left::of(SHADOW_PART),
            in_shadow: Cell::new(false),
            patch: Cell::new(PATCH_BYTES),
            next_look: Cell::new(STEPS),
            is_late: None,
        }
    }

    /// A whole budget that also ends when `is_late` says that nobody waits any more.
    pub(crate) fn until(is_late: &'d dyn Fn() -> bool) -> Self {
        Self {
            is_late: Some(is_late),
            ..Self::new()
        }
    }

    /// A small budget for what is computed when a template is loaded.
    pub(super) fn for_constants() -> Self {
        let budget = Self::new();
        budget.left.steps.set(STEPS / 256);
        budget.left.bytes.set(BYTES / 512);
        budget
    }

    /// What has ended, if anything has, where the current template may still go on.
    pub(crate) fn ended(&self) -> Option<Exhausted> {
        let of_shadows = self
            .for_shadows
            .ended
            .get()
            .filter(|_| self.in_shadow.get());
        self.left.ended.get().or(of_shadows)
    }

    /// Whether a template is evaluated that is in shadow mode.
    pub(crate) fn set_in_shadow(&self, in_shadow: bool) {
        self.in_shadow.set(in_shadow);
    }

    /// Bytes made so far.
    #[cfg(test)]
    pub(crate) fn bytes_made(&self) -> u64 {
        BYTES - self.left.bytes.get()
    }

    /// Counts what the templates add anew, as the pod is composed again.
    pub(crate) fn restart_patch(&self) {
        self.patch.set(PATCH_BYTES);
    }

    /// Pays for what is added to the pod.
    pub(crate) fn add_to_patch(&self, bytes: usize) -> Result<(), Exhausted> {
        self.take(1, 0)?;
        match self.patch.get().checked_sub(as_u64(bytes)) {
            Some(left) => self.patch.set(left),
            None => {
                let pool = if self.in_shadow.get() {
                    &self.for_shadows
                } else {
                    &self.left
                };
                return Err(pool.end(Exhausted::Patch));
            }
        }
        Ok(())
    }

    /// Pays for some steps.
    pub(super) fn step(&self, steps: u64) -> Result<(), Exhausted> {
        self.take(steps, 0)
    }

    /// Pays for looking through text.
    pub(crate) fn look_through(&self, bytes: usize) -> Result<(), Exhausted> {
        self.take(1 + as_u64(bytes) / BYTES_PER_STEP, 0)
    }

    /// Pays for a value that is made, with so many bytes of text.
    pub(super) fn make(&self, bytes: usize) -> Result<(), Exhausted> {
        let bytes = as_u64(bytes.saturating_add(VALUE_BYTES));
        self.take(bytes / (4 * BYTES_PER_STEP), bytes)
    }

    fn take(&self, steps: u64, bytes: u64) -> Result<(), Exhausted> {
        if self.in_shadow.get() {
            self.for_shadows.take(steps, bytes)?;
        }
        self.left
            .take(steps, bytes)
            .and_then(|()| self.look_at_deadline())
    }

    fn look_at_deadline(&self) -> Result<(), Exhausted> {
        let left = self.left.steps.get();
        if left > self.next_look.get() {
            return Ok(());
        }
        self.next_look.set(left.saturating_sub(STEPS_PER_LOOK));
        match self.is_late {
            Some(is_late) if is_late() => Err(self.left.end(Exhausted::Deadline)),
            _ => Ok(()),
        }
    }
}

fn as_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_ends_once_and_for_all() {
        let budget = Budget::new();
        assert_eq!(budget.step(STEPS), Ok(()));
        let ended = Err(Exhausted::Steps);
        assert_eq!(budget.step(1), ended);
        assert_eq!(budget.make(0), ended);
        assert_eq!(budget.ended(), Some(Exhausted::Steps));
    }

    #[test]
    fn bytes_and_the_patch_end_too() {
        let budget = Budget::new();
        let bytes = usize::try_from(BYTES).unwrap();
        let ended = Err(Exhausted::Bytes);
        assert_eq!(budget.make(bytes), ended);
        let budget = Budget::new();
        let most = usize::try_from(PATCH_BYTES).unwrap();
        assert_eq!(budget.add_to_patch(most), Ok(()));
        budget.restart_patch();
        assert_eq!(budget.add_to_patch(most), Ok(()));
        let ended = Err(Exhausted::Patch);
        assert_eq!(budget.add_to_patch(1), ended);
    }

    #[test]
    fn what_is_in_shadow_cannot_use_up_what_the_others_need() {
        let budget = Budget::new();
        budget.set_in_shadow(true);
        assert!(budget.step(STEPS / 2).is_err());
        assert_eq!(budget.ended(), Some(Exhausted::Steps));
        budget.set_in_shadow(false);
        assert_eq!(budget.ended(), None);
        assert_eq!(budget.step(STEPS / 2), Ok(()));
    }

    #[test]
    fn the_deadline_is_looked_at_now_and_then() {
        let asked = Cell::new(0);
        let is_late = || {
            asked.set(asked.get() + 1);
            asked.get() == 3
        };
        let budget = Budget::until(&is_late);
        let steps = (0..STEPS).take_while(|_| budget.step(1).is_ok());
        let steps = steps.count();
        assert_eq!(budget.ended(), Some(Exhausted::Deadline));
        assert!(steps < 3 * 4096 + 3, "{steps}");
    }
}
