//! Journeys that do what no journey should, each beside a healthy one that has to go on: `hostile:beside` runs the config's
//! `harm`. The scenarios and datapools of `plans` fail while they are asked.
mod doors;

use mite_sdk::prelude::*;

/// What suffers if anything does.
#[journey]
async fn healthy(ctx: Ctx) -> Result {
    let url: String = ctx.config.get("url")?;
    ctx.transaction("get", async {
        let answer = ctx.http.get(&url).await?;
        check!(answer.status() == 200, "{url} answered {}", answer.status());
        Ok(())
    })
    .await
}

/// The same twenty times a second, so that whoever counts what the server got knows how much it should be.
#[journey]
async fn paced(ctx: Ctx) -> Result {
    ensure_fixed_separation(0.05, healthy(ctx)).await
}

#[journey]
fn loops(_ctx: Ctx) {
    let mut n = 0_u64;
    loop {
        n = std::hint::black_box(n.wrapping_add(1));
    }
}

/// Takes memory and writes to it: what is only reserved costs nobody anything.
#[journey]
fn allocates(_ctx: Ctx) {
    let mut all = Vec::new();
    loop {
        all.push(vec![1_u8; 1 << 20]);
        std::hint::black_box(&all);
    }
}

#[journey]
fn recurses(_ctx: Ctx) {
    std::hint::black_box(deeper(1));
}

#[expect(unconditional_recursion, reason = "this is what it is for")]
fn deeper(n: u64) -> u64 {
    let here = std::hint::black_box([n; 16]);
    deeper(n + 1) + here[3]
}

#[journey]
async fn panics(ctx: Ctx) -> Result {
    ctx.transaction("inside", async { panic!("so it is") }).await
}

#[journey]
fn traps(_ctx: Ctx) {
    #[cfg(target_arch = "wasm32")]
    std::arch::wasm32::unreachable();
}

#[journey]
fn exits(_ctx: Ctx) {
    std::process::exit(3);
}

/// Prints without end, which no limit on memory or on silence would see.
#[journey]
fn prints(_ctx: Ctx) {
    loop {
        println!("{}", "all work and no play ".repeat(50));
        eprintln!("\x1b[2Jand not even that");
    }
}

/// Asks for an answer by a handle that nobody gave it.
#[journey]
fn forges(_ctx: Ctx) {
    forged::finish();
}

/// Begins requests and ends without having looked at them.
#[journey]
async fn leaves(ctx: Ctx) -> Result {
    let url: String = ctx.config.get("hanging")?;
    let request = ctx.http.get(&url).into_future();
    let other = ctx.http.get(&url).into_future();
    if let Either::Right((_, left)) = select(join_all([request, other]), Box::pin(sleep(0.05))).await {
        std::mem::forget(left);
    }
    Ok(())
}

/// More at once than a journey may have.
#[journey]
async fn crowds(ctx: Ctx) -> Result {
    let url: String = ctx.config.get("hanging")?;
    join_all((0..1_001).map(|_| ctx.http.get(&url).into_future())).await;
    Ok(())
}

/// Messages over the limit, and as large as they may be.
#[journey]
async fn floods(ctx: Ctx) -> Result {
    for _ in 0..20 {
        ctx.send("huge", fields! { "text" => "x".repeat(70_000) })?;
        ctx.send("large", fields! { "text" => "x".repeat(60_000) })?;
    }
    ctx.send(&"t".repeat(65), fields! { "n" => 1 })?;
    sleep(0.1).await;
    Ok(())
}

/// Names without end: of messages, of transactions and of requests.
#[journey]
async fn labels(ctx: Ctx) -> Result {
    let url: String = ctx.config.get("url")?;
    for n in 0..20 {
        let name = format!("{}-{n}\n\x1b[31m{}", ctx.id(), "n".repeat(300));
        ctx.transaction(&name, async {
            ctx.send(&format!("kind-{}-{n}", ctx.id()), fields! { "n" => n })?;
            ctx.http.get(&url).name(name.clone()).await?;
            Ok(())
        })
        .await?;
    }
    Ok(())
}

/// Transactions inside of transactions, more than there may be.
#[journey]
async fn nests(ctx: Ctx) -> Result {
    nest(ctx, 40).await
}

async fn nest(ctx: Ctx, more: u32) -> Result {
    if more == 0 {
        return Ok(());
    }
    ctx.transaction("deeper", Box::pin(nest(ctx, more - 1))).await
}

/// Never comes back by itself.
#[journey]
async fn sleeps(_ctx: Ctx) -> Result {
    sleep(3_600.0).await;
    Ok(())
}

#[cfg(target_arch = "wasm32")]
mod forged {
    #![expect(unsafe_code, reason = "no SDK lets anybody forge a handle: it takes the raw import")]

    #[link(wasm_import_module = "mite:journey/http@0.1.0")]
    unsafe extern "C" {
        #[link_name = "finish"]
        fn raw_finish(handle: u32, answer: *mut u8);
    }

    pub fn finish() {
        let mut answer = [0_u64; 64];
        // SAFETY: the host never writes more than an answer, which is far smaller than this; it should write nothing.
        unsafe { raw_finish(4_711, answer.as_mut_ptr().cast()) }
        std::hint::black_box(answer);
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod forged {
    pub fn finish() {}
}

mod plans {
    use super::{Config, Constant, Datapool, MiteError, Result, Scenario, datapool, scenario};

    /// Three healthy journeys, and two of the config's `harm`.
    #[scenario]
    fn beside(config: &Config) -> Result<Scenario> {
        let harm: String = config.get("harm")?;
        let seconds = config.get_or("seconds", 2.0)?;
        Ok(Scenario::new().run("healthy", Constant::new(seconds, 3)).run(harm, Constant::new(seconds, 2)))
    }

    /// One healthy journey at its pace, and nothing else.
    #[scenario]
    fn alone(config: &Config) -> Result<Scenario> {
        Ok(Scenario::new().run("paced", Constant::new(config.get_or("seconds", 2.0)?, 1)))
    }

    #[scenario]
    fn panics() -> Scenario {
        panic!("no scenario today")
    }

    #[scenario]
    fn fails() -> Result<Scenario> {
        Err(MiteError::new("there is nothing to plan").into())
    }

    #[scenario]
    fn pool_panics() -> Scenario {
        Scenario::new().run_with("healthy", "pool_panics", Constant::new(1.0, 1))
    }

    #[scenario]
    fn items_panic() -> Scenario {
        Scenario::new().run_with("healthy", "items_panic", Constant::new(1.0, 1))
    }

    mod pools {
        use super::{Datapool, datapool};

        #[datapool]
        fn pool_panics() -> Datapool {
            panic!("no pool today")
        }

        #[datapool]
        fn items_panic() -> Datapool {
            Datapool::recyclable((0..3).map(|n| if n < 2 { n } else { panic!("only two items today") }))
        }
    }
}
