#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""For driver_events_*.sh and host_events_tell_what_a_program_did.sh.

check_driver_events.py tracepoints SRC	what ftrace is to record: "system/event" lines
check_driver_events.py names SRC	the events of the groups that are on request
check_driver_events.py match SRC WORK	hold WORK/bt.jsonl against ftrace's WORK/ftrace.txt
check_driver_events.py truth SRC WORK	and against what event-load says in WORK/load
check_driver_events.py only SRC WORK NAMES	of events on request, WORK has these, all it can have
check_driver_events.py idle SRC WORK	does the driver leave an idle CPU of WORK alone?
"""
import ipaddress
import json
import re
import sys
from bisect import bisect_right
from collections import defaultdict

POINTER = "([0-9a-f]+)"
STATES = {name: i + 1 for i, name in enumerate((
    "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE",
    "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING", "NEW_SYN_RECV"))}
TUPLE = (r"sport=(?P<source_port>\d+) dport=(?P<dest_port>\d+) .*"
         r"saddrv6=(?P<saddr>\S+) daddrv6=(?P<daddr>\S+)")
SOCKET = r"sk address = (?P<skaddr>[0-9a-fx]+), .*length = (?P<length>-?\d+), error = (?P<error>-?\d+), " \
         r"flags = 0x(?P<flags_hex>[0-9a-f]+)"
PACKET = r"skbaddr=(?P<skbaddr>\S+) len=(?P<len>\d+)"
FAULT = r"address=(?P<address>\S+).* ip=(?P<ip>\S+).* error_code=(?P<error_code>\S+)"

# our event: (ftrace's system/event, what its text says)
WITNESS = {
    "timer_hrtimer_start": ("timer/hrtimer_start",
                            r"hrtimer=(?P<hrtimer>\S+) function=(?P<function>\S+).*"
                            r" expires=(?P<expires>\d+) softexpires=(?P<softexpires>\d+)"),
    "timer_hrtimer_cancel": ("timer/hrtimer_cancel", r"hrtimer=(?P<hrtimer>\S+)"),
    "timer_hrtimer_expire_entry": ("timer/hrtimer_expire_entry",
                                   r"hrtimer=(?P<hrtimer>\S+) function=(?P<function>\S+).* now=(?P<now>\d+)"),
    "timer_hrtimer_expire_exit": ("timer/hrtimer_expire_exit", r"hrtimer=(?P<hrtimer>\S+)"),
    "timer_start": ("timer/timer_start",
                    r"timer=(?P<timer>\S+) function=(?P<function>\S+).* expires=(?P<expires>\d+)"),
    "timer_cancel": ("timer/timer_cancel", r"timer=(?P<timer>\S+)"),
    "timer_expire_entry": ("timer/timer_expire_entry",
                           r"timer=(?P<timer>\S+) function=(?P<function>\S+).* now=(?P<now>\d+)"
                           r" baseclk=(?P<baseclk>\d+)"),
    "timer_expire_exit": ("timer/timer_expire_exit", r"timer=(?P<timer>\S+)"),
    "ipi_send_cpu": ("ipi/ipi_send_cpu", r"cpu=(?P<cpu>\d+) callsite=(?P<callsite>\S+).* callback=(?P<callback>\S+)"),
    "ipi_send_cpumask": ("ipi/ipi_send_cpumask", r"callsite=(?P<callsite>\S+).* callback=(?P<callback>\S+)"),
    "net_dev_queue": ("net/net_dev_queue", PACKET),
    "net_if_receive_skb": ("net/netif_receive_skb", PACKET),
    "inet_sock_set_state": ("sock/inet_sock_set_state",
                            TUPLE + r" oldstate=TCP_(?P<oldstate>\w+) newstate=TCP_(?P<newstate>\w+)"),
    "tcp_rcv_space_adjust": ("tcp/tcp_rcv_space_adjust", TUPLE),
    "sock_send_length": ("sock/sock_send_length", SOCKET),
    "sock_recv_length": ("sock/sock_recv_length", SOCKET),
    "x86_exceptions_page_fault_user": ("exceptions/page_fault_user", FAULT),
    "x86_exceptions_page_fault_kernel": ("exceptions/page_fault_kernel", FAULT),
    "power_cpu_idle": ("power/cpu_idle", r"state=(?P<state>\d+) cpu_id=(?P<cpu_id>\d+)"),
    "power_cpu_frequency": ("power/cpu_frequency", r"state=(?P<state>\d+) cpu_id=(?P<cpu_id>\d+)"),
    "workqueue_queue_work": ("workqueue/workqueue_queue_work",
                             r"work struct=(?P<work>\S+) function=(?P<function>\S+).* req_cpu=(?P<req_cpu>-?\d+)"),
    "workqueue_activate_work": ("workqueue/workqueue_activate_work", r"work struct (?P<work>\w+)"),
    "workqueue_execute_start": ("workqueue/workqueue_execute_start",
                                r"work struct (?P<work>\w+): function (?P<function>\S+)"),
    "workqueue_execute_end": ("workqueue/workqueue_execute_end",
                              r"work struct (?P<work>\w+): function (?P<function>\S+)"),
}
for vector in ("reschedule", "call_function", "call_function_single", "irq_work", "local_timer"):
    for end in ("entry", "exit"):
        WITNESS["x86_irq_vectors_%s_%s" % (vector, end)] = ("irq_vectors/%s_%s" % (vector, end),
                                                            r"vector=(?P<vector>\d+)")

# what event-load and a guest at rest are sure to make
CERTAIN = set(WITNESS) - {
    "power_cpu_frequency", "ipi_send_cpu", "ipi_send_cpumask", "sock_send_length", "sock_recv_length",
    "x86_irq_vectors_call_function_entry", "x86_irq_vectors_call_function_exit",
    "x86_irq_vectors_irq_work_entry", "x86_irq_vectors_irq_work_exit"}

failures = []


def check(ok, text):
    print(("ok    " if ok else "WRONG ") + text)
    if not ok:
        failures.append(text)


def on_request(src):
    """Names of the events whose group is on request, as the table has them; but for
    ftrace's own, which driver_exports_ftrace.sh looks at."""
    text = open(src + "/ivring/include/ivring/events.h").read()
    groups = set(re.findall(r"GR\((\w+), ON_REQUEST", text)) - {"ftrace"}
    return [m[0] for m in re.findall(r"EV\(\d+, (\w+), (\w+),", text) if m[1] in groups]


