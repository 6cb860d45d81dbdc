//! The ten cases that every language has, and what stands around runs, in Rust: see `journeys/golden/README.md`.
use mite_sdk::prelude::*;
use std::cell::Cell;
use std::time::Instant;

fn base(ctx: Ctx) -> Result<String> {
    ctx.config.get("url")
}

#[journey]
async fn hello(ctx: Ctx) -> Result {
    ctx.send(
        "hello",
        fields! { "text" => "hello, world", "number" => 42, "share" => 0.5, "list" => [1, 2, 3], "yes" => true },
    )
}

#[journey]
async fn http_get(ctx: Ctx) -> Result {
    let url = base(ctx)?;
    ctx.transaction("get", async {
        let answer = ctx.http.get(format!("{url}/json")).await?;
        check!(answer.status() == 200, "the document answered {}", answer.status());
        ctx.send("got", fields! { "type_of_content" => answer.header("Content-Type"), "size" => answer.body()?.len() })
    })
    .await
}

#[journey]
async fn post_json(ctx: Ctx) -> Result {
    let url = base(ctx)?;
    ctx.transaction("post", async {
        let item = json!({ "name": "tea", "price": 4.5 });
        let answer = ctx.http.post(format!("{url}/api/items")).json(&item).name("make an item").await?;
        let made: Value = answer.json()?;
        ctx.send("made", fields! { "status" => answer.status(), "id" => &made["id"], "name" => &made["name"] })
    })
    .await
}

#[journey]
async fn login_cookie(ctx: Ctx) -> Result {
    let url = base(ctx)?;
    ctx.transaction("log in", async {
        let form = [("user", "user1"), ("password", "secret")];
        let front = ctx.http.post(format!("{url}/shop/login")).form(form).await?;
        check!(front.history().len() == 1, "logging in leads to the front page");
        Ok(())
    })
    .await?;
    let basket = ctx.http.get(format!("{url}/shop/basket")).await?;
    let names: Vec<String> = ctx.http.cookies().into_iter().map(|cookie| cookie.name).collect();
    ctx.send("basket", fields! { "status" => basket.status(), "cookies" => names })
}

#[journey]
async fn nested_transactions(ctx: Ctx) -> Result {
    ctx.transaction("outer", async {
        ctx.transaction("first", async { ctx.send("step", fields! { "number" => 1 }) }).await?;
        ctx.transaction("second", async {
            ctx.transaction("inner", async { ctx.send("step", fields! { "number" => 2 }) }).await
        })
        .await
    })
    .await
}

#[journey]
async fn failing_check(ctx: Ctx) -> Result {
    let url = base(ctx)?;
    ctx.transaction("broken", async {
        let answer = ctx.http.get(format!("{url}/status/503")).await?;
        check!(answer.status() == 200, "the page answered {}", answer.status());
        Ok(())
    })
    .await
}

#[journey]
async fn error_with_fields(ctx: Ctx) -> Result {
    ctx.transaction("buy", async {
        ctx.transaction("pay", async { Err(MiteError::new("sold out").field("left", 0).field("item", "tea").into()) })
            .await
    })
    .await
}

#[journey]
async fn parallel_requests(ctx: Ctx) -> Result {
    let url = base(ctx)?;
    let answers = ctx
        .transaction("side by side", async {
            let requests = (0..10).map(|_| ctx.http.get(format!("{url}/delay/100")).into_future());
            Ok(try_join_all(requests).await?)
        })
        .await?;
    ctx.send("answers", fields! { "count" => answers.len() })
}

#[data]
struct User {
    name: String,
    password: String,
}

#[datapool]
fn users() -> Datapool {
    Datapool::recyclable((1..=3).map(|n| (User { name: format!("user{n}"), password: "secret".into() }, n)))
}

#[journey]
async fn datapool_arguments(ctx: Ctx, user: User, number: u32) -> Result {
    ctx.send("user", fields! { "name" => user.name, "password" => user.password, "number" => number })
}

#[journey]
async fn think_time(ctx: Ctx) -> Result {
    let start = Instant::now();
    ctx.transaction("think", async {
        ensure_fixed_separation(0.05, async { Ok(()) }).await?;
        ensure_average_separation(0.04, Some(0.01), async { Ok(()) }).await?;
        sleep(0.01).await;
        Ok(())
    })
    .await?;
    ctx.send("thought", fields! { "long_enough" => start.elapsed().as_secs_f64() >= 0.085 })
}

#[setup]
async fn prepare(ctx: Ctx) -> Result<Value> {
    if !ctx.config.keys().iter().any(|key| key == "around") {
        return Ok(Value::Null);
    }
    let answer = ctx.http.get(format!("{}/json", base(ctx)?)).await?;
    Ok(json!({ "status": answer.status(), "size": answer.body()?.len() }))
}

thread_local! {
    static ENTERED: Cell<u32> = const { Cell::new(0) };
    static RUNS: Cell<u32> = const { Cell::new(0) };
}

#[on_start(around)]
async fn log_in(ctx: Ctx) -> Result {
    check!(ctx.config.get_or("around", String::new())? != "broken", "closed today");
    let url = base(ctx)?;
    ctx.transaction("log in", async {
        let form = [("user", "user1"), ("password", "secret")];
        Ok(ctx.http.post(format!("{url}/shop/login")).form(form).await?)
    })
    .await?;
    ENTERED.set(ENTERED.get() + 1);
    Ok(())
}

#[journey]
async fn around(ctx: Ctx) -> Result {
    let url = base(ctx)?;
    let basket = ensure_fixed_separation(0.05, async { Ok(ctx.http.get(format!("{url}/shop/basket")).await?) }).await?;
    RUNS.set(RUNS.get() + 1);
    let setup: Value = ctx.setup()?;
    ctx.send("around", fields! { "setup" => setup, "entered" => ENTERED.get(), "status" => basket.status() })
}

#[on_stop(around)]
async fn log_out(ctx: Ctx) -> Result {
    let basket = ctx.http.get(format!("{}/shop/basket", base(ctx)?)).await?;
    ctx.send("left", fields! { "status" => basket.status(), "runs" => RUNS.get() })
}

/// The same journey in every language, side by side.
#[scenario]
fn mixed(config: &Config) -> Result<Scenario> {
    let languages: String = config.get_or("languages", "rust".to_owned())?;
    let volume = || Constant::new(1.0, 2);
    Ok(languages.split(' ').fold(Scenario::new(), |all, it| all.run(format!("{it}.cases:http_get"), volume())))
}
