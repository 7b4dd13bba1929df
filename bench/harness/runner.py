# SPDX-License-Identifier: MIT
#
# Runs one program under one allocator through `launch`, and judges whether the run counts.

import hashlib
import json
import os
import signal
import subprocess
import tempfile
from dataclasses import dataclass, field

# Programs see these and nothing else of the caller's environment, so that a result does not depend
# on whose shell it was started from. Options for allocators are passed on, and recorded.
BASE_ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "HOME": "/nonexistent",
}
ALLOCATOR_VARIABLES = ("TARN", "MIMALLOC_", "MALLOC_", "TCMALLOC_", "GLIBC_TUNABLES")


class RunFailed(Exception):
    """The program did not do its work under this allocator; the text says how."""


@dataclass
class Sample:
    """What one run cost: `cpu` in seconds (suite `malloc`: nanoseconds per operation), `rss` in
    bytes."""

    cpu: float
    rss: int = 0
    output: str = ""
    figures: dict = field(default_factory=dict)


def allocator_options():
    return {
        name: value for name, value in os.environ.items() if name.startswith(ALLOCATOR_VARIABLES)
    }


class Runner:
    def __init__(self, build, work, seconds):
        self.launcher = os.path.join(build, "bench", "harness", "launch")
        self.work = work
        self.seconds = seconds
        if not os.access(self.launcher, os.X_OK):
            raise SystemExit(
                f"compare.py: {self.launcher} is not built: meson setup build && ninja -C build"
            )

    def start(
        self, allocator, command, *, environment=None, repeat=1, own_malloc=False, expect=True
    ):
        """Starts `command`; finish() waits for it."""
        directory = tempfile.mkdtemp(prefix="run-", dir=self.work)
        library = allocator.library_for(own_malloc)
        launch = [
            self.launcher,
            os.path.join(directory, "result"),
            str(self.seconds),
            str(repeat),
            library or "-",
            allocator.path if expect else "-",
            *command,
        ]
        variables = {
            **BASE_ENVIRONMENT,
            **allocator_options(),
            **allocator.environment,
            **(environment or {}),
        }
        with open(os.path.join(directory, "out"), "wb") as out, open(
            os.path.join(directory, "err"), "wb"
        ) as err:
            process = subprocess.Popen(
                launch,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=variables,
                cwd=self.work,
            )
        return process, directory

    def finish(self, started):
        """Waits for a started program. Returns (Sample, standard output); raises RunFailed."""
        process, directory = started
        process.wait()
        output, errors = (read_and_remove(os.path.join(directory, name)) for name in ("out", "err"))
        result = read_and_remove(os.path.join(directory, "result"))
        os.rmdir(directory)
        if not result:
            raise RunFailed("the launcher failed: " + last_line(errors))
        cost = json.loads(result)
        if cost["status"] != 0:
            raise RunFailed(describe_status(cost["status"], self.seconds) + last_line(errors))
        if not cost["was_mapped"]:
            raise RunFailed("the library was not loaded: " + last_line(errors))
        sample = Sample(
            cost["user"] + cost["system"], cost["peak_rss"], hashlib.sha256(output).hexdigest()
        )
        sample.figures["minor_faults"] = cost["minor_faults"]
        return sample, output

    def run(self, allocator, command, **options):
        return self.finish(self.start(allocator, command, **options))


def describe_status(status, seconds):
    if not os.WIFSIGNALED(status):
        return f"exit code {os.waitstatus_to_exitcode(status)}. "
    number = os.WTERMSIG(status)
    if number == signal.SIGKILL:
        return f"killed; the time limit is {seconds} s. "
    return f"killed by {signal.Signals(number).name}. "


def last_line(errors):
    lines = errors.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""


def read_and_remove(path):
    try:
        with open(path, "rb") as file:
            content = file.read()
        os.remove(path)
        return content
    except FileNotFoundError:
        return b""
