"""The memory page without the compiler: memory_page.py REPORT.json [PAGE.html] fills the template.

Joins the template's files as lib/Report/JoinMemoryPage.cmake does, and puts the JSON in as
writeMemoryPage (lib/Report/MemoryPage.cpp) does.
"""

import pathlib
import re
import sys

TEMPLATE = pathlib.Path(__file__).resolve().parents[3] / "lib/Report/MemoryPage/MemoryPage.html"
INCLUDE = re.compile(r"^@INCLUDE (\S+)@$", re.MULTILINE)


def template():
    text = lambda name: TEMPLATE.with_name(name).read_text("utf-8").rstrip("\n")
    return INCLUDE.sub(lambda match: text(match[1]), TEMPLATE.read_text("utf-8"))


def fill(report):
    """`report` is JSON text. Without `<` nothing in it can end the script element that it stands in."""
    before, after = template().split("@ABN_DATA@")
    return before + report.replace("<", "\\u003c") + after


def main(report, page="/dev/stdout"):
    pathlib.Path(page).write_text(fill(pathlib.Path(report).read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
