# SPDX-License-Identifier: MIT
#
# What the Python programs of this folder share: run a program under the preload and report a
# broken promise in one line.

import os
import subprocess
import sys


def expect(condition, expected, seen):
    """Ends the test with one line unless `condition` holds."""
    if not condition:
        name = os.path.basename(sys.argv[0])
        print(f"{name}: expected {expected}, seen {seen}", file=sys.stderr)
        sys.exit(1)


def run(library, *command, timeout=60, **environment):
    """Runs `command` under `library` with only the options given; returns its completed process.

    An inherited LD_PRELOAD or TARN option would make the test depend on who runs it.
    """
    inherited = {key: value for key, value in os.environ.items()
                 if key != "LD_PRELOAD" and key != "TARN" and not key.startswith("TARN_")}
    settings = {**inherited, **environment}
    if library:
        settings["LD_PRELOAD"] = library
    return subprocess.run(command, env=settings, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=timeout, check=False)


def run_well(library, *command, **environment):
    """Like run(), and expects exit status 0."""
    result = run(library, *command, **environment)
    expect(result.returncode == 0, f"{os.path.basename(command[0])} to exit with 0",
           f"{result.returncode}, stderr {result.stderr[-300:]!r}")
    return result
