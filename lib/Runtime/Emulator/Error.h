// What went wrong, for people (the message) and programs (the parts).
#ifndef ABN_RUNTIME_EMULATOR_ERROR_H
#define ABN_RUNTIME_EMULATOR_ERROR_H

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace abn::emulator {

using Dim3 = std::array<uint32_t, 3>;

/// "(x, y, z)".
inline std::string toString(const Dim3 &dim) {
  return "(" + std::to_string(dim[0]) + ", " + std::to_string(dim[1]) + ", " +
         std::to_string(dim[2]) + ")";
}

struct Error {
  /// A word: race, out-of-bounds, divergence, ... (docs/Emulator.md lists them).
  std::string kind;
  std::string message;
  /// Empty if no kernel was running; so are the rest.
  std::string kernel;
  std::optional<Dim3> block;
  std::vector<Dim3> threads;
  /// `op at location` of each op that took part.
  std::vector<std::string> sites;
};

} // namespace abn::emulator

#endif // ABN_RUNTIME_EMULATOR_ERROR_H
