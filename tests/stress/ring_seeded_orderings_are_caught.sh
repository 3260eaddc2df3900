#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# ThreadSanitizer must see each missing half of the pairs B4-R1 and B6-R2, which
# no run on x86 alone would show.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
status=0

seed() # NAME PERL-EDIT
{
	local name=$1 edit=$2

	rm -rf "$tmp/include"
	cp -r "$SRC/ivring/include" "$tmp/include"
	perl -0pi -e "$edit" "$tmp/include/ivring/ring.h"
	if cmp -s "$tmp/include/ivring/ring.h" "$SRC/ivring/include/ivring/ring.h"; then
		echo "FAIL $name: the seed does not apply to ring.h any more"
		status=1
		return
	fi
	gcc -std=gnu11 -D_GNU_SOURCE -O2 -w -fsanitize=thread -I"$tmp/include" -o "$tmp/seeded" \
		"$SRC/tests/stress/ring_threads.c" -lpthread
	if timeout 100 "$tmp/seeded" 300000 >"$tmp/log" 2>&1; then
		echo "FAIL $name: not noticed"
		status=1
	elif ! grep -q 'ThreadSanitizer: data race' "$tmp/log"; then
		echo "FAIL $name: failed for another reason"
		tail -n 5 "$tmp/log"
		status=1
	else
		echo "ok $name"
	fi
}

seed B4_head_not_released 's/ivring_store_release\(&w->shared->w_head, head\)/ivring_store(&w->shared->w_head, head)/'
seed R1_head_not_acquired 's/ivring_load_acquire\(&r->shared->w_head\)/ivring_load(&r->shared->w_head)/'
seed R2_tail_not_released 's/ivring_store_release\(&r->line->r_tail, r->tail\)/ivring_store(&r->line->r_tail, r->tail)/'
seed B6_tail_not_acquired 's/ivring_load_acquire\(&w->reader->r_tail\)/ivring_load(&w->reader->r_tail)/'
exit $status
