// What the fake libraries have in common: failures that a test asks for, and a log of calls.
//
//   ABN_FAKE_FAIL=cuInit=100,cudnnCreate=1001   these functions fail with these codes
//   ABN_FAKE_LOG=FILE                           a line per call that matters is appended
#ifndef ABN_TEST_RUNTIME_CUDA_FAKE_H
#define ABN_TEST_RUNTIME_CUDA_FAKE_H

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <string>

#define ABN_FAKE extern "C" __attribute__((visibility("default")))

namespace abn::fake {

/// The code that a test wants `function` to fail with, or 0.
inline int plannedFailure(const std::string &function) {
  const char *text = std::getenv("ABN_FAKE_FAIL");
  std::string plan = text ? "," + std::string(text) : "";
  size_t at = plan.find("," + function + "=");
  return at == std::string::npos ? 0 : std::atoi(plan.c_str() + at + function.size() + 2);
}

__attribute__((format(printf, 1, 2))) inline void log(const char *format, ...) {
  const char *path = std::getenv("ABN_FAKE_LOG");
  FILE *file = path && *path ? std::fopen(path, "a") : nullptr;
  if (!file)
    return;
  va_list arguments;
  va_start(arguments, format);
  std::vfprintf(file, format, arguments);
  va_end(arguments);
  std::fputc('\n', file);
  std::fclose(file);
}

} // namespace abn::fake

/// Returns the planned failure from the function that it stands in.
#define ABN_FAKE_FAILURE                                                                           \
  if (int planned = abn::fake::plannedFailure(__func__))                                           \
  return planned

#endif // ABN_TEST_RUNTIME_CUDA_FAKE_H
