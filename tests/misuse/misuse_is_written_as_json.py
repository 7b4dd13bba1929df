#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: json= appends a line of JSON for each report on misuse, when the error is found, that says
# the same as the text: kind, message, address, block, stacks, thread, process and the command for the
# next run; also from several processes, of accesses that guards stop, and without names.

import json
import os
import re
import sys
import tempfile

from reports import expect, reports, run_subject

LIBRARY, SUBJECT, *EXPECTED = sys.argv[1:]

STACK = re.compile(r"((?:    #\d+ .*\n)+)")
CALL = re.compile(r"    #\d+ (0x[0-9a-f]+)(?: in (.+?) (\S+?)(?::(\d+))(?::\d+)?$)?", re.MULTILINE)


def kinds():
    """(kind of misuse, options) of each section of the files of expected texts."""
    for path in EXPECTED:
        with open(path, encoding="utf-8") as file:
            for heading in re.findall(r"^### (.*)", file.read(), flags=re.MULTILINE):
                kind, *options = heading.split()
                yield kind, ",".join(["debug", *options])


def check_stack(text, frames, case):
    """At most 64 are in the text, and functions in it have lines if they are known."""
    calls = CALL.findall(text)
    expect(len(calls) == min(len(frames), 64) or "more calls" in text, "all calls", (case, text))
    for (address, function, file, line), frame in zip(calls, frames):
        expect(frame["address"] == address and frame["module"].startswith("/") and
               frame["offset"].startswith("0x"), f"a call at {address}", (case, frame))
        if function:
            seen = frame["function"], frame["file"], frame.get("line", 0)
            expect(seen == (function, file, int(line)), (function, file, line), (case, frame))


def check(report, line, case):
    """One report as text and as JSON."""
    seen = json.loads(line)
    expect(seen["tool"] == "tarn" and seen["format"] == 1, "whose it is", (case, seen))
    expect(f"SUMMARY: tarn: {seen['kind']} in " in report, "the kind", (case, seen))
    expect(f"AddressSanitizer: {seen['message']} (by tarn" in report, "the message", (case, seen))
    expect(report.startswith(f"=={seen['process']}==") and f"thread T{seen['thread']}" in report,
           "process and thread", (case, seen))
    expect(os.path.samefile(seen["executable"], SUBJECT) and seen["arguments"][0] == SUBJECT,
           "the program", (case, seen))
    stacks = STACK.findall(report)
    expect(len(stacks) == sum(1 for frames in seen["stacks"].values() if frames),
           "as many stacks", (case, seen["stacks"].keys(), report))
    order = [name for name in ("access", "free", "allocation") if name in seen["stacks"]]
    for text, name in zip(stacks, order):
        check_stack(text, seen["stacks"][name], case)
    rerun = re.search(r"^To stop at the faulty instruction: (.*)", report, re.MULTILINE)
    expect(seen.get("rerun") == (rerun[1] if rerun else None), "the command", (case, seen))
    check_block(report, seen, case)
    check_place(report, seen, case)


def check_place(report, seen, case):
    place = seen.get("place", {})
    stack = re.search(r"^0x\S+ is on the stack of thread T(\d+)", report, re.MULTILINE)
    data = re.search(r"^0x\S+ is in the (?:data|code or constants) of ([^,\n]+)(?:, (.*)\+\d+)?$",
                     report, re.MULTILINE)
    expect(place.get("stack_of") == (int(stack[1]) if stack else None), "whose stack", (case, seen))
    expect((place.get("module"), place.get("symbol")) == (data.groups() if data else (None, None)),
           "whose data", (case, seen))


def check_block(report, seen, case):
    block = seen.get("block")
    region = re.search(r"(?:(0x[0-9a-f]+) is located (\d+) bytes? (\w+)|The pointer was read) .*?"
                       r"(\d+)-byte region \[(0x[0-9a-f]+),", report)
    expect(bool(block) == bool(region), "a block, if there is one", (case, seen))
    if not block:
        return
    address, distance, where, size, start = region.groups()
    expect((block["address"], block["size"]) == (start, int(size)), "the block", (case, seen))
    expect(block["freed"] == ("freed by thread" in report), "its state", (case, seen))
    if address:
        offset = {"before": -int(distance), "inside": int(distance),
                  "after": int(size) + int(distance)}[where]
        expect((seen["address"], block["offset"]) == (address, offset), offset, (case, seen))
    if "noticed" in report.split("\n")[1]:
        expect(seen["written"]["noticed"] in report, "the occasion", (case, seen))


def check_case(case, path):
    """Returns how many reports there were."""
    kind, options = case
    if os.path.exists(path):
        os.remove(path)
    result = run_subject(LIBRARY, SUBJECT, kind, TARN=f"{options},json={path}")
    texts = reports(result.stderr)
    lines = []
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    expect(len(lines) == len(texts), "a line for each report", (case, result.stderr, lines))
    for text, line in zip(texts, lines):
        check(text, line, case)
    return len(lines)


with tempfile.TemporaryDirectory() as directory:
    counts = {case: check_case(case, f"{directory}/json") for case in kinds()}
    expect(sum(counts.values()) >= len(counts) * 9 // 10 > 30, "a report of nearly each", counts)

    for kind, options in ("overflow", "guard=all,guard_align=exact"), ("double_free", "canary"), \
            ("double_free", "debug,symbolizer=/nowhere"), ("double_free", "debug,on_error=exit"), \
            ("double_free", "debug,on_error=continue"):
        expect(check_case((kind, options), f"{directory}/other") == 1, "a report", (kind, options))

    # Behind what is there; a file for each process.
    for _ in range(2):
        run_subject(LIBRARY, SUBJECT, "double_free", TARN=f"debug,json={directory}/%e.json")
    with open(f"{directory}/{os.path.basename(SUBJECT)}.json", encoding="utf-8") as file:
        processes = {json.loads(line)["process"] for line in file}
    expect(len(processes) == 2, "a line of each", processes)

    result = run_subject(LIBRARY, SUBJECT, "double_free", TARN="debug,json=/nowhere/file")
    expect("/nowhere/file" in result.stderr and len(reports(result.stderr)) == 1,
           "a line that names the file, and the report", result.stderr)
