/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's BPF ring buffer, written by a program that the kernel runs for us
 * (BPF_PROG_TEST_RUN): a loop of clock, reserve and submit, less the same loop
 * with nothing in it.  Nobody is woken; what was written is freed between runs.
 * The programs are a dozen instructions each and made here, so that measuring
 * needs neither a BPF compiler nor the kernel's types.
 */
#ifndef BENCH_RIVAL_BPF_H
#define BENCH_RIVAL_BPF_H

#include "rival.h"
#include <errno.h>
#include <sys/mman.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#define BPF_LOOP_ROUNDS	 1024	    /* of a program; the kernel verifies each of them */
#define BPF_RING_BYTES	 (4u << 20) /* as one of ours */
#define BPF_RECORD_BYTES 32
#define BPF_TAKEN_BYTES	 (BPF_RECORD_BYTES + 8) /* with the kernel's header */
#define BPF_MAX_RUNS	 (BPF_RING_BYTES / BPF_TAKEN_BYTES / BPF_LOOP_ROUNDS)

struct bpf_loop {
	struct bpf_insn insn[32];
	uint32_t n;
};

static inline void bpf_put(struct bpf_loop *l, unsigned int code, unsigned int dst,
			   unsigned int src, int off, int imm)
{
	l->insn[l->n++] = (struct bpf_insn){ .code = (__u8)code,
					     .dst_reg = dst & 15,
					     .src_reg = src & 15,
					     .off = (__s16)off,
					     .imm = imm };
}

