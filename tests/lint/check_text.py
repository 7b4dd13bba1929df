# SPDX-License-Identifier: MIT
"""What no formatter looks at: tabs, trailing blanks, line ends, invisible characters, licences."""

import re

import lint

BINARY_SUFFIXES = (".png", ".gz", ".bin")

# Zero width, direction marks, no-break space, soft hyphen, byte order mark: text that a reader does
# not see and a compiler does.
INVISIBLE = re.compile("[\u00a0\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202f"
                       "\u205f-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb]")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")

SOURCES = re.compile(r"(.*/)?([^/]+\.(h|cc|c|py|sh)|meson\.build|meson_options\.txt|dev|run)$")
LICENCE = "SPDX-License-Identifier: MIT"

# This file spells out what it forbids.
SELF = "tests/lint/check_text.py"


def findings(root):
    for path in lint.files(root):
        # The fuzzers' corpora are bytes, whatever they look like.
        if path.suffix in BINARY_SUFFIXES or "corpus" in path.parts:
            continue
        content = (root / path).read_bytes()
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            yield f"{path}: not UTF-8 at byte {error.start}"
            continue
        if text and not text.endswith("\n"):
            yield f"{path}: no newline at the end"
        if text.endswith("\n\n"):
            yield f"{path}: blank line at the end"
        is_source = SOURCES.match(str(path)) is not None
        if is_source and LICENCE not in "".join(text.splitlines(keepends=True)[:3]):
            yield f"{path}: no '{LICENCE}' in its first lines"
        for number, line in enumerate(text.split("\n"), 1):
            for problem in problems_of(line, is_source and str(path) != SELF):
                yield f"{path}:{number}: {problem}"


def problems_of(line, is_source):
    if "\t" in line:
        yield "tab"
    if "\r" in line:
        yield "carriage return"
    if line.rstrip("\r").endswith((" ", "\t")):
        yield "trailing blank"
    if match := INVISIBLE.search(line):
        yield f"invisible character U+{ord(match[0]):04X}"
    if is_source and (match := UNFINISHED.search(line)):
        yield f"{match[1]}: finish it or open an issue"


TREE = {
    "good.cc": f"// {LICENCE}\n\nint x; // ä, 中\n",
    "tab.cc": f"// {LICENCE}\n\tint x;\n",
    "blank.md": "text \nmore\n",
    "end.md": "text",
    "blank_end.md": "text\n\n",
    "crlf.md": "text\r\n",
    "hidden.py": f"# {LICENCE}\nx = 1  # \u200b\n",
    "direction.md": "a \u202e b\n",
    "licence.py": "x = 1\n",
    "folder/meson.build": "x = 1\n",
    "unfinished.h": f"// {LICENCE}\n// TODO: think\n",
    "build/generated.cc": "\t\n",
}
EXPECTED = [
    "tab.cc:2: tab",
    "blank.md:1: trailing blank",
    "end.md: no newline at the end",
    "blank_end.md: blank line at the end",
    "crlf.md:1: carriage return",
    "hidden.py:2: invisible character U+200B",
    "direction.md:1: invisible character U+202E",
    f"licence.py: no '{LICENCE}' in its first lines",
    f"folder/meson.build: no '{LICENCE}' in its first lines",
    "unfinished.h:2: TODO: finish it or open an issue",
]

if __name__ == "__main__":
    lint.main(findings, TREE, EXPECTED)
