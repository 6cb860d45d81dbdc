//! The simplest load there is, and the bare journeys that benchmarks measure mite itself with.
use mite_sdk::prelude::*;

/// One request and a look at its status.
#[journey]
async fn load(ctx: Ctx) -> Result {
    let url: String = ctx.config.get("url")?;
    ctx.transaction("get", async {
        let answer = ctx.http.get(&url).await?;
        check!(answer.status() == 200, "{url} answered {}", answer.status());
        Ok(())
    })
    .await
}

/// Nothing at all: what a run costs.
#[journey]
fn empty(_ctx: Ctx) {}

/// Waits: what a journey that is there costs.
#[journey]
async fn pause(ctx: Ctx) -> Result {
    sleep(ctx.config.get_or("pause", 60.0)?).await;
    Ok(())
}

/// Ten runs a second: whether the pace is kept.
#[journey]
async fn paced(_ctx: Ctx) -> Result {
    ensure_fixed_separation(0.1, async { Ok(()) }).await
}

/// The config's `volume` of journeys at once (10), for its `seconds` (10).
fn constant(config: &Config, journey: &str) -> Result<Scenario> {
    let volume = Constant::new(config.get_or("seconds", 10.0)?, config.get_or("volume", 10)?);
    Ok(Scenario::new().run(journey, volume))
}

// A scenario and a journey may have the same name, a Rust function may not.
mod scenarios {
    use super::{Config, Result, Scenario, constant, scenario};

    #[scenario]
    fn load(config: &Config) -> Result<Scenario> {
        let _url: String = config.get("url")?; // without it no journey could do anything
        constant(config, "load")
    }

    #[scenario]
    fn empty(config: &Config) -> Result<Scenario> {
        constant(config, "empty")
    }

    #[scenario]
    fn pause(config: &Config) -> Result<Scenario> {
        constant(config, "pause")
    }

    #[scenario]
    fn paced(config: &Config) -> Result<Scenario> {
        constant(config, "paced")
    }
}
