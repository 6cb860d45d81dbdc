//! `stats`: messages into figures, as `mite stats` makes them.

use wasmtime::Result;
use wasmtime::component::Resource;

use super::Host;
use crate::receiver::bindings::{self, Sender, stats};
use crate::receiver::sockets;
use crate::sink::Sink;
use crate::stats::{SERIES_MAX, Settings, Stats};
use crate::wire::batch::Batch;
use crate::wire::dump::Dump;

/// Stats of an instance at once. One more is an error.
const STATS_MAX: usize = 16;

type Output = Box<dyn FnMut(&Dump) -> bool + Send>;

/// All stats of an instance; the place of one that was dropped is free for another.
#[derive(Default)]
pub struct Figures {
    open: Vec<Option<Stats<Output>>>,
}

impl Figures {
    fn add(&mut self, stats: Stats<Output>) -> Option<u32> {
        let at = self.open.iter().position(Option::is_none).unwrap_or(self.open.len());
        if at == self.open.len() {
            if at >= STATS_MAX {
                return None;
            }
            self.open.push(None);
        }
        self.open[at] = Some(stats);
        Some(at as u32)
    }

    pub fn tick(&mut self) {
        for stats in self.open.iter_mut().flatten() {
            let Ok(()) = stats.tick();
        }
    }

    /// Sends what is left, and ends all.
    pub fn close(&mut self) {
        self.open.drain(..).flatten().for_each(end);
    }
}

fn end(mut stats: Stats<Output>) {
    let Ok(()) = stats.tick();
    let Ok(()) = stats.close();
}

impl stats::Host for Host {}

impl stats::HostStats for Host {
    fn create(
        &mut self,
        output: Resource<Sender>,
        settings: stats::Settings,
    ) -> Result<Result<Resource<bindings::Stats>, String>> {
        let Some(push) = self.sockets.get(output.rep()) else { wasmtime::bail!("no such sender") };
        let settings = Settings { include: settings.include, exclude: settings.exclude, series_max: SERIES_MAX };
        let variable = |name: &str| std::env::var(name).ok();
        let made = Stats::new(&settings, variable, sockets::output(push)).map_err(|error| error.to_string());
        Ok(made.and_then(|stats| {
            let number = self.figures.add(stats).ok_or_else(|| format!("a processor has {STATS_MAX} stats at most"))?;
            Ok(Resource::new_own(number))
        }))
    }

    fn take(&mut self, stats: Resource<bindings::Stats>, messages: Vec<Vec<u8>>) -> Result<()> {
        let mut batch = Batch::default();
        messages.iter().for_each(|message| batch.push(message));
        if let Some(Some(stats)) = self.figures.open.get_mut(stats.rep() as usize) {
            let Ok(()) = stats.take(&batch);
        }
        Ok(())
    }

    fn drop(&mut self, stats: Resource<bindings::Stats>) -> Result<()> {
        if let Some(place) = self.figures.open.get_mut(stats.rep() as usize) {
            place.take().into_iter().for_each(end);
        }
        Ok(())
    }
}
