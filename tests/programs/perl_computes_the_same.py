# SPDX-License-Identifier: MIT
"""Perl: hashes, strings, closures, sorting, regular expressions, fork; blocks of many sizes."""

import harness

SCRIPT = r"""
use strict; use warnings; use Digest::MD5 qw(md5_hex); use Storable qw(dclone freeze thaw);
my $seed = 12345;
sub random { $seed = ($seed * 1103515245 + 12345) % 2147483648; return int($seed / 65536) % $_[0] }

my (%count, %index, @lines);
for my $i (1 .. 20000) {
    my $word = join '', map { chr(97 + random(26)) } 1 .. 1 + random(12);
    $count{$word}++;
    push @{ $index{length $word} }, $word;
    push @lines, "$i $word " . ($word x random(5));
}
my $total = 0; $total += $_ for values %count;
print "words $total\n";

my $text = join "\n", @lines;
(my $swapped = $text) =~ s/(\d+) (\w+)/$2 $1/g;
my @sorted = sort { length $a <=> length $b || $a cmp $b } split /\n/, $swapped;
print "text ", md5_hex(join "\n", @sorted), "\n";

for (1 .. 3) {
    my $copy = dclone(\%index);
    delete $index{$_};
    $index{$_} = thaw(freeze($copy->{$_}));
}
print "index ", md5_hex(join ',', map { @{ $index{$_} } } sort { $a <=> $b } keys %index), "\n";

my @closures = map { my $n = $_; sub { $n += $_[0] } } 1 .. 1000;
my $sum = 0; $sum += $_->(2) for @closures;
print "closures $sum\n";

$| = 1;
for my $child (1 .. 4) {
    defined(my $pid = fork) or die "fork: $!";
    if ($pid == 0) {
        my @list = map { "x" x $_ } 1 .. 500;
        print "child ", length(join '', @list), "\n";
        exit;
    }
    waitpid $pid, 0; die "child $child ended with $?" if $?;
}
"""


def check(workdir):
    perl = harness.program("perl", "perl")
    output = harness.same([perl, "-e", SCRIPT], env={"PERL_HASH_SEED": "0"}).decode()
    harness.expect("words counted", "words 20000\n" in output, True)
    closures = sum(n + 2 for n in range(1, 1001))
    harness.expect("sum over closures", f"closures {closures}\n" in output, True)
    harness.expect("children", output.count(f"child {sum(range(501))}\n"), 4)


harness.main(check)
