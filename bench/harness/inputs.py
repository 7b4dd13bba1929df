# SPDX-License-Identifier: MIT
#
# Makes the files that the real programs work on. Always the same for the same scale: nothing is
# downloaded, and nothing depends on the machine but the version of its compiler.

import os
import random
import subprocess

SCRIPTS = os.path.join(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "workloads", "scripts"
)
GIT_ENVIRONMENT = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_PAGER": "cat"}


def make_preprocessed(work):
    """compile_me.cc with all its headers in one file."""
    path = os.path.join(work, "compile_me.ii")
    subprocess.run(
        ["g++", "-std=c++20", "-E", "-P", os.path.join(SCRIPTS, "compile_me.cc"), "-o", path],
        check=True,
    )
    return path


def find_compiler_proper():
    """cc1plus: the process that g++ starts and that does all the work."""
    return subprocess.run(
        ["g++", "-print-prog-name=cc1plus"], capture_output=True, text=True, check=True
    ).stdout.strip()


def make_queries(work, rows):
    with open(os.path.join(SCRIPTS, "queries.sql"), encoding="utf-8") as file:
        text = file.read().replace("ROWS", str(rows))
    path = os.path.join(work, f"queries-{rows}.sql")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def make_repository(work, commits):
    """A bare git repository of 80 source files with a history of that many commits."""
    path = os.path.join(work, f"repository-{commits}.git")
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", path], check=True)
    source = random.Random(19)
    files = {
        f"src/part{number % 9}/file{number}.c": make_lines(source, 300) for number in range(80)
    }
    stream = []
    for number in range(commits):
        changed = list(files) if number == 0 else source.sample(list(files), 4)
        stream.append(
            "commit refs/heads/main\n"
            f"committer A <a@example.org> {1700000000 + number * 600} +0000\n"
        )
        stream.append(make_data(f"part: change {number}\n\nBecause of {source.random()}.\n"))
        for name in changed:
            edit(source, files[name])
            stream.append(f"M 100644 inline {name}\n" + make_data("".join(files[name])))
    subprocess.run(
        ["git", "-C", path, "fast-import", "--quiet"], input="".join(stream).encode(), check=True
    )
    return path


def make_data(text):
    return f"data {len(text.encode())}\n{text}\n"


def make_lines(source, count):
    return [
        f"    v{source.randrange(500)} = f({source.randrange(10000)}, {source.random()});\n"
        for _ in range(count)
    ]


def edit(source, lines):
    for _ in range(3):
        at = source.randrange(len(lines))
        lines[at : at + source.randrange(4)] = make_lines(source, source.randrange(5))
