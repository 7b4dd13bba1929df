# SPDX-License-Identifier: MIT
"""clang-tidy over the sources of the product: clang_tidy.py BUILD, which clang has configured.

Most of its time goes to headers, so files of the same flags are read together, ten in one. A batch
of which anything is said (it may only be a name that two of its files have) is read once more,
file by file, and what is said then counts. Tests and benchmarks are left out: their macros are not
ours to mend.
"""

import collections
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

BATCH = 10
# A function's paths are followed this far; clang's own bound of 225 000 nodes takes three times the
# time and has never found more here.
ANALYZER = ["-Xclang", "-analyzer-config", "-Xclang", "max-nodes=50000"]
OURS = re.compile(r"(src|preload|tracer)/.*\.cc$")


def tidy(build, file, flags):
    command = ["clang-tidy", "--quiet", file, "--", *flags, *ANALYZER]
    result = subprocess.run(command, cwd=build, capture_output=True, text=True)
    # Without a finding it prints only how many there are in other people's headers.
    return "" if result.returncode == 0 else result.stdout + result.stderr


def flags_of(command):
    """Without the compiler and what it reads and writes."""
    words = [word for word in shlex.split(command) if word != "ccache"][1:]
    for option, values in (("-o", 1), ("-c", 1), ("-MF", 1), ("-MQ", 1), ("-MD", 0)):
        at = words.index(option)
        del words[at:at + 1 + values]
    return tuple(word for word in words if not re.fullmatch(r"-I.*\.p", word))


def batches(build, root):
    """(flags, files) of what is read together."""
    same = collections.defaultdict(list)
    for entry in json.loads((build / "compile_commands.json").read_text()):
        file = (build / entry["file"]).resolve()
        if OURS.match(os.path.relpath(file, root)):
            same[flags_of(entry["command"])].append(file)
    for flags, files in same.items():
        count = -(-len(files) // BATCH)
        # Each its share of all folders: files of one folder are likelier to share a name.
        yield from ((flags, files[first::count]) for first in range(count))


def joined(folder, number, files):
    """One source of them all, whose lines are theirs; in the tree, where .clang-tidy is found."""
    source = folder / f"batch{number}.cc"
    source.write_text("".join(f'#line 1 "{file}"\n{file.read_text()}\n' for file in files))
    return source


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    folder = build / "clang_tidy"
    folder.mkdir(exist_ok=True)

    def findings(job):
        number, (flags, files) = job
        if not tidy(build, joined(folder, number, files), flags):
            return ""
        return "".join(tidy(build, file, flags) for file in files)

    jobs = list(enumerate(batches(build, build.parent)))
    if not jobs:
        sys.exit("clang_tidy.py: no source of ours in compile_commands.json")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = "".join(pool.map(findings, jobs))
    print(found, end="")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
