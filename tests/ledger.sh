#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The arithmetic of module/ledger.c, holder.c and conn.c on this machine, against a
# model of a TCP socket (ledger/model.c). The inputs in ledger/corpus go through every
# line of ledger.c, those in ledger/kept find changes of it that these do not, and
# ledger/holders.c makes as many holders as there may be; then libFuzzer looks for
# others: for 20 seconds, always the same ones as far as it comes, or with
# SOCKSTAT_LOAD=full new ones for ten minutes.
#
#	tests/ledger.sh --update [DIRECTORY]	fuzz for SECONDS (default 60), starting from
#						the corpus and DIRECTORY, and write what
#						covers the most into ledger/corpus
#
# A failure names an input: "FUZZ_TRACE=1 fuzz FILE" prints its steps.

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

need gcc gcov perl
cd "$TESTS/ledger" || exit
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export UBSAN_OPTIONS=halt_on_error=1
unset FUZZ_TRACE
module=("$TREE"/module/{conn,ledger,holder}.c)
harness=({fuzz,events,book,model,model_receive,kernel}.c)

# Each header of the kernel's that the module includes is kernel.h.
mkdir "$work/include"
grep -ho '^#include <[^>]*>' "$TREE"/module/*.[ch] | sed 's/.*<\(.*\)>/\1/' | sort -u |
	while read -r header; do
		mkdir -p "$work/include/${header%/*}"
		echo '#include "kernel.h"' >"$work/include/$header"
	done

# compile COMPILER OUTPUT OPTION...
compile()
{
	"$1" -g -O1 -std=gnu11 -Wall -Werror -I"$work/include" -I. -I"$TREE/module" \
		-o "$work/$2" "${@:3}" "${module[@]}" "${harness[@]}"
}

# unpack FILE...: a line of the corpus is an input, in hexadecimal digits.
mkdir "$work/seeds"
unpack()
{
	perl -ne 'BEGIN { chdir shift }
		chomp; next if /^#/; open(my $f, ">", $.) or die; print $f pack("H*", $_)' \
		"$work/seeds" "$@"
}

# coverage: replay the corpus, and print how often each line of ledger.c ran.
coverage()
{
	mkdir -p "$work/coverage"
	(
		cd "$work/coverage" || exit
		for file in "${module[@]}"; do
			gcc -g -O0 -std=gnu11 --coverage -I"$work/include" -I"$TESTS/ledger" \
				-I"$TREE/module" -c "$file" || exit
		done
		gcc --coverage -std=gnu11 -I"$work/include" -I"$TESTS/ledger" -I"$TREE/module" \
			-o replay ./*.o "${harness[@]/#/$TESTS/ledger/}" "$TESTS/ledger/replay.c" &&
			./replay "$work"/seeds/* && gcov -b -t ledger.gcda
	) 2>"$work/coverage.log" | awk '/^ *-: *0:Source:/ { wanted = /ledger\.c$/ } wanted'
}

can_fuzz()
{
	echo 'int LLVMFuzzerTestOneInput(void *p, long n) { return 0; }' >"$work/try.c"
	clang -fsanitize=fuzzer -o "$work/try" "$work/try.c" 2>/dev/null
}

fuzz()
{
	local seconds=20 seed=1 file

	[ "${SOCKSTAT_LOAD:-short}" != full ] || seconds=600 seed=0 # a random one
	mkdir -p "$work/found"
	if (cd "$work" && ./fuzz -max_total_time="$seconds" -seed="$seed" -timeout=10 -max_len=300 \
		found seeds) >"$work/log" 2>&1; then
		tail -n 1 "$work/log"
		return
	fi
	grep -E '^ledger:|ERROR|runtime error|Assertion' "$work/log"
	for file in "$work"/crash-* "$work"/timeout-*; do
		[ ! -e "$file" ] || echo "input: $(od -An -v -tx1 "$file" | tr -d ' \n')"
	done
	return 1
}

# update [DIRECTORY]: replace the corpus by the smallest inputs that cover as much.
update()
{
	mkdir -p "$work/found" "$work/least"
	(
		cd "$work" || exit
		./fuzz -max_total_time="${SECONDS_TO_FUZZ:-60}" -max_len=300 found seeds ${1:+"$1"} &&
			./fuzz -merge=1 -use_counters=0 least seeds found ${1:+"$1"}
	) || exit
	{
		echo '# SPDX-License-Identifier: GPL-2.0-only'
		echo '# Inputs of ledger/fuzz.c; tests/ledger.sh --update writes this file.'
		for file in "$work"/least/*; do
			od -An -v -tx1 "$file" | tr -d ' \n'
			echo
		done | sort
	} >"$work/corpus"
	cp "$work/corpus" corpus
}

clang_options=('-fsanitize=fuzzer,address,undefined' -fno-sanitize-recover=undefined)
inputs=("$PWD/kept")
[ ! -e corpus ] || inputs+=("$PWD/corpus")
unpack "${inputs[@]}"
if [ "${1-}" = --update ]; then
	compile clang fuzz "${clang_options[@]}" || exit
	update "${2-}"
	exit
fi

check 'the module and the model compile' \
	compile gcc replay -fsanitize=address,undefined -fno-sanitize-recover=undefined replay.c
check "the corpus: $(cat "${inputs[@]}" | grep -vc '^#') inputs, each byte is its caller's" \
	"$work/replay" "$work"/seeds/*

check 'the test of many holders compiles' \
	compile gcc holders -fsanitize=address,undefined -fno-sanitize-recover=undefined holders.c
check 'each holder is found, and there are no more than the limits' "$work/holders"

coverage >"$work/ledger.gcov"
is 'the corpus covers each line of ledger.c' '' \
	"$(sed -nE 's/^ *#####: *([0-9]+):(.*)/line \1:\2/p' "$work/ledger.gcov")"
is 'the corpus covers each branch of ledger.c, but those in ledger/never' "$(grep -v '^#' never)" \
	"$(awk -F: '
		/^ *[0-9#=-]+\*?: *[0-9]+:/ { line = $0; sub(/^[^:]*:[^:]*:[\t ]*/, "", line) }
		/^branch .*(taken 0%|never executed)/ && !seen[line]++ { print line }
	' "$work/ledger.gcov")"

if ! command -v clang >/dev/null; then
	skip 'fuzzing' 'clang is not installed'
elif ! can_fuzz; then
	skip 'fuzzing' "clang has no libFuzzer (Debian: libclang-rt-dev)"
else
	check 'the module and the model compile with clang' compile clang fuzz "${clang_options[@]}"
	check 'fuzzing finds nothing' fuzz
fi
finish
