#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: a child of fork() changes nothing in its parent's state file. It has one of its own if the
# name has a %p, unless children=off, with its parent's figures to begin with. A child of vfork() is
# harmless.

import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))

from state import Running, check_known, check_totals, expect, state_of  # noqa: E402

LIBRARY, COMMAND, SUBJECT = map(os.path.abspath, sys.argv[1:4])

for how in "fork", "bare_fork":
    for options, has_own in ("state=%s/%%p", True), ("state=%s/x", False), \
            ("children=off,state=%s/%%p", False), ("state=%s/%%%%p", False):
        with tempfile.TemporaryDirectory() as directory:
            subject = Running(LIBRARY, SUBJECT, how,
                              TARN="trace,trace_file=/dev/null," + options % directory)
            subject.wait_until_ready(2)
            child = int(subject.said[0])
            try:
                files = os.listdir(directory)
                expect(len(files) == (2 if has_own else 1), "as many files", files)
                parents = [name for name in files if name != str(child)][0]
                text, profile = state_of(COMMAND, f"{directory}/{parents}")
                check_known(profile)
                check_totals(text, profile)
                expect(profile.below("of_child", "alloc_objects") == 0 and
                       profile.below("of_parent", "alloc_objects") == 20, "the parent's only", how)
                if has_own:
                    text, profile = state_of(COMMAND, f"{directory}/{child}")
                    check_known(profile)
                    check_totals(text, profile)
                    expect(profile.below("of_child", "alloc_objects") == 30 and
                           profile.below("of_parent", "alloc_objects") == 0, "the child's", how)
                    expect(f"STATE of process {child}, which is running" in text and
                           f"forked from process {subject.number}, with whose figures it began"
                           in text, "a head that says so", text[:900])
            finally:
                os.kill(child, 9)
                subject.kill()
            expect(subject.errors == "", "nothing said", subject.errors)

with tempfile.TemporaryDirectory() as directory:
    subject = Running(LIBRARY, SUBJECT, "vfork", TARN=f"trace,state={directory}/%p").wait_until_ready()
    expect(os.listdir(directory) == [str(subject.number)], "one file", os.listdir(directory))
    text, profile = state_of(COMMAND, f"{directory}/{subject.number}")
    check_known(profile)
    check_totals(text, profile)
    subject.kill()
