/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ring.h once more under other names, so that one program holds it with and
 * without a change.  Define RING_AGAIN(name) before, and change what is to be
 * changed (IVRING_PUB_BYTES, ivring_cmpxchg_local); no include guard.
 */
#define ivring_writer		  RING_AGAIN(writer)
#define ivring_writer_init	  RING_AGAIN(writer_init)
#define ivring_subbuf_at	  RING_AGAIN(subbuf_at)
#define ivring_subbuf_open	  RING_AGAIN(subbuf_open)
#define ivring_subbuf_is_free	  RING_AGAIN(subbuf_is_free)
#define ivring_switch_to	  RING_AGAIN(switch_to)
#define ivring_switch_subbuf	  RING_AGAIN(switch_subbuf)
#define ivring_leave		  RING_AGAIN(leave)
#define ivring_emit		  RING_AGAIN(emit)
#define ivring_emit_two		  RING_AGAIN(emit_two)
#define ivring_flush		  RING_AGAIN(flush)
#define ivring_needs_flush	  RING_AGAIN(needs_flush)
#define ivring_reader		  RING_AGAIN(reader)
#define ivring_range		  RING_AGAIN(range)
#define ivring_reader_init	  RING_AGAIN(reader_init)
#define ivring_reader_violation	  RING_AGAIN(reader_violation)
#define ivring_head_is_sane	  RING_AGAIN(head_is_sane)
#define ivring_reader_load	  RING_AGAIN(reader_load)
#define ivring_reader_resync	  RING_AGAIN(reader_resync)
#define ivring_reader_fetch	  RING_AGAIN(reader_fetch)
#define ivring_reader_is_idle	  RING_AGAIN(reader_is_idle)
#define ivring_reader_content_end RING_AGAIN(reader_content_end)
#define ivring_reader_next	  RING_AGAIN(reader_next)
#define ivring_reader_release	  RING_AGAIN(reader_release)
#define ivring_snapshot_pass	  RING_AGAIN(snapshot_pass)
#define ivring_snapshot_begin	  RING_AGAIN(snapshot_begin)
#define ivring_snapshot_next	  RING_AGAIN(snapshot_next)
#define ivring_snapshot_accept	  RING_AGAIN(snapshot_accept)

#undef IVRING_RING_H
#include <ivring/ring.h>

#undef ivring_writer
#undef ivring_writer_init
#undef ivring_subbuf_at
#undef ivring_subbuf_open
#undef ivring_subbuf_is_free
#undef ivring_switch_to
#undef ivring_switch_subbuf
#undef ivring_leave
#undef ivring_emit
#undef ivring_emit_two
#undef ivring_flush
#undef ivring_needs_flush
#undef ivring_reader
#undef ivring_range
#undef ivring_reader_init
#undef ivring_reader_violation
#undef ivring_head_is_sane
#undef ivring_reader_load
#undef ivring_reader_resync
#undef ivring_reader_fetch
#undef ivring_reader_is_idle
#undef ivring_reader_content_end
#undef ivring_reader_next
#undef ivring_reader_release
#undef ivring_snapshot_pass
#undef ivring_snapshot_begin
#undef ivring_snapshot_next
#undef ivring_snapshot_accept
