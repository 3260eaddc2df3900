/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a service manager wants to be told, sd_notify(3)'s protocol: a datagram to
 * the socket that $NOTIFY_SOCKET names.
 */
#ifndef HOST_SERVICE_H
#define HOST_SERVICE_H

/* Say @state, as "READY=1".  Where nobody asked for it, or does not listen any more,
 * nothing is said: no recording ends over that.  Does not block.  Any thread. */
void service_say(const char *state);

#endif /* HOST_SERVICE_H */
