#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: real programs run as before with leaks=on; what they lose is found, also a leak planted in
# python3, and classified as Valgrind does it.

import sys
import tempfile

from report import blocks, expect, run

LIBRARY = sys.argv[1]


def leaks(*command, options="leaks,leaks_exitcode=0", timeout=60):
    result = run(LIBRARY, *command, TARN=options, timeout=timeout)
    expect(result.returncode == 0, f"{command[0]} to end well", result.stderr[-500:])
    return result


PLANT = """
import ctypes
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
for _ in range(7):
    libc.memset(libc.malloc(54321), 0x41, 100)
print("done")
"""
result = leaks("/usr/bin/python3", "-c", PLANT, options="leaks,leaks_exitcode=0,leaks_max=1000")
expect(result.stdout == "done\n", "python's output", repr(result.stdout))
found = [line for line in result.stderr.splitlines() if "of 57344 byte(s)" in line]
expect(any(line.startswith("Direct leak of 401408 byte(s) in 7 object(s)") for line in found) or
       any("in 6 object(s)" in line for line in found),
       "six or seven blocks (the last may still be in a register)", result.stderr[:3000])
expect("AAAAAAAAAAAAAAAA" in result.stderr, "their contents", result.stderr[:3000])

# What Valgrind says of the same program, which frees next to nothing at its end.
PERL = ["/usr/bin/perl", "-e", "my %h; $h{$_} = $_ x 3 for 1..20000; print scalar keys %h"]
seen = blocks(leaks(*PERL).stderr, "perl")
judge = run(None, "/usr/bin/valgrind", "--leak-check=summary", *PERL, timeout=100)
wanted = blocks(judge.stderr, "perl under valgrind")
for name in "definite", "indirect":
    expect(abs(seen[name] - wanted[name]) <= 10, f"{wanted[name]} blocks of perl {name}", seen)
# One word more or less on a stack makes a whole chain of these reachable.
expect(wanted["possible"] // 2 <= seen["possible"] <= wanted["possible"] * 11 // 10,
       f"some {wanted['possible']} blocks of perl possible", seen)

with tempfile.TemporaryDirectory() as directory:
    source = directory + "/hello.c"
    with open(source, "w", encoding="utf-8") as file:
        file.write("int main(void) { return 0; }\n")
    leaks("/usr/bin/gcc", "-c", "-o", directory + "/hello.o", source)
