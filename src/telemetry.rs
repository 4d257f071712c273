//! Logs and traces.
//!
//! Logs go to standard error: readable on a terminal, JSON lines otherwise. Traces go to the OTLP endpoint that
//! `OTEL_EXPORTER_OTLP_ENDPOINT` names; without one spans still have ids, which repairs are stored with. A span for
//! every job of the queue would drown what is worth looking at: runs, batches, and entities that drifted.

use std::io::IsTerminal;

use anyhow::Context as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// Keeps traces flowing; dropping it sends what is left.
pub struct Telemetry(SdkTracerProvider);

/// Sets up logs and traces for the whole process. `level` is what is logged where `RUST_LOG` says nothing.
///
/// # Errors
/// The OTLP exporter cannot be built, or telemetry was set up before.
pub fn init(level: LevelFilter) -> anyhow::Result<Telemetry> {
    let mut provider = SdkTracerProvider::builder().with_resource(Resource::builder().with_service_name("trueup").build());
    if std::env::var_os(ENDPOINT).is_some_and(|endpoint| !endpoint.is_empty()) {
        // Harmless where the program that embeds this has chosen one before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .build()
            .with_context(|| format!("traces cannot be exported to what {ENDPOINT} names"))?;
        provider = provider.with_batch_exporter(exporter);
    }
    let provider = provider.build();
    let traces = tracing_opentelemetry::layer().with_tracer(provider.tracer("trueup")).with_filter(
        Targets::new()
            .with_target("trueup", LevelFilter::INFO)
            .with_target("trueup_workers", LevelFilter::INFO)
            .with_target("trueup_queue", LevelFilter::OFF),
    );
    // What apalis says of a failed task lacks its kind and key; trueup says it itself.
    let quiet = ["apalis=off", "apalis_core=off"].into_iter().filter_map(|directive| directive.parse().ok());
    let filter = quiet.fold(EnvFilter::builder().with_default_directive(level.into()).from_env_lossy(), EnvFilter::add_directive);
    let logs = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let logs = if std::io::stderr().is_terminal() { logs.boxed() } else { logs.json().boxed() };
    tracing_subscriber::registry().with(traces).with(logs.with_filter(filter)).try_init().context("telemetry is set up already")?;
    Ok(Telemetry(provider))
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        // Nobody is left to hear that it failed.
        let _ = self.0.shutdown();
    }
}
