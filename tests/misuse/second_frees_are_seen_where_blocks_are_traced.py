#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: a leak report and a trace remember each block in use, so a second free is one line and
# the end of the program, or what on_error says, whoever freed the block first; their own reports
# are written all the same.

import re
import signal
import sys
import tempfile

from reports import expect, run_subject

LIBRARY, SUBJECT = sys.argv[1:3]

with tempfile.TemporaryDirectory() as folder:
    modes = {"leaks,leaks_show=all,leaks_exitcode=0": "LEAK SUMMARY",
             f"trace,trace_file={folder}/profile": "TRACE SUMMARY",
             f"trace,trace_file={folder}/profile,events={folder}/events": "TRACE SUMMARY"}
    for kind in ("double_free", "double_free_with_others_between", "double_free_of_another_thread",
                 "double_free_in_another_thread", "double_free_mid", "double_free_aligned",
                 "double_free_page_aligned", "double_free_empty", "double_delete"):
        for mode, report in modes.items():
            result = run_subject(LIBRARY, SUBJECT, kind, TARN=mode)
            lines = re.findall("^tarn: double free of 0x[0-9a-f]+, in misuse_subject, "
                               r"process \d+; TARN=debug says more$", result.stderr, re.MULTILINE)
            expect(len(lines) == 1 and result.returncode == -signal.SIGABRT and
                   report in result.stderr, f"{kind} under {mode}", result)
        result = run_subject(LIBRARY, SUBJECT, kind, TARN="leaks,leaks_exitcode=0,on_error=continue")
        expect(result.returncode == 0 and "goes on\n" in result.stdout and
               result.stderr.count("double free of") == 1, f"{kind} goes on", result)

    for mode in modes:
        result = run_subject(LIBRARY, SUBJECT, "double_free_in_a_child", TARN=mode)
        expect("the child was aborted\n" in result.stderr, f"in a child under {mode}", result)
        for kind in "free_in_parent_and_child", "nothing":
            result = run_subject(LIBRARY, SUBJECT, kind, TARN=mode)
            expect(result.returncode == 0 and "double free" not in result.stderr,
                   f"{kind} under {mode}", result)
