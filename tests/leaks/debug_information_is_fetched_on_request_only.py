#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: with debuginfod=on a report has the names of a stripped program that a server of
# DEBUGINFOD_URLS knows, by build id; without it, or without --debuginfod of the tarn command, no
# server is asked, though DEBUGINFOD_URLS is set. What a server does not know, or a server that is
# not there, costs names and nothing else.

import http.server
import os
import re
import subprocess
import sys
import tempfile
import threading

from report import expect, run

LIBRARY, COMMAND = sys.argv[1:3]

SOURCE = """
#include <stdlib.h>
static void* volatile lost;
__attribute__((noinline)) static void loses_a_block(void)
{
    lost = malloc(1234);
    lost = 0;
}
int main(void)
{
    loses_a_block();
    for (int i = 0; i < 100; ++i) {
        void* volatile block = malloc(8);
        free(block);
    }
    return 0;
}
"""
NAMES = re.compile(r" in loses_a_block \S+lost\.c:6")


class Server:
    """Debug files by build id, on loopback; `asked`: paths of the requests so far."""

    def __init__(self, files):
        asked = self.asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self): # noqa: N802  (the name that http.server calls)
                asked.append(self.path)
                data = files.get(self.path)
                self.send_response(404 if data is None else 200)
                self.send_header("Content-Length", str(len(data or b"")))
                self.end_headers()
                self.wfile.write(data or b"")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"


def build(directory):
    """A stripped program; returns (path, path of a server's file, contents of that)."""
    with open(f"{directory}/lost.c", "w") as file:
        file.write(SOURCE)
    program = f"{directory}/lost"
    for command in (["gcc", "-g", "-O1", "-Wl,--build-id", "-o", program, f"{directory}/lost.c"],
                    ["objcopy", "--only-keep-debug", program, f"{directory}/symbols"],
                    ["strip", program]):
        subprocess.run(command, check=True)
    notes = subprocess.run(["readelf", "-n", program], capture_output=True, text=True, check=True)
    build_id = re.search(r"Build ID: ([0-9a-f]+)", notes.stdout)[1]
    with open(f"{directory}/symbols", "rb") as file:
        data = file.read()
    os.remove(f"{directory}/symbols")
    return program, f"/buildid/{build_id}/debuginfo", data


with tempfile.TemporaryDirectory() as directory:
    program, path, data = build(directory)
    server = Server({path: data})

    def report(options, url, cache, timeout=60):
        result = run(LIBRARY, program, timeout=timeout, TARN=f"leaks,leaks_exitcode=0{options}",
                     DEBUGINFOD_URLS=url, DEBUGINFOD_CACHE_PATH=f"{directory}/{cache}",
                     HOME=directory)
        expect(result.returncode == 0 and "1234 byte(s)" in result.stderr, "a report",
               result.stderr)
        return result.stderr

    for options in "", ",debuginfod=off":
        text = report(options, server.url, "none")
        expect(server.asked == [] and not NAMES.search(text), "nobody asked", server.asked)
    text = report(",debuginfod=on", server.url, "cache")
    expect(NAMES.search(text), "names", text)
    expect(path in server.asked, "the server asked", server.asked)
    expect(not os.path.exists(f"{directory}/none"), "no cache unless it is wanted", "one")

    # The command itself, with the environment as distributions set it.
    unnamed = report("", server.url, "none")
    asked = len(server.asked)
    for arguments, is_named in (["symbolize"], False), (["--debuginfod", "symbolize"], True):
        environment = {**os.environ, "DEBUGINFOD_URLS": server.url, "HOME": directory,
                       "DEBUGINFOD_CACHE_PATH": f"{directory}/other{is_named}"}
        result = subprocess.run([COMMAND, *arguments], input=unnamed, env=environment, text=True,
                                capture_output=True, timeout=60, check=True)
        expect(bool(NAMES.search(result.stdout)) == is_named, f"names: {is_named}", result.stdout)
        expect((len(server.asked) > asked) == is_named, f"a request: {is_named}", server.asked)

    # Nobody who knows, nobody there, nobody named.
    empty = Server({})
    text = report(",debuginfod=on", empty.url, "unknown")
    expect(path in empty.asked and not NAMES.search(text), "no names", text)
    empty.server.server_close()
    text = report(",debuginfod=on", "http://127.0.0.1:9", "nobody")
    expect(not NAMES.search(text), "no names", text)
    text = report(",debuginfod=on", "", "nobody")
    expect(text.startswith("tarn: debuginfod=on: nothing is fetched, DEBUGINFOD_URLS names no server\n"),
           "a line that says so", text)
