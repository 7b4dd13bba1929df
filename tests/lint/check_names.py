# SPDX-License-Identifier: MIT
"""The guide of the allocator library, and recommend(), name types and functions that exist where
they say: a row of the guide's tables in one of the headers that it ends with. What the guide sends
people to who come from elsewhere, in tables of two columns, exists in any header.
"""

import re

import lint

HEADERS = "src/include/tarn"
GUIDE = f"{HEADERS}/README.md"
RECOMMEND = f"{HEADERS}/recommend.h"

MIGRATION = re.compile(r"\|[^|]*\|(?P<names>[^|]*)\|$")
ROW = re.compile(r"\|[^|]*\|(?P<names>[^|]*)\|(?P<headers>[^|]*)\|$")
CODE = re.compile(r"`([^`]*)`")
RECOMMENDATION = re.compile(
    r'\.recommendation = \{"(?P<name>[^"]*)",\s*"<tarn/(?P<header>[^"]*)>"', re.S)


def findings(root):
    words = set().union(*(words_of(root / path)
                          for path in lint.files(root, HEADERS, suffixes=(".h",))))
    for number, line in lint.numbered_lines(root / GUIDE):
        migration = MIGRATION.match(line)
        for name in CODE.findall(migration["names"]) if migration else ():
            for word in re.findall(r"\w+", re.sub(r"<.*>|\(.*\)", "", name)):
                if word not in words:
                    yield f"{GUIDE}:{number}: no header has {word}"
        row = ROW.match(line)
        if row and CODE.search(row["headers"]):
            for name in CODE.findall(row["names"]):
                yield from problem(root, f"{GUIDE}:{number}", name, CODE.findall(row["headers"]))
    text = (root / RECOMMEND).read_text(encoding="utf-8")
    for found in RECOMMENDATION.finditer(text):
        number = text.count("\n", 0, found.start()) + 1
        yield from problem(root, f"{RECOMMEND}:{number}", found["name"], [found["header"]])


def words_of(path):
    """Those that are no part of a comment."""
    text = path.read_text(encoding="utf-8")
    return set(re.findall(r"\w+", re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)))


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
           "| d | `gone()` | `arena.h` |\n"
           "\n"
           "| `from` | `Arena::find()`, `Pool<T>` |\n"
           "| `from` | `Arena::keep(n)` |\n",
    RECOMMEND: 'a{.recommendation = {"Arena", "<tarn/arena.h>", ""}}\n'
               'b{.recommendation = {"Pool<T>",\n    "<tarn/arena.h>"}}\n',
    f"{HEADERS}/arena.h": "class Gone;\n// Pool, gone(), keep()\n/* keep\n * keep */\nclass TARN_API Arena {\n};\n"
                          "API Arena* find();\n",
    f"{HEADERS}/pool.h": "template <class T> class Pool final : public Arena {\n",
}
EXPECTED = [
    f"{GUIDE}:4: arena.h pool.h has no Gone<N>",
    f"{GUIDE}:5: gone.h has no Pool<T>",
    f"{GUIDE}:6: arena.h has no gone()",
    f"{GUIDE}:9: no header has keep",
    f"{RECOMMEND}:2: arena.h has no Pool<T>",
]

if __name__ == "__main__":
    lint.main(findings, TREE, EXPECTED)
