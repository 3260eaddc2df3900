#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# ring_interrupts must fail when one of the known mistakes is put into ring.h:
# a check that never fails shows nothing.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
status=0

# seed NAME EDIT: EDIT is a perl substitution over the whole of ring.h
seed()
{
	local name=$1 edit=$2 output

	rm -rf "$tmp/include"
	cp -r "$SRC/ivring/include" "$tmp/include"
	perl -0pi -e "$edit" "$tmp/include/ivring/ring.h"
	if cmp -s "$tmp/include/ivring/ring.h" "$SRC/ivring/include/ivring/ring.h"; then
		echo "FAIL $name: the seed does not apply to ring.h any more"
		status=1
		return
	fi
	gcc -std=gnu11 -O1 -w -I"$tmp/include" -I"$SRC/tests" -o "$tmp/seeded" \
		"$SRC/tests/stress/ring_interrupts.c"
	if output=$(timeout 100 "$tmp/seeded" 2>&1); then
		echo "FAIL $name: not noticed"
		status=1
	else
		echo "ok $name: $(head -n 1 <<<"$output")"
	fi
}

seed nest_dropped_before_publishing \
	's/(again:\n\tivring_barrier\(\);\n\thead = ivring_load\(&w->resv\);\n)/$1\tw->nest = 0;\n/'
seed no_second_look_at_resv \
	's/head != ivring_load\(&w->resv\) \|\| ivring_load\(&w->force\)/0/'
seed fullness_counts_one_record \
	's/next \+ subbuf - w->ctail > w->size/next + 64 + need - w->ctail > w->size/g'
seed content_size_before_cmpxchg \
	's/(\tdo \/\* nested)/\tif (next > w->base)\n\t\tivring_store(&ivring_subbuf_at(w, next - subbuf)->content_size, (__u32)(old - (next - subbuf)));\n$1/; s/\t\tivring_store\(&prev->content_size[^;]*;\n//'
seed reader_ignores_content_size 's/end = base \+ content;/end = next;/'
seed reader_closed_test_not_strict 's/if \(r->head > next\)/if (r->head >= next)/'
seed no_second_look_at_force \
	's/(head != ivring_load\(&w->resv\)) \|\| ivring_load\(&w->force\)/$1/'
seed force_cleared_after_resv_was_read \
	's/\t\thead = ivring_load\(&w->resv\);\n\t\tw->pub = head;/\t\tw->pub = head;/'
seed no_switch_flag 's/if \(w->swf\) \{/if (0) {/'
seed resv_not_read_again_after_switch_flag 's/old = ivring_load\(&w->resv\); \/\* must/old = *ret_pos; \/* must/'
seed clock_read_outside_the_loop \
	's/(\tfor \(;;\) \{\n)/\ttsc = IVRING_CLOCK();\n$1/; s/\t\ttsc = IVRING_CLOCK\(\); \/\* inside[^\n]*\n//'
seed content_size_not_stored 's/\t\tivring_store\(&prev->content_size[^;]*;\n//'
seed gap_at_end_taken_as_room 's/used \+ need <= w->subbuf\)/used + need <= w->subbuf + 8)/'
seed nested_context_publishes 's/if \(w->nest > 1\) \{/if (0) {/'
seed lost_in_switch_not_counted 's/ivring_inc_local\(&w->lost_nested\);\n\t\treturn -1/return -1/'
exit $status
