# SPDX-License-Identifier: MIT
#
# The tables, in Markdown that also reads well as plain text.

import json

from harness.figures import geometric_mean

MIB = 1024 * 1024

SUMMARY = """## Summary

Each figure is a ratio to the best peer of the same test (peers: the allocators that are neither
tarn nor a reference): the geometric mean over all tests, then the worst test. Less is better;
below 1 beats the best peer.

"""
PROGRAM_CPU = """## Programs: CPU time

Seconds, user + system, median of all rounds; in brackets the ratio to the best peer (`*`).

"""
PROGRAM_RSS = """## Programs: peak memory

Peak RSS in MiB, median of all rounds; in brackets the ratio to the best peer (`*`).

"""
MEMORY = """## Memory over time

Resident / live: 1.00 would be no waste at all; less is better. Returned: the share of the freed
bytes that the system has got back at that point; more is better.

"""
LATENCY = """## Latency

Nanoseconds that a single call takes at most, in that share of all calls; the least of all rounds.
Times include that of the clock, some 10 ns. The last percentiles are the system's as much as the
allocator's.

"""
OPERATIONS = """## Single operations

Nanoseconds of CPU time per operation, minimum of all samples; in brackets the ratio to the best
peer (`*`). `sol` and `nop` are no allocators but references: a thread-local list and nothing more,
and two empty functions. `thread/idle` is the baseline of the two lines below it.

"""