# ---- ftrace's text ----------------------------------------------------------

LINE = re.compile(r"^\s*(.+)-(\d+)\s+\[(\d+)\]\s+(\S{5})\s+(\d+): (\w+): (.*)$")
DEPTH = {".": 0, "s": 1, "h": 2, "H": 2, "z": 3, "Z": 3}


def read_ftrace(work):
    names = {witness[0].split("/")[1]: name for name, witness in WITNESS.items()}
    events = []
    for line in open(work + "/ftrace.txt", errors="replace"):
        assert "LOST" not in line, "ftrace itself lost events"
        m = LINE.match(line)
        if not m or m[6] not in names:
            assert not m or line.startswith("#"), "not understood: " + line
            continue
        name = names[m[6]]
        fields = re.match(r".*?" + WITNESS[name][1], m[7])
        assert fields, "not understood: " + line
        events.append({"tid": int(m[2]), "cpu": int(m[3]), "depth": DEPTH[m[4][2]], "tsc": int(m[5]),
                       "name": name, "fields": fields.groupdict(), "line": line.strip()})
    return events


def read_symbols(work):
    """address -> names; ftrace prints functions by name."""
    symbols = defaultdict(set)
    for line in open(work + "/symbols"):
        address, _, name = line.split()[:3]
        symbols[int(address, 16)].add(name)
    return sorted(symbols), symbols


def is_symbol(text, value, symbols):
    addresses, names = symbols
    i = bisect_right(addresses, value)
    # a fault's instruction lies inside its function
    return i > 0 and value - addresses[i - 1] < 65536 and text.split("+")[0] in names[addresses[i - 1]]


