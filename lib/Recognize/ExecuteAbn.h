// The abn ops on tiny arrays, by the formulas of the dialect's description.
#ifndef ABN_LIB_RECOGNIZE_EXECUTEABN_H
#define ABN_LIB_RECOGNIZE_EXECUTEABN_H

#include "abn/Recognize/Evaluation.h"

namespace mlir::abn {

/// The results of an abn op; nothing for an op that is not about tensors' contents.
std::optional<SmallVector<TinyArray, 2>> executeAbnOp(Operation *op, Evaluation &evaluation);

} // namespace mlir::abn

#endif // ABN_LIB_RECOGNIZE_EXECUTEABN_H
