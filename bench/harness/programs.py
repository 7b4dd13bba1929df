# SPDX-License-Identifier: MIT
#
# Suite `workloads`: whole programs, ours and real ones, and the tests of memory use.

import functools
import json
import os
import shutil
import subprocess
import time

from harness import inputs
from harness.inputs import SCRIPTS
from harness.runner import RunFailed


class ProgramTest:
    """A program whose CPU time and peak RSS are compared, and whose output must not change."""

    suite = "workloads"
    is_difference = False
    is_baseline = False

    def __init__(
        self,
        name,
        purpose,
        make_command,
        *,
        needs=None,
        environment=None,
        repeat=1,
        same_output=True,
    ):
        self.name = name
        self.purpose = purpose
        self.make_command = functools.cache(make_command)
        self.needs = needs  # (program, Debian package)
        self.environment = environment
        self.repeat = repeat
        self.same_output = same_output

    def can_run(self, allocator):
        return allocator.name != "nop"

    def check_needs(self):
        if self.needs and not shutil.which(self.needs[0]):
            raise RunFailed(f"{self.needs[0]} is missing: apt-get install {self.needs[1]}")

    def run(self, runner, allocator):
        self.check_needs()
        command = self.make_command(runner.work)
        sample, _ = runner.run(allocator, command, environment=self.environment, repeat=self.repeat)
        if not self.same_output:
            sample.output = ""
        return sample


class StartupTest(ProgramTest):
    """/bin/true, too short to be caught running: whether the library loads is seen on `sleep`."""

    def run(self, runner, allocator):
        runner.run(allocator, ["/usr/bin/sleep", "0.05"])
        sample, _ = runner.run(
            allocator, self.make_command(runner.work), repeat=self.repeat, expect=False
        )
        return sample


class RedisTest(ProgramTest):
    """redis-server under the allocator, redis-benchmark beside it without. Debian's redis-server is
    linked to jemalloc, so glibc's turn needs a preload as well."""

    def run(self, runner, allocator):
        self.check_needs()
        requests = self.make_command(runner.work)[0]
        socket = os.path.join(runner.work, f"redis-{allocator.name}-{time.monotonic_ns()}.sock")
        server = runner.start(
            allocator,
            ["redis-server", "--unixsocket", socket, "--dir", runner.work, "--save", ""]
            + "--port 0 --appendonly no --daemonize no".split(),
            own_malloc=True,
        )
        try:
            wait_for(socket, server[0])
            subprocess.run(
                ["redis-benchmark", "-s", socket, "-n", requests]
                + "-q -c 20 -P 16 -d 150 -r 50000 -t set,get,lpush,lpop,hset,zadd,mset".split(),
                capture_output=True,
                check=True,
                timeout=60,
            )
            subprocess.run(
                ["redis-cli", "-s", socket, "shutdown", "nosave"], capture_output=True, check=False
            )
        except (subprocess.SubprocessError, TimeoutError) as error:
            server[0].terminate()
            try:
                runner.finish(server)
            except RunFailed as failure:
                raise RunFailed(f"redis-server: {failure}") from error
            raise RunFailed(f"redis-benchmark: {error}") from error
        sample, _ = runner.finish(server)
        sample.output = ""
        return sample


class MemoryTest(ProgramTest):
    """A program that reports figures of its own instead of being timed."""

    suite = "memory"

    def __init__(self, name, purpose, make_command, figures):
        super().__init__(name, purpose, make_command)
        self.figures = figures  # name -> function of what the program printed
        self.figure_names = list(figures)

    def run(self, runner, allocator):
        sample, output = runner.run(allocator, self.make_command(runner.work))
        sample.output = ""
        printed = json.loads(output)
        sample.figures = {name: read(printed) for name, read in self.figures.items()}
        return sample


class LatencyTest(MemoryTest):
    """A program that reports how long its calls took. Its least time counts: what else runs on the
    machine only adds."""

    suite = "latency"


def wait_for(socket, process):
    for _ in range(500):
        if os.path.exists(socket):
            return
        if process.poll() is not None:
            break
        time.sleep(0.01)
    raise TimeoutError("redis-server did not start")


def returned(point):
    return lambda printed: (printed["full"] - printed[point]) / printed["freed"]


DRIFT_FIGURES = {"resident / live": lambda printed: printed["resident"] / printed["live"]}
GIVE_BACK_FIGURES = {
    "returned after free": returned("after_free"),
    "returned after 2 s": returned("after_wait"),
    "returned after malloc_trim": returned("after_trim"),
}


LATENCY_FIGURES = {
    f"{call} {point}": lambda printed, call=call, point=point: printed[call][point]
    for call in ("malloc", "free")
    for point in ("p50", "p99", "p99.9", "p99.99", "max")
}


