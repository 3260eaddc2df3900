// SPDX-License-Identifier: GPL-2.0-or-later
#include "host-reader/commands/commands.h"

static const struct cli_command commands[] = {
	{ "record", cmd_record, "record VMs and the host into a trace" },
	{ "finish", cmd_finish, "make a recording's trace whole, compress it" },
	{ "snapshot", cmd_snapshot, "have a flight recorder write down what it has" },
	{ "salvage", cmd_salvage, "make a trace of a region that was left behind" },
	{ "qemu-args", cmd_qemu_args, "make a VM's region, print what QEMU needs to see it" },
	{ "attach", cmd_attach, "plug the device into a VM that runs" },
	{ "detach", cmd_detach, "pull it" },
	{ "status", cmd_status, "say which recorders run here and how it goes" },
	{ "top", cmd_top, "show what the VMs of a recording do right now" },
	{ "add", cmd_add, "record one more VM into a recording that runs" },
	{ "remove", cmd_remove, "record a VM no more, the others go on" },
	{ "stop", cmd_stop, "end a recording in order" },
	{ "doctor", cmd_doctor, "say what this host lacks" },
};

static const struct cli_program program = {
	.name = "ivtrace-host",
	.about = "Traces this host and its VMs together. In each VM the driver ivtrace.ko writes\n"
		 "records into memory that it shares with the host; this program collects them.\n",
	.examples = "  ivtrace-host doctor\n"
		    "  qemu-system-x86_64 $(ivtrace-host qemu-args --vm a) ...\n"
		    "  ivtrace-host record -o slow.ivt --vm a --vm b --duration 10s\n"
		    "  ivtrace-report io slow.ivt\n",
	.commands = commands,
	.n_commands = sizeof(commands) / sizeof(commands[0]),
};

int main(int argc, char **argv)
{
	return cli_run(&program, argc, argv);
}
