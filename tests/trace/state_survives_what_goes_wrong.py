#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: where a state file cannot be made, or can grow no further, there is one line, and the
# program runs on with its trace. What is no state file, or a damaged one, is refused in one line.

import os
import random
import resource
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))

from state import Running, check_known, expect, run, state_of, tell  # noqa: E402

LIBRARY, COMMAND, SUBJECT = map(os.path.abspath, sys.argv[1:4])


def one_line(errors, *words):
    lines = [line for line in errors.split("\n") if "state" in line and line.startswith("tarn:")]
    expect(len(lines) == 1 and all(word in lines[0] for word in words), f"one line with {words}",
           errors[:600])


def runs_on(path, *words, **more):
    result = run(LIBRARY, SUBJECT, "known", TARN=f"trace,state={path}", TARN_TRACE_FILE="/dev/null",
                 **more)
    expect(result.returncode == 0 and result.stdout == "ready\n" and
           "TRACE SUMMARY" in result.stderr, "the program as before", result)
    one_line(result.stderr, *words)


with tempfile.TemporaryDirectory() as directory:
    runs_on(f"{directory}/nowhere/x", f"'{directory}/nowhere/x' cannot be made: No such file")
    runs_on(directory, "cannot be made: it is there, and no regular file")
    runs_on("/dev/null", "cannot be made: it is there, and no regular file")
    expect(os.path.exists("/dev/null"), "that to stay", "gone")
    with open(f"{directory}/other", "w", encoding="utf-8") as file:
        file.write("precious contents")
    runs_on(f"{directory}/other", "cannot be made: there is another file of that name")
    with open(f"{directory}/other", encoding="utf-8") as file:
        expect(file.read() == "precious contents", "that file as it was", "changed")
    os.symlink(f"{directory}/other", f"{directory}/link")
    runs_on(f"{directory}/link", "cannot be made: it is there, and no regular file")
    result = run(LIBRARY, "/bin/true", TARN=f"state={directory}/x")
    one_line(result.stderr, "has no effect without trace or profile")
    expect(not os.path.exists(f"{directory}/x"), "no file", "one")

    # No room: at once, and later. SIGXFSZ would end it.
    def limited(size, *arguments):
        path = f"{directory}/limited"
        if os.path.exists(path):
            os.remove(path)
        process = subprocess.run(
            [SUBJECT, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            env={"LD_PRELOAD": LIBRARY, "TARN": f"trace,trace_file=/dev/null,state={path}"},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)), check=False)
        expect((process.returncode, process.stdout) == (0, "ready\n"), "the end in order", process)
        one_line(process.stderr, "File too large")
        expect("30100 stacks" in process.stderr.replace("30101", "30100")
               or arguments[0] != "many" or " stacks; the trace" in process.stderr, "all stacks",
               process.stderr[:600])
        return path

    expect(not os.path.exists(limited(4096, "known")), "no file", "one")
    path = limited(1 << 20, "many", "30000")
    expect(os.path.getsize(path) <= 1 << 20, "at most a MiB", os.path.getsize(path))
    text, profile = state_of(COMMAND, path)
    expect("the file could not grow: " in text and 1000 < len(profile.samples) < 30000,
           "what there was room for", text[:900])

    # A full file system: no SIGBUS.
    place = f"{directory}/small"
    os.mkdir(place)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", place],
                             capture_output=True, check=False).returncode == 0
    if mounted:
        try:
            result = run(LIBRARY, SUBJECT, "many", "100000",
                         TARN=f"trace,trace_file=/dev/null,state={place}/x")
            expect((result.returncode, result.stdout) == (0, "ready\n"), "the end in order", result)
            one_line(result.stderr, f"'{place}/x' cannot grow: No space left on device")
            text, profile = state_of(COMMAND, f"{place}/x")
            expect(len(profile.samples) > 1000, "what there was room for", text[:900])
        finally:
            subprocess.run(["umount", "-l", place], check=True)

    # Files that are none, cut off, damaged.
    subject = Running(LIBRARY, SUBJECT, "known",
                      TARN=f"trace,trace_file=/dev/null,state={directory}/good").wait_until_ready()
    subject.kill()
    with open(f"{directory}/good", "rb") as file:
        good = bytearray(file.read())
    check_known(state_of(COMMAND, f"{directory}/good")[1])

    def refused(path, *words):
        for arguments in ["state", path], ["diff", path, f"{directory}/good"]:
            status, _, errors = tell(COMMAND, *arguments)
            expect(status == 1 and errors.startswith(f"tarn: {path}: ") and errors.count("\n") == 1
                   and all(word in errors for word in words), f"one line with {words}", errors)

    bad = f"{directory}/bad"

    def refused_contents(contents, *words):
        with open(bad, "wb") as file:
            file.write(contents)
        refused(bad, *words)

    refused("/nowhere", "No such file or directory")
    refused(directory, "Is a directory")
    refused("/dev/null", "empty")
    refused_contents(b"x", "no state file")
    refused_contents(b"x" * 20000, "no state file")
    refused_contents(bytes(20000), "no state file, or one that has only just been begun")
    for size in 8, 200, 4096, 10000, 12288, 60000, len(good) - 4096:
        refused_contents(good[:size], "cut off")
    for offset in 8, 12, 16, 20, 24, 28, 32:
        other = good.copy()
        other[offset] ^= 2
        refused_contents(other, "another version of tarn")
    # Any byte: a report or one line, never a crash. The tables begin behind the first pages.
    random.seed(1)
    for number in range(150):
        other = good.copy()
        for _ in range(random.choice((1, 10, 1000))):
            at = random.randrange(40, random.choice((160, 3 * 4096 + 64, len(other))))
            other[at] = random.choice((0, 1, 255, random.randrange(256)))
        with open(bad, "wb") as file:
            file.write(other)
        status, out, errors = tell(COMMAND, "state", bad)
        expect((status == 0 and out != "") or errors.count("\n") == 1, f"one line ({number})",
               errors)
    status, out, errors = tell(COMMAND, "state", "/nowhere", f"{directory}/good")
    expect(status == 1 and "/nowhere" in errors and "STATE of" in out, "the one that is right", out)
