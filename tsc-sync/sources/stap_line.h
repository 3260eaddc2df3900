/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The output of tsc-sync/kvm_exit.stp: a first line, then one per change.
 */
#ifndef TSC_SYNC_STAP_LINE_H
#define TSC_SYNC_STAP_LINE_H

#include "tsc-sync/sources/kvm_feed_internal.h"

#define STAP_FIRST_LINE "ivtrace-kvm-clock 1"

/*
 * "PID TID VCPU OFFSET RATIO HOST_TSC" without the newline, six decimal numbers
 * with one blank between; the 64-bit ones may be printed as signed.  0; -EINVAL:
 * something else, *ret untouched.
 */
int stap_line_parse(const char *line, bool is_vmx, struct kvm_feed_record *ret);

/* The decimal number at *@at, which @end follows; *@at moves behind that, but not
 * behind a NUL.  A negative one stands for its two's complement.  0; -EINVAL:
 * something else, or more than 64 bits. */
int stap_number_take(const char **at, char end, uint64_t *ret);

#endif /* TSC_SYNC_STAP_LINE_H */
