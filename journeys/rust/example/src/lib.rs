//! mite's own example, `mite.example:scenario`: a tour of what journeys are made of. It uses no network, so it runs
//! anywhere, and lasts ten seconds:
//!
//! ```text
//! mite scenario test mite.example:scenario
//! ```
use mite_sdk::prelude::*;

/// Data for the journeys. An item that is a tuple is spread over the journey's parameters. "Recyclable" means that an item
/// is given to one journey at a time and comes back when that is done.
#[datapool]
fn datapool() -> Datapool {
    Datapool::recyclable((1..=10).map(|n| (n, n * n)))
}

/// What one user does. `ctx` is where everything comes from; `number` and `square` are from the datapool.
#[journey]
async fn journey(ctx: Ctx, number: u32, square: u32) -> Result {
    // A transaction is a named, timed part of a journey. They nest, and each ends in a `txn` message.
    ctx.transaction("think", async {
        // Messages flow to whoever is interested: the collector writes them all to files.
        ctx.send("my_message", fields! { "number" => number, "square" => square })?;
        sleep(0.25).await;
        Ok(())
    })
    .await?;

    // This block takes a second on average (0.75 to 1.25), whatever happens in it: that keeps the rate of the load.
    ensure_average_separation(1.0, None, async {
        ctx.transaction("check", async {
            // What is wrong ends the transaction and the journey, and is counted as an error; the test goes on.
            check!(number * number == square, "{number} squared isn't {square}");
            Ok(())
        })
        .await
    })
    .await
}

/// Which journeys run, with which data, and how many at once.
#[scenario]
fn scenario() -> Scenario {
    Scenario::new().run_with("journey", "datapool", Nothing(1.0) + Ramp::to(4.0, 5) + Constant::new(5.0, 5))
}
