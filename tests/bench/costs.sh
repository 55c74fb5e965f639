#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Limits on the cost of the module: operations with and without it are measured in
# one boot, in instructions. This needs a guest with one CPU whose clock counts
# instructions ("tests/vm/guest --icount"); elsewhere the test is skipped.

. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/traffic.sh
. "$TESTS/traffic.sh"
# shellcheck source=tests/bench/hold.sh
. "$TESTS/bench/hold.sh"

BENCH=$TESTS/bench
LONGEST=/sys/module/irqs_off/parameters/longest
CALLS=(pair eagain pair64k high_fd cycle)

need_root
ulimit -n 1000000
trap unload_module EXIT

# measure_calls: print the cost of each of CALLS, as NAME=INSTRUCTIONS.
measure_calls()
{
	"$BENCH/call" "${CALLS[@]}" | awk '{ printf "%s=%.0f ", $1, $2 }'
}

# value_of NAME "NAME=VALUE ...": print the value.
value_of()
{
	local pair

	for pair in $2; do
		[ "${pair%%=*}" != "$1" ] || echo "${pair#*=}"
	done
}

# at_most NAME LIMIT VALUE: pass if VALUE is an integer and not above LIMIT.
at_most()
{
	echo "# $1: $3"
	if [[ $3 =~ ^-?[0-9]+$ ]] && [ "$3" -le "$2" ]; then
		pass "$1"
	else
		fail "$1" "limit: $2" "seen: $3"
	fi
}

# per_million VALUE BASE: print by how many millionths VALUE exceeds BASE.
per_million()
{
	echo $((($1 - $2) * 1000000 / $2))
}

# added NAME LIMIT: the call costs at most LIMIT parts per million more with the
# module than without it.
added()
{
	local with without

	with=$(value_of "$1" "$loaded") without=$(value_of "$1" "$bare")
	at_most "$1: the module adds at most $2 ppm" "$2" \
		"$(per_million "$with" "$without")"
}

# read_cost FILE: print the cost of reading the whole file.
read_cost()
{
	"$BENCH/cost" cat "$1" | cut -d ' ' -f 2
}

# cpu_cost COMMAND...: print the CPU time that it takes, without the time that it waits.
cpu_cost()
{
	"$BENCH/cost" "$@" | cut -d ' ' -f 1
}

# interrupts_off COMMAND...: print for how long interrupts were off at most meanwhile.
interrupts_off()
{
	echo 0 >$LONGEST
	"$@" >/dev/null
	cat $LONGEST
}

# Two runs take the same number of instructions, but not the same time.
"$BENCH/call" pair cycle >/dev/null
once=$("$BENCH/call" eagain | awk '{ printf "%.0f", $2 }')
again=$("$BENCH/call" eagain | awk '{ printf "%.0f", $2 }')
if [ "$once" = 0 ] || [ "$(per_million "$once" "$again" | tr -d -)" -gt 2000 ]; then
	skip_all "this clock does not count instructions ($once ns, then $again ns)"
fi

# probes_are_jumps: every probe uses ftrace or is a jump. The list calls a probe
# OPTIMIZED as soon as the kernel has queued the replacement of its breakpoint by a
# jump; /proc/kcore has the instruction that is there now.
probes_are_jumps()
{
	! grep -qv '\[\(OPTIMIZED\|FTRACE\)\]' "$KPROBES/list" &&
		grep '\[OPTIMIZED\]' "$KPROBES/list" | first_bytes |
			awk '$1 != "e9" { other = 1 } END { exit other || !NR }'
}

# first_bytes: read lines that begin with an address, print the byte there before each.
# An ELF header of 64 bytes says where the program headers of /proc/kcore are.
first_bytes()
{
	perl -e '
		sub read_core {
			sysseek($core, $_[0], 0) or die "kcore: $!";
			sysread($core, my $bytes, $_[1]);
			return $bytes;
		}
		open($core, "<:raw", "/proc/kcore") or die "kcore: $!";
		my ($at, $size, $n) = unpack("x32 Q x14 S S", read_core(0, 64));
		my @segments = map { [unpack("x8 Q Q x8 Q", read_core($at + $_ * $size, 56))] } 0..$n - 1;
		while (my $line = <STDIN>) {
			my $address = hex((split(" ", $line))[0]);
			for my $segment (@segments) {
				my ($offset, $start, $length) = @$segment;
				next if $address < $start || $address - $start >= $length;
				my $byte = read_core($offset + ($address - $start), 1);
				printf("%s %s", unpack("H2", $byte), $line);
			}
		}'
}

bare=$(measure_calls)
load_module
check 'no probe of the module is a breakpoint' wait_for 60 probes_are_jumps
loaded=$(measure_calls)
added pair 26000
added eagain 240000
added pair64k 5000
added high_fd 26000
added cycle 85000

renamed=$("$BENCH/call" renamed | awk '{ printf "%.0f", $2 }')
at_most 'cycle: 25,600 renames of a user add at most 100,000 ppm' 100000 \
	"$(per_million "$renamed" "$(value_of cycle "$loaded")")"

few=$("$BENCH/call" pair | awk '{ printf "%.0f", $2 }')
hold_used 1000
read_cost $SOCKSTAT >/dev/null
small=$(read_cost $SOCKSTAT)
release
hold_used 10000
many=$("$BENCH/call" pair | awk '{ printf "%.0f", $2 }')
read_cost $SOCKSTAT >/dev/null
large=$(read_cost $SOCKSTAT)
insmod "$TESTS/irqs_off/irqs_off.ko"
echo "# interrupts are off for $(interrupts_off sleep 1) ns while nothing happens"
check 'one connection has 1,000 more descriptors' hold_shared 1000
at_most 'interrupts are off for at most 100,000 instructions while the table is read' 100000 \
	"$(interrupts_off cat $SOCKSTAT)"
rmmod irqs_off
tcp=$(read_cost /proc/net/tcp)
release
at_most 'pair: 20,000 sockets in the table add at most 20,000 ppm' 20000 "$(per_million "$many" "$few")"
at_most 'reading costs at most 4,500 instructions a row' 4500 $(((large - small) / 18000))
at_most 'reading costs no more than reading /proc/net/tcp' "$tcp" "$large"
unload_module
at_most 'insmod costs at most 230,000,000 instructions' 230000000 "$(cpu_cost insmod "$MODULE")"
at_most 'rmmod costs at most 50,000,000 instructions' 50000000 "$(cpu_cost rmmod sockstat)"
finish
