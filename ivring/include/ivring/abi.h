/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * IVRing: layout of the memory shared between one guest and its host.
 *
 * Layout only, no code: this header is compiled alone as C90, C11, C++, for
 * 32 bits and in a kernel module (make check-abi).  Little-endian, natural
 * alignment, padding explicit, reserved words zero and checked to be zero.
 * Offsets count from the start of the region.
 *
 *	0x0000		superblock (4 KiB)		host writes, once, magic last
 *	0x1000		guest page (4 KiB)		guest writes
 *	0x1100		its answers to the clock's handshake
 *	0x2000		channel descriptors, 256 B	line 0 host, line 1 guest
 *	reader_off	reader control page, then one	reader writes
 *			64-byte line per channel
 *	data_off	channel data, 2 MiB aligned	guest writes
 *
 * Words written by different sides share neither a cache line nor a pair of
 * adjacent lines (constants excepted).  A "position" is a free-running u64
 * count of bytes; its index in the channel is pos & (size - 1).
 */
#ifndef IVRING_ABI_H
#define IVRING_ABI_H

#ifdef __VMLINUX_H__ /* a BPF program has its types from vmlinux.h */
#define __aligned_u64 __u64 __attribute__((aligned(8)))
#else
#include <linux/types.h>
#endif

#define IVRING_MAGIC	     0x0100474e49525649ULL /* "IVRING\0\1", little-endian */
#define IVRING_VERSION_MAJOR 1
#define IVRING_VERSION_MINOR 3 /* 1: handshake; 2: filter, freeze, features; 3: doorbell */

#define IVRING_PAGE_BYTES	 4096
#define IVRING_GUEST_OFF	 0x1000
#define IVRING_ANSWER_OFF	 0x1100
#define IVRING_CHAN_OFF		 0x2000
#define IVRING_DATA_ALIGN	 (2u << 20)
#define IVRING_PUB_BYTES	 4096 /* publishing grain of w_head */
#define IVRING_MAX_CHANNELS	 4096
#define IVRING_MIN_SUBBUF_SHIFT	 12
#define IVRING_MAX_SUBBUF_SHIFT	 22
#define IVRING_MIN_SUBBUFS_SHIFT 2
#define IVRING_MAX_SUBBUFS_SHIFT 16
#define IVRING_MIN_CHAN_BYTES	 (64u << 10)
#define IVRING_MAX_CHAN_BYTES	 (1u << 30)
#define IVRING_MAX_REGION_BYTES	 (64ULL << 30)

/* ivring_guest_page.state */
#define IVRING_GUEST_DOWN   0
#define IVRING_GUEST_INIT   1
#define IVRING_GUEST_READY  2
#define IVRING_GUEST_FROZEN 3
#define IVRING_GUEST_DEAD   4

/* ivring_guest_page.map_type: what the guest's mapping of the BAR is */
#define IVRING_MAP_UNKNOWN  0
#define IVRING_MAP_WB	    1
#define IVRING_MAP_UNCACHED 2

/* ivring_chan_const.kind */
#define IVRING_KIND_GUEST_VCPU 0
#define IVRING_KIND_GUEST_META 1
#define IVRING_KIND_HOST       2

/* ivring_chan_const.mode */
#define IVRING_MODE_DISCARD   0
#define IVRING_MODE_OVERWRITE 1

/* ivring_chan_const.clock_id */
#define IVRING_CLOCK_TSC  0
#define IVRING_CLOCK_MONO 1

/* ivring_reader_page.flags */
#define IVRING_READER_NEED_WAKEUP 1u
#define IVRING_READER_FLUSH_REQ	  2u
#define IVRING_READER_FREEZE	  4u /* write nothing more until it is taken back */

/* ivring_guest_page.features: what of the reader's page the guest obeys besides
 * reader_epoch, FLUSH_REQ and the types of events; FORBIDS comes and goes */
#define IVRING_GUEST_FILTERS 1u
#define IVRING_GUEST_CHAINS  2u
#define IVRING_GUEST_FREEZES 4u
#define IVRING_GUEST_FTRACE  8u
#define IVRING_GUEST_RINGS   16u /* its doorbell, while NEED_WAKEUP is set */
#define IVRING_GUEST_FORBIDS 32u /* its owner lets it record nothing for any reader */

/* Types 0..IVRING_MAX_TYPE - 1 have a bit in ivring_reader_page.enable_bitmap. */
#define IVRING_MAX_TYPE	    24576
#define IVRING_BITMAP_WORDS 384

