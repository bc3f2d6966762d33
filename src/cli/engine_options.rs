//! The flags that make an engine: templates, namespaces and the cluster's version. The webhook and
//! the commands that work on files share them, and so give the same answers.

mod checks;
pub(super) mod namespaces;
mod sources;

use std::path::PathBuf;
use std::str::FromStr;

use super::flag_values::Assignment;
use super::streams::Streams;
use crate::inject::settings::{ForeignHelper, Namespaces, Settings};
use crate::template::{Catalog, Source, TemplateError};
use crate::wording::did_you_mean;
use checks::CheckOptions;

/// Kubernetes' own name for the namespace that the chart installs into.
const OWN_NAMESPACE: &str = "pillion-system";

/// What `--templates` calls the built-in catalog.
const BUILT_IN: &str = "built-in";

/// Templates, namespaces and the cluster's version.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Templates and cluster")]
pub(super) struct EngineOptions {
    /// Read templates from `*.yaml` and `*.yml` below this directory (repeatable); `built-in` is the
    /// built-in catalog, whose templates come after those of directories; without any it alone.
    #[arg(long, value_name = "DIR|built-in", value_delimiter = ',')]
    templates: Vec<PathBuf>,

    /// Read labels and annotations of namespaces, and their LimitRanges and ResourceQuotas, from
    /// these manifests (repeatable); a namespace that is not listed has only its name.
    #[arg(long, value_name = "FILE|DIR", value_delimiter = ',')]
    namespace_manifest: Vec<PathBuf>,

    /// The cluster's Kubernetes version [default: the watched cluster's own, else 1.37]
    #[arg(long, value_name = "1.NN")]
    kubernetes_version: Option<KubernetesVersion>,

    /// Whether every kubelet knows native sidecars; `auto` derives it from the version.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    native_sidecars: NativeSidecars,

    /// Never touch pods of this namespace (repeatable); adds to kube-system, kube-public,
    /// kube-node-lease and Pillion's own.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    exclude_namespace: Vec<String>,

    /// The namespace that Pillion runs in, whose pods are never touched.
    #[arg(long, value_name = "NAME", default_value = OWN_NAMESPACE)]
    own_namespace: String,

    /// Set a parameter for the whole installation (repeatable): it wins over the template's
    /// default, and is the only way to set a parameter with `setBy: []`.
    #[arg(
        long = "parameter",
        value_name = "TEMPLATE.PARAMETER=VALUE",
        value_delimiter = '\n'
    )]
    parameters: Vec<Assignment>,

    /// A container that another injector puts into pods, and which is never the app (repeatable):
    /// its name, or name and the start of its image; adds to those of meshes, agents and executors
    /// that are known, and `-NAME` takes one of these out. `NAME` may end with `*`.
    #[arg(
        long = "foreign-helper",
        value_name = "NAME[=IMAGE]",
        env = "PILLION_FOREIGN_HELPERS",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    foreign_helpers: Vec<ForeignHelper>,

    /// An annotation whose JSON lists, as `containers` and `initContainers`, what another injector added
    /// (repeatable); adds to sidecar.istio.io/status.
    #[arg(
        long = "foreign-status",
        value_name = "ANNOTATION",
        env = "PILLION_FOREIGN_STATUSES",
        value_delimiter = ','
    )]
    foreign_statuses: Vec<String>,

    #[command(flatten)]
    checks: CheckOptions,
}

/// Whether every kubelet knows native sidecars (KEP-753).
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum NativeSidecars {
    /// Derived from the version.
    Auto,
    /// Every kubelet does.
    Always,
    /// Some kubelet does not.
    Never,
}

/// Minor versions that can be meant; anything else is a slip.
const MINORS: std::ops::RangeInclusive<u32> = 20..=60;

/// The minor version of a Kubernetes 1.x.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct KubernetesVersion(pub(crate) u32);

impl TryFrom<String> for KubernetesVersion {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl FromStr for KubernetesVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.strip_prefix('v').unwrap_or(text);
        let minor = number
            .strip_prefix("1.")
            .and_then(|rest| rest.split('.').next()?.parse().ok())
            .ok_or("expected a version of Kubernetes such as 1.37")?;
        if MINORS.contains(&minor) {
            return Ok(Self(minor));
        }
        let (first, last) = (MINORS.start(), MINORS.end());
        // YAML reads an unquoted 1.30 as the number 1.3.
        let meant = minor.saturating_mul(10);
        let hint = if MINORS.contains(&meant) {
            format!("; did you mean \"1.{meant}\", which YAML needs in quotes?")
        } else {
            String::new()
        };
        Err(format!("1.{minor} is not from 1.{first} to 1.{last}{hint}"))
    }
}

