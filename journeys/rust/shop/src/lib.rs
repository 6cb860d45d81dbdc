//! A walk through the shop of mite's playground: log in, look around, search, fill the basket, order, log out.
use mite_sdk::prelude::*;

/// Somebody who buys something.
#[data]
struct User {
    name: String,
    password: String,
}

/// The playground knows user1 to user50. Each is used by one journey at a time.
#[datapool]
fn users() -> Datapool {
    Datapool::recyclable((1..=50).map(|n| User { name: format!("user{n}"), password: "secret".into() }))
}

/// What the shop answers to a search; serde skips what isn't named here.
#[data]
struct Found {
    items: Vec<Item>,
}
#[data]
struct Item {
    id: u32,
    name: String,
}
#[data]
struct Ordered {
    order: u64,
}

/// Between two steps people think, 0.1 s on average.
async fn think() -> Result {
    ensure_average_separation(0.1, None, async { Ok(()) }).await
}

#[journey]
async fn buy(ctx: Ctx, user: User) -> Result {
    let shop = ctx.config.get_or("url", "http://127.0.0.1:14380".to_string())?;
    log_in(ctx, &shop, &user).await?;
    think().await?;
    let item = look_around(ctx, &shop).await?;
    think().await?;
    order(ctx, &shop, &item).await?;
    ctx.transaction("log out", async {
        let answer = ctx.http.get(format!("{shop}/shop/logout")).no_redirects().discard_body().await?;
        check!(answer.status() < 400, "logging out answered {}", answer.status());
        Ok(())
    })
    .await
}

async fn log_in(ctx: Ctx, shop: &str, user: &User) -> Result {
    ctx.transaction("log in", async {
        let form = [("user", &user.name), ("password", &user.password)];
        let front = ctx.http.post(format!("{shop}/shop/login")).form(form).await?;
        check!(front.status() == 200, "{} could not log in: {}", user.name, front.status());
        check!(front.history().len() == 1, "logging in leads to the front page");
        check!(ctx.http.cookies().iter().any(|cookie| cookie.name == "session"), "there is no session");
        Ok(())
    })
    .await
}

/// The front page and a search side by side, as a browser would.
async fn look_around(ctx: Ctx, shop: &str) -> Result<Item> {
    let word = choose(&["tea", "fig jam", "oat milk"]).copied().unwrap_or("tea");
    ctx.transaction("look around", async {
        let front = ctx.http.get(format!("{shop}/shop"));
        let search = ctx.http.get(format!("{shop}/shop/search")).query([("q", word)]).name("search");
        let (front, search) = join!(front.into_future(), search.into_future());
        let (front, search) = (front?, search?);
        check!(front.status() == 200, "the front page answered {}", front.status());
        check!(search.status() == 200, "the search for {word} answered {}", search.status());
        let found: Found = search.json()?;
        let count = found.items.len();
        search.annotate(fields! { "found" => count })?;
        let item = found.items.into_iter().next();
        item.ok_or_else(|| MiteError::new("nothing was found").field("word", word).into())
    })
    .await
}

async fn order(ctx: Ctx, shop: &str, item: &Item) -> Result {
    ctx.transaction("buy", async {
        ctx.transaction("basket", async {
            let line = json!({ "id": item.id, "count": 1 });
            let answer = ctx.http.post(format!("{shop}/shop/basket")).json(&line).await?;
            check!(answer.status() == 200, "{} didn't get into the basket: {}", item.name, answer.status());
            Ok(())
        })
        .await?;
        think().await?;
        ctx.transaction("order", async {
            let answer = ctx.http.post(format!("{shop}/shop/order")).timeout(5.0).await?;
            check!(answer.status() == 201, "the order answered {}", answer.status());
            let Ordered { order } = answer.json()?;
            ctx.send("order", fields! { "order" => order, "item" => &item.name })
        })
        .await
    })
    .await
}

/// Up to the config's `volume` (20) in 5 seconds, then as many for its `seconds` (10).
#[scenario]
fn shop(config: &Config) -> Result<Scenario> {
    let volume = config.get_or("volume", 20)?;
    let seconds = config.get_or("seconds", 10.0)?;
    Ok(Scenario::new().run_with("buy", "users", Ramp::to(5.0, volume) + Constant::new(seconds, volume)))
}
