# SPDX-License-Identifier: MIT
"""A headless Chromium lays out a local page that runs JavaScript; the resulting DOM is compared.

Chromium's own executables export a malloc of their own, which the loader prefers to ours: what is
tested here is that our start-up, thread and fork hooks do no harm in a browser's many processes.
"""

import re

import harness

ROWS = 3000

PAGE = """<!DOCTYPE html>
<html><head><style>td { padding: 2px } .odd { color: red }</style></head>
<body><table id="table"></table><p id="result"></p>
<canvas id="canvas" width="64" height="64"></canvas>
<script>
const table = document.getElementById('table');
for (let i = 0; i < ROWS; i++) {
    const row = table.insertRow();
    row.className = i % 2 ? 'odd' : 'even';
    row.insertCell().textContent = i;
    row.insertCell().textContent = 'x'.repeat(i % 40);
}
for (let i = ROWS - 1; i >= 0; i -= 3) table.deleteRow(i);
const context = document.getElementById('canvas').getContext('2d');
context.fillStyle = '#204060';
context.fillRect(0, 0, 64, 64);
const pixel = [...context.getImageData(5, 5, 1, 1).data].join(',');
const values = JSON.parse(JSON.stringify([...Array(20000).keys()])).map(n => (n * 7919) % 20011);
values.sort((a, b) => a - b);
let sum = 0;
for (const cell of document.querySelectorAll('tr.odd td:first-child'))
    sum += Number(cell.textContent);
const height = table.getBoundingClientRect().height > 1000;
document.getElementById('result').textContent =
    [table.rows.length, sum, values[10000], pixel, height].join(' ');
</script></body></html>
"""


def expected():
    kept = [i for i in range(ROWS) if (ROWS - 1 - i) % 3 != 0]
    values = sorted(n * 7919 % 20011 for n in range(20000))
    return f"{len(kept)} {sum(i for i in kept if i % 2)} {values[10000]} 32,64,96,255 true"


def check(workdir):
    chromium = harness.program("chromium", "chromium")
    page = workdir / "page.html"
    page.write_text(PAGE.replace("ROWS", str(ROWS)))
    document = harness.preloaded(
        [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
         "--no-first-run", "--disable-background-networking", "--disable-component-update",
         "--disable-sync",
         f"--user-data-dir={workdir}/profile", "--dump-dom", page.as_uri()],
        env={"HOME": str(workdir)}, cwd=workdir,
        own_malloc=("chromium", "chrome_crashpad_handler", "exe")).decode()
    result = re.search(r'<p id="result">(.*)</p>', document)
    harness.expect("text computed by the page", result and result[1], expected())
    harness.expect("rows in the DOM", document.count("<tr "), ROWS - ROWS // 3)


harness.main(check)
