"""Makes the executor of the integration tests importable and the built tools findable."""

import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ABN_BUILD", ROOT / "build"))

sys.path[:0] = [str(ROOT / "test" / "Integration"), str(ROOT / "test" / "Frontends")]
os.environ["PATH"] = os.pathsep.join([str(BUILD / "bin"), "/usr/lib/llvm-22/bin", os.environ["PATH"]])
