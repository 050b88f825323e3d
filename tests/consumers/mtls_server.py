"""A server that demands a client certificate and answers with its subject: mtls_server.py CERTIFICATE KEY AUTHORITY.

Listens on 127.0.0.1 on a port that the kernel chooses. Prints "port N" first, then a line for each page that it served,
"served SUBJECT PROTOCOL", and for each connection that it refused, "refused: REASON". The page is green all over.
"""

import http.server
import ssl
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path != "/":
            return self.send_error(404)
        names = {name: value for part in self.connection.getpeercert()["subject"] for name, value in part}
        subject, protocol = names["commonName"], self.connection.version()
        print(f"served {subject} {protocol}", flush=True)
        page = (
            "<!doctype html><title>granted</title><body style='background: #008000; color: white; font-size: 2em'>"
            f"Hello, {subject}, by {protocol}"
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    def finish_request(self, request, client_address):
        # In the connection's own thread: a browser opens connections that it does not use.
        request.do_handshake()
        super().finish_request(request, client_address)

    def handle_error(self, request, client_address):
        print(f"refused: {sys.exc_info()[1]}", flush=True)


def main(certificate, key, authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(authority)
    context.verify_mode = ssl.CERT_REQUIRED
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    print(f"port {server.server_port}", flush=True)
    server.serve_forever()


main(*sys.argv[1:])
