# SPDX-License-Identifier: MIT
"""gawk: associative arrays, strings that are cut and joined, sorting."""

import collections

import harness

SCRIPT = r"""
{ for (i = 1; i <= NF; i++) { count[$i]++; place[$i] = place[$i] " " NR } }
END {
    n = asorti(count, sorted)
    for (i = 1; i <= n; i++) print sorted[i], count[sorted[i]], length(place[sorted[i]])
}
"""


def check(workdir):
    gawk = harness.program("gawk", "gawk")
    lines = [[f"w{n * k % 4999}" for k in range(1, 9)] for n in range(1, 12001)]
    count, length = collections.Counter(), collections.Counter()
    for number, words in enumerate(lines, 1):
        for word in words:
            count[word] += 1
            length[word] += 1 + len(str(number))
    text = "".join(" ".join(words) + "\n" for words in lines)
    output = harness.preloaded([gawk, SCRIPT], input=text.encode()).decode().splitlines()
    wanted = [f"{word} {count[word]} {length[word]}" for word in sorted(count)]
    harness.expect("gawk", output, wanted)


harness.main(check)
