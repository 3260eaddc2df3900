// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Numbers: Intel SDM volume 3, appendix C (basic exit reasons); AMD APM volume 2,
 * appendix C (#VMEXIT codes).
 */
#include "trace/kvm_names.h"

#include <stddef.h>

#define COUNT(a)	  (sizeof(a) / sizeof((a)[0]))
#define VMX_REASON_MASK	  0xffffu /* flags above */
#define SVM_CR_END	  0x20u
#define SVM_DR_END	  0x40u
#define SVM_EXCEPTION	  0x40u
#define SVM_PAGE_FAULT	  0x4eu
#define SVM_EXCEPTION_END 0x60u

struct name {
	uint32_t reason;
	const char *name;
};

static const struct name vmx[] = {
	{ 0, "exception or NMI" },
	{ 1, "interrupt" },
	{ 2, "triple fault" },
	{ 3, "INIT" },
	{ 4, "start-up IPI" },
	{ 7, "interrupt window" },
	{ 8, "NMI window" },
	{ 9, "task switch" },
	{ 10, "cpuid" },
	{ 12, "halt" },
	{ 13, "invd" },
	{ 14, "invlpg" },
	{ 15, "rdpmc" },
	{ 16, "rdtsc" },
	{ 18, "hypercall" },
	{ 28, "control register" },
	{ 29, "debug register" },
	{ 30, "port I/O" },
	{ 31, "MSR read" },
	{ 32, "MSR write" },
	{ 33, "invalid guest state" },
	{ 36, "mwait" },
	{ 37, "monitor trap" },
	{ 39, "monitor" },
	{ 40, "pause" },
	{ 41, "machine check" },
	{ 43, "TPR below threshold" },
	{ 44, "APIC access" },
	{ 45, "EOI" },
	{ 46, "descriptor table" },
	{ 47, "descriptor table" },
	{ 48, "page fault" }, /* EPT violation */
	{ 49, "memory I/O" }, /* EPT misconfiguration: how KVM marks it */
	{ 50, "nested virtualisation" },
	{ 51, "rdtscp" },
	{ 52, "preemption timer" },
	{ 53, "nested virtualisation" },
	{ 54, "wbinvd" },
	{ 55, "xsetbv" },
	{ 56, "APIC write" },
	{ 58, "invpcid" },
	{ 62, "page modification log full" },
	{ 74, "bus lock" },
};

static const struct name svm[] = {
	{ 0x60, "interrupt" },
	{ 0x61, "NMI" },
	{ 0x62, "SMI" },
	{ 0x63, "INIT" },
	{ 0x64, "interrupt window" },
	{ 0x65, "control register" },
	{ 0x66, "descriptor table" },
	{ 0x67, "descriptor table" },
	{ 0x68, "descriptor table" },
	{ 0x69, "descriptor table" },
	{ 0x6a, "descriptor table" },
	{ 0x6b, "descriptor table" },
	{ 0x6c, "descriptor table" },
	{ 0x6d, "descriptor table" },
	{ 0x6e, "rdtsc" },
	{ 0x6f, "rdpmc" },
	{ 0x72, "cpuid" },
	{ 0x74, "iret" },
	{ 0x76, "invd" },
	{ 0x77, "pause" },
	{ 0x78, "halt" },
	{ 0x79, "invlpg" },
	{ 0x7a, "invlpga" },
	{ 0x7b, "port I/O" },
	{ 0x7c, "MSR access" },
	{ 0x7d, "task switch" },
	{ 0x7f, "triple fault" }, /* shutdown */
	{ 0x80, "nested virtualisation" },
	{ 0x81, "hypercall" },
	{ 0x82, "nested virtualisation" },
	{ 0x83, "nested virtualisation" },
	{ 0x84, "nested virtualisation" },
	{ 0x85, "nested virtualisation" },
	{ 0x87, "rdtscp" },
	{ 0x89, "wbinvd" },
	{ 0x8a, "monitor" },
	{ 0x8b, "mwait" },
	{ 0x8c, "mwait" },
	{ 0x8d, "xsetbv" },
	{ 0xa2, "invpcid" },
	{ 0xa5, "bus lock" },
	{ 0x400, "page fault" }, /* nested page fault; memory I/O among them */
	{ 0x401, "APIC access" },
	{ 0x402, "APIC access" },
	{ 0xffffffff, "invalid guest state" },
};

static const char *find(const struct name *table, size_t n, uint32_t reason)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (table[mid].reason == reason)
			return table[mid].name;
		if (table[mid].reason < reason)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

const char *ivt_kvm_exit_name(uint32_t isa, uint32_t exit_reason)
{
	if (isa == IVT_ISA_VMX)
		return find(vmx, COUNT(vmx), exit_reason & VMX_REASON_MASK);
	if (isa != IVT_ISA_SVM)
		return NULL;
	if (exit_reason < SVM_CR_END)
		return "control register";
	if (exit_reason < SVM_DR_END)
		return "debug register";
	if (exit_reason == SVM_PAGE_FAULT)
		return "page fault";
	if (exit_reason >= SVM_EXCEPTION && exit_reason < SVM_EXCEPTION_END)
		return "exception or NMI";
	return find(svm, COUNT(svm), exit_reason);
}
