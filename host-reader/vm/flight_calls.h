/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a VM tells the flight recorder that it is in, and asks it; recording/flight.c
 * answers.  Nothing happens where it is in none.
 */
#ifndef HOST_FLIGHT_CALLS_H
#define HOST_FLIGHT_CALLS_H

#include <stdbool.h>
#include <stdint.h>

struct vm;

/* The guest writes no more: its panic, its reset, its process's end. */
void flight_vm_ended(struct vm *vm, const char *reason);
/* Another boot announced itself and waits for a second: may it clear the rings now? */
bool flight_vm_may_renew(struct vm *vm, uint32_t state);

#endif /* HOST_FLIGHT_CALLS_H */
