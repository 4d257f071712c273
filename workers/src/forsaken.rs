use tokio_util::sync::CancellationToken;

use crate::context::Context;

/// Does a role's work until it ends, or until there is no endpoint left to ask because all turned out to be of another
/// network. In that case the role is stopped by its token, as gently as by any other: what it holds is given back, and
/// whoever is started with the right endpoints goes on with it.
///
/// # Errors
/// The role's own, or, whatever that is then, which endpoint is of which network.
pub async fn unless_forsaken(
    context: &Context,
    stop: &CancellationToken,
    role: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let mut role = std::pin::pin!(role);
    tokio::select! {
        biased;
        ended = &mut role => ended,
        why = context.chain.forsaken() => {
            stop.cancel();
            if let Err(error) = role.await {
                tracing::warn!(error = format!("{error:#}"), "stopped badly");
            }
            Err(anyhow::Error::new(why).context("there is no RPC endpoint left to ask; what was begun goes on when trueup is started again"))
        }
    }
}
