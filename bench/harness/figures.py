# SPDX-License-Identifier: MIT
#
# From samples to figures: minima, medians, ratios to the best peer, geometric means.

import math
import statistics


class Results:
    """All samples, by test, allocator and round. The measures are "cpu" and "rss"."""

    def __init__(self, allocators, tests):
        self.allocators = allocators
        self.tests = tests
        self.samples = {}  # (test name, allocator name) -> {round: Sample}
        self.outputs = {}  # test name -> what its first run has printed
        self.failures = {}  # (test name, allocator name) -> text

    def add(self, test, allocator, number, sample):
        self.samples.setdefault((test.name, allocator.name), {})[number] = sample

    def fail(self, test, allocator, text):
        """A failed run makes the whole test void for this allocator."""
        self.failures[test.name, allocator.name] = text

    def rounds(self, test, allocator):
        key = (test.name, allocator.name)
        return {} if key in self.failures else self.samples.get(key, {})

    def tests_of(self, suite):
        return [
            test
            for test in self.tests
            if test.suite == suite and any(self.rounds(test, each) for each in self.allocators)
        ]

    def value(self, test, allocator, measure):
        """The figure to show, or None. Single operations: the minimum, since noise only adds.
        Programs: the median."""
        values = [getattr(sample, measure) for sample in self.rounds(test, allocator).values()]
        if not values:
            return None
        if test.suite == "malloc" and not test.is_difference:
            return min(values)
        return statistics.median(values)

    def best_peer(self, test, measure):
        """The peer with the lowest figure; without any peer, the best of all."""
        known = [each for each in self.allocators if self.value(test, each, measure) is not None]
        peers = [each for each in known if each.role == "peer"] or known
        return min(peers, key=lambda each: self.value(test, each, measure), default=None)

    def ratio(self, test, allocator, measure):
        """How many times the best peer's figure. Programs: the median of the ratios within each
        round, because what disturbs one round disturbs all its runs."""
        best = self.best_peer(test, measure)
        if best is None or test.is_baseline or self.value(test, allocator, measure) is None:
            return None
        if test.suite == "malloc":
            return self.value(test, allocator, measure) / self.value(test, best, measure)
        mine, others = self.rounds(test, allocator), self.rounds(test, best)
        pairs = [
            getattr(mine[number], measure) / getattr(others[number], measure)
            for number in mine
            if number in others and getattr(others[number], measure) > 0
        ]
        return statistics.median(pairs) if pairs else None

    def ratios(self, suite, allocator, measure):
        """{test: ratio} over all tests of the suite that this allocator has finished."""
        ratios = {test: self.ratio(test, allocator, measure) for test in self.tests_of(suite)}
        return {test: ratio for test, ratio in ratios.items() if ratio is not None and ratio > 0}

    def figure(self, test, allocator, name):
        """One of the figures that a test reports of itself: memory the median, times the least."""
        values = [sample.figures[name] for sample in self.rounds(test, allocator).values()]
        choose = min if test.suite == "latency" else statistics.median
        return choose(values) if values else None


def geometric_mean(values):
    values = list(values)
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None
