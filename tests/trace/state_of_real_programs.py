#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: the state of a server can be read while it works, and that of a program that was killed,
# with figures that add up and grow. redis-server and Python are the real programs.

import os
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(__file__))

from state import Running, expect, tell  # noqa: E402

LIBRARY, COMMAND = map(os.path.abspath, sys.argv[1:3])


def totals(path):
    """(allocations, blocks in use) of a state file."""
    status, text, errors = tell(COMMAND, "state", "--max", "1", path)
    expect((status, errors) == (0, ""), "a report", errors)
    allocations, live = re.search(r"  (\d+) allocations of .*\n.*(?:now|end): .* in (\d+) blocks",
                                  text).groups()
    return int(allocations), int(live), text


with tempfile.TemporaryDirectory() as directory:
    python = Running(LIBRARY, "/usr/bin/python3", "-c", """
import sys
kept = [str(i) * 100 for i in range(20000)]
print("ready", flush=True)
sys.stdin.read()
""", TARN=f"trace,state={directory}/%p", PYTHONMALLOC="malloc").wait_until_ready()
    python.kill()
    _, live, text = totals(f"{directory}/{python.number}")
    expect(live > 20000 and "which is gone" in text and "of python3" in text, "20000 strings",
           text[:900])

    socket = f"{directory}/socket"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TARN")}
    with subprocess.Popen(["/usr/bin/redis-server", "--port", "0", "--unixsocket", socket,
                           "--dir", directory, "--save", ""], stdout=subprocess.DEVNULL,
                          env={**environment, "LD_PRELOAD": LIBRARY,
                               "TARN": f"trace,state={directory}/%e,log={directory}/log"}) as server:
        def redis(*arguments):
            return subprocess.run(["/usr/bin/redis-cli", "-s", socket, *arguments], text=True,
                                  capture_output=True, check=False).stdout
        try:
            deadline = time.monotonic() + 60
            while redis("ping") != "PONG\n":
                expect(time.monotonic() < deadline, "redis to answer", redis("ping"))
                time.sleep(0.1)
            path = f"{directory}/" + os.path.basename(os.readlink(f"/proc/{server.pid}/exe"))
            allocations, live, text = totals(path)
            expect(f"process {server.pid}, which is running" in text, "a running one", text[:900])
            subprocess.run(["cp", path, f"{directory}/before"], check=True)
            redis("eval", "for i = 1, 5000 do redis.call('set', 'key' .. i, string.rep('x', 200)) end",
                  "0")
            more_allocations, more_live, _ = totals(path)
            expect(more_allocations >= allocations + 5000 and more_live >= live + 5000,
                   "5000 keys more", (allocations, live, more_allocations, more_live))
            _, text, _ = tell(COMMAND, "diff", f"{directory}/before", path)
            expect(re.search(r"\n1\. .* more, \d+ blocks? more\n", text), "what has grown", text)
            # A child that saves must not count for its parent, and the server must go on.
            redis("bgsave")
            expect(redis("dbsize") == "5000\n", "5000 keys", redis("dbsize"))
        finally:
            server.send_signal(signal.SIGKILL)
    allocations, live, _ = totals(path)
    expect(allocations >= more_allocations and live >= 5000, "the last state", (allocations, live))
