# SPDX-License-Identifier: MIT
#
# Which allocators take part: Debian's, ours, the two references, and what the user names.

import glob
import hashlib
import os
import subprocess
from dataclasses import dataclass, field

# name -> (where Debian puts it, the package that has it)
DEBIAN_PEERS = {
    "mimalloc": ("/usr/lib/*-linux-gnu*/libmimalloc.so.2*", "libmimalloc2.0"),
    "jemalloc": ("/usr/lib/*-linux-gnu*/libjemalloc.so.2", "libjemalloc2"),
    "tcmalloc": ("/usr/lib/*-linux-gnu*/libtcmalloc_minimal.so.4", "libtcmalloc-minimal4"),
}
GLIBC_FILES = "/usr/lib/*-linux-gnu*/libc.so.6"
REFERENCES = ("sol", "nop")


@dataclass
class Allocator:
    name: str
    path: str  # of the library as the kernel will show it: no symbolic links
    preload: bool = True
    runs_programs: bool = True
    environment: dict = field(default_factory=dict)
    version: str = ""

    @property
    def role(self):
        """`ours` and `reference` are compared with the best `peer`, and are never that peer."""
        if self.name.startswith("tarn"):
            return "ours"
        return "reference" if self.name in REFERENCES else "peer"

    def library_for(self, program_has_own_malloc):
        """The value of LD_PRELOAD. In a program linked to another malloc even glibc's needs it."""
        return self.path if self.preload or program_has_own_malloc else None


def find_allocators(build, libraries, environments, notes):
    """All allocators to compare. `libraries` and `environments` are the user's NAME=PATH and
    NAME:VARIABLE=VALUE; what is missing is told in `notes`."""
    found = {"glibc": Allocator("glibc", first_match(GLIBC_FILES), preload=False)}
    for name, (pattern, package) in DEBIAN_PEERS.items():
        path = first_match(pattern)
        if path:
            found[name] = Allocator(name, path)
        else:
            notes.append(f"{name} is not installed: apt-get install {package}")
    ours = os.path.join(build, "preload", "libtarn.so")
    if os.path.exists(ours):
        found["tarn"] = Allocator("tarn", os.path.realpath(ours))
    elif not any(entry.startswith("tarn") for entry in libraries):
        notes.append(f"{ours} is not built: only the peers are compared")
    for name in REFERENCES:
        path = os.path.join(build, "bench", "malloc", f"libreference_{name}.so")
        if os.path.exists(path):
            found[name] = Allocator(name, os.path.realpath(path), runs_programs=False)
    for entry in libraries:
        name, _, path = entry.partition("=")
        if not path or not os.path.isfile(path):
            raise SystemExit(
                f"compare.py: --lib {entry}: expected NAME=PATH of a library that exists"
            )
        found[name] = Allocator(name, os.path.realpath(path))
    for entry in environments:
        name, _, assignment = entry.partition(":")
        variable, equals, value = assignment.partition("=")
        if name not in found or not equals:
            raise SystemExit(
                f"compare.py: --env {entry}: expected NAME:VARIABLE=VALUE, "
                f"NAME one of {', '.join(found)}"
            )
        found[name].environment[variable] = value
    for allocator in found.values():
        allocator.version = version_of(allocator)
    return list(found.values())


def first_match(pattern):
    paths = sorted(glob.glob(pattern))
    return os.path.realpath(paths[0]) if paths else None


def version_of(allocator):
    """The Debian package and its version, or the first digits of the file's hash."""
    owner = subprocess.run(
        ["dpkg-query", "--search", allocator.path, allocator.path.removeprefix("/usr")],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    if owner:
        package = owner.split(": ")[0]
        version = subprocess.run(
            ["dpkg-query", "--show", "--showformat=${Version}", package],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        return f"{package.split(':')[0]} {version}"
    with open(allocator.path, "rb") as file:
        return "sha256 " + hashlib.sha256(file.read()).hexdigest()[:12]
