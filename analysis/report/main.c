// SPDX-License-Identifier: GPL-2.0-or-later
/* ivtrace-report: questions to a trace directory, answered as text or JSON. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/report/report.h"
#include "cli/cli.h"

static const struct report_command *const commands[] = {
	&report_summary, &report_events, &report_io, &report_verdict, &report_sync, &report_repair,
};
#define N_COMMANDS (sizeof(commands) / sizeof(*commands))

static void print_help(void)
{
	size_t i;

	fputs("Usage: ivtrace-report COMMAND [OPTIONS] TRACE.ivt\n"
	      "\n"
	      "Answers questions about a trace of a host and its virtual machines.\n"
	      "\n"
	      "Commands:\n",
	      stdout);
	for (i = 0; i < N_COMMANDS; i++)
		printf("  %-12s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n"
	      "Options of most commands:\n"
	      "  --json         one JSON document with a \"schema\" (events: a line per event)\n"
	      "  --from T       from T on: 1.5, 250ms since the trace's start; @S absolute\n"
	      "  --to T         up to T, T not included\n"
	      "  --vm NAME      this machine only\n"
	      "  --help         this text, or that of a command\n"
	      "  --version      version\n"
	      "\n"
	      "Examples:\n"
	      "  ivtrace-report io slow.ivt\n"
	      "  ivtrace-report events --vm a --name block_rq_issue --limit 20 slow.ivt\n"
	      "  ivtrace-report verdict alone.ivt slow.ivt\n"
	      "\n"
	      "Exit status: 0 done, 1 failed, 2 wrong usage.\n",
	      stdout);
}

static const struct report_command *command_find(const char *name)
{
	size_t i;

	for (i = 0; i < N_COMMANDS; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static void print_warnings(struct ivt_trace *t)
{
	const char *warning;
	size_t i;

	for (i = 0; (warning = ivt_trace_warning(t, i)); i++)
		report_message("%s: %s", ivt_trace_path(t), warning);
}

static int command_run(const struct report_command *cmd, const struct report_options *opt)
{
	struct ivt_trace *traces[REPORT_MAX_PATHS] = { NULL };
	struct ivt_error err = { "" };
	int i, ret = opt->is_follow ? cmd->follow(opt) : -1;

	if (ret >= 0)
		return ret;
	ret = REPORT_DONE;

	for (i = 0; i < opt->n_paths && ret == REPORT_DONE; i++) {
		int code = ivt_trace_open(opt->paths[i], &traces[i], &err);

		if (code) {
			report_message("%s", err.msg[0] ? err.msg : strerror(-code));
			ret = REPORT_FAILED;
		}
	}
	if (ret == REPORT_DONE)
		ret = cmd->run(opt, traces);
	/* Some warnings come up while the records are read. */
	for (i = 0; i < opt->n_paths; i++) {
		if (traces[i])
			print_warnings(traces[i]);
		ivt_trace_close(traces[i]);
	}
	return ret;
}

/* A reader that has seen enough (head, less) is no failure; a full disk is. */
static int close_output(int ret)
{
	bool failed = fflush(stdout) || ferror(stdout);
	int code = errno;

	if (!failed || code == EPIPE)
		return ret;
	report_message("cannot write the output: %s", strerror(code));
	return REPORT_FAILED;
}

int main(int argc, char **argv)
{
	const struct report_command *cmd;
	struct report_options opt;
	int ret;

	cli_hold_standard_files();
	signal(SIGPIPE, SIG_IGN);
	if (argc < 2) {
		report_message("which command? (see ivtrace-report --help)");
		return REPORT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		print_help();
		return close_output(REPORT_DONE);
	}
	if (!strcmp(argv[1], "--version")) {
		puts("ivtrace-report " IVT_VERSION);
		return close_output(REPORT_DONE);
	}
	cmd = command_find(argv[1]);
	if (!cmd) {
		report_message("unknown command '%s' (see ivtrace-report --help)", argv[1]);
		return REPORT_USAGE;
	}
	ret = report_options_parse(cmd, argc - 1, argv + 1, &opt);
	if (ret)
		return ret < 0 ? close_output(REPORT_DONE) : ret;
	return close_output(command_run(cmd, &opt));
}
