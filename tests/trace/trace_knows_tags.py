#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: what is allocated under a tag is counted as that tag's, exactly, until it is freed, by
# whichever thread, in the report and as a label of the profile; a sample knows it about; leak
# reports name it. Tags that cannot be do no harm. Budgets say how often they were exceeded, limits are
# kept.

import json
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "abi"))

from preload import expect, run  # noqa: E402  (found by way of the line above)
from profile import Profile  # noqa: E402

LIBRARY, SUBJECT = sys.argv[1:3]


def in_bytes(text):
    number, unit = text.split()
    return float(number) * {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20}[unit]


def table(text):
    """Tag: bytes in use at most and at the end, blocks at the end, bytes and blocks allocated."""
    rows = {}
    for line in text.split("Tags, each with all that is inside it:")[1].split("\n")[2:]:
        match = re.fullmatch(r"==\d+== +(-|\S+ \S+) +(\S+ \S+) +(\d+) +(\S+ \S+) +(\d+)  (.*)", line)
        if not match:
            break
        most, live, blocks, size, allocations, tag = match.groups()
        rows[tag] = (None if most == "-" else in_bytes(most), in_bytes(live), int(blocks),
                     in_bytes(size), int(allocations))
    return rows


def about(seen, wanted):
    return abs(seen - wanted) <= wanted / 15 + 1


def check_tags(directory):
    for threads in 1, 4:
        path = f"{directory}/tags{threads}.pb.gz"
        result = run(LIBRARY, SUBJECT, "tags", str(threads), TARN=f"trace,trace_file={path}")
        expect(result.returncode == 0, "the program's own status", result.stderr)
        profile = Profile(path)
        for tag, blocks, size, live_blocks, live_bytes in (
                ("render", 10, 1000, 4, 400), ("render::textures", 5, 5000, 3, 3000)):
            for kind, wanted in zip(profile.types, (blocks, size, live_blocks, live_bytes)):
                seen = profile.tagged(tag, kind)
                expect(seen == wanted * threads, f"{wanted * threads} {kind} of {tag}", seen)
        expect(set(profile.tags) == {"", "render", "render::textures"}, "two tags", profile.tags)
        untagged = sum(values["alloc_objects"] for (values, calls), tag
                       in zip(profile.samples, profile.tags)
                       if tag == "" and "keep" in calls)
        expect(untagged == 7 * threads, f"{7 * threads} blocks without a tag", untagged)
        expect(all("main" in calls or "use_tags" in calls for (_, calls), tag
                   in zip(profile.samples, profile.tags) if tag), "whole stacks", profile.samples)
        if threads == 1:
            expect(profile.tagged("render::textures", "freed_elsewhere_objects") == 2,
                   "two that another thread freed", profile.samples)

        rows = table(result.stderr)
        for tag, blocks, live in ("render", 15, 7), ("render::textures", 5, 3):
            expect(rows[tag][2] == live * threads and rows[tag][4] == blocks * threads,
                   f"{blocks} blocks of {tag} from each thread", rows)
        for tag, wanted in ("render", (5400, 3400, 6000)), ("render::textures", (5000, 3000, 5000)):
            seen = (rows[tag][0], rows[tag][1], rows[tag][3])
            expect(threads > 1 or all(map(about, seen, wanted)), f"{wanted} of {tag}", seen)
        expect("bytes each" in result.stderr and "; tagged render::textures\n" in result.stderr,
               "the tag of a place", result.stderr)


def check_changes(directory):
    """The stack is the same each time, but for the tag."""
    path = f"{directory}/switch.pb.gz"
    result = run(LIBRARY, SUBJECT, "switch", "10000", TARN=f"trace,trace_file={path}")
    profile = Profile(path)
    for tag, blocks, live in ("one", 5000, 0), ("two", 5000, 500):
        expect(profile.tagged(tag, "alloc_objects") == blocks, f"{blocks} of {tag}", result.stderr)
        expect(profile.tagged(tag, "inuse_objects") == live, f"{live} of {tag}", result.stderr)

    result = run(LIBRARY, SUBJECT, "switch", "200000",
                 TARN=f"profile,sample=4k,trace_file={path}")
    profile = Profile(path)
    for tag, kind, wanted in (("one", "alloc_objects", 100000), ("two", "alloc_objects", 100000),
                              ("two", "inuse_objects", 10000)):
        seen = profile.tagged(tag, kind)
        # Of 64 bytes one in 64 blocks is in the sample.
        expect(abs(seen - wanted) <= 6 * (wanted * 64) ** 0.5, f"about {wanted} {kind} of {tag}", seen)
    expect(abs(profile.tagged("one", "inuse_objects")) == 0, "none of one in use", result.stderr)
    expect("; tagged two\n" in result.stderr, "the tag of a place", result.stderr)


