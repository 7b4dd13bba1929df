#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: leaks_json writes each report as JSON that says what the text says, and more: every entry,
# with whole stacks. It is valid whatever bytes names have. A file that cannot be written is one line,
# and the text comes all the same.

import json
import os
import shutil
import sys
import tempfile

from report import CLASSES, expect, run, run_subject, summary

LIBRARY, SUBJECT = sys.argv[1:3]


def read(path):
    with open(path, encoding="utf-8", errors="strict") as file:
        return json.load(file)


def sums(report, kind):
    groups = [group for group in report["groups"] if group["kind"] == kind]
    return tuple(sum(group[what] for group in groups) for what in ("bytes", "blocks"))


with tempfile.TemporaryDirectory() as directory:
    path = f"{directory}/leaks.json"
    for shape in "nothing", "block", "many", "chain", "ring", "interior", "large_chain", "thread_tls":
        result = run_subject(LIBRARY, SUBJECT, shape, TARN_LEAKS_JSON=path, TARN_LEAKS_MAX="1")
        report = read(path)
        totals = summary(result.stderr)
        for kind in CLASSES:
            seen = (report["totals"][kind]["bytes"], report["totals"][kind]["blocks"])
            expect(seen == totals[kind], f"{totals[kind]} {kind} for {shape}", seen)
            expect(sums(report, kind) == seen, f"as much in the groups of {shape}",
                   sums(report, kind))
        expect(report["heap"]["allocations"] >= totals["reachable"][1], "allocations", report["heap"])
        expect(report["unstopped"] == 0, "all threads stopped", report["unstopped"])

    run_subject(LIBRARY, SUBJECT, "chain", TARN_LEAKS_JSON=path)
    report = read(path)
    expect((report["tool"], report["format"]) == ("tarn", 1), "tarn, format 1", report["tool"])
    expect(report["executable"] == os.path.realpath(SUBJECT), SUBJECT, report["executable"])
    expect(report["arguments"] == [SUBJECT, "chain", "return"], "the arguments", report["arguments"])
    expect(report["shown"] == list(CLASSES), "all classes", report["shown"])
    definite = report["groups"][0]
    expect(definite["kind"] == "definite" and definite["with"]["blocks"] == 2 and
           definite["sizes"] == {"least": definite["bytes"], "most": definite["bytes"]},
           "one block with two others", definite)
    stack = definite["stack"]
    frame = next(frame for frame in stack if frame.get("function") == "main")
    expect(frame["module"] == os.path.realpath(SUBJECT) and frame["file"].endswith("subject.c") and
           frame["line"] > 300 and int(frame["address"], 16) > int(frame["offset"], 16) and
           len(frame["build_id"]) == 40 and not frame["inlined"], "where main is", frame)
    expect(not stack[-1]["inlined"], "the outermost one not inlined", stack[-1])

    # Only what is to be shown has groups; without stacks these are sizes.
    run_subject(LIBRARY, SUBJECT, "many", TARN=f"leaks,stacks=off,leaks_json={path}")
    report = read(path)
    expect(report["rounded"] and report["shown"] == ["definite", "indirect"] and
           len(report["groups"]) > 20 and all(
               group["stack"] == [] and group["sizes"]["least"] == group["sizes"]["most"] and
               group["kind"] in report["shown"] for group in report["groups"]), "sizes", report)

    # Without the tarn command there are addresses.
    run_subject(LIBRARY, SUBJECT, "block", TARN=f"leaks,symbolizer=/no,leaks_json={path}")
    report = read(path)
    expect(not report["names"] and all("function" not in frame and "offset" in frame
                                       for frame in report["groups"][0]["stack"]),
           "addresses", report["groups"][0])

    # A name of any bytes.
    odd = os.path.join(directory.encode(), b'a"b\\c\nd\te\xff\xc3\xa4\xed\xa0\x80\xf0\x9f\x8c\xb2 ')
    shutil.copy(SUBJECT, odd)
    run(LIBRARY, odd, b"block", b"return", b"\x80\xe2\x82",
        TARN=f"leaks,log=/dev/null,leaks_json={directory}/%%%p.json")
    name = [name for name in os.listdir(directory) if name.startswith("%")][0]
    report = read(f"{directory}/{name}")
    expect(name == f"%{report['process']}.json", "the file of this process", name)
    expect(os.path.basename(report["executable"]) == 'a"b\\c\nd\te\ufffdä\ufffd\ufffd\ufffd🌲 ',
           "the name as far as it is text", repr(report["executable"]))
    expect(report["arguments"][3] == "\ufffd\ufffd\ufffd", "three bytes", report["arguments"])
    expect(report["groups"][0]["stack"][0]["module"] == report["executable"], "the same in a stack",
           report["groups"][0]["stack"][0])

    # A report for each end: on demand, and %n counts.
    result = run_subject(LIBRARY, SUBJECT, "chain", "demand",
                         TARN=f"leaks,leaks_json={directory}/number.%n")
    expect(read(f"{directory}/number.0")["totals"]["definite"]["blocks"] == 1, "one block", result)

for path, problem in (("/nonexistent/file", "No such file or directory"),
                      ("/dev/full", "No space left on device")):
    result = run_subject(LIBRARY, SUBJECT, "chain", TARN_LEAKS_JSON=path)
    expect(f"tarn: cannot write '{path}': {problem}\n" in result.stderr and
           result.stderr.count("tarn: cannot") == 1, "one line", result.stderr)
    expect(summary(result.stderr)["definite"][1] == 1, "the report all the same", result.stderr)
