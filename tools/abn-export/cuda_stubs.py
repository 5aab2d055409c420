"""Lets PyPI's CUDA build of torch run on a CPU-only machine without the CUDA libraries (2 GB and more).

PyPI's Linux wheel of torch links against libcudart, libcublas, libcudnn and so on; without them `import torch` fails in
the loader.  Tracing a training step never calls them.  This script builds ONE small shared library that defines every
symbol which torch's own libraries import and nobody provides, each a function that answers "no CUDA device", and links
it under each missing library's name into torch/lib, where torch's run path looks.  `torch.cuda.is_available()` is then
False, as on any machine without a GPU.

usage: cuda_stubs.py SITE_PACKAGES      (needs `nm`, `readelf` and a C compiler: `cc`, or $CC)
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

# cudaErrorNoDevice.  For the other libraries any value but 0 is an error too.
NO_DEVICE = 100
STUB = "libcuda_absent.so"
CUDA_LIBRARY = re.compile(r"^lib(cu|nv|nccl)")
CUDA_SYMBOL = re.compile(r"^(_*cuda|cu|nv|nccl)")
# What these return is read as a C string.
STRING_RESULT = re.compile(r"(Error|Status)(String|Name)$|GetLastError$")


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def needed(library):
    return re.findall(r"\(NEEDED\).*\[(.+)\]", run("readelf", "--dynamic", "--wide", str(library)))


def symbols(library, kind):
    """The names in the dynamic symbol table; an imported one may carry `@VERSION`."""
    lines = run("nm", "--dynamic", kind, str(library)).splitlines()
    return [fields[-1] for fields in (line.split() for line in lines) if fields and fields[-2] not in "wv"]


def missing_symbols(libraries):
    """symbol -> version (or "") for what `libraries` import and only the missing CUDA libraries could define."""
    defined = {name.split("@")[0] for lib in libraries for name in symbols(lib, "--defined-only")}
    wanted = {}
    for library in libraries:
        for symbol in symbols(library, "--undefined-only"):
            name, _, version = symbol.partition("@")
            if name not in defined and CUDA_SYMBOL.match(name):
                wanted[name] = version
    return dict(sorted(wanted.items()))


def source(wanted):
    lines = [
        f'const char *{name}(void) {{ return "built without CUDA"; }}'
        if STRING_RESULT.search(name)
        else f"int {name}(void) {{ return {NO_DEVICE}; }}"
        for name in wanted
    ]
    return "\n".join(lines) + "\n"


def version_script(wanted):
    nodes = {}
    for name, version in wanted.items():
        nodes.setdefault(version, []).append(name)
    return "".join(f"{version} {{ global: {'; '.join(names)}; }};\n" for version, names in nodes.items() if version)


def main(site_packages):
    lib = pathlib.Path(site_packages, "torch", "lib")
    libraries = sorted(
        path for path in lib.glob("*.so*") if path.is_file() and not path.is_symlink() and path.name != STUB
    )
    if not libraries:
        raise SystemExit(f"cuda_stubs: no torch libraries in {lib}")
    present = {path.name for path in libraries}
    missing = sorted({n for path in libraries for n in needed(path) if CUDA_LIBRARY.match(n) and n not in present})
    if not missing:
        return
    wanted = missing_symbols(libraries)
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("clang") or shutil.which("gcc")
    if not compiler:
        raise SystemExit("cuda_stubs: needs a C compiler (`cc`)")
    with tempfile.TemporaryDirectory() as tmp:
        c, script = pathlib.Path(tmp, "stub.c"), pathlib.Path(tmp, "stub.map")
        c.write_text(source(wanted))
        script.write_text(version_script(wanted))
        run(
            compiler,
            "-shared",
            "-fPIC",
            "-w",
            "-fno-builtin",
            str(c),
            f"-Wl,--version-script={script}",
            "-o",
            str(lib / STUB),
        )
    for name in missing:
        link = lib / name
        link.unlink(missing_ok=True)
        link.symlink_to(STUB)
    print(f"cuda_stubs: {len(missing)} absent CUDA libraries stand in for by {lib / STUB} ({len(wanted)} symbols)")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(sys.argv[1])
