//! Where a fill has come to in an object, by position and by key.

use std::fmt::Write as _;

use crate::inject::patch::write_escaped;

/// Room for a pointer or a key path: most are shorter.
const USUAL_PATH: usize = 48;

/// A place, by position and by key; it is spelled out only where something is noted.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<'a> {
    above: Option<&'a Self>,
    step: Step<'a>,
}

/// The last step to a place.
#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    /// The object that is filled.
    Start,
    /// A field or key.
    Field(&'a str),
    /// An element of a list, by index and by what identifies it.
    Element(usize, &'a str),
}

impl At<'_> {
    pub(super) const START: Self = Self {
        above: None,
        step: Step::Start,
    };
}

impl<'a> At<'a> {
    pub(super) fn field(&'a self, name: &'a str) -> Self {
        Self {
            above: Some(self),
            step: Step::Field(name),
        }
    }

    pub(super) fn element(&'a self, index: usize, key: &'a str) -> Self {
        Self {
            above: Some(self),
            step: Step::Element(index, key),
        }
    }

    /// The JSON pointer.
    pub(super) fn pointer(&self) -> String {
        let mut pointer = String::with_capacity(USUAL_PATH);
        self.write_pointer(&mut pointer);
        pointer
    }

    fn write_pointer(&self, pointer: &mut String) {
        if let Some(above) = self.above {
            above.write_pointer(pointer);
        }
        match self.step {
            Step::Start => {}
            Step::Field(name) => {
                pointer.push('/');
                write_escaped(name, pointer);
            }
            Step::Element(index, _) => {
                // Writing to a string cannot fail.
                let _ = write!(pointer, "/{index}");
            }
        }
    }

    /// The key path.
    pub(super) fn key(&self) -> String {
        let mut key = String::with_capacity(USUAL_PATH);
        self.write_key(&mut key);
        key
    }

    fn write_key(&self, whole: &mut String) {
        if let Some(above) = self.above {
            above.write_key(whole);
        }
        if let Step::Field(key) | Step::Element(_, key) = self.step {
            if !whole.is_empty() {
                whole.push('/');
            }
            write_escaped(key, whole);
        }
    }
}
