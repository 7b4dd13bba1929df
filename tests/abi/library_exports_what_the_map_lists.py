#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: libtarn.so exports exactly the symbols of preload/exports.map: a stray one could take
# over a function of the program.

import fnmatch
import re
import subprocess
import sys

from preload import expect

LIBRARY, MAP = sys.argv[1:3]

with open(MAP, encoding="utf-8") as file:
    text = re.sub(r"/\*.*?\*/|#[^\n]*", "", file.read(), flags=re.DOTALL)
listed = [name.strip() for section in re.findall(r"global:(.*?)(?:local:|\})", text, re.DOTALL)
          for name in section.split(";") if name.strip()]
expect(listed, "names after global: in the map", "none")
table = subprocess.run(["nm", "--dynamic", "--defined-only", "--format=posix", LIBRARY],
                       capture_output=True, text=True, check=True).stdout
# Type A: the name of the version that the map itself defines.
exported = {line.split()[0].split("@")[0] for line in table.splitlines() if line.split()[1] != "A"}
missing = [name for name in listed if not fnmatch.filter(exported, name)]
stray = [name for name in sorted(exported)
         if not any(fnmatch.fnmatchcase(name, pattern) for pattern in listed)]
expect(not missing, "every listed symbol exported", f"missing {missing}")
expect(not stray, "no other symbol exported", f"stray {stray}")
