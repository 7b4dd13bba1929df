# SPDX-License-Identifier: MIT
#
# The picture: where each allocator stands in time and memory, then every test. Plain SVG.

import math
from html import escape

from harness.figures import geometric_mean

WIDTH = 1100
ROW = 20  # height of one test
LABEL = 195  # width of the names of the tests
COLOURS = {
    "glibc": "#7f7f7f",
    "mimalloc": "#1f77b4",
    "jemalloc": "#2ca02c",
    "tcmalloc": "#9467bd",
    "tarn": "#d62728",
    "sol": "#c7a500",
    "nop": "#bbbbbb",
}
SPARE_COLOURS = ["#ff7f0e", "#17becf", "#8c564b", "#e377c2", "#bcbd22"]
SUITES = [
    ("workloads", "cpu", "Programs: CPU time"),
    ("workloads", "rss", "Programs: peak memory"),
    ("malloc", "cpu", "Single operations: CPU time"),
]


HOW_TO_READ = (
    "All figures are ratios to the best peer of each test: further left (and down) is better, "
    "below 1 beats every peer."
)


class Canvas:
    def __init__(self):
        self.parts = []

    def add(self, element, text=None, **attributes):
        written = " ".join(
            f'{name.replace("_", "-")}="{escape(str(value))}"' for name, value in attributes.items()
        )
        self.parts.append(
            f"<{element} {written}/>"
            if text is None
            else f"<{element} {written}>{escape(text)}</{element}>"
        )

    def line(self, start, end, colour="#dddddd", width=1):
        self.add(
            "line",
            x1=round(start[0], 1),
            y1=round(start[1], 1),
            x2=round(end[0], 1),
            y2=round(end[1], 1),
            stroke=colour,
            stroke_width=width,
        )

    def text(self, x, y, text, *, size=12, anchor="start", colour="#222222", weight="normal"):
        self.add(
            "text",
            text,
            x=round(x, 1),
            y=round(y, 1),
            font_size=size,
            text_anchor=anchor,
            fill=colour,
            font_weight=weight,
        )

    def mark(self, x, y, allocator, colour):
        """Ours is a diamond on top of the circles of the others."""
        if allocator.role == "ours":
            points = (
                f"{x:.1f},{y - 7:.1f} {x + 7:.1f},{y:.1f} {x:.1f},{y + 7:.1f} {x - 7:.1f},{y:.1f}"
            )
            self.add("polygon", points=points, fill=colour, stroke="white")
        else:
            self.add(
                "circle",
                cx=round(x, 1),
                cy=round(y, 1),
                r=5,
                fill=colour,
                fill_opacity=0.8,
                stroke="white",
            )

    def svg(self, height):
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {height}" font-family="DejaVu Sans, Helvetica, sans-serif">'
        )
        return "\n".join(
            [head, '<rect width="100%" height="100%" fill="white"/>', *self.parts, "</svg>\n"]
        )


class LogScale:
    """Positions of ratios between two bounds; what lies beyond is put on the edge."""

    def __init__(self, ratios, left, right, widest=8.0):
        ratios = list(ratios) or [1.0]
        self.low = max(1 / widest, min(0.8, *ratios) / 1.05)
        self.high = min(widest, max(1.6, *ratios) * 1.05)
        self.left, self.right = left, right

    def at(self, ratio):
        inside = min(max(ratio, self.low), self.high)
        share = math.log(inside / self.low) / math.log(self.high / self.low)
        return self.left + share * (self.right - self.left)

    def is_beyond(self, ratio):
        return ratio > self.high or ratio < self.low

    def ticks(self):
        steps = [0.125, 0.25, 0.5, 0.7, 1, 1.5, 2, 3, 4, 6, 8]
        if self.high / self.low < 2.5:
            steps = [0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.4, 1.6, 1.8, 2]
        return [step for step in steps if self.low <= step <= self.high]


def colours_of(allocators):
    spare = iter(SPARE_COLOURS * len(allocators))
    return {each.name: COLOURS.get(each.name) or next(spare) for each in allocators}


def draw(about, results):
    canvas = Canvas()
    colours = colours_of(results.allocators)
    canvas.text(30, 36, "Allocators compared", size=22, weight="bold")
    canvas.text(30, 58, f"{about['date']} · {about['machine']}", size=12, colour="#555555")
    canvas.text(30, 76, HOW_TO_READ, size=12, colour="#555555")
    y = draw_legend(canvas, results, colours, 100)
    if results.tests_of("workloads"):
        y = draw_overview(canvas, results, colours, y + 10)
        y = draw_panels(canvas, results, colours, y, SUITES[:2])
    if results.tests_of("malloc"):
        y = draw_panels(canvas, results, colours, y, SUITES[2:])
    return canvas.svg(y + 20)


