#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: TARN is a list separated by commas or colons, and TARN_<KEY> wins over it.

import sys

from preload import expect, run_well

LIBRARY, SUBJECT = sys.argv[1:3]

SILENT = [{"TARN": "stats", "TARN_STATS": "off"}, {"TARN": "stats,stats=off"},
          {"TARN": "stats=on:pools=off:stats=0"}, {"TARN": ""}, {"TARN": ",,::"}]
SPEAKING = [{"TARN": "pools=off,stats"}, {"TARN": "pools=off:stats"}, {"TARN": "stats:pools=off"},
            {"TARN": "stats=off", "TARN_STATS": "on"}, {"TARN": ":stats,"}, {"TARN_STATS": "yes"}]

for environment in SILENT:
    result = run_well(LIBRARY, SUBJECT, **environment)
    expect(result.stderr == "", f"nothing on stderr with {environment}", repr(result.stderr[:300]))
for environment in SPEAKING:
    result = run_well(LIBRARY, SUBJECT, **environment)
    expect("peak" in result.stderr, f"statistics with {environment}", repr(result.stderr[:300]))
