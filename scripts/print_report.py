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
    parts = [f"{counts[name]} {name}" for name in ("in-place", "through-add", "kept") if counts[name]]
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


def main(path):
    with open(path) as file:
        report = json.load(file)
    sections = [(f"Memory of @{report['function']}", totals(report)), ("Chains", strategies(report)),
                ("The ten largest savings", largest_savings(report)),
                ("Left alone, and why", left_alone(report))]
    for title, lines in sections:
        print(f"\n{title}\n{'-' * len(title)}")
        for line in lines:
            print(line)


if __name__ == "__main__":
    main(sys.argv[1])
