// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The lines are described in guest-driver/stap/tapset/ivtrace.stp.  What is not such a line
 * is the script's own output, which is counted and left.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <ivring/events.h>
#include <ivring/mark.h>
#include "host-reader/base/message.h"
#include "host-reader/tracer/cpu_buffer.h"
#include "host-reader/tracer/stap_script.h"
#include "tsc-sync/sources/stap_line.h"
#include "tsc-sync/sources/stap_process.h"

#define FIRST_BYTE    '\036' /* of a line of the tapset's */
#define LINE_BYTES    256
#define PATIENCE_MS   120000 /* a compiler works first */
#define MAX_SAID      (1ull << 40)
#define OUTPUT_OPTION "ivtrace_output=1"
#define TAPSET_DIR    IVT_DATADIR "/tapset"

struct script_cpu {
	struct cpu_buffer buffer; /* data NULL: nothing was said yet */
	uint64_t n_said;	  /* SEQ of the last mark */
	uint64_t n_lost;
	bool has_stream;
};

struct stap_script {
	const char *file;
	struct sink *sink;
	uint32_t machine;
	struct stap_process process;
	struct script_cpu *cpus;
	uint32_t n_cpus;
	bool has_begun;
	bool has_told_end;
	char line[LINE_BYTES];
	size_t n; /* bytes of a line that is not whole yet */
	uint64_t n_bad;
	uint64_t n_own;
};

/* ---- lines ------------------------------------------------------------------- */

struct mark {
	uint64_t seq, mono_ns, cpu, tid, exec, kind, number;
	const char *text;
	size_t text_bytes; /* NUL included */
};

static int parse_mark(const char *line, uint32_t n_cpus, struct mark *ret)
{
	struct mark m = { 0 };
	uint64_t *number[] = { &m.seq, &m.mono_ns, &m.cpu, &m.tid, &m.exec, &m.kind, &m.number };
	size_t i;

	for (i = 0; i < sizeof(number) / sizeof(number[0]); i++)
		if (stap_number_take(&line, ' ', number[i]))
			return -EINVAL;
	m.text = line;
	m.text_bytes = strlen(line) + 1;
	/* A stamp from the future would hold up all that follow it. */
	if (!m.seq || m.seq > MAX_SAID || m.mono_ns > now_ns() || m.cpu >= n_cpus ||
	    m.tid > IVRING_CTX_TID_MASK || m.exec > IVRING_EXEC_NMI || m.kind > IVRING_MARK_VALUE ||
	    m.text_bytes > IVT_STR_BYTES)
		return -EINVAL;
	*ret = m;
	return 0;
}

static const uint16_t types[] = {
	[IVRING_MARK_TEXT] = IVT_TYPE_ivtrace_mark,
	[IVRING_MARK_BEGIN] = IVT_TYPE_ivtrace_span_begin,
	[IVRING_MARK_END] = IVT_TYPE_ivtrace_span_end,
	[IVRING_MARK_VALUE] = IVT_TYPE_ivtrace_value,
};

static int add_record(struct cpu_buffer *b, const struct mark *m)
{
	struct {
		struct ivring_record header;
		char payload[8 + IVT_STR_BYTES];
	} r = { .header.tsc = m->mono_ns, .header.type = types[m->kind] };
	size_t n = 0;

	if (m->kind != IVRING_MARK_TEXT) {
		memcpy(r.payload, &m->number, sizeof(m->number));
		n = sizeof(m->number);
	}
	memcpy(r.payload + n, m->text, m->text_bytes);
	n = (n + m->text_bytes + 7) & ~(size_t)7;
	r.header.size = (uint16_t)(sizeof(r.header) + n);
	r.header.ctx = (uint32_t)(m->tid | m->exec << IVRING_CTX_EXEC_SHIFT);
	return cpu_buffer_add(b, &r, r.header.size);
}

/* SystemTap may hand a CPU's lines on out of order; what is missing for good it
 * has dropped. */
static void count_seq(struct script_cpu *c, uint64_t seq)
{
	if (seq > c->n_said) {
		c->n_lost += seq - c->n_said - 1;
		c->n_said = seq;
	} else if (c->n_lost) {
		c->n_lost--;
	}
}

