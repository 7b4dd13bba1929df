# SPDX-License-Identifier: MIT
"""bc: numbers of thousands of digits, each operation a new block."""

import math

import harness


def check(workdir):
    bc = harness.program("bc", "bc")
    script = """
define f(n) { auto i, r; r = 1; for (i = 2; i <= n; i++) r *= i; return r; }
f(1200)
3^8000 % 10^500
2^20000 / 7^3000
sqrt(5 * 10^2400)
"""
    output = harness.preloaded([bc, "-q"], input=script.encode(), env={"BC_LINE_LENGTH": "0"})
    wanted = [math.factorial(1200), pow(3, 8000, 10 ** 500), 2 ** 20000 // 7 ** 3000,
              math.isqrt(5 * 10 ** 2400)]
    harness.expect("bc", output.decode().split(), [str(number) for number in wanted])


harness.main(check)