def is_same(key, text, fields, symbols):
    if key in ("length", "error"):
        return fields["ret"] == int(text) or (int(text) == 0 and (fields["ret"] < 0) == (key == "length"))
    if key == "flags_hex":
        return fields["flags"] == int(text, 16)
    value = fields[key]
    if key in ("oldstate", "newstate"):
        return value == STATES[text]
    if key in ("saddr", "daddr"):
        ip = ipaddress.IPv6Address(text)
        return value == str(ip.ipv4_mapped or ip)
    if isinstance(value, int):
        return value == int(text)
    value = int(value, 16)
    if re.fullmatch(r"(0x)?[0-9a-f]{1,16}", text) and int(text, 16) == value:
        return True
    return text == "0x0" and value == 0 or is_symbol(text, value, symbols)


def is_tick_later(f, ours):
    """Each tracer reads jiffies for itself: one more for each tick that fell between,
    and ticks are 1 ms apart at least."""
    if f["name"] != "timer_expire_entry":
        return False
    ticks = int(f["fields"]["now"]) - ours["fields"]["now"]
    return 0 <= ticks <= 1 + (f["tsc"] - ours["cycles"]) // 1000000


def own_timers(ftrace):
    """The driver leaves the timers of its own out of its records."""
    return {e["fields"]["hrtimer"] for e in ftrace
            if e["fields"].get("function", "").startswith("ivtrace_") and "hrtimer" in e["fields"]}


# ---- record against record --------------------------------------------------

def read_ours(work):
    return [e for e in map(json.loads, open(work + "/bt.jsonl")) if "name" in e]


def match(work, cpu, ftrace, ours, symbols):
    """Each of ftrace's events on @cpu has one record, made just before it: both
    tracers hang on one tracepoint, the driver first."""
    begin, end = ftrace[0]["tsc"], ftrace[-1]["tsc"]
    by_name = defaultdict(list)
    for i, e in enumerate(ours):
        by_name[e["name"]].append((e["cycles"], i))
    used, wrong, last, swaps = set(), [], -1, 0
    deepest = 0
    for f in ftrace:
        stamps = by_name[f["name"]]
        at = bisect_right(stamps, (f["tsc"], len(ours))) - 1
        while at > 0 and stamps[at][1] in used and stamps[at - 1][0] > begin:
            at -= 1  # that one interrupted ours, between the two tracers
        i = stamps[at][1] if at >= 0 else -1
        if i < 0 or i in used:
            wrong.append("no record: " + f["line"])
            continue
        used.add(i)
        bad = [key for key, text in f["fields"].items()
               if not is_same(key, text, ours[i]["fields"], symbols) and
               not (key == "now" and is_tick_later(f, ours[i]))]
        if bad or ours[i]["tid"] != f["tid"]:
            wrong.append("%s: %s\n      %s" % (bad, f["line"], ours[i]))
        # only an interrupt between the two tracers may turn their order round
        if i < last:
            swaps += 1
            if f["depth"] >= deepest:
                wrong.append("out of order: " + f["line"])
        else:
            last, deepest = i, f["depth"]
    extra = [e for i, e in enumerate(ours)
             if i not in used and begin < e["cycles"] < end]
    for text in wrong[:5]:
        print("      " + text)
    for e in extra[:5]:
        print("      ftrace has not: %s" % e)
    check(not wrong, "CPU %d: %d events of ftrace, the same records in the same order (%d swapped by an "
          "interrupt)" % (cpu, len(ftrace), swaps))
    check(not extra, "CPU %d: no record that ftrace has not" % cpu)


def cmd_match(src, work):
    check(set(on_request(src)) == set(WITNESS), "every event on request has a witness")
    ftrace = read_ftrace(work)
    own = own_timers(ftrace)
    ours = [e for e in read_ours(work) if e["name"] in WITNESS]
    check(not [e for e in ours if e["fields"].get("hrtimer", "0x")[2:] in own],
          "the driver's own timers (ftrace has %d) are left out" % len(own))
    ftrace = [e for e in ftrace if e["fields"].get("hrtimer") not in own]
    symbols = read_symbols(work)
    for cpu in sorted({e["cpu"] for e in ftrace}):
        match(work, cpu, [e for e in ftrace if e["cpu"] == cpu], [e for e in ours if e["cpu"] == cpu],
              symbols)
    missing = CERTAIN - {e["name"] for e in ftrace}
    check(not missing, "ftrace saw every type that is certain to happen %s" % (sorted(missing) or ""))
    print("      types held against ftrace: %d" % len({e["name"] for e in ftrace}))


