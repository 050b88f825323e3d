"""Asks an HTTPS server on 127.0.0.1 again and again, each time by a new TLS connection, and counts what fails.

usage: https_load.py PORT CA SECONDS [THREADS]
"""

import socket
import ssl
import sys
import threading
import time

port, authority, seconds = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
threads = int(sys.argv[4]) if len(sys.argv) > 4 else 4
answered, failures = [0] * threads, []


def ask(context):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as tls:
            tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            answer = b""
            while piece := tls.recv(4096):
                answer += piece
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise ValueError(f"answered {answer[:40]!r}")


def work(number, until):
    while time.monotonic() < until:
        # A fresh context: no session is resumed, so every handshake signs.
        try:
            ask(ssl.create_default_context(cafile=authority))
            answered[number] += 1
        except Exception as error:  # noqa: BLE001 - whatever failed, the request did
            failures.append(f"{type(error).__name__}: {error}")


until = time.monotonic() + seconds
workers = [threading.Thread(target=work, args=(number, until)) for number in range(threads)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
print(f"{sum(answered)} requests answered, {len(failures)} failed")
for failure in failures[:5]:
    print(failure)
sys.exit(1 if failures or not all(answered) else 0)
