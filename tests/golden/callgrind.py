# SPDX-License-Identifier: MIT
"""Exact instruction counts of the preloaded library, by callgrind.

callgrind does not replace malloc, so under it the program calls the library as it would without.
Each figure is the difference between a run of many rounds and one of few: start-up, the loader
and the first round, which misses, are in both and cancel.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict

FEW, MANY = 100, 1100


class Failed(Exception):
    pass


class Profile:
    """What one run cost, by call and by instruction; only callees in `library` are kept apart."""

    def __init__(self, text, library):
        self.library = library
        self.calls = defaultdict(int)      # (caller, callee) -> how often
        self.inclusive = defaultdict(int)  # (caller, callee) -> instructions, callees included
        self.outside = defaultdict(int)    # caller -> instructions of its callees elsewhere
        self.own = defaultdict(int)        # (function of the library, address) -> how often
        self._read(text)

    def _read(self, text):
        # The format is described in valgrind's manual, "Callgrind Format Specification".
        ob = fn = cob = cfn = None
        calls = 0
        for line in text.splitlines():
            if line.startswith("ob="):
                ob = line[3:]
            elif line.startswith("fn="):
                fn = line[3:]
            elif line.startswith("cob="):
                cob = line[4:]
            elif line.startswith("cfn="):
                cfn = line[4:]
            elif line.startswith("calls="):
                calls = int(line[6:].split()[0])
            elif line.startswith("0x"):
                address, _, cost = line.split()[:3]
                if calls:
                    self._add_call(fn, cob or ob, cfn, calls, int(cost))
                    calls, cob = 0, None
                elif ob == self.library:
                    self.own[fn, int(address, 16)] += int(cost)

    def _add_call(self, caller, callee_object, callee, calls, cost):
        if callee_object == self.library:
            self.calls[caller, callee] += calls
            self.inclusive[caller, callee] += cost
        else:
            self.outside[caller] += cost


def run(subject, library, rounds, arguments=(), options=""):
    """One profile of the subject under the preload with TARN=`options`."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise Failed("valgrind not found: install the Debian package 'valgrind'")
    env = {key: value for key, value in os.environ.items() if not key.startswith("TARN")}
    env.update(LD_PRELOAD=library, TARN=options)
    with tempfile.TemporaryDirectory(prefix="tarn-golden-") as folder:
        profile = os.path.join(folder, "profile")
        command = [valgrind, "--quiet", "--tool=callgrind", f"--callgrind-out-file={profile}",
                   "--compress-strings=no", "--compress-pos=no", "--dump-instr=yes",
                   subject, str(rounds), *arguments]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=100)
        if done.returncode != 0:
            raise Failed(f"{' '.join(command)}: exit status {done.returncode}: "
                         f"{done.stderr.strip()[-500:]}")
        with open(profile, encoding="utf-8", errors="replace") as file:
            text = file.read()
    # The library under the name by which callgrind has it, which need not be the one given.
    name = re.escape(os.path.basename(library))
    loaded = set(re.findall(rf"^c?ob=(.*/{name})$", text, re.MULTILINE))
    if len(loaded) != 1:
        raise Failed(f"the subject ran without {library}")
    return Profile(text, loaded.pop())


def difference(subject, library, arguments=(), options=""):
    """(few, many): profiles of a run with few rounds and one with many."""
    return (run(subject, library, FEW, arguments, options),
            run(subject, library, MANY, arguments, options))


def cost_of_call(few, many, caller, callee):
    """Instructions of the library that one call takes, from the callee's first to its ret.

    What the caller spends on the call, its PLT included, is not in it; nor is what the callee
    calls outside of the library (calloc's memset). All calls must cost the same.
    """
    edge = caller, callee
    calls = many.calls[edge] - few.calls[edge]
    if calls != MANY - FEW:
        raise Failed(f"{caller} called {callee} {calls} times, not {MANY - FEW}")
    cost = many.inclusive[edge] - few.inclusive[edge]
    cost -= many.outside[callee] - few.outside[callee]
    if cost % calls != 0:
        raise Failed(f"{callee} in {caller}: {cost} instructions in {calls} calls: "
                     "not every call took the same path")
    return cost // calls


def instructions_of(few, many, function):
    """Addresses in the library of the instructions that each round executes in `function`."""
    return sorted(address for name, address in many.own
                  if name == function
                  and many.own[name, address] - few.own[name, address] == MANY - FEW)


def main(check):
    try:
        check()
    except (Failed, subprocess.TimeoutExpired) as error:
        print(error)
        sys.exit(1)
