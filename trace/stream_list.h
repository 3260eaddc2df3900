/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stream files that lie in a machine's directory.
 */
#ifndef IVT_TRACE_STREAM_LIST_H
#define IVT_TRACE_STREAM_LIST_H

#include "trace/trace_info.h"

/* The number of the stream file "cpu_N" or "cpu_N.zst"; UINT32_MAX for another name. */
uint32_t ivt_stream_number(const char *name);

/*
 * Add to @m what lies in its directory @dirfd and is not listed: a recorder that
 * was killed may not have listed its last streams.  They are sorted by number.
 * 0; -ENOMEM; -errno of the directory.
 */
int ivt_streams_scan(int dirfd, struct ivt_machine_info *m);

#endif /* IVT_TRACE_STREAM_LIST_H */
