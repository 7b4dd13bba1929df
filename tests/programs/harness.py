# SPDX-License-Identifier: MIT
"""Runs real programs with and without the preload; what every test of this folder shares.

A test is a function check(workdir) given to main(). It passes when it returns. fail() and expect()
end it with one line that says what was expected and what was seen.

A program that runs without the library proves nothing, so every run is watched: the dynamic loader
reports what it loads (LD_DEBUG) and to whose malloc calls are bound. Its report takes a file
descriptor and writes at exit, which programs that count or close descriptors would notice; those
run unwatched and are looked at in /proc instead (assert_mapped).
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

PATH = "/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin"
TIMEOUT = 150  # seconds; only a hang takes that long

library = ""  # absolute path of the library under test, set by main()


class Failed(Exception):
    pass


def fail(text):
    raise Failed(text)


def shorten(value, limit=300):
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"


def expect(what, seen, wanted):
    if seen != wanted:
        fail(f"{what}: expected {shorten(wanted)}, seen {shorten(seen)}")


def program(name, package):
    """Absolute path of a program, or a failure that names the Debian package it comes from."""
    found = shutil.which(name, path=PATH)
    if found is None:
        fail(f"{name} not found: install the Debian package '{package}'")
    return found


def environment(preload, extra=None):
    env = {key: value for key, value in os.environ.items() if not key.startswith("LD_")}
    env.update(PATH=PATH, LC_ALL="C.UTF-8", TZ="UTC")
    if preload:
        env["LD_PRELOAD"] = library
    env.update(extra or {})
    return env


def describe(status):
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"


def start(command, *, preload=True, env=None, **options):
    """Starts a program in a process group of its own."""
    return subprocess.Popen(command, env=environment(preload, env), start_new_session=True,
                            **options)


def stop(process):
    """Ends what start() started, with its whole group, whatever state it is in."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def run(command, *, preload=True, input=None, status=0, **options):
    """Runs a program to its end and returns its standard output as bytes.

    `preload=True` runs it under the library without watching it; see preloaded().
    """
    process = start(command, preload=preload, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE, **options)
    try:
        output, errors = process.communicate(input, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        fail(f"{name_of(command)}: still running after {TIMEOUT} s")
    finally:
        stop(process)
    if process.returncode != status:
        under = "under the preload" if preload else "without the preload"
        last = (errors or output)[-600:].decode(errors="replace").strip()
        fail(f"{name_of(command)} {under}: expected {describe(status)}, "
             f"seen {describe(process.returncode)}: {last}")
    return output


def plain(command, **options):
    return run(command, preload=False, **options)


def preloaded(command, *, own_malloc=(), env=None, **options):
    """run() under the preload, and every process of the run is checked to use it.

    `own_malloc` names programs that bring and export a malloc of their own: for them it is enough
    that the library is loaded.
    """
    with tempfile.TemporaryDirectory(prefix="tarn-loader-") as reports:
        os.chmod(reports, 0o1777)
        watch = {"LD_DEBUG": "files,bindings", "LD_DEBUG_OUTPUT": f"{reports}/report"}
        output = run(command, env={**(env or {}), **watch}, **options)
        check_loader_reports(Path(reports), own_malloc)
    return output


def check_loader_reports(reports, own_malloc=()):
    programs = [entry for report in sorted(reports.iterdir()) for entry in read_report(report)]
    if not programs:
        fail("the dynamic loader reported no program")
    for name, loaded, bound in programs:
        if not loaded:
            fail(f"{name} ran without {library} mapped")
        if not bound and name not in own_malloc:
            fail(f"{name} has {library} mapped, but calls another malloc")


def read_report(report):
    """Yields (program, library loaded, malloc bound to it) for each program the process became."""
    path = re.escape(library)
    loaded_line = re.compile(rf"file={path} \[\d+\];  generating link map")
    bound_line = re.compile(rf"binding file .* to {path} \[\d+\]: normal symbol `malloc'")
    started_line = re.compile(r"initialize program: (.*)")
    loaded = bound = False
    with open(report, errors="replace") as lines:
        for line in lines:
            if started := started_line.search(line):
                yield os.path.basename(started[1]), loaded, bound
                loaded = bound = False
            loaded = loaded or loaded_line.search(line) is not None
            bound = bound or bound_line.search(line) is not None


def same(command, **options):
    """Runs a program without and with the preload; its output must be the same. Returns it."""
    own_malloc = options.pop("own_malloc", ())
    wanted = plain(command, **options)
    expect(f"output of {name_of(command)} under the preload",
           preloaded(command, own_malloc=own_malloc, **options), wanted)
    return wanted


def assert_mapped(pid):
    maps = Path(f"/proc/{pid}/maps").read_text()
    if f" {library}\n" not in maps:
        executable = os.readlink(f"/proc/{pid}/exe")
        fail(f"{executable} (pid {pid}) runs without {library} mapped")


def name_of(command):
    return os.path.basename(str(command[0]))


def main(check):
    global library
    if len(sys.argv) < 2 or not os.path.isfile(sys.argv[1]):
        sys.exit(f"usage: {sys.argv[0]} LIBRARY [ARGUMENT...], LIBRARY being a file")
    library = os.path.realpath(sys.argv[1])
    try:
        with tempfile.TemporaryDirectory(prefix="tarn-program-") as workdir:
            check(Path(workdir))
    except Failed as failure:
        sys.exit(f"FAILED: {failure}")