#define IVRING_FILTER_PIDS  64
#define IVRING_FILTER_COMMS 16

/* Record: header, payload, zero bytes up to a multiple of 8. */
#define IVRING_REC_HDR_BYTES	16
#define IVRING_REC_MAX_BYTES	32768
#define IVRING_SUBBUF_HDR_BYTES 64
#define IVRING_SUBBUF_MAGIC	0x46425553u /* "SUBF" */

#define IVRING_CTX_TID_MASK   0x003fffffu /* PID_MAX_LIMIT is 2^22 */
#define IVRING_CTX_EXEC_SHIFT 22
#define IVRING_CTX_EXEC_MASK  (3u << 22)
#define IVRING_CTX_RSV_MASK   0x7f000000u
#define IVRING_CTX_BUSY	      0x80000000u

#define IVRING_EXEC_TASK    0
#define IVRING_EXEC_SOFTIRQ 1
#define IVRING_EXEC_HARDIRQ 2
#define IVRING_EXEC_NMI	    3

/* Written by the host before the guest may look at it; magic is stored last. */
struct ivring_superblock {
	__aligned_u64 magic;
	__u16 version_major;
	__u16 version_minor;
	__u32 header_len; /* sizeof(struct ivring_superblock) */
	__u32 crc32c;	  /* of this structure with magic and this field as 0 */
	__u32 nr_channels;
	__aligned_u64 region_size;
	__u32 chan_desc_off;
	__u32 chan_desc_size;
	__u32 subbuf_shift;
	__u32 subbufs_per_chan_shift;
	__u32 reader_off;
	__u32 reader_len;
	__aligned_u64 data_off;
	__u32 feature_compat;
	__u32 feature_ro_compat;
	__u32 feature_incompat;
	__u32 reserved0;
	__aligned_u64 host_epoch; /* a new number each time the host formats */
	__u8 guest_uuid[16];
};

/* Written by the guest; the host copies it, bounded, once per epoch. */
struct ivring_guest_page {
	__u32 state;
	__u32 nr_cpus;
	__aligned_u64 guest_epoch; /* one boot of the guest */
	__aligned_u64 tsc_khz;
	__u32 map_type;
	__u32 features; /* IVRING_GUEST_* */
	__aligned_u64 reserved1[4];
	char release[64]; /* kernel release, NUL-terminated if it fits */
	__aligned_u64 heartbeat;
};

/*
 * The handshake, in pairs of lines of its own (docs/time.md): the host stores
 * shake_call in its page; the vCPU that it names looks at shake_seq for a
 * moment, says so by storing call, and answers each new number with its TSC.
 * Where version is 0 nobody answers.
 */
#define IVRING_SHAKE_VERSION   1
#define IVRING_SHAKE_VCPU_MASK 0xffffu /* the rest of a call is a number that is new */

/* Written by the guest, at IVRING_ANSWER_OFF. */
struct ivring_answer {
	__aligned_u64 seq; /* shake_seq that tsc answers; stored after it */
	__aligned_u64 tsc;
	__aligned_u64 call; /* the last call that a vCPU took up */
	__u32 version;	    /* IVRING_SHAKE_VERSION while the driver answers */
	__u32 reserved0;
	__aligned_u64 reserved1[12];
};

/*
 * Whose events are wanted, where nr_pids or nr_comms is not 0: of processes
 * (thread groups) in pids or whose task's name is in comms (NUL-padded).  seq is
 * odd while the reader changes the rest: who finds it odd, or another number
 * afterwards, keeps what it has and looks again later.
 */
struct ivring_filter {
	__u32 seq;
	__u32 nr_pids;
	__u32 nr_comms;
	__u32 reserved0;
	__u32 pids[IVRING_FILTER_PIDS];
	char comms[IVRING_FILTER_COMMS][16];
	__aligned_u64 reserved1[54];
};

/* Written by the reader: the only page of the region it maps writable,
 * together with the reader lines that follow it. */
struct ivring_reader_page {
	__aligned_u64 reader_epoch; /* 0 = no reader; else a new number per recording */
	__u32 flags;
	__u32 reserved0;
	__aligned_u64 ack_epoch;  /* guest_epoch up to which the reader has drained */
	__aligned_u64 shake_call; /* 0: none; else a new number << 16 | vCPU */
	__aligned_u64 shake_seq;  /* of the round, never 0 within a call */
	__aligned_u64 reserved1[3];
	__aligned_u64 enable_bitmap[IVRING_BITMAP_WORDS];
	struct ivring_filter filter; /* since version 1.2 */
};

