// What abn-instrument-kernels writes into a kernel and the emulator reads: the names of the
// functions that are called and the numbers that they are given. Plain C++, shared by the compiler
// and the runtime.
#ifndef ABN_RUNTIME_INSTRUMENTATION_H
#define ABN_RUNTIME_INSTRUMENTATION_H

#include <cstdint>

namespace abn::instrumentation {

/// (address: i64, bytes: i32, alignment: i32, kind: i32, space: i32, in bounds: i1, site: i32),
/// called before each access to memory. `alignment` is what the op promises of the address, in
/// bytes.
inline constexpr char kAccessFunction[] = "abn_emulator_access";
/// (site: i32, condition: i1), called before each conditional branch.
inline constexpr char kBranchFunction[] = "abn_emulator_branch";
/// (site: i32), called before each barrier, shuffle or assertion.
inline constexpr char kSiteFunction[] = "abn_emulator_site";
/// A constant string: line i, counted from 1, names site i as `op at location`.
inline constexpr char kSiteTable[] = "abn_emulator_sites";
/// Sites are numbered from 1; larger numbers do not fit into the shadow memory.
inline constexpr int64_t kMaxSites = 65535;

enum class AccessKind : uint8_t { Load = 0, Store = 1, Atomic = 2 };

/// NVVM's numbers of the address spaces; 0 is told apart by the address.
enum class Space : uint8_t { Generic = 0, Global = 1, Workgroup = 3, Private = 5 };

} // namespace abn::instrumentation

#endif // ABN_RUNTIME_INSTRUMENTATION_H
