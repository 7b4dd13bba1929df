# SPDX-License-Identifier: MIT
"""g++ compiles files of this project; the object files must be the same to the byte.

Arguments: the library, the build directory (its compile_commands.json says how).
"""

import json
import shlex
import sys
from pathlib import Path

import harness

OPTIONS = ("-I", "-D", "-O", "-g", "-f", "-std")
FILES = 4  # the largest ones: a compilation is the longest run of this suite


def compilations():
    database = Path(sys.argv[2]) / "compile_commands.json"
    entries = {}
    for entry in json.loads(database.read_text()):
        source = (Path(entry["directory"]) / entry["file"]).resolve()
        words = shlex.split(entry["command"])
        if source.suffix == ".cc" and "src" in source.parts and Path(words[-1]).suffix == ".cc":
            entries.setdefault(source, (entry["directory"], words))
    largest = sorted(entries, key=lambda source: (-source.stat().st_size, source))[:FILES]
    return [(source, *entries[source]) for source in largest]


def check(workdir):
    compiler = harness.program("g++", "g++")
    found = compilations()
    harness.expect(f"files of src/ in {sys.argv[2]}/compile_commands.json", len(found), FILES)
    for source, directory, words in found:
        options = [word for word in words if word.startswith(OPTIONS)]
        objects = []
        for runner in (harness.plain, harness.preloaded):
            runner([compiler, *options, "-fno-lto", "-frandom-seed=tarn", "-c", source, "-o",
                    workdir / "object.o"], cwd=directory)
            objects.append((workdir / "object.o").read_bytes())
        if objects[0] != objects[1]:
            harness.fail(f"{source}: the object file differs under the preload")


harness.main(check)
