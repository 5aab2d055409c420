"""Finds the fenced examples in op descriptions, pass descriptions and hand-written pages.

An example is named by its file and the line of its fence. What is run, by the fence's language:

  mlir    parsed, verified, printed and parsed again (mlir_example.py wraps fragments)
  sh      run, but for the lines of setup-commands.txt
  json    parsed
  cmake   must stand, line for line, in the consumer project of test/Install
  c++     the same

Other fences (text, or no language) are prose: output, formulas, pictures.
"""

import pathlib
import re
import textwrap
from dataclasses import dataclass

LANGUAGES = ("mlir", "sh", "json", "cmake", "c++")
FENCE = re.compile(r"^\s*```(\S*)\s*$")


@dataclass
class Example:
    path: str  # relative to the project
    line: int  # of the opening fence, from 1
    language: str
    text: str

    @property
    def name(self):
        return f"{self.path}:{self.line}"


def sources(root):
    """The files whose examples are tested. Generated pages repeat those of the TableGen files."""
    patterns = ["dialects/**/*.td", "include/**/*.td", "docs/*.md", "*.md", "tools/*/README.md"]
    found = {path for pattern in patterns for path in root.glob(pattern)}
    return sorted(found)


def examples_of(path, root):
    opened = None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        fence = FENCE.match(line)
        if opened is None:
            if fence:
                opened, language, lines = number, fence[1], []
        elif fence:
            if language in LANGUAGES:
                text = textwrap.dedent("\n".join(lines)) + "\n"
                yield Example(str(path.relative_to(root)), opened, language, text)
            opened = None
        else:
            lines.append(line)
    if opened is not None:
        raise ValueError(f"{path}:{opened}: fence is not closed")


def all_examples(root):
    root = pathlib.Path(root)
    return [example for path in sources(root) for example in examples_of(path, root)]


def setup_commands():
    """Command lines of the pages that the suite does not run: they set up a machine, or are the run
    that we are in. Each has a line of reason."""
    lines = pathlib.Path(__file__).with_name("setup-commands.txt").read_text().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
