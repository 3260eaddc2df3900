// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Damaged and hostile files in a trace directory: one file of a small valid trace
 * is replaced by the input, then the trace is opened, merged and finalised.
 *
 * Must hold whatever it says: all of it ends, times ascend, payloads fit their
 * event and lie in the files, no more records come than the bytes can hold.
 *
 * Input: bits 0-1 of byte 0 choose the file (see names).  Bit 3 clear: the rest is
 * its content, a stream's packets being given the trace's uuid, which no fuzzer
 * would guess.  Bit 3 set: the rest patches the valid file, {u16 at, u8 value} each,
 * the last odd byte cuts it.  Bit 2: finalise, which changes files, and read again.
 * Bits 4-5, of a stream: 0: as it is; 1: compressed (NAME.zst); 2: the compressed
 * file is what is patched, or the content.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>
#include <ivring/events.h>
#include "trace/packet.h"
#include "trace/trace_reader.h"
#include "trace/trace_writer.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static char folder[64], path[96];
static const char *const names[] = { "vm-a/cpu_0", "sync.bin", "manifest.json", "host/cpu_0" };
#define N_FILES (sizeof(names) / sizeof(names[0]))

struct file {
	unsigned char *data;
	size_t bytes;
};
static struct file original[N_FILES], packed[N_FILES];

static void check(int is_true, const char *what)
{
	if (!is_true) {
		fprintf(stderr, "fuzz_trace: %s\n", what);
		abort();
	}
}

static void put_file(const char *name, const void *data, size_t bytes)
{
	char file[160];
	int fd;

	snprintf(file, sizeof(file), "%s/%s", path, name);
	unlink(file); /* not into a mapping that is still open */
	fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	check(fd >= 0 && write(fd, data, bytes) == (ssize_t)bytes, "cannot write");
	close(fd);
}

static void get_file(size_t i)
{
	char file[160];
	struct stat st;
	int fd;

	snprintf(file, sizeof(file), "%s/%s", path, names[i]);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	check(fd >= 0 && !fstat(fd, &st), file);
	original[i].bytes = (size_t)st.st_size;
	original[i].data = malloc(original[i].bytes + 1);
	check(original[i].data &&
		      read(fd, original[i].data, original[i].bytes) == (ssize_t)original[i].bytes,
	      "cannot read");
	close(fd);
}

/* One record; returns the position behind it. */
static unsigned char *put_record(unsigned char *p, uint64_t tsc, uint16_t type, const void *payload,
				 uint16_t bytes)
{
	struct ivring_record rec = { .tsc = tsc, .type = type, .size = (uint16_t)(16 + bytes) };

	memcpy(p, &rec, sizeof(rec));
	memcpy(p + sizeof(rec), payload, bytes);
	return p + sizeof(rec) + bytes;
}

static void make_trace(void)
{
	struct ivt_machine_info host = {
		.name = "host", .kind = IVT_HOST, .clock = IVT_CLOCK_MONO_NS, .qemu_pid = -1
	};
	struct ivt_machine_info guest = {
		.name = "a", .kind = IVT_GUEST, .clock = IVT_CLOCK_TSC, .qemu_pid = -1
	};
	struct tsc_sync_snapshot snap = { .host_tsc = 1000000, .mono_ns = 500000 };
	struct tsc_sync_entry entry = { .scale = { -1000, 1, 0 } };
	struct ivt_ev_sched_switch sw = { .prev_comm = "a", .next_comm = "b", .next_tid = 7 };
	struct ivt_ev_sched_waking waking = { .comm = "b", .tid = 7 };
	unsigned char records[1024], *p = records;
	struct ivt_trace_writer *w;
	struct ivt_error err;
	uint32_t h, g, i;

	check(!ivt_trace_writer_create(path, "fuzz", &w, &err) &&
		      !ivt_trace_writer_add_machine(w, &host, &h, &err) &&
		      !ivt_trace_writer_add_machine(w, &guest, &g, &err) &&
		      !ivt_trace_writer_add_stream(w, h, 0, &err) &&
		      !ivt_trace_writer_add_stream(w, g, 0, &err),
	      "cannot make a trace");
	for (i = 0; i < 2; i++) {
		check(!ivt_trace_writer_snapshot(w, &snap, &err), "snapshot");
		snap.host_tsc += 2000000;
		snap.mono_ns += 1000000;
	}
	check(!ivt_trace_writer_clock(w, g, &entry, 0, &err), "clock");
	for (i = 0; i < 4; i++) {
		p = put_record(p, 1100000 + 100 * i, IVT_TYPE_sched_switch, &sw, sizeof(sw));
		p = put_record(p, 1100050 + 100 * i, IVT_TYPE_sched_waking, &waking,
			       sizeof(waking));
		p = put_record(p, 1100060 + 100 * i, IVT_TYPE_ivtrace_mark, "a mark\0", 8);
	}
	for (i = 0; i < 3; i++) {
		struct iovec iov = { records, (size_t)(p - records) };

		check(!ivt_trace_writer_append(w, g, 0, &iov, 1, i, 0, &err) &&
			      !ivt_trace_writer_append(w, h, 0, &iov, 1, 0, 0, &err),
		      "append");
	}
	check(!ivt_trace_writer_close(w, &err), "close");
}

static void remove_trace(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	if (system(command))
		fprintf(stderr, "fuzz_trace: cannot remove '%s'\n", folder);
}

