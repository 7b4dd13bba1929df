#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: the options that are compiled in (meson setup -Dpreset=...) hold for every process; the
# environment wins where it sets them otherwise.

import sys

from reports import expect, run_subject

LIBRARY, SUBJECT = sys.argv[1:3]


def ended(**environment):
    result = run_subject(LIBRARY, SUBJECT, "double_free", **environment)
    return result.returncode, result.stderr.startswith("tarn: harden: double free of")


expect(ended(TARN="") == (99, True), "the preset alone", ended(TARN=""))
for environment, wanted in (
    ({"TARN": "exitcode=7"}, (7, True)),
    ({"TARN": "on_error=continue,exitcode=3"}, (3, True)),
    ({"TARN": "", "TARN_EXITCODE": "5"}, (5, True)),
    ({"TARN": "debug"}, (99, False)),  # in its own words
):
    expect(ended(**environment) == wanted, f"{wanted} with {environment}", ended(**environment))
