//! The series of one metric, found by the msgpack of their labels.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::wire::dump::{LabelValues, Number, Observations, Values};

use super::table::Kind;

/// Series beyond the limit that values without room are folded into: one a test, then one for all tests.
pub const FOLDS_MAX: usize = 50;
/// Ticks (10 minutes of 250 ms) without news after which a series makes room for others. Only a full metric asks for it:
/// the exporter has the sums, so forgetting here loses nothing.
const IDLE_TICKS: u64 = 2_400;

/// What one series has seen since the last dump that was accepted.
#[derive(Debug)]
struct Cell {
    key: Box<[u8]>,
    /// Values, of counters and histograms.
    count: u64,
    sum: f64,
    last: Number,
    /// Whether it is in `touched`.
    touched: bool,
    /// When it was touched last.
    tick: u64,
}

/// All series of a metric.
pub struct Series {
    kind: Kind,
    labels: usize,
    /// Upper bounds, of a histogram.
    pub bins: Vec<f64>,
    limit: usize,
    cells: Vec<Cell>,
    /// Of histograms: how many values fell into each bin and above the last, `bins.len() + 1` a series.
    counts: Vec<u64>,
    /// Where in `cells` a key is.
    places: HashTable<u32>,
    hasher: RandomState,
    /// Those with news.
    touched: Vec<u32>,
    tick: u64,
}

impl Series {
    pub fn new(kind: Kind, labels: usize, bins: Vec<f64>, limit: usize) -> Self {
        let (cells, counts, touched) = (Vec::new(), Vec::new(), Vec::new());
        let (places, hasher) = (HashTable::new(), RandomState::default());
        Self { kind, labels, bins, limit, cells, counts, places, hasher, touched, tick: 0 }
    }

    /// The series of these labels, if it is there.
    #[inline]
    pub fn find(&self, key: &[u8]) -> Option<u32> {
        let hash = self.hasher.hash_one(key);
        self.places.find(hash, |place| *self.cells[*place as usize].key == *key).copied()
    }

    /// Whether there is no room for another one.
    pub fn is_full(&self) -> bool {
        self.cells.len() >= self.limit
    }

    /// Whether there is no room even for one that others are folded into.
    pub fn is_overfull(&self) -> bool {
        self.cells.len() >= self.limit + FOLDS_MAX
    }

    /// A new series. The caller has looked whether it is there and whether there is room.
    pub fn insert(&mut self, key: &[u8]) -> u32 {
        let place = self.cells.len() as u32;
        self.cells.push(Cell {
            key: key.into(),
            count: 0,
            sum: 0.0,
            last: Number::Int(0),
            touched: false,
            tick: self.tick,
        });
        if matches!(self.kind, Kind::Histogram { .. }) {
            self.counts.resize(self.cells.len() * (self.bins.len() + 1), 0);
        }
        let (cells, hasher) = (&self.cells, &self.hasher);
        let hash = |place: &u32| hasher.hash_one(&*cells[*place as usize].key);
        self.places.insert_unique(hash(&place), place, hash);
        place
    }

    /// Counts, sets or observes.
    #[inline]
    pub fn fold(&mut self, place: u32, value: Number) {
        let cell = &mut self.cells[place as usize];
        if !cell.touched {
            cell.touched = true;
            self.touched.push(place);
        }
        match self.kind {
            Kind::Counter => cell.count += 1,
            Kind::Gauge => cell.last = value,
            Kind::Histogram { .. } => {
                let value = value.as_f64();
                cell.count += 1;
                cell.sum += value;
                let bin = self.bins.partition_point(|bin| *bin < value);
                self.counts[place as usize * (self.bins.len() + 1) + bin] += 1;
            }
        }
    }

    pub fn has_news(&self) -> bool {
        !self.touched.is_empty()
    }

    /// What is new, as it goes into a dump.
    pub fn news(&self) -> Values {
        let cells = || self.touched.iter().map(|place| (*place as usize, &self.cells[*place as usize]));
        let labels = |cell: &Cell| LabelValues::new(&cell.key, self.labels);
        match self.kind {
            Kind::Counter => Values::Counter(
                cells().map(|(_, cell)| (labels(cell), Number::Int(cell.count.cast_signed()))).collect(),
            ),
            Kind::Gauge => Values::Gauge(cells().map(|(_, cell)| (labels(cell), cell.last)).collect()),
            Kind::Histogram { .. } => Values::Histogram {
                bins: self.bins.clone(),
                series: cells().map(|(place, cell)| (labels(cell), self.observations(place, cell))).collect(),
            },
        }
    }

    fn observations(&self, place: usize, cell: &Cell) -> Observations {
        let width = self.bins.len() + 1;
        let mut under = 0;
        let binned = self.counts[place * width..].iter().take(self.bins.len());
        let counts: Vec<u64> = binned
            .map(|count| {
                under += count;
                under
            })
            .collect();
        Observations { counts: if under == 0 { Vec::new() } else { counts }, sum: cell.sum, total: cell.count }
    }

    /// What was new is old: it has been sent.
    pub fn sent(&mut self) {
        let width = self.bins.len() + 1;
        for place in self.touched.drain(..) {
            let cell = &mut self.cells[place as usize];
            (cell.count, cell.sum, cell.touched, cell.tick) = (0, 0.0, false, self.tick);
            if matches!(self.kind, Kind::Histogram { .. }) {
                self.counts[place as usize * width..][..width].fill(0);
            }
        }
    }

    /// Time goes on. A full metric looks for series to forget.
    pub fn tick(&mut self) {
        self.tick += 1;
        if self.is_full() && self.tick.is_multiple_of(IDLE_TICKS) {
            self.forget_idle();
        }
    }

    fn forget_idle(&mut self) {
        let width = if self.counts.is_empty() { 0 } else { self.bins.len() + 1 };
        let (cells, counts) = (std::mem::take(&mut self.cells), std::mem::take(&mut self.counts));
        self.places.clear();
        self.touched.clear();
        for (old, cell) in cells.into_iter().enumerate() {
            if !cell.touched && cell.tick + IDLE_TICKS <= self.tick {
                continue;
            }
            let place = self.insert(&cell.key);
            if width > 0 {
                self.counts[place as usize * width..][..width].copy_from_slice(&counts[old * width..][..width]);
            }
            if cell.touched {
                self.touched.push(place);
            }
            self.cells[place as usize] = cell;
        }
    }
}
