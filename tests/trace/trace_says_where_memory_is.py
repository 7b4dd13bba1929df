#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: the report of a trace says where the resident memory is, and its figures add up to the
# kernel's; which places keep slabs that are mostly empty, and none where there are none; and how often
# memory was short.

import os
import re
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "abi"))

from preload import expect, run  # noqa: E402  (found by way of the line above)

LIBRARY, SUBJECT = sys.argv[1:3]
PAGE = 4096
UNITS = {"B": 1, "KiB": 2 ** 10, "MiB": 2 ** 20, "GiB": 2 ** 30}


def in_bytes(text):
    number, unit = text.split()
    return float(number) * UNITS[unit]


def shares(text):
    """What each line is about: bytes."""
    block = text.split("Where its memory is now:\n")[1]
    lines = re.findall(r"==\d+== +([\d.]+ \w+) +[\d.]+%  ([^\n;]*)", block)
    return {what: in_bytes(size) for size, what in lines}


def check_sum(text, what):
    """Within what three digits can say. Returns it."""
    parts = shares(text)
    total = parts.pop("in all, what the kernel counts as RSS")
    expect(abs(sum(parts.values()) - total) <= 0.005 * total * len(parts),
           f"parts of {what} that add up to {total}", parts)
    return total


def resident(process):
    with open(f"/proc/{process}/smaps_rollup", encoding="utf-8") as file:
        return int(re.search(r"Rss: +(\d+) kB", file.read()).group(1)) * 1024


def wait_for(condition, what):
    deadline = time.monotonic() + 60
    while not (result := condition()):
        expect(time.monotonic() < deadline, what, "nothing for a minute")
        time.sleep(0.02)
    return result


def read(path):
    return open(path, encoding="utf-8").read() if os.path.exists(path) else ""


def check_running(command, options, prepare):
    """The report of a program that waits is right about what the kernel says before and after."""
    with tempfile.TemporaryDirectory() as directory:
        log = directory + "/log"
        environment = dict(os.environ, LD_PRELOAD=LIBRARY, PYTHONMALLOC="malloc",
                           TARN=f"{options},trace_max=3,trace_signal=USR1,log={log},"
                                f"trace_file={directory}/profile.pb.gz")
        with subprocess.Popen([part.replace("DIRECTORY", directory) for part in command], env=environment,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            prepare(process, directory)
            time.sleep(0.1)
            before = resident(process.pid)
            process.send_signal(10)
            wait_for(lambda: "Places that allocate the most bytes" in read(log),
                     f"a report of {command[0]}")
            text = read(log)
            process.kill()
        total = check_sum(text, command[0])
        # What the report needs of its own code, of its stack and of its lists comes on top of it.
        few = 40 * PAGE + 0.004 * total
        expect(before - few <= total <= before + few, f"{before} bytes of {command[0]}, {options}",
               f"{total}\n{text}")


def until_ready(process, _):
    expect(process.stdout.readline() == b"ready\n", "a program that waits", "another line")


def fill_redis(process, directory):
    path = directory + "/socket"
    wait_for(lambda: os.path.exists(path), "a server")
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        client.sendall(b"".join(b"SET key%d %s\r\n" % (i, b"v" * (i % 900)) for i in range(20000)))
        received = 0
        while received < 20000 * len("+OK\r\n"):
            received += len(client.recv(65536))
    process.poll()


# Known figures: 4000 blocks stay in slabs of 256 each, 15 of 16 of which are free.
for mode in "mixed", "apart":
    with tempfile.TemporaryDirectory() as directory:
        text = run(LIBRARY, SUBJECT, mode,
                   TARN=f"trace,trace_file={directory}/profile.pb.gz").stderr
    check_sum(text, mode)
    figures = shares(text)
    between = figures["free, but between blocks in use"]
    expect((between > 3.5 * 2 ** 20) == (mode == "mixed"), "memory between blocks, if mixed", text)
    used = figures["what the program asked for, in blocks in use"]
    expect(abs(used - (4000 * 60 + 2 ** 20)) < 2 ** 16, "1.24 MiB in use", text)
    expect("; 2.0 MiB more were never touched" in text, "2 MiB that were not written to", text)
    place = text.split("Places that keep memory that is mostly empty:\n")[1:]
    expect(len(place) == (1 if mode == "mixed" else 0), "a list, if there is a place for it", text)
    if mode == "mixed":
        found = re.search(r"1\. apart: (\d+) blocks, 234 KiB, keep ([\d.]+ \w+) that is free around "
                          r"them in (\d+) slabs;.*\n.*\n +\(anonymous namespace\)::stays\(\)", place[0])
        expect(found, "what the place keeps, and where it is", place[0])
        blocks, empty, slabs = found.groups()
        expect(blocks == "4000" and 250 <= int(slabs) <= 252, "4000 blocks in 250 slabs", found[0])
        expect(abs(in_bytes(empty) - 4000 * 15 * 64) < 0.02 * 2 ** 22, "3.66 MiB", empty)
        expect("2. apart" not in place[0], "no other place", place[0])
        expect(re.search(r"3\.\d MiB lie free in 25\d slabs", text), "the sum of it", text)

# Of a sample the same is known, but for whose blocks they are.
with tempfile.TemporaryDirectory() as directory:
    text = run(LIBRARY, SUBJECT, "mixed",
               TARN=f"profile,trace_file={directory}/profile.pb.gz").stderr
check_sum(text, "a profile")
expect(re.search(r"3\.\d MiB lie free in 25\d slabs of which at most a quarter is in use, by \d+ blocks "
                 r"\(TARN=trace says whose\)", text), "slabs, but no place", text)
expect("apart:" not in text, "no advice that would be a guess", text)

for options in "trace", "profile":
    check_running([SUBJECT, "mixed", "wait"], options, until_ready)
    check_running(["/usr/bin/python3", "-c",
                   "import json, sys, threading\n"
                   "keep = [json.loads('{\"a\": [1, 2.5, \"b\"]}') for i in range(30000)][::7]\n"
                   "threading.Thread(target=input, daemon=True).start()\n"
                   "print('ready', flush=True); sys.stdin.readline()"], options, until_ready)
    check_running(["/usr/bin/perl", "-e", "my %h; $h{$_} = [1 .. $_ % 20] for 1 .. 30000; "
                   "delete $h{$_ * 3} for 1 .. 10000; $| = 1; print \"ready\\n\"; <STDIN>"],
                  options, until_ready)
    check_running(["/usr/bin/redis-server", "--port", "0", "--save", "", "--unixsocket",
                   "DIRECTORY/socket", "--dir", "DIRECTORY"], options, fill_redis)

# Memory that was short.
text = run(LIBRARY, SUBJECT, "limit", TARN="trace,limit=16m,symbolizer=/nowhere").stderr
expect(re.search(r"==   5 calls failed for want of memory \(ENOMEM\), the first \d+ ms after the "
                 r"start\n", text), "five failures", text)
expect(re.search(r"==   \d+ times limit=16.0 MiB was in the way, the first \d+ ms after", text),
       "the limit", text)
expect(re.search(r"==   2 calls of malloc_trim, the first \d+ ms after", text), "two trims", text)
text = run(LIBRARY, SUBJECT, "apart", TARN="trace,symbolizer=/nowhere").stderr
expect("ENOMEM" not in text and "malloc_trim" not in text, "no word of it where it was not", text)
