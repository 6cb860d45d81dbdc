use mite_sdk::prelude::*;

/// What to look for: each run of the journey gets one. "Recyclable" means that an item comes back after its run.
#[datapool]
fn words() -> Datapool {
    Datapool::recyclable(["tea", "fig jam", "oat milk"])
}

/// What one user does.
#[journey]
async fn search(ctx: Ctx, word: String) -> Result {
    let shop = ctx.config.get_or("url", "http://127.0.0.1:14380".to_string())?;
    // A transaction is a named, timed part of a journey.
    ctx.transaction("search", async {
        let answer = ctx.http.get(format!("{shop}/shop/search")).query([("q", &word)]).name("search").await?;
        // What is wrong is counted as an error; the test goes on.
        check!(answer.status() == 200, "the search answered {}", answer.status());
        let found: Value = answer.json()?;
        check!(found["items"][0].is_object(), "nothing was found for {word}");
        Ok(())
    })
    .await?;
    // People think, a second on average.
    sleep(0.5 + random()).await;
    Ok(())
}

/// Which journeys run, with which data, and how many at once: up to 5 in 2 seconds, then 5 for as many as the config's `seconds`.
#[scenario]
fn scenario(config: &Config) -> Result<Scenario> {
    let seconds = config.get_or("seconds", 5.0)?;
    Ok(Scenario::new().run_with("search", "words", Ramp::to(2.0, 5) + Constant::new(seconds, 5)))
}
