//! A control plane for the programs, and what Pillion writes there at run time.
//!
//! Nothing here runs Pillion: what it writes is written as it would, by the same kind of request
//! and under the same names of field managers, so that only the question is left who owns what.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::chart::programs::{NAME, NAMESPACE, Programs};
use crate::support::control_plane::{ControlPlane, Options};
use crate::support::failure::Outcome;
use crate::support::namespace::Namespace;

/// Whom `managedFields` name for a bundle that Pillion wrote.
pub(crate) const BUNDLE_WRITER: &str = "pillion-ca-bundle";

/// A bundle, in base64 as the API carries it; the API server wants a certificate in it.
pub(crate) const BUNDLE: &str = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJtYWRlK2J5K1BpbGxpb24KLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=";

/// What stands in the authority's Secret.
pub(crate) const AUTHORITY: &str = "YXV0aG9yaXR5";

/// Who holds the Lease.
pub(crate) const HOLDER: &str = "pillion-7d4b9c-x2x5f";

/// Both webhook configurations, as kubectl names them.
pub(crate) const CONFIGURATIONS: [&str; 2] = [
    "mutatingwebhookconfiguration",
    "validatingwebhookconfiguration",
];

/// A control plane with Pillion's namespace, which only takes pods of the strictest level.
pub(crate) struct Stage {
    /// The programs, as its administrator.
    pub(crate) programs: Programs,
    control_plane: ControlPlane,
}

impl Stage {
    /// Starts it.
    pub(crate) async fn open() -> Outcome<Self> {
        Self::with(Options::default()).await
    }

    /// The same with an audit log.
    pub(crate) async fn audited() -> Outcome<Self> {
        Self::with(Options { audit: true }).await
    }

    /// What the API server notes of Pillion's requests.
    pub(crate) fn audit_log(&self) -> PathBuf {
        self.control_plane.audit_log()
    }

    async fn with(options: Options) -> Outcome<Self> {
        let control_plane = ControlPlane::start(options).await?;
        let level = [("pod-security.kubernetes.io/enforce", "restricted")];
        Namespace::named(&control_plane.client()?, NAMESPACE, &level, &[]).await?;
        Ok(Self {
            programs: Programs::of(control_plane.kubeconfig())?,
            control_plane,
        })
    }

    /// Writes everything that Pillion writes while it runs.
    pub(crate) fn pillion_runs(&self) -> Outcome {
        for kind in CONFIGURATIONS {
            self.write_bundle(kind, BUNDLE)?;
        }
        let data = json!({"data": {"ca.crt": AUTHORITY, "ca.key": AUTHORITY}});
        self.patch("secret", "pillion-authority", &data)?;
        let spec = json!({"spec": {"holderIdentity": HOLDER, "leaseDurationSeconds": 15}});
        self.patch("lease", NAME, &spec)
    }

    /// Server-side apply of `caBundle` alone, on the entries that are there.
    pub(crate) fn write_bundle(&self, kind: &str, bundle: &str) -> Outcome {
        let object = self.programs.get(&[kind, NAME])?;
        let entries = object["webhooks"].as_array().into_iter().flatten();
        let entries: Vec<_> = entries
            .map(|entry| json!({"name": entry["name"], "clientConfig": {"caBundle": bundle}}))
            .collect();
        let applied = json!({
            "apiVersion": object["apiVersion"],
            "kind": object["kind"],
            "metadata": {"name": NAME},
            "webhooks": entries,
        });
        let file = self.programs.file("bundle.json", &applied.to_string())?;
        let manager = format!("--field-manager={BUNDLE_WRITER}");
        let arguments = [
            "apply",
            "--server-side",
            "--force-conflicts",
            &manager,
            "-f",
            &file,
        ];
        self.programs.kubectl(&arguments).map(drop)
    }

    fn patch(&self, kind: &str, name: &str, patch: &Value) -> Outcome {
        let patch = patch.to_string();
        let arguments = [
            "patch",
            kind,
            name,
            "--namespace",
            NAMESPACE,
            "--type=merge",
            "--field-manager=pillion",
            "-p",
            &patch,
        ];
        self.programs.kubectl(&arguments).map(drop)
    }

    /// Fails unless everything that Pillion wrote is there.
    pub(crate) fn assert_untouched(&self, after: &str) -> Outcome {
        for kind in CONFIGURATIONS {
            let object = self.programs.get(&[kind, NAME])?;
            for entry in object["webhooks"].as_array().into_iter().flatten() {
                assert_eq!(
                    entry["clientConfig"]["caBundle"], BUNDLE,
                    "{after}: {}",
                    entry["name"]
                );
            }
        }
        let secret = self.programs.get(&["secret", "pillion-authority"])?;
        let expected = json!({"ca.crt": AUTHORITY, "ca.key": AUTHORITY});
        assert_eq!(secret["data"], expected, "{after}: the authority");
        let lease = self.programs.get(&["lease", NAME])?;
        assert_eq!(
            lease["spec"]["holderIdentity"], HOLDER,
            "{after}: the lease"
        );
        Ok(())
    }
}
