//! What a command surely does: whether it never ends, and how long it pauses.
//!
//! Only what people write as one of a few forms is understood. Every other command ends, and takes no
//! time.

/// A pause of a year: who writes so much means for ever.
const FOR_EVER: u64 = 365 * 24 * 60 * 60;

/// Words with which a script can end early, or that decide whether the rest of it runs.
const UNSURE: [&str; 14] = [
    "exit", "return", "break", "kill", "pkill", "killall", "trap", "timeout", "eval", "source",
    "if", "case", "function", "exec",
];

/// Words that begin what is not a plain command.
const CONTROL: [&str; 12] = [
    "if", "then", "else", "elif", "for", "while", "until", "do", "case", "select", "exit", "{",
];

/// Whether a command surely never ends with success.
pub(super) fn never_ends(command: &[&str]) -> bool {
    let Some(script) = script(command) else {
        return is_endless(command);
    };
    let mut statements = statements(script);
    let Some(last) = statements.pop() else {
        return false;
    };
    let plain = script
        .split('"')
        .step_by(2)
        .map(|part| part.matches('\'').count());
    let is_closed = script.matches('"').count() % 2 == 0 && plain.sum::<usize>() % 2 == 0;
    let is_known = is_closed && !script.contains("<<");
    let may_end = statements
        .iter()
        .flat_map(|statement| words(statement))
        .any(|word| UNSURE.contains(&base(word)));
    is_known && !may_end && (chain_is_endless(last) || loops_for_ever(&statements, last))
}

/// The whole seconds that a command surely pauses.
pub(super) fn seconds(command: &[&str]) -> Option<u64> {
    let Some(script) = script(command) else {
        return pause(command);
    };
    let mut total: u64 = 0;
    for statement in statements(script) {
        let first = words(statement).first().copied().unwrap_or_default();
        if CONTROL.contains(&first) || statement.contains("||") {
            break;
        }
        // What is behind `&&` is reached only if what is before it succeeds.
        for part in statement.split("&&") {
            let part = words(part);
            match pause(&part) {
                Some(seconds) => total = total.saturating_add(seconds),
                None if matches!(part.first(), Some(&("echo" | "true" | ":"))) => {}
                None => break,
            }
        }
    }
    (total > 0).then_some(total)
}

/// The script of `sh -c …`, whatever the shell and its other flags.
fn script<'c>(command: &[&'c str]) -> Option<&'c str> {
    let command = match command {
        ["busybox", rest @ ..] => rest,
        all => all,
    };
    let (shell, rest) = command.split_first()?;
    if !matches!(base(shell), "sh" | "bash" | "ash" | "dash" | "ksh" | "zsh") {
        return None;
    }
    let flags = rest
        .iter()
        .position(|flag| flag.starts_with('-') && !flag.starts_with("--") && flag.ends_with('c'))?;
    let mut before = rest.get(..flags)?.iter();
    let all_flags = before.all(|word| word.starts_with('-') || *word == "pipefail");
    rest.get(flags + 1).copied().filter(|_| all_flags)
}

/// The statements of a script, without comments.
fn statements(script: &str) -> Vec<&str> {
    script
        .split(['\n', ';'])
        .map(str::trim)
        .filter(|statement| !statement.is_empty() && !statement.starts_with('#'))
        .collect()
}

fn words(statement: &str) -> Vec<&str> {
    statement.split_whitespace().collect()
}

fn base(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

/// Whether a statement ends in a command that never ends, once it gets there.
fn chain_is_endless(statement: &str) -> bool {
    let last = statement.rsplit("&&").next().unwrap_or_default().trim();
    let waits = ["& wait", "& wait $!"]
        .iter()
        .find_map(|end| last.strip_suffix(end));
    !statement.contains("||") && is_endless(&words(waits.unwrap_or(last)))
}

/// Whether the script ends with a loop without an end.
fn loops_for_ever(statements: &[&str], last: &str) -> bool {
    let mut starts = statements.iter().filter(|statement| {
        matches!(
            words(statement).as_slice(),
            ["while", "true" | ":" | "/bin/true"] | ["while", "[", "1", "]"] | ["until", "false"]
        )
    });
    last == "done" && starts.next().is_some()
}

/// Whether a plain command never ends.
fn is_endless(command: &[&str]) -> bool {
    let Some((program, arguments)) = command.split_first() else {
        return false;
    };
    match base(program) {
        "sleep" => pause(command).is_some_and(|seconds| seconds >= FOR_EVER),
        "tail" => {
            arguments.iter().any(|word| {
                (!word.starts_with("--") && word.starts_with('-') && word.contains(['f', 'F']))
                    || word.starts_with("--follow")
            }) && !arguments.iter().any(|word| word.starts_with("--pid"))
                && arguments.last() == Some(&"/dev/null")
        }
        "busybox" | "exec" => is_endless(arguments),
        _ => false,
    }
}

/// The whole seconds of `sleep N`.
fn pause(command: &[&str]) -> Option<u64> {
    match command {
        ["busybox" | "exec", rest @ ..] => pause(rest),
        [program, time] if base(program) == "sleep" => time_of(time),
        _ => None,
    }
}

fn time_of(text: &str) -> Option<u64> {
    if matches!(text.to_ascii_lowercase().as_str(), "infinity" | "inf") {
        return Some(FOR_EVER);
    }
    let number = text.trim_end_matches(['s', 'm', 'h', 'd']);
    let unit = match text.get(number.len()..)? {
        "" | "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return None,
    };
    let whole = match number.split_once('.') {
        Some((whole, part)) if part.bytes().all(|byte| byte.is_ascii_digit()) => whole,
        Some(_) => return None,
        None => number,
    };
    whole.parse::<u64>().ok()?.checked_mul(unit)
}