def check_budgets():
    result = run(LIBRARY, SUBJECT, "budget", TARN="trace,symbolizer=/nowhere")
    expect(result.returncode == 0, "the program's own status", result.stderr)
    for line in (r"budget of a: 39\.0 KiB, exceeded 3 times, first \d+ ms after the start; 48\.8 KiB "
                 r"in use at most", r"budget of a::b: 1\.9 KiB, exceeded 1 time, \d+ ms after the "
                 r"start; 4\.8 KiB in use at most",
                 r"budget of c: 1000 B, never exceeded; 1000 B in use at most"):
        expect(re.search(line, result.stderr), line, result.stderr)
    expect("none" not in result.stderr.split("Tags,")[1].split("Places")[0],
           "no line about a tag that nothing has", result.stderr)


def check_limits():
    for options in "trace,trace_file=/dev/null", "trace,trace_file=/dev/null,debug", \
            "limit_allocs=1000000":
        result = run(LIBRARY, SUBJECT, "limit", TARN=f"{options},symbolizer=/nowhere")
        expect(result.returncode == 0, f"what the header says of each call, with {options}",
               result.stderr)
        # With checks a block that becomes smaller moves, too.
        for line in (r"limit of a: none any more, 4 requests refused; (9\.7|18\.5) KiB in use at most",
                     r"limit of a::b: 1\.9 KiB, 1 request refused; 1\.9 KiB in use at most"):
            expect(options.startswith("limit") or re.search(line, result.stderr), line,
                   result.stderr)
    result = run(LIBRARY, SUBJECT, "limit", TARN="profile,trace_file=/dev/null")
    expect("not so: tarn_tag_limit" in result.stderr, "no limits of a sample", result.stderr)


def check_leaks(directory):
    path = f"{directory}/leaks.json"
    result = run(LIBRARY, SUBJECT, "lose", TARN=f"leaks,leaks_json={path}")
    expect(result.returncode == 23, "the status of a leak", result.returncode)
    entries = result.stderr.split("Direct leak of ")[1:]
    tagged = {entry.split()[0]: re.findall(r"\n    Tagged (.*)\.\n\n", entry) for entry in entries}
    expect(tagged == {"1234": ["shop::cart"], "4321": []}, "one with a tag", result.stderr)
    with open(path) as file:
        groups = {group["bytes"]: group.get("tag") for group in json.load(file)["groups"]}
    expect(groups == {1234: "shop::cart", 4321: None}, "one with a tag", groups)
    # Frames are those of the program, for suppressions, too.
    with open(f"{directory}/suppressions", "w") as file:
        file.write("{\n cart\n Memcheck:Leak\n fun:block_of\n fun:lose\n ...\n fun:main\n ...\n}\n")
    result = run(LIBRARY, SUBJECT, "lose", TARN="leaks",
                 TARN_SUPPRESSIONS=f"{directory}/suppressions")
    expect(result.returncode == 0, "all of them suppressed", result.stderr)


with tempfile.TemporaryDirectory() as directory:
    check_tags(directory)
    check_changes(directory)
    check_budgets()
    check_limits()
    check_leaks(directory)
    result = run(LIBRARY, SUBJECT, "fork", TARN="trace,symbolizer=/nowhere")
    expect(result.returncode == 0, "children that end", result.stderr)
    path = f"{directory}/deep.pb.gz"
    result = run(LIBRARY, SUBJECT, "deep", TARN=f"trace,trace_file={path}")
    expect(result.returncode == 0, "what the header says of each call", result.stderr)
    profile = Profile(path)
    for tag, size in ("::".join(62 * ["a"]), 111), ("x::y", 333):
        expect(profile.tagged(tag, "alloc_space") == size, f"{size} bytes of {tag}", profile.tags)
    expect(set(profile.tags) == {"", "x::y", "::".join(62 * ["a"])},
           "no other tags", set(profile.tags))