def draw_legend(canvas, results, colours, y):
    x = 36
    for each in results.allocators:
        if not results.ratios("malloc", each, "cpu") and not results.ratios(
            "workloads", each, "cpu"
        ):
            continue
        canvas.mark(x, y, each, colours[each.name])
        canvas.text(x + 12, y + 4, each.name, weight="bold" if each.role == "ours" else "normal")
        x += 40 + 8 * len(each.name)
    return y + 20


def draw_overview(canvas, results, colours, top):
    """The one clear picture: time against memory, geometric means over all programs."""
    points = [
        (
            each,
            geometric_mean(results.ratios("workloads", each, "cpu").values()),
            geometric_mean(results.ratios("workloads", each, "rss").values()),
        )
        for each in results.allocators
    ]
    points = [point for point in points if point[1] and point[2]]
    left, right, bottom = LABEL, WIDTH - 140, top + 330
    across = LogScale([cpu for _, cpu, _ in points], left, right)
    up = LogScale([rss for _, _, rss in points], bottom, top + 24)
    canvas.text(30, top + 8, "All programs together (geometric means)", size=15, weight="bold")
    for tick in across.ticks():
        canvas.line(
            (across.at(tick), top + 24),
            (across.at(tick), bottom),
            "#999999" if tick == 1 else "#e8e8e8",
        )
        canvas.text(
            across.at(tick), bottom + 16, f"{tick:g}", size=11, anchor="middle", colour="#555555"
        )
    for tick in up.ticks():
        canvas.line(
            (left, up.at(tick)), (right, up.at(tick)), "#999999" if tick == 1 else "#e8e8e8"
        )
        canvas.text(left - 8, up.at(tick) + 4, f"{tick:g}", size=11, anchor="end", colour="#555555")
    canvas.text((left + right) / 2, bottom + 36, "CPU time", anchor="middle", weight="bold")
    canvas.text(30, (top + bottom) / 2, "peak memory", weight="bold")
    canvas.text(left + 8, bottom - 10, "↙ faster and smaller", size=11, colour="#888888")
    for each, cpu, rss in points:
        canvas.mark(across.at(cpu), up.at(rss), each, colours[each.name])
        canvas.text(
            across.at(cpu) + 11,
            up.at(rss) + 4,
            f"{each.name}  {cpu:.2f} / {rss:.2f}",
            size=12,
            colour=colours[each.name],
            weight="bold",
        )
    return bottom + 60


def draw_panels(canvas, results, colours, top, panels):
    """One row per test; the panels stand side by side."""
    space = (WIDTH - LABEL - 30) / len(panels)
    tests = [test for test in results.tests_of(panels[0][0]) if not test.is_baseline]
    bottom = top + 40 + ROW * len(tests)
    for row, test in enumerate(tests):
        y = top + 40 + ROW * row + ROW / 2
        canvas.text(LABEL - 10, y + 4, test.name, size=11, anchor="end")
        canvas.line((LABEL, y), (WIDTH - 30, y), "#f2f2f2")
    for number, (suite, measure, title) in enumerate(panels):
        left = LABEL + space * number + 12
        ratios = [
            ratio
            for each in results.allocators
            for ratio in results.ratios(suite, each, measure).values()
        ]
        # What lies beyond the scale is on its edge, with the figure written beside it.
        margin = 110 if max(ratios, default=1) > LogScale(ratios, 0, 1).high else 40
        scale = LogScale(ratios, left, left + space - margin)
        beyond = {}
        canvas.text(left, top + 12, title + ", ratio to the best peer", size=15, weight="bold")
        draw_grid(canvas, scale, top + 32, bottom)
        # Ours last, so that it is drawn over the others.
        for each in sorted(results.allocators, key=lambda each: each.role == "ours"):
            for test, ratio in results.ratios(suite, each, measure).items():
                y = top + 40 + ROW * tests.index(test) + ROW / 2
                canvas.mark(scale.at(ratio), y, each, colours[each.name])
                if scale.is_beyond(ratio) and ratio > 1:
                    beyond[test] = beyond.get(test, 0) + 1
                    canvas.text(
                        scale.right - 20 + 30 * beyond[test],
                        y + 4,
                        f"{ratio:.0f}x",
                        size=9,
                        colour=colours[each.name],
                    )
    return bottom + 50


def draw_grid(canvas, scale, top, bottom):
    for tick in scale.ticks():
        canvas.line(
            (scale.at(tick), top), (scale.at(tick), bottom), "#777777" if tick == 1 else "#e4e4e4"
        )
        canvas.text(
            scale.at(tick), top - 6, f"{tick:g}", size=10, anchor="middle", colour="#555555"
        )
        canvas.text(
            scale.at(tick), bottom + 14, f"{tick:g}", size=10, anchor="middle", colour="#555555"
        )