struct ivring_reader_line {
	__aligned_u64 r_tail;
	__aligned_u64 reserved0[7];
};

/* Line 0 of a channel descriptor: constants, written by the host. */
struct ivring_chan_const {
	__u32 cpu;
	__u16 kind;
	__u16 mode;
	__aligned_u64 data_off;
	__aligned_u64 size;
	__u32 clock_id;
	__u32 reserved0;
	__aligned_u64 reserved1[4];
};

/* Line 1 of a channel descriptor: written by the guest. */
struct ivring_chan_writer {
	__aligned_u64 w_head; /* every byte before it is committed */
	__aligned_u64 w_resv_hint;
	__aligned_u64 w_claim; /* overwrite mode: first position not claimed */
	__aligned_u64 lost_full;
	__aligned_u64 lost_nested;
	__aligned_u64 lost_big;
	__aligned_u64 events;
	__aligned_u64 reserved0;
};

struct ivring_chan {
	struct ivring_chan_const host;
	struct ivring_chan_writer guest;
	__aligned_u64 reserved0[16];
};

/* At each multiple of the sub-buffer size; never copied to a file. */
struct ivring_subbuf {
	__u32 magic; /* stored last */
	__u16 version;
	__u16 hdr_len;
	__aligned_u64 seq; /* position / sub-buffer size */
	__aligned_u64 guest_epoch;
	__aligned_u64 tsc_begin;
	__aligned_u64 tsc_end;
	__u32 content_size; /* 0 while open; bytes from the sub-buffer's start, on close */
	__u32 cpu;
	__aligned_u64 lost_total_at_open;
	__u32 flags;
	__u32 reserved0;
};

/* type, size and ctx are one 64-bit word (w0), stored once at reserve with
 * BUSY set and once at commit. */
struct ivring_record {
	__aligned_u64 tsc;
	__u16 type; /* 0 is never valid */
	__u16 size; /* header and padding included: multiple of 8, 16..32768 */
	__u32 ctx;
};

/* One assert per field, so that a change of the layout shows as numbers. */
#if defined(__cplusplus)
#define IVRING_ASSERT(expr) static_assert(expr, #expr)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define IVRING_ASSERT(expr) _Static_assert(expr, #expr)
#else
#define IVRING_ASSERT_NAME2(line) ivring_assert_##line
#define IVRING_ASSERT_NAME(line)  IVRING_ASSERT_NAME2(line)
#define IVRING_ASSERT(expr) \
	extern int IVRING_ASSERT_NAME(__LINE__)[(expr) ? 1 : -1] __attribute__((unused))
#endif
#define IVRING_AT(s, f, o) IVRING_ASSERT(__builtin_offsetof(struct s, f) == (o))

IVRING_AT(ivring_superblock, magic, 0x00);
IVRING_AT(ivring_superblock, version_major, 0x08);
IVRING_AT(ivring_superblock, version_minor, 0x0a);
IVRING_AT(ivring_superblock, header_len, 0x0c);
IVRING_AT(ivring_superblock, crc32c, 0x10);
IVRING_AT(ivring_superblock, nr_channels, 0x14);
IVRING_AT(ivring_superblock, region_size, 0x18);
IVRING_AT(ivring_superblock, chan_desc_off, 0x20);
IVRING_AT(ivring_superblock, chan_desc_size, 0x24);
IVRING_AT(ivring_superblock, subbuf_shift, 0x28);
IVRING_AT(ivring_superblock, subbufs_per_chan_shift, 0x2c);
IVRING_AT(ivring_superblock, reader_off, 0x30);
IVRING_AT(ivring_superblock, reader_len, 0x34);
IVRING_AT(ivring_superblock, data_off, 0x38);
IVRING_AT(ivring_superblock, feature_compat, 0x40);
IVRING_AT(ivring_superblock, feature_ro_compat, 0x44);
IVRING_AT(ivring_superblock, feature_incompat, 0x48);
IVRING_AT(ivring_superblock, host_epoch, 0x50);
IVRING_AT(ivring_superblock, guest_uuid, 0x58);
IVRING_ASSERT(sizeof(struct ivring_superblock) == 0x68);

