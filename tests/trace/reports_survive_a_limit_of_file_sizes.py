#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: where a limit of file sizes (ulimit -f) cuts off what tarn writes, the program is not ended
# by SIGXFSZ: its status is that of the report, one line names the file, and what did not fit into a
# log is on standard error. A SIGXFSZ of the program's own stays pending.

import os
import resource
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "abi"))

from preload import expect  # noqa: E402  (found by way of the line above)

LIBRARY, SUBJECT, TRACED = sys.argv[1:4]
LEAST = 100  # bytes


def run(*command, blocked=False, stderr=subprocess.PIPE, **environment):
    """Under the limit; `blocked`: with SIGXFSZ blocked."""
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (LEAST, LEAST))
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # python ignores it
        if blocked:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGXFSZ})
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("TARN")}
    return subprocess.run(command, env={**inherited, "LD_PRELOAD": LIBRARY, **environment},
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, text=True,
                          timeout=60, check=False, preexec_fn=limit)


with tempfile.TemporaryDirectory() as directory:
    path = f"{directory}/file"
    line = f"tarn: cannot write '{path}': File too large\n"

    def expect_cut(result, status, *texts):
        expect(result.returncode == status, f"status {status}", result)
        expect(os.path.getsize(path) == LEAST, f"{LEAST} bytes", os.path.getsize(path))
        for text in (line, *texts):
            expect(result.stderr.count(text) == 1, f"once: {text}", result.stderr)
        os.remove(path)

    expect_cut(run(SUBJECT, "block", "return", TARN=f"leaks,log={path}"), 23, "LEAK SUMMARY")
    expect_cut(run(SUBJECT, "block", "return", TARN=f"leaks,leaks_json={path}"), 23, "LEAK SUMMARY")
    expect_cut(run("/bin/true", TARN=f"stats,log={path}"), 0, "page faults")
    expect_cut(run("/bin/true", TARN=f"stats_json={path}"), 0)

    result = run(TRACED, "4", TARN=f"trace,trace_file={path}")
    expect(result.returncode == 0 and "TRACE SUMMARY" in result.stderr and
           result.stderr.count(f"tarn: no profile: {path}: File too large\n") == 1,
           "one line about the profile", result)
    os.remove(path)

    script = ("import signal, sys\n"
              "if len(sys.argv) > 1: signal.raise_signal(signal.SIGXFSZ)\n"
              "import ctypes; ctypes.CDLL(None).malloc_stats()\n"
              "print(signal.SIGXFSZ in signal.sigpending())\n")
    for own, pending in ((), "False\n"), (("own",), "True\n"):
        with open(path, "wb") as file:
            result = run("/usr/bin/python3", "-c", script, *own, blocked=True, stderr=file)
        expect(os.path.getsize(path) == LEAST, f"{LEAST} bytes", os.path.getsize(path))
        expect((result.returncode, result.stdout) == (0, pending), f"pending: {pending}", result)
