#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""bt_dump.py TRACE.ivt: what babeltrace2 reads, as JSON lines like those of
`ivtrace-report events --json`, but with "ns", CLOCK_REALTIME, for "t_ns", and
"cycles", the stamp as it was recorded."""
import ipaddress
import json
import re
import sys

import bt2


def address(field):
    ip = ipaddress.IPv6Address(bytes(int(byte) for byte in field))
    return str(ip.ipv4_mapped or ip)


def value(field):
    if isinstance(field, bt2._DynamicArrayFieldConst):
        if field.length and isinstance(value(field[0]), str):
            return [value(word) for word in field]
        if field.cls.element_field_class.preferred_display_base == 16:
            return []
        return bytes(int(byte) for byte in field).hex()
    if isinstance(field, bt2._ArrayFieldConst):
        return address(field)
    if isinstance(field, bt2._IntegerFieldConst):
        if field.cls.preferred_display_base == 16:
            return hex(int(field))
        return int(field)
    return str(field)


def fields(payload):
    # "_padN" and "_NAME_length" are arrays and counts that go without saying, as does
    # the empty structure behind what has no fixed length; text is an array, but not to bt2
    return {name: value(field) for name, field in (payload.items() if payload else ())
            if not re.match("_pad|_.*_length$", name) and not isinstance(field, bt2._StructureFieldConst)}


def main(path):
    for msg in bt2.TraceCollectionMessageIterator(path):
        if type(msg) is bt2._DiscardedEventsMessageConst:
            print(json.dumps({"discarded": msg.count}, separators=(",", ":")))
        if type(msg) is not bt2._EventMessageConst:
            continue
        event = msg.event
        trace = event.stream.trace
        print(json.dumps({
            "ns": msg.default_clock_snapshot.ns_from_origin,
            "machine": str(trace.environment["ivtrace_name"]),
            "epoch": int(trace.environment["ivtrace_epoch"]),
            "cycles": msg.default_clock_snapshot.value,
            "cpu": int(event.packet.context_field["cpu_id"]),
            "tid": int(event.specific_context_field["tid"] if event.specific_context_field
                       else event.common_context_field["tid"]),
            "name": event.name,
            "fields": fields(event.payload_field),
        }, separators=(",", ":")))


if __name__ == "__main__":
    main(sys.argv[1])
