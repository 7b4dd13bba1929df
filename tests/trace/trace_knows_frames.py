#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: between two marks of a thread lies a frame; a trace says how many there were, how long they
# took and what the thread allocated in them, and which were the worst.

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "abi"))

from preload import expect, run  # noqa: E402  (found by way of the line above)

LIBRARY, SUBJECT = sys.argv[1:3]
FRAMES, SLOW = 600, 300
ALLOCATIONS = [500 if frame == SLOW else frame % 10 for frame in range(FRAMES)]


def figures(text, name):
    line = re.search(rf"== +{name}  +(.*)", text)
    expect(line, f"a line of {name}", text)
    return re.split(r"  +", line[1])


for threads in 1, 4:
    result = run(LIBRARY, SUBJECT, "frames", str(threads), TARN="trace,symbolizer=/nowhere")
    expect(result.returncode == 0, "the program's own status", result.returncode)
    text = result.stderr.split("== Frames: ")[1].split("Places that")[0]
    wanted = f"{FRAMES * threads}, marked by {threads} thread"
    expect(text.startswith(wanted), wanted, text)

    mean = str(sum(ALLOCATIONS) // FRAMES)
    median, highest = str(sorted(ALLOCATIONS)[FRAMES // 2]), str(sorted(ALLOCATIONS)[FRAMES * 99 // 100])
    seen = figures(text, "allocations")
    expect(seen[:4] == [mean, median, highest, "500"], [mean, median, highest, "500"], seen)
    expect(figures(text, "bytes")[3] == "48.8 KiB", "50000 bytes at most", text)
    expect(len(seen) == 8 and len(figures(text, "time")) == 8, "the last ones apart", text)
    if threads == 1:
        last = ALLOCATIONS[-256:]
        wanted = [str(sum(last) // 256), str(sorted(last)[127]), "9", "9"]
        expect(seen[4:] == wanted, wanted, seen)

    longest, busiest = text.split("took longest:")[1].split("allocated most often:")
    worst = r"frame (\d+)( of thread \d+)?: (\d+) ms, (\d+) allocations of (\S+ \S+)\n"
    for number, thread, time, allocations, size in re.findall(worst, longest)[:threads]:
        expect(int(time) >= 30 and allocations == "500" and size == "48.8 KiB", "the slow one", longest)
        expect(bool(thread) == (threads > 1), "a thread, if there are several", longest)
        expect(threads > 1 or number == str(SLOW + 1), f"frame {SLOW + 1}", longest)
    expect(len(re.findall(worst, longest)) >= min(threads, 3), "a slow one of each", longest)
    expect(busiest.count(" 500 allocations") == min(threads, 3), "the busy ones", busiest)

# Of a sample allocations are estimated; the time is the same.
result = run(LIBRARY, SUBJECT, "frames", "1", TARN="profile,sample=4k,symbolizer=/nowhere")
text = result.stderr.split("== Frames: ")[1]
expect(text.startswith(f"{FRAMES}, marked by 1 thread") and
       re.search(rf"took longest:\n.* frame {SLOW + 1}: \d+ ms", text), "the slow one", text)

# Without marks there is nothing to say.
result = run(LIBRARY, "/bin/true", TARN="trace,symbolizer=/nowhere")
expect("Frames" not in result.stderr and "Tags" not in result.stderr, "neither", result.stderr)