impl EngineOptions {
    /// What the flags decide once, namespaces included.
    pub(super) fn settings(&self) -> anyhow::Result<Settings> {
        let defaults = Settings::default();
        let version = self.kubernetes_version;
        let mut settings = Settings {
            kubernetes_minor: version.map_or(defaults.kubernetes_minor, |version| version.0),
            native_sidecars: match self.native_sidecars {
                NativeSidecars::Auto => None,
                NativeSidecars::Always => Some(true),
                NativeSidecars::Never => Some(false),
            },
            ..defaults
        };
        settings.excluded_namespaces.remove(OWN_NAMESPACE);
        settings
            .excluded_namespaces
            .insert(self.own_namespace.clone());
        settings
            .excluded_namespaces
            .extend(self.exclude_namespace.iter().cloned());
        settings.parameters = self
            .parameters
            .iter()
            .map(|set| {
                let key = (set.template.clone(), set.parameter.clone());
                (key, set.value.clone())
            })
            .collect();
        for helper in &self.foreign_helpers {
            settings.foreign_helpers.change(helper);
        }
        for annotation in &self.foreign_statuses {
            settings.foreign_helpers.add_status(annotation);
        }
        settings.namespaces = self.namespaces()?;
        self.checks.apply(&mut settings)?;
        Ok(settings)
    }

    /// Whether somebody says which version the cluster has.
    pub(super) fn has_kubernetes_version(&self) -> bool {
        self.kubernetes_version.is_some()
    }

    /// The namespace that Pillion runs in.
    pub(super) fn own_namespace(&self) -> &str {
        &self.own_namespace
    }

    /// Whether namespaces are given by manifests.
    pub(super) fn has_namespace_manifests(&self) -> bool {
        !self.namespace_manifest.is_empty()
    }

    /// The texts of the templates of directories, sorted by path; `None` where no directory is named.
    pub(super) fn sources(&self) -> anyhow::Result<Option<Vec<Source>>> {
        let directories: Vec<_> = self.directories().cloned().collect();
        if directories.is_empty() {
            return Ok(None);
        }
        sources::read(&directories).map(Some)
    }

    fn directories(&self) -> impl Iterator<Item = &PathBuf> {
        let paths = self.templates.iter();
        paths.filter(|path| path.as_os_str() != BUILT_IN)
    }

    /// What `--templates` has to say for the same catalog.
    pub(super) fn named_templates(&self) -> Vec<String> {
        if self.templates.is_empty() {
            return vec![BUILT_IN.to_owned()];
        }
        let paths = self.templates.iter();
        paths.map(|path| path.display().to_string()).collect()
    }

    /// Whether the built-in catalog is all there is.
    pub(super) fn has_only_built_in(&self) -> bool {
        self.directories().next().is_none()
    }

    /// Whether the built-in catalog is used: it is named, or nothing is.
    pub(super) fn has_built_in(&self) -> bool {
        self.templates.is_empty()
            || self
                .templates
                .iter()
                .any(|path| path.as_os_str() == BUILT_IN)
    }

    /// The catalog of these flags, with the errors of the templates that are left out of it.
    pub(super) fn catalog(&self) -> anyhow::Result<(Catalog, Vec<TemplateError>)> {
        let (files, errors) = match self.sources()? {
            Some(sources) => Catalog::load(&sources, None),
            None => return Ok((Catalog::built_in(), Vec::new())),
        };
        if !self.has_built_in() {
            return Ok((files, errors));
        }
        let layers = [&files, &Catalog::built_in()];
        Ok((Catalog::layered(layers), errors))
    }

    /// The parameters, those of these flags and `more`, of templates that the catalog does not have
    /// in any namespace, each as the sentence that says so.
    pub(super) fn unknown_templates(&self, more: &[Assignment], catalog: &Catalog) -> Vec<String> {
        self.parameters
            .iter()
            .chain(more)
            .filter(|set| !catalog.all_names().any(|name| name == set.template))
            .map(|set| {
                let Assignment {
                    template,
                    parameter,
                    ..
                } = set;
                let hint = did_you_mean(template, catalog.all_names());
                format!(
                    "parameter `{template}.{parameter}`: there is no template `{template}`{hint}"
                )
            })
            .collect()
    }

