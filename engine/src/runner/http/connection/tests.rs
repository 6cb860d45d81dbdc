use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::super::arrival::Arrivals;
use super::super::socket::Stream;
use super::*;
use crate::runner::clock::Clock;

async fn pair() -> (Connection, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (end, _) = listener.accept().await.unwrap();
    (Connection::new(Socket::new(Stream::Plain(Arrivals::new(stream)), Clock::start()), "::1".into()), end)
}

fn get() -> Outgoing {
    Outgoing::new(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n".to_vec(), Bytes::new())
}

fn large() -> Outgoing {
    let bytes = 32 << 20;
    let head = format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {bytes}\r\n\r\n");
    Outgoing::new(head.into_bytes(), vec![0; bytes].into())
}

async fn exchange(connection: &mut Connection, request: Outgoing) -> Result<Response, String> {
    let reader = Reader::new(false, false, Default::default());
    connection.exchange(request, reader, &mut Step::Connect).await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn one_after_the_other() {
    let (mut connection, mut end) = pair().await;
    for body in ["one", "", "three"] {
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let server = async {
            let mut request = [0; 27];
            end.read_exact(&mut request).await.unwrap();
            assert!(request.ends_with(b"\r\n\r\n"));
            end.write_all(answer.as_bytes()).await.unwrap();
        };
        let (response, ()) = tokio::join!(exchange(&mut connection, get()), server);
        let response = response.unwrap();
        assert_eq!((response.body.as_ref(), response.persistent), (body.as_bytes(), true));
        let Stamps { first_write, first_read, last_read } = *connection.stamps();
        assert!(first_write.is_some() && first_write <= first_read && first_read <= last_read);
        assert!(connection.is_open() && !connection.is_sending());
    }
}

#[tokio::test]
async fn what_comes_unasked_ends_it() {
    let (mut connection, mut end) = pair().await;
    end.write_all(b"HTTP/1.1 204 N\r\n\r\nHTTP/1.1 204 N\r\n\r\n").await.unwrap();
    assert!(!exchange(&mut connection, get()).await.unwrap().persistent, "with the response");
    let (mut connection, mut end) = pair().await;
    end.write_all(b"x").await.unwrap();
    let read = |connection: &mut Connection| connection.is_open();
    while read(&mut connection) {
        tokio::task::yield_now().await;
    }
    let (mut connection, end) = pair().await;
    drop(end);
    while read(&mut connection) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn answered_before_all_was_sent() {
    for (status, goes_on, why) in [(200, true, "the rest is sent too"), (413, false, "it doesn't want the rest")] {
        let (mut connection, mut end) = pair().await;
        end.write_all(format!("HTTP/1.1 {status} S\r\ncontent-length: 0\r\n\r\n").as_bytes()).await.unwrap();
        let response = exchange(&mut connection, large()).await.expect(why);
        assert_eq!((response.status, response.persistent), (status, goes_on), "{why}");
        assert!(connection.is_sending(), "{why}");
        if goes_on {
            let mut sink = tokio::io::sink();
            let server = tokio::io::copy(&mut end, &mut sink);
            tokio::select! {
                sent = connection.send_rest() => sent.expect(why),
                _ = server => panic!("the connection stays open"),
            }
            assert!(connection.is_open() && !connection.is_sending());
        }
    }
}

#[tokio::test]
async fn an_answer_counts_though_the_server_stops_reading() {
    let (mut connection, mut end) = pair().await;
    let server = async move {
        let mut some = vec![0; 1_000];
        end.read_exact(&mut some).await.unwrap();
        end.write_all(b"HTTP/1.1 403 F\r\ncontent-length: 2\r\n\r\nno").await.unwrap();
        end.shutdown().await.unwrap();
        // Closing with bytes unread would take the answer back (RFC 9112, 9.6).
        tokio::io::copy(&mut end, &mut tokio::io::sink()).await
    };
    let client = async {
        let response = exchange(&mut connection, large()).await;
        drop(connection);
        response
    };
    let (response, _) = tokio::join!(client, server);
    let response = response.unwrap();
    assert_eq!((response.status, response.body.as_ref(), response.persistent), (403, b"no".as_slice(), false));
}

#[tokio::test]
async fn broken_ones() {
    for (bytes, reason) in [
        ("", "closed before a response came"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab", "before the end of the body"),
        ("nonsense\r\n\r\n", "no HTTP/1.1 response"),
    ] {
        let (mut connection, mut end) = pair().await;
        end.write_all(bytes.as_bytes()).await.unwrap();
        end.shutdown().await.unwrap();
        let error = exchange(&mut connection, get()).await.unwrap_err();
        assert!(error.contains(reason), "{error}");
        assert_eq!(connection.stamps().first_read.is_some(), !bytes.is_empty());
    }
}
