use mite_sdk::prelude::*;

/// Somebody who looks for something.
#[data]
struct User {
    name: String,
    password: String,
}

/// Each run of the journey gets one. "Recyclable" means that an item comes back after its run.
#[datapool]
fn users() -> Datapool {
    Datapool::recyclable((1..=50).map(|n| User { name: format!("user{n}"), password: "secret".into() }))
}

/// What one user does.
#[journey]
async fn search(ctx: Ctx, user: User) -> Result {
    let shop = ctx.config.get_or("url", "http://127.0.0.1:14380".to_string())?;
    // A transaction is a named, timed part of a journey.
    ctx.transaction("log in", async {
        let form = [("user", &user.name), ("password", &user.password)];
        let answer = ctx.http.post(format!("{shop}/shop/login")).form(form).await?;
        // What is wrong is counted as an error; the test goes on.
        check!(answer.status() == 200, "{} can't log in: {}", user.name, answer.status());
        Ok(())
    })
    .await?;
    // People think, a second on average.
    sleep(0.5 + random()).await;
    ctx.transaction("search", async {
        let answer = ctx.http.get(format!("{shop}/shop/search")).query([("q", "tea")]).await?;
        check!(answer.status() == 200, "the search answered {}", answer.status());
        let found: Value = answer.json()?;
        check!(found["items"][0].is_object(), "there is no tea");
        Ok(())
    })
    .await
}

/// Which journeys run, with which data, and how many at once: up to 5 in 2 seconds, then 5 for as many as the config's `seconds`.
#[scenario]
fn peak(config: &Config) -> Result<Scenario> {
    let seconds = config.get_or("seconds", 5.0)?;
    Ok(Scenario::new().run_with("search", "users", Ramp::to(2.0, 5) + Constant::new(seconds, 5)))
}
