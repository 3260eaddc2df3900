/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The TSDL text (CTF 1.8) of one machine directory.
 */
#ifndef IVT_TRACE_METADATA_H
#define IVT_TRACE_METADATA_H

#include <stdbool.h>
#include "trace/error.h"
#include "trace/trace_info.h"

/* What metadata says of a guest's clock besides the straight line. */
struct ivt_metadata_options {
	bool has_bounds; /* the packets' time bounds are valid: finalised */
	int64_t tsc_offset;
	uint64_t ratio;
	uint32_t frac_bits;
};

/*
 * Replace (temporary file, rename) "metadata" in the machine's directory @dirfd
 * by that of @machine, all events of the table included.  0 or -errno.
 */
int ivt_metadata_write(int dirfd, const struct ivt_trace_info *info,
		       const struct ivt_machine_info *machine,
		       const struct ivt_metadata_options *opt, struct ivt_error *err);

/*
 * Read back the uuid and the clock line of a directory's metadata, for a trace
 * whose manifest is missing or incomplete.  Fills machine->uuid, freq_hz,
 * offset_s, offset.  0; -ENOENT; -EINVAL: not written by ivtrace; -errno.
 */
int ivt_metadata_read(int dirfd, struct ivt_machine_info *machine);

#endif /* IVT_TRACE_METADATA_H */
