/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What manifest.json says: the recording, its machines, their streams.  The
 * writer fills it, the reader gives it back; both own their copy.
 */
#ifndef IVT_TRACE_INFO_H
#define IVT_TRACE_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IVT_FORMAT_MAJOR 1
#define IVT_FORMAT_MINOR 0
#define IVT_NAME_BYTES	 64
#define IVT_MAX_MACHINES 256
#define IVT_MAX_VCPUS	 4096
#define IVT_MAX_PARTS	 4096
#define IVT_MAX_GAPS	 65536

/* A stream's number is its CPU's; from IVT_STREAM_SCRIPT on it is that and the CPU's,
 * for what a SystemTap script said on the host. */
#define IVT_STREAM_SCRIPT IVT_MAX_VCPUS
#define IVT_MAX_STREAMS	  (2 * IVT_MAX_VCPUS)

static inline uint32_t ivt_stream_cpu(uint32_t stream)
{
	return stream % IVT_STREAM_SCRIPT;
}

enum ivt_machine_kind {
	IVT_HOST,
	IVT_GUEST
};
enum ivt_clock_kind {
	IVT_CLOCK_MONO_NS,
	IVT_CLOCK_TSC
};

/* A run of a guest disk's bytes and where the host's device holds it. */
struct ivt_extent {
	uint64_t guest_sector; /* 512 bytes, all three */
	uint64_t host_sector;
	uint64_t sectors;
};

/* A disk image or device that the VM's QEMU has open. */
struct ivt_disk {
	char path[256];
	uint32_t host_dev; /* major << 20 | minor of the whole disk */
	uint64_t sectors;
	struct ivt_extent *extents; /* ascending in guest_sector */
	size_t n_extents;
};

struct ivt_vcpu {
	uint32_t index;
	int32_t tid; /* host thread; -1 unknown */
};

struct ivt_stream_info {
	char file[32]; /* "cpu_0" */
	uint32_t cpu;  /* the stream's number */
	uint64_t packets;
	uint64_t records; /* 0 until finalised */
	uint64_t bytes;
	uint64_t compressed_bytes; /* of its files on the disk; 0: they are not compressed */
	uint64_t lost_full;
	uint64_t lost_nested;
	uint64_t lost_big;
	uint64_t lost_uncommitted; /* half-written when the guest died */
	uint64_t lost_quota;	   /* its VM's share of the disk was used up */
	uint64_t violations;
	uint64_t refused_bytes;
	uint64_t salvaged; /* of records: taken after the guest's death, unpublished till then */
	/* A flight recorder's: records that newer ones took the place of, before the
	 * first that is here.  They are no losses. */
	uint64_t overwritten;
	uint64_t lost_before; /* losses that are older, too; not in the manifest */
};

/*
 * What follows in a machine's streams after its TSC was set back, the i-th time
 * for the i-th part: a directory of its own, since the clock of a CTF trace
 * cannot go back.  Finalising makes them; a stream's first piece then has
 * ivt_stream_info.bytes.
 */
struct ivt_machine_part {
	char dir[IVT_NAME_BYTES + 16];
	uint8_t uuid[16];
	uint64_t freq_hz; /* the clock's line, as of a machine */
	uint64_t offset_s;
	uint64_t offset;
	uint64_t line_residual_ns;
};

/* What recording cost the machine, measured now and then. */
struct ivt_overhead {
	uint64_t runs; /* of programs, all CPUs, while it was measured */
	uint64_t run_ns;
	uint64_t measured_ns; /* 0: it was not */
};

struct ivt_machine_info {
	char dir[IVT_NAME_BYTES + 16]; /* "host", "vm-a", "vm-a.1" */
	char name[IVT_NAME_BYTES];     /* "host", "a" */
	enum ivt_machine_kind kind;
	enum ivt_clock_kind clock;
	uint8_t uuid[16];
	uint32_t epoch;
	/* The straight line of the CTF clock: seconds = offset_s + (offset + ticks) / freq_hz */
	uint64_t freq_hz;
	uint64_t offset_s;
	uint64_t offset;
	uint64_t line_residual_ns;    /* how far the line lies from the clock log, at most */
	struct ivt_overhead overhead; /* the host's */
	/* guests */
	int32_t qemu_pid; /* -1 unknown */
	uint64_t qemu_starttime;
	char accel[8]; /* "kvm", "tcg", "" unknown */
	struct ivt_vcpu *vcpus;
	size_t n_vcpus;
	struct ivt_disk *disks;
	size_t n_disks;
	char guest_release[64]; /* the guest's word, control bytes replaced */
	uint32_t guest_cpus;	/* the guest's word */
	uint64_t guest_tsc_khz; /* the guest's word */
	char filter[1024];	/* whose events only, in words; empty: everybody's */
	struct ivt_stream_info *streams;
	size_t n_streams;
	struct ivt_machine_part *parts;
	size_t n_parts;
};

/* A recording that was rotated is several traces, each whole by itself. */
struct ivt_chunk {
	bool is_one;
	uint32_t number;    /* from 0 */
	char previous[256]; /* directory beside this one; empty: none */
	char next[256];	    /* likewise; empty: this is the last, or its recorder died */
};

/* A time in which nobody recorded: the recorder had died, and another went on.  Or, of no
 * length, when a recorder that was there came too late for what guests cleared. */
struct ivt_gap {
	uint64_t from_ns; /* host CLOCK_MONOTONIC: of the dead one's last sign */
	uint64_t to_ns;
	/* Of records that guests published and cleared at their next boot meanwhile,
	 * at most: what was in them, and how many, is not known. */
	uint64_t unread_bytes;
};

/* Why and when a flight recorder, or what it left behind, was written down. */
struct ivt_snapshot_info {
	char reason[192];
	char vm[IVT_NAME_BYTES]; /* whose; "": no one VM's */
	uint64_t host_ns;	 /* CLOCK_MONOTONIC; 0: not known */
};

struct ivt_trace_info {
	uint8_t uuid[16];
	uint64_t created_real_ns;
	bool is_closed;
	bool is_finalised;
	char hostname[64];
	char kernel_release[64];
	char tool_version[32];
	char boot_id[40]; /* of the host's kernel, whose clocks these are */
	uint32_t nr_cpus;
	uint64_t tsc_khz;
	struct ivt_chunk chunk;
	struct ivt_gap *gaps; /* ascending */
	size_t n_gaps;
	struct ivt_machine_info *machines; /* index = machine number in sync.bin */
	size_t n_machines;
	struct ivt_snapshot_info snapshot; /* without a reason: none, an ordinary recording */
	char *sync_json; /* what was found of the clocks (key "sync"), an object; NULL: none */
};

/* Records of the stream that were lost, by all causes. */
uint64_t ivt_stream_lost(const struct ivt_stream_info *s);

/* Add @gap to @info's. 0; -ENOMEM; -ENOSPC: there are IVT_MAX_GAPS. */
int ivt_trace_info_add_gap(struct ivt_trace_info *info, const struct ivt_gap *gap);

/* Of what was lost, @n records were lost before the trace's first record. */
void ivt_stream_forgive(struct ivt_stream_info *s, uint64_t n);

/* A copy of all but the parts.  0 or -ENOMEM; to be freed in any case. */
int ivt_machine_info_copy(struct ivt_machine_info *ret, const struct ivt_machine_info *info);

/* Free what the structure points to; the structure itself is the caller's. */
void ivt_machine_info_deinit(struct ivt_machine_info *m);
void ivt_trace_info_deinit(struct ivt_trace_info *info);

#endif /* IVT_TRACE_INFO_H */
