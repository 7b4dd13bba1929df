# SPDX-License-Identifier: MIT
"""What the tests of an installation share."""

import os
import shutil
import subprocess
import sys


def expect(what, seen, wanted):
    if seen != wanted:
        sys.exit(f"{what}: expected {wanted!r}, seen {seen!r}")


def tool(name, package):
    found = shutil.which(name)
    if found is None:
        sys.exit(f"{name} not found: install the Debian package '{package}'")
    return found


def output_of(*command, **environment):
    """Standard output and error of a command that ends well; a name set to None is taken out of
    the environment."""
    merged = {**os.environ, "LC_ALL": "C.UTF-8", **environment}
    merged = {name: value for name, value in merged.items() if value is not None}
    result = subprocess.run(command, env=merged, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, check=False)
    if result.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: status {result.returncode}\n{result.stdout}")
    return result.stdout.strip()
