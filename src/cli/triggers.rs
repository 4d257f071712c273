use clap::Args;
use trueup_judge::EntityKind;

use super::{Exit, output};
use crate::Config;
use crate::service::{bind, connect_database, load_specs};

/// For which kinds.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The kinds [default: all that have a spec]
    kinds: Vec<String>,
}

/// Prints SQL for people to read and to install; nothing is changed.
pub(super) async fn triggers(config: &Config, arguments: &Arguments) -> anyhow::Result<Exit> {
    let specs = load_specs(config)?;
    if let Some(unknown) = arguments.kinds.iter().find(|name| specs.iter().all(|spec| spec.kind.0 != **name)) {
        let known: Vec<&str> = specs.iter().map(|spec| spec.kind.0.as_str()).collect();
        anyhow::bail!("there is no spec for kind `{unknown}`; there are specs for {}", known.join(", "));
    }
    let pools = connect_database(config).await?;
    let wanted = |kind: &EntityKind| arguments.kinds.is_empty() || arguments.kinds.contains(&kind.0);
    let mut exit = Exit::Clean;
    for kind in bind(&pools, specs).await?.iter().filter(|kind| wanted(&kind.spec().kind)) {
        match kind.touch_trigger() {
            Ok(sql) => output::line(&sql)?,
            Err(why) => {
                output::line(&format!("-- {}: no triggers: {why}\n", kind.spec().kind))?;
                exit = Exit::Partial;
            }
        }
    }
    Ok(exit)
}
