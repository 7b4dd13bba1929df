# SPDX-License-Identifier: MIT
"""redis-server under redis-benchmark, with data of our own beside it that must come back unchanged.

Includes what a server does with its heap: BGSAVE (fork), reload from the dump, values that grow,
shrink, expire and are deleted.
"""

import random
import socket
import time

import harness

KEYS = 8000


class Client:
    """As much of the RESP protocol as the test needs."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(harness.TIMEOUT)
        self.socket.connect(str(path))
        self.replies = self.socket.makefile("rb")

    def command(self, *words):
        return self.pipeline([words])[0]

    def pipeline(self, commands):
        request = b""
        for words in commands:
            request += b"*%d\r\n" % len(words)
            for word in words:
                word = word if isinstance(word, bytes) else str(word).encode()
                request += b"$%d\r\n%s\r\n" % (len(word), word)
        self.socket.sendall(request)
        return [self.reply() for _ in commands]

    def reply(self):
        line = self.replies.readline().rstrip(b"\r\n")
        kind, rest = line[:1], line[1:]
        if kind == b"-" or not kind:
            harness.fail(f"redis-server answered {line!r}")
        if kind == b"$":
            return None if rest == b"-1" else self.replies.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return [self.reply() for _ in range(int(rest))]
        return int(rest) if kind == b":" else rest


def connect(path, server):
    deadline = time.monotonic() + harness.TIMEOUT
    while time.monotonic() < deadline:
        if server.poll() is not None:
            harness.fail(f"redis-server ended at once: {harness.describe(server.returncode)}")
        try:
            return Client(path)
        except OSError:
            time.sleep(0.02)
    harness.fail("redis-server does not answer")


def in_parts(client, commands):
    for first in range(0, len(commands), 500):
        client.pipeline(commands[first:first + 500])


def fill(client):
    """Writes values of many sizes, changes and deletes some; returns what must be stored then."""
    numbers = random.Random(7)
    strings = {f"own:s:{i}": numbers.randbytes(numbers.choice((3, 20, 90, 400, 3000, 40000)))
               for i in range(KEYS // 4)}
    in_parts(client, [("SET", key, value) for key, value in strings.items()])
    for key in list(strings)[::3]:
        strings[key] += numbers.randbytes(700)
    in_parts(client, [("SET", key, value) for key, value in strings.items()])
    gone = list(strings)[::5]
    in_parts(client, [("DEL", key) for key in gone])
    for key in gone:
        del strings[key]
    fields = {f"field{i}".encode(): numbers.randbytes(i % 200) for i in range(KEYS)}
    in_parts(client, [("HSET", "own:h", field, value) for field, value in fields.items()])
    members = [numbers.randbytes(12) for _ in range(KEYS)]
    in_parts(client, [("RPUSH", "own:l", member) for member in members])
    in_parts(client, [("ZADD", "own:z", rank, member) for rank, member in enumerate(members)])
    return strings, fields, members


def compare(client, strings, fields, members, when):
    keys = sorted(strings)
    for first in range(0, len(keys), 200):
        part = keys[first:first + 200]
        harness.expect(f"strings {when}", client.command("MGET", *part),
                       [strings[key] for key in part])
    flat = client.command("HGETALL", "own:h")
    harness.expect(f"hash {when}", dict(zip(flat[::2], flat[1::2])), fields)
    harness.expect(f"list {when}", client.command("LRANGE", "own:l", 0, -1), members)
    harness.expect(f"sorted set {when}", client.command("ZRANGE", "own:z", 0, -1), members)


def check(workdir):
    path = workdir / "socket"
    benchmark = harness.program("redis-benchmark", "redis-tools")
    with open(workdir / "log", "wb") as log:
        server = harness.start(
            [harness.program("redis-server", "redis-server"), "--port", "0", "--unixsocket", path,
             "--dir", workdir, "--save", "", "--enable-debug-command", "yes"], stdout=log,
            stderr=log)
    try:
        client = connect(path, server)
        harness.assert_mapped(server.pid)
        data = fill(client)
        harness.preloaded([benchmark, "-s", path, "-q", "-n", "5000", "-c", "20", "-r", "2000",
                           "-d", "300", "--threads", "2", "-t",
                           "set,get,incr,lpush,lpop,sadd,hset,spop,zadd,lrange_100,mset"])
        compare(client, *data, "after redis-benchmark")

        digest = client.command("DEBUG", "DIGEST")
        client.command("BGSAVE")
        while b"rdb_bgsave_in_progress:1" in client.command("INFO", "persistence"):
            client.command("SET", "own:scratch", random.randbytes(100))
        saved = b"rdb_last_bgsave_status:ok" in client.command("INFO", "persistence")
        harness.expect("BGSAVE ended well", saved, True)
        client.command("DEL", "own:scratch")
        client.command("DEBUG", "RELOAD")
        harness.expect("digest after a reload", client.command("DEBUG", "DIGEST"), digest)
        compare(client, *data, "after a reload")
        client.pipeline([("FLUSHALL",), ("MEMORY", "PURGE")])
        client.socket.sendall(b"SHUTDOWN NOSAVE\r\n")
        harness.expect("exit status of redis-server", server.wait(harness.TIMEOUT), 0)
    finally:
        harness.stop(server)


harness.main(check)
