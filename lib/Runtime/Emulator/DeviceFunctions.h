// What kernels call: special registers, libdevice's and NVVM's arithmetic, barriers, warp ops, and
// the instrumentation.
#ifndef ABN_RUNTIME_EMULATOR_DEVICEFUNCTIONS_H
#define ABN_RUNTIME_EMULATOR_DEVICEFUNCTIONS_H

#include "WarpOps.h"
#include "llvm/ADT/StringRef.h"
#include <optional>

namespace abn::emulator {

/// (op, mask, value, offset, clamp) -> value, predicate in bit 32; all i32 but the result.
inline constexpr char kWarpFunction[] = "abn_emulator_warp";
/// The address of a launch's dynamic workgroup memory.
inline constexpr char kDynamicWorkgroup[] = "abn_emulator_dynamic_workgroup";
inline constexpr uint64_t kMaxDynamicWorkgroupBytes = 256 << 10;

/// The address of the function or buffer that kernels know by `name` (an intrinsic, `__nv_expf`,
/// ...), or null.
void *findDeviceFunction(llvm::StringRef name);

/// The warp op that an intrinsic (`llvm.nvvm.shfl.sync.bfly.f32p`) is.
std::optional<WarpOp> findWarpOp(llvm::StringRef intrinsic);

} // namespace abn::emulator

#endif // ABN_RUNTIME_EMULATOR_DEVICEFUNCTIONS_H
