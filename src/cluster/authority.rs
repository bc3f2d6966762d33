//! The one Secret that is Pillion's own: where its replicas agree on an authority.
//!
//! It is read and written whole, and a write holds only for the very state that was read (its
//! resource version). So of two replicas that change it at once one succeeds, and the other reads
//! again. It is never created here: Pillion may read and update one Secret by its name, and no rule
//! can grant the creation of one name alone.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::PostParams;
use kube::{Api, Client};

use super::bounded;
use crate::kubernetes::keys::ROTATE;

/// The Secret of the authority.
#[derive(Clone)]
pub(crate) struct AuthoritySecret {
    api: Api<Secret>,
    namespace: String,
    name: String,
}

/// Why the Secret was not read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthoritySecretError {
    /// There is none.
    #[error("there is no Secret {namespace}/{name}: create it empty; the chart does")]
    Missing { namespace: String, name: String },
    /// The API server refused, or did not answer.
    #[error("failed to {what} the Secret {namespace}/{name}")]
    Api {
        /// `read` or `update`.
        what: &'static str,
        namespace: String,
        name: String,
        /// What the API server said.
        source: Box<kube::Error>,
    },
    /// The API server did not answer in time.
    #[error("failed to {what} the Secret {namespace}/{name}: no answer in time")]
    Silent {
        /// `read` or `update`.
        what: &'static str,
        namespace: String,
        name: String,
    },
}

/// The Secret as it was read.
#[derive(Clone)]
pub(crate) struct SecretState(Secret);

impl std::fmt::Debug for SecretState {
    /// Leaves out the data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SecretState")
            .field(&self.0.metadata.resource_version)
            .finish()
    }
}

impl SecretState {
    pub(crate) fn data(&self) -> BTreeMap<String, Vec<u8>> {
        let data = self.0.data.iter().flatten();
        data.map(|(key, value)| (key.clone(), value.0.clone()))
            .collect()
    }

    /// Whether the annotation asks for a new authority.
    pub(crate) fn is_asked(&self) -> bool {
        let annotations = self.0.metadata.annotations.as_ref();
        annotations.is_some_and(|annotations| annotations.contains_key(ROTATE))
    }
}

impl AuthoritySecret {
    /// The Secret of this name.
    pub(crate) fn new(client: Client, namespace: &str, name: &str) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    /// Reads the newest state; never one of a cache.
    pub(crate) async fn read(&self) -> Result<SecretState, AuthoritySecretError> {
        match bounded(self.api.get_opt(&self.name)).await {
            Some(Ok(Some(secret))) => Ok(SecretState(secret)),
            Some(Ok(None)) => Err(AuthoritySecretError::Missing {
                namespace: self.namespace.clone(),
                name: self.name.clone(),
            }),
            Some(Err(source)) => Err(self.refused("read", source)),
            None => Err(self.silent("read")),
        }
    }

    /// Writes the changes over the state that was read: a value, or that the key is to go. What is
    /// asked for by annotation counts as done where `is_answered`. Returns whether it was written;
    /// `false`: another writer was faster.
    pub(crate) async fn update(
        &self,
        state: &SecretState,
        changes: BTreeMap<&'static str, Option<Vec<u8>>>,
        is_answered: bool,
    ) -> Result<bool, AuthoritySecretError> {
        let mut secret = state.0.clone();
        let data = secret.data.get_or_insert_default();
        for (key, value) in changes {
            match value {
                Some(value) => data.insert(key.to_owned(), ByteString(value)),
                None => data.remove(key),
            };
        }
        if is_answered && let Some(annotations) = secret.metadata.annotations.as_mut() {
            annotations.remove(ROTATE);
        }
        let params = PostParams::default();
        let answer = bounded(self.api.replace(&self.name, &params, &secret)).await;
        match answer {
            Some(Ok(_)) => Ok(true),
            Some(Err(kube::Error::Api(status))) if status.code == 409 => Ok(false),
            Some(Err(source)) => Err(self.refused("update", source)),
            None => Err(self.silent("update")),
        }
    }

    fn refused(&self, what: &'static str, source: kube::Error) -> AuthoritySecretError {
        AuthoritySecretError::Api {
            what,
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            source: Box::new(source),
        }
    }

    fn silent(&self, what: &'static str) -> AuthoritySecretError {
        AuthoritySecretError::Silent {
            what,
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }
}
