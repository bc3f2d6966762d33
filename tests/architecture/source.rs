//! Reads a Rust file as far as the map of the house needs it: which paths it names.
//!
//! A real parser would be a dependency for one test. What matters here is small: comments and
//! literals are not code, items behind `#[cfg(test)]` are not the program, and `{}` in a path
//! stands for several paths.

use std::path::Path;

/// One module: its path in the crate, and its code as tokens, tests left out.
#[derive(Debug)]
pub(crate) struct Source {
    /// The path below the crate, such as `inject`, `plan`.
    pub module: Vec<String>,
    tokens: Vec<String>,
    test_modules: Vec<Vec<String>>,
}

/// The module path of a file below `src/`.
pub(crate) fn module_of(path: &Path) -> Vec<String> {
    path.with_extension("")
        .iter()
        .map(|part| part.to_str().unwrap().to_owned())
        .collect()
}

impl Source {
    /// Reads the text of a module.
    pub(crate) fn new(module: Vec<String>, text: &str) -> Self {
        let mut tokens = tokens(text);
        let mut test_modules = Vec::new();
        while let Some(start) = find(&tokens, &["#", "[", "cfg", "(", "test", ")", "]"]) {
            let end = end_of_item(&tokens, start);
            let item = &tokens[start..end];
            if let [.., keyword, name, semicolon] = item
                && (keyword, semicolon) == (&"mod".to_owned(), &";".to_owned())
            {
                test_modules.push([module.clone(), vec![name.clone()]].concat());
            }
            tokens.drain(start..end);
        }
        Self {
            module,
            tokens,
            test_modules,
        }
    }

    /// The room that the module is in.
    pub(crate) fn room(&self) -> &str {
        &self.module[0]
    }

    /// The modules in files of their own that are compiled for tests alone.
    pub(crate) fn test_modules(&self) -> Vec<Vec<String>> {
        self.test_modules.clone()
    }

    /// Every path that the code names, groups taken apart.
    pub(crate) fn paths(&self) -> Vec<Vec<String>> {
        let mut paths = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            if is_name(&self.tokens[at]) {
                at = self.path(at, &[], &mut paths);
            } else {
                at += 1;
            }
        }
        paths
    }

    /// Reads one path, or a group of them, that starts at a token; returns where it ends.
    fn path(&self, mut at: usize, prefix: &[String], paths: &mut Vec<Vec<String>>) -> usize {
        let token = |at: usize| self.tokens.get(at).map_or("", String::as_str);
        let mut path = prefix.to_vec();
        while is_name(token(at)) {
            path.push(token(at).to_owned());
            at += 1;
            if token(at) != "::" {
                paths.push(path);
                return at;
            }
            at += 1;
        }
        if token(at) != "{" {
            paths.push(path);
            return at;
        }
        at += 1;
        while !matches!(token(at), "}" | "") {
            at = if is_name(token(at)) || token(at) == "{" {
                self.path(at, &path, paths)
            } else {
                at + 1
            };
        }
        at + 1
    }

    /// The room of this crate that a path leads to.
    pub(crate) fn room_of(&self, path: &[String]) -> Option<String> {
        self.resolved(path)?
            .into_iter()
            .next()
            .filter(|name| name.chars().all(|c| c.is_lowercase() || c == '_'))
    }

    /// A path of this crate from its root on.
    pub(crate) fn resolved(&self, path: &[String]) -> Option<Vec<String>> {
        let (first, mut rest) = path.split_first()?;
        let mut base = match first.as_str() {
            "crate" | "pillion" => Vec::new(),
            "self" => self.module.clone(),
            "super" => parent(&self.module),
            _ => return None,
        };
        while let Some(("super", below)) = rest.split_first().map(|(f, r)| (f.as_str(), r)) {
            base = parent(&base);
            rest = below;
        }
        base.extend(rest.iter().filter(|name| *name != "self").cloned());
        Some(base)
    }

    /// The names of the macros that are called.
    pub(crate) fn macros(&self) -> Vec<String> {
        self.tokens
            .windows(3)
            .filter(|three| {
                is_name(&three[0]) && three[1] == "!" && matches!(&*three[2], "(" | "[" | "{")
            })
            .map(|three| three[0].clone())
            .collect()
    }
}

fn parent(module: &[String]) -> Vec<String> {
    module
        .split_last()
        .map_or_else(Vec::new, |(_, above)| above.to_vec())
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn find(tokens: &[String], wanted: &[&str]) -> Option<usize> {
    tokens.windows(wanted.len()).position(|some| some == wanted)
}

/// Where the item ends that starts with an attribute: behind its `;`, or its block.
fn end_of_item(tokens: &[String], start: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(start) {
        match token.as_str() {
            "{" | "(" | "[" => depth += 1,
            ")" | "]" => depth -= 1,
            "}" => {
                depth -= 1;
                if depth == 0 && tokens.get(at + 1).is_none_or(|next| next != ";") {
                    return at + 1;
                }
            }
            ";" if depth == 0 => return at + 1,
            _ => {}
        }
    }
    tokens.len()
}

/// Names, `::` and single signs; comments and literals are left out.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = skipped(rest);
        if length > 0 {
            rest = &rest[length..];
            continue;
        }
        let length = if is_name(rest) {
            rest.find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        tokens.push(rest[..length].to_owned());
        rest = &rest[length..];
    }
    tokens
}

/// How many bytes of space, comment or literal the text begins with.
fn skipped(text: &str) -> usize {
    let to_end = |end: Option<usize>| end.unwrap_or(text.len());
    if text.starts_with(char::is_whitespace) {
        return to_end(text.find(|c: char| !c.is_whitespace()));
    }
    if text.starts_with("//") {
        return to_end(text.find('\n'));
    }
    if text.starts_with("/*") {
        return block_comment(text);
    }
    let literal = text.strip_prefix('b').unwrap_or(text);
    let before = text.len() - literal.len();
    if let Some(raw) = literal.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            let close = format!("\"{}", "#".repeat(hashes));
            let body = &raw[hashes + 1..];
            let end = body.find(&close).map_or(body.len(), |at| at + close.len());
            return before + 1 + hashes + 1 + end;
        }
    }
    if literal.starts_with('"') {
        return before + quoted(literal, '"');
    }
    // A lifetime is a quote without a second one behind its first character.
    if literal.starts_with("'\\")
        || literal.chars().nth(2) == Some('\'') && literal.starts_with('\'')
    {
        return before + quoted(literal, '\'');
    }
    0
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of a literal in quotes that the text begins with.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, sign) in text.char_indices().skip(1) {
        match sign {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if sign == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}