def write_json(path, about, results):
    samples = [
        {
            "test": test,
            "suite": suite_of(results, test),
            "allocator": allocator,
            "round": number,
            "cpu": sample.cpu,
            "rss": sample.rss,
            "figures": sample.figures,
        }
        for (test, allocator), rounds in results.samples.items()
        for number, sample in sorted(rounds.items())
    ]
    content = {
        "about": about,
        "units": {"cpu": "seconds (suite malloc: nanoseconds per operation)", "rss": "bytes"},
        "allocators": [
            {
                "name": each.name,
                "path": each.path,
                "version": each.version,
                "role": each.role,
                "environment": each.environment,
            }
            for each in results.allocators
        ],
        "samples": samples,
        "failures": [
            {"test": test, "allocator": allocator, "what": text}
            for (test, allocator), text in results.failures.items()
        ],
    }
    with open(path, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
        file.write("\n")


def suite_of(results, name):
    return next(test.suite for test in results.tests if test.name == name)


def make_report(about, results, picture):
    parts = ["# Allocators compared\n", about_table(about, results)]
    if picture:
        parts.append(f"![CPU time and peak memory of each allocator]({picture})\n")
    parts.append(summary(results))
    if results.tests_of("workloads"):
        parts.append(PROGRAM_CPU + measure_table(results, "workloads", "cpu", seconds))
        parts.append(PROGRAM_RSS + measure_table(results, "workloads", "rss", mebibytes))
    if results.tests_of("memory"):
        parts.append(MEMORY + figure_table(results, "memory", share_or_ratio))
    if results.tests_of("latency"):
        parts.append(LATENCY + figure_table(results, "latency", lambda _: nanoseconds))
    if results.tests_of("malloc"):
        parts.append(OPERATIONS + measure_table(results, "malloc", "cpu", nanoseconds))
    if results.failures:
        parts.append("## Failed\n\n" + failure_list(results))
    return "\n".join(parts)


def about_table(about, results):
    rows = list(about.items())
    for each in results.allocators:
        extra = "".join(f" {name}={value}" for name, value in each.environment.items())
        rows.append((each.name, f"{each.version}, `{each.path}`{extra}"))
    return table(["", ""], rows, left=2)


def summary(results):
    """One line per allocator: the figures that decide."""
    rows = []
    for each in results.allocators:
        if each.role == "reference" and not results.ratios("workloads", each, "cpu"):
            continue
        rows.append(
            [
                each.name,
                *mean_and_worst(results.ratios("workloads", each, "cpu")),
                *mean_and_worst(results.ratios("workloads", each, "rss")),
                *mean_and_worst(results.ratios("malloc", each, "cpu")),
                str(sum(allocator == each.name for _, allocator in results.failures) or "-"),
            ]
        )
    header = [
        "allocator",
        "programs: CPU",
        "worst",
        "programs: RSS",
        "worst",
        "operations: CPU",
        "worst",
        "failed",
    ]
    kept = [
        column
        for column in range(len(header))
        if column == 0 or column == len(header) - 1 or any(row[column] != "-" for row in rows)
    ]
    return SUMMARY + table(
        [header[column] for column in kept], [[row[column] for column in kept] for row in rows]
    )


def mean_and_worst(ratios):
    if not ratios:
        return "-", "-"
    worst = max(ratios, key=ratios.get)
    return f"{geometric_mean(ratios.values()):.3f}", f"{ratios[worst]:.2f} {worst.name}"


def measure_table(results, suite, measure, show):
    rows = []
    for test in results.tests_of(suite):
        best = results.best_peer(test, measure)
        row = [test.name, test.purpose]
        for each in results.allocators:
            value = results.value(test, each, measure)
            ratio = results.ratio(test, each, measure)
            if value is None:
                row.append("failed" if (test.name, each.name) in results.failures else "-")
            elif ratio is None:
                row.append(show(value))
            else:
                row.append(f"{show(value)} " + ("(*)" if each is best else f"({ratio:.2f})"))
        rows.append(row)
    shown = ["test", "", *(each.name for each in results.allocators)]
    # No column for what has taken no part in this suite, nor for texts that do not exist.
    kept = [at for at in range(len(shown)) if any(row[at] not in ("", "-") for row in rows)]
    rows = [[row[at] for at in kept] for row in rows]
    return table([shown[at] for at in kept], rows, left=2 if 1 in kept else 1)


def failure_list(results):
    """One line per allocator and kind of failure, with all tests that failed so."""
    tests = {}
    for (test, allocator), text in results.failures.items():
        tests.setdefault((allocator, text), []).append(test)
    return "".join(
        f"- {allocator}: {text}\n  Tests: {', '.join(names)}\n"
        for (allocator, text), names in tests.items()
    )


def figure_table(results, suite, choose_format):
    """One line for each figure that the tests of this suite report of themselves."""
    rows = []
    tests = results.tests_of(suite)
    allocators = [
        each for each in results.allocators if any(results.rounds(test, each) for test in tests)
    ]
    for test in tests:
        for name in test.figure_names:
            show = choose_format(name)
            values = [results.figure(test, each, name) for each in allocators]
            cells = ["failed" if value is None else show(value) for value in values]
            rows.append([test.name, name, *cells])
    return table(["test", "", *(each.name for each in allocators)], rows, left=2)


def share_or_ratio(name):
    return "{:.2f}".format if "/" in name else percent


def seconds(time):
    return f"{time:.2f}"


def mebibytes(size):
    return f"{size / MIB:.1f}"


def percent(share):
    return f"{round(share * 100) + 0}%"


def nanoseconds(value):
    return f"{value:.2f}" if value < 100 else f"{value:,.0f}"


def table(header, rows, left=1):
    """A Markdown table with padded columns; the first `left` ones are texts, the others figures."""
    cells = [[str(cell).replace("|", "\\|") for cell in row] for row in [header, *rows]]
    widths = [max(3, *(len(row[at]) for row in cells)) for at in range(len(header))]

    def line(row):
        padded = [
            cell.ljust(width) if at < left else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths))
        ]
        return "| " + " | ".join(padded) + " |"

    rule = "|".join(
        "-" * (width + 1) + ("-" if at < left else ":") for at, width in enumerate(widths)
    )
    return "\n".join([line(cells[0]), f"|{rule}|", *map(line, cells[1:])]) + "\n"
