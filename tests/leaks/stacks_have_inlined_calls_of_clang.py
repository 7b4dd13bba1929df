#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: calls that clang has inlined are in the stack, in functions of a namespace, too, which it
# describes in another way than gcc.

import sys
import tempfile

from report import entries, expect, run

LIBRARY = sys.argv[1]

SOURCE = """
#include <cstdlib>
void* volatile sink;
namespace outer::inner {
inline __attribute__((always_inline)) void inlined()
{
    sink = std::malloc(1201);
    sink = nullptr;
}
__attribute__((noinline)) void has_inlined()
{
    inlined();
    sink = nullptr;
}
}
int main() { outer::inner::has_inlined(); }
"""

with tempfile.TemporaryDirectory() as directory:
    program = directory + "/program"
    with open(program + ".cc", "w", encoding="utf-8") as file:
        file.write(SOURCE)
    result = run(None, "/usr/bin/clang++", "-O1", "-g", "-fno-builtin", "-o", program,
                 program + ".cc")
    expect(result.returncode == 0, "clang++ to compile", result.stderr)
    text = run(LIBRARY, program, TARN="leaks").stderr
calls = next((entry[3].split("\n") for entry in entries(text) if entry[1] == 1201), [])
expect(len(calls) > 2 and " in outer::inner::inlined() " in calls[0] and
       " in outer::inner::has_inlined() " in calls[1] and " in main " in calls[2],
       "inlined() in has_inlined() in main", text)
