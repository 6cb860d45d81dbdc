//! Everything that leads out of the sandbox or into the host's memory, tried once. What came of it is in messages.

use std::io::{Read, Result as Io};
use std::net::{TcpListener, TcpStream, ToSocketAddrs, UdpSocket};

use mite_sdk::prelude::*;

/// As much as fits into the memory that it has and is more than any of these may have.
const HUGE: usize = 8 << 20;

/// What a file system, a network or a process would answer: `door`, and what it opened or the error.
#[journey]
async fn reaches(ctx: Ctx) -> Result {
    let address: String = ctx.config.get("address")?;
    let doors: [(&str, Io<String>); 14] = [
        ("read a file", std::fs::read_to_string("/etc/passwd")),
        ("write a file", std::fs::write("/tmp/mite-was-here", "x").map(|()| "written".to_owned())),
        ("write one here", std::fs::write("mite-was-here", "x").map(|()| "written".to_owned())),
        ("list a directory", std::fs::read_dir("/").map(|entries| format!("{} entries", entries.count()))),
        ("list this one", std::fs::read_dir(".").map(|entries| format!("{} entries", entries.count()))),
        ("go up", std::fs::read_dir("..").map(|entries| format!("{} entries", entries.count()))),
        ("a device", std::fs::read("/dev/urandom").map(|bytes| format!("{} bytes", bytes.len()))),
        ("connect", TcpStream::connect(&address).map(|_| "connected".to_owned())),
        ("listen", TcpListener::bind("127.0.0.1:0").map(|_| "listening".to_owned())),
        ("a datagram", UdpSocket::bind("127.0.0.1:0").map(|_| "bound".to_owned())),
        ("a name", ("localhost", 80).to_socket_addrs().map(|found| format!("{} addresses", found.count()))),
        ("a process", std::process::Command::new("/bin/true").spawn().map(|_| "started".to_owned())),
        ("a thread", std::thread::Builder::new().spawn(|| ()).map(|_| "started".to_owned())),
        ("the directory", std::env::current_dir().map(|it| it.display().to_string()).and_then(|it| no_root(&it))),
    ];
    for (door, opened) in doors {
        let (opened, error) = opened.map_or_else(|error| (None, Some(error.to_string())), |it| (Some(it), None));
        ctx.send("door", fields! { "door" => door, "opened" => opened, "error" => error })?;
    }
    let mut input = Vec::new();
    let read = std::io::stdin().read_to_end(&mut input).unwrap_or(0);
    let (variables, arguments) = (std::env::vars_os().count(), std::env::args_os().count());
    ctx.send("given", fields! { "variables" => variables, "arguments" => arguments, "input" => read })
}

/// A root without anything in it is what everybody has.
fn no_root(path: &str) -> Io<String> {
    if path == "/" { Err(std::io::Error::other("only a root")) } else { Ok(path.to_owned()) }
}

/// Hands every function of the host more than it may have, and goes on: `shout` is which, `answer` what the host said.
#[journey]
async fn shouts(ctx: Ctx) -> Result {
    let url: String = ctx.config.get("url")?;
    let huge = "x".repeat(HUGE);
    let tell = |shout: &str, answer: String| {
        let answer: String = answer.chars().take(200).collect();
        ctx.send("shout", fields! { "shout" => shout, "answer" => answer })
    };
    let said = |error: HttpError| error.to_string();
    for (shout, request) in [
        ("url", ctx.http.get(huge.as_str())),
        ("method", ctx.http.request(huge.as_str(), url.as_str())),
        ("header", ctx.http.get(url.as_str()).header("x", huge.as_str())),
        ("header name", ctx.http.get(url.as_str()).header(huge.as_str(), "x")),
        ("headers", ctx.http.get(url.as_str()).headers((0..100_000).map(|n| (format!("x-{n}"), "x")))),
        ("name", ctx.http.get(url.as_str()).name(huge.as_str())),
        ("body", ctx.http.post(url.as_str()).body(huge.as_bytes())),
        ("timeout", ctx.http.get(url.as_str()).timeout(1e300)),
        ("redirects", ctx.http.get(url.as_str()).redirects(u32::MAX)),
    ] {
        tell(shout, request.await.map_or_else(said, |answer| answer.status().to_string()))?;
    }
    let none = |()| "taken".to_owned();
    for (shout, cookie) in [
        ("cookie", Cookie::new("127.0.0.1", "a", huge.as_str())),
        ("cookie name", Cookie::new("127.0.0.1", huge.as_str(), "b")),
        ("cookie domain", Cookie::new(huge.as_str(), "a", "b")),
    ] {
        tell(shout, ctx.http.set_cookie(&cookie).map_or_else(said, none))?;
    }
    tell("identity", ctx.http.identity(&huge, &huge).map_or_else(said, |_| "taken".to_owned()))?;
    let answer = ctx.http.get(&url).await?;
    tell("answer's header", answer.header(&huge).unwrap_or_else(|| "none".to_owned()))?;
    tell("annotate", answer.annotate(fields! { "text" => &huge }).map_or_else(|error| error.to_string(), none))?;
    tell("config", ctx.config.get::<String>(&huge).unwrap_or_else(|_| "none".to_owned()))?;
    tell("config set", ctx.config.set("huge", &huge).map_or_else(|error| error.to_string(), none))?;
    tell("message type", ctx.send(&huge, fields! { "n" => 1 }).map_or_else(|error| error.to_string(), none))?;
    tell("message", ctx.send("huge", fields! { "text" => &huge }).map_or_else(|error| error.to_string(), none))?;
    ctx.transaction(&huge, async { Ok(()) }).await?;
    tell("transaction", "begun".to_owned())?;
    let failure = ctx.transaction("failed", async { Err::<(), _>(MiteError::new(huge.as_str()).into()) }).await;
    tell("failure", failure.map_or_else(|error| error.to_string().len().to_string(), none))
}
