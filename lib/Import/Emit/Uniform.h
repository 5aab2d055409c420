// Randomness: a counter-based generator, so that a graph gives the same masks on every run, machine
// and schedule. Element i of the function's k-th random op gets
//     h = fmix32(i * 0x9E3779B1 + fmix32(k + 1)),  u = (h >> 8) / 2^24,
// with fmix32 the finalizer of MurmurHash3 and i the element's row-major position modulo 2^32.
#ifndef ABN_LIB_IMPORT_EMIT_UNIFORM_H
#define ABN_LIB_IMPORT_EMIT_UNIFORM_H

#include "Body.h"

namespace mlir::abn::emit {

uint32_t fmix32(uint32_t h);

/// u in [0, 1) at the current position of loops over `shape`, as f32.
Value emitUniform(Body &b, ArrayRef<int64_t> shape, uint32_t seed);

} // namespace mlir::abn::emit

#endif // ABN_LIB_IMPORT_EMIT_UNIFORM_H
