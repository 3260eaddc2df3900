// SPDX-License-Identifier: GPL-2.0-or-later
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "host-reader/base/filter_options.h"
#include "host-reader/base/message.h"
#include "host-reader/commands/commands.h"
#include "host-reader/commands/flight_options.h"
#include "host-reader/recording/confine.h"
#include "host-reader/recording/record.h"
#include "trace/event_table.h"

#define MAX_VMS		 255 /* and the host: IVT_MAX_MACHINES */
#define MAX_FILTERS	 1024
#define MIN_ROTATE_BYTES 65536u
#define MIN_ROTATE_NS	 100000000u

static const char help[] =
	"Usage: ivtrace-host record [OPTIONS] [-- COMMAND...]\n"
	"\n"
	"Records VMs and the host until Ctrl-C, until a time is over or a command ends.\n"
	"A region that is not there yet is made; VMs may be started and rebooted meanwhile.\n"
	"\n"
	"  -o, --output DIR.ivt     the trace's new directory (ivtrace-YYYYmmdd-HHMMSS.ivt)\n"
	"      --resume             go on in DIR.ivt if its recorder was killed: no record lost\n"
	"                           that the rings still hold, none twice; if DIR.ivt is not\n"
	"                           there, begin it\n"
	"      --vm NAME[=shm:PATH] a VM and its region (/dev/shm/ivtrace-NAME); repeatable\n"
	"      --vm NAME=sock:PATH  a VM whose QEMU connects to the socket PATH, which is made,\n"
	"                           and gets its region and a doorbell (ivshmem-doorbell)\n"
	"      --vm auto            every VM that runs with a region, also later ones\n"
	"      --host EVENTS        the host's events (default)\n"
	"      --guest EVENTS       the VMs' events (default)\n"
	"      --stacks EVENTS      of the VMs' events: with the program's call chain\n"
	"      --filter-pid VM:PID[,...]\n"
	"                           only events of these processes of the VM; repeatable\n"
	"      --filter-comm [VM:]NAME[,...]\n"
	"                           and of tasks of these names; repeatable\n"
	"      --rotate-size BYTES  go on in another trace when one has so many: -o slow.ivt\n"
	"                           makes slow.0000.ivt, slow.0001.ivt ..., each whole by itself\n"
	"      --rotate-time T      or after this time\n"
	"      --keep N             remove older ones: the N newest stay\n"
	"      --compress           compress each trace when it is finished\n"
	"      --quota [VM:]BYTES   of a VM on the disk, in all traces that are kept: records\n"
	"                           beyond it are lost and counted; repeatable\n"
	"      --cpu-quota [VM:]PERCENT\n"
	"                           of a CPU that taking a VM's records may use while others\n"
	"                           wait (50); repeatable\n"
	"      --duration T         stop after 5, 5s, 500ms, 2m\n"
	"      --tsc SOURCE         where a VM's clock offset is read: auto, bpf, stap or\n"
	"                           debugfs for KVM, tcg for QEMU without it, handshake\n"
	"                           with the driver where nothing else can be read (auto)\n"
	"      --stap-module FILE   for stap: kvm_exit.stp, or what stap -p4 made of it\n"
	"      --stap FILE          run this SystemTap script (or what stap -p4 made of it):\n"
	"                           what it says by ivtrace.stp(7) is the host's\n"
	"      --size BYTES         of a region that is made: a power of two (64M)\n"
	"      --cpus N             rings in a region that is made: one per vCPU (8)\n"
	"      --hugepages          regions of VMs that connect: in huge pages\n"
	"      --user NAME          become this user, who makes the trace, once VMs and eBPF\n"
	"                           programs are open\n"
	"      --no-confine         keep privileges and all system calls (to debug it)\n"
	"      --mode MODE          stream (what is recorded goes to the disk) or flight: the\n"
	"                           newest is kept in memory, in rings that the VMs overwrite;\n"
	"                           snapshots go to DIR.0000.ivt, DIR.0001.ivt, ... when a VM\n"
	"                           panics, is reset or ends, a trigger fires, or by\n"
	"                           'ivtrace-host snapshot'\n"
	"      --host-memory BYTES  flight: of the host's events (64M)\n"
	"      --trigger EXPR       flight: [VM:]EVENT; or a latency: [VM:]block>50ms,\n"
	"                           [VM:]syscall>100ms, [VM:]syscall_fsync>1s, [VM:]runq>20ms (a\n"
	"                           vCPU waits for a CPU); VM may be 'host'; repeatable\n"
	"      --snapshot-after T   flight: go on for T after a trigger (200ms)\n"
	"      --snapshot-limit N   flight: no more snapshots than N (100) by triggers and VMs\n"
	"                           that end, each VM its share of them\n"
	"      --snapshot-distance T\n"
	"                           flight: between two that triggers make, or the ends of\n"
	"                           the same VM (10s)\n"
	"      --qmp VM:SOCKET      flight: a VM's QMP socket, which tells panics (pvpanic),\n"
	"                           resets and shutdowns; repeatable\n"
	"      --help\n"
	"\n"
	"EVENTS are groups and names of events, separated by commas; or none; \"default\" is the\n"
	"groups marked *, \"all\" is all (many times as much):\n";

