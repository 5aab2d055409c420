"""Two compilers that run upstream-dialect text: IREE (an independent one), and MLIR's own passes with
clang for what IREE cannot compile. Both return the function's results as numpy arrays."""

import importlib.metadata
import pathlib
import sys

import mlir_exec
import numpy as np
from mlir_exec import ToolError


class Iree:
    """IREE on the CPU. Compiled modules are kept by the hash of text and flags: original and rewritten
    graph of one test, and later runs, share the compilation. They are always run anew."""

    FLAGS = [
        "--iree-hal-target-device=local", "--iree-hal-local-target-device-backends=llvm-cpu",
        "--iree-llvmcpu-target-cpu=host", "--iree-input-type=none",
        "--iree-input-demote-f64-to-f32=false",
        # Its distribution over threads refuses some reductions with two results ("write affecting
        # operations on global resources"); the tests compare numbers, not times.
        "--iree-llvmcpu-disable-distribution"
    ]
    # Some reductions need more stack than IREE's default allows.
    ATTEMPTS = [[], ["--iree-llvmcpu-stack-allocation-limit=1048576"]]

    def __init__(self, cache):
        self.cache = pathlib.Path(cache)
        self.cache.mkdir(parents=True, exist_ok=True)
        self.compiler = str(pathlib.Path(sys.prefix, "bin", "iree-compile"))
        self.version = importlib.metadata.version("iree-base-compiler")

    def compile(self, text):
        key = mlir_exec.content_hash(self.version, *self.FLAGS, text)
        module, source = self.cache / f"{key}.vmfb", self.cache / f"{key}.mlir"
        with mlir_exec.locked(str(module)):
            if module.exists():
                return module
            source.write_text(text)
            partial = module.with_suffix(".partial")
            problems = []
            for flags in self.ATTEMPTS:
                try:
                    mlir_exec.tool([self.compiler, *self.FLAGS, *flags, str(source), "-o", str(partial)])
                except ToolError as error:
                    problems.append(str(error))
                    continue
                partial.rename(module)
                return module
        raise ToolError("\n".join(problems))

    def run(self, text, function, arguments):
        import iree.runtime as runtime
        module_file = self.compile(text)
        context = runtime.SystemContext(config=runtime.Config("local-task"))
        module = runtime.VmModule.mmap(context.instance, str(module_file))
        context.add_vm_module(module)
        callee = getattr(context.modules, module.name)[function]
        try:
            results = callee(*[np.ascontiguousarray(a) if a.ndim else a for a in arguments])
        except Exception as error:  # the runtime's own exception types are not public
            raise ToolError(f"iree run: {error}") from error
        results = results if isinstance(results, (tuple, list)) else (results,)
        return [np.array(r.to_host() if hasattr(r, "to_host") else r) for r in results]


class Mlir:
    """MLIR's bufferization and loops, LLVM's code generator through clang (mlir_exec.py)."""

    def run(self, text, function, arguments):
        return mlir_exec.run(text, [], arguments, function)
