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
PYTHON = ["/usr/bin/python3", "-c", PLANT]
for options, size, detail in (("stacks=off", 57344, "AAAAAAAAAAAAAAAA"),
                              ("stacks=on", 54321, " in ffi_call")):
    result = leaks(*PYTHON, options=f"leaks,leaks_exitcode=0,leaks_max=1000,{options}")
    expect(result.stdout == "done\n", "python's output", repr(result.stdout))
    # The last one may still be in a register.
    expect(any(f"Direct leak of {size * count} byte(s) in {count} object(s)" in result.stderr
               for count in (6, 7)), f"six or seven blocks of {size}", result.stderr[:3000])
    expect(detail in result.stderr, detail, result.stderr[:3000])

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
