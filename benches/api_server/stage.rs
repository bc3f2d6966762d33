//! The control plane, the webhooks and the namespaces, and one round on them.

use std::path::Path;
use std::time::{Duration, Instant};

use kube::Client;
use serde_json::Value;

use crate::cpu::Process;
use crate::creation::{Creation, delete_all};
use crate::handler::Handler;
use crate::heap::{self, Collector};
use crate::pods::{NO_LABEL, ONE, pod};
use crate::registration::{Asked, Registrar};
use crate::rounds::{Round, count};
use crate::scenario::{self, Parts, Scenario};
use crate::shapes::Said;
use crate::support::control_plane::{ControlPlane, Options};
use crate::support::failure::{Failure, Outcome};
use crate::support::namespace::{Namespace, SOON};
use crate::support::pillion::{Identity, Pillion, Settings};
use crate::support::wait::wait_until;

/// The share of one processor below which the API server counts as having nothing to do.
const QUIET: f64 = 0.25;

/// Everything that runs.
pub(crate) struct Stage<'a> {
    control_plane: ControlPlane,
    api_server: Process,
    etcd: Process,
    program: &'a Path,
    pillion: Pillion,
    identity: Identity,
    handler: Handler,
    registrar: Registrar,
    /// A namespace without labels.
    namespace: Namespace,
    /// One that is labelled `disabled`.
    disabled: Namespace,
}

impl<'a> Stage<'a> {
    /// Starts everything. The API server writes an audit log, as those of clusters do: without one
    /// audit annotations cost nothing.
    pub(crate) async fn open(program: &'a Path) -> Outcome<Self> {
        let control_plane = ControlPlane::start(Options { audit: true }).await?;
        let client = control_plane.client()?;
        let group = control_plane.group();
        let namespace = Namespace::named(&client, "shop", &[], &[]).await?;
        let labels = [("pillion.dev/injection", "disabled")];
        let disabled = Namespace::named(&client, "shop-disabled", &labels, &[]).await?;
        let identity = Identity::new()?;
        Ok(Self {
            api_server: Process::of_group(group, "kube-apiserver")?,
            etcd: Process::of_group(group, "etcd")?,
            program,
            pillion: Pillion::start(&Settings::new(program), &identity).await?,
            identity,
            handler: Handler::start().await?,
            registrar: Registrar::new(&namespace, &pod(&ONE, NO_LABEL)).await?,
            namespace,
            disabled,
            control_plane,
        })
    }

    /// All scenarios, made from what Pillion says about the review that the API server really
    /// sends, and about the second.
    pub(crate) async fn scenarios(&mut self) -> Outcome<Vec<Scenario>> {
        let own = Asked::Webhook(scenario::own(&self.handler)?);
        self.registrar.tell(&own).await?;
        let [first] = self.reviews().await?;
        let said = Said::about(self.program, &first)?;
        if said.patch.is_empty() {
            return Err(Failure::new("Pillion changes nothing of the pod that asks"));
        }
        // Without the token's mount the API server adds it, and calls again.
        let reply = said.with(&crate::shapes::without_token(&said.patch), &said);
        self.handler.reply_with(&reply.into());
        let [_, second] = self.reviews().await?;
        let again = Said::about(self.program, &second)?;
        if !again.patch.is_empty() {
            return Err(Failure::new("Pillion changes the pod in the second call"));
        }
        let (audit, warnings) = (&said.audit_annotations, &said.warnings);
        println!(
            "a review of {} bytes; Pillion's patch has {} operations and {} bytes, {} of them \
             status; audit annotations {audit}, warnings {warnings}",
            first.len(),
            said.patch.len(),
            Value::from(said.patch.clone()).to_string().len(),
            crate::shapes::status_size(&said.patch),
        );
        scenario::all(&Parts {
            handler: &self.handler,
            pillion: (&self.pillion, &self.identity),
            said: &said,
            again: &again,
        })
    }

    /// The reviews that one creation brings.
    async fn reviews<const COUNT: usize>(&self) -> Outcome<[axum::body::Bytes; COUNT]> {
        self.handler.keep();
        let pod = pod(&ONE, NO_LABEL);
        let answer = self.namespace.create_pod("dryRun=All", &pod).await?;
        let kept = self.handler.kept();
        if !answer.granted() {
            let message = answer.message();
            return Err(Failure::new(format!("a pod was refused: {message}")));
        }
        kept.try_into().map_err(|kept: Vec<_>| {
            let count = kept.len();
            Failure::new(format!("one creation brought {count} reviews, not {COUNT}"))
        })
    }