def find_tests(build, scale):
    """All tests; `scale` is the share of their full length."""
    folder = os.path.join(build, "bench", "workloads")

    def times(count):
        return str(max(1, round(count * scale)))

    def own(name, purpose, program, *arguments):
        return ProgramTest(name, purpose, lambda work: [os.path.join(folder, program), *arguments])

    def script(name, purpose, program, package, file, count, options=(), **more):
        command = [program, *options, os.path.join(SCRIPTS, file), times(count)]
        return ProgramTest(name, purpose, lambda work: command, needs=(program, package), **more)

    def real(name, purpose, needs, make_command, **more):
        return ProgramTest(name, purpose, make_command, needs=needs, **more)

    def cc1plus(work):
        source = inputs.make_preprocessed(work)
        compiler = inputs.find_compiler_proper()
        return [compiler, *"-quiet -O2 -std=c++20 -o /dev/null".split(), source]

    def sqlite(work):
        return ["sqlite3", ":memory:", ".read " + inputs.make_queries(work, times(150000))]

    def git(commits, command):
        commits = int(times(commits))
        return lambda work: ["git", "-C", inputs.make_repository(work, commits), *command.split()]

    def memory(name, purpose, figures, program, *arguments):
        command = [os.path.join(folder, program), *arguments]
        return MemoryTest(name, purpose, lambda work: command, figures)

    seed = {"PYTHONHASHSEED": "0"}
    python = ("/usr/bin/python3", "python3", "objects.py", 12, ("-s", "-S"))
    perl = ("/usr/bin/perl", "perl", "text.pl", 60)
    pack = "pack-objects --all --no-reuse-delta --no-reuse-object --threads=2 --quiet --stdout"
    return [
        own("bignum", "fast path, tiny live set", "bignum", times(600000)),
        own("syntax_tree", "trees of small nodes", "syntax_tree", times(5000)),
        own("batches", "overflowing thread caches", "batches", times(150000)),
        own("maps", "cache misses, 100 000 nodes", "maps", times(1000000)),
        own("growth", "realloc, vectors, strings", "growth", times(5000)),
        own("medium", "1 to 64 KiB", "replace", times(10000000), "2000", "1024", "65536"),
        own("midsize", "64 KiB to 1 MiB", "replace", times(800000), "128", "65536", "1048576"),
        own("large", "5 to 25 MiB", "replace", times(400), "16", "5242880", "26214400"),
        own("successors", "threads inherit blocks", "successors", times(200)),
        own("cross_free", "every free is remote", "cross_free", times(300000), "16", "128"),
        own("cross_free_mixed", "same, to 4 KiB", "cross_free", times(60000), "16", "4096"),
        own("transfers", "bursts in fresh threads", "transfers", times(150)),
        own("threads_short", "many short-lived threads", "threads", "short", times(3000)),
        own("threads_crowd", "128 threads at once", "threads", "crowd", times(150)),
        StartupTest("startup", "300 times /bin/true", lambda work: ["/bin/true"], repeat=300),
        script("python", "dictionaries, JSON", *python, environment=seed),
        script(
            "python_malloc",
            "same, PYTHONMALLOC=malloc",
            *python,
            environment={**seed, "PYTHONMALLOC": "malloc"},
        ),
        script("perl", "hashes, regexes", *perl, environment={"PERL_HASH_SEED": "0"}),
        script("lua", "tables, closures, strings", "lua5.4", "lua5.4", "tables.lua", 500),
        real("sqlite", "in-memory SQL", ("sqlite3", "sqlite3"), sqlite),
        RedisTest(
            "redis",
            "server under load",
            lambda work: [times(150000)],
            needs=("redis-benchmark", "redis-server redis-tools"),
        ),
        real("gcc", "cc1plus -O2 on one file", ("g++", "g++"), cc1plus),
        real(
            "git_log",
            "git log -p",
            ("git", "git"),
            git(2000, "log -p --stat"),
            environment=inputs.GIT_ENVIRONMENT,
        ),
        real(
            "git_pack",
            "git pack-objects, 2 threads",
            ("git", "git"),
            git(1000, pack),
            environment=inputs.GIT_ENVIRONMENT,
            same_output=False,
        ),
        memory("drift", "live set constant, sizes drift", DRIFT_FIGURES, "drift", times(600000)),
        memory(
            "give_back_idle",
            "90 % freed, asleep",
            GIVE_BACK_FIGURES,
            "give_back",
            "idle",
            times(256),
        ),
        memory(
            "give_back_ticking",
            "90 % freed, a malloc per 100 ms",
            GIVE_BACK_FIGURES,
            "give_back",
            "ticking",
            times(256),
        ),
        LatencyTest(
            "latency",
            "10^8 calls in 2 threads",
            lambda work: [os.path.join(folder, "latency"), times(100000000)],
            LATENCY_FIGURES,
        ),
    ]
