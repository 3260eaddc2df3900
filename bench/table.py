#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""table.py FILE.jsonl...: what `make bench OUT=FILE.jsonl` wrote, as a Markdown table."""
import json
import sys


def number(value, unit):
    """With its unit, three or four digits."""
    unit = {"percent": "%", "1/s": "/s"}.get(unit, unit)
    if unit in ("B/s", "/s"):
        factor, prefix = next(((f, p) for f, p in ((1e9, "G"), (1e6, "M"), (1e3, "k"))
                               if abs(value) >= f), (1, ""))
        return f"{value / factor:.3g} {prefix}{unit}"
    if unit == "ns" and abs(value) >= 10000:
        return f"{value / 1000:.3g} us"
    return f"{value:.{3 if abs(value) < 100 else 4}g} {unit}"


def row(line):
    name = f"`{line['bench']}` {line['metric']}"
    if "skipped" in line:
        return [name, "-", "-", f"skipped: {line['skipped']}", ""]
    low, high = (number(line[key], line["unit"]) for key in ("min", "max"))
    if low.split()[1] == high.split()[1]:
        low = low.split()[0]
    versus, ratio = "", ""
    if line["vs"]:
        versus = f"{line['vs']} {number(line['vs_value'], line['unit'])}"
        ratio = f"{line['ratio']:.3g}"
    return [name, f"**{number(line['value'], line['unit'])}**", f"{low} .. {high}", versus, ratio]


def main():
    lines = []
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            lines += [json.loads(text) for text in file]
    runs = sorted({line["runs"] for line in lines if "runs" in line})
    machines = ", ".join(sorted({line["machine"] for line in lines}))
    print(f"{machines}; runs: {', '.join(map(str, runs))}.\n")
    print("| what | median | range | compared with | ratio |\n|---|---|---|---|---|")
    for line in lines:
        print("| " + " | ".join(row(line)) + " |")


main()