/* Read all of it; returns the number of records. */
static uint64_t read_trace(size_t bytes)
{
	struct ivt_merge_options opt = { .struct_bytes = sizeof(opt) };
	struct ivt_error err;
	struct ivt_merge *m;
	struct ivt_trace *t;
	struct ivt_event e;
	uint64_t last = 0, n = 0, first_ns, last_ns;
	size_t i;

	if (ivt_trace_open(path, &t, &err))
		return 0;
	for (i = 0; ivt_trace_warning(t, i); i++)
		check(i < 100000 && strlen(ivt_trace_warning(t, i)) < 10000, "warnings");
	ivt_trace_bounds(t, &first_ns, &last_ns);
	check(first_ns <= last_ns, "bounds");
	if (!ivt_merge_create(t, &opt, &m, &err)) {
		volatile unsigned char sum = 0;
		uint16_t k;

		while (ivt_merge_next(m, &e) == 1) {
			check(e.host_ns >= last, "time goes back");
			check(++n <= (bytes + 65536) / 16, "more records than bytes");
			check(e.desc != NULL, "no description");
			for (k = 0; k < e.payload_bytes; k++)
				sum = (unsigned char)(sum + ((const unsigned char *)e.payload)[k]);
			last = e.host_ns;
		}
		ivt_merge_destroy(m);
	}
	ivt_trace_close(t);
	return n;
}

static struct file pack(const unsigned char *data, size_t bytes)
{
	struct file ret = { .bytes = ZSTD_compressBound(bytes) };

	ret.data = malloc(ret.bytes + 1);
	check(ret.data != NULL, "out of memory");
	ret.bytes = ZSTD_compress(ret.data, ret.bytes, data, bytes, 1);
	check(!ZSTD_isError(ret.bytes), "cannot compress");
	return ret;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	size_t i;

	(void)argc;
	(void)argv;
	snprintf(folder, sizeof(folder), "/dev/shm/ivt-fuzz-XXXXXX");
	if (!mkdtemp(folder)) {
		snprintf(folder, sizeof(folder), "/tmp/ivt-fuzz-XXXXXX");
		check(mkdtemp(folder) != NULL, "cannot make a folder");
	}
	atexit(remove_trace);
	snprintf(path, sizeof(path), "%s/t.ivt", folder);
	make_trace();
	for (i = 0; i < N_FILES; i++)
		get_file(i);
	for (i = 0; i < N_FILES; i++)
		packed[i] = pack(original[i].data, original[i].bytes);
	check(read_trace(0) == 2 * 3 * 12, "the valid trace is not read whole");
	return 0;
}

static void fix_uuids(unsigned char *data, size_t bytes, const unsigned char *uuid)
{
	size_t pos = 0;

	while (bytes - pos >= sizeof(struct ivt_packet_header)) {
		struct ivt_packet_header header;

		memcpy(&header, data + pos, sizeof(header));
		memcpy(data + pos + offsetof(struct ivt_packet_header, uuid), uuid, 16);
		if (header.packet_bits < 8 * sizeof(header) || header.packet_bits / 8 > bytes - pos)
			break;
		pos += (size_t)(header.packet_bits / 8);
	}
}

static bool is_stream(size_t which)
{
	return which == 0 || which == 3;
}

/* The file's content as the input says; the caller frees it. */
static unsigned char *content(size_t which, bool is_packed, const uint8_t *data, size_t bytes,
			      size_t *ret_bytes)
{
	const struct file *from = is_packed ? &packed[which] : &original[which];
	unsigned char *copy;
	size_t n = bytes;

	if (data[0] & 8) {
		n = from->bytes;
		copy = malloc(n + 1);
		check(copy != NULL, "out of memory");
		memcpy(copy, from->data, n);
		for (data++, bytes--; bytes >= 3; data += 3, bytes -= 3)
			copy[(data[0] | (size_t)data[1] << 8) % n] = data[2];
		if (bytes)
			n = n * data[0] / 256;
	} else {
		copy = malloc(n);
		check(copy != NULL, "out of memory");
		memcpy(copy, data + 1, --n);
		if (is_stream(which) && !is_packed)
			fix_uuids(copy, n, original[which].data + 4);
	}
	*ret_bytes = n;
	return copy;
}

/* Compressed in the place of the plain file. */
static void put_packed(size_t which, const unsigned char *data, size_t bytes)
{
	char name[64], file[160];

	snprintf(name, sizeof(name), "%s.zst", names[which]);
	put_file(name, data, bytes);
	snprintf(file, sizeof(file), "%s/%s", path, names[which]);
	unlink(file);
}

static void restore(size_t i)
{
	char file[160];

	put_file(names[i], original[i].data, original[i].bytes);
	snprintf(file, sizeof(file), "%s/%s.zst", path, names[i]);
	unlink(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct ivt_error err;
	unsigned char *copy;
	struct file file;
	size_t which, i, n;
	unsigned int packing;

	if (bytes < 1)
		return 0;
	which = data[0] & 3;
	packing = is_stream(which) ? data[0] >> 4 & 3 : 0;
	copy = content(which, packing == 2, data, bytes, &n);
	if (packing == 1) {
		file = pack(copy, n);
		put_packed(which, file.data, file.bytes);
		free(file.data);
	} else if (packing == 2) {
		put_packed(which, copy, n);
		n = original[which].bytes; /* says the manifest */
	} else {
		put_file(names[which], copy, n);
	}
	free(copy);
	read_trace(n);
	if (data[0] & 4) {
		ivt_trace_finalise(path, &err);
		read_trace(n);
		for (i = 0; i < N_FILES; i++)
			restore(i);
	} else {
		restore(which);
	}
	return 0;
}
