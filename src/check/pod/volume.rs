//! A volume of the resulting pod.

use super::amount::Amount;
use super::field::{ObjectView as _, views};
use super::reference::{Keys, Present, ResourceField};
use super::source::Source;
use super::text;
use crate::kubernetes::fields;
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

views! {
    /// The sources that the checks look into.
    VolumeSource<'a> {
        pub(crate) empty_dir: Option<EmptyDir<'a>> = "emptyDir",
        pub(crate) secret: Option<Keys<'a>> = "secret",
        pub(crate) config_map: Option<Keys<'a>> = "configMap",
        pub(crate) downward_api: Option<DownwardApi<'a>> = "downwardAPI",
        pub(crate) projected: Option<Projected<'a>> = "projected",
        claim: Option<Claim> = "persistentVolumeClaim" | "csi",
    }

    /// A claim or a CSI volume.
    Claim {
        read_only: Option<bool> = "readOnly",
    }

    /// `emptyDir`.
    EmptyDir<'a> {
        pub(crate) medium: Option<Text<'a>> = "medium",
        size_limit: Option<Amount> = "sizeLimit",
    }

    /// `downwardAPI`, of which generated files are made too.
    DownwardApi<'a> {
        pub(crate) items: Option<Vec<DownwardFile<'a>>> = "items",
        default_mode: Option<i64> = "defaultMode",
    }

    /// An entry of `downwardAPI.items`.
    DownwardFile<'a> {
        path: Option<Text<'a>> = "path",
        mode: Option<i64> = "mode",
        pub(crate) resource_field_ref: Option<ResourceField<'a>> = "resourceFieldRef",
    }

    Projected<'a> {
        pub(crate) sources: Option<Vec<ProjectedSource<'a>>> = "sources",
        default_mode: Option<i64> = "defaultMode",
    }

    /// An entry of `projected.sources`.
    ProjectedSource<'a> {
        pub(crate) secret: Option<Keys<'a>> = "secret",
        pub(crate) config_map: Option<Keys<'a>> = "configMap",
        pub(crate) downward_api: Option<DownwardApi<'a>> = "downwardAPI",
        pub(crate) service_account_token: Option<Present> = "serviceAccountToken",
        pub(crate) cluster_trust_bundle: Option<Present> = "clusterTrustBundle",
        pub(crate) pod_certificate: Option<Present> = "podCertificate",
    }
}

impl<'a> VolumeSource<'a> {
    pub(crate) fn projected_sources(&self) -> impl Iterator<Item = &ProjectedSource<'a>> {
        let projected = self.projected.iter();
        projected.flat_map(|projected| &projected.sources).flatten()
    }
}

/// The mode of files in a volume that names none.
const DEFAULT_FILE_MODE: i64 = 0o644;

/// Whether a source of a projected volume leaves each file the volume's mode.
fn is_whole(source: &ProjectedSource<'_>) -> bool {
    let keys = [&source.secret, &source.config_map].into_iter().flatten();
    let mut items = keys.filter_map(|keys| keys.items.as_ref()).flatten();
    items.all(|item| item.mode.is_none()) && source.downward_api.is_none()
}

impl EmptyDir<'_> {
    /// Whether it is held in memory.
    pub(crate) fn is_memory(&self) -> bool {
        text(self.medium.as_ref()) == "Memory"
    }

    /// `sizeLimit`; zero means no limit.
    pub(crate) fn size_limit(&self) -> Option<Quantity> {
        self.size_limit?.0.filter(|limit| limit.sign() > 0)
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
        source.each(&mut |kind, field| {
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
        let kinds = self.kinds.iter();
        let claim = self.source.claim.as_ref();
        claim.is_some_and(|claim| claim.read_only == Some(true))
            || kinds.copied().any(fields::is_read_only_volume)
    }

    /// The files that it lists, each with the mode it names; `None`: what is in it is not known.
    pub(crate) fn files(&self) -> Option<impl Iterator<Item = (&str, Option<i64>)> + Clone> {
        let generated = self.source.downward_api.as_ref();
        let listed = self.keys().and_then(|keys| keys.items.as_ref());
        let listed = listed.filter(|items| !items.is_empty());
        if generated.is_none() && listed.is_none() {
            return None;
        }
        let generated = generated.and_then(|files| files.items.as_ref());
        let generated = generated.into_iter().flatten();
        let listed = listed.into_iter().flatten();
        let files = generated.map(|file| (text(file.path.as_ref()), file.mode));
        Some(files.chain(listed.map(|item| (text(item.path.as_ref()), item.mode))))
    }

    /// The Secret or `ConfigMap` that it is.
    fn keys(&self) -> Option<&Keys<'a>> {
        let source = &self.source;
        source.secret.as_ref().or(source.config_map.as_ref())
    }

    /// The mode of files that name none; `None`: what is in it is not known.
    fn default_mode(&self) -> Option<i64> {
        let mode = match &self.source.downward_api {
            Some(files) => files.default_mode,
            None => self.keys()?.default_mode,
        };
        Some(mode.unwrap_or(DEFAULT_FILE_MODE))
    }

    /// The mode of a file at this path in it; `None`: not known, or no such file.
    pub(crate) fn mode_of(&self, path: &str) -> Option<i64> {
        let default = self.default_mode()?;
        let mode = match self.files() {
            Some(mut files) => files.find(|(file, _)| *file == path)?.1,
            None => None,
        };
        Some(mode.unwrap_or(default))
    }

    /// The modes of the files that a mount shows, where they are known: root owns them.
    pub(crate) fn modes(&self, sub_path: &str) -> Vec<i64> {
        if let Some(projected) = &self.source.projected {
            let is_known = !self.has_token() && self.source.projected_sources().all(is_whole);
            let mode = projected.default_mode.unwrap_or(DEFAULT_FILE_MODE);
            return Vec::from_iter(is_known.then_some(mode));
        }
        let files = self.files().filter(|_| sub_path.is_empty());
        match (files, self.default_mode()) {
            (Some(files), Some(default)) => {
                files.map(|(_, mode)| mode.unwrap_or(default)).collect()
            }
            _ => self.mode_of(sub_path).into_iter().collect(),
        }
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