# ---- what event-load did ----------------------------------------------------

def covers(packets, first, size):
    """Do the packets' byte ranges hold @size bytes from @first on, and no other?"""
    at = 0
    for p in sorted(packets, key=lambda p: (p["seq"] - first) % (1 << 32)):
        begin = (p["seq"] - first) % (1 << 32)
        if begin > at:
            return False
        at = max(at, begin + p["payload_bytes"])
    return at == size


def truth_tcp(events, family, client, client_port, server, server_port, size):
    ip = "127.0.0.1" if family == 2 else "::1"
    what = "TCP over " + ip
    for tid, source, dest, peer in ((client, client_port, server_port, server),
                                    (server, server_port, client_port, client)):
        for name in ("net_dev_queue", "net_if_receive_skb"):
            stream = [e["fields"] for e in events if e["name"] == name and
                      (e["fields"]["source_port"], e["fields"]["dest_port"]) == (source, dest)]
            syn = [p for p in stream if p["flags"] & 2]
            check(len(syn) == 1 and all((p["saddr"], p["daddr"], p["protocol"]) == (ip, ip, 6) for p in stream),
                  "%s: %s has port %d's handshake and addresses" % (what, name, source))
            if not syn:
                continue
            first = syn[0]["seq"] + 1
            data = [p for p in stream if p["payload_bytes"] and not p["flags"] & 2]
            check(covers(data, first, size), "%s: %s has its %d bytes at their positions in %d packets"
                  % (what, name, size, len(data)))
        taken = [e for e in events if e["name"] == "tcp_rcv_space_adjust" and
                 (e["fields"]["source_port"], e["fields"]["dest_port"]) == (dest, source)]
        check(taken and {e["tid"] for e in taken} == {peer} and
              (taken[-1]["fields"]["copied_seq"] - first) % (1 << 32) == size,
              "%s: tid %d took them up to the last" % (what, peer))
        if not [e for e in events if e["name"] == "sock_send_length"]:
            continue
        for name, ports, who in (("sock_send_length", (source, dest), tid),
                                 ("sock_recv_length", (dest, source), peer)):
            calls = [e for e in events if e["name"] == name and e["fields"]["ret"] > 0 and
                     (e["fields"]["source_port"], e["fields"]["dest_port"]) == ports]
            at = 0
            for e in calls:
                at += e["fields"]["ret"]
                if (e["fields"]["seq"] - first) % (1 << 32) != at or e["tid"] != who:
                    at = -1
                    break
            check(at == size, "%s: %s counts them in %d calls" % (what, name, len(calls)))
    states = [(e["fields"]["oldstate"], e["fields"]["newstate"]) for e in events
              if e["name"] == "inet_sock_set_state" and e["tid"] == client and
              e["fields"]["dest_port"] == server_port and e["fields"]["daddr"] == ip]
    check(states[:2] == [(7, 2), (2, 1)], "%s: the client connects %s" % (what, states))


def truth_udp(events, family, tid, source, dest, sizes):
    ip = "127.0.0.1" if family == 2 else "::1"
    for name in ("net_dev_queue", "net_if_receive_skb"):
        found = [e for e in events if e["name"] == name and e["fields"]["protocol"] == 17 and
                 (e["fields"]["source_port"], e["fields"]["dest_port"]) == (source, dest)]
        check([e["fields"]["payload_bytes"] for e in found] == sizes and
              all(e["fields"]["saddr"] == ip and e["fields"]["daddr"] == ip and e["fields"]["name"] == "lo"
                  for e in found), "UDP over %s: %s has its %d datagrams" % (ip, name, len(sizes)))
        if name == "net_dev_queue":
            check({e["tid"] for e in found} == {tid}, "UDP over %s: sent by tid %d" % (ip, tid))


