// Upstream's integer ranges, for the offsets of views.
#include "IndexRanges.h"
#include "mlir/Analysis/DataFlow/IntegerRangeAnalysis.h"
#include "mlir/Analysis/DataFlow/Utils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace mlir::abn;

std::pair<int64_t, int64_t> IndexRanges::get(OpFoldResult index) {
  if (std::optional<int64_t> constant = getConstantIntValue(index))
    return {*constant, *constant};
  if (!hasRun) {
    hasRun = true;
    dataflow::loadBaselineAnalyses(solver);
    solver.load<dataflow::IntegerRangeAnalysis>();
    // A failure leaves the ranges unknown.
    (void)solver.initializeAndRun(func);
  }
  const auto *range = solver.lookupState<dataflow::IntegerValueRangeLattice>(cast<Value>(index));
  if (!range || range->getValue().isUninitialized())
    return {INT64_MIN, INT64_MAX};
  const ConstantIntRanges &known = range->getValue().getValue();
  return {known.smin().getSExtValue(), known.smax().getSExtValue()};
}
