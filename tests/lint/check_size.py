# SPDX-License-Identifier: MIT
"""No file of the product is longer than a reader keeps in mind (functions: see .clang-tidy)."""

import lint

MAX_LINES = 400


def findings(root):
    for path in lint.files(root, "src", "preload", "tracer"):
        lines = sum(1 for _ in lint.numbered_lines(root / path))
        if lines > MAX_LINES:
            yield f"{path}: {lines} lines, {MAX_LINES} are allowed; split it by subject"


TREE = {
    "src/base/long.cc": "\n" * (MAX_LINES + 1),
    "src/base/right.cc": "\n" * MAX_LINES,
    "preload/long.map": "\n" * (MAX_LINES + 5),
    "tests/unit/long_test.cc": "\n" * (2 * MAX_LINES),
}
EXPECTED = [
    "src/base/long.cc: 401 lines, 400 are allowed; split it by subject",
    "preload/long.map: 405 lines, 400 are allowed; split it by subject",
]

if __name__ == "__main__":
    lint.main(findings, TREE, EXPECTED)
