"""Adds up the suites' results: totals.py FOLDER.

FOLDER holds lit's *.json and pytest's *.xml. Prints a line per suite and then, last,
`N passed, N failed`. Exit status 1 if anything failed or a suite executed no test: a suite that
silently runs nothing would otherwise look like one that passes.
"""

import collections
import json
import pathlib
import sys
import xml.etree.ElementTree

PASSING = {"PASS", "XFAIL", "FLAKYPASS"}
NOT_RUN = {"UNSUPPORTED", "SKIPPED", "EXCLUDED"}


def read_lit(path, suites):
    for test in json.loads(path.read_text())["tests"]:
        # "abn :: Import/arity.mlir", and "abn :: Doctest/docs/Report.md:12"
        name = test["name"].split(" :: ", 1)[1]
        code = test["code"]
        kind = "passed" if code in PASSING else "not run" if code in NOT_RUN else "failed"
        suites[name.split("/")[0]][kind] += 1


def read_junit(path, suites):
    for case in xml.etree.ElementTree.parse(path).iter("testcase"):
        outcomes = {child.tag for child in case}
        failed = outcomes & {"failure", "error"}
        kind = "failed" if failed else "not run" if "skipped" in outcomes else "passed"
        suites[path.stem][kind] += 1


def main(folder):
    suites = collections.defaultdict(collections.Counter)
    for path in sorted(folder.glob("*.json")):
        read_lit(path, suites)
    for path in sorted(folder.glob("*.xml")):
        read_junit(path, suites)
    total = collections.Counter()
    for name in sorted(suites):
        counts = suites[name]
        empty = counts["passed"] + counts["failed"] == 0
        if empty:
            counts["failed"] += 1
        total.update(counts)
        skipped = f", {counts['not run']} not run" if counts["not run"] else ""
        note = " (no test was executed)" if empty else ""
        print(f"{name:>14}: {counts['passed']} passed, {counts['failed']} failed{skipped}{note}")
    if not suites:
        total["failed"] += 1
        print("no suite left a result")
    print(f"{total['passed']} passed, {total['failed']} failed")
    return 1 if total["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
