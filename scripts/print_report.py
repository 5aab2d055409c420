"""Prints the JSON of abn-report-memory as tables: print_report.py FILE.json (schema: docs/Report.md)."""

import collections
import json
import sys

MIB = 1 << 20


def mib(count):
    return f"{count / MIB:9.1f}"


def totals(report):
    """Before, after, and what that is in percent."""
    yield "                                   before      after      saved"
    rows = [("saved for the backward, MiB", "saved_bytes"), ("peak of live bytes, MiB", "peak_live_bytes")]
    for title, key in rows:
        before, after = report[f"{key}_before"], report[f"{key}_after"]
        share = 100 * (before - after) / before if before else 0
        yield f"{title:<30} {mib(before)}  {mib(after)}  {share:8.1f}%"


def strategies(report):
    counts = collections.Counter(chain["strategy"] for chain in report["chains"])
    names = ("in-place", "through-add", "recomputed", "kept")
    parts = [f"{counts[name]} {name}" for name in names if counts[name]]
    yield f"{report['batch_norms']} batch norms: {', '.join(parts) or 'none'}"


def largest_savings(report, count=10):
    """The chains that saved most, largest first; equal ones in program order."""
    saved = lambda chain: chain["saved_bytes_before"] - chain["saved_bytes_after"]
    chains = [chain for chain in report["chains"] if chain["strategy"] != "kept" and saved(chain) > 0]
    chains = sorted(chains, key=saved, reverse=True)[:count]
    width = max([len(chain["name"]) for chain in chains] + [5])
    yield f"{'chain':<{width}}  {'activation':<12} {'strategy':<12} channels   saved MiB"
    for chain in chains:
        yield (f"{chain['name']:<{width}}  {chain['activation']:<12} {chain['strategy']:<12} "
               f"{chain['channels']:8d}   {mib(saved(chain))}")


def left_alone(report):
    """The batch norms that the compiler did not touch, by reason."""
    reasons = collections.defaultdict(list)
    for chain in report["chains"]:
        if chain["strategy"] == "kept":
            reasons[chain.get("reason", "no reason given")].append(chain["name"])
    if not reasons:
        yield "none"
    for reason, names in reasons.items():
        yield f"{len(names)} x {reason}"
        shown = ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
        yield f"    {shown}"


def plan_figures(report):
    """The arena and what it costs."""
    yield f"arena                         {mib(report['arena_bytes'])} MiB"
    if "max_live_bytes" in report:
        yield f"live at its peak              {mib(report['max_live_bytes'])} MiB"
    if "lower_bound_bytes" in report:
        yield f"no packing is smaller than    {mib(report['lower_bound_bytes'])} MiB"
    if "plan_lower_bound_bytes" in report:
        yield f"no plan is smaller than       {mib(report['plan_lower_bound_bytes'])} MiB"
    if "recompute_bytes" in report:
        yield (f"computed again                {mib(report['recompute_bytes'])} MiB, "
               f"{report['recompute_flops'] / 1e9:.1f} GFLOP, "
               f"{report['convolutions_recomputed']} convolutions")
    for version in report.get("versions", []):
        if "arena_bytes" in version:
            yield (f"  @{version['function']:<26}  {mib(version['arena_bytes'])} MiB "
                   f"({version.get('numerics', '?')}), {mib(version['recompute_bytes']).strip()} MiB computed again")


def sampled(points, columns):
    """The largest value of a step function in each of so many equal parts of [0, 1)."""
    values, current, index = [], 0, 0
    for column in range(columns):
        largest = current
        while index < len(points) and points[index]["at"] < (column + 1) / columns:
            current = points[index]["bytes"]
            largest = max(largest, current)
            index += 1
        values.append(largest)
    return values


def timeline(plan, columns=72, rows=12):
    """Live bytes before (.) and after (#) over the step, on one axis."""
    before = sampled(plan["timeline"]["before"], columns)
    after = sampled(plan["timeline"]["after"], columns)
    top = max(before + after + [1])
    for row in range(rows, 0, -1):
        level = top * (row - 0.5) / rows
        line = "".join("#" if a >= level else "." if b >= level else " " for b, a in zip(before, after))
        yield f"{mib(top * row / rows)} |{line.rstrip()}"
    border = round(columns * plan["backward_from"] / max(len(plan["steps"]), 1))
    yield " " * 9 + " +" + "-" * border + "^" + "-" * (columns - border - 1)
    yield " " * 11 + "forward".ljust(border) + "^backward      # after   . before"


def at_the_peak(plan, count=10):
    """The largest buffers that are alive at the peak, with what they wait for."""
    peak = plan["peak_step"]
    alive = [b for b in plan["buffers"] if b["lower"] <= peak <= b["upper"]]
    step = plan["steps"][peak]
    yield f"step {peak}, {step['op']} ({step['location']}): {len(alive)} buffers"
    for buffer in sorted(alive, key=lambda b: (-b["bytes"], b["offset"]))[:count]:
        yield f"{mib(buffer['bytes'])} MiB  {buffer['name']} ({buffer['location']}): {buffer['alive_because']}"


def curve(plan):
    """What less memory costs; the chosen plan has a star."""
    yield "  arena MiB   computed again MiB    GFLOP   convolutions"
    for point in plan["curve"]:
        yield (f"{'*' if point['chosen'] else ' '} {mib(point['arena_bytes'])}   {mib(point['recompute_bytes']):>18}  "
               f"{point['recompute_flops'] / 1e9:7.1f}   {point['convolutions_recomputed']:12d}")


def plan_sections(report):
    """What there is to say of a plan, as far as the report has one."""
    if "arena_bytes" in report:
        yield "The plan", plan_figures(report)
    if "plan" in report:
        plan = report["plan"]
        yield "Live MiB over the step", timeline(plan)
        yield "Alive at the peak", at_the_peak(plan)
        if plan["curve"]:
            yield "What less memory costs", curve(plan)


def main(path):
    with open(path) as file:
        report = json.load(file)
    sections = [(f"Memory of @{report['function']}", totals(report)), *plan_sections(report),
                ("Chains", strategies(report)),
                ("The ten largest savings", largest_savings(report)),
                ("Left alone, and why", left_alone(report))]
    for title, lines in sections:
        print(f"\n{title}\n{'-' * len(title)}")
        for line in lines:
            print(line)


if __name__ == "__main__":
    main(sys.argv[1])
