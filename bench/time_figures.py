# SPDX-License-Identifier: GPL-2.0-or-later
"""time_figures.py TRACE...: what the clock logs of recordings with handshakes beside
an exact source say, as the lines of JSON that bench.h describes."""
import statistics
import struct
import sys

import figures

SNAPSHOT, CLOCK = 1, 2
TCG, HANDSHAKE = 3, 4


class Recording:
    """One vCPU's handshakes (signed error, bound), their common part, snapshots: ns."""

    def __init__(self, trace):
        with open(trace + "/sync.bin", "rb") as f:
            data = f.read()[64:]
        snapshots, exact, shakes = [], [], []
        for at in range(0, len(data) - 63, 64):
            kind, source, _, cpu, width, host, value, _, _, _, bound = struct.unpack_from(
                "<HHIIIQqQQQQ", data, at)
            if kind == SNAPSHOT:
                snapshots.append((host, value, width))
            elif kind == CLOCK and cpu == 0:
                (exact if source & 0x7FFF == TCG else shakes).append((host, value, bound))
        if len(snapshots) < 2 or len(exact) != 1 or exact[0][2] or not shakes:
            sys.exit(f"time: {trace}: {len(snapshots)} snapshots, {len(exact)} offsets of the "
                     f"tcg source, {len(shakes)} handshakes")
        ns = (snapshots[-1][1] - snapshots[0][1]) / (snapshots[-1][0] - snapshots[0][0])
        truth = exact[0][1]
        self.bursts = [((offset - truth) * ns, bound * ns) for _, offset, bound in shakes]
        low = max(offset - bound for _, offset, bound in shakes)
        high = min(offset + bound for _, offset, bound in shakes)
        self.common = (((low + high) / 2 - truth) * ns, (high - low) / 2 * ns)
        self.widths = [width * ns for _, _, width in snapshots]


def report(metric, values, vs=None, vs_values=None):
    """One metric; @vs_values, if any, were measured with @values, one by one."""
    deciles = statistics.quantiles(values, n=10, method="inclusive")
    figures.report("time", metric, "ns", values, vs and (vs, vs_values),
                   note=f"  p10 {deciles[0]:.1f}  p90 {deciles[-1]:.1f}")


def report_kind(kind, pairs):
    """@pairs: (signed error, bound)."""
    errors, bounds = [abs(e) for e, _ in pairs], [b for _, b in pairs]
    beyond = [max(e - b, 0) for e, b in zip(errors, bounds)]
    report(f"handshake_bound_ns.{kind}", bounds)
    report(f"handshake_error_ns.{kind}", errors, "bound", bounds)
    report(f"handshake_signed_error_ns.{kind}", [e for e, _ in pairs])
    report(f"handshake_beyond_bound_ns.{kind}", beyond)
    print(f"  {kind}: {sum(b > 0 for b in beyond)} of {len(pairs)} beyond the bound", file=sys.stderr)


def main():
    recordings = [Recording(trace) for trace in sys.argv[1:]]
    report_kind("burst", [pair for r in recordings for pair in r.bursts])
    report_kind("recording", [r.common for r in recordings])
    report("snapshot_half_width_ns", [width for r in recordings for width in r.widths])


main()
