# SPDX-License-Identifier: GPL-2.0-or-later
"""check_handshakes.py BOTH ALONE STOP: what sync.bin of three traces must say.

check_handshakes.py --wait TRACE [stopped]: until a recording under way has handshakes
of each vCPU; stopped: and one of a's since a went on.  A busy host misses many."""
import struct
import sys
import time

TCG, HANDSHAKE = 3, 4
SKEW = 256  # ticks: what the host's CPUs, and TCG's order of rdtsc, may add (docs/time.md)
LOOSE = 10000  # ticks
PATIENCE_S = 100
MACHINES = {1: (0,), 2: (0, 1)}  # a has one vCPU, b two


def rows(trace):
    """{(machine, vcpu): {source: [(host_tsc, offset, bound)]}}"""
    found = {}
    with open(trace + "/sync.bin", "rb") as f:
        data = f.read()[64:]
    for at in range(0, len(data) - 63, 64):
        kind, source, machine, cpu, _, host, offset, _, _, _, bound = struct.unpack_from(
            "<HHIIIQqQQQQ", data, at)
        if kind == 2:
            of = found.setdefault((machine, cpu), {TCG: [], HANDSHAKE: []})
            of[source & 0x7FFF].append((host, offset, bound))
    return found


def in_force(history, host):
    return [entry for entry in sorted(history) if entry[0] <= host or entry is history[0]][-1]


def check_beside(found, who):
    """Each handshake allows the offset that was in force."""
    tcg, shakes = found[who][TCG], found[who][HANDSHAKE]
    assert shakes, f"{who}: no handshake"
    for host, offset, bound in shakes:
        used = in_force(tcg, host)
        assert abs(offset - used[1]) <= bound + used[2] + SKEW, \
            f"{who}: {used[1]} is not in {offset} +- {bound}"
    return min(bound for _, _, bound in shakes)


def has_all(found, is_after_stop):
    for who in ((machine, vcpu) for machine, vcpus in MACHINES.items() for vcpu in vcpus):
        if not any(bound < LOOSE for _, _, bound in found.get(who, {HANDSHAKE: []})[HANDSHAKE]):
            return False
    if not is_after_stop:
        return True
    a = found[(1, 0)]
    return len(a[TCG]) > 1 and max(a[HANDSHAKE])[0] > max(a[TCG])[0]


def wait(trace, is_after_stop):
    end = time.monotonic() + PATIENCE_S
    while not has_all(rows(trace), is_after_stop):
        assert time.monotonic() < end, f"no handshakes in {PATIENCE_S} s: {rows(trace)}"
        time.sleep(0.2)


def main():
    if sys.argv[1] == "--wait":
        return wait(sys.argv[2], len(sys.argv) > 3)
    both, alone, stop = (rows(trace) for trace in sys.argv[1:4])
    for machine, vcpus in MACHINES.items():
        for who in ((machine, vcpu) for vcpu in vcpus):
            best = check_beside(both, who)
            print(f"{who}: {len(both[who][HANDSHAKE])} handshakes, tightest +-{best} ticks")
            assert best < LOOSE, f"{who}: loose"
            assert not alone[who][TCG] and alone[who][HANDSHAKE]
            # the guests ran through: the offset is still that of the first trace
            truth = both[who][TCG][-1][1]
            low = max(offset - bound for _, offset, bound in alone[who][HANDSHAKE])
            high = min(offset + bound for _, offset, bound in alone[who][HANDSHAKE])
            assert low - SKEW <= truth <= high + SKEW, f"{who}: {truth} is not in {low}..{high}"
            check_beside(stop, who)
    a = stop[(1, 0)]
    before, after = a[TCG][0][1], a[TCG][-1][1]
    assert before - after > 2_000_000_000, "a was not stopped"
    # before the stop there may have been no time
    assert any(abs(shake[1] - after) <= shake[2] + SKEW for shake in a[HANDSHAKE]), \
        f"no handshake with the offset {after}"


main()
