# SPDX-License-Identifier: MIT
#
# What the tests of this folder share: run the subject and read the report.

import os
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "abi"))

from preload import expect, run  # noqa: E402  (found by way of the line above)

# Under nohup it would be ignored, and programs inherit that.
signal.signal(signal.SIGHUP, signal.SIG_DFL)

CLASSES = {"definite": "definitely lost", "indirect": "indirectly lost",
           "possible": "possibly lost", "reachable": "still reachable"}


def summary(text):
    """The LEAK SUMMARY of a report: {class: (bytes, blocks)}, or None if there is none."""
    found = {}
    for name, words in CLASSES.items():
        match = re.search(words + r": ([\d,]+) bytes in ([\d,]+) blocks", text)
        if match:
            found[name] = tuple(int(number.replace(",", "")) for number in match.groups())
    return found or None


def run_subject(library, subject, shape, end="return", **environment):
    """Runs the subject with leaks=on and, unless said otherwise, all classes shown."""
    environment = {"TARN": "leaks,leaks_show=all", **environment}
    return run(library, subject, shape, end, **environment)


def blocks(text, shape):
    """Blocks of each class that a report counts."""
    found = summary(text)
    expect(found is not None, f"a LEAK SUMMARY for {shape}", repr(text[-400:]))
    return {name: number for name, (_, number) in found.items()}


def entries(text):
    """What a report lists: [(kind, bytes, blocks, calls)], the kind being its first word."""
    return [(kind, int(size), int(count), calls) for kind, size, count, calls in re.findall(
        r"^(Direct|Indirect|Possible|Still) (?:leak of|reachable:) (\d+) byte\(s\) in (\d+) "
        r"object\(s\) allocated from:\n((?:    .*\n)+)", text, re.MULTILINE)]


def marked_lines(path):
    """{mark: line} of the comments "lost: mark" in a source file."""
    with open(path, encoding="utf-8") as file:
        return {mark: number for number, line in enumerate(file, 1)
                for mark in re.findall(r"// lost: (\w+)", line)}
