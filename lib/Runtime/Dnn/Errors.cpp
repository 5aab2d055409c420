// The record of errors, one per thread.
#include "Runtime/Dnn/Errors.h"
#include "abn/Runtime/Dnn.h"

static thread_local std::string lastError;

void abn::runtime::recordError(const std::string &message) noexcept {
  // The first error is the cause of those that follow.
  if (lastError.empty())
    lastError = message.empty() ? "unknown error" : message;
}

const char *abnDnnLastError(void) { return lastError.empty() ? nullptr : lastError.c_str(); }

void abnDnnResetError(void) { lastError.clear(); }