static void take_mark(struct stap_script *s, const char *line)
{
	struct script_cpu *c;
	struct mark m;

	if (parse_mark(line, s->n_cpus, &m)) {
		s->n_bad++;
		return;
	}
	c = &s->cpus[m.cpu];
	count_seq(c, m.seq);
	if ((!c->buffer.data && cpu_buffer_init(&c->buffer, (uint32_t)m.cpu)) ||
	    c->buffer.is_full) {
		c->n_lost++; /* no memory, or no room on the disk */
		return;
	}
	add_record(&c->buffer, &m);
}

static void take_end(struct stap_script *s, const char *line)
{
	uint64_t cpu, seq;

	if (stap_number_take(&line, ' ', &cpu) || stap_number_take(&line, '\0', &seq) ||
	    cpu >= s->n_cpus || seq > MAX_SAID) {
		s->n_bad++;
		return;
	}
	if (seq > s->cpus[cpu].n_said) {
		s->cpus[cpu].n_lost += seq - s->cpus[cpu].n_said;
		s->cpus[cpu].n_said = seq;
	}
}

static void take_line(struct stap_script *s)
{
	const char *line = s->line;

	if (line[0] != FIRST_BYTE) {
		s->n_own += s->n > 0;
		return;
	}
	if (s->n >= sizeof(s->line)) /* longer than any of the tapset's */
		s->n_bad++;
	else if (!strcmp(line + 1, "B 1"))
		s->has_begun = true;
	else if (!strncmp(line + 1, "M ", 2))
		take_mark(s, line + 3);
	else if (!strncmp(line + 1, "E ", 2))
		take_end(s, line + 3);
	else
		s->n_bad++;
}

static void end_line(struct stap_script *s)
{
	s->line[s->n < sizeof(s->line) ? s->n : sizeof(s->line) - 1] = '\0';
	take_line(s);
	s->n = 0;
}

static void take_bytes(struct stap_script *s, const char *text, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		/* The script's own output may lack a newline at its end. */
		if (text[i] == '\n' || (text[i] == FIRST_BYTE && s->n))
			end_line(s);
		if (text[i] == '\n')
			continue;
		if (s->n < sizeof(s->line) - 1)
			s->line[s->n] = text[i];
		s->n++;
	}
}

/* ---- into the trace ------------------------------------------------------------ */

static int open_stream(struct stap_script *s, struct script_cpu *c, uint32_t number)
{
	int ret;

	if (c->has_stream)
		return 0;
	ret = sink_open_stream(s->sink, s->machine, number);
	c->has_stream = !ret;
	if (!ret) /* a trace that goes on counts on */
		c->n_lost += sink_stream(s->sink, s->machine, number)->lost_full;
	return ret;
}

static void flush_cpu(struct stap_script *s, uint32_t cpu)
{
	struct script_cpu *c = &s->cpus[cpu];
	struct iovec iov = { .iov_base = c->buffer.data, .iov_len = c->buffer.used_bytes };
	uint32_t number = IVT_STREAM_SCRIPT + cpu;

	if (!iov.iov_len || !s->sink->writer || open_stream(s, c, number) ||
	    sink_append(s->sink, s->machine, number, &iov, 1, c->n_lost, 0))
		return;
	s->sink->n_records += cpu_buffer_drop(&c->buffer, iov.iov_len);
}

static void flush(struct stap_script *s)
{
	uint32_t cpu;

	for (cpu = 0; cpu < s->n_cpus; cpu++)
		flush_cpu(s, cpu);
}

/* 0: more may come; -EPIPE: the output has ended. */
static int take(struct stap_script *s)
{
	char text[16384];
	ssize_t n;

	while ((n = stap_process_read(&s->process, text, sizeof(text))) > 0) {
		take_bytes(s, text, (size_t)n);
		flush(s);
	}
	return n == -EPIPE ? -EPIPE : 0;
}

void stap_script_drain(struct stap_script *s)
{
	if (take(s) == -EPIPE && !s->has_told_end) {
		s->has_told_end = true;
		message("the script '%s' has ended; the recording goes on", s->file);
	}
	flush(s); /* what a full disk has kept here */
}

static void take_rest(void *ctx)
{
	take(ctx);
}

void stap_script_interrupt(struct stap_script *s)
{
	s->has_told_end = true;
	stap_process_interrupt(&s->process);
}

