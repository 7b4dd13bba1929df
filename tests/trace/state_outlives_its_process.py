#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: with state= a trace can be read while the process runs and after SIGKILL, at whatever
# moment that comes, and says the same as a report at the end; a later process of the same number
# replaces the file, and does not touch what a reader has open.

import os
import random
import re
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(__file__))

from state import Running, check_known, check_totals, expect, run, state_of, tell  # noqa: E402

LIBRARY, COMMAND, SUBJECT = map(os.path.abspath, sys.argv[1:4])

with tempfile.TemporaryDirectory() as directory:
    def start(*arguments, options="trace,trace_file=/dev/null", name="%p"):
        return Running(LIBRARY, SUBJECT, *arguments, TARN=f"{options},state={directory}/{name}")

    # While it runs, and when it is gone.
    subject = start("known").wait_until_ready()
    path = f"{directory}/{subject.number}"
    text, profile = state_of(COMMAND, path)
    check_known(profile)
    check_totals(text, profile)
    expect(f"STATE of process {subject.number}, which is running" in text and
           f"{SUBJECT}: {SUBJECT} known\n" in text and "; now: " in text and
           "Places that hold the most now:" in text, "a head that says so", text[:900])
    expect(os.stat(path).st_mode & 0o777 == 0o600, "a file for its owner", os.stat(path).st_mode)
    expect(subject.kill() == -9 and subject.errors == "", "nothing said", subject.errors)
    text, profile = state_of(COMMAND, path)
    check_known(profile)
    expect(f"STATE of process {subject.number}, which is gone" in text and "; at the end: " in text,
           "a head that says so", text[:900])
    os.remove(path)

    # As a report at the end has it, but for the head and times.
    def without_times(report):
        report = re.sub(r"==\d+==", "====", report[report.index("TRACE SUMMARY"):])
        # Only the process itself knows the course and where its memory is, and how long it took.
        report = re.sub(r"==== Where its memory.*?(?===== \n==== Places)", "", report, flags=re.DOTALL)
        report = re.sub(r"; \d+ and [^;\n]* a second", "", report)
        report = re.sub(r"; (lived[^;]*|[\d.]+% freed[^;]*)|the trace itself took .*", "", report)
        return re.sub(r"\d+ ms after", "? ms after", report)

    result = run(LIBRARY, SUBJECT, "known", TARN=f"trace,trace_file=/dev/null,state={directory}/x")
    text, _ = state_of(COMMAND, f"{directory}/x")
    expect(without_times(text) == without_times(result.stderr), without_times(result.stderr),
           without_times(text))

    # The file's name again: by another process, and by exec.
    with open(f"{directory}/x", "rb") as before:
        contents = before.read()
        run(LIBRARY, SUBJECT, "known", TARN=f"trace,trace_file=/dev/null,state={directory}/x")
        before.seek(0)
        expect(before.read() == contents, "what is open to stay as it is", "changes")
    subject = start("exec").wait_until_ready()
    text, profile = state_of(COMMAND, f"{directory}/{subject.number}")
    check_known(profile)
    expect(profile.below("of_parent", "alloc_objects") == 0, "the new program's only", text)
    subject.kill()

    # A sample.
    subject = start("known", options="profile,trace_file=/dev/null,sample=1k").wait_until_ready()
    text, profile = state_of(COMMAND, f"{directory}/{subject.number}")
    expect("PROFILE of state_subject" in text and " samples, one in 1.0 KiB (sample=)" in text,
           "a profile", text[:900])
    expect(profile.period == 1024 and 50 <= profile.below("kept", "inuse_objects") <= 150,
           "an estimate", profile.below("kept", "inuse_objects"))
    subject.kill()

    # More places than one directory has chunks.
    subject = start("many", "150000").wait_until_ready()
    _, text, _ = tell(COMMAND, "state", f"{directory}/{subject.number}")
    expect(re.search(r"  1501\d\d allocations .* 1500\d\d frees.*\n.*\n.* with 1500\d\d stacks", text),
           "all stacks", text[:900])
    subject.kill()

    # At any moment.
    random.seed(1)
    for _ in range(15):
        subject = start("threads").wait_until_ready()
        path = f"{directory}/{subject.number}"
        time.sleep(random.random() / 20)
        state_of(COMMAND, path)
        time.sleep(random.random() / 20)
        subject.kill()
        state_of(COMMAND, path)
        os.remove(path)

    # What has grown.
    subject = start("known").wait_until_ready()
    _, before, _ = tell("cp", f"{directory}/{subject.number}", f"{directory}/before")
    subject.kill()
    subject = start("fork").wait_until_ready(2)
    status, text, errors = tell(COMMAND, "diff", f"{directory}/before",
                                f"{directory}/{subject.number}")
    expect(status == 0 and re.search(r"\n1\. 200 B more, 20 blocks more\n +of_parent  ", text) and
           "kept" not in text and "2. " not in text.replace("1.2. ", ""), "what has grown", text)
    subject.kill()
