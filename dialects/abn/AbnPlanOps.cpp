// Verifier and fold of abn.pack.
#include "abn/AbnDialect.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlir::abn;

LogicalResult PackOp::verify() { return success(); }

LogicalResult PackOp::fold(FoldAdaptor adaptor, SmallVectorImpl<OpFoldResult> &results) {
  if (!getOffsets() || !getArenaSize())
    return failure();
  Builder b(getContext());
  results.push_back(b.getIndexAttr(*getArenaSize()));
  for (int64_t offset : *getOffsets())
    results.push_back(b.getIndexAttr(offset));
  return success();
}
