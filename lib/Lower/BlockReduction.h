// linalg reductions as launches of a block per result. Private to lib/Lower.
#ifndef ABN_LIB_LOWER_BLOCKREDUCTION_H
#define ABN_LIB_LOWER_BLOCKREDUCTION_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::abn {

/// Whether the threads of a block can share the work of one result of `op`: each result is combined
/// by one op that has a neutral element, over enough elements that are known to be there, and
/// results are too few to give every thread its own.
bool isBlockReduction(linalg::LinalgOp op);

/// Replaces `op`, on memrefs, by a gpu.launch of a block of up to `threads` per result. A thread
/// combines every n-th element, from the first on; threads are combined in halves through workgroup
/// memory, in a fixed order, and with what the destination held. Precondition: isBlockReduction.
void lowerToBlocks(RewriterBase &rewriter, linalg::LinalgOp op, int64_t threads);

} // namespace mlir::abn

#endif // ABN_LIB_LOWER_BLOCKREDUCTION_H
