//! The hostile journeys and what each comes to: one table for all of them.

/// What comes of each run of a hostile journey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It ends well: the host has refused, cut or borne what it did, and the journey has looked.
    Borne,
    /// It ends with an `exception` of this type, with such words in it.
    Ends(&'static str, &'static str),
    /// The same, and what stands around its runs may fail as well.
    Breaks(&'static str, &'static str),
    /// An `error` of this type, in such words.
    Fails(&'static str, &'static str),
    /// It is cut off after `--journey-timeout`.
    CutOff,
    /// It ends well, and has told of a failure of this type beside, in such words.
    Tells(&'static str, &'static str),
    /// It fails, and has told nobody why.
    Silent,
}

use Verdict::{Borne, Breaks, CutOff, Ends, Fails, Silent, Tells};

/// A hostile journey.
#[derive(Clone, Copy, Debug)]
pub struct Hostile {
    /// Of `hostile_calls`, or a spec: of the guests in Python and JavaScript.
    pub name: &'static str,
    pub verdict: Verdict,
    /// What it wants to find out.
    pub why: &'static str,
}

impl Hostile {
    /// As messages and figures name it.
    pub fn spec(&self) -> String {
        if self.name.contains(':') { self.name.to_owned() } else { format!("hostile_calls:{}", self.name) }
    }
}

const fn row(name: &'static str, verdict: Verdict, why: &'static str) -> Hostile {
    Hostile { name, verdict, why }
}

const GONE: Verdict = Ends("Trap", "handle");
const CLAIMED: Verdict = Ends("Trap", "mite makes those itself");
const INTERRUPTED: Verdict = Ends("InternalError", "computed too long");
const SLOW: Verdict = Ends("Trap", "computed for 1 s");

/// Calls of every function of the host, with too much.
pub const CALLS: &[Hostile] = &[
    row("call_waiting_pending_ready", Borne, "asked 5,000 times"),
    row("call_waiting_wait_any", Ends("Trap", "handle limit"), "waits for 100,000"),
    row("call_http_content_url", Borne, "asked 5,000 times"),
    row("call_http_content_header", Borne, "a name of 8 MiB, and one that is none"),
    row("call_http_content_headers", Borne, "asked 5,000 times"),
    row("call_http_content_body", Borne, "asked 5,000 times"),
    row("call_http_content_text", Borne, "asked 5,000 times"),
    row("call_http_content_history", Borne, "asked 5,000 times"),
    row("call_http_content_primary_ip", Borne, "asked 5,000 times"),
    row("call_http_content_annotate", Ends("Trap", "not a map"), "8 MiB, 100,000 fields, and no map at all"),
    row("call_http_send", Borne, "method, URL, headers, label of 8 MiB; 100,000 headers; no time and all time"),
    row("call_http_start", Borne, "requests that can't be made"),
    row("call_http_finish", Borne, "16 MiB of body again and again"),
    row("call_http_identity", Borne, "8 MiB of no certificate"),
    row("call_http_cookies", Borne, "500 cookies of 3 KB"),
    row("call_http_set_cookie", Borne, "name, value, domain, path of 8 MiB"),
    row("call_http_clear_cookies", Borne, "5,000 times"),
    row("call_timing_now", Borne, "asked 5,000 times"),
    row("call_timing_sleep", Borne, "1,000 times for nothing"),
    row("call_timing_sleep_until", Borne, "1,000 times until long ago"),
    row("call_timing_intended", Borne, "asked 5,000 times"),
    row("call_timing_should_stop", Borne, "asked 5,000 times"),
    row("call_messages_send", Borne, "types and fields that are too many and too large"),
    row("call_transaction_begin", Borne, "names of 8 MiB, parents that aren't there"),
    row("call_transaction_end", Tells("xxxx", "xxxx"), "what isn't open, and a failure of 40 MiB"),
    row("call_config_get", Borne, "a key of 8 MiB"),
    row("call_config_keys", Borne, "asked 5,000 times"),
    row("call_config_set", Borne, "from a journey, with keys and values of 8 MiB"),
    row("call_secrets_get", Borne, "names that aren't there"),
];

