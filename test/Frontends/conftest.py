"""Makes what other suites know (executor, tolerances, signatures) importable and the built tools findable."""

import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ABN_BUILD", ROOT / "build"))

FOLDERS = ["test/Integration", "test/Integration/Networks", "test/Frontends", "tools/abn-export/tests"]
sys.path[:0] = [str(ROOT / folder) for folder in FOLDERS]
os.environ["PATH"] = os.pathsep.join([str(BUILD / "bin"), "/usr/lib/llvm-22/bin", os.environ["PATH"]])
