# SPDX-License-Identifier: MIT
#
# What Perl is used for: split lines into fields, count words in hashes, substitute with regular
# expressions, sort, join.
#
# usage: text.pl ROUNDS

use strict;
use warnings;

my $state = 17;

sub number_below {
    my ($bound) = @_;
    $state = ($state * 1103515245 + 12345) % 2147483648;
    return int($state / 65536) % $bound;
}

sub make_line {
    my @fields = map { "field" . number_below(5000) } 1 .. 3 + number_below(10);
    return join(",", @fields) . ";" . number_below(100000);
}

my $checksum = 0;
my %seen;
for my $round (1 .. $ARGV[0]) {
    my @lines = map { make_line() } 1 .. 2000;
    my %count;
    my @records;
    for my $line (@lines) {
        my ($fields, $amount) = split /;/, $line;
        my @names = split /,/, $fields;
        $count{$_}++ for @names;
        push @records, { names => \@names, amount => $amount, key => join("-", sort @names) };
    }
    for my $record (sort { $a->{key} cmp $b->{key} } @records) {
        (my $changed = $record->{key}) =~ s/field(\d+)/<$1>/g;
        $seen{ substr($changed, 0, 6) } .= $record->{amount} % 10;
        $checksum = ($checksum * 31 + length($changed) + $record->{amount}) % 1000000007;
    }
    $checksum = ($checksum + keys %count) % 1000000007;
}
print "checksum $checksum ", scalar(keys %seen), "\n";
