//! Journeys that do what a test's config asks for and tell what they saw.
//!
//! | config | |
//! |---|---|
//! | `steps` | JSON: the list of requests that `visit` makes and `mix` chooses from, see [`Step`] |
//! | `journey`, `datapool`, `volume`, `seconds` | what the scenario `plan` runs |
//! | `url` | where `spills` has a secret echoed |
//! | `url`, `large`, `count` | what `names` asks for, with names and as a large body, and how many names there are |
//! | `pause` | seconds that `nap`, `follows` and `take` last |
//! | `file`, `count` | the file of the datapool `rows`, the length of `numbers` and `changing` |
use mite_sdk::http::Request;
use mite_sdk::prelude::*;

/// A request, with what is not given left alone.
#[data]
#[derive(Default)]
#[serde(default)]
struct Step {
    method: Option<String>,
    url: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
    /// How often the body is to be repeated.
    repeat: Option<usize>,
    name: Option<String>,
    timeout: Option<f64>,
    redirects: Option<u32>,
    insecure: bool,
    discard: bool,
    /// A client certificate: chain and key, PEM.
    identity: Option<(String, String)>,
    /// A secret that stands where the headers' values and the body have `SECRET`.
    secret: Option<String>,
    /// Fields to add to its message.
    annotate: Option<Value>,
    /// A cookie to put into the session before: domain, name, value.
    set_cookie: Option<(String, String, String)>,
}

impl Step {
    fn request(&self, ctx: Ctx) -> Result<Request<'_>> {
        if let Some((domain, name, value)) = &self.set_cookie {
            ctx.http.set_cookie(&Cookie::new(domain, name, value))?;
        }
        let mut request = ctx.http.request(self.method.as_deref().unwrap_or("GET"), &self.url);
        let secret = self.secret.as_ref().map(|name| ctx.secret(name)).transpose()?;
        let filled = |text: &str| secret.as_ref().map_or(text.to_owned(), |secret| text.replace("SECRET", secret));
        for (name, value) in &self.headers {
            request = request.header(name.as_str(), filled(value));
        }
        if let Some(body) = &self.body {
            request = request.body(filled(body).repeat(self.repeat.unwrap_or(1)).into_bytes());
        }
        if let Some(name) = &self.name {
            request = request.name(name);
        }
        if let Some(timeout) = self.timeout {
            request = request.timeout(timeout);
        }
        if let Some(most) = self.redirects {
            request = request.redirects(most);
        }
        if let Some((chain, key)) = &self.identity {
            request = request.identity(ctx.http.identity(chain, key)?);
        }
        if self.insecure {
            request = request.insecure();
        }
        Ok(if self.discard { request.discard_body() } else { request })
    }
}

fn steps(ctx: Ctx) -> Result<Vec<Step>> {
    let text: String = ctx.config.get("steps")?;
    Ok(mite_sdk::serde_json::from_str(&text)?)
}

/// Makes all requests, one after the other, and tells what came of each in a message `seen`.
#[journey]
async fn visit(ctx: Ctx) -> Result {
    for step in steps(ctx)? {
        let answer = ctx.transaction("step", async {
            let answer = step.request(ctx)?.await;
            if let (Ok(answer), Some(fields)) = (&answer, &step.annotate) {
                answer.annotate(fields)?;
            }
            Ok(answer)
        });
        match answer.await? {
            Ok(answer) => tell(ctx, &answer)?,
            Err(error) => {
                let kind = format!("{:?}", error.kind());
                ctx.send("seen", fields! { "error" => kind, "text" => error.to_string() })?;
            }
        }
    }
    Ok(())
}

fn tell(ctx: Ctx, answer: &Response) -> Result {
    let body = answer.body();
    let (bytes, broken) = match &body {
        Ok(bytes) => (bytes.len(), None),
        Err(error) => (0, Some(error.to_string())),
    };
    let text: String = answer.text().unwrap_or_default().chars().take(10_000).collect();
    let history: Vec<(u16, String)> = answer.history().into_iter().map(|hop| (hop.status, hop.url)).collect();
    let cookies: Vec<(String, String)> = ctx.http.cookies().into_iter().map(|c| (c.name, c.value)).collect();
    let sum: u64 = body.unwrap_or_default().iter().map(|byte| u64::from(*byte)).sum();
    ctx.send(
        "seen",
        fields! {
            "status" => answer.status(), "url" => answer.url(), "headers" => answer.headers(), "bytes" => bytes,
            "text" => text, "broken" => broken, "size" => answer.body_size(), "history" => history,
            "cookies" => cookies, "ip" => answer.primary_ip(), "sum" => sum,
        },
    )
}

