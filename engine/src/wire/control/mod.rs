//! What runners ask a controller, and what they are answered: Python's protocol here, ours in [`ours`].
//!
//! A request is `[type, content]`. Types 1 to 3 are Python's: positional arrays that must not grow. A controller of ours puts one
//! more entry into the config of its hello reply, under [`EXTENSION`]; a Python runner stores it and ignores it, a runner of ours
//! goes on with the further types, which are named maps.

pub mod ours;

use super::value::{Malformed, Raw, View};

/// The config key that tells a runner of ours that its controller is one of ours. Its value is a map.
pub const EXTENSION: &str = "mite.control";

/// What is wrong with a request or a reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    #[error("it is not what msgpack should be: {0}")]
    Malformed(#[from] Malformed),
    #[error("it has no {0}")]
    Missing(&'static str),
    #[error("its {0} is of another kind than it should be")]
    Kind(&'static str),
    #[error("it is of the type {0}, which nobody knows")]
    Type(i64),
    #[error("its content can't be read: {0}")]
    Content(String),
}

/// What a runner asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Request<'a> {
    Hello,
    Work(Work<'a>),
    /// The runner's id.
    Bye(i64),
    /// One of ours: its type and content.
    Ours(i64, Raw<'a>),
}

/// How it stands with a Python runner, which asks for work by saying so.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Work<'a> {
    pub runner: i64,
    /// (scenario, journeys running).
    pub current: Vec<(i64, i64)>,
    /// (scenario, data item as it came).
    pub completed: Vec<(i64, Raw<'a>)>,
    /// None: as much as there is. 0: none, it only reports.
    pub max_work: Option<i64>,
}

/// Who a runner is told it is, and what test this is.
#[derive(Clone, Debug, PartialEq)]
pub struct Hello<'a> {
    pub runner: i64,
    pub test: &'a str,
    /// Later ones override earlier ones.
    pub config: Vec<(&'a str, Raw<'a>)>,
}

/// One run to be started now.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkItem<'a> {
    pub scenario: i64,
    /// Any value, to be echoed as it is; nil: the journey has no data.
    pub data_id: Option<Raw<'a>>,
    pub journey: &'a str,
    /// A msgpack array.
    pub args: Option<Raw<'a>>,
}

/// What a runner is to do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WorkReply<'a> {
    pub work: Vec<WorkItem<'a>>,
    pub config: Vec<(&'a str, Raw<'a>)>,
    pub stop: bool,
}

/// The reply to a bye.
pub const BYE_REPLY: &[u8] = b"\xc0";
const HELLO: i64 = 1;
const WORK: i64 = 2;
const BYE: i64 = 3;

fn array<'a>(value: Raw<'a>, what: &'static str) -> Result<super::value::Items<'a>, Wrong> {
    match value.view()? {
        View::Array(items) => Ok(items),
        _ => Err(Wrong::Kind(what)),
    }
}

fn int(value: Option<Raw<'_>>, what: &'static str) -> Result<i64, Wrong> {
    match value.ok_or(Wrong::Missing(what))?.view()? {
        View::Int(int) => Ok(int),
        _ => Err(Wrong::Kind(what)),
    }
}

fn text<'a>(value: Option<Raw<'a>>, what: &'static str) -> Result<&'a str, Wrong> {
    match value.ok_or(Wrong::Missing(what))?.view()? {
        View::Str(text) => Ok(text),
        _ => Err(Wrong::Kind(what)),
    }
}

