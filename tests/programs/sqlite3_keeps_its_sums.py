# SPDX-License-Identifier: MIT
"""sqlite3: a database is filled, changed, vacuumed and checked; its sums are computed here too."""

import harness

ROWS = 60000

SCRIPT = f"""
PRAGMA journal_mode=WAL;
CREATE TABLE item(id INTEGER PRIMARY KEY, grp INTEGER, value INTEGER, name TEXT);
BEGIN;
INSERT INTO item WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
    SELECT i, i % 97, i * i % 10007, printf('name %d %.*c', i, i % 50, 'x') FROM n;
COMMIT;
CREATE INDEX by_group ON item(grp, value);
CREATE INDEX by_name ON item(name);
UPDATE item SET value = value + 1 WHERE grp < 10;
DELETE FROM item WHERE id % 5 = 0;
CREATE VIRTUAL TABLE words USING fts5(name);
INSERT INTO words SELECT name FROM item WHERE id <= 5000;
VACUUM;
SELECT 'rows', count(*), sum(value), sum(length(name)) FROM item;
SELECT 'join', count(*) FROM item a JOIN item b ON b.id = a.value WHERE a.grp = 3;
SELECT 'sorted', sum(p * value) FROM (SELECT row_number() OVER (ORDER BY name DESC) % 7 AS p, value
    FROM item);
SELECT 'fts', count(*) FROM words WHERE words MATCH 'name';
PRAGMA integrity_check;
"""


def expected():
    rows = []
    for i in range(1, ROWS + 1):
        if i % 5 != 0:
            value = i * i % 10007 + (1 if i % 97 < 10 else 0)
            # %.*c repeats the character, at least once
            rows.append((i, i % 97, value, f"name {i} " + "x" * max(i % 50, 1)))
    present = {row[0] for row in rows}
    joined = sum(row[1] == 3 and row[2] in present for row in rows)
    by_name = sorted(rows, key=lambda row: row[3], reverse=True)
    ranked = sum((rank % 7) * row[2] for rank, row in enumerate(by_name, 1))
    return [
        "wal",
        f"rows|{len(rows)}|{sum(row[2] for row in rows)}|{sum(len(row[3]) for row in rows)}",
        f"join|{joined}",
        f"sorted|{ranked}",
        f"fts|{sum(row[0] <= 5000 for row in rows)}",
        "ok",
    ]


def check(workdir):
    sqlite3 = harness.program("sqlite3", "sqlite3")
    output = harness.preloaded([sqlite3, "-batch", "-bail", workdir / "items.db"],
                               input=SCRIPT.encode())
    harness.expect("sqlite3", output.decode().splitlines(), expected())
    verdict = harness.plain([sqlite3, workdir / "items.db", "PRAGMA integrity_check"])
    harness.expect("integrity as seen without the preload", verdict, b"ok\n")


harness.main(check)
