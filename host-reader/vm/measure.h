/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a recorder says of itself and its VMs: rates, and whose records cost it how
 * much of its CPU time.  Turns are timed by the TSC, which costs next to nothing;
 * now and then the thread's own clock is divided by these shares.
 */
#ifndef HOST_MEASURE_H
#define HOST_MEASURE_H

#include <stdint.h>

struct vm;

/* Of one VM. */
struct vm_measure {
	uint64_t n_seen;    /* the guest's counter at the last look */
	uint64_t n_events;  /* that the guest counted, since its recording began */
	uint64_t rate;	    /* of these per s, lately */
	uint64_t drain_tsc; /* spent on it since the last look */
	uint64_t cpu_ns;    /* of the recorder's thread, until that look */
	uint64_t heartbeat;
	uint64_t beat_ns; /* when that changed; 0: it never did */
};

/* Of the recorder. */
struct measure {
	uint64_t looked_ns;
	uint64_t thread_ns; /* of its clock at the last look */
	uint64_t cpu_ns;    /* used since it began to record */
	uint64_t awake_tsc; /* since the last look */
	uint64_t woke_tsc;
	uint64_t n_wakeups;
	uint64_t n_seen; /* host records at the last look */
	uint64_t rate;	 /* of these per s, lately */
};

/* Right before and after the recorder sleeps. */
void measure_sleep(struct measure *m);
void measure_wake(struct measure *m);
/* A VM's recording begins. */
void measure_begin(struct vm *vm);
/* The TSC. */
uint64_t measure_now(void);
/* Charge the time since @since_tsc to @vm; returns now. */
uint64_t measure_charge(struct vm *vm, uint64_t since_tsc);
/* A VM's part of a look at everything; @now: host ns; @elapsed_ns: since the last look (0:
 * this is the first); @cpu_ns: of its turns since then. */
void measure_look_at_vm(struct vm *vm, uint64_t now, uint64_t elapsed_ns, uint64_t cpu_ns);
/* @n in @elapsed_ns, per second; 0 where no time has passed. */
uint64_t measure_rate(uint64_t n, uint64_t elapsed_ns);

#endif /* HOST_MEASURE_H */
