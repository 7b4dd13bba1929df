#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: what a server with a thread for each connection loses by its requests is reported to the
# byte, with the function, the file and the line, also while requests are in progress, when a signal
# asks for it and when one ends the server; what requests hold is not lost.

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

from report import entries, expect, marked_lines, summary

LIBRARY, SUBJECT, SOURCE = sys.argv[1:4]

REQUESTS = {"name": 40, "numbers": 30, "friends": 20}

# The line's mark, the function: kind, blocks and bytes of each request.
LOSSES = {
    ("name", "handle_name"): ("Direct", 1, 32),
    ("numbers", "handle_numbers"): ("Direct", 1, 24),
    ("array", "handle_numbers"): ("Indirect", 1, 3000),
}

LINES = marked_lines(SOURCE)


def ask(connection, request):
    connection.sendall(request.encode() + b"\n")
    expect(connection.recv(10) == b"ok\n", "an answer", request)


def check(text, rounds):
    found = entries(text)
    for (mark, function), (kind, blocks, size) in LOSSES.items():
        place = rf"shop::{function}\(\) \S*server_subject\.cc:{LINES[mark]}\b"
        seen = [(entry[0], entry[1], entry[2]) for entry in found if re.search(place, entry[3])]
        count = REQUESTS[mark if mark in REQUESTS else "numbers"] * rounds
        expect((kind, size * count, blocks * count) in seen,
               f"{kind} leak of {size * count} in {blocks * count} at {place}", f"{seen}\n{text}")
    # Of each pair of friends one block is lost directly, one and two names indirectly.
    friends = [entry for entry in found if "shop::handle_friends()" in entry[3]]
    direct = sum(entry[2] for entry in friends if entry[0] == "Direct")
    count = REQUESTS["friends"] * rounds
    expect((direct, sum(entry[2] for entry in friends)) == (count, 4 * count),
           f"{count} pairs of friends", text)
    expect(all("std::thread" in calls and "shop::serve(int)" in calls for _, _, _, calls in found),
           "whole stacks of threads", text)
    expect("handle_hold" not in text, "nothing that is held", text)
    totals = summary(text)
    expect(totals["definite"][1] == sum(REQUESTS.values()) * rounds, "all of it, nothing else",
           text)


def await_report(path, number, server):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        with open(path, encoding="utf-8") as file:
            parts = re.split(r"(?<=\n)(?=\n=====)", file.read())
        complete = [part for part in parts if "SUMMARY: tarn:" in part]
        if len(complete) >= number:
            return complete[number - 1]
        time.sleep(0.02)
    expect(False, "a report", server.poll())


def serve_round(port):
    for request, count in REQUESTS.items():
        for first in range(0, count, 10):
            with socket.create_connection(("127.0.0.1", port)) as connection:
                for _ in range(first, min(first + 10, count)):
                    ask(connection, request)


with tempfile.TemporaryDirectory() as directory:
    log = directory + "/log"
    open(log, "w", encoding="utf-8").close()
    environment = {**os.environ, "LD_PRELOAD": LIBRARY,
                   "TARN": f"leaks,leaks_signal=USR2,log={log}"}
    server = subprocess.Popen([SUBJECT], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        port = int(server.stdout.readline())
        serve_round(port)
        held = [socket.create_connection(("127.0.0.1", port)) for _ in range(5)]
        for connection in held:
            ask(connection, "hold")
        server.send_signal(signal.SIGUSR2)
        check(await_report(log, 1, server), 1)
        serve_round(port)
        server.send_signal(signal.SIGTERM)
        expect(server.wait(60) == -signal.SIGTERM, "death by SIGTERM", server.returncode)
    finally:
        server.kill()
    with open(log, encoding="utf-8") as file:
        reports = re.split(r"(?<=\n)(?=\n=====)", file.read())
    expect(len(reports) == 2, "two reports", len(reports))
    check(reports[1], 2)