fn some(value: Option<Raw<'_>>) -> Option<Raw<'_>> {
    value.filter(|value| value.bytes() != [0xc0])
}

impl<'a> Request<'a> {
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Wrong> {
        let mut parts = array(Raw::whole(bytes)?, "request")?;
        let kind = int(parts.next(), "type")?;
        let content = parts.next().ok_or(Wrong::Missing("content"))?;
        match kind {
            HELLO => Ok(Self::Hello),
            WORK => Work::decode(content).map(Self::Work),
            BYE => int(Some(content), "runner id").map(Self::Bye),
            other if other > BYE => Ok(Self::Ours(other, content)),
            other => Err(Wrong::Type(other)),
        }
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_array(&mut out, 2);
        match self {
            Self::Hello => {
                put_int(&mut out, HELLO);
                out.push(0xc0);
            }
            Self::Work(work) => {
                put_int(&mut out, WORK);
                work.encode(&mut out);
            }
            Self::Bye(runner) => {
                put_int(&mut out, BYE);
                put_int(&mut out, *runner);
            }
            Self::Ours(kind, content) => {
                put_int(&mut out, *kind);
                out.extend_from_slice(content.bytes());
            }
        }
        out
    }
}

impl<'a> Work<'a> {
    fn decode(content: Raw<'a>) -> Result<Self, Wrong> {
        let mut parts = array(content, "content")?;
        let runner = int(parts.next(), "runner id")?;
        let View::Map(current) = parts.next().ok_or(Wrong::Missing("current work"))?.view()? else {
            return Err(Wrong::Kind("current work"));
        };
        let current =
            current.map(|(scenario, count)| Ok((int(Some(scenario), "scenario id")?, int(Some(count), "count")?)));
        let current = current.collect::<Result<_, Wrong>>()?;
        let completed = array(parts.next().ok_or(Wrong::Missing("completed"))?, "completed")?.map(|pair| {
            let mut pair = array(pair, "completed pair")?;
            Ok((int(pair.next(), "scenario id")?, pair.next().ok_or(Wrong::Missing("data id"))?))
        });
        let completed = completed.collect::<Result<_, Wrong>>()?;
        let max_work = some(parts.next()).map(|most| int(Some(most), "max work")).transpose()?;
        Ok(Self { runner, current, completed, max_work })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_array(out, 4);
        put_int(out, self.runner);
        put_map(out, self.current.len());
        for (scenario, count) in &self.current {
            put_int(out, *scenario);
            put_int(out, *count);
        }
        put_array(out, self.completed.len());
        for (scenario, data_id) in &self.completed {
            put_array(out, 2);
            put_int(out, *scenario);
            out.extend_from_slice(data_id.bytes());
        }
        match self.max_work {
            Some(most) => put_int(out, most),
            None => out.push(0xc0),
        }
    }
}

impl<'a> Hello<'a> {
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Wrong> {
        let mut parts = array(Raw::whole(bytes)?, "reply")?;
        let runner = int(parts.next(), "runner id")?;
        let test = text(parts.next(), "test name")?;
        let config = config(parts.next())?;
        Ok(Self { runner, test, config })
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_array(&mut out, 3);
        put_int(&mut out, self.runner);
        super::message::text(&mut out, self.test);
        put_config(&mut out, &self.config);
        out
    }

    /// The value of a config key.
    pub fn get(&self, key: &str) -> Option<Raw<'a>> {
        self.config.iter().rev().find(|(there, _)| *there == key).map(|(_, value)| *value)
    }
}

impl<'a> WorkReply<'a> {
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Wrong> {
        let mut parts = array(Raw::whole(bytes)?, "reply")?;
        let work = array(parts.next().ok_or(Wrong::Missing("work"))?, "work")?;
        let work = work.map(WorkItem::decode).collect::<Result<_, Wrong>>()?;
        let config = config(parts.next())?;
        let View::Bool(stop) = parts.next().ok_or(Wrong::Missing("stop"))?.view()? else {
            return Err(Wrong::Kind("stop"));
        };
        Ok(Self { work, config, stop })
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_array(&mut out, 3);
        put_array(&mut out, self.work.len());
        for item in &self.work {
            put_array(&mut out, 4);
            put_int(&mut out, item.scenario);
            out.extend_from_slice(item.data_id.map_or(BYE_REPLY, Raw::bytes));
            super::message::text(&mut out, item.journey);
            out.extend_from_slice(item.args.map_or(BYE_REPLY, Raw::bytes));
        }
        put_config(&mut out, &self.config);
        out.push(if self.stop { 0xc3 } else { 0xc2 });
        out
    }
}

impl<'a> WorkItem<'a> {
    fn decode(value: Raw<'a>) -> Result<Self, Wrong> {
        let mut parts = array(value, "work item")?;
        let scenario = int(parts.next(), "scenario id")?;
        let data_id = some(parts.next());
        let journey = text(parts.next(), "journey spec")?;
        let args = some(parts.next());
        if let Some(args) = args {
            array(args, "arguments")?;
        }
        Ok(Self { scenario, data_id, journey, args })
    }
}

fn config(value: Option<Raw<'_>>) -> Result<Vec<(&str, Raw<'_>)>, Wrong> {
    let entries = array(value.ok_or(Wrong::Missing("config"))?, "config")?;
    let entry = |entry| {
        let mut pair = array(entry, "config entry")?;
        Ok((text(pair.next(), "config key")?, pair.next().ok_or(Wrong::Missing("config value"))?))
    };
    entries.map(entry).collect()
}

fn put_config(out: &mut Vec<u8>, config: &[(&str, Raw<'_>)]) {
    put_array(out, config.len());
    for (key, value) in config {
        put_array(out, 2);
        super::message::text(out, key);
        out.extend_from_slice(value.bytes());
    }
}

fn put_array(out: &mut Vec<u8>, length: usize) {
    let length = u32::try_from(length).expect("a message has less than four thousand million parts");
    rmp::encode::write_array_len(out, length).expect("memory takes every byte");
}

fn put_map(out: &mut Vec<u8>, length: usize) {
    let length = u32::try_from(length).expect("a message has less than four thousand million parts");
    rmp::encode::write_map_len(out, length).expect("memory takes every byte");
}

fn put_int(out: &mut Vec<u8>, int: i64) {
    rmp::encode::write_sint(out, int).expect("memory takes every byte");
}

#[cfg(test)]
mod tests;
