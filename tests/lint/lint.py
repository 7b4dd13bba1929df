# SPDX-License-Identifier: MIT
"""What the lints share. A lint is a function findings(root, ...) that yields one line per finding.

Called as `check_x.py ROOT [ARGUMENT...]` it looks at the project, as `check_x.py --self-test` at a
small tree that breaks each of its rules, of which it must find every break and nothing else.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE_SUFFIXES = (".h", ".cc", ".c")


def files(root, *folders, suffixes=()):
    """The project's files below root/folders, as paths relative to root."""
    for path in sorted(known_to_git(root) if (root / ".git").exists() else below(root)):
        in_folder = not folders or any(path.is_relative_to(folder) for folder in folders)
        if in_folder and (not suffixes or path.name.endswith(tuple(suffixes))):
            yield path


def known_to_git(root):
    """Tracked or new, but not ignored. What a checkout of another user's is, is no concern here."""
    command = ["git", "-c", "safe.directory=*", "-C", root, "ls-files", "-z", "--cached",
               "--others", "--exclude-standard"]
    names = subprocess.run(command, check=True, capture_output=True)
    paths = {Path(os.fsdecode(name)) for name in names.stdout.split(b"\0") if name}
    return [path for path in paths if (root / path).is_file()]


def below(root):
    """Without git (a release archive, the self-tests): all but build trees."""
    return [path.relative_to(root) for path in root.rglob("*")
            if path.is_file() and not path.relative_to(root).parts[0].startswith("build")]


def numbered_lines(path):
    return enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)


def main(findings, tree, expected):
    """`tree` maps the files of the self-test to their contents, `expected` lists its findings."""
    if sys.argv[1:] == ["--self-test"]:
        sys.exit(self_test(findings, tree, expected))
    found = list(findings(Path(sys.argv[1]), *sys.argv[2:]))
    for line in found:
        print(line)
    sys.exit(1 if found else 0)


def self_test(findings, tree, expected):
    with tempfile.TemporaryDirectory(prefix="tarn-lint-") as folder:
        root = Path(folder)
        for name, content in tree.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(content, encoding="utf-8", newline="")
        found = sorted(findings(root))
    missing = sorted(set(expected) - set(found))
    surplus = sorted(set(found) - set(expected))
    for line in missing:
        print(f"not found: {line}")
    for line in surplus:
        print(f"found, but is no break of a rule: {line}")
    return 1 if missing or surplus else 0
