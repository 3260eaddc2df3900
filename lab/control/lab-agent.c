// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Process 1 of a lab guest: runs the commands that come in on the control port
 * (see lab-line.h) with /bin/sh, one at a time, and reaps what they leave.
 *
 * A command ends when its shell ends; jobs that it left in the background go
 * on, and what they still print is read and thrown away, so that no closed pipe
 * kills them. A second "run" means that the first one's caller is gone: the
 * host lets in one caller at a time.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <termios.h>

#include "lab-line.h"

enum {
	STREAM_OUT,
	STREAM_ERR,
	N_STREAMS
};
enum {
	MAX_ORPHANS = 128
};

/* Places in the poll set before the command's streams and the orphans. */
enum {
	PORT,
	CHILD,
	STDIN,
	N_FIXED
};

struct command {
	/* The shell, and its process group; 0 when nothing runs. */
	pid_t pid;
	unsigned long id;
	int stdin_fd;
	int stream_fds[N_STREAMS];
	/* Standard input that the command has not read yet. */
	size_t n_pending;
	size_t n_fed;
	char pending[LAB_LINE_BYTES];
};

struct agent {
	struct lab_lines port;
	struct command cmd;
	/* Output of background jobs whose command has ended. */
	int orphan_fds[MAX_ORPHANS];
	int n_orphans;
	int child_pipe[2];
};

static struct agent agent;

static void on_child(int sig)
{
	ssize_t n = write(agent.child_pipe[1], "", 1);

	(void)sig;
	(void)n;
}

static int port_open(const char *path)
{
	int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct termios tio;

	if (fd < 0 || tcgetattr(fd, &tio))
		return -1;
	cfmakeraw(&tio);
	cfsetspeed(&tio, B115200);
	tio.c_cflag |= CLOCAL | CREAD;
	tcsetattr(fd, TCSANOW, &tio);
	return fd;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Hands one stream's waiting output on. False at its end. */
static bool stream_forward(struct agent *a, int stream)
{
	static const char *const verbs[N_STREAMS] = { "out", "err" };
	char chunk[LAB_CHUNK_BYTES];
	ssize_t n = read(a->cmd.stream_fds[stream], chunk, sizeof(chunk));

	if (n > 0)
		lab_send(a->port.fd, verbs[stream], a->cmd.id, chunk, n);
	else if (n == 0)
		close_fd(&a->cmd.stream_fds[stream]);
	return n > 0;
}

static void orphan_add(struct agent *a, int fd)
{
	if (fd < 0)
		return;
	if (a->n_orphans == MAX_ORPHANS) {
		close(a->orphan_fds[0]);
		memmove(a->orphan_fds, a->orphan_fds + 1, sizeof(int) * --a->n_orphans);
	}
	a->orphan_fds[a->n_orphans++] = fd;
}

static void orphan_drain(struct agent *a, int i)
{
	char chunk[LAB_CHUNK_BYTES];
	ssize_t n = read(a->orphan_fds[i], chunk, sizeof(chunk));

	if (n > 0 || (n < 0 && errno == EAGAIN))
		return;
	close(a->orphan_fds[i]);
	a->orphan_fds[i] = a->orphan_fds[--a->n_orphans];
}

static void command_end(struct agent *a, int wait_status)
{
	int status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status)
					    : 128 + WTERMSIG(wait_status);
	char line[64];
	int i;

	close_fd(&a->cmd.stdin_fd);
	for (i = 0; i < N_STREAMS; i++) {
		/* What the shell itself wrote is in the pipe by now. A job that
		 * prints for ever must not keep us here: 1 MiB is the most that
		 * a pipe holds. */
		int n = 1024 * 1024 / LAB_CHUNK_BYTES;

		while (a->cmd.stream_fds[i] >= 0 && n-- > 0 && stream_forward(a, i))
			;
		orphan_add(a, a->cmd.stream_fds[i]);
		a->cmd.stream_fds[i] = -1;
	}
	a->cmd.pid = 0;
	snprintf(line, sizeof(line), "end %lu %d\n", a->cmd.id, status);
	lab_write_all(a->port.fd, line, strlen(line));
}

static void children_reap(struct agent *a)
{
	char byte[64];
	pid_t pid;
	int status;

	while (read(a->child_pipe[0], byte, sizeof(byte)) > 0)
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == a->cmd.pid)
			command_end(a, status);
	}
}

static void command_kill(struct agent *a)
{
	if (a->cmd.pid)
		kill(-a->cmd.pid, SIGKILL);
}

static void command_exec(const char *text, int in, int out, int err)
{
	signal(SIGPIPE, SIG_DFL);
	setsid();
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	execl("/bin/sh", "sh", "-c", text, (char *)NULL);
	_exit(127);
}

