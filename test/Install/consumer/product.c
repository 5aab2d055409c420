/* Calls the runtime as a compiled step does. */
#include "abn/Runtime/Dnn.h"
#include <stdio.h>

int main(void) {
  struct AbnDnnMatmul d = {.version = ABN_DNN_VERSION,
                           .element = ABN_DNN_F32,
                           .resultElement = ABN_DNN_F32,
                           .accumulate = 1,
                           .batch = 1,
                           .m = 1,
                           .n = 1,
                           .k = 2,
                           .leadingLhs = 2,
                           .leadingRhs = 1,
                           .leadingResult = 1};
  float lhs[2] = {2, 3}, rhs[2] = {5, 7}, result = 11;
  abnDnnMatmul((const int64_t *)&d, lhs, rhs, &result, NULL, 0, NULL);
  printf("product: %g, error: %s\n", result, abnDnnLastError() ? abnDnnLastError() : "none");
  return 0;
}
