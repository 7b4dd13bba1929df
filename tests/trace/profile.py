# SPDX-License-Identifier: MIT
#
# Reads a profile of pprof as far as the tests need it. Source: google/pprof, proto/profile.proto.

import gzip


def fields(data):
    """(number, value) of each field of a message; a value is an int or bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        elif key & 7 == 2:
            size = varint()
            yield key >> 3, data[at:at + size]
            at += size
        else:
            raise ValueError(f"wire type {key & 7}")


def packed(data):
    values = []
    value = shift = 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            values.append(value)
            value = shift = 0
    return values


class Profile:
    """types: names of the values; samples: [({value's name: value}, [functions, innermost first])];
    tags: of each sample, empty: none; mappings: [(path, build id)]; period: bytes, of which one was
    sampled; default: the value that is shown first; comments: texts."""

    def __init__(self, path):
        with gzip.open(path) as file:
            parts = list(fields(file.read()))
        strings = [value.decode() for number, value in parts if number == 6]
        assert strings[0] == "", "the first string is empty"
        self.types = [strings[dict(fields(value))[1]] for number, value in parts if number == 1]
        functions = {}
        for number, value in parts:
            if number == 5:
                function = dict(fields(value))
                functions[function[1]] = strings[function[2]]
        locations = {}
        for number, value in parts:
            if number == 4:
                location = list(fields(value))
                lines = [dict(fields(line)) for key, line in location if key == 4]
                locations[dict(location)[1]] = [functions[line[1]] for line in lines]
        self.samples = []
        self.tags = []
        for number, value in parts:
            if number == 2:
                sample = dict(fields(value))
                labels = [dict(fields(label)) for key, label in fields(value) if key == 3]
                self.tags.append("".join(strings[label[2]] for label in labels
                                         if strings[label[1]] == "tag"))
                calls = [name for location in packed(sample[1]) for name in locations[location]]
                self.samples.append((dict(zip(self.types, packed(sample[2]))), calls))
        self.mappings = [(strings[dict(fields(value))[5]], strings[dict(fields(value)).get(6, 0)])
                         for number, value in parts if number == 3]
        self.comments = [strings[value] for number, value in parts if number == 13]
        self.period = dict(parts)[12]
        self.default = strings[dict(parts)[14]]

    def total(self, kind):
        return sum(values[kind] for values, _ in self.samples)

    def tagged(self, tag, kind):
        """Of all stacks with that tag, the empty one for those without."""
        return sum(values[kind] for (values, _), own in zip(self.samples, self.tags) if own == tag)

    def below(self, function, kind):
        """Of all stacks with the function."""
        return sum(values[kind] for values, calls in self.samples
                   if any(function in call for call in calls))
