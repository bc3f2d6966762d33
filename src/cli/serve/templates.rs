//! Templates from directories, compiled again when they change.
//!
//! The directories are read every few seconds and compared by content: a `ConfigMap` mount changes by
//! swapping a link, which a watch on files misses. A template that does not compile leaves the
//! others alone and its own last good revision in use; a directory that cannot be read leaves
//! everything as it is.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::super::engine_options::EngineOptions;
use super::webhook::Webhook;
use crate::telemetry::Metrics;
use crate::template::{Catalog, Source, TemplateCounts, TemplateError};

/// Templates of the webhook and where they come from.
#[derive(Debug)]
pub(super) struct Templates {
    options: EngineOptions,
    webhook: Arc<Webhook>,
    metrics: Arc<Metrics>,
    /// What was compiled last; `None`: there are no directories.
    sources: Option<Vec<Source>>,
    /// The templates of the directories.
    files: Arc<Catalog>,
    /// Whether a cluster's templates come before these.
    is_below_cluster: bool,
    /// The built-in catalog, which comes after all others.
    built_in: Option<Arc<Catalog>>,
    /// Errors already logged that still apply.
    reported: BTreeSet<String>,
    /// The error of the last reading, logged once too.
    unreadable: Option<String>,
}

impl Templates {
    pub(super) fn new(
        options: EngineOptions,
        webhook: Arc<Webhook>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            options,
            webhook,
            metrics,
            sources: None,
            files: Arc::default(),
            is_below_cluster: false,
            built_in: None,
            reported: BTreeSet::new(),
            unreadable: None,
        }
    }

    /// Loads the templates for the first time: a directory that cannot be read is an error.
    /// `built_in`: whether the built-in catalog is served besides; `None`: where there is no
    /// directory.
    pub(super) fn start(&mut self, built_in: Option<bool>) -> anyhow::Result<()> {
        self.sources = self.options.sources()?;
        self.is_below_cluster = built_in.is_some();
        if built_in.unwrap_or_else(|| self.options.has_built_in()) {
            self.built_in = Some(Arc::new(Catalog::built_in()));
        }
        let loaded = Catalog::load(self.sources.as_deref().unwrap_or_default(), None);
        let layers = std::iter::once(&loaded.0).chain(self.built_in.as_deref());
        let whole = Catalog::layered(layers);
        // No error: the template may come later.
        let unknown = self.options.unknown_templates(&[], &whole).into_iter();
        for error in unknown.filter(|_| !self.is_below_cluster) {
            tracing::warn!(error = error.as_str(), "a parameter has no effect");
        }
        self.publish(loaded);
        Ok(())
    }

    /// Looks at the directories for ever.
    pub(super) async fn watch(mut self, period: Duration) {
        let mut ticks = interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if self.sources.is_some() {
                self.look().await;
            }
        }
    }

    async fn look(&mut self) {
        let options = self.options.clone();
        let previous = Arc::clone(&self.files);
        let current = self.sources.clone();
        // Reading and compiling take longer than a review may wait for its thread.
        let work = tokio::task::spawn_blocking(move || {
            let sources = options.sources()?.unwrap_or_default();
            let changed = current.as_ref() != Some(&sources);
            Ok::<_, anyhow::Error>(
                changed.then(|| (Catalog::load(&sources, Some(&previous)), sources)),
            )
        });
        match work.await {
            Ok(Ok(changed)) => {
                self.unreadable = None;
                if let Some((loaded, sources)) = changed {
                    self.sources = Some(sources);
                    self.publish(loaded);
                }
            }
            Ok(Err(error)) => self.failed(&error),
            // The panic hook has logged the place.
            Err(error) => self.failed(&error.into()),
        }
    }

    fn publish(&mut self, (catalog, errors): (Catalog, Vec<TemplateError>)) {
        self.metrics.template_errors(errors.len());
        let now: BTreeSet<_> = errors.iter().map(ToString::to_string).collect();
        for error in &errors {
            if !self.reported.contains(&error.to_string()) {
                tracing::error!(
                    template = error.template.as_str(),
                    error = error.to_string().as_str(),
                    "a template has an error"
                );
            }
        }
        self.reported = now;
        self.files = Arc::new(catalog);
        let layers = std::iter::once(self.files.as_ref()).chain(self.built_in.as_deref());
        let whole = Catalog::layered(layers);
        let TemplateCounts {
            served,
            stale,
            broken,
        } = whole.counts();
        let errors = errors.len();
        if served + stale == 0 && !self.is_below_cluster {
            tracing::warn!(broken, "no templates are served");
        } else {
            tracing::info!(served, stale, broken, errors, "templates loaded");
        }
        self.webhook.replace_files(Arc::new(whole));
    }

    fn failed(&mut self, error: &anyhow::Error) {
        let text = format!("{error:#}");
        self.metrics.template_errors(1);
        if self.unreadable.as_ref() != Some(&text) {
            tracing::error!(
                error = text.as_str(),
                "failed to read the templates; those in use stay"
            );
        }
        self.unreadable = Some(text);
    }
}
