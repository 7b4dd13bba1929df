# SPDX-License-Identifier: MIT
#
# What the tests of this folder share: run the subject, and make of its reports texts that are the
# same each time.

import os
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "abi"))

from preload import expect, run  # noqa: E402  (found by way of the line above)

RULE = "=" * 65 + "\n"
CALL = re.compile(r"    #\d+ 0x[0-9a-f]+ in (.+?)(?: \S+:\d+(?::\d+)?| \(\S+\+0x[0-9a-f]+\).*)?\n")
BLOCK = re.compile(r"\d+-byte region \[(0x[0-9a-f]+),0x[0-9a-f]+\)")


def reports(text):
    """The reports in a text, each from its title to its summary."""
    return re.findall(RULE + r"(==\d+==ERROR: .*?^SUMMARY: .*?\n)", text, re.DOTALL | re.MULTILINE)


def title(report):
    """What a report says has happened, without the address: "attempting double-free"."""
    words = re.match(r"==\d+==ERROR: AddressSanitizer: (.*) \(by tarn, in \S+\)", report).group(1)
    return re.sub(r" (?:on|at)(?: address(?: which was not malloc\(\)-ed:)?)? 0x[0-9a-f]+.*", "",
                  words)


def calls(stack):
    """Its calls from the inside, as far as they are the subject's own."""
    names = CALL.findall(stack)
    ends = [i for i, name in enumerate(names)
            if name in ("main", "misuse::Kind::run() const") or name.startswith("__invoke")]
    return names[:ends[0]] if ends else names


def normal(text):
    """A text of reports without what differs from run to run: processes, the addresses of blocks,
    which become "block" with an offset, times, lines of stacks, and canaries."""
    text = re.sub(r"==\d+==", "==PID==", text)
    text = re.sub(r"\d+ ms ago", "N ms ago", text)
    text = re.sub(r"guard=site:[0-9a-f]{8}(.*?) LD_PRELOAD=\S+ \S+", r"guard=site:ID\1", text)
    text = re.sub(r"(?:    #.*\n)+", lambda stack: "".join(
        f"    {name}\n" for name in calls(stack.group())), text)
    text = re.sub(r"(?<=the first was )0x..", "0xNN", text)
    text = re.sub(r"(?<= is in the )((?:data|code or constants) of )\S*/(?=\w)", r"\1", text)
    blocks = {int(start, 16) for start in BLOCK.findall(text)}

    def name(match):
        address = int(match.group(), 16)
        for start in blocks:
            if abs(address - start) <= 1 << 22:
                offset = address - start
                return f"block{offset:+d}" if offset else "block"
        return match.group() if address < 4096 or address >> 48 else "ADDRESS"

    # What was written stays, other bytes may be of a canary.
    def line(match):
        address, data, _ = match.groups()
        data = re.sub(r"(?<=[ \]])[0-9a-f]{2}(?![^\[]*\])", "..", data)
        return f"  {address}:{data.rstrip()}\n"

    text = re.sub(r"^  (0x[0-9a-f]+):((?:[ \[\]][0-9a-f]{2})+[ \]]) (.*)\n", line, text,
                  flags=re.MULTILINE)
    return re.sub(r"0x[0-9a-f]{2,}", name, text)


def run_subject(library, subject, *kinds, **environment):
    """Runs the subject with TARN=debug, unless said otherwise."""
    return run(library, subject, *kinds, **{"TARN": "debug", **environment})


def status(result):
    """How a process ended, in words."""
    if result.returncode < 0:
        return f"killed by {signal.Signals(-result.returncode).name}"
    return f"exit status {result.returncode}"


def check_texts(library, subject, path, **environment):
    """Runs each kind of misuse that a file names, and compares all that is said with the file.

    A section begins with "### kind options"; with UPDATE_EXPECTED set the file is written anew.
    """
    with open(path, encoding="utf-8") as file:
        head, *sections = re.split(r"^### ", file.read(), flags=re.MULTILINE)
    written = head
    for section in sections:
        heading, wanted = section.split("\n", 1)
        kind, *options = heading.split()
        result = run_subject(library, subject, kind,
                             **{"TARN": ",".join(["debug", *options]), **environment})
        seen = normal(result.stderr + result.stdout).replace(RULE, "").strip()
        seen = f"{seen}\n{status(result)}\n"
        written += f"### {heading}\n{seen}\n"
        if "UPDATE_EXPECTED" not in os.environ:
            expect(seen.strip() == wanted.strip(), f"of {heading}:\n{wanted}", seen)
    if "UPDATE_EXPECTED" in os.environ:
        with open(path, "w", encoding="utf-8") as file:
            file.write(written.rstrip("\n") + "\n")
