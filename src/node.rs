//! The composition root: builds the parts of a node, wires them, and drains them in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use anyhow::Context;

use crate::admin::Admin;
use crate::commands::Commands;
use crate::config::{NodeConfig, SandboxDemand};
use crate::control::{Control, ControlOptions, Defaults, Pace, PrepareLimits, Surroundings, Wishes};
use crate::fetch::Fetch;
use crate::kafka::{self, EmbeddedBroker, Settings, Topics};
use crate::pipeline::{Bounds, Budget, Rules, Sinks};
use crate::pool::{GroupKind, Pool, PoolOptions, WorkerCommand};
use crate::protocol::sandbox::Sandbox;
use crate::status::{Board, Phase, WorkerStatus};
use crate::telemetry::Metrics;

#[derive(Clone, Copy, Debug, Default)]
pub struct NodeOptions {
    /// Start the embedded broker when no brokers are configured.
    pub embedded: bool,
}

/// A running node.
pub struct Node {
    pub board: Arc<Board>,
    pub metrics: Arc<Metrics>,
    pub settings: Settings,
    pub topics: Arc<Topics>,
    /// Where the admin API listens.
    pub admin: SocketAddr,
    pub embedded: Option<Arc<EmbeddedBroker>>,
    server: Admin,
    control: Control,
    wishes: Wishes,
    pool: Pool,
    monitors: Vec<Monitor>,
}

/// How often the workers' state is shown.
const MONITOR: Duration = Duration::from_millis(500);
/// How often we ask whether a broker answers, and how long it may take.
const PROBE: Duration = Duration::from_secs(5);

impl Node {
    /// Starts everything; functions begin to run as soon as their topics are there.
    pub fn start(config: NodeConfig, options: NodeOptions) -> anyhow::Result<Node> {
        kafka::keep_memory();
        let metrics = Metrics::new();
        let board = Board::new(&config.node_id(), Arc::clone(&metrics));
        // The first thing to answer, so that a probe sees a node that starts rather than none.
        let commands = Commands::default();
        let server = Admin::start(&config.admin.listen, Arc::clone(&board), Arc::clone(&metrics), commands.clone())
            .with_context(|| format!("cannot serve the admin API on {}", config.admin.listen))?;
        let embedded = embedded_broker(&config, options)?;
        let settings = kafka_settings(&config, embedded.as_deref());
        settings.check().context("the Kafka properties do not work together")?;
        board.update_node(|node| {
            node.brokers.addresses.clone_from(&settings.brokers);
            node.brokers.embedded = embedded.is_some();
            node.functions_path = config.functions.path.display().to_string();
            node.workers.count = u32::try_from(config.worker_count()).unwrap_or(u32::MAX);
        });
        let fetch = Fetch::new(config.fetch_options().context("cannot read `fetch.ca-file`")?, Arc::clone(&metrics))
            .context("cannot use `fetch.ca-file`")?;
        let command = worker_command(&config).context("cannot prepare the worker processes")?;
        let pool = Pool::start(PoolOptions {
            command: command.clone(),
            workers: config.worker_count(),
            start_timeout: config.workers.start_timeout,
            host: Arc::new(fetch),
        })
        .context("cannot start the worker processes")?;
        tell_of_sandbox(&pool.sandbox().unwrap_or_default());
        let topics = Arc::new(Topics::new(&settings, embedded.clone())?);
        let sinks = Sinks::new(settings.clone(), Arc::clone(&topics))?;
        let wishes =
            Wishes::start(&settings, Arc::clone(&topics), replication(&config), config.node_id(), Arc::clone(&board))?;
        let monitors = vec![
            Monitor::of_workers(pool.clone(), Arc::clone(&board), Arc::clone(&metrics))?,
            Monitor::of_brokers(Arc::clone(&topics), Arc::clone(&board))?,
        ];
        let control = Control::start(
            control_options(&config, embedded.is_some()),
            Surroundings {
                settings: settings.clone(),
                topics: Arc::clone(&topics),
                sinks,
                pool: pool.clone(),
                budget: budget(&config),
                prepare: PrepareLimits {
                    embedded: embedded.is_some(),
                    ..PrepareLimits::new(command, config.limits.clone())
                },
                metrics: Arc::clone(&metrics),
                board: Arc::clone(&board),
                wishes: wishes.clone(),
                node_id: config.node_id(),
            },
        )?;
        control.serve(&commands);
        board.update_node(|node| node.phase = Phase::Running);
        let admin = server.address;
        tracing::info!(
            brokers = %settings.brokers, admin = %admin, workers = pool.len(), functions = %config.functions.path.display(),
            "the node runs"
        );
        Ok(Node { board, metrics, settings, topics, admin, embedded, server, control, wishes, pool, monitors })
    }

    /// The live worker processes.
    pub fn worker_pids(&self) -> Vec<u32> {
        self.pool.pids()
    }

    /// Unready → subscriptions drained and committed → workers let go → admin API closed.
    pub fn drain(self, deadline: Duration) -> anyhow::Result<()> {
        self.board.update_node(|node| node.phase = Phase::Draining);
        self.control.stop(deadline);
        self.wishes.stop();
        self.pool.stop();
        self.monitors.into_iter().for_each(Monitor::stop);
        drop(self.server);
        tracing::info!("the node has drained");
        Ok(())
    }
}