/// Makes one of the requests, in turn; whatever comes of it is right.
#[journey]
async fn mix(ctx: Ctx) -> Result {
    let steps = steps(ctx)?;
    let turn = usize::try_from(ctx.id())? % steps.len();
    ctx.transaction("mix", async {
        let _whatever = steps[turn].request(ctx)?.await;
        Ok(())
    })
    .await
}

/// The same with an item, so that a datapool says how often.
#[journey]
async fn counted(ctx: Ctx, number: u64) -> Result {
    let steps = steps(ctx)?;
    let turn = usize::try_from(number)? % steps.len();
    let _whatever = steps[turn].request(ctx)?.await;
    Ok(())
}

/// Transactions, requests and messages, each with a name of its own; and what the clocks show.
#[journey]
async fn names(ctx: Ctx) -> Result {
    let (url, large): (String, String) = (ctx.config.get("url")?, ctx.config.get("large")?);
    let start = std::time::Instant::now();
    for number in 0..ctx.config.get_or("count", 6_u32)? {
        ctx.transaction(&format!("transaction {number}"), async {
            ctx.http.get(&url).name(format!("request {number}")).await?;
            ctx.send(&format!("message {number}"), fields! {})
        })
        .await?;
    }
    let answer = ctx.http.get(&large).name("request 0").await;
    let kind = answer.and_then(|answer| answer.body()).err().map(|error| format!("{:?}", error.kind()));
    let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let [wall, spent] = [wall, start.elapsed()].map(|time| time.as_nanos().to_string());
    ctx.send("data_created", fields! { "name" => "names", "data" => 1 })?;
    ctx.send("message 0", fields! { "wall" => wall, "spent" => spent, "large" => kind })
}

/// Sends the secret `token` in every way, and tells what comes back in every way that a journey can tell something.
#[journey]
async fn spills(ctx: Ctx) -> Result {
    let (url, token): (String, String) = (ctx.config.get("url")?, ctx.secret("token")?);
    let asked = ctx.http.post(format!("{url}/echo")).basic_auth("ada", &token).header("x-own", &token);
    let answer = asked.json(&json!({ "token": token })).await?;
    let said = answer.text()?;
    for line in said.lines() {
        println!("{line}");
        eprintln!("{line}");
        let _denied = ctx.http.get("http://169.254.169.254/").name(line).bearer_auth(&token).await;
        let _failed: Result = ctx
            .transaction(line, async { Err(MiteError::new(format!("it said {line}")).field("line", line).into()) })
            .await;
    }
    ctx.send("data_created", fields! { "name" => "spilled", "data" => json!({ "id": &said }) })?;
    ctx.send("spilled", fields! { "headers" => answer.headers() })?;
    for path in ["/redirect", "/broken"] {
        if let Err(error) = ctx.http.get(format!("{url}{path}")).bearer_auth(&token).await {
            eprintln!("{error}");
        }
    }
    panic!("{said}")
}

/// A message with a value of each type.
#[journey]
async fn message(ctx: Ctx) -> Result {
    ctx.transaction("a", async {
        ctx.transaction("b", async {
            let own = fields! {
                "text" => "hello", "int" => 7, "float" => 1.5, "yes" => true, "nothing" => Option::<u8>::None,
                "list" => [1, 2], "map" => json!({ "k": "v" }),
            };
            ctx.send("test_message", own)
        })
        .await
    })
    .await
}

/// Ends in an `error` message with fields.
#[journey]
async fn errs(ctx: Ctx) -> Result {
    ctx.transaction("outer", async {
        ctx.transaction("inner", async {
            Err::<(), _>(MiteError::new("bad thing").field("code", 42).field("why", "since").into())
        })
        .await
    })
    .await
}

/// Ends in an `exception` message.
#[journey]
async fn raises(ctx: Ctx) -> Result {
    ctx.transaction("outer", async {
        let _number: u32 = "x".parse()?;
        Ok(())
    })
    .await
}

