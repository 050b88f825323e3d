"""moto's server, which answers one request after another; arguments as moto_server takes them.

It looks whether a version of a secret has other content and then writes it: two steps, which two threads of the server go
through at once. The service does both in one.
"""

import threading

import moto.server


class OneByOne(moto.server.DomainDispatcherApplication):
    turn = threading.Lock()

    def __call__(self, environ, start_response):
        with self.turn:
            return super().__call__(environ, start_response)


moto.server.DomainDispatcherApplication = OneByOne
moto.server.main()
