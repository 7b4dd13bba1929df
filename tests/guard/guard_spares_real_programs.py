#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: real programs do the same under guards, and hardened, as without, and nothing is reported; those that
# live by SIGSEGV, too.

import os
import sys
import tempfile

from report import expect, run

LIBRARY = sys.argv[1]

PROGRAMS = [
    ["/usr/bin/python3", "-c", "import json, re, sqlite3; print(len(json.dumps(list(range(9999)))))"],
    ["/usr/bin/perl", "-e", "my %h; $h{$_} = 'x' x ($_ % 99) for 1..3000; print scalar keys %h"],
    ["/usr/bin/git", "--no-pager", "log", "--oneline", "-20"],
    ["/usr/bin/sqlite3", ":memory:", "create table t(a); with recursive c(x) as (select 1 union "
     "all select x+1 from c where x<2000) insert into t select hex(x) from c; select count(*), "
     "max(a) from t; create index i on t(a); select count(*) from t where a > '3'"],
    ["/usr/bin/gcc", "-O1", "-S", "-o", "-", "-x", "c", os.path.join(os.path.dirname(__file__),
                                                                    "..", "abi", "cfree_frees.c"),
     "-I", os.path.join(os.path.dirname(__file__), "..", "..")],
    ["/bin/bash", "-c", "for i in 1 2 3; do echo $i | sort | cat; done"],
]

with tempfile.TemporaryDirectory() as folder:
    for command in PROGRAMS:
        plain = run(None, *command, TMPDIR=folder)
        for options in ("guard=all", "debug,guard=1/100", "guard=all,guard_align=left", "harden",
                        "harden,zero=alloc"):
            result = run(LIBRARY, *command, TARN=options, TMPDIR=folder, timeout=300)
            expect((result.returncode, result.stdout) == (plain.returncode, plain.stdout),
                   f"{command[0]} with {options} as without", result)
            said = [line for line in result.stderr.splitlines() if "had no guards" not in line]
            expect(said == plain.stderr.splitlines(), f"nothing from {command[0]}", result.stderr)