static inline void bpf_call(struct bpf_loop *l, int helper)
{
	bpf_put(l, BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

/* r6 counts the rounds. */
static inline void bpf_loop_begin(struct bpf_loop *l)
{
	l->n = 0;
	bpf_put(l, BPF_ALU64 | BPF_MOV | BPF_K, 6, 0, 0, 0);
	bpf_put(l, BPF_ALU64 | BPF_MOV | BPF_K, 7, 0, 0, 7);
}

/* Returns a descriptor, or -errno. */
static inline int bpf_loop_load(struct bpf_loop *l)
{
	bpf_put(l, BPF_ALU64 | BPF_ADD | BPF_K, 6, 0, 0, 1);
	bpf_put(l, BPF_JMP | BPF_JLT | BPF_K, 6, 0, 1 - (int)l->n, BPF_LOOP_ROUNDS);
	bpf_put(l, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0);
	bpf_put(l, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	return bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "ivtrace_bench", "GPL", l->insn, l->n,
			     NULL);
}

/* CPU time in ns of @runs runs of a loop; below 0: the kernel refused. */
static inline double bpf_loop_ns(int prog, uint32_t runs)
{
	char frame[64] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = (int)runs);
	uint64_t start = bench_cpu_ns();

	if (bpf_prog_test_run_opts(prog, &opts))
		return -1;
	return (double)(bench_cpu_ns() - start);
}

struct bpf_rival {
	int map, empty, prog; /* descriptors */
	bool is_writing;
	size_t page_bytes;
	unsigned long *consumer; /* positions, which never wrap */
	const unsigned long *producer;
};

static inline void bpf_put_record(struct bpf_loop *l, int map)
{
	bpf_put(l, BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, map);
	bpf_put(l, 0, 0, 0, 0, 0);
	bpf_put(l, BPF_ALU64 | BPF_MOV | BPF_K, 2, 0, 0, BPF_RECORD_BYTES);
	bpf_put(l, BPF_ALU64 | BPF_MOV | BPF_K, 3, 0, 0, 0);
	bpf_call(l, BPF_FUNC_ringbuf_reserve);
	bpf_put(l, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 7, 0); /* full: the next round */
	bpf_put(l, BPF_STX | BPF_MEM | BPF_DW, 0, 7, 0, 0);
	bpf_put(l, BPF_STX | BPF_MEM | BPF_DW, 0, 6, 8, 0);
	bpf_put(l, BPF_STX | BPF_MEM | BPF_DW, 0, 6, 16, 0);
	bpf_put(l, BPF_STX | BPF_MEM | BPF_DW, 0, 6, 24, 0);
	bpf_put(l, BPF_ALU64 | BPF_MOV | BPF_X, 1, 0, 0, 0);
	bpf_put(l, BPF_ALU64 | BPF_MOV | BPF_K, 2, 0, 0, BPF_RB_NO_WAKEUP);
	bpf_call(l, BPF_FUNC_ringbuf_submit);
}

/* Variants: "clock", "record", "clock and record". */
static inline int bpf_rival_load(struct rival *r, struct bpf_rival *b)
{
	struct bpf_loop l;

	bpf_loop_begin(&l);
	b->empty = bpf_loop_load(&l);
	bpf_loop_begin(&l);
	if (strstr(r->variant, "clock")) {
		bpf_call(&l, BPF_FUNC_ktime_get_ns);
		bpf_put(&l, BPF_ALU64 | BPF_MOV | BPF_X, 7, 0, 0, 0);
	}
	b->is_writing = strstr(r->variant, "record") != NULL;
	if (b->is_writing)
		bpf_put_record(&l, b->map);
	b->prog = bpf_loop_load(&l);
	if (b->empty < 0 || b->prog < 0)
		return rival_fail(r, "the kernel refuses the program: %s",
				  strerror(b->prog < 0 ? -b->prog : -b->empty));
	return 0;
}

static inline int bpf_rival_open(struct rival *r)
{
	struct bpf_rival *b = calloc(1, sizeof(*b));
	void *p, *q;

	r->state = b;
	if (!b)
		return rival_fail(r, "no memory");
	b->empty = b->prog = -1;
	libbpf_set_print(NULL);
	b->map = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ivtrace_bench", 0, 0, BPF_RING_BYTES, NULL);
	if (b->map < 0)
		return rival_fail(r, "no BPF ring in this kernel: %s", strerror(-b->map));
	b->page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	p = mmap(NULL, b->page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, b->map, 0);
	q = mmap(NULL, b->page_bytes, PROT_READ, MAP_SHARED, b->map, (off_t)b->page_bytes);
	b->consumer = p == MAP_FAILED ? NULL : p;
	b->producer = q == MAP_FAILED ? NULL : q;
	if (!b->consumer || !b->producer)
		return rival_fail(r, "cannot map the ring: %s", strerror(errno));
	return bpf_rival_load(r, b);
}

static inline double bpf_rival_time(struct rival *r, uint64_t n)
{
	struct bpf_rival *b = r->state;
	uint64_t runs = n / BPF_LOOP_ROUNDS + 1, done, part;
	double ns = 0, full, empty;

	for (done = 0; done < runs; done += part) {
		unsigned long before = *b->producer;

		part = runs - done < BPF_MAX_RUNS ? runs - done : BPF_MAX_RUNS;
		empty = bpf_loop_ns(b->empty, (uint32_t)part);
		full = bpf_loop_ns(b->prog, (uint32_t)part);
		if (empty < 0 || full < 0)
			return rival_fail(r, "the kernel does not run the program");
		if (b->is_writing &&
		    *b->producer - before != part * BPF_LOOP_ROUNDS * BPF_TAKEN_BYTES)
			return rival_fail(r, "records are missing");
		__atomic_store_n(b->consumer, *b->producer, __ATOMIC_RELEASE);
		ns += full - empty;
	}
	return ns / (double)(runs * BPF_LOOP_ROUNDS);
}

static inline int bpf_rival_close(struct rival *r)
{
	struct bpf_rival *b = r->state;

	if (!b)
		return 0;
	if (b->consumer)
		munmap(b->consumer, b->page_bytes);
	if (b->producer)
		munmap((void *)(uintptr_t)b->producer, b->page_bytes);
	close(b->empty);
	close(b->prog);
	close(b->map);
	free(b);
	return 0;
}

#endif /* BENCH_RIVAL_BPF_H */
