//! Where environment variables are added: at the front, so that the user's `$(NAME)` finds them, and behind the
//! user's that one of ours refers to, as `$(NAME)` is a text where `NAME` stands behind it.

use serde_json::Value;

/// The places of a container's variables while a template's are added.
pub(super) struct Variables<'k> {
    /// Where the next one is added.
    front: usize,
    /// How many were added.
    added: usize,
    /// The template's variables that the list has by now, each with its place.
    placed: Vec<(&'k str, usize)>,
}

impl<'k> Variables<'k> {
    /// Adds behind the `front` variables that earlier templates have put there; `placed`: those of the template
    /// that the list has already, each with its place.
    pub(super) fn new(front: usize, placed: Vec<(&'k str, usize)>) -> Self {
        Self {
            front,
            added: 0,
            placed,
        }
    }

    /// The place for a variable; `is_referred_before` says whether one of the user's in front of a place of the
    /// user's list refers to it.
    pub(super) fn add(
        &mut self,
        name: &'k str,
        variable: &Value,
        is_referred_before: impl Fn(usize) -> bool,
    ) -> usize {
        let text = variable.get("value").and_then(Value::as_str);
        let text = text.filter(|text| text.contains("$("));
        let referred = self
            .placed
            .iter()
            .filter(|(name, _)| text.is_some_and(|text| text.contains(&format!("$({name})"))));
        let behind = referred.map(|(_, place)| place + 1).max();
        let place = behind.unwrap_or_default().max(self.front);
        // One of the user's that refers to ours needs it in front.
        let place = if place > self.front && is_referred_before(place - self.added) {
            self.front
        } else {
            place
        };
        self.added += 1;
        if place == self.front {
            self.front += 1;
        }
        for (_, other) in &mut self.placed {
            *other += usize::from(*other >= place);
        }
        self.placed.push((name, place));
        place
    }
}