/// Handles, allocator, answers, and what a processor would not do.
pub const WRONG: &[Hostile] = &[
    row("finish_forged", GONE, "a handle that nobody gave"),
    row("finish_twice", GONE, "one that was taken"),
    row("finish_dropped", GONE, "one that was dropped"),
    row("finish_content", GONE, "one that stands for something else"),
    row("read_pending", GONE, "and the other way round"),
    row("read_dropped", GONE, "an answer that was dropped"),
    row("drop_forged", GONE, "drops what it never had"),
    row("wait_forged", GONE, "waits for what it never had"),
    row("wait_for_nothing", Ends("Trap", "wait for ever"), "waits for nothing, for ever"),
    row("keep_pending", Borne, "a handle of the run before: cancelled"),
    row("keep_answers", Ends("Trap", "1000 handles"), "holds more answers than it may"),
    row("leak_answers", Borne, "leaves 150 answers behind, each run"),
    row("reenter", Ends("Trap", "leave component instance"), "calls the host while the host hands something over"),
    row("hand_out_outside", Ends("Trap", "beyond end of memory"), "room outside of its memory"),
    row("hand_out_crooked", Ends("Trap", "not aligned"), "room that isn't aligned"),
    row("hand_out_nothing", Ends("Trap", "unreachable"), "no room at all"),
    row("trap_while_handed", Ends("Trap", "unreachable"), "traps while the host hands something over"),
    row("fail_at_length", Ends("xxxx", "xxxx"), "a failure of 32 MiB"),
    row("fail_with_no_fields", Fails("Unexpected", "the fields are none"), "fields that aren't msgpack"),
    row("fail_with_many_fields", Fails("Unexpected", "the fields are too many"), "200,000 fields"),
    row("fail_in_colour", Fails("line\n\x1b[2J", "line\n\x1b[2J"), "what would spoil a terminal, everywhere"),
    row("fail_as_another", Fails("Unexpected", "it was the other"), "says that it is another journey, run, tenant"),
    row("report_nothing", Silent, "says that it has told of its failure, and has not"),
    row("answer_no_text", Ends("Trap", "utf-8"), "a text that is none, as its answer"),
    row("send_no_text", Ends("Trap", "utf-8"), "and as an argument"),
    row("send_no_map", Ends("Trap", "map"), "fields that are a list"),
    row("send_a_lie", Ends("Trap", "middle of a value"), "a map that says it has 4,294,967,295 pairs"),
    row("claim_http_metrics", CLAIMED, "a request that nobody made"),
    row("claim_http_error", CLAIMED, "one that has failed"),
    row("claim_txn", CLAIMED, "a transaction that never was"),
    row("claim_controller_report", CLAIMED, "how many journeys run"),
    row("claim_held_back", CLAIMED, "a quota that held it back"),
    row("read_outside", Ends("Trap", "out of bounds"), "reads outside of its memory"),
    row("write_outside", Ends("Trap", "out of bounds"), "writes there"),
    row("jump_nowhere", Ends("Trap", "table"), "calls a function that isn't there"),
    row("jump_to_another_kind", Ends("Trap", "indirect call"), "calls one of another type"),
    row("overflow_the_stack", Ends("Trap", "out of bounds"), "recurses without end"),
    row("panic_while_panicking", Ends("Trap", "unreachable"), "panics while it panics"),
    row("grow_to_the_end", Borne, "takes all memory that there is"),
    row("exit_well", Ends("Trap", "exit"), "leaves by the back door"),
    row("abort", Ends("Trap", "unreachable"), "aborts"),
    row("read_files", Borne, "files: there are none"),
    row("connect_by_itself", Borne, "sockets and names: there are none"),
    row("look_around", Borne, "environment, arguments, threads, processes: there are none"),
    row("enter_traps", Ends("Trap", "unreachable"), "traps before its first run"),
    row("enter_fails", Fails("Unexpected", "xxxx"), "fails there, at length"),
    row("enter_leaves_requests", Borne, "leaves 100 requests behind there"),
    row("leave_traps", Tells("Trap", "unreachable"), "traps after its last run"),
    row("leave_fails", Tells("Unexpected", "did not want to go"), "fails there"),
];

/// Much of what is harmless one by one.
pub const FLOODS: &[Hostile] = &[
    row("send_many_kinds", Borne, "100,000 types of messages"),
    row("send_deep", Ends("Trap", "deeper than 32"), "lists 60,000 deep"),
    row("name_many_requests", Borne, "3,000 labels"),
    row("ask_many_urls", Borne, "3,000 URLs"),
    row("name_many_transactions", Borne, "30,000 names"),
    row("open_many", Ends("Trap", "1000 open transactions"), "2,000 transactions side by side"),
    row("open_deep", Ends("Trap", "32 deep"), "100 inside each other"),
    row("fail_often", Tells("Unexpected", "failure"), "5,000 failures, each another"),
    row("annotate_often", Borne, "20,000 fields for one message"),
    row("upload_much", Borne, "bodies for a server that takes none"),
    row("download_much", Borne, "answers that nobody looks at"),
    row("download_over", Borne, "bodies over the limit, as they come and unpacked"),
    row("follow_without_end", Borne, "follows 1,000 redirects"),
    row("print_much", Borne, "20,000 lines"),
    row("print_a_long_line", Borne, "a line of 8 MiB"),
];

