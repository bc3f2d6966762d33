//! Where environment variables are added: at the front, so that the user's `$(NAME)` finds them, and behind the
//! user's that one of ours refers to, as `$(NAME)` is a text where `NAME` stands behind it.

use serde_json::Value;

/// The places of a container's variables while a template's are added.
pub(super) struct Variables<'k> {
    /// Where the next one is added.
    front: usize,
    /// The template's variables that the list has by now, each with its place.
    placed: Vec<(&'k str, usize)>,
    /// The places of those that were added.
    added: Vec<usize>,
}

impl<'k> Variables<'k> {
    /// Adds behind the `front` variables that earlier templates have put there; `placed`: those of the template
    /// that the list has already, each with its place.
    pub(super) fn new(front: usize, placed: Vec<(&'k str, usize)>) -> Self {
        Self {
            front,
            added: Vec::new(),
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
        let mut place = behind.unwrap_or_default().max(self.front);
        if place > self.front {
            let ours = self.added.iter().filter(|added| **added < place).count();
            // One of the user's that refers to ours needs it in front.
            if is_referred_before(place.saturating_sub(ours)) {
                place = self.front;
            }
        }
        if place == self.front {
            self.front += 1;
        }
        let places = self.placed.iter_mut().map(|(_, other)| other);
        for other in places.chain(&mut self.added) {
            *other += usize::from(*other >= place);
        }
        self.added.push(place);
        self.placed.push((name, place));
        place
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Variables;

    #[test]
    fn a_variable_stands_behind_those_it_refers_to_and_in_front_of_all_else() {
        let never = |_: usize| false;
        let mut variables = Variables::new(1, vec![("HOST", 3)]);
        assert_eq!(variables.add("PORT", &json!({"value": "80"}), never), 1);
        let url = json!({"value": "http://$(HOST):$(PORT)"});
        assert_eq!(variables.add("URL", &url, never), 5);
        assert_eq!(
            variables.add("NAME", &json!({"value": "$(OTHER)"}), never),
            2
        );
        assert_eq!(variables.add("LOG", &json!({"value": "$(URL)"}), never), 7);
    }

    #[test]
    fn a_variable_that_the_user_refers_to_stays_in_front() {
        let mut variables = Variables::new(0, vec![("X", 2)]);
        assert_eq!(variables.add("A", &json!({"value": "a"}), |_| false), 0);
        let refers = |end: usize| {
            assert_eq!(end, 3, "so many of the user's stand in front of it");
            true
        };
        assert_eq!(variables.add("Y", &json!({"value": "$(X)"}), refers), 1);
        for name in ["B", "C", "D"] {
            let variable = json!({"value": "$(X)"});
            let refers = |end: usize| end > 3;
            assert_eq!(variables.add(name, &variable, refers), 5, "{name}");
        }
    }
}
