# SPDX-License-Identifier: MIT
"""CPython's own tests: the arguments are names of its test modules and --options of its runner.

PYTHONMALLOC=malloc takes CPython's pool allocator out of the way, so that each object is a call.
"""

import subprocess
import sys

import harness

FIND_TESTS = "import importlib.util; print(importlib.util.find_spec('test.test_dict'))"

# Runs as the program: says where it is, so that the library can be looked for in its maps, and
# becomes `python3 -m test` when it is told to go on.
TEST_RUNNER = """
import runpy, sys
print('ready', flush=True)
sys.stdin.readline()
sys.argv = ['test', *sys.argv[1:]]
runpy.run_module('test', run_name='__main__')
"""


def check(workdir):
    arguments = sys.argv[2:]
    python = harness.program("python3", "python3")
    if harness.plain([python, "-c", FIND_TESTS]) == b"None\n":
        harness.fail("python3 has no tests: install the Debian package 'libpython3.11-testsuite'")

    process = harness.start([python, "-c", TEST_RUNNER, "--tempdir", workdir, *arguments],
                            env={"PYTHONMALLOC": "malloc"}, cwd=workdir, text=True,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        harness.expect("python3's first line", process.stdout.readline(), "ready\n")
        harness.assert_mapped(process.pid)
        output, _ = process.communicate("go\n", timeout=harness.TIMEOUT)
    except subprocess.TimeoutExpired:
        harness.fail(f"python3 -m test: still running after {harness.TIMEOUT} s")
    finally:
        harness.stop(process)
    count = sum(not argument.startswith("--") for argument in arguments)
    verdict = "1 test OK." if count == 1 else f"All {count} tests OK."
    if process.returncode != 0 or verdict not in output:
        harness.fail(f"python3 -m test: expected '{verdict}', seen "
                     f"{harness.describe(process.returncode)} and: {output[-2000:]}")


harness.main(check)
