/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a host should have for recording: a table of checks, each with its reason
 * and its remedy.
 */
#ifndef HOST_DOCTOR_H
#define HOST_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

#define DOCTOR_NOTE_BYTES 160

struct doctor_check {
	const char *name; /* for programs: "btf" */
	const char *what;
	/* Looks; @note gets what was found, if that says more. */
	bool (*is_there)(char *note, size_t note_bytes);
	bool is_needed; /* recording cannot work without, else it has less in it */
	const char *why;
	const char *advice;
};

/* The @i-th check, NULL behind the last; programs are started, eBPF is loaded. */
const struct doctor_check *doctor_check_at(size_t i);

#endif /* HOST_DOCTOR_H */
