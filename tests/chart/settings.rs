//! What the chart tells the program, the program knows: a variable with another name would be
//! ignored in silence.

use std::collections::BTreeSet;

use pillion::cli;

use crate::chart::programs::{Programs, objects, only, values};
use crate::support::failure::Outcome;

#[test]
fn every_variable_of_the_container_is_a_flag_of_serve() -> Outcome {
    let programs = Programs::offline()?;
    let command = cli::command();
    let serve = command.find_subcommand("serve");
    let flags = serve.into_iter().flat_map(clap::Command::get_arguments);
    let flags = flags.chain(command.get_arguments());
    let known: BTreeSet<_> = flags
        .filter_map(|flag| Some(flag.get_env()?.to_string_lossy().into_owned()))
        .collect();
    let mut told = BTreeSet::new();
    for (_, file) in values()? {
        let objects = objects(&programs.render(&["--values", &file])?)?;
        let container = &only(&objects, "Deployment")["spec"]["template"]["spec"]["containers"][0];
        let variables = container["env"].as_array().into_iter().flatten();
        let names = variables.filter_map(|variable| variable["name"].as_str());
        told.extend(
            names
                .filter(|name| name.starts_with("PILLION_"))
                .map(str::to_owned),
        );
    }
    assert!(told.len() > 20, "{told:?}");
    let unknown: Vec<_> = told.difference(&known).collect();
    assert!(
        unknown.is_empty(),
        "pillion serve does not know {unknown:?}"
    );
    Ok(())
}

/// The fields that the chart keeps to itself are fields: a name that is none would guard nothing.
#[test]
fn every_field_that_the_chart_refuses_is_one() {
    let text = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/deploy/chart/pillion/templates/refusals.yaml"
    ));
    let text = text.unwrap_or_default();
    let (_, list) = text.split_once("$elsewhere := dict").unwrap_or_default();
    let (list, _) = list.split_once("-}}").unwrap_or_default();
    let words: Vec<_> = list.split('"').skip(1).step_by(2).collect();
    let command = cli::command();
    let serve = command.find_subcommand("serve");
    let flags = serve.into_iter().flat_map(clap::Command::get_arguments);
    let known: BTreeSet<_> = flags.map(|flag| flag.get_id().to_string()).collect();
    let snake = |field: &str| {
        let mut name = String::new();
        for letter in field.chars() {
            if letter.is_ascii_uppercase() {
                name.push('_');
            }
            name.push(letter.to_ascii_lowercase());
        }
        name
    };
    let mut count = 0;
    for field in words.iter().step_by(2) {
        assert!(known.contains(&snake(field)), "{field} is no field");
        count += 1;
    }
    assert!(count > 20, "{count} fields");
}
