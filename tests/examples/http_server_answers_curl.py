#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The HTTP server of the examples, asked by curl: several connections, several requests on each.

Usage: http_server_answers_curl.py SERVER
"""

import html
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
from collections import Counter
from pathlib import Path

CONNECTIONS = 6
REQUESTS = 8


def expected_page(host, kind, items):
    rows = "".join(
        f"<tr><td>{html.escape(item, quote=False).replace('&gt;', '>')}</td><td>{count}</td></tr>\n"
        for item, count in sorted(Counter(items).items(), key=lambda row: row[0].encode()))
    return f"<h1>{kind}</h1>\n<table>\n{rows}</table>\n<p>{host}</p>\n"


def items_of(number):
    return [f"thing <{i * i % (number + 2)}> & ünit {number}" for i in range(10 + 7 * number)]


def curl(*arguments):
    return subprocess.Popen(["curl", "--silent", "--fail", "--max-time", "60", *arguments])


def ask(host, connection, folder):
    """One curl, so one connection; odd ones ask for the arena first."""
    arguments, pages = [], {}
    for number in range(REQUESTS):
        items = items_of(connection * REQUESTS + number)
        query = urllib.parse.urlencode([("item", item) for item in items])
        for way in ("malloc", "arena")[:: 1 - 2 * (connection % 2)]:
            page = Path(folder) / f"{connection}.{number}.{way}"
            arguments += ["--output", page, f"http://{host}/{way}/kind{number}?{query}"]
            pages[page] = expected_page(host, f"kind{number}", items)
    return curl(*arguments), pages


def main():
    if not shutil.which("curl"):
        sys.exit("curl is missing: apt-get install curl")
    server = subprocess.Popen([sys.argv[1], "serve"], stdout=subprocess.PIPE, text=True)
    try:
        host = f"127.0.0.1:{int(server.stdout.readline())}"
        with tempfile.TemporaryDirectory() as folder:
            asked = [ask(host, connection, folder) for connection in range(CONNECTIONS)]
            for client, pages in asked:
                assert client.wait() == 0, f"curl ended with {client.returncode}"
                for page, expected in pages.items():
                    assert page.read_text() == expected, f"{page.name}: another page"
        curl(f"http://{host}/quit").wait()
        assert server.wait(timeout=60) == 0, f"the server ended with {server.returncode}"
    finally:
        server.kill()
    print(f"{CONNECTIONS * REQUESTS * 2} pages on {CONNECTIONS} connections as expected")


if __name__ == "__main__":
    main()
