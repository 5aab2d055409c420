// linalg.matmul and linalg.batch_matmul as calls of abnDnnMatmul.
#include "ConvertDnnToCalls.h"
#include "abn/Runtime/Dnn.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace mlir::abn;

namespace {
/// How an operand is read: by its rows or, transposed, by its columns; one matrix per entry of the
/// batch or the same for all.
struct Access {
  bool transposed;
  bool batched;
};
} // namespace

/// How `map` reads [batch,] `row`, `column`; loop 0 is the batch's if there is one.
static std::optional<Access> getAccess(AffineMap map, bool hasBatch, unsigned row,
                                       unsigned column) {
  MLIRContext *context = map.getContext();
  ArrayRef<AffineExpr> exprs = map.getResults();
  Access access{false, false};
  if (hasBatch && exprs.size() == 3 && exprs[0] == getAffineDimExpr(0, context)) {
    access.batched = true;
    exprs = exprs.drop_front();
  }
  if (exprs.size() != 2)
    return std::nullopt;
  AffineExpr rows = getAffineDimExpr(row, context), columns = getAffineDimExpr(column, context);
  access.transposed = exprs[0] == columns && exprs[1] == rows;
  if (!access.transposed && (exprs[0] != rows || exprs[1] != columns))
    return std::nullopt;
  return access;
}

FailureOr<RuntimeCall> mlir::abn::describeMatmulCall(Operation *op, const ElementCodes &elements,
                                                     std::string &reason) {
  auto matmul = cast<linalg::LinalgOp>(op);
  Value lhs = op->getOperand(0), rhs = op->getOperand(1), result = op->getOperand(2);
  auto lhsType = cast<MemRefType>(lhs.getType()), resultType = cast<MemRefType>(result.getType());
  Type type = lhsType.getElementType(), resultElement = resultType.getElementType();
  std::optional<int64_t> code = elements.get(type), resultCode = elements.get(resultElement);
  if (!code || !resultCode) {
    llvm::raw_string_ostream(reason)
        << "the library has no functions for " << (code ? resultElement : type);
    return failure();
  }
  if (cast<MemRefType>(rhs.getType()).getElementType() != type ||
      (resultElement != type && !resultElement.isF32()))
    return refuse(reason, "expected operands of one element type and a result of that or f32");

  // Loops: [batch,] m, n, k.
  bool hasBatch = isa<linalg::BatchMatmulOp>(op);
  unsigned m = hasBatch, n = m + 1, k = m + 2;
  SmallVector<AffineMap> maps = matmul.getIndexingMapsArray();
  std::optional<Access> a = getAccess(maps[0], hasBatch, m, k);
  std::optional<Access> b = getAccess(maps[1], hasBatch, k, n);
  std::optional<Access> c = getAccess(maps[2], hasBatch, m, n);
  if (!a || !b || !c || c->transposed || c->batched != hasBatch)
    return refuse(reason, "expected operands that are at most transposed");

  AbnDnnMatmul d{};
  d.version = ABN_DNN_VERSION;
  d.element = *code;
  d.resultElement = *resultCode;
  d.accumulate = 1;
  SmallVector<int64_t> extents = matmul.getStaticLoopRanges();
  d.batch = hasBatch ? extents[0] : 1;
  d.m = extents[m];
  d.n = extents[n];
  d.k = extents[k];
  d.transposeLhs = a->transposed;
  d.transposeRhs = b->transposed;
  d.leadingLhs = a->transposed ? d.m : d.k;
  d.leadingRhs = b->transposed ? d.k : d.n;
  d.leadingResult = d.n;
  d.strideLhs = a->batched ? d.m * d.k : 0;
  d.strideRhs = b->batched ? d.k * d.n : 0;
  d.strideResult = hasBatch ? d.m * d.n : 0;
  return RuntimeCall{"abnDnnMatmul", flatten(d), {lhs, rhs, result}};
}
