#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: what HEAP SUMMARY calls allocs and frees are the calls that the program has made, those of
# realloc() that leave a block where it is included, as Valgrind and a trace count.

import re
import sys

from report import expect, run

LIBRARY = sys.argv[1]
PROGRAM = 'my $text = ""; $text .= "x" x $_ for 1 .. 3000; my @all = map { [1 .. $_] } 1 .. 100;'

text = run(LIBRARY, "/usr/bin/perl", "-e", PROGRAM,
           TARN="leaks,leaks_show=all,leaks_exitcode=0,trace,trace_file=/dev/null,"
                "symbolizer=/nowhere").stderr
usage = re.search(r"total heap usage: ([\d,]+) allocs, ([\d,]+) frees", text)
counted = re.search(r"== +(\d+) allocations of .* in all, (\d+) frees", text)
expect(usage and counted and usage.group(1).replace(",", "") == counted.group(1) and
       usage.group(2).replace(",", "") == counted.group(2), "the same counts",
       f"{usage and usage.group()}, {counted and counted.group()}")
