# SPDX-License-Identifier: MIT
"""README and the man pages list the options as `TARN=help` prints them: values, defaults, text.

Arguments: the root, the library. In README an option is a row of a table whose first cell is
`key=values` in backticks, with | written as \\|; in one of the man pages it is a paragraph of its
own after .TP, headed key=values.
"""

import os
import re
import subprocess

import lint

HELP_ROW = re.compile(r"  ([a-z_]+=\S+) +(\S+) +(\S.*)$", re.MULTILINE)
README_ROW = re.compile(r"^\| *`([a-z_]+=[^`]+)` *\| *`?([^|`]*?)`? *\| *((?:\\\||[^|])*?) *\|$",
                        re.MULTILINE)


def findings(root, library=None):
    # The self-test brings what the library would print.
    printed = print_help(library) if library else (root / "help").read_text()
    table = {key: (default, text) for key, default, text in HELP_ROW.findall(printed)}
    if not table:
        yield "TARN=help prints no option"
    yield from compare("README.md", in_readme(root), table)
    yield from compare("man pages", in_manual(root), table)


def print_help(library):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TARN")}
    environment.update(LD_PRELOAD=library, TARN="help")
    result = subprocess.run(["/bin/true"], env=environment, stderr=subprocess.PIPE, text=True,
                            check=True)
    return result.stderr


def in_readme(root):
    path = root / "README.md"
    rows = README_ROW.findall(path.read_text() if path.exists() else "")
    return {unescape(key): (unescape(default), unescape(text)) for key, default, text in rows}


def unescape(cell):
    return cell.replace("\\|", "|").replace("`", "")


def in_manual(root):
    """Options of the man pages; the default is looked for anywhere in the paragraph."""
    pages = [path for path in lint.files(root) if path.suffix == ".7"]
    options = {}
    for page in pages:
        for paragraph in re.split(r"^\.(?:TP|SH|PP).*\n", (root / page).read_text(),
                                  flags=re.MULTILINE):
            head, *body = plain_text(paragraph).split("\n")
            if re.match(r"[a-z_]+=\S+$", head):
                options[head] = (None, " ".join(" ".join(body).split()))
    return options


def plain_text(roff):
    """Without fonts and escapes; of roff no more is used in our page."""
    alternating = re.compile(r"^\.(?:BI|BR|IB|IR|RB|RI) (.*)", re.MULTILINE)
    text = alternating.sub(lambda words: "".join(words[1].split()), roff)
    text = re.sub(r"^\.(?:B|I|RS|RE) ?", "", text, flags=re.MULTILINE)
    return re.sub(r"\\f.|\\&", "", text).replace("\\-", "-").replace('"', "").replace("\\e", "\\")


def compare(document, listed, table):
    if not listed:
        yield f"{document}: lists no option"
        return
    for key, (default, text) in table.items():
        if key not in listed:
            yield f"{document}: option {key} is missing"
            continue
        listed_default, listed_text = listed[key]
        if listed_default is None:
            rest = listed_text.replace(text, "")
            if text not in listed_text or (default != "-" and default not in rest):
                yield f"{document}: {key}: expected '{text}' and default '{default}'"
        elif (listed_default or "-", listed_text) != (default, text):
            yield f"{document}: {key}: expected '{default}' and '{text}'"
    for key in listed:
        if key not in table:
            yield f"{document}: there is no option {key}"


TREE = {
    "help": "tarn options: TARN=key[=value]\n\n  KEY=VALUES     DEFAULT   MEANING\n"
            "  stats=on|off   off       print a block\n  log=PATTERN    -         a file\n"
            "  limit=SIZE     0         most memory\n",
    "README.md": "| Option | Default | Meaning |\n| --- | --- | --- |\n"
                 "| `stats=on\\|off` | `off` | print a block |\n"
                 "| `log=PATTERN` | | some file |\n| `gone=SIZE` | 1 | is no more |\n",
    "preload/tarn.7": ".SH OPTIONS\n.TP\n.B stats=on|off\nprint a block\n(default: off)\n"
                      ".TP\n.BI limit= SIZE\nmost memory\n",
}
EXPECTED = [
    "README.md: log=PATTERN: expected '-' and 'a file'",
    "README.md: option limit=SIZE is missing",
    "README.md: there is no option gone=SIZE",
    "man pages: option log=PATTERN is missing",
    "man pages: limit=SIZE: expected 'most memory' and default '0'",
]

if __name__ == "__main__":
    lint.main(findings, TREE, EXPECTED)
