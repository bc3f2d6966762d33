//! `pillion template new`: a folder to start from, with a template that passes check and test.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use crate::cli::output::{self, OutputError};
use crate::template::description::{Description, describe};
use crate::template::{Catalog, CatalogLookup, Source, TemplateError};

use super::test::{TestError, case_of};

#[derive(Debug, clap::Args)]
pub(super) struct New {
    /// The template's name: lower-case letters, digits and `-`
    #[arg(value_name = "NAME")]
    name: String,

    /// What the template is for
    #[arg(long, value_enum, ignore_case = true)]
    pattern: NewPattern,

    /// The directory of templates in which the folder NAME is made
    #[arg(value_name = "DIR", default_value = "templates")]
    directory: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "PascalCase")]
enum NewPattern {
    /// Runs beside the app for the pod's life.
    Sidecar,
    /// Listens on localhost for the app.
    Ambassador,
    /// Offers what the app says in another form.
    Adapter,
    /// Runs to its end before the app.
    Init,
}

/// Why a template could not be made.
#[derive(Debug, thiserror::Error)]
pub enum NewError {
    /// There is something of that name already.
    #[error("{} exists already: choose another name, or remove it", path.display())]
    Exists {
        /// Where.
        path: PathBuf,
    },
    /// The name cannot be a template's.
    #[error("`{name}` cannot be the name of a template: {problem}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A file could not be written.
    #[error("failed to write {}", path.display())]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Its case could not be made.
    #[error(transparent)]
    Case(#[from] Box<TestError>),
    /// What was made could not be told.
    #[error(transparent)]
    Output(#[from] OutputError),
}

impl NewPattern {
    /// The template to start from; `NAME` stands for its name.
    fn template(self) -> &'static str {
        match self {
            Self::Sidecar => include_str!("new/sidecar.yaml"),
            Self::Ambassador => include_str!("new/ambassador.yaml"),
            Self::Adapter => include_str!("new/adapter.yaml"),
            Self::Init => include_str!("new/init.yaml"),
        }
    }
}

impl New {
    /// Makes the folder.
    pub(super) fn run(&self) -> Result<ExitCode, NewError> {
        let folder = self.directory.join(&self.name);
        let text = self.pattern.template().replace("NAME", &self.name);
        let source = Source {
            path: folder.join("template.yaml").display().to_string(),
            text,
        };
        let (catalog, errors) = Catalog::load(std::slice::from_ref(&source), None);
        let CatalogLookup::Template(template) = catalog.find("", &self.name) else {
            return Err(self.wrong_name(&errors));
        };
        let description = describe(template);
        let catalog = Arc::new(catalog);
        let case = case_of(
            &folder.join("cases/plain.yaml"),
            &plain_case(&self.name),
            &catalog,
        );
        let case = case.map_err(Box::new)?;
        let files = [
            ("template.yaml", source.text),
            ("README.md", readme(&description)),
            ("cases/plain.yaml", case),
        ];
        write_all(&folder, &files)?;
        let mut told = String::new();
        for (name, _) in &files {
            let _ = writeln!(told, "{}", folder.join(name).display());
        }
        output::print(told.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }

    fn wrong_name(&self, errors: &[TemplateError]) -> NewError {
        NewError::Name {
            name: self.name.clone(),
            problem: errors
                .first()
                .map(|error| error.message.clone())
                .unwrap_or_default(),
        }
    }
}

/// Writes all files into a folder that is not there yet, or none of them.
fn write_all(folder: &Path, files: &[(&str, String)]) -> Result<(), NewError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        |source| NewError::Write { path, source }
    };
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent).map_err(failed(parent))?;
    }
    fs::create_dir(folder).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => NewError::Exists {
            path: folder.to_owned(),
        },
        _ => failed(folder)(source),
    })?;
    for (name, text) in files {
        let path = folder.join(name);
        let written = path
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&path, text));
        if let Err(source) = written {
            // The first error is the one to tell; the folder is ours alone.
            let _ = fs::remove_dir_all(folder);
            return Err(failed(&path)(source));
        }
    }
    Ok(())
}

fn plain_case(name: &str) -> String {
    format!(
        "description: A plain pod that asks for {name} and sets nothing.\n\
         manifest:\n  \
           apiVersion: v1\n  \
           kind: Pod\n  \
           metadata: {{name: app, annotations: {{pillion.dev/inject: {name}}}}}\n  \
           spec: {{containers: [{{name: app, image: 'registry.example.com/app:1.0.0'}}]}}\n"
    )
}

fn readme(description: &Description) -> String {
    let Description { name, text, .. } = description;
    let mut readme = format!(
        "# {name}\n\n{text} A pod asks for it with the annotation `pillion.dev/inject: {name}`.\n\n\
         Say here when not to use it, which image it needs, and which Pod Security level.\n\n\
         | Annotation | Type | Default | Allowed | Meaning |\n|---|---|---|---|---|\n"
    );
    for parameter in &description.parameters {
        let _ = writeln!(
            readme,
            "| `{}` | {} | `{}` | {} | {} |",
            parameter.annotation,
            parameter.ty,
            parameter.default.as_deref().unwrap_or_default(),
            parameter.allowed.join(", ").replace('|', "\\|"),
            parameter.text,
        );
    }
    let _ = write!(
        readme,
        "\n```sh\npillion template check {name}\npillion template test {name}\n```\n"
    );
    readme
}
