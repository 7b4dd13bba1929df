# SPDX-License-Identifier: MIT
"""The watch over the other tests of this folder: it must see when a program does without us."""

import glob
import os
from pathlib import Path

import harness


def refuses(what, wanted, action):
    try:
        action()
    except harness.Failed as failure:
        harness.expect(what, wanted in str(failure), True)
    else:
        harness.fail(f"{what}: expected a failure with '{wanted}', seen none")


def check(workdir):
    true = harness.program("true", "coreutils")
    sh = harness.program("sh", "dash")
    harness.preloaded([true])
    harness.preloaded([sh, "-c", f"{true}; exec {true}"])
    refuses("a child without the preload", "without",
            lambda: harness.preloaded([sh, "-c", f"unset LD_PRELOAD; {true}"]))
    refuses("a library without malloc", "calls another malloc", lambda: run_under_libm(true))
    refuses("an environment cleared", "no program",
            lambda: harness.check_loader_reports(workdir))
    refuses("a running process without the preload", "runs without", look_at_a_plain_process)
    refuses("a wrong exit status", "seen exit status 3",
            lambda: harness.preloaded([sh, "-c", "exit 3"]))
    refuses("a crash", "seen signal SIGSEGV",
            lambda: harness.preloaded([sh, "-c", "kill -SEGV $$"]))
    refuses("other output", "expected",
            lambda: harness.same([sh, "-c", "echo ${LD_PRELOAD:-none}"]))
    refuses("a missing program", "install the Debian package 'some-package'",
            lambda: harness.program("no-such-program", "some-package"))


def run_under_libm(command):
    ours = harness.library
    harness.library = os.path.realpath(glob.glob("/lib/*-linux-gnu/libm.so.6")[0])
    try:
        harness.preloaded([command])
    finally:
        harness.library = ours


def look_at_a_plain_process():
    process = harness.start([harness.program("sleep", "coreutils"), "100"], preload=False)
    try:
        while "sleep" not in Path(f"/proc/{process.pid}/cmdline").read_text():
            pass
        harness.assert_mapped(process.pid)
    finally:
        harness.stop(process)


harness.main(check)
