// Ops on memrefs as ops on tensors, so that both have one lowering. Private to lib/Lower.
#ifndef ABN_LIB_LOWER_BUFFEROPERANDS_H
#define ABN_LIB_LOWER_BUFFEROPERANDS_H

#include "mlir/IR/PatternMatch.h"

namespace mlir::abn {

/// Replaces every op of the dialect `namespaceName` on memrefs below `root` by the same op on
/// tensors: each memref is read by one `bufferization.to_tensor`, each result goes back by a
/// `bufferization.materialize_in_destination`. One tensor stands for a memref that is operand and
/// destination, so that bufferization sees what an op in place reads and writes; a destination that
/// shares its buffer with another operand through a view is not writable, so that it is computed
/// beside it and then copied.
void moveToTensors(RewriterBase &rewriter, Operation *root, StringRef namespaceName);

} // namespace mlir::abn

#endif // ABN_LIB_LOWER_BUFFEROPERANDS_H
