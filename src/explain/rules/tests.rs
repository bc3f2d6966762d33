//! What the rules say is what the selection does: checked in every cell of the precedence table.

use super::*;
use crate::inject::selection::Selection;
use crate::inject::verdict::Reason;

/// Fails where the rules tell another story than the selection.
pub(crate) fn agree(catalog: &Catalog, asked: SelectionInput<'_>, selection: &Selection) {
    let rules = rules(catalog, &Settings::default(), asked);
    let decides: Vec<_> = rules.iter().filter(|rule| rule.decides).collect();
    assert!(decides.len() <= 1, "{rules:#?}");
    let stops = rules.iter().find(|rule| rule.effect == Effect::Stops);
    match selection {
        Selection::Nothing(why) => match why.reason {
            Reason::NotRequested => {
                assert_eq!(stops, None);
                let is_removed = rules.iter().any(|rule| rule.says.contains("takes out"));
                assert!(decides.is_empty() || is_removed, "{rules:#?}");
            }
            Reason::TemplateNotFound => assert_eq!(stops, None),
            Reason::TemplateBroken if stops.is_none() => {}
            _ => {
                let stops = stops.unwrap_or_else(|| panic!("{why:?}: {rules:#?}"));
                assert_eq!(stops.says, why.message);
                let denies = why.reason.verdict() == Verdict::Denied;
                assert!(stops.decides || !denies && decides.len() == 1, "{rules:#?}");
            }
        },
        Selection::Templates(templates) => {
            assert_eq!(decides.len(), 1, "{rules:#?}");
            for template in templates {
                let askers = askers(template, catalog, asked);
                assert!(!askers.is_empty(), "{}: {rules:#?}", template.name);
                assert!(template.mandatory || askers != [Asker::Mandatory]);
                if stops.is_some() {
                    assert_eq!(askers, [Asker::Mandatory], "{rules:#?}");
                }
            }
        }
    }
}
