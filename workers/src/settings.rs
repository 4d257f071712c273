use std::time::Duration;

/// Ten calls of 199 keys and the contract's instance.
const ROWS_PER_RANGE: i64 = 1_990;

/// The limits of scheduler and workers, each with its unit. The queue has limits of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How many entities of a kind are located, read and compared together.
    pub entities_per_batch: usize,
    /// How many such batches of a kind are under way at once. Together they hold fewer jobs than a worker runs at once:
    /// those that wait announce their keys, so that no call leaves half empty meanwhile.
    pub batches_in_flight: usize,
    /// How long a batch that is not full waits for more.
    pub batch_linger: Duration,
    /// How often an entity that is settling is looked at again within a run.
    pub max_looks: i32,
    /// How long to wait before an entity that moved between two reads is looked at again.
    pub look_again_after: Duration,
    /// How many jobs one statement adds.
    pub jobs_per_chunk: i64,
    /// How many rows a sweep looks at together: a multiple of the keys that a call carries beside their
    /// contract's instance, so that calls are full. `jobs_per_chunk` at most: all of them may need a job.
    pub rows_per_range: i64,
    /// For how long a process has the right to add the jobs of a run, renewed with each chunk.
    pub enqueue_claim_secs: i64,
    /// How often schedules, deadlines and unfinished enqueues are looked at.
    pub tick_every: Duration,
    /// How often contracts' events are read up to the chain's tip.
    pub events_every: Duration,
    /// How often, at the latest, where events touch entities.
    pub events_every_touching: Duration,
    /// How long a run waits for events to be read up to the tip.
    pub events_catch_up: Duration,
    /// How many events are read and stored at once, at most [`trueup_chain::EVENTS_PER_PAGE_MAX`].
    pub events_per_page: usize,
    /// How long the one job that a whole run waits for stays dead before it is tried again.
    pub revive_after: Duration,
    /// How long job rows of a finished run are kept, in days. Reports stay.
    pub keep_jobs_days: i32,
    /// How long runs of touches are kept that found something, in hours. Their repairs stay.
    pub keep_touches_hours: i32,
    /// How long the database or the RPC may fail without a break before a loop gives up.
    pub unreachable_after: Duration,
    /// How sweeps give way to the application.
    pub throttle: ThrottleSettings,
}

/// How sweeps give way to the application: how many of their batches are under way follows from how long their own
/// statements take, and from whether the application is at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThrottleSettings {
    /// They do.
    pub enabled: bool,
    /// By how many percent statements may be slower than usual before they do.
    pub slowdown_max_percent: u32,
    /// How busy sweeps are at most, in percent of one batch after the other without a pause: 300 is three batches at a
    /// time, 25 is one, followed by a pause three times as long as it took. None: as busy as `batches_in_flight` allows.
    pub busy_max_percent: Option<u32>,
    /// The same while sessions of the application are at work in the database, in parts of one call each, where a wait for
    /// the chain hardly counts.
    pub busy_beside_percent: u32,
}

impl Default for ThrottleSettings {
    fn default() -> Self {
        Self { enabled: true, slowdown_max_percent: 50, busy_max_percent: None, busy_beside_percent: 25 }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            entities_per_batch: 500,
            batches_in_flight: 4,
            batch_linger: Duration::from_millis(5),
            max_looks: 3,
            look_again_after: Duration::from_secs(2),
            jobs_per_chunk: 50_000,
            rows_per_range: ROWS_PER_RANGE,
            enqueue_claim_secs: 20,
            tick_every: Duration::from_secs(1),
            events_every: Duration::from_secs(5),
            events_every_touching: Duration::from_secs(1),
            events_catch_up: Duration::from_secs(60),
            events_per_page: trueup_chain::EVENTS_PER_PAGE_MAX,
            revive_after: Duration::from_secs(60),
            keep_jobs_days: 7,
            keep_touches_hours: 24,
            unreachable_after: Duration::from_secs(60),
            throttle: ThrottleSettings::default(),
        }
    }
}