static const char help_end[] =
	"The status is 0 if all that was recorded is on the disk, whatever COMMAND's is.\n"
	"\n"
	"Examples:\n"
	"  ivtrace-host record --vm a --vm b                    until Ctrl-C\n"
	"  ivtrace-host record --vm auto                        whichever VMs there are\n"
	"  ivtrace-host record -o slow.ivt --vm a --duration 10s\n"
	"  ivtrace-host record -o day.ivt --vm a --rotate-size 1G --keep 10 --compress\n"
	"  ivtrace-host record --vm a --vm b --quota 4G --quota b:1G --cpu-quota b:20\n"
	"  ivtrace-host record --vm a --host block,sched_switch --guest default,net,timer\n"
	"  ivtrace-host record --vm a --filter-comm postgres --stacks syscall_entry_fsync\n"
	"  ivtrace-host record --mode flight -o slow.ivt --vm a --trigger 'block>50ms'\n"
	"  ivtrace-host record --host all -- dd if=/dev/vda of=/dev/null count=100\n"
	"  ivtrace-host record --resume -o day.ivt --vm a --vm b   what a service runs\n"
	"  ivtrace-host record --vm a=shm:/dev/hugepages/a --host none\n"
	"  ivtrace-host record --vm a=sock:/run/ivtrace/a.sock  before that VM is started\n";

enum {
	OPT_VM = 256,
	OPT_RESUME,
	OPT_HOST,
	OPT_GUEST,
	OPT_STACKS,
	OPT_FILTER_PID,
	OPT_FILTER_COMM,
	OPT_DURATION,
	OPT_TSC,
	OPT_STAP,
	OPT_SCRIPT,
	OPT_SIZE,
	OPT_CPUS,
	OPT_HUGEPAGES,
	OPT_ROTATE_SIZE,
	OPT_ROTATE_TIME,
	OPT_KEEP,
	OPT_COMPRESS,
	OPT_QUOTA,
	OPT_CPU_QUOTA,
	OPT_FLIGHT, /* and as many as enum flight_option has */
	OPT_FLIGHT_END = OPT_FLIGHT + FLIGHT_QMP,
	OPT_USER,
	OPT_NO_CONFINE,
};

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "vm", required_argument, NULL, OPT_VM },
	{ "resume", no_argument, NULL, OPT_RESUME },
	{ "host", required_argument, NULL, OPT_HOST },
	{ "guest", required_argument, NULL, OPT_GUEST },
	{ "stacks", required_argument, NULL, OPT_STACKS },
	{ "filter-pid", required_argument, NULL, OPT_FILTER_PID },
	{ "filter-comm", required_argument, NULL, OPT_FILTER_COMM },
	{ "duration", required_argument, NULL, OPT_DURATION },
	{ "tsc", required_argument, NULL, OPT_TSC },
	{ "stap-module", required_argument, NULL, OPT_STAP },
	{ "stap", required_argument, NULL, OPT_SCRIPT },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "cpus", required_argument, NULL, OPT_CPUS },
	{ "hugepages", no_argument, NULL, OPT_HUGEPAGES },
	{ "user", required_argument, NULL, OPT_USER },
	{ "no-confine", no_argument, NULL, OPT_NO_CONFINE },
	{ "rotate-size", required_argument, NULL, OPT_ROTATE_SIZE },
	{ "rotate-time", required_argument, NULL, OPT_ROTATE_TIME },
	{ "keep", required_argument, NULL, OPT_KEEP },
	{ "compress", no_argument, NULL, OPT_COMPRESS },
	{ "quota", required_argument, NULL, OPT_QUOTA },
	{ "cpu-quota", required_argument, NULL, OPT_CPU_QUOTA },
	{ "mode", required_argument, NULL, OPT_FLIGHT + FLIGHT_MODE },
	{ "host-memory", required_argument, NULL, OPT_FLIGHT + FLIGHT_HOST_MEMORY },
	{ "trigger", required_argument, NULL, OPT_FLIGHT + FLIGHT_TRIGGER },
	{ "snapshot-after", required_argument, NULL, OPT_FLIGHT + FLIGHT_AFTER },
	{ "snapshot-limit", required_argument, NULL, OPT_FLIGHT + FLIGHT_LIMIT },
	{ "snapshot-distance", required_argument, NULL, OPT_FLIGHT + FLIGHT_DISTANCE },
	{ "qmp", required_argument, NULL, OPT_FLIGHT + FLIGHT_QMP },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int add_vm(struct record_options *opt, const char *text)
{
	struct vm_spec spec;
	size_t i;

	if (!strcmp(text, "auto")) {
		opt->finds_vms = true;
		return 0;
	}
	if (parse_vm(text, &spec))
		return usage_error("record",
				   "'%s' is no VM: NAME, NAME=shm:PATH or NAME=sock:PATH, NAME of "
				   "letters, digits "
				   "and . _ -, not 'host'",
				   text);
	if (opt->n_vms >= MAX_VMS)
		return usage_error("record", "more than %d VMs", MAX_VMS);
	for (i = 0; i < opt->n_vms; i++) {
		if (!strcmp(opt->vms[i].name, spec.name))
			return usage_error("record", "VM '%s' is named twice", spec.name);
		if (!strcmp(opt->vms[i].path, spec.path))
			return usage_error("record", "VMs '%s' and '%s' have the same region",
					   opt->vms[i].name, spec.name);
	}
	opt->vms[opt->n_vms++] = spec;
	return 0;
}