/// How this configuration wants workers to be started.
pub fn worker_command(config: &NodeConfig) -> std::io::Result<WorkerCommand> {
    let mut command = WorkerCommand::this_program()?;
    command.needs_whole_sandbox = config.workers.sandbox == SandboxDemand::Required;
    command.memory = Some(config.worker_memory());
    Ok(command)
}

fn tell_of_sandbox(sandbox: &Sandbox) {
    tracing::info!(layers = %sandbox.holding().join(", "), "the workers are confined");
    for missing in sandbox.missing() {
        tracing::warn!(
            layer = %missing.layer, why = %missing.note, advice = missing.layer.remedy(),
            "a layer of the workers' sandbox is missing"
        );
    }
}

fn embedded_broker(config: &NodeConfig, options: NodeOptions) -> anyhow::Result<Option<Arc<EmbeddedBroker>>> {
    if config.kafka.brokers.is_some() || !options.embedded {
        return Ok(None);
    }
    let broker = EmbeddedBroker::start(1).context("cannot start the embedded broker")?;
    Ok(Some(Arc::new(broker)))
}

fn kafka_settings(config: &NodeConfig, embedded: Option<&EmbeddedBroker>) -> Settings {
    let brokers = match embedded {
        Some(broker) => broker.bootstrap_servers().to_owned(),
        None => config.kafka.brokers.clone().unwrap_or_default(),
    };
    let mut settings = Settings::new(brokers);
    settings.client_id = format!("eddyline-{}", config.node_id());
    for (name, value) in config.kafka.properties.iter() {
        if name == "group.instance.id" {
            settings.group_instance_id = Some(value.to_owned());
        } else {
            settings.properties.insert(name.to_owned(), value.to_owned());
        }
    }
    settings
}

/// Of the topics that the node makes; without one, the broker decides.
fn replication(config: &NodeConfig) -> Option<i32> {
    let factor = i32::from(config.topics.replication_factor);
    (factor > 0).then_some(factor)
}

fn control_options(config: &NodeConfig, embedded: bool) -> ControlOptions {
    ControlOptions {
        folder: config.functions.path.clone(),
        pace: Pace { sleep_after: config.functions.sleep_after, keep_positions: config.functions.keep_positions },
        create_topics: config.topics.create.unwrap_or(false),
        defaults: Defaults {
            partitions: i32::try_from(config.topics.partitions).unwrap_or(i32::MAX),
            replication: replication(config),
        },
        bounds: bounds(config),
        rules: rules(config),
        embedded,
    }
}

/// What each partition may hold between poll and commit.
pub fn bounds(config: &NodeConfig) -> Bounds {
    Bounds {
        records: config.source.max_in_flight_records as usize,
        bytes: usize::try_from(config.source.max_in_flight_bytes).unwrap_or(usize::MAX),
    }
}

/// What all partitions may hold together.
pub fn budget(config: &NodeConfig) -> Arc<Budget> {
    Budget::new(usize::try_from(config.source.memory).unwrap_or(usize::MAX))
}

/// When functions that bring workers down are kept apart and paused.
pub fn rules(config: &NodeConfig) -> Rules {
    Rules {
        quarantine_after: config.workers.quarantine_after as usize,
        pause_after: config.workers.pause_after as usize,
        window: config.workers.crash_window,
    }
}

/// Does something again and again until it is stopped.
struct Monitor {
    stop: Sender<()>,
}

impl Monitor {
    fn start(name: &str, every: Duration, mut look: impl FnMut() + Send + 'static) -> std::io::Result<Monitor> {
        let (stop, stopped) = channel();
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            loop {
                look();
                if stopped.recv_timeout(every) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        })?;
        Ok(Monitor { stop })
    }

    /// Shows the workers' state on the board.
    fn of_workers(pool: Pool, board: Arc<Board>, metrics: Arc<Metrics>) -> std::io::Result<Monitor> {
        let mut counted = 0;
        Monitor::start("monitor", MONITOR, move || {
            let restarts = pool.restarts();
            let alive = |kind| {
                let alive = pool.alive(kind);
                metrics.node().workers_alive(kind).set(alive as i64);
                u32::try_from(alive).unwrap_or(u32::MAX)
            };
            let [shared, tenants, quarantine, trial] = GroupKind::ALL.map(alive);
            metrics.node().worker_restarts.add(restarts - counted);
            counted = restarts;
            board.update_node(|node| {
                node.workers = WorkerStatus { alive: shared, tenants, quarantine, trial, restarts, ..node.workers };
            });
        })
    }

    /// Shows on the board whether a broker answers, which a quiet node would not notice otherwise.
    fn of_brokers(topics: Arc<Topics>, board: Arc<Board>) -> std::io::Result<Monitor> {
        Monitor::start("probe", PROBE, move || {
            let error = topics.list(PROBE).err().map(|error| error.to_string());
            board.update_node(|node| {
                node.brokers.reachable = Some(error.is_none());
                node.brokers.error = error;
            });
        })
    }

    /// It ends after the look that it may be in, which nobody needs to wait for.
    fn stop(self) {
        let _ = self.stop.send(());
    }
}
