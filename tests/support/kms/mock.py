"""What the mocks have in common: a JSON server whose answers can be spoilt, and which remembers what it was asked.

Tests steer a mock by POSTs to /_mock/...:

    fault   {"match": REGEX over "METHOD /path?query", "times": N, "status": 429, "headers": {...}, "body": {...}}
            or {"match": ..., "times": N, "damage": "FIELD"}: one bit of this field of the answer flips
    expire  every access token is void
    set     {...}: what a mock reads from `settings`
    secret  {"name": KEY}: answers a secret key, in a list and Base64
    headers {"name": NAME}: answers the values of a header so far
    log     answers the requests so far, as "METHOD /path?query", and forgets them
"""

import base64
import json
import re
import secrets
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status, body, headers=None):
        super().__init__(status)
        self.status, self.body, self.headers = status, body, headers or {}


class Request:
    """One request, parsed."""

    def __init__(self, handler, body):
        parts = urlsplit(handler.path)
        self.method, self.path, self.headers, self.body = handler.command, parts.path, handler.headers, body
        self.query = dict(parse_qsl(parts.query))
        self.line = f"{self.method} {handler.path}"

    def json(self):
        return json.loads(self.body or b"{}")

    def form(self):
        return dict(parse_qsl(self.body.decode()))


class Mock:
    """Subclasses answer a Request with a JSON value, or (value, headers), or raise Refused."""

    def __init__(self):
        self.lock = threading.RLock()
        self.faults, self.log, self.seen, self.tokens, self.settings = [], [], [], {}, {}

    def issue(self, owner, lasts=3600):
        """A new access token."""
        token = f"token-{secrets.token_urlsafe(24)}"
        self.tokens[token] = (owner, time.time() + lasts)
        return token

    def owner(self, request):
        """Whose token the request carries; None for none, an unknown or an expired one."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        owner, end = self.tokens.get(token, (None, 0))
        return owner if scheme == "Bearer" and time.time() < end else None

    def handle(self, request):
        raise NotImplementedError

    def secret(self, name):
        raise NotImplementedError

    def steer(self, request):
        match request.path.removeprefix("/_mock/"):
            case "fault":
                self.faults.append(request.json())
            case "expire":
                self.tokens.clear()
            case "set":
                self.settings.update(request.json())
            case "secret":
                return [base64.b64encode(self.secret(request.json()["name"])).decode()]
            case "headers":
                name = request.json()["name"]
                return [headers[name] for headers in self.seen if name in headers]
            case "log":
                log, self.log = self.log, []
                return log
        return {}

    def answer(self, request):
        with self.lock:
            if request.path.startswith("/_mock/"):
                return self.steer(request)
            self.log.append(request.line)
            self.seen.append(request.headers)
            fault = next((f for f in self.faults if f["times"] > 0 and re.search(f["match"], request.line)), None)
            if fault:
                fault["times"] -= 1
                if "status" in fault:
                    raise Refused(fault["status"], fault.get("body", {}), fault.get("headers"))
            value = self.handle(request)
            if fault and "damage" in fault:
                self.damage(value, fault["damage"])
            return value

    def damage(self, value, field):
        """Flips a bit of a field in Base64, or of a text."""
        if field not in value:
            [value] = [inner for inner in value.values() if isinstance(inner, dict) and field in inner]
        if value[field].startswith("---"):
            value[field] = value[field].swapcase()
            return
        decoded = bytearray(base64.b64decode(value[field]))
        decoded[len(decoded) // 2] ^= 4
        value[field] = base64.b64encode(decoded).decode()


def handler(mock):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Without it each small answer waits for an acknowledgement.
        disable_nagle_algorithm = True

        def respond(self):
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {}
            try:
                status, value = 200, mock.answer(Request(self, body))
                if isinstance(value, tuple):
                    value, headers = value
            except Refused as refused:
                status, value, headers = refused.status, refused.body, refused.headers
            content = value.encode() if isinstance(value, str) else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            for name, text in headers.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = respond

        def log_message(self, *_):
            pass

    return Handler


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        # A client that goes away is no news.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def serve(mock, port, context=None):
    """Serves on 127.0.0.1, with TLS if there is a context, until the process ends."""
    server = Server(("127.0.0.1", port), handler(mock), bind_and_activate=False)
    server.server_bind()
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.server_activate()
    server.serve_forever()
