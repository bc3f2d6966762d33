//! What is wrong with a manifest, and where.

/// Why manifests could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ManifestError {
    /// A file or directory could not be read.
    #[error("failed to read {name}")]
    Read {
        name: String,
        source: std::io::Error,
    },
    /// A text is not UTF-8.
    #[error("failed to read {name}: byte {offset} is not UTF-8; save the file as UTF-8")]
    Encoding {
        name: String,
        /// The number of good bytes before.
        offset: usize,
    },
    /// A directory holds nothing to read.
    #[error("nothing to read in directory {name}: expected files that end in {expected}")]
    Empty {
        name: String,
        /// The endings of what would be read.
        expected: &'static str,
    },
    /// A document is not YAML or JSON.
    #[error("{name}:{line}:{column}: document {document}: {message}")]
    Syntax {
        name: String,
        /// The number of the document, from 1.
        document: usize,
        /// The line in the file, from 1.
        line: u64,
        /// The column, from 1.
        column: u64,
        message: String,
    },
    /// A changed document could not be written as YAML or JSON.
    #[error("failed to write document {document} of {name}")]
    Emit {
        name: String,
        /// The number of the document, from 1.
        document: usize,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
