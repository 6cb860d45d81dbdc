//! The cheapest HTTP/1.1 server that can be told from a real one: one thread, a fixed answer of 100 bytes, keep-alive.
//! It must never be what a benchmark waits for, so it parses nothing: a request is whatever ends in an empty line.
//!
//! On standard output: `listening on http://127.0.0.1:PORT`, `count on 127.0.0.1:PORT` (whoever connects there gets the
//! number of requests so far), and that number once more when it ends on SIGTERM.

use std::cell::Cell;
use std::rc::Rc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};

type Count = Rc<Cell<u64>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let (listener, counter) = (TcpListener::bind("127.0.0.1:0").await?, TcpListener::bind("127.0.0.1:0").await?);
    println!("listening on http://{}", listener.local_addr()?);
    println!("count on {}", counter.local_addr()?);
    let mut end = signal(SignalKind::terminate())?;
    let count = Count::default();
    let tasks = tokio::task::LocalSet::new();
    let serving = tasks.run_until(async {
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let (stream, _) = accepted?;
                    stream.set_nodelay(true)?;
                    let count = Rc::clone(&count);
                    // A client that breaks its connection off is no concern of the others.
                    tokio::task::spawn_local(async move { drop(serve(stream, &count).await) });
                }
                accepted = counter.accept() => {
                    let (mut stream, _) = accepted?;
                    let text = count.get().to_string();
                    tokio::task::spawn_local(async move { drop(stream.write_all(text.as_bytes()).await) });
                }
                _ = end.recv() => return Ok::<(), std::io::Error>(()),
            }
        }
    });
    serving.await?;
    println!("{}", count.get());
    Ok(())
}

async fn serve(mut stream: TcpStream, count: &Count) -> std::io::Result<()> {
    let answer =
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\n{}", "x".repeat(100));
    let mut buffer = vec![0; 4096];
    let mut held = 0;
    loop {
        let read = stream.read(&mut buffer[held..]).await?;
        if read == 0 {
            return Ok(());
        }
        held += read;
        // No pipelining here, and no bodies: the whole request is there when its end is.
        if buffer[..held].ends_with(b"\r\n\r\n") {
            held = 0;
            count.set(count.get() + 1);
            stream.write_all(answer.as_bytes()).await?;
        } else if held == buffer.len() {
            return Err(std::io::Error::other("a request larger than any that is sent here"));
        }
    }
}
