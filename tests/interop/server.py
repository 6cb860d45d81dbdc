"""The tested system: answers after 20 ms, every fourth time with 500, and counts what it answered."""
import collections
import http.server
import threading
import time


class Server:
    def __init__(self):
        self.statuses = collections.Counter()
        lock = threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one write, so that Nagle's algorithm delays neither
            disable_nagle_algorithm = True

            def do_GET(handler):
                time.sleep(0.02)
                with lock:
                    status = 500 if sum(self.statuses.values()) % 4 == 3 else 200
                    self.statuses[status] += 1
                handler.send_response(status)
                handler.send_header("Content-Length", "2")
                handler.end_headers()
                handler.wfile.write(b"{}")

            def log_message(handler, *words):
                pass

        self.inner = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.inner.daemon_threads = True
        threading.Thread(target=self.inner.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.inner.server_port}/"

    def close(self):
        self.inner.shutdown()
        self.inner.server_close()
