# SPDX-License-Identifier: MIT
"""Programs under TARN=trace,events=FILE, and what tarn events says of the file."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "abi"))

from preload import expect, run, run_well  # noqa: E402  (found by way of the line above)


def record(library, path, *command, options="", **environment):
    """The name of the file is relative to the folder that the program starts in."""
    folder, name = os.path.split(path)
    os.chdir(folder)
    return run(library, *command, **environment,
               TARN=f"trace,trace_max=0,trace_file={folder}/p,symbolizer=/nowhere,"
                    f"events={name}{options}")


def summary(tarn, path):
    """Its text, and the numbers of allocations, reallocs and frees."""
    text = run_well(None, tarn, "events", path).stdout
    counts = re.search(r"^(\d+) allocations, (\d+) reallocs, (\d+) frees", text, re.MULTILINE)
    expect(counts is not None, "counts", text)
    return text, *map(int, counts.groups())