static void command_run(struct agent *a, unsigned long id, const char *base64)
{
	static char text[LAB_LINE_BYTES];
	int in[2], streams[N_STREAMS][2];
	int i;

	command_kill(a);
	while (a->cmd.pid) {
		int status;

		if (waitpid(a->cmd.pid, &status, 0) == a->cmd.pid)
			command_end(a, status);
	}
	text[lab_base64_decode(base64, text)] = '\0';
	if (pipe2(in, O_CLOEXEC) || pipe2(streams[STREAM_OUT], O_CLOEXEC) ||
	    pipe2(streams[STREAM_ERR], O_CLOEXEC)) {
		perror("lab-agent: cannot make pipes");
		return;
	}
	a->cmd.id = id;
	a->cmd.pid = fork();
	if (a->cmd.pid == 0)
		command_exec(text, in[0], streams[STREAM_OUT][1], streams[STREAM_ERR][1]);
	close(in[0]);
	a->cmd.stdin_fd = in[1];
	a->cmd.n_pending = a->cmd.n_fed = 0;
	fcntl(in[1], F_SETFL, O_NONBLOCK);
	for (i = 0; i < N_STREAMS; i++) {
		close(streams[i][1]);
		a->cmd.stream_fds[i] = streams[i][0];
		fcntl(streams[i][0], F_SETFL, O_NONBLOCK);
	}
	if (a->cmd.pid < 0) {
		perror("lab-agent: cannot fork");
		command_end(a, 126 << 8);
	}
}

static void send_ack(struct agent *a)
{
	char line[64];

	a->cmd.n_pending = a->cmd.n_fed = 0;
	snprintf(line, sizeof(line), "ack %lu 0\n", a->cmd.id);
	lab_write_all(a->port.fd, line, strlen(line));
}

/* Feeds the command as much as it takes; its caller waits for our "ack", so
 * there is never more than one line of input on the way. */
static void command_feed(struct agent *a)
{
	ssize_t n = write(a->cmd.stdin_fd, a->cmd.pending + a->cmd.n_fed,
			  a->cmd.n_pending - a->cmd.n_fed);

	if (n < 0 && errno != EAGAIN)
		close_fd(&a->cmd.stdin_fd);
	else if (n > 0)
		a->cmd.n_fed += n;
	if (a->cmd.stdin_fd < 0 || a->cmd.n_fed == a->cmd.n_pending)
		send_ack(a);
}

static void command_input(struct agent *a, const char *base64)
{
	a->cmd.n_fed = 0;
	a->cmd.n_pending = lab_base64_decode(base64, a->cmd.pending);
	if (a->cmd.stdin_fd < 0)
		send_ack(a);
}

static void message_handle(struct agent *a, const struct lab_message *msg)
{
	bool is_current = a->cmd.pid && msg->id == a->cmd.id;

	if (!strcmp(msg->verb, "ping"))
		lab_send(a->port.fd, "pong", msg->id, "", 0);
	else if (!strcmp(msg->verb, "run"))
		command_run(a, msg->id, msg->text);
	else if (!strcmp(msg->verb, "in") && is_current)
		command_input(a, msg->text);
	else if (!strcmp(msg->verb, "eof") && is_current)
		close_fd(&a->cmd.stdin_fd);
	else if (!strcmp(msg->verb, "kill") && is_current)
		command_kill(a);
}

static void agent_step(struct agent *a)
{
	struct pollfd pfds[N_FIXED + N_STREAMS + MAX_ORPHANS];
	struct lab_message msg;
	int n_orphans = a->n_orphans;
	int i, n = 0;

	pfds[n++] = (struct pollfd){ .fd = a->port.fd, .events = POLLIN };
	pfds[n++] = (struct pollfd){ .fd = a->child_pipe[0], .events = POLLIN };
	pfds[n++] =
		(struct pollfd){ .fd = a->cmd.n_pending ? a->cmd.stdin_fd : -1, .events = POLLOUT };
	for (i = 0; i < N_STREAMS; i++)
		pfds[n++] = (struct pollfd){ .fd = a->cmd.stream_fds[i], .events = POLLIN };
	for (i = 0; i < n_orphans; i++)
		pfds[n++] = (struct pollfd){ .fd = a->orphan_fds[i], .events = POLLIN };
	if (poll(pfds, n, -1) < 0)
		return;

	/* From the last one down: an orphan that ends moves the last one here. */
	for (i = n_orphans - 1; i >= 0; i--) {
		if (pfds[N_FIXED + N_STREAMS + i].revents)
			orphan_drain(a, i);
	}
	for (i = 0; i < N_STREAMS; i++) {
		if (pfds[N_FIXED + i].revents)
			stream_forward(a, i);
	}
	if (pfds[STDIN].revents)
		command_feed(a);
	if (pfds[CHILD].revents)
		children_reap(a);
	if (pfds[PORT].revents && lab_lines_fill(&a->port) < 0)
		sleep(1);
	while (lab_lines_next(&a->port, &msg))
		message_handle(a, &msg);
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "/dev/ttyS1";
	struct sigaction sa = { .sa_handler = on_child, .sa_flags = SA_RESTART | SA_NOCLDSTOP };

	agent.cmd.stdin_fd = agent.cmd.stream_fds[STREAM_OUT] = -1;
	agent.cmd.stream_fds[STREAM_ERR] = -1;
	agent.port.fd = port_open(path);
	if (agent.port.fd < 0 || pipe2(agent.child_pipe, O_CLOEXEC | O_NONBLOCK)) {
		fprintf(stderr, "lab-agent: cannot open '%s': %s\n", path, strerror(errno));
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGCHLD, &sa, NULL);
	for (;;)
		agent_step(&agent);
}
