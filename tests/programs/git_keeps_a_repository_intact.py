# SPDX-License-Identifier: MIT
"""git: a generated history is imported, repacked, verified, cloned and read back.

Names of objects are hashes of their contents, so one wrong byte anywhere shows in the name of the
last commit.
"""

import random

import harness

COMMITS = 200
FILES = 60


def generated_history():
    """A `git fast-import` stream: in each commit some lines of some files change."""
    numbers = random.Random(2026)
    files = [[f"file {n} line {line}" for line in range(80)] for n in range(FILES)]
    stream = []
    for commit in range(COMMITS):
        message = f"Commit {commit}\n"
        stream.append(f"commit refs/heads/main\n"
                      f"committer A U Thor <author@example.org> {1700000000 + commit * 60} +0000\n"
                      f"data {len(message)}\n{message}")
        for n in numbers.sample(range(FILES), 12) if commit else range(FILES):
            files[n][numbers.randrange(80)] = f"changed in {commit}: {numbers.random()}"
            text = "\n".join(files[n]) + "\n"
            stream.append(f"M 100644 inline dir{n % 7}/file{n}.txt\ndata {len(text)}\n{text}")
    newest = {f"dir{n % 7}/file{n}.txt": "\n".join(lines) + "\n" for n, lines in enumerate(files)}
    return "\n".join(stream).encode(), newest


def check(workdir):
    git = harness.program("git", "git")
    stream, newest = generated_history()
    env = {"HOME": str(workdir), "GIT_CONFIG_NOSYSTEM": "1"}

    def make(runner, folder):
        runner([git, "init", "-q", "-b", "main", folder], env=env)
        runner([git, "-C", folder, "fast-import", "--quiet"], input=stream, env=env)
        return runner([git, "-C", folder, "rev-parse", "main"], env=env)

    wanted = make(harness.plain, workdir / "plain")
    repository = workdir / "preloaded"
    harness.expect("name of the last commit", make(harness.preloaded, repository), wanted)

    def preloaded(folder, *arguments):
        return harness.preloaded([git, "-C", folder, *arguments], env=env)

    preloaded(repository, "gc", "--quiet", "--aggressive", "--prune=now")
    preloaded(repository, "fsck", "--full", "--strict", "--no-progress")
    clone = workdir / "clone"
    preloaded(workdir, "clone", "--quiet", "--no-local", repository, clone)
    harness.expect("commit checked out by clone", preloaded(clone, "rev-parse", "HEAD"), wanted)
    preloaded(clone, "diff", "--exit-code", "origin/main")
    for path, text in newest.items():
        harness.expect(path, (clone / path).read_text(), text)
    for arguments in (["log", "-p", "--stat"], ["diff", "HEAD~150", "HEAD"],
                      ["blame", "dir3/file3.txt"], ["grep", "-n", "changed in 1[0-9]:"]):
        command = [git, "--no-pager", "-C", clone, *arguments]
        harness.expect(f"git {arguments[0]}", preloaded(clone, *arguments),
                       harness.plain(command, env=env))


harness.main(check)
