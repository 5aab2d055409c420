// Errors at the C ABI: functions throw, the border records (abnDnnLastError) and returns.
#ifndef ABN_LIB_RUNTIME_DNN_ERRORS_H
#define ABN_LIB_RUNTIME_DNN_ERRORS_H

#include <stdexcept>
#include <string>

namespace abn::runtime {

/// Why a call cannot be done: lower case, no full stop, expected and got.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Throws unless `holds`.
inline void require(bool holds, const char *message) {
  if (!holds)
    throw Error(message);
}

/// Keeps `message` for abnDnnLastError, unless an earlier one stands there.
void recordError(const std::string &message) noexcept;

/// Runs `body`; whatever it throws is recorded as "function(sizes): reason". `describe` gives the
/// sizes, and is called only then.
template <typename Describe, typename Body>
void guarded(const char *function, Describe describe, Body body) noexcept {
  std::string reason;
  try {
    body();
    return;
  } catch (const std::exception &error) {
    reason = error.what();
  } catch (...) {
    reason = "unknown exception";
  }
  try {
    recordError(std::string(function) + "(" + describe() + "): " + reason);
  } catch (...) {
    recordError(reason);
  }
}

} // namespace abn::runtime

#endif // ABN_LIB_RUNTIME_DNN_ERRORS_H
