// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * lab-call SOCKET LOCK SECONDS ping
 * lab-call SOCKET LOCK SECONDS run COMMAND [stdin]
 * lab-call SOCKET LOCK SECONDS qmp JSON
 *
 * The host's end of a guest's control port (see lab-line.h): waits until the
 * guest answers, or runs COMMAND there, copies its output to standard output
 * and error (and, with "stdin", standard input to it) and exits with its
 * status; 124 when the time is up, 125 when the machine is gone.
 *
 * With "qmp", SOCKET is QEMU's QMP socket: sends one command, prints the answer
 * and exits with 1 if that is an error. Events that come first are left out.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "lab-line.h"

enum {
	EXIT_TIMEOUT = 124,
	EXIT_DEAD = 125
};
enum {
	PING_INTERVAL_MS = 100
};

struct call {
	struct lab_lines port;
	unsigned long id;
	long deadline_ms;
	bool is_stdin_open;
	bool can_send_stdin;
};

static volatile sig_atomic_t stop_signal;

static void on_signal(int sig)
{
	stop_signal = sig;
}

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* QEMU takes one caller at a time and drops nobody: callers queue here. */
static int lock_take(const char *path, long deadline_ms)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

	while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB)) {
		if (now_ms() >= deadline_ms || stop_signal)
			return -1;
		usleep(5000);
	}
	return fd;
}

static int port_connect(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(addr.sun_path))
		return -1;
	strcpy(addr.sun_path, path);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		close(fd);
		return -1;
	}
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* Waits for the port or for standard input. -1 when the time is up. */
static int call_poll(struct call *call, long until_ms, struct pollfd pfds[2])
{
	long left_ms = until_ms - now_ms();

	pfds[0] = (struct pollfd){ .fd = call->port.fd, .events = POLLIN };
	pfds[1] = (struct pollfd){ .fd = -1, .events = POLLIN };
	if (call->is_stdin_open && call->can_send_stdin)
		pfds[1].fd = STDIN_FILENO;
	if (left_ms <= 0)
		return -1;
	if (poll(pfds, 2, left_ms) < 0)
		pfds[0].revents = pfds[1].revents = 0;
	return 0;
}

static int call_ping(struct call *call)
{
	long next_ms = 0;

	for (;;) {
		struct lab_message msg;
		struct pollfd pfds[2];

		if (now_ms() >= call->deadline_ms || stop_signal)
			return EXIT_TIMEOUT;
		if (now_ms() >= next_ms) {
			/* The newline ends what an earlier caller left half. */
			char line[64];
			int n = snprintf(line, sizeof(line), "\nping %lu\n", call->id);

			/* A guest that does not read yet fills the socket. */
			if (write(call->port.fd, line, n) < 0 && errno != EAGAIN)
				return EXIT_DEAD;
			next_ms = now_ms() + PING_INTERVAL_MS;
		}
		call_poll(call, next_ms, pfds);
		if (pfds[0].revents && lab_lines_fill(&call->port) <= 0)
			return EXIT_DEAD;
		while (lab_lines_next(&call->port, &msg)) {
			if (!strcmp(msg.verb, "pong") && msg.id == call->id)
				return 0;
		}
	}
}

static void stdin_forward(struct call *call)
{
	char chunk[LAB_CHUNK_BYTES];
	ssize_t n = read(STDIN_FILENO, chunk, sizeof(chunk));

	if (n > 0) {
		lab_send(call->port.fd, "in", call->id, chunk, n);
		call->can_send_stdin = false;
	} else {
		lab_send(call->port.fd, "eof", call->id, "", 0);
		call->is_stdin_open = false;
	}
}

/* Returns the command's status with its last message, -1 before. */
static int message_handle(struct call *call, const struct lab_message *msg)
{
	static char bytes[LAB_LINE_BYTES];

	if (msg->id != call->id)
		return -1;
	if (!strcmp(msg->verb, "out"))
		lab_write_all(STDOUT_FILENO, bytes, lab_base64_decode(msg->text, bytes));
	else if (!strcmp(msg->verb, "err"))
		lab_write_all(STDERR_FILENO, bytes, lab_base64_decode(msg->text, bytes));
	else if (!strcmp(msg->verb, "ack"))
		call->can_send_stdin = true;
	else if (!strcmp(msg->verb, "end"))
		return atoi(msg->text);
	return -1;
}

