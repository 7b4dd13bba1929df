# SPDX-License-Identifier: MIT
"""The guide of the allocator library, and recommend(), name types and functions that exist where
they say: a row of the guide's tables in one of the headers that it ends with.
"""

import re

import lint

HEADERS = "src/include/tarn"
GUIDE = f"{HEADERS}/README.md"
RECOMMEND = f"{HEADERS}/recommend.h"

ROW = re.compile(r"\|[^|]*\|(?P<names>[^|]*)\|(?P<headers>[^|]*)\|$")
CODE = re.compile(r"`([^`]*)`")
RECOMMENDATION = re.compile(
    r'\.recommendation = \{"(?P<name>[^"]*)",\s*"<tarn/(?P<header>[^"]*)>"', re.S)


def findings(root):
    for number, line in lint.numbered_lines(root / GUIDE):
        row = ROW.match(line)
        if row and CODE.search(row["headers"]):
            for name in CODE.findall(row["names"]):
                yield from problem(root, f"{GUIDE}:{number}", name, CODE.findall(row["headers"]))
    text = (root / RECOMMEND).read_text(encoding="utf-8")
    for found in RECOMMENDATION.finditer(text):
        number = text.count("\n", 0, found.start()) + 1
        yield from problem(root, f"{RECOMMEND}:{number}", found["name"], [found["header"]])


def problem(root, place, name, headers):
    paths = [root / HEADERS / header for header in headers]
    if not any(path.exists() and declares(path.read_text(encoding="utf-8"), name)
               for path in paths):
        yield f"{place}: {' '.join(headers)} has no {name}"


def declares(text, name):
    """Whether that is a class, alias or, with (), a function there; what is in <> does not count."""
    plain = re.escape(re.sub(r"<.*>|\(\)", "", name))
    patterns = [rf"[^/\n]*[\s*&]{plain}\("]
    if not name.endswith("()"):
        patterns += [rf"(template <.*> )?(class|struct)( TARN_API)? {plain}\b[^;]*$",
                     rf"(template <.*> )?using {plain} ="]
    return any(re.search(f"^{pattern}", text, re.M) for pattern in patterns)


TREE = {
    GUIDE: "| what | type | header |\n"
           "|---|---|---|\n"
           "| a | `Arena`, by name `find()` | `arena.h` |\n"
           "| b | `Pool<T>`, `Gone<N>` | `arena.h`, `pool.h` |\n"
           "| c | `Pool<T>` | `gone.h` |\n"
           "| d | `gone()` | `arena.h` |\n",
    RECOMMEND: 'a{.recommendation = {"Arena", "<tarn/arena.h>", ""}}\n'
               'b{.recommendation = {"Pool<T>",\n    "<tarn/arena.h>"}}\n',
    f"{HEADERS}/arena.h": "class Gone;\n// Pool, gone()\nclass TARN_API Arena {\n};\n"
                          "API Arena* find();\n",
    f"{HEADERS}/pool.h": "template <class T> class Pool final : public Arena {\n",
}
EXPECTED = [
    f"{GUIDE}:4: arena.h pool.h has no Gone<N>",
    f"{GUIDE}:5: gone.h has no Pool<T>",
    f"{GUIDE}:6: arena.h has no gone()",
    f"{RECOMMEND}:2: arena.h has no Pool<T>",
]

if __name__ == "__main__":
    lint.main(findings, TREE, EXPECTED)
