#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: interval and peak write profiles while the program runs, numbered, at most dumps_max; they
# show what grows. tarn_dump_profile() writes one at once. The program notices nothing, and children
# write none.

import errno
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "abi"))

from preload import expect, run  # noqa: E402  (found by way of the line above)
from profile import Profile  # noqa: E402

LIBRARY, SUBJECT = map(os.path.abspath, sys.argv[1:3]) # it changes the folder
BLOCK = 100000


def dumps(options, *arguments):
    """Runs the subject; returns its result and the profiles that it wrote, in order."""
    with tempfile.TemporaryDirectory() as directory:
        result = run(LIBRARY, SUBJECT, *arguments,
                     TARN=f"trace,trace_file={directory}/%n.pb.gz,{options}")
        expect((result.returncode, result.stdout) == (0, ""), "the program as before", result)
        count = len(os.listdir(directory))
        expect(result.stderr.count("tarn: profile in ") == count, f"{count} lines", result.stderr)
        expect(result.stderr.count("TRACE SUMMARY") == 1, "one report", result.stderr)
        return result, [Profile(f"{directory}/{number}.pb.gz") for number in range(count)]


def grown(profiles, kind):
    return [profile.below("grow", kind) for profile in profiles]


# 10 MB in steps of 1 MB, and the end. A step is at least 11 blocks and at most 12.
_, profiles = dumps("interval=1mb", "grow")
expect(9 <= len(profiles) <= 10, "9 profiles or 10", len(profiles))
sizes = grown(profiles, "inuse_space")
expect(all(10 * BLOCK <= b - a <= 12 * BLOCK for a, b in zip(sizes[:-2], sizes[1:])),
       "steps of a megabyte", sizes)
expect(sizes[-1] == 100 * BLOCK and sizes == grown(profiles, "alloc_space") and
       sizes == grown(profiles, "peak_space"), "all of it at the end", sizes)

# What comes and goes is allocated, too, but makes no peak.
_, profiles = dumps("interval=1mb", "shrink")
expect(9 <= len(profiles) <= 10, "9 profiles or 10", len(profiles))
_, profiles = dumps("peak=10%", "shrink")
expect(len(profiles) == 1, "the end", len(profiles))

# Steps of a quarter, of a megabyte at least: after 1, 2, 3, 4, 5, 6.6, 8.2 MiB.
_, profiles = dumps("peak=25", "grow")
expect(6 <= len(profiles) <= 9, "about 8 profiles", len(profiles))
sizes = grown(profiles, "inuse_space")
expect(all(b - a >= 10 * BLOCK for a, b in zip(sizes[:-2], sizes[1:-1])), "growth", sizes)

# By time.
_, profiles = dumps("interval=50ms", "wait")
expect(2 <= len(profiles) <= 7, "some profiles", len(profiles))
_, profiles = dumps("interval=60s", "wait")
expect(len(profiles) == 1, "the end", len(profiles))

result, profiles = dumps("interval=100kb,dumps_max=3", "grow")
expect(len(profiles) == 4, "three and that of the end", len(profiles))
expect("tarn: 3 profiles written (dumps_max)" in result.stderr, "a line", result.stderr)
result, profiles = dumps("interval=100kb,dumps_max=0", "grow")
expect(len(profiles) == 1 and "dumps_max" not in result.stderr, "the end", result.stderr)

_, profiles = dumps("interval=4mb,peak=50%", "threads")
expect(len(profiles) >= 2, "profiles", len(profiles))
expect(grown(profiles, "inuse_space")[-1] == 400 * BLOCK, "all of them", grown(profiles, "inuse_space"))

# As many as of one process.
for how in "fork", "vfork":
    _, profiles = dumps("interval=1mb", how)
    expect(9 <= len(profiles) <= (10 if how == "fork" else 20), f"profiles of the parent ({how})",
           len(profiles))

# Without a number in the name there is the last one only; without a name there is a number.
with tempfile.TemporaryDirectory() as directory:
    run(LIBRARY, SUBJECT, "grow", TARN=f"trace,interval=2mb,trace_file={directory}/x.pb.gz")
    expect(os.listdir(directory) == ["x.pb.gz"], "one file", os.listdir(directory))
    here = os.getcwd()
    os.chdir(directory)
    run(LIBRARY, SUBJECT, "grow", TARN="trace,interval=4mb")
    os.chdir(here)
    numbers = sorted(match[1] for name in os.listdir(directory)
                     if (match := re.match(r"tarn\.dumps_subject\.\d+\.(\d)\.pb\.gz$", name)))
    expect(numbers == ["0", "1", "2"], "three numbers", os.listdir(directory))

# Where none can be written there is one line, or one for each.
result = run(LIBRARY, SUBJECT, "grow", TARN="trace,interval=1mb,symbolizer=/nowhere")
expect(result.returncode == 0 and
       result.stderr.count("tarn: no profiles before the end: there is no tarn command") == 1,
       "one line", result.stderr)
result = run(LIBRARY, SUBJECT, "grow", TARN="trace,interval=4mb,trace_file=/nowhere/file")
expect(result.returncode == 0 and result.stderr.count(
    "tarn: no profile: /nowhere/file: No such file or directory") == 3, "three lines", result.stderr)

for wrong in "5m", "60", "5x", "1.5g", "-1s":
    result = run(LIBRARY, "/bin/true", TARN=f"trace,interval={wrong}")
    expect(f"'{wrong}' is not a value of 'interval', which takes TIME|SIZE" in result.stderr,
           "a complaint", result.stderr)

# On demand.
with tempfile.TemporaryDirectory() as directory:
    def ask(*paths, options):
        result = run(LIBRARY, SUBJECT, "demand", *paths, TARN=options)
        return result.stdout.split("\n")[:-1]

    named, numbered = f"{directory}/named %n", f"{directory}/%n.pb.gz"
    seen = ask(named, "NULL", named, "/nowhere/file", "", "a\nb",
               options=f"trace,trace_file={numbered}")
    wanted = ["0 0"] * 3 + [f"-1 {errno.EIO}"] + [f"-1 {errno.EINVAL}"] * 2
    expect(seen == wanted, wanted, seen)
    expect(sorted(os.listdir(directory)) == ["0.pb.gz", "1.pb.gz", "named %n"], "three files",
           os.listdir(directory))
    expect(Profile(f"{directory}/0.pb.gz").below("grow", "alloc_objects") == 100 and
           Profile(named).below("grow", "alloc_objects") == 200 and
           Profile(f"{directory}/1.pb.gz").below("grow", "alloc_objects") == 600, "what was then",
           directory)
    for options in "", "leaks", "stats":
        expect(ask(named, options=options) == [f"-1 {errno.ENOTSUP}"], "ENOTSUP", options)
result = run(None, SUBJECT, "demand", "x")
expect(result.stdout == "no function\n", "no function without the preload", result.stdout)
