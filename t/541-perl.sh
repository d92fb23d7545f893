#!/usr/bin/env bash
# perl under the two libraries: strings that grow, hashes, regular expressions, code compiled while it runs, children.

# shellcheck source-path=SCRIPTDIR source=tap.sh
. "${0%/*}/tap.sh"
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"
# shellcheck source=outside.sh
. "$testdir/outside.sh"
tap_require perl

cat >job.pl <<'PERL'
use strict; use warnings;
$| = 1;
my (%words, @lines);
for my $i (1 .. 8000) {
	my $word = join '', map { chr(97 + ($i * $_ * 31) % 26) } 1 .. 3 + $i % 20;
	$words{$word} .= "$i,";
	push @lines, $word x (1 + $i % 5);
}
print scalar(keys %words), " words, ", length(join '', sort values %words), " bytes\n";
my $text = join "\n", @lines;
(my $changed = $text) =~ s/([aeiou]+)([^aeiou\n]?)/$2<$1>/g;
my %counts;
$counts{length $1}++ while $changed =~ /<(\w+)>/g;
print join(' ', map { "$_=$counts{$_}" } sort { $a <=> $b } keys %counts), "\n";
my $sum = 0;
$sum += eval "my \@a = map { \$_ * $_ } 1 .. 50; \$a[-1] + scalar(\@a)" for 1 .. 500;
print "$sum\n";
my @records = sort { $a->{key} cmp $b->{key} || $a->{n} <=> $b->{n} }
	map { { n => $_, key => sprintf('%04d', $_ * 7919 % 1000), more => [1 .. $_ % 10] } } 1 .. 5000;
print unpack('%32C*', join ';', map { "$_->{key}:$_->{n}:@{$_->{more}}" } @records), "\n";
@records = ();
# Children: one that goes on with what there is, one that becomes another perl.
for my $child (1 .. 4) {
	my $pid = fork // die;
	if ($pid == 0) {
		%words = ();
		exit(length($changed) > length($text) ? $child : 0);
	}
	waitpid $pid, 0;
	print "child ended with ", $? >> 8, "\n";
}
print `$^X -e 'print join "-", reverse 1 .. 200'`, "\n";
open my $pipe, '|-', $^X, '-ne', 'chomp; print scalar(reverse), qq(\n)' or die;
print $pipe "line $_\n" for 1 .. 100;
close $pipe;
exit 5;
PERL

outside perl perl job.pl
outside_managed "$(realpath "$(command -v perl)")" 40

tap_done