bool stap_script_has_ended(const struct stap_script *s)
{
	return s->process.fd < 0;
}

void stap_script_finish(struct stap_script *s)
{
	uint32_t cpu;

	stap_process_finish(&s->process, take_rest, s);
	flush(s);
	for (cpu = 0; cpu < s->n_cpus; cpu++) {
		struct script_cpu *c = &s->cpus[cpu];
		struct ivt_stream_info *stream;

		c->n_lost += c->buffer.n; /* the disk is full still */
		if (c->n_lost && open_stream(s, c, IVT_STREAM_SCRIPT + cpu))
			continue;
		stream = sink_stream(s->sink, s->machine, IVT_STREAM_SCRIPT + cpu);
		if (stream)
			stream->lost_full = c->n_lost;
	}
	if (s->n_bad)
		message("'%s': %" PRIu64 " lines are none that ivtrace.stp writes (left out)",
			s->file, s->n_bad);
	if (s->n_own)
		message("'%s' printed %" PRIu64 " lines of its own (not in the trace: say "
			"ivtrace_mark())",
			s->file, s->n_own);
}

uint64_t stap_script_lost(const struct stap_script *s)
{
	uint64_t sum = 0;
	uint32_t cpu;

	for (cpu = 0; cpu < s->n_cpus; cpu++)
		sum += s->cpus[cpu].n_lost;
	return sum;
}

/* ---- begin and end --------------------------------------------------------------- */

static int wait_for_begin(struct stap_script *s)
{
	struct pollfd fd = { .fd = s->process.fd, .events = POLLIN };
	int ms;

	for (ms = 0; ms < PATIENCE_MS && !s->has_begun; ms += 100) {
		poll(&fd, 1, 100);
		if (take(s) == -EPIPE && !s->has_begun)
			return stap_process_why_ended(&s->process);
	}
	return s->has_begun ? 0 : -ETIMEDOUT;
}

static int start(struct stap_script *s)
{
	static const char *const for_module[] = { OUTPUT_OPTION, NULL };
	static const char *const for_source[] = { "-I", TAPSET_DIR, "-G", OUTPUT_OPTION, NULL };
	int ret = stap_process_start(&s->process, s->file, for_module, for_source);

	return ret ? ret : wait_for_begin(s);
}

static int start_failed(const struct stap_script *s, int code, struct ivt_error *err)
{
	const char *why = strerror(-code);

	if (code == -ENOENT && !access(s->file, R_OK))
		why = "SystemTap is not installed (apt-get install systemtap)";
	else if (code == -ECHILD)
		why = "it ended (SystemTap's words are above; a script needs the kernel's headers, "
		      "some probes need its symbols)";
	else if (code == -ETIMEDOUT)
		why = "it did not begin (does it call a function of ivtrace.stp?)";
	return ivt_error_set(err, code, "cannot run the script '%s': %s", s->file, why);
}

int stap_script_open(const char *file, struct sink *sink, uint32_t machine,
		     struct stap_script **ret, struct ivt_error *err)
{
	struct stap_script *s = calloc(1, sizeof(*s));
	long n_cpus = sysconf(_SC_NPROCESSORS_CONF);
	int code = -ENOMEM;

	if (!s)
		return ivt_error_set(err, code, "cannot run the script '%s': %s", file,
				     strerror(ENOMEM));
	s->file = file;
	s->sink = sink;
	s->machine = machine;
	s->process.fd = -1;
	s->n_cpus = n_cpus > 0 && n_cpus < IVT_MAX_VCPUS ? (uint32_t)n_cpus : IVT_MAX_VCPUS;
	s->cpus = calloc(s->n_cpus, sizeof(*s->cpus));
	if (s->cpus)
		code = start(s);
	if (code) {
		start_failed(s, code, err);
		stap_script_close(s);
		return code;
	}
	*ret = s;
	return 0;
}

void stap_script_close(struct stap_script *s)
{
	uint32_t cpu;

	if (!s)
		return;
	stap_process_finish(&s->process, take_rest, s);
	stap_process_close(&s->process);
	for (cpu = 0; s->cpus && cpu < s->n_cpus; cpu++)
		cpu_buffer_deinit(&s->cpus[cpu].buffer);
	free(s->cpus);
	free(s);
}
