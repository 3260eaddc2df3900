// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What following KVM's clocks costs a guest: a vCPU that does nothing but leave
 * its guest (cpuid, handled in the kernel; a port write, handled in this program)
 * with the eBPF programs of --tsc bpf attached and without, in turn.  Wants
 * /dev/kvm and root; says so and ends with 0 where it has not.
 *
 *	exits [--quick]
 */
#include "bench.h"
#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include "tsc-sync/sources/kvm_feed.h"

#define PAGE   0x1000
#define PORT   0x80
#define N_RUNS 15

/* mov $LOOPS, %esi; 1: cpuid; dec %esi; jnz 1b; 2: out %al, $PORT; jmp 2b or 0 */
#define LOOPS_AT 2
static unsigned char code[] = { 0x66, 0xbe, 0,	  0,	0,    0,    0x0f, 0xa2,
				0x66, 0x4e, 0x75, 0xfa, 0xe6, PORT, 0xeb, 0xf0 };
static const unsigned char port_code[] = { 0xe6, PORT, 0xeb, 0xfc };

static unsigned char *memory;
static struct kvm_run *run;
static int vm = -1, vcpu = -1;
static uint32_t n_exits = 50000;

static int set_start(void)
{
	struct kvm_regs regs = { .rip = PAGE, .rflags = 2 };
	struct kvm_sregs sregs;

	if (ioctl(vcpu, KVM_GET_SREGS, &sregs))
		return -1;
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	return ioctl(vcpu, KVM_SET_SREGS, &sregs) || ioctl(vcpu, KVM_SET_REGS, &regs) ? -1 : 0;
}

static int make_vm(void)
{
	struct kvm_userspace_memory_region region = { .guest_phys_addr = PAGE,
						      .memory_size = PAGE };
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), bytes;

	if (kvm < 0)
		return -1;
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	bytes = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	close(kvm);
	if (vm < 0 || bytes < 0)
		return -1;
	memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return -1;
	region.userspace_addr = (uintptr_t)memory;
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region))
		return -1;
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	if (vcpu < 0)
		return -1;
	run = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	return run == MAP_FAILED ? -1 : set_start();
}

/* Until the next port write. */
static int enter(void)
{
	if (ioctl(vcpu, KVM_RUN, 0) || run->exit_reason != KVM_EXIT_IO)
		return -1;
	return 0;
}

/* ns of CPU time per exit; below 0: it does not run. */
static double in_kernel(void)
{
	uint64_t begin;

	memcpy(code + LOOPS_AT, &n_exits, sizeof(n_exits));
	memcpy(memory, code, sizeof(code));
	if (set_start())
		return -1;
	begin = bench_cpu_ns();
	if (enter())
		return -1;
	return (double)(bench_cpu_ns() - begin) / n_exits;
}

static double in_program(void)
{
	uint64_t begin;
	uint32_t i;

	memcpy(memory, port_code, sizeof(port_code));
	if (set_start())
		return -1;
	begin = bench_cpu_ns();
	for (i = 0; i < n_exits; i++)
		if (enter())
			return -1;
	return (double)(bench_cpu_ns() - begin) / n_exits;
}

/* Do the programs run at all?  Not every KVM uses its tracepoints. */
static bool is_seen(struct kvm_feed *feed)
{
	struct tsc_source *source;
	struct tsc_sync_entry entry;
	bool is_there;

	if (kvm_feed_pull(feed) || kvm_feed_source_open(feed, getpid(), &source))
		return false;
	is_there = source->ops->poll(source, 0, &entry) == 1;
	source->ops->close(source);
	return is_there;
}

static bool measure(double (*exits)(void), struct bench_samples *plain,
		    struct bench_samples *followed, struct bench_samples *cost)
{
	struct kvm_feed *feed;
	double before, with;

	before = exits();
	if (kvm_feed_open_bpf(&feed))
		return false;
	if (kvm_feed_begin(feed)) {
		kvm_feed_close(feed);
		return false;
	}
	exits(); /* the thread's first entry sends a record */
	with = exits();
	if (!is_seen(feed))
		with = -1;
	kvm_feed_close(feed);
	if (before < 0 || with < 0)
		return false;
	bench_add(plain, before);
	bench_add(followed, with);
	bench_add(cost, with - before);
	return true;
}

static void measure_kind(const char *kind, double (*exits)(void))
{
	struct bench_samples plain = { .name = "plain" }, followed = { .name = "followed" };
	struct bench_samples cost = { .name = "cost" };
	int i;

	exits(); /* warm */
	for (i = 0; i < N_RUNS; i++)
		if (!measure(exits, &plain, &followed, &cost)) {
			bench_skip("exits", kind, followed.name,
				   "the VM does not run, KVM reports no entries, or no eBPF (run "
				   "as root)");
			return;
		}
	bench_report("exits", kind, "ns/exit", &plain, NULL);
	bench_report("exits", kind, "ns/exit", &followed, &plain);
	bench_report("exits", kind, "ns/exit", &cost, NULL);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--quick"))
		n_exits /= 10;
	if (make_vm()) {
		bench_skip("exits", "cpuid", "followed", "no VM on this machine (/dev/kvm)");
		bench_skip("exits", "port", "followed", "no VM on this machine (/dev/kvm)");
		return 0;
	}
	bench_pin(0);
	measure_kind("cpuid", in_kernel);
	measure_kind("port", in_program);
	return 0;
}
