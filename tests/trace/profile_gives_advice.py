#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: a trace and a sample of it give the same advice about places of which there is enough to
# say, and none about others; of a sample it is said by how much the figures may be off, and they are
# right within that. It names a type of the library. The profile has it as comments, as has one that
# is written meanwhile. What is hot comes first, with its share and its rate.

import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "abi"))

from preload import expect, run  # noqa: E402  (found by way of the line above)
from profile import Profile  # noqa: E402

LIBRARY, SUBJECT, COMMAND = sys.argv[1:4]

# Place: the advice, what serves it, and how many blocks it is about.
PLACES = {
    "scratch": ("buffer", "StackFallbackResource<N>", 200000),
    "object": ("pool", "ObjectPool<T>", 200000),
    "growing": ("reserve", "MmapResource", None),
    "message": ("handback", "ThreadCachedPool", 50000),
    "together": ("arena", "ArenaResource", 40000),
}


def entries(text, title):
    """Function: headline and the line below it, of a list of places."""
    part = re.split(r"==\d+== Places that ", text.split(title)[1])[0]
    found = {}
    for entry in re.split(r"==\d+== \d+\. ", part)[1:]:
        lines = entry.split("\n")
        function = re.search(r"\(anonymous namespace\)::(\w+)\(", entry)
        if function is None:
            continue # libc's
        expect(function[1] not in found, "each place once", part)
        found[function[1]] = (lines[0], lines[1].split("==   ")[1].strip())
    return found


def report(options):
    """The report, the comments of the profile, and what `tarn comments` says."""
    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/profile.pb.gz"
        result = run(LIBRARY, SUBJECT, timeout=120,
                     TARN=f"{options},trace_max=20,trace_file={path}")
        told = subprocess.run([COMMAND, "comments", path], capture_output=True, text=True,
                              timeout=60, check=True)
        expect(result.returncode == 0, "the program's own status", result.returncode)
        return result.stderr, Profile(path).comments, told.stdout


for options in "trace", "profile,sample=4k":
    text, comments, told = report(options)
    is_sampled = options != "trace"
    advice = entries(text, "could do with less:")
    expect({place: line.split(":")[0] for place, (line, _) in advice.items()} ==
           {place: word for place, (word, _, _) in PLACES.items()}, "these advices", advice)
    for place, (word, name, count) in PLACES.items():
        line, details = advice[place]
        number, error = re.match(rf"{word}: (?:about )?(\d+)[^(;]*(?:\(give or take (\d+)%\))?",
                                 line).groups()
        expect(re.search(rf"; {name} from <tarn/\w+\.h> saves about \d+ calls$", line),
               f"{name} for {place}", line)
        expect(is_sampled == line.startswith(f"{word}: about "), "an estimate, if it is one", line)
        expect(is_sampled == bool(re.match(r"of \d+ samples: ", details)), "the samples", details)
        expect(any(comment.startswith(line) and
                   re.search(rf"; in .*{place}\(.* \(\S+advice_subject.cc:\d+\) < .*main", comment)
                   for comment in comments), f"the advice on {place}, and where it is", comments)
        if count is None:
            continue
        # What is given is two standard deviations, and three digits.
        most = (3 * int(error) / 100 + 0.005) * count if is_sampled else 0
        expect(abs(int(number) - count) <= most, f"{count} give or take {most}", line)

    expect(len(comments) == len(advice) and told == "".join(text + "\n" for text in comments),
           "all of them, and nothing else", told)

    for title in "allocate most often:", "allocate the most bytes:":
        lines = entries(text, title)
        for place, (line, _) in lines.items():
            expect(re.fullmatch(r"\d+ allocations \([\d.]+%\) of [\d.]+ \w+ on average, [\d.]+ \w+ "
                                r"\([\d.]+%\); \d+ and [\d.]+ \w+ a second", line),
                   "shares and rates", line)
    often = list(entries(text, "allocate most often:"))
    expect(set(often[:2]) == {"scratch", "object"}, "the two that allocate most often", often)
    most = list(entries(text, "allocate the most bytes:"))
    expect(most[0] == "growing", "what allocates most", most)

# A profile that is written meanwhile has what is known then.
with tempfile.TemporaryDirectory() as directory:
    run(LIBRARY, SUBJECT, timeout=120,
        TARN=f"trace,interval=1mb,dumps_max=100,trace_file={directory}/%n.pb.gz")
    count = len(os.listdir(directory))
    expect(count >= 3, "some profiles", count)
    seen = [Profile(f"{directory}/{number}.pb.gz").comments for number in range(count)]
    for comment in sum(seen, []):
        expect(any(comment.startswith(word + ": ") and f"{place}(" in comment
                   for place, (word, _, _) in PLACES.items()), "advice on a place", comment)
    places = [sum(any(f"{place}(" in comment for comment in comments) for place in PLACES)
              for comments in seen]
    expect(1 <= places[count // 2] <= len(PLACES) == places[-1], "more and more of them", places)

# Of a sample that has a few blocks of each place, if any, nothing is said.
text, comments, told = report("profile,sample=64m")
expect(comments == [] and told == "", "no comments", comments)
expect("could do with less" not in text, "no advice of a small sample", text)
