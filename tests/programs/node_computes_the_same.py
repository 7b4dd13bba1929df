# SPDX-License-Identifier: MIT
"""node: V8's compiler and collector, buffers outside its heap, zlib, crypto, files and workers."""

import hashlib

import harness

SCRIPT = r"""
const crypto = require('crypto'), zlib = require('zlib'), fs = require('fs');
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const sha256 = data => crypto.createHash('sha256').update(data).digest('hex');

function numbers(seed, count) {
    const list = [];
    for (let i = 0; i < count; i++) {
        seed = (seed * 1103515245 + 12345) % 2147483648;
        list.push(seed);
    }
    return list;
}

if (!isMainThread) {
    parentPort.postMessage(sha256(numbers(workerData, 20000).join(',')));
} else {
    const list = numbers(1, 100000);
    console.log('list', sha256(list.join(',')));
    console.log('sorted', sha256([...list].sort((a, b) => a - b).join(',')));
    const groups = new Map();
    for (const n of list) groups.set(n % 1009, (groups.get(n % 1009) || []).concat(n));
    const text = JSON.stringify([...groups].sort((a, b) => a[0] - b[0]));
    console.log('json', JSON.stringify(JSON.parse(text)) === text);
    const buffers = numbers(2, 500).map(n => Buffer.alloc(n % 20000, 'tarn'));
    const whole = Buffer.concat(buffers);
    console.log('buffers', whole.length, sha256(whole));
    console.log('zlib', zlib.gunzipSync(zlib.gzipSync(whole)).equals(whole),
                zlib.brotliDecompressSync(zlib.brotliCompressSync(whole)).equals(whole));
    fs.writeFileSync('data', whole);
    console.log('file', fs.readFileSync('data').equals(whole));
    const workers = [3, 4, 5].map(seed => new Promise((resolve, reject) => new Worker(
        __filename, { workerData: seed }).on('message', resolve).on('error', reject)));
    Promise.all(workers).then(hashes => console.log('workers', hashes.join(' ')));
}
"""


def numbers(seed, count):
    result = []
    for _ in range(count):
        # as in the script, where the product is rounded to a double
        seed = int(float(float(seed * 1103515245) + 12345) % 2147483648)
        result.append(seed)
    return result


def sha256_of_list(values):
    return hashlib.sha256(",".join(map(str, values)).encode()).hexdigest()


def check(workdir):
    node = harness.program("node", "nodejs")
    (workdir / "script.js").write_text(SCRIPT)
    seen = harness.same([node, workdir / "script.js"], cwd=workdir).decode().splitlines()
    values = numbers(1, 100000)
    whole = b"".join((b"tarn" * 5000)[:n % 20000] for n in numbers(2, 500))
    workers = " ".join(sha256_of_list(numbers(seed, 20000)) for seed in (3, 4, 5))
    harness.expect("node", seen, [
        f"list {sha256_of_list(values)}",
        f"sorted {sha256_of_list(sorted(values))}",
        "json true",
        f"buffers {len(whole)} {hashlib.sha256(whole).hexdigest()}",
        "zlib true true",
        "file true",
        f"workers {workers}",
    ])


harness.main(check)