static int no_event(const char *option, const char *bad)
{
	return usage_error("record", "%s: '%s' is no event and no group (groups: %s)", option, bad,
			   event_groups());
}

static int set_events(const char *option, const char *text, struct event_set *set)
{
	char bad[128];

	return parse_events(text, set, bad, sizeof(bad)) ? no_event(option, bad) : 0;
}

static int set_stacks(const char *text, struct event_set *set)
{
	char bad[128];

	return parse_event_names(text, set, bad, sizeof(bad)) ? no_event("--stacks", bad) : 0;
}

/* Filters name VMs: once these are all known.  Arguments stay where they are. */
static struct pending_filter {
	enum filter_kind kind;
	const char *text;
} pending[MAX_FILTERS];
static size_t n_pending;

static int add_filter(enum filter_kind kind, const char *text)
{
	if (n_pending >= MAX_FILTERS)
		return usage_error("record", "more than %d filters", MAX_FILTERS);
	pending[n_pending++] = (struct pending_filter){ kind, text };
	return 0;
}

static int apply_filters(struct record_options *opt)
{
	char why[256];
	size_t i;

	for (i = 0; i < n_pending; i++)
		if (filter_parse(pending[i].kind, pending[i].text, opt->vms, opt->n_vms, why,
				 sizeof(why)))
			return usage_error("record", "%s: %s",
					   pending[i].kind == FILTER_PID ? "--filter-pid"
									 : "--filter-comm",
					   why);
	return 0;
}

static int apply_stacks(struct record_options *opt)
{
	if (event_set_is_empty(&opt->stacks) || event_set_add_chains(&opt->guest, &opt->stacks))
		return 0;
	return usage_error("record", "--stacks: none of these events is recorded (--guest)");
}

static int set_tsc(const char *text, enum tsc_choice *ret)
{
	if (!clock_choice_parse(text, ret))
		return 0;
	return usage_error("record",
			   "--tsc: '%s' is none of auto, bpf, stap, debugfs, tcg, handshake", text);
}

static int set_duration(const char *text, uint64_t *ret_ns)
{
	if (!parse_duration(text, ret_ns))
		return 0;
	return usage_error("record", "--duration: '%s' is no time (5, 5s, 500ms)", text);
}

static int set_size(const char *text, uint64_t *ret_bytes)
{
	if (!parse_size(text, ret_bytes))
		return 0;
	return usage_error("record", "--size: '%s' is no size (64M)", text);
}