    /// The catalog, with a warning for each template that does not compile. The webhook leaves such
    /// a template out as well and serves the others; a pod that asks for it is refused.
    pub(super) fn load_catalog(&self, streams: &mut Streams<'_>) -> anyhow::Result<Catalog> {
        let (catalog, errors) = self.catalog()?;
        for error in errors {
            streams.warn(&format!("template left out: {error}"));
        }
        Ok(catalog)
    }

    /// The same, where every parameter, of the flags or of `set`, belongs to a template of it.
    pub(super) fn load_catalog_with(
        &self,
        set: &[Assignment],
        streams: &mut Streams<'_>,
    ) -> anyhow::Result<Catalog> {
        let catalog = self.load_catalog(streams)?;
        match self.unknown_templates(set, &catalog).into_iter().next() {
            Some(unknown) => Err(anyhow::Error::msg(unknown)),
            None => Ok(catalog),
        }
    }

    fn namespaces(&self) -> anyhow::Result<Namespaces> {
        let mut namespaces = Namespaces::default();
        for path in &self.namespace_manifest {
            namespaces::read(path, &mut namespaces)?;
        }
        Ok(namespaces)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::finding::Policies;

    #[derive(Debug, Parser)]
    struct Flags {
        #[command(flatten)]
        engine: EngineOptions,
    }

    fn settings(flags: &[&str]) -> Settings {
        let flags = std::iter::once("pillion").chain(flags.iter().copied());
        Flags::try_parse_from(flags)
            .unwrap()
            .engine
            .settings()
            .unwrap()
    }

    #[test]
    fn without_flags_the_settings_are_the_defaults() {
        assert_eq!(settings(&[]), Settings::default());
    }

    #[test]
    fn flags_become_settings() {
        let settings = settings(&[
            "--kubernetes-version=v1.31.4",
            "--native-sidecars=always",
            "--exclude-namespace=storage",
            "--exclude-namespace=network",
            "--own-namespace=injection",
            "--parameter=pgbouncer.image=mirror/pgbouncer:1",
            "--registry=mirror.example.com",
            "--finding=FieldKept=Ignore,ImageTagFloating=Deny",
            "--most-helpers=3",
            "--private-registry=registry.example.com/team/",
        ]);
        let chosen = "FieldKept=Ignore,ImageTagFloating=Deny";
        assert_eq!(settings.findings, Policies::parse(chosen).0);
        assert_eq!(settings.registry.as_deref(), Some("mirror.example.com"));
        assert_eq!(settings.checks.most_helpers, 3);
        assert_eq!(settings.checks.private_registries.len(), 1);
        let key = ("pgbouncer".to_owned(), "image".to_owned());
        assert_eq!(settings.parameters[&key], "mirror/pgbouncer:1");
        assert_eq!(settings.kubernetes_minor, 31);
        assert_eq!(settings.native_sidecars, Some(true));
        let excluded: Vec<_> = settings.excluded_namespaces.iter().collect();
        assert_eq!(
            excluded,
            [
                "injection",
                "kube-node-lease",
                "kube-public",
                "kube-system",
                "network",
                "storage"
            ]
        );
    }

    #[test]
    fn a_version_is_of_kubernetes_one() {
        for wrong in ["2.0", "1", "1.", "", "1.x"] {
            assert!(wrong.parse::<KubernetesVersion>().is_err(), "{wrong}");
        }
        let problem = |text: &str| text.parse::<KubernetesVersion>().unwrap_err();
        let meant = "; did you mean \"1.30\", which YAML needs in quotes?";
        assert_eq!(
            problem("1.3"),
            format!("1.3 is not from 1.20 to 1.60{meant}")
        );
        for wrong in ["1.19", "1.61", "1.4294967295"] {
            assert!(
                problem(wrong).ends_with("is not from 1.20 to 1.60"),
                "{wrong}"
            );
        }
        for right in ["1.20", "v1.60.3"] {
            assert!(right.parse::<KubernetesVersion>().is_ok(), "{right}");
        }
    }
}
