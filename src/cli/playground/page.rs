//! The files of the page, which are part of the program.

use crate::server::PageFile;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Embeds files of `assets/playground/`, each with its path and its type.
macro_rules! embedded {
    ($(($path:literal, $file:literal, $ty:expr)),* $(,)?) => {
        /// Every file, by the path that it is asked for with.
        pub(super) const FILES: &[PageFile] = &[$(PageFile {
            path: $path,
            content_type: $ty,
            text: include_str!(concat!("../../../assets/playground/", $file)),
        }),*];
    };
}

embedded![
    ("/", "index.html", HTML),
    ("/style.css", "style.css", CSS),
    ("/icon.svg", "icon.svg", SVG),
    ("/main.js", "main.js", JAVASCRIPT),
    ("/dom.js", "dom.js", JAVASCRIPT),
    ("/editor.js", "editor.js", JAVASCRIPT),
    ("/form.js", "form.js", JAVASCRIPT),
    ("/links.js", "links.js", JAVASCRIPT),
    ("/result.js", "result.js", JAVASCRIPT),
    ("/time-line.js", "time-line.js", JAVASCRIPT),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_only_files_that_it_has() {
        let page = FILES[0].text;
        for attribute in ["src=\"", "href=\"/"] {
            for part in page.split(attribute).skip(1) {
                let name = part.split('"').next().unwrap().trim_start_matches('/');
                assert!(
                    FILES.iter().any(|file| file.path == format!("/{name}")),
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn nothing_is_loaded_from_elsewhere_and_nothing_is_inline() {
        for file in FILES {
            for foreign in [
                "//cdn",
                "@import",
                "style=\"",
                "onclick=",
                "innerHTML",
                "eval(",
            ] {
                assert!(!file.text.contains(foreign), "{}: {foreign}", file.path);
            }
            let links = file.text.replace("http://www.w3.org/", "");
            assert!(
                !links.contains("http://") && !links.contains("https://"),
                "{}",
                file.path
            );
        }
    }
}
