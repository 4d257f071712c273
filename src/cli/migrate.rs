use anyhow::Context as _;
use trueup_database::connect;

use super::Exit;
use crate::Config;

pub(super) async fn migrate(config: &Config) -> anyhow::Result<Exit> {
    let pools = connect::pools(config.database_url()?, &config.pool_settings()?).await?;
    let pending = trueup_schema::pending(&pools.write).await.context("cannot read which migrations the database has")?;
    trueup_schema::migrate(&pools.write).await.context("schema trueup cannot be migrated (the role needs CREATE on the database)")?;
    match pending {
        0 => println!("schema trueup is up to date"),
        applied => println!("schema trueup is up to date: {applied} migration(s) applied"),
    }
    Ok(Exit::Clean)
}