static int set_cpus(const char *text, uint32_t *ret)
{
	uint64_t n;

	if (parse_number(text, 1, IVRING_MAX_CHANNELS, &n))
		return usage_error("record", "--cpus: '%s' is not in 1..%d", text,
				   IVRING_MAX_CHANNELS);
	*ret = (uint32_t)n;
	return 0;
}

static int set_user(struct record_options *opt, const char *name)
{
	if (!confine_knows_user(name))
		return usage_error("record", "--user: no user '%s'", name);
	opt->user = name;
	return 0;
}

/* The options of what is recorded.  0: go on; else the exit status. */
static int choose_events(struct record_options *opt, int c, const char *value)
{
	switch (c) {
	case OPT_HOST:
		return set_events("--host", value, &opt->host);
	case OPT_GUEST:
		return set_events("--guest", value, &opt->guest);
	case OPT_STACKS:
		return set_stacks(value, &opt->stacks);
	case OPT_FILTER_PID:
		return add_filter(FILTER_PID, value);
	case OPT_FILTER_COMM:
		return add_filter(FILTER_COMM, value);
	default:
		fputs("(see ivtrace-host record --help)\n", stderr);
		return EXIT_USAGE;
	}
}

static int parse_percent(const char *text, uint64_t *ret)
{
	return parse_number(text, 1, 100, ret);
}

static int set_keep(const char *text, uint32_t *ret)
{
	uint64_t n;

	if (parse_number(text, 1, 1000000, &n))
		return usage_error("record", "--keep: '%s' is no number of traces", text);
	*ret = (uint32_t)n;
	return 0;
}

/* The options of what is kept and what a VM may use.  0: go on; else the exit status. */
static int choose_storage(struct record_options *opt, int c, const char *value)
{
	struct rotation_options *rotation = &opt->rotation;

	switch (c) {
	case OPT_ROTATE_SIZE:
		if (!parse_size(value, &rotation->size_bytes) &&
		    rotation->size_bytes >= MIN_ROTATE_BYTES)
			return 0;
		return usage_error("record", "--rotate-size: '%s' is no size of 64K or more",
				   value);
	case OPT_ROTATE_TIME:
		if (!parse_duration(value, &rotation->time_ns) &&
		    rotation->time_ns >= MIN_ROTATE_NS)
			return 0;
		return usage_error("record", "--rotate-time: '%s' is no time of 100ms or more",
				   value);
	case OPT_KEEP:
		return set_keep(value, &rotation->keep);
	case OPT_COMPRESS:
		rotation->is_compressed = true;
		return 0;
	case OPT_QUOTA:
		if (!vm_limits_add(&opt->quota, value, parse_size))
			return 0;
		return usage_error("record", "--quota: '%s' is no size, nor VM:SIZE (4G, a:512M)",
				   value);
	case OPT_CPU_QUOTA:
		if (!vm_limits_add(&opt->cpu_quota, value, parse_percent))
			return 0;
		return usage_error("record",
				   "--cpu-quota: '%s' is not in 1..100, nor VM:PERCENT (a:20)",
				   value);
	default:
		return choose_events(opt, c, value);
	}
}

/* 0: go on; else the exit status. */
static int take_option(struct record_options *opt, int c, const char *value)
{
	switch (c) {
	case 'o':
		opt->output = value;
		return 0;
	case OPT_RESUME:
		opt->does_resume = true;
		return 0;
	case OPT_VM:
		return add_vm(opt, value);
	case OPT_TSC:
		return set_tsc(value, &opt->tsc);
	case OPT_STAP:
		opt->stap_script = value;
		return 0;
	case OPT_SCRIPT:
		opt->script = value;
		return 0;
	case OPT_DURATION:
		return set_duration(value, &opt->duration_ns);
	case OPT_SIZE:
		return set_size(value, &opt->size_bytes);
	case OPT_CPUS:
		return set_cpus(value, &opt->cpus);
	case OPT_HUGEPAGES:
		opt->in_huge_pages = true;
		return 0;
	case OPT_USER:
		return set_user(opt, value);
	case OPT_NO_CONFINE:
		opt->is_free = true;
		return 0;
	default:
		return choose_storage(opt, c, value);
	}
}

/* The first VM of @limits that is not recorded; NULL: none. */
static const char *unknown_vm(const struct record_options *opt, const struct vm_limits *limits)
{
	const char *name;
	size_t i, k;

	for (i = 0; (name = vm_limits_name(limits, i)); i++) {
		for (k = 0; k < opt->n_vms && strcmp(opt->vms[k].name, name); k++)
			;
		if (k == opt->n_vms)
			return name;
	}
	return NULL;
}

