#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: what a module of redis-server loses is reported to the byte, with its functions and lines
# and the server's calls above them, and nothing of the server itself; whether the server is told to
# shut down or gets SIGTERM, for which it has a handler.

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

from report import entries, expect, marked_lines, summary

LIBRARY, MODULE, SOURCE = map(os.path.realpath, sys.argv[1:4])
SERVER = "/usr/bin/redis-server"

LINES = marked_lines(SOURCE)
LOSSES = {"block": ("Direct", 12345), "other": ("Indirect", 23456)}
WORDS = "RedisModuleCommandDispatcher", " call ", "processCommand", " main "


def connect(path, server):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(path)
            return connection
        except OSError:
            time.sleep(0.02)
    expect(False, "redis-server to answer", server.poll())


def lose(connection, count):
    connection.sendall(f"lose {count}\r\n".encode())
    expect(connection.recv(100) == b":%d\r\n" % count, "the module's answer", count)


def check(text, count):
    found = entries(text)
    for mark, (kind, size) in LOSSES.items():
        place = rf"#0 0x[0-9a-f]+ in lose_in_module \S*redis_module\.c:{LINES[mark]}\b"
        seen = [entry for entry in found if re.search(place, entry[3])]
        expect([entry[:3] for entry in seen] == [(kind, size * count, count)],
               f"{kind} leak of {count} blocks of {size} at {place}", text)
        expect(all(word in seen[0][3] for word in WORDS), f"{WORDS} above", text)
    totals = summary(text)
    expect(totals["definite"] == (12345 * count, count) and
           totals["indirect"] == (23456 * count, count), "nothing else lost", text)


expect(os.access(SERVER, os.X_OK), f"{SERVER} of the Debian package redis-server", "none")
with tempfile.TemporaryDirectory() as directory:
    path = directory + "/socket"
    for count, ending in (7, "shutdown"), (200, "signal"):
        environment = {**os.environ, "LD_PRELOAD": LIBRARY, "TARN": "leaks"}
        server = subprocess.Popen(
            [SERVER, "--port", "0", "--unixsocket", path, "--dir", directory, "--save", "",
             "--loadmodule", MODULE], env=environment, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True)
        try:
            with connect(path, server) as connection:
                lose(connection, count)
                if ending == "shutdown":
                    connection.sendall(b"shutdown nosave\r\n")
                else:
                    server.send_signal(signal.SIGTERM)
                text = server.communicate(timeout=60)[1]
        finally:
            server.kill()
        expect(server.returncode == 23, f"status 23 after {ending}", f"{server.returncode} {text}")
        check(text, count)