def truth_device(events, stream, address, server_port, port, sizes):
    """What a server elsewhere sent through a network device."""
    found = [e["fields"] for e in events if e["name"] == "net_if_receive_skb" and
             e["fields"]["saddr"] == address and e["fields"]["protocol"] == (6 if stream else 17) and
             (e["fields"]["source_port"], e["fields"]["dest_port"]) == (server_port, port)]
    check(found and {e["name"] for e in found} != {"lo"}, "%s, port %d: %d packets of a device"
          % (address, server_port, len(found)))
    if stream:
        first = [p["seq"] + 1 for p in found if p["flags"] & 2]
        check(len(first) == 1 and covers([p for p in found if p["payload_bytes"]], first[0], sizes[0]),
              "%s: the stream's %d bytes at their positions, up to %d in a packet"
              % (address, sizes[0], max([p["payload_bytes"] for p in found], default=0)))
    else:
        check([p["payload_bytes"] for p in found] == sizes, "%s: %d datagrams, up to %d bytes"
              % (address, len(sizes), max(sizes)))


def cmd_truth(work):
    events = read_ours(work)
    for line in open(work + "/load"):
        kind, *rest = line.split()
        if kind == "faults":
            tid, address, pages = int(rest[0]), int(rest[1], 16), int(rest[2])
            want = [hex(address + i * 4096) for i in range(pages)]
            got = [e["fields"] for e in events
                   if e["name"] == "x86_exceptions_page_fault_user" and e["tid"] == tid and
                   address <= int(e["fields"]["address"], 16) < address + pages * 4096]
            check([f["address"] for f in got] == want and {f["error_code"] for f in got} == {"0x6"},
                  "%d pages touched, each a fault once, in order" % pages)
        elif kind == "sleeps":
            tid, count = map(int, rest)
            # a sleep may end a little late, a tick may not
            n = sum(e["name"] == "timer_hrtimer_start" and e["tid"] == tid and
                    e["fields"]["expires"] > e["fields"]["softexpires"] for e in events)
            check(n == count, "%d sleeps set as many timers (%d)" % (count, n))
        elif kind == "tcp":
            truth_tcp(events, *map(int, rest))
        elif kind in ("answers", "stream"):
            truth_device(events, kind == "stream", rest[0], *map(int, rest[1:3]), list(map(int, rest[3:])))
        elif kind == "udp":
            family, tid, source, dest, *sizes = map(int, rest)
            truth_udp(events, family, tid, source, dest, sizes)


def cmd_only(src, work, names):
    asked = set(names.split(",")) if names else set()
    seen = {e["name"] for e in read_ours(work)} & set(on_request(src))
    check(not seen - asked, "of events on request only those asked for %s" % (sorted(seen - asked) or ""))
    missing = asked & CERTAIN - seen
    check(not missing, "all %d that were asked for and must happen %s" % (len(asked & CERTAIN), sorted(missing) or ""))


def cmd_idle(work):
    """With each wake-up recorded, a driver that looks for records each 10 ms finds
    those of its last look: 100 wake-ups a second, two records each.  The CPU that
    watches the host's page is woken so often by design, the others are not."""
    events = [e for e in read_ours(work) if e["name"] == "power_cpu_idle"]
    seconds = (events[-1]["ns"] - events[0]["ns"]) / 1e9
    rates = [sum(e["cpu"] == cpu for e in events) / seconds for cpu in (0, 1)]
    check(0 < min(rates) < 150, "an idle CPU that is recorded is left alone (%d and %d idle records a second)"
          % tuple(rates))


def main():
    command, src, *rest = sys.argv[1:]
    if command == "tracepoints":
        print("\n".join(witness[0] for witness in WITNESS.values()))
    elif command == "names":
        print("\n".join(on_request(src)))
    elif command == "match":
        cmd_match(src, *rest)
    elif command == "truth":
        cmd_truth(*rest)
    elif command == "only":
        cmd_only(src, *rest)
    elif command == "idle":
        cmd_idle(*rest)
    sys.exit(1 if failures else 0)


main()
