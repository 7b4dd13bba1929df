# SPDX-License-Identifier: MIT
"""PostgreSQL: initdb, a server and pgbench under the preload; money moves, and none may get lost.

pgbench adds each amount to one account, one teller and one branch and notes it in the history, so
the four sums must be equal, and each transaction that was reported must be there.
"""

import glob
import hashlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import harness

CLIENTS = 4
TRANSACTIONS = 250  # of each client

SUMS = """
SELECT (SELECT sum(abalance) FROM pgbench_accounts), (SELECT sum(tbalance) FROM pgbench_tellers),
       (SELECT sum(bbalance) FROM pgbench_branches), (SELECT sum(delta) FROM pgbench_history),
       (SELECT count(*) FROM pgbench_history)
"""

# Sorts, hashes, arrays, JSON and text: where a backend allocates. Query and what it must answer.
QUERIES = {
    "SELECT sum(i), count(DISTINCT i % 1000) FROM generate_series(1, 100000) i": "5000050000|1000",
    "SELECT md5(string_agg(i::text, ',' ORDER BY -i)) FROM generate_series(1, 20000) i":
        hashlib.md5(",".join(map(str, range(20000, 0, -1))).encode()).hexdigest(),
    "SELECT count(*) FROM generate_series(1, 20000) a JOIN generate_series(1, 60000, 3) b ON a = b":
        str(len(range(1, 20001, 3))),
    "SELECT length(jsonb_agg(jsonb_build_object('k', i))::text) FROM generate_series(1, 5000) i":
        str(len("[" + ", ".join(f'{{"k": {i}}}' for i in range(1, 5001)) + "]")),
    "SELECT regexp_replace(repeat('abc ', 2000), '(a)(b)', '\\2\\1', 'g') = repeat('bac ', 2000)":
        "t",
}


def find(name):
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    path = os.path.join(folders[-1], name) if folders else ""
    if not os.path.exists(path):
        harness.fail(f"{name} not found: install the Debian package 'postgresql'")
    return path


def unprivileged(workdir):
    """PostgreSQL refuses to run as root, and the account it gets must be able to read the copy."""
    if os.getuid() != 0:
        return {}
    copy = workdir / Path(harness.library).name
    shutil.copy(harness.library, copy)
    copy.chmod(0o755)
    harness.library = str(copy)
    shutil.chown(workdir, "postgres", "postgres")
    return {"user": "postgres", "group": "postgres", "extra_groups": []}


def wait_until_ready(server, psql):
    deadline = time.monotonic() + harness.TIMEOUT
    while time.monotonic() < deadline:
        if server.poll() is not None:
            harness.fail(f"postgres ended at once: {harness.describe(server.returncode)}")
        try:
            return psql(harness.plain, "SELECT 1")
        except harness.Failed:
            time.sleep(0.1)
    harness.fail("postgres does not answer")


def use_database(server, workdir, account):
    def client(runner, name, *arguments):
        command = [find(name), "-h", workdir, "-U", "postgres", *arguments]
        return runner(command, cwd=workdir, **account).decode()

    def psql(runner, query):
        return client(runner, "psql", "-AtX", "-c", query, "postgres").strip()

    wait_until_ready(server, psql)
    harness.assert_mapped(server.pid)
    client(harness.preloaded, "pgbench", "-i", "-q", "-s", "2", "postgres")
    report = client(harness.preloaded, "pgbench", "-n", "-c", str(CLIENTS), "-j", "2",
                    "-t", str(TRANSACTIONS), "postgres")
    count = CLIENTS * TRANSACTIONS
    processed = f"number of transactions actually processed: {count}/{count}"
    harness.expect(f"'{processed}' in pgbench's report", processed in report, True)

    *sums, transactions = map(int, psql(harness.preloaded, SUMS).split("|"))
    harness.expect("transactions in the history", transactions, count)
    harness.expect("accounts, tellers, branches, history", sums, [sums[0]] * 4)
    for query, answer in QUERIES.items():
        harness.expect(query, psql(harness.preloaded, query), answer)
    psql(harness.preloaded, "VACUUM FULL ANALYZE")
    harness.expect("sums after VACUUM FULL", psql(harness.plain, SUMS),
                   "|".join(map(str, [*sums, count])))


def check(workdir):
    account = unprivileged(workdir)
    data = workdir / "data"
    harness.preloaded([find("initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
                       "--locale=C.UTF-8", "--no-sync"], cwd=workdir, **account)
    with open(workdir / "log", "wb") as log:
        server = harness.start([find("postgres"), "-D", data, "-k", workdir, "-h", "", "-F"],
                               cwd=workdir, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                               **account)
    try:
        use_database(server, workdir, account)
        server.send_signal(signal.SIGINT)
        harness.expect("exit status of postgres", server.wait(harness.TIMEOUT), 0)
    finally:
        harness.stop(server)
    if "was terminated by signal" in (log := (workdir / "log").read_text()):
        harness.fail(f"a backend crashed: {log[-1000:]}")


harness.main(check)
