# The lit configuration of all suites.
import os
import shutil

import lit.formats

config.name = "abn"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
# The front ends' tests need PyTorch and JAX, those of OpenCl a driver: `./dev test --frontends` and `--opencl` run them.
config.excludes = ["Inputs", "CMakeLists.txt", "Frontends", "OpenCl"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.abn_binary_dir, "test")
config.environment["PATH"] = os.pathsep.join(
    [os.path.join(config.abn_binary_dir, "bin"), config.llvm_tools_dir, os.environ["PATH"]])
config.environment["FILECHECK_OPTS"] = "-enable-var-scope"
# An interpreter that has numpy: ./dev sets it.
config.substitutions.append(("%python", os.environ.get("ABN_PYTHON", "python3")))
config.substitutions.append(("%src", config.abn_source_dir))
config.substitutions.append(("%networks", config.abn_source_dir + "/test/Integration/Networks/Inputs"))
config.substitutions.append(("%build", config.abn_binary_dir))
config.substitutions.append(("%llvm", os.path.dirname(config.llvm_tools_dir)))
# A CUDA toolkit, if there is one. Only tests that ask for it see it.
for folder in filter(None, [os.environ.get("CUDA_HOME"), "/usr/local/cuda"]):
    if os.path.exists(os.path.join(folder, "nvvm", "libdevice", "libdevice.10.bc")):
        config.available_features.add("cuda-toolkit")
        config.substitutions.append(("%cuda", folder))
        config.environment["ABN_CUDA_TOOLKIT"] = folder
        break
# A ROCm toolkit: `./dev rocm` makes one of Debian's packages.
for folder in [os.path.join(config.abn_binary_dir, "rocm"), "/opt/rocm"]:
    if os.path.exists(os.path.join(folder, "amdgcn", "bitcode", "ocml.bc")):
        config.available_features.add("rocm-toolkit")
        config.substitutions.append(("%rocm", folder))
        config.environment["ABN_ROCM_TOOLKIT"] = folder
        break
if shutil.which("spirv-val"):
    config.available_features.add("spirv-tools")