static int check_storage(const struct record_options *opt)
{
	bool is_rotated = rotation_is_wanted(&opt->rotation);
	const char *name;

	if (opt->rotation.keep && !is_rotated)
		return usage_error("record", "--keep goes with --rotate-size or --rotate-time");
	if (is_rotated && opt->script)
		return usage_error("record", "--stap and rotation exclude each other");
	if (opt->finds_vms)
		return 0;
	name = unknown_vm(opt, &opt->quota);
	if (name)
		return usage_error("record", "--quota: no VM '%s' is recorded (--vm)", name);
	name = unknown_vm(opt, &opt->cpu_quota);
	if (name)
		return usage_error("record", "--cpu-quota: no VM '%s' is recorded (--vm)", name);
	return 0;
}

/* 0: go on; else the exit status. */
static int check_options(struct record_options *opt, int argc, char **argv)
{
	static char name[64];
	struct stat st;
	time_t now = time(NULL);

	if (optind < argc && strcmp(argv[optind - 1], "--"))
		return usage_error("record", "unexpected '%s'; a command comes after --",
				   argv[optind]);
	opt->command = optind < argc ? argv + optind : NULL;
	if (opt->command && opt->duration_ns)
		return usage_error("record", "--duration and a command exclude each other");
	if (opt->stap_script && opt->tsc != TSC_STAP)
		return usage_error("record", "--stap-module goes with --tsc stap");
	if (!opt->n_vms && !opt->finds_vms && event_set_is_empty(&opt->host) && !opt->script)
		return usage_error("record", "nothing to record: no --vm, and --host none");
	if (opt->flight.is_on &&
	    (rotation_is_wanted(&opt->rotation) || opt->rotation.is_compressed || opt->does_resume))
		return usage_error("record", "--mode flight goes with none of --rotate-..., "
					     "--compress and --resume");
	if (opt->does_resume && !opt->output)
		return usage_error("record", "--resume: in which trace? -o DIR.ivt is missing");
	if (!opt->output) {
		strftime(name, sizeof(name), "ivtrace-%Y%m%d-%H%M%S.ivt", localtime(&now));
		opt->output = name;
	}
	if (!opt->does_resume && !lstat(opt->output, &st)) {
		message("cannot record into '%s': it is there already (remove it or choose "
			"another name with -o; --resume goes on where its recorder was killed)",
			opt->output);
		return 1;
	}
	return 0;
}

/* Every option, and what they say together. */
static int read_options(struct record_options *opt, int argc, char **argv)
{
	int c, ret = 0;

	while (!ret && (c = getopt_long(argc, argv, "+o:", options, NULL)) >= 0)
		ret = c >= OPT_FLIGHT && c <= OPT_FLIGHT_END
			      ? flight_options_take(&opt->flight, c - OPT_FLIGHT, optarg)
			      : take_option(opt, c, optarg);
	if (!ret)
		ret = flight_options_check(&opt->flight, &opt->host, &opt->guest);
	if (!ret)
		ret = apply_stacks(opt);
	if (!ret)
		ret = apply_filters(opt);
	if (!ret)
		ret = check_storage(opt);
	return ret ? ret : check_options(opt, argc, argv);
}

static bool wants_help(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return true;
	return false;
}

static void print_help(void)
{
	const struct ivt_event_group *group;
	size_t i;

	fputs(help, stdout);
	for (i = 0; (group = ivt_event_group_at(i)); i++)
		printf("  %c %-10s %s\n", group->is_default ? '*' : ' ', group->name, group->what);
	fputs(help_end, stdout);
}

int cmd_record(int argc, char **argv)
{
	struct record_options opt = { .vms = calloc(MAX_VMS, sizeof(*opt.vms)) };
	char bad[8];
	int ret;

	if (!opt.vms) {
		message("cannot record: no memory");
		return 1;
	}
	opt.cpu_quota.common = SHARE_DEFAULT_PERCENT;
	flight_options_init(&opt.flight);
	parse_events("default", &opt.host, bad, sizeof(bad));
	parse_events("default", &opt.guest, bad, sizeof(bad));
	if (wants_help(argc, argv)) {
		print_help();
		ret = 0;
	} else {
		ret = read_options(&opt, argc, argv);
		if (!ret)
			ret = record_run(&opt);
	}
	free(opt.vms);
	return ret;
}
