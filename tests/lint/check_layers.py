# SPDX-License-Identifier: MIT
"""Who may include whom, and who may talk to the operating system."""

import re

import lint

# Folder: the folders it may include besides itself and the standard library.
MAY_INCLUDE = {
    "src/include": [],
    "src/base": [],
    "src/os": ["src/base"],
    "src/fallback": ["src/base", "src/os"],
    "src/heap": ["src/base", "src/os", "src/fallback", "src/include"],
    "src/checks": ["src/base", "src/os", "src/fallback", "src/heap", "src/include"],
    "src/resources": ["src/base", "src/os", "src/heap", "src/include"],
    # Never the heap: the core knows a tracer only as an interface that preload connects.
    "tracer": ["src/base", "src/os", "src/include"],
    "preload": ["src/base", "src/os", "src/fallback", "src/heap", "src/checks", "src/include",
                "tracer"],
    "bench": ["src"],
    "tests": ["src", "preload", "tracer"],
}

# Of the core only src/os makes system calls.
WITHOUT_SYSTEM_CALLS = ("src/include", "src/base", "src/fallback", "src/heap", "src/checks",
                        "src/resources")
SYSTEM_HEADER = re.compile(r"(sys/(?!types\.h|cdefs\.h)|linux/|asm/|arpa/|net/|netinet/)|"
                           r"(unistd|fcntl|sched|poll|dirent|spawn|dlfcn|signal)\.h$|csignal$")

INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')


def folder_of(path):
    return next((folder for folder in MAY_INCLUDE if str(path).startswith(folder + "/")), None)


def findings(root):
    for path in lint.files(root, "src", "preload", "tracer", "bench", "tests",
                           suffixes=lint.SOURCE_SUFFIXES):
        folder = folder_of(path)
        if folder is None:
            yield f"{path}: in no folder that tests/lint/check_layers.py knows"
            continue
        for number, line in lint.numbered_lines(root / path):
            if match := INCLUDE.match(line):
                problem = problem_of(root, folder, *match.groups())
                if problem:
                    yield f"{path}:{number}: {problem}"


def problem_of(root, folder, bracket, header):
    if header.startswith("tarn/"):
        header = "src/include/" + header
    elif bracket == "<":
        if folder in WITHOUT_SYSTEM_CALLS and SYSTEM_HEADER.match(header):
            return f"{folder} makes no system calls, so may not include <{header}>; see src/os"
        return None
    if not (root / header).is_file():
        return f'"{header}" is no file; includes are written from the root of the repository'
    allowed = [folder, *MAY_INCLUDE[folder]]
    if not any(header.startswith(target + "/") for target in allowed):
        return f"{folder} may not include {header}"
    return None


TREE = {
    "src/include/tarn/malloc.h": "",
    "src/base/a.h": "#include <cstddef>\n#include <sys/types.h>\n",
    "src/base/b.h": '#include <sys/mman.h>\n#include "src/os/memory.h"\n#include "a.h"\n',
    "src/os/memory.h": '#include <unistd.h>\n#include "src/base/a.h"\n#include "src/heap/heap.h"\n',
    "src/heap/heap.h": '#include <fcntl.h>\n# include "src/os/memory.h"\n#include <tarn/malloc.h>\n'
                       '#include "src/checks/canary.h"\n#include "tracer/tracer.h"\n',
    "src/checks/canary.h": '#include "src/heap/heap.h"\n#include "preload/startup.h"\n',
    "src/resources/arena.cc": '#include "src/heap/heap.h"\n#include "src/fallback/fallback.h"\n',
    "src/fallback/fallback.h": '#include "src/heap/heap.h"\n',
    "src/other/x.h": "",
    "tracer/tracer.h": '#include "src/heap/heap.h"\n#include "src/os/memory.h"\n',
    "preload/startup.h": '#include "src/heap/heap.h"\n#include "tests/unit/x.h"\n',
    "bench/x.cc": '#include "src/heap/heap.h"\n#include "tests/unit/x.h"\n',
    "tests/unit/x.h": '#include "preload/startup.h"\n#include "bench/x.h"\n',
    "bench/x.h": "",
}
EXPECTED = [
    "src/base/b.h:1: src/base makes no system calls, so may not include <sys/mman.h>; see src/os",
    "src/base/b.h:2: src/base may not include src/os/memory.h",
    'src/base/b.h:3: "a.h" is no file; includes are written from the root of the repository',
    "src/os/memory.h:3: src/os may not include src/heap/heap.h",
    "src/heap/heap.h:1: src/heap makes no system calls, so may not include <fcntl.h>; see src/os",
    "src/heap/heap.h:4: src/heap may not include src/checks/canary.h",
    "src/heap/heap.h:5: src/heap may not include tracer/tracer.h",
    "src/checks/canary.h:2: src/checks may not include preload/startup.h",
    "src/resources/arena.cc:2: src/resources may not include src/fallback/fallback.h",
    "src/fallback/fallback.h:1: src/fallback may not include src/heap/heap.h",
    "src/other/x.h: in no folder that tests/lint/check_layers.py knows",
    "tracer/tracer.h:1: tracer may not include src/heap/heap.h",
    "preload/startup.h:2: preload may not include tests/unit/x.h",
    "bench/x.cc:2: bench may not include tests/unit/x.h",
    "tests/unit/x.h:2: tests may not include bench/x.h",
]

if __name__ == "__main__":
    lint.main(findings, TREE, EXPECTED)