IVRING_AT(ivring_guest_page, state, 0x00);
IVRING_AT(ivring_guest_page, nr_cpus, 0x04);
IVRING_AT(ivring_guest_page, guest_epoch, 0x08);
IVRING_AT(ivring_guest_page, tsc_khz, 0x10);
IVRING_AT(ivring_guest_page, map_type, 0x18);
IVRING_AT(ivring_guest_page, features, 0x1c);
IVRING_AT(ivring_guest_page, release, 0x40);
IVRING_AT(ivring_guest_page, heartbeat, 0x80);
IVRING_ASSERT(sizeof(struct ivring_guest_page) == 0x88);

IVRING_AT(ivring_answer, seq, 0x00);
IVRING_AT(ivring_answer, tsc, 0x08);
IVRING_AT(ivring_answer, call, 0x10);
IVRING_AT(ivring_answer, version, 0x18);
IVRING_ASSERT(sizeof(struct ivring_answer) == 128);
IVRING_ASSERT(IVRING_ANSWER_OFF % 128 == 0);
IVRING_ASSERT(IVRING_ANSWER_OFF >= IVRING_GUEST_OFF + sizeof(struct ivring_guest_page));

IVRING_AT(ivring_filter, seq, 0x00);
IVRING_AT(ivring_filter, nr_pids, 0x04);
IVRING_AT(ivring_filter, nr_comms, 0x08);
IVRING_AT(ivring_filter, pids, 0x10);
IVRING_AT(ivring_filter, comms, 0x110);
IVRING_ASSERT(sizeof(struct ivring_filter) == 960);

IVRING_AT(ivring_reader_page, reader_epoch, 0x00);
IVRING_AT(ivring_reader_page, flags, 0x08);
IVRING_AT(ivring_reader_page, ack_epoch, 0x10);
IVRING_AT(ivring_reader_page, shake_call, 0x18);
IVRING_AT(ivring_reader_page, shake_seq, 0x20);
IVRING_AT(ivring_reader_page, enable_bitmap, 0x40);
IVRING_AT(ivring_reader_page, filter, 0xc40);
IVRING_ASSERT(sizeof(struct ivring_reader_page) == IVRING_PAGE_BYTES);
IVRING_ASSERT(sizeof(struct ivring_reader_line) == 64);

IVRING_AT(ivring_chan, host.cpu, 0x00);
IVRING_AT(ivring_chan, host.kind, 0x04);
IVRING_AT(ivring_chan, host.mode, 0x06);
IVRING_AT(ivring_chan, host.data_off, 0x08);
IVRING_AT(ivring_chan, host.size, 0x10);
IVRING_AT(ivring_chan, host.clock_id, 0x18);
IVRING_AT(ivring_chan, guest.w_head, 0x40);
IVRING_AT(ivring_chan, guest.w_resv_hint, 0x48);
IVRING_AT(ivring_chan, guest.w_claim, 0x50);
IVRING_AT(ivring_chan, guest.lost_full, 0x58);
IVRING_AT(ivring_chan, guest.lost_nested, 0x60);
IVRING_AT(ivring_chan, guest.lost_big, 0x68);
IVRING_AT(ivring_chan, guest.events, 0x70);
IVRING_AT(ivring_chan, reserved0, 0x80);
IVRING_ASSERT(sizeof(struct ivring_chan) == 256);

IVRING_AT(ivring_subbuf, magic, 0x00);
IVRING_AT(ivring_subbuf, version, 0x04);
IVRING_AT(ivring_subbuf, hdr_len, 0x06);
IVRING_AT(ivring_subbuf, seq, 0x08);
IVRING_AT(ivring_subbuf, guest_epoch, 0x10);
IVRING_AT(ivring_subbuf, tsc_begin, 0x18);
IVRING_AT(ivring_subbuf, tsc_end, 0x20);
IVRING_AT(ivring_subbuf, content_size, 0x28);
IVRING_AT(ivring_subbuf, cpu, 0x2c);
IVRING_AT(ivring_subbuf, lost_total_at_open, 0x30);
IVRING_AT(ivring_subbuf, flags, 0x38);
IVRING_ASSERT(sizeof(struct ivring_subbuf) == IVRING_SUBBUF_HDR_BYTES);

IVRING_AT(ivring_record, tsc, 0);
IVRING_AT(ivring_record, type, 8);
IVRING_AT(ivring_record, size, 10);
IVRING_AT(ivring_record, ctx, 12);
IVRING_ASSERT(sizeof(struct ivring_record) == IVRING_REC_HDR_BYTES);

#endif /* IVRING_ABI_H */