/// Tells what it was given, and has it for a while.
#[journey]
async fn take(ctx: Ctx, item: Value) -> Result {
    ctx.send("item", fields! { "item" => item })?;
    sleep(ctx.config.get_or("pause", 0.0)?).await;
    Ok(())
}

/// The same with an item of two.
#[journey]
async fn pair(ctx: Ctx, first: Value, second: Value) -> Result {
    ctx.send("item", fields! { "item" => (first, second) })?;
    sleep(ctx.config.get_or("pause", 0.0)?).await;
    Ok(())
}

/// Tells a value of the config.
#[journey]
async fn config(ctx: Ctx) -> Result {
    let value: String = ctx.config.get("value")?;
    ctx.send("config", fields! { "value" => value })
}

/// Tells its item, and the config that [`changing`] set with it or later.
#[journey]
async fn follows(ctx: Ctx, number: u64) -> Result {
    let value: u64 = ctx.config.get("value")?;
    ctx.send("follows", fields! { "number" => number, "value" => value })?;
    sleep(ctx.config.get_or("pause", 0.1)?).await;
    Ok(())
}

#[journey]
async fn nap(ctx: Ctx) -> Result {
    sleep(ctx.config.get_or("pause", 0.1)?).await;
    Ok(())
}

/// Says whether anything is left of the run before.
#[journey]
async fn remembers(ctx: Ctx) -> Result {
    use std::sync::atomic::{AtomicU32, Ordering};
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let before = RUNS.fetch_add(1, Ordering::Relaxed);
    ctx.send("remembers", fields! { "before" => before, "cookies" => ctx.http.cookies().len() })
}

#[datapool]
fn letters() -> Datapool {
    Datapool::recyclable(["a", "b", "c", "d", "e"])
}

#[datapool]
fn numbers(config: &Config) -> Result<Datapool> {
    Ok(Datapool::iterable(0..config.get_or("count", 100_u64)?))
}

/// Numbers, each of which is the config's `value` from the moment on that it is asked for.
#[datapool]
fn changing(config: &Config) -> Result<Datapool> {
    let (config, count) = (*config, config.get_or("count", 100_u64)?);
    Ok(Datapool::iterable((0..count).take_while(move |number| config.set("value", number).is_ok())))
}

#[datapool]
fn one() -> Datapool {
    Datapool::single_run("only")
}

/// Of a file, each row once.
#[datapool]
fn rows(config: &Config) -> Result<Datapool> {
    let file: String = config.get("file")?;
    Ok(match file.rsplit('.').next() {
        Some("csv") => Datapool::iterable_csv(file),
        Some("jsonl") => Datapool::iterable_json_lines(file),
        _ => Datapool::iterable_msgpack(file),
    })
}

#[volume_model]
fn brief(_start: f64, end: f64) -> Option<u32> {
    (end < 2.0).then_some(2)
}

mod plans {
    use super::{Config, Constant, Nothing, Result, Scenario, Volume, scenario};

    #[scenario]
    fn plan(config: &Config) -> Result<Scenario> {
        let journey: String = config.get("journey")?;
        let volume = Constant::new(config.get_or("seconds", 600.0)?, config.get_or("volume", 2)?);
        let datapool: String = config.get_or("datapool", String::new())?;
        Ok(match datapool.as_str() {
            "" => Scenario::new().run(journey, volume),
            datapool => Scenario::new().run_with(journey, datapool, volume),
        })
    }

    /// So many requests as `count` says, and then a test that goes on, so that its figures can be looked at.
    #[scenario]
    fn lasting() -> Scenario {
        Scenario::new().run_with("counted", "numbers", Constant::new(600.0, 4)).run("nap", Constant::new(600.0, 1))
    }

    #[scenario]
    fn modelled() -> Scenario {
        Scenario::new().run("nap", Volume::model("brief"))
    }

    /// What one component takes from others.
    #[scenario]
    fn borrowed() -> Scenario {
        Scenario::new().run("load:empty", Nothing(0.1) + Constant::new(0.4, 1)).run("nap", Constant::new(0.5, 1))
    }

    #[scenario]
    fn nothing() -> Scenario {
        Scenario::new()
    }

    /// Sets what the journey `config` tells.
    #[scenario]
    fn sets(config: &Config) -> Result<Scenario> {
        config.set("value", "of the scenario")?;
        Ok(Scenario::new().run("config", Constant::new(0.2, 1)))
    }
}
