# SPDX-License-Identifier: MIT
#
# What the tests of state= share: programs that are looked at while they run, and what tarn says of
# their files.

import os
import re
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "abi"))

from preload import expect, run  # noqa: E402, F401  (found by way of the line above)
from profile import Profile  # noqa: E402


class Running:
    """A program under the preload, from when it says "ready" until it is killed; `said`: before."""

    def __init__(self, library, *command, **environment):
        inherited = {key: value for key, value in os.environ.items()
                     if key != "LD_PRELOAD" and not key.startswith("TARN")}
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            command, env={**inherited, **environment, "LD_PRELOAD": library}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.number = self.process.pid
        self.said = []
        self.errors = ""

    def wait_until_ready(self, times=1):
        """Returns the object."""
        while times:
            line = self.process.stdout.readline()
            expect(line, "the program to be ready", self.said)
            if line == "ready\n":
                times -= 1
            else:
                self.said.append(line.strip())
        return self

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        return self.end()

    def end(self):
        """Closes its input and waits; returns the status."""
        _, self.errors = self.process.communicate(timeout=60)
        return self.process.returncode


def tell(command, *arguments):
    """What the tarn command says: (status, standard output, standard error)."""
    result = subprocess.run([command, *arguments], capture_output=True, text=True, timeout=60,
                            check=False, errors="replace")
    expect(result.returncode in (0, 1), f"an end in order of {arguments}", result.returncode)
    return result.returncode, result.stdout, result.stderr


def state_of(command, path):
    """(report, profile) of a state file that is as it should be."""
    with tempfile.TemporaryDirectory() as directory:
        status, out, errors = tell(command, "state", "--profile", f"{directory}/profile", path)
        expect((status, errors) == (0, ""), "a report", errors)
        return out, Profile(f"{directory}/profile")


def check_known(profile, times=1):
    """What the subject's `known` has done."""
    for place, kind, wanted in (("kept", "alloc_objects", 100), ("kept", "inuse_space", 100000),
                                ("kept", "peak_objects", 100), ("gone", "alloc_space", 5000),
                                ("gone", "inuse_objects", 0), ("gone", "temporary_objects", 50)):
        seen = profile.below(place, kind)
        near = kind == "peak_objects" and wanted - 5 <= seen <= wanted
        expect(seen == wanted * times or near, f"{wanted * times} {kind} of {place}", seen)


def check_totals(text, profile):
    """Those of the report are the sums of the places."""
    allocations, live = re.search(r"  (\d+) allocations of .*\n.*(?:now|end): .* in (\d+) blocks",
                                  text).groups()
    expect(int(allocations) == profile.total("alloc_objects"), "allocations to add up", text[:900])
    expect(int(live) == profile.total("inuse_objects"), "blocks in use to add up", text[:900])