static int call_run(struct call *call, const char *command)
{
	if (lab_send(call->port.fd, "run", call->id, command, strlen(command)))
		return EXIT_DEAD;
	if (!call->is_stdin_open)
		lab_send(call->port.fd, "eof", call->id, "", 0);
	for (;;) {
		struct lab_message msg;
		struct pollfd pfds[2];

		if (call_poll(call, call->deadline_ms, pfds) || stop_signal) {
			lab_send(call->port.fd, "kill", call->id, "", 0);
			return stop_signal ? 128 + stop_signal : EXIT_TIMEOUT;
		}
		if (pfds[1].revents)
			stdin_forward(call);
		if (pfds[0].revents && lab_lines_fill(&call->port) <= 0)
			return EXIT_DEAD;
		while (lab_lines_next(&call->port, &msg)) {
			int status = message_handle(call, &msg);

			if (status >= 0)
				return status;
		}
	}
}

/*
 * Reads lines until one starts with @head or @other_head, and prints it if asked
 * to. 0 for @head, 1 for the other, or the exit status.
 */
static int qmp_await(struct call *call, const char *head, const char *other_head, bool is_printed)
{
	for (;;) {
		char *line = call->port.buf + call->port.n_taken;
		char *end = memchr(line, '\n', call->port.n_used - call->port.n_taken);
		struct pollfd pfds[2];

		if (end) {
			bool is_other = !strncmp(line, other_head, strlen(other_head));

			*end = '\0';
			call->port.n_taken = end + 1 - call->port.buf;
			if (strncmp(line, head, strlen(head)) && !is_other)
				continue;
			if (is_printed || is_other)
				puts(line);
			return is_other;
		}
		if (call_poll(call, call->deadline_ms, pfds) || stop_signal)
			return EXIT_TIMEOUT;
		if (pfds[0].revents && lab_lines_fill(&call->port) <= 0)
			return EXIT_DEAD;
	}
}

static int call_qmp(struct call *call, const char *json)
{
	static const char enter[] = "{\"execute\": \"qmp_capabilities\"}\n";
	int ret = qmp_await(call, "{\"QMP\"", "{\"error\"", false);

	if (ret)
		return ret;
	if (lab_write_all(call->port.fd, enter, strlen(enter)))
		return EXIT_DEAD;
	ret = qmp_await(call, "{\"return\"", "{\"error\"", false);
	if (ret)
		return ret;
	if (lab_write_all(call->port.fd, json, strlen(json)) ||
	    lab_write_all(call->port.fd, "\n", 1))
		return EXIT_DEAD;
	return qmp_await(call, "{\"return\"", "{\"error\"", true);
}

int main(int argc, char **argv)
{
	static struct call call;
	struct sigaction sa = { .sa_handler = on_signal };
	int lock_fd, ret;

	if (argc < 5 || (strcmp(argv[4], "ping") && argc < 6)) {
		fprintf(stderr,
			"usage: lab-call SOCKET LOCK SECONDS ping|run|qmp [COMMAND [stdin]]\n");
		return 2;
	}
	if (argc > 5 && strlen(argv[5]) > LAB_COMMAND_BYTES) {
		fprintf(stderr,
			"lab-call: cannot send the command: it has %zu bytes, at most %d "
			"fit (put it into a file first)\n",
			strlen(argv[5]), LAB_COMMAND_BYTES);
		return 2;
	}
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	call.deadline_ms = now_ms() + (long)(atof(argv[3]) * 1000);
	call.id = (unsigned long)getpid() << 20 | (now_ms() & 0xfffff);
	call.is_stdin_open = argc > 6;
	call.can_send_stdin = true;
	lock_fd = lock_take(argv[2], call.deadline_ms);
	if (lock_fd < 0)
		return EXIT_TIMEOUT;
	call.port.fd = port_connect(argv[1]);
	if (call.port.fd < 0)
		return EXIT_DEAD;
	if (!strcmp(argv[4], "qmp"))
		return call_qmp(&call, argv[5]);
	ret = call_ping(&call);
	if (!ret && !strcmp(argv[4], "run"))
		ret = call_run(&call, argv[5]);
	return ret;
}
