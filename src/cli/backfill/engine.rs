//! What runs the job: the pipeline of a node, with workers of its own, for one function and a part of its records.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;

use super::job::Job;
use crate::{
    config::NodeConfig,
    control,
    fetch::Fetch,
    function::Program,
    kafka::{Settings, Topics},
    manifest::Guarantee,
    node::{bounds, budget, rules},
    pipeline::{self, Handle, Paused, Setup, Sinks, Stretch},
    pool::{Pool, PoolOptions, WorkerCommand},
    status::{Board, FunctionStatus},
    telemetry::{FunctionMetrics, Metrics},
};

pub(super) struct Engine {
    name: String,
    board: Arc<Board>,
    pub(super) metrics: Arc<FunctionMetrics>,
    pool: Pool,
    handle: Handle,
}

impl Engine {
    pub(super) fn start(
        config: &NodeConfig,
        settings: &Settings,
        topics: Topics,
        command: WorkerCommand,
        program: &Arc<Program>,
        job: &Job,
        rate: Option<u32>,
    ) -> anyhow::Result<Engine> {
        let metrics = Metrics::new();
        let board = Board::new(&config.node_id(), Arc::clone(&metrics));
        let fetch = Fetch::new(config.fetch_options().context("cannot read `fetch.ca-file`")?, Arc::clone(&metrics))
            .context("cannot use `fetch.ca-file`")?;
        let pool = Pool::start(PoolOptions {
            command,
            workers: config.worker_count(),
            start_timeout: config.workers.start_timeout,
            host: Arc::new(fetch),
        })
        .context("cannot start the worker processes")?;
        let sinks = Sinks::new(settings.clone(), Arc::new(topics))?;
        let numbers = metrics.function(program.name());
        let exactly = program.manifest.delivery.guarantee == Guarantee::ExactlyOnce;
        let setup = Setup {
            version: control::resolve(program, &sinks).context("cannot look up the topics to write to")?,
            topics: job.topics.clone(),
            settings: settings.clone(),
            sinks,
            pool: pool.clone(),
            metrics: Arc::clone(&numbers),
            board: Arc::clone(&board),
            bounds: bounds(config),
            budget: budget(config),
            rules: rules(config),
            // Not that of the function itself, which goes on meanwhile.
            // Several processes of one host may work on the same job.
            transactional_id: exactly.then(|| format!("{}.{}.{}", job.group, config.node_id(), std::process::id())),
            stretch: Some(Stretch { ends: job.ends(), rate }),
            quarantined: false,
        };
        let handle = pipeline::start(setup, || {}).context("cannot start a thread")?;
        Ok(Engine { name: program.name().to_owned(), board, metrics: numbers, pool, handle })
    }

    pub(super) fn status(&self) -> FunctionStatus {
        self.board.function(&self.name).unwrap_or_default()
    }

    /// It has ended although nobody asked it to.
    pub(super) fn has_ended(&self) -> bool {
        self.handle.is_finished()
    }

    /// Finishes what is in flight, commits, and leaves the group. Says why it had ended before, if it had.
    pub(super) fn stop(self, within: Duration) -> Option<String> {
        self.handle.drain(within);
        let paused = self.handle.join();
        self.pool.stop();
        paused.map(|Paused { reason, .. }| reason)
    }
}
