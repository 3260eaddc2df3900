/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a vCPU left its guest, in words that are the same for both vendors.
 */
#ifndef IVT_TRACE_KVM_NAMES_H
#define IVT_TRACE_KVM_NAMES_H

#include <stdint.h>

/* kvm_x86_exit's field isa */
#define IVT_ISA_VMX 1
#define IVT_ISA_SVM 2

/* "halt", "port I/O", "interrupt", ... for the exit_reason of kvm_x86_exit; NULL:
 * not in the table.  Static text. */
const char *ivt_kvm_exit_name(uint32_t isa, uint32_t exit_reason);

#endif /* IVT_TRACE_KVM_NAMES_H */