    /// Sets everything as a scenario has it.
    async fn set(&mut self, scenario: &Scenario) -> Outcome<&Namespace> {
        self.registrar.tell(&scenario.asked).await?;
        self.handler.reply_with(&scenario.reply);
        Ok(if scenario.disabled {
            &self.disabled
        } else {
            &self.namespace
        })
    }

    /// The pod that comes of one dry run of a scenario.
    pub(crate) async fn created(&mut self, scenario: &Scenario) -> Outcome<Value> {
        let namespace = self.set(scenario).await?.clone();
        let before = self.handler.calls();
        let answer = namespace.create_pod("dryRun=All", &scenario.pod).await?;
        if !answer.granted() {
            let (name, message) = (&scenario.name, answer.message());
            return Err(Failure::new(format!("{name}: refused: {message}")));
        }
        self.called(scenario, before, 1)?;
        Ok(answer.body)
    }

    /// An error where our own webhook was not called exactly as often as a scenario says: above
    /// all not once for pods that it must never see.
    fn called(&self, scenario: &Scenario, before: u64, creations: u64) -> Outcome {
        let calls = self.handler.calls() - before;
        let expected = scenario.calls * creations;
        if calls == expected {
            return Ok(());
        }
        let name = &scenario.name;
        Err(Failure::new(format!(
            "{name}: {creations} creations brought {calls} calls of the webhook, not {expected}"
        )))
    }

    /// The API server, for those that ask it about itself.
    pub(crate) fn client(&self) -> &Client {
        &self.namespace.client
    }

    /// Processor time that the API server has used since its start.
    pub(crate) fn used(&self) -> Outcome<Duration> {
        self.api_server.used()
    }

    /// Sets everything as a scenario has it, for dry runs of its pod.
    pub(crate) async fn rehearsal(&mut self, scenario: &Scenario) -> Outcome<Creation> {
        let namespace = self.set(scenario).await?;
        Ok(Creation::new(namespace, &scenario.pod, false))
    }

    /// One round of a scenario whose creations allocate so many bytes.
    pub(crate) async fn round(
        &mut self,
        (place, scenario): (usize, &Scenario),
        bytes: f64,
        warm_up: Duration,
        collector: Collector,
    ) -> Outcome<Round> {
        let creations = collector.creations(bytes);
        self.rehearsal(scenario).await?.repeat(warm_up).await?;
        let namespace = self.set(scenario).await?.clone();
        let creation = Creation::new(&namespace, &scenario.pod, scenario.stored);
        heap::collect(self.client()).await?;
        let calls = self.handler.calls();
        let (api_server, etcd) = (self.used()?, self.etcd.used()?);
        let start = Instant::now();
        creation.times(creations).await?;
        let round = Round {
            scenario: place,
            creations,
            elapsed: start.elapsed(),
            api_server: self.used()?.saturating_sub(api_server),
            collecting: collector.cost_of(bytes * count(creations)),
            etcd: self.etcd.used()?.saturating_sub(etcd),
        };
        self.called(scenario, calls, creations)?;
        if scenario.stored {
            delete_all(&namespace).await?;
            self.quiet().await?;
        }
        Ok(round)
    }

    /// Waits until the API server has told everybody what was deleted.
    async fn quiet(&self) -> Outcome {
        let mut before = (Instant::now(), self.api_server.used()?);
        wait_until("the API server to be quiet", SOON, async || {
            let used = self.api_server.used();
            let now = (Instant::now(), used.map_err(|failure| failure.to_string())?);
            let share = (now.1.saturating_sub(before.1)).as_secs_f64()
                / now.0.duration_since(before.0).as_secs_f64();
            let is_first = now.0.duration_since(before.0) < Duration::from_millis(20);
            before = now;
            if share < QUIET && !is_first {
                return Ok(());
            }
            Err(format!("it uses {share:.2} of a processor"))
        })
        .await
    }

    /// Ends everything.
    pub(crate) async fn close(self) -> Outcome {
        self.pillion.stop().await?;
        drop(self.control_plane);
        Ok(())
    }
}
