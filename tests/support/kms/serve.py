"""Runs a server for as long as standard input is open: serve.py COMMAND ARGUMENT...

So the server ends with the test that holds the other end, however that ends.
"""

import select
import subprocess
import sys


def main():
    server = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    while server.poll() is None:
        readable, _, _ = select.select([sys.stdin], [], [], 0.1)
        if readable and not sys.stdin.buffer.read1():
            break
    server.terminate()
    try:
        server.wait(5)
    except subprocess.TimeoutExpired:
        server.kill()


main()