/// Bytes that would make two requests of one.
pub const INJECTIONS: &[Hostile] = &[
    row("inject_method", Borne, "in the method"),
    row("inject_url", Borne, "in the URL"),
    row("inject_header_name", Borne, "in a header's name"),
    row("inject_header_value", Borne, "in a header's value"),
    row("inject_cookie", Borne, "in a cookie"),
    row("inject_label", Borne, "in a label"),
    row("set_hop_by_hop", Borne, "headers that are the host's business"),
];

/// Ways not to come to an end: they have the time of `--journey-timeout`.
pub const ENDLESS: &[Hostile] = &[
    row("call_without_end", CutOff, "asks for the time again and again"),
    row("read_without_end", CutOff, "reads an answer again and again"),
    row("yield_without_end", CutOff, "sleeps for nothing again and again"),
    row("sleep_for_ever", CutOff, "sleeps for 585 years"),
    row("sleep_until_the_end", CutOff, "until the end of time"),
    row("sleep_by_itself", CutOff, "by WASI, for longer"),
    row("wait_for_ever", CutOff, "waits for an answer that doesn't come"),
    row("poll_without_end", CutOff, "asks for it again and again"),
    row("send_to_nobody", CutOff, "a request with all the time"),
    row("js:send_without_end", CutOff, "messages without end, in JavaScript"),
    row("python:hostile__send_without_end", CutOff, "and in Python"),
];

/// Computing without a call of the host, which it ends after a second of computing.
pub const COMPUTING: &[Hostile] = &[
    row("compute", SLOW, "an endless loop"),
    row("loop_while_handed", SLOW, "one while the host hands something over"),
    row("enter_computes", SLOW, "one before its first run"),
];

/// In JavaScript, most of which never gets further than its engine.
pub const JAVASCRIPT: &[Hostile] = &[
    row("js:compute", INTERRUPTED, "an endless loop"),
    row("js:backtrack", INTERRUPTED, "a regular expression without end"),
    row("js:spin_in_promises", INTERRUPTED, "promises without end"),
    row("js:recurse", Ends("RangeError", "call stack"), "recursion without end"),
    row("js:allocate_list", Ends("InternalError", "memory"), "a list without end"),
    row("js:allocate_text", Ends("InternalError", "string too long"), "a text without end"),
    row("js:send_itself", Ends("TypeError", "nested too deeply"), "a message that is in itself"),
    row("js:send_deep", Ends("TypeError", "nested too deeply"), "one that is 50,000 deep"),
    row("js:reenter", Borne, "sends one while it sends another"),
    row("js:throw_nothing", Ends("undefined", "undefined"), "throws nothing"),
    row("js:throw_a_trap", Ends("", ""), "throws what throws again"),
    row("js:throw_colours", Ends("", "line"), "throws and prints what would spoil a terminal"),
    row("js:wait_for_nothing", Ends("", ""), "waits for what never happens"),
    row("js:change_the_world", Breaks("Error", "can't be described"), "changes what everything is built on"),
    row("js:look_around", Borne, "what other engines have: it isn't there"),
];

/// In Python.
pub const PYTHON: &[Hostile] = &[
    row("python:hostile__compute", SLOW, "an endless loop"),
    row("python:hostile__recurse", Ends("RecursionError", "recursion"), "recursion without end"),
    row("python:hostile__recurse_through_c", Ends("Trap", ""), "recursion without end and without Python's limit"),
    row("python:hostile__allocate_list", Ends("MemoryError", ""), "a list without end"),
    row("python:hostile__allocate_text", Ends("MemoryError", ""), "a text without end"),
    row("python:hostile__send_itself", Ends("ValueError", ""), "a message that is in itself"),
    row(
        "python:hostile__reenter",
        Ends("RuntimeError", "loop"),
        "sends one while it sends another, and a loop in the loop",
    ),
    row("python:hostile__forge", Ends("", ""), "a handle that nobody gave"),
    row("python:hostile__leave", Ends("Trap", ""), "leaves by the back door"),
    row("python:hostile__raise_in_colour", Ends("line", "line"), "raises and prints what would spoil a terminal"),
    row("python:hostile__look_around", Borne, "environment, files, sockets, processes, threads: there are none"),
];

/// A million messages.
pub const MILLION: &[Hostile] = &[row("send_many", Borne, "a million messages")];

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Hostile> {
    [CALLS, WRONG, FLOODS, INJECTIONS, ENDLESS, COMPUTING, JAVASCRIPT, PYTHON, MILLION].into_iter().flatten()
}
