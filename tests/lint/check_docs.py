# SPDX-License-Identifier: MIT
"""Documents tell the truth about the tree: paths, links and headings they name exist.

In backticks, a word counts as a path when it begins with a folder of ours or ends like a source
file; it may be written from the root, from the document's folder or from src/include, and may hold
* and ?.
"""

import re
import urllib.parse
from pathlib import Path

import lint

TOP_FOLDERS = ("src", "preload", "tracer", "tests", "bench", ".ci")
NAMED_FILE = re.compile(r"[\w.*?-]+\.(h|cc|c|py|sh|md|map)$")
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"#+ +(.*?)#*$")

# Tells what was, not what is.
HISTORY = "CHANGELOG.md"


def findings(root):
    known = set(lint.files(root))
    folders = {parent for path in known for parent in path.parents}
    for document in sorted(path for path in known if path.suffix == ".md"):
        if document.name == HISTORY:
            continue
        for number, line in prose(root / document):
            for word in CODE.findall(line):
                if is_path(word) and not exists(word, document.parent, known, folders):
                    yield f"{document}:{number}: no such file: {word}"
            for target in LINK.findall(re.sub(CODE, "", line)):
                problem = link_problem(root, document, target)
                if problem:
                    yield f"{document}:{number}: {problem}"


def prose(path):
    """Lines outside of fenced blocks, which hold commands and their output."""
    fenced = False
    for number, line in lint.numbered_lines(path):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, line


def is_path(word):
    if re.search(r"[\s<>{}$%=()|,;:]", word) or word.startswith(("/", "-", "~")):
        return False
    parts = word.removeprefix("./").split("/")
    in_our_folder = len(parts) > 1 and parts[0] in TOP_FOLDERS
    return in_our_folder or NAMED_FILE.match(parts[-1]) is not None


def exists(word, folder, known, folders):
    wanted = Path(word.removeprefix("./"))
    for base in (Path(), folder, Path("src/include")):
        pattern = str(base / wanted)
        if any(path.match(pattern) and len(path.parts) == len(Path(pattern).parts)
               for path in known | folders):
            return True
    # A name alone, as in "see size_class.h", is that of a file anywhere.
    return len(wanted.parts) == 1 and any(path.match(str(wanted)) for path in known)


def link_problem(root, document, target):
    if re.match(r"[a-z]+:", target):
        return None
    path, _, anchor = urllib.parse.unquote(target).partition("#")
    file = (root / document.parent / path) if path else root / document
    if not file.exists():
        return f"link to nowhere: {target}"
    if anchor and file.suffix == ".md" and anchor not in anchors(file):
        return f"link to a heading that is not there: {target}"
    return None


def anchors(path):
    """Names of a document's headings, by GitHub's rule."""
    headings = [match[1] for _, line in prose(path) if (match := HEADING.match(line))]
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
            for heading in headings}


TREE = {
    "README.md": "# Two words, here\n"
                 "`src/base/a.h` `./dev` `src/base` `src/*/a.h` `a.h` `tarn/malloc.h`\n"
                 "`src/base/gone.h` `gone.cc` `/usr/lib/gone.h` `x -o gone.cc` `src/base/<x>.h`\n"
                 "[a](src/base/a.h) [b](gone.md) [c](#two-words-here) [d](#three)\n"
                 "```\n`src/gone.h`\n```\n"
                 "`tests/gone/` `docs/x` `malloc()` `<stdio.h>` `build/x` [e](https://x.org/y)\n",
    "src/base/README.md": "`a.h` `b.h` [up](../../README.md#two-words-here)\n",
    "src/base/a.h": "",
    "src/include/tarn/malloc.h": "",
    "CHANGELOG.md": "`src/base/gone.h`\n",
}
EXPECTED = [
    "README.md:3: no such file: src/base/gone.h",
    "README.md:3: no such file: gone.cc",
    "README.md:4: link to nowhere: gone.md",
    "README.md:4: link to a heading that is not there: #three",
    "README.md:8: no such file: tests/gone/",
    "src/base/README.md:1: no such file: b.h",
]

if __name__ == "__main__":
    lint.main(findings, TREE, EXPECTED)
