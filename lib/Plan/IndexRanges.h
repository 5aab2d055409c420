// What indices may be, as abn-verify-plan sees it. Private to the checker.
#ifndef ABN_LIB_PLAN_INDEXRANGES_H
#define ABN_LIB_PLAN_INDEXRANGES_H

#include "mlir/Analysis/DataFlowFramework.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::abn {

/// The ranges of one function's indices, by upstream's analysis: constants, arithmetic, remainders,
/// what is clamped, what loops count. It runs when the first one is asked for.
class IndexRanges {
public:
  explicit IndexRanges(func::FuncOp func) : func(func) {}

  /// The least and the largest that `index` can be; those of 64 bits if that is not known.
  std::pair<int64_t, int64_t> get(OpFoldResult index);

private:
  func::FuncOp func;
  DataFlowSolver solver;
  bool hasRun = false;
};

} // namespace mlir::abn

#endif // ABN_LIB_PLAN_INDEXRANGES_H
