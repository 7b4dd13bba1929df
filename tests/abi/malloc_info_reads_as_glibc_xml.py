#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: malloc_info() writes well-formed XML with the elements that readers of glibc's output
# look up (jemalloc's and mimalloc's users lose them), and the sizes in it are not less than what
# is live.

import sys
import xml.etree.ElementTree as ElementTree

from preload import expect, run

LIBRARY, PROGRAM = sys.argv[1:3]


def number(parent, tag, kind, attribute):
    """Returns the attribute of parent's child <tag type=kind>, which must be a number."""
    element = parent.find(f"{tag}[@type='{kind}']")
    expect(element is not None, f'<{tag} type="{kind}"> in <{parent.tag}>', "none")
    value = element.get(attribute, "no such attribute")
    expect(value.isdigit(), f'a number in <{tag} type="{kind}" {attribute}=...>', value)
    return int(value)


def check_totals(parent):
    for kind in "fast", "rest":
        number(parent, "total", kind, "count")
        number(parent, "total", kind, "size")
    current = number(parent, "system", "current", "size")
    expect(number(parent, "system", "max", "size") >= current, "system max >= current", "less")
    number(parent, "aspace", "total", "size")
    number(parent, "aspace", "mprotect", "size")
    return current


result = run(LIBRARY, PROGRAM)
expect(result.returncode == 0, "exit status 0", f"{result.returncode}: {result.stderr}")
live, text = result.stdout.split("\n", 1)
try:
    root = ElementTree.fromstring(text)
except ElementTree.ParseError as error:
    expect(False, "well-formed XML", f"{error} in {text[:200]!r}")
expect(root.tag == "malloc" and root.get("version") == "1", '<malloc version="1">',
       f"<{root.tag} {root.attrib}>")
heaps = root.findall("heap")
expect(heaps, "at least one <heap>", "none")
for index, heap in enumerate(heaps):
    expect(heap.get("nr") == str(index), f'<heap nr="{index}">', str(heap.attrib))
    expect(heap.find("sizes") is not None, "<sizes> in each heap", "none")
    check_totals(heap)
mapped = number(root, "total", "mmap", "size")
number(root, "total", "mmap", "count")
system = check_totals(root)
expect(system + mapped >= int(live), f"at least the {live} live bytes in the system and mmap sizes",
       str(system + mapped))
