#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: libtarn.so needs libc and no other library: every program that starts under the preload
# would pay for it, and libstdc++ or libunwind would change how its exceptions work.

import re
import subprocess
import sys

from preload import expect

LIBRARY = sys.argv[1]

text = subprocess.run(["readelf", "--dynamic", "--wide", LIBRARY], capture_output=True, text=True,
                      check=True).stdout
needed = re.findall(r"\(NEEDED\).*\[(.*)\]", text)
expect(needed == ["libc.so.6"], "libc.so.6 alone in DT_NEEDED", str(needed))
