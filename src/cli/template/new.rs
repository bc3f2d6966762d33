//! `pillion template new`: a folder to start from, with a template that passes check and test.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};

use crate::cli::Status;
use crate::cli::streams::Streams;
use crate::template::description::{Description, describe};
use crate::template::{Catalog, CatalogLookup, Source, TemplateError};

use super::test::case_of;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n\
    \x20 pillion template new ship-logs --pattern Sidecar")]
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
    pub(super) fn run(&self, streams: &mut Streams<'_>) -> anyhow::Result<Status> {
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
        let path = folder.join("cases/plain.yaml");
        let case = case_of(&path, &plain_case(&self.name), &catalog)?;
        let files = [
            ("template.yaml", source.text),
            ("README.md", readme(&description, &folder)),
            ("cases/plain.yaml", case),
        ];
        write_all(&folder, &files)?;
        let mut told = String::new();
        for (name, _) in &files {
            let _ = writeln!(told, "{}", folder.join(name).display());
        }
        streams.print(told)?;
        if Catalog::built_in().serves(&self.name) {
            let name = &self.name;
            streams.tell(&format!(
                "note: the built-in catalog has a template `{name}` too; with --templates {} \
                 --templates built-in yours is the one that is meant\n",
                self.directory.display()
            ));
        }
        Ok(Status::Done)
    }

    fn wrong_name(&self, errors: &[TemplateError]) -> anyhow::Error {
        let name = &self.name;
        let problem = errors.first().map_or("", |error| &error.message);
        anyhow!("`{name}` cannot be the name of a template: {problem}")
    }
}

/// Writes all files into a folder that is not there yet, or none of them.
fn write_all(folder: &Path, files: &[(&str, String)]) -> anyhow::Result<()> {
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent).with_context(|| failed(parent))?;
    }
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => bail!(
            "{} exists already: choose another name, or remove it",
            folder.display()
        ),
        made => made.with_context(|| failed(folder))?,
    }
    for (name, text) in files {
        let path = folder.join(name);
        if let Err(error) = write(&path, text) {
            // The first error is the one to tell; the folder is ours alone.
            let _ = fs::remove_dir_all(folder);
            return Err(error).with_context(|| failed(&path));
        }
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, text)
}

fn failed(path: &Path) -> String {
    format!("failed to write {}", path.display())
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

fn readme(description: &Description, folder: &Path) -> String {
    let Description { name, text, .. } = description;
    let folder = folder.display();
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
        "\n```sh\npillion template check {folder}\npillion template test {folder}\n```\n"
    );
    readme
}
