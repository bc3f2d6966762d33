//! A volume of the resulting pod.

use serde::Deserialize;
use serde_json::Value;

use super::reference::{Keys, Present, ResourceField};
use super::source::{Field, Source};
use super::text;
use super::view::view;
use crate::kubernetes::quantity::Quantity;
use crate::review::Text;

#[derive(Debug)]
pub(crate) struct Volume<'a> {
    /// Where it stands in `spec.volumes`.
    pub(crate) index: usize,
    pub(crate) name: &'a str,
    /// The template that added it; `None`: the user.
    pub(crate) added_by: Option<&'a str>,
    /// The fields that are there besides the name: its sources, of which a valid volume has one.
    pub(crate) kinds: Vec<&'a str>,
    /// The source, as far as the checks read it.
    pub(crate) source: VolumeSource<'a>,
}

/// The sources that the checks look into.
#[derive(Debug, Default)]
pub(crate) struct VolumeSource<'a> {
    pub(crate) empty_dir: Option<EmptyDir<'a>>,
    pub(crate) secret: Option<Keys<'a>>,
    pub(crate) config_map: Option<Keys<'a>>,
    pub(crate) downward_api: Option<DownwardApi<'a>>,
    pub(crate) projected: Option<Projected<'a>>,
    /// `readOnly` of `persistentVolumeClaim` or `csi`.
    pub(crate) read_only: bool,
}

impl<'a> VolumeSource<'a> {
    pub(crate) fn projected_sources(&self) -> impl Iterator<Item = &ProjectedSource<'a>> {
        let projected = self.projected.iter();
        projected.flat_map(|projected| &projected.sources).flatten()
    }

    fn take(&mut self, kind: &str, field: Field<'a>) {
        match kind {
            "emptyDir" => self.empty_dir = field.read(),
            "secret" => self.secret = field.read(),
            "configMap" => self.config_map = field.read(),
            "downwardAPI" => self.downward_api = field.read(),
            "projected" => self.projected = field.read(),
            "persistentVolumeClaim" | "csi" => {
                let source = field.read::<ReadOnly>();
                self.read_only |= source.and_then(|source| source.read_only) == Some(true);
            }
            _ => {}
        }
    }
}

view! {
    /// A claim or a CSI volume.
    ReadOnly {
        read_only: Option<bool>,
    }
}

view! {
    /// `emptyDir`.
    EmptyDir<'a> {
        pub(crate) medium: Option<Text<'a>>,
        size_limit: Option<Value>,
    }

    /// `downwardAPI`, of which generated files are made too.
    DownwardApi<'a> {
        pub(crate) items: Option<Vec<DownwardFile<'a>>>,
        default_mode: Option<i64>,
    }

    /// An entry of `downwardAPI.items`.
    DownwardFile<'a> {
        path: Option<Text<'a>>,
        mode: Option<i64>,
        pub(crate) resource_field_ref: Option<ResourceField<'a>>,
    }

    Projected<'a> {
        pub(crate) sources: Option<Vec<ProjectedSource<'a>>>,
    }

    /// An entry of `projected.sources`.
    ProjectedSource<'a> {
        pub(crate) secret: Option<Keys<'a>>,
        pub(crate) config_map: Option<Keys<'a>>,
        #[serde(rename = "downwardAPI")]
        pub(crate) downward_api: Option<DownwardApi<'a>>,
        pub(crate) service_account_token: Option<Present>,
        pub(crate) cluster_trust_bundle: Option<Present>,
        pub(crate) pod_certificate: Option<Present>,
    }
}

/// The mode of files in a volume that names none.
const DEFAULT_FILE_MODE: i64 = 0o644;

impl EmptyDir<'_> {
    /// Whether it is held in memory.
    pub(crate) fn is_memory(&self) -> bool {
        text(self.medium.as_ref()) == "Memory"
    }

    /// `sizeLimit`; zero means no limit.
    pub(crate) fn size_limit(&self) -> Option<Quantity> {
        let limit = Quantity::in_field(self.size_limit.as_ref()?)?;
        (limit.sign() > 0).then_some(limit)
    }
}

impl<'a> Volume<'a> {
    pub(crate) fn read(
        index: usize,
        name: &'a str,
        added_by: Option<&'a str>,
        source: Source<'a>,
    ) -> Self {
        let mut volume = Self {
            index,
            name,
            added_by,
            kinds: Vec::new(),
            source: VolumeSource::default(),
        };
        source.each(|kind, field| {
            if kind != "name" {
                volume.kinds.push(kind);
                volume.source.take(kind, field);
            }
        });
        volume
    }

    pub(crate) fn path(&self) -> String {
        format!("spec.volumes[{}]", self.index)
    }

    /// Whether nobody can write it, whatever the mounts say.
    pub(crate) fn is_read_only(&self) -> bool {
        const KINDS: [&str; 5] = ["secret", "configMap", "downwardAPI", "projected", "image"];
        self.source.read_only || self.kinds.iter().any(|kind| KINDS.contains(kind))
    }

    /// The files that it lists, each with the mode it names; `None`: what is in it is not known.
    pub(crate) fn files(&self) -> Option<Vec<(&str, Option<i64>)>> {
        if let Some(files) = &self.source.downward_api {
            let items = files.items.iter().flatten();
            let files = items.map(|file| (text(file.path.as_ref()), file.mode));
            return Some(files.collect());
        }
        let items = self.keys()?.items.as_ref()?;
        let files = items
            .iter()
            .map(|item| (text(item.path.as_ref()), item.mode));
        (!items.is_empty()).then(|| files.collect())
    }

    /// The Secret or `ConfigMap` that it is.
    fn keys(&self) -> Option<&Keys<'a>> {
        let source = &self.source;
        source.secret.as_ref().or(source.config_map.as_ref())
    }

    /// The mode of a file at this path in it; `None`: not known, or no such file.
    pub(crate) fn mode_of(&self, path: &str) -> Option<i64> {
        let default = match &self.source.downward_api {
            Some(files) => files.default_mode,
            None => self.keys()?.default_mode,
        };
        let mode = match self.files() {
            Some(files) => files.iter().find(|(file, _)| *file == path)?.1,
            None => None,
        };
        Some(mode.or(default).unwrap_or(DEFAULT_FILE_MODE))
    }

    /// Whether a service account token may be among its files: also a Secret can hold one, and what a
    /// driver brings.
    pub(crate) fn may_have_token(&self) -> bool {
        self.has_token()
            || self
                .kinds
                .iter()
                .any(|kind| ["csi", "secret"].contains(kind))
    }

    /// Whether it carries a service account token.
    pub(crate) fn has_token(&self) -> bool {
        let mut sources = self.source.projected_sources();
        sources.any(|source| source.service_account_token.is_some())
    }
}
