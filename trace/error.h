/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text that goes with a -errno: libraries fill it, programs print it.
 */
#ifndef IVT_TRACE_ERROR_H
#define IVT_TRACE_ERROR_H

struct ivt_error {
	char msg[512]; /* what, on what, why, what to do; "" if none */
};

/*
 * Set @err's text (@err may be NULL) and return @code unchanged, so that a
 * failing path reads "return ivt_error_set(err, -EINVAL, ...)".
 */
int ivt_error_set(struct ivt_error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif /* IVT_TRACE_ERROR_H */
