# SPDX-License-Identifier: MIT
"""php-cli, which opens its extensions with RTLD_DEEPBIND: their malloc is libc's unless we care.

Memory then crosses between the two allocators, which crashes under the other preloaded ones. Runs
once with PHP's own memory manager and once with every block from malloc (USE_ZEND_ALLOC=0).
"""

import hashlib

import harness

PACKAGES = {"curl": "php-curl", "dom": "php-xml", "mbstring": "php-mbstring", "gd": "php-gd",
            "sqlite3": "php-sqlite3", "intl": "php-intl"}

SCRIPT = r"""<?php
$document = new DOMDocument('1.0', 'UTF-8');
$root = $document->appendChild($document->createElement('list'));
for ($i = 0; $i < 5000; $i++)
    $root->appendChild($document->createElement('item', "value $i"))->setAttribute('n', (string)$i);
$text = $document->saveXML();
$sum = 0;
foreach ((new DOMXPath($document))->query('//item[@n mod 7 = 0]/@n') as $n) $sum += (int)$n->value;
echo "dom ", strlen($text), " $sum\n";
$simple = simplexml_load_string($text);
echo "simplexml ", count($simple->item), "\n";
$depth = 0;
$parser = xml_parser_create();
xml_set_element_handler($parser, function () use (&$depth) { $depth++; }, function () {});
xml_parse($parser, $text, true);
echo "xml $depth\n";

$utf8 = str_repeat("Gr\u{fc}\u{df}e aus \u{4e1c}\u{4eac} ", 500);
echo "mbstring ", mb_strlen($utf8), " ", md5(mb_strtoupper($utf8)), " ",
    mb_convert_encoding(mb_convert_encoding($utf8, 'UTF-16LE'), 'UTF-8', 'UTF-16LE') === $utf8
        ? 'same' : 'changed', "\n";

$image = imagecreatetruecolor(200, 150);
for ($i = 0; $i < 150; $i++)
    imageline($image, 0, $i, 199, 149 - $i, imagecolorallocate($image, $i, 255 - $i, $i * 7 % 256));
ob_start(); imagepng($image); $png = ob_get_clean();
$again = imagecreatefromstring($png);
$same = true;
for ($x = 0; $x < 200; $x += 3)
    for ($y = 0; $y < 150; $y += 3)
        $same = $same && imagecolorat($image, $x, $y) === imagecolorat($again, $x, $y);
echo "gd ", imagesx($again), "x", imagesy($again), " ", $same ? 'same' : 'changed', "\n";

$base = new SQLite3(':memory:');
$base->exec('CREATE TABLE t(a INTEGER, b TEXT)');
$insert = $base->prepare('INSERT INTO t VALUES(:a, :b)');
for ($i = 1; $i <= 5000; $i++) {
    $insert->bindValue(':a', $i);
    $insert->bindValue(':b', str_repeat('b', $i % 300));
    $insert->execute();
}
$sums = $base->querySingle('SELECT sum(a), sum(length(b)) FROM t', true);
echo "sqlite3 ", implode(' ', $sums), "\n";

$names = ['zebra', "\u{e4}pfel", 'apfel', "\u{f6}l", 'ol', "\u{c4}rger"];
(new Collator('de_DE'))->sort($names);
echo "intl ", implode(' ', $names), " ",
    (new NumberFormatter('de_DE', NumberFormatter::DECIMAL))->format(1234567.5), " ",
    Normalizer::normalize("u\u{308}", Normalizer::FORM_C) === "\u{fc}" ? 'composed' : 'not', "\n";

file_put_contents('fetched', str_repeat('0123456789', 20000));
$curl = curl_init('file://' . getcwd() . '/fetched');
curl_setopt($curl, CURLOPT_RETURNTRANSFER, true);
echo "curl ", md5(curl_exec($curl)), "\n";
curl_close($curl);
"""


def expected():
    items = "".join(f'<item n="{i}">value {i}</item>' for i in range(5000))
    document = f'<?xml version="1.0" encoding="UTF-8"?>\n<list>{items}</list>\n'
    text = "Grüße aus 东京 " * 500
    fetched = hashlib.md5(b"0123456789" * 20000).hexdigest()
    return [
        f"dom {len(document)} {sum(range(0, 5000, 7))}",
        "simplexml 5000",
        "xml 5001",
        f"mbstring {len(text)} {hashlib.md5(text.upper().encode()).hexdigest()} same",
        "gd 200x150 same",
        f"sqlite3 {sum(range(5001))} {sum(i % 300 for i in range(5001))}",
        "intl apfel äpfel Ärger ol öl zebra 1.234.567,5 composed",
        f"curl {fetched}",
    ]


def check(workdir):
    php = harness.program("php", "php-cli")
    loaded = harness.plain([php, "-m"]).decode().split()
    for extension, package in PACKAGES.items():
        if extension not in loaded:
            harness.fail(f"php has no {extension}: install the Debian package '{package}'")
    (workdir / "script.php").write_text(SCRIPT)
    command = [php, workdir / "script.php"]
    harness.expect("php without the preload",
                   harness.plain(command, cwd=workdir).decode().splitlines(), expected())
    for zend_alloc in ("1", "0"):
        output = harness.preloaded(command, cwd=workdir, env={"USE_ZEND_ALLOC": zend_alloc})
        harness.expect(f"php, USE_ZEND_ALLOC={zend_alloc}", output.decode().splitlines(),
                       expected())


harness.main(check)
