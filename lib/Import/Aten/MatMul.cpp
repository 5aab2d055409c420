// Matrix products. f16 and bf16 accumulate in f32 and round once.
#include "Promotion.h"
#include "Registry.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace mlir::abn::aten;

/// The product of two matrices or batches of them in the accumulator's type; reports shapes that do
/// not fit.
static FailureOr<Value> emitProduct(AtenOp &op, Value lhs, Value rhs, int64_t rank) {
  ImplicitLocOpBuilder &b = op.builder();
  RankedTensorType l = typeOf(lhs), r = typeOf(rhs);
  if (l.getRank() != rank || r.getRank() != rank)
    return op.error() << "expected operands of rank " << rank << ", got " << l << " and " << r;
  if (l.getElementType() != r.getElementType())
    return op.error() << "expected operands of one element type, got " << l << " and " << r;
  if (l.getDimSize(rank - 1) != r.getDimSize(rank - 2) ||
      (rank == 3 && l.getDimSize(0) != r.getDimSize(0)))
    return op.error() << "cannot multiply " << l << " by " << r;
  SmallVector<int64_t> shape(l.getShape());
  shape.back() = r.getDimSize(rank - 1);
  auto type = RankedTensorType::get(shape, computeTypeOf(l.getElementType()));
  Value init = emitFill(b, type, 0.0);
  if (rank == 2)
    return linalg::MatmulOp::create(b, ValueRange{lhs, rhs}, ValueRange{init})->getResult(0);
  return linalg::BatchMatmulOp::create(b, ValueRange{lhs, rhs}, ValueRange{init})->getResult(0);
}

static ConvertFn convertProduct(StringRef self, StringRef other, int64_t rank) {
  return [=](AtenOp &op) -> LogicalResult {
    FailureOr<Value> product = emitProduct(op, op.tensor(self), op.tensor(other), rank);
    if (failed(product))
      return failure();
    return op.replaceWith(
        emitCast(op.builder(), *product, typeOf(op.tensor(self)).getElementType()));
  };
}

/// beta * self + alpha * (lhs @ rhs). A beta of 0 ignores what self holds, NaN included.
static ConvertFn convertAddProduct(StringRef lhsName, StringRef rhsName, int64_t rank) {
  return [=](AtenOp &op) -> LogicalResult {
    Value self = op.tensor("self"), lhs = op.tensor(lhsName);
    FailureOr<Value> product = emitProduct(op, lhs, op.tensor(rhsName), rank);
    if (failed(product))
      return failure();
    RankedTensorType type = withElement(typeOf(*product), typeOf(lhs).getElementType());
    if (!isBroadcastableTo(typeOf(self).getShape(), type.getShape()))
      return op.error() << "`self` of type " << self.getType() << " does not broadcast to " << type;
    double alpha = op.scalar("alpha")->number, beta = op.scalar("beta")->number;
    return op.replaceWith(
        emitElementwise(op.builder(), type, {self, *product}, typeOf(*product).getElementType(),
                        [&](Body &b, ValueRange a) {
                          Value scaled = alpha == 1 ? a[1] : b.mul(a[1], b.like(a[1], alpha));
                          if (beta == 0)
                            return scaled;
                          return b.add(beta == 1 ? a[0] : b.mul(a[0], b.like(a[0], beta)), scaled);
                        }));
  };
}

/// A matrix by a vector, or two vectors: a matrix product on reshaped operands.
static ConvertFn convertVectorProduct(StringRef self, StringRef other, int64_t selfRank) {
  return [=](AtenOp &op) -> LogicalResult {
    ImplicitLocOpBuilder &b = op.builder();
    if (failed(op.expectRank(self, selfRank)) || failed(op.expectRank(other, 1)))
      return failure();
    Value lhs = op.tensor(self), rhs = op.tensor(other);
    if (selfRank == 1)
      lhs = emitReshape(b, lhs, {1, typeOf(lhs).getDimSize(0)});
    int64_t rows = typeOf(lhs).getDimSize(0);
    rhs = emitReshape(b, rhs, {typeOf(rhs).getDimSize(0), 1});
    FailureOr<Value> product = emitProduct(op, lhs, rhs, 2);
    if (failed(product))
      return failure();
    Value vector = selfRank == 1 ? emitReshape(b, *product, {}) : emitReshape(b, *product, {rows});
    return op.replaceWith(emitCast(b, vector, typeOf(lhs).getElementType()));
  };
}

void mlir::abn::aten::addMatMul(Registry &r) {
  r.add("mm(Tensor self, Tensor mat2) -> Tensor", convertProduct("self", "mat2", 2));
  r.add("bmm(Tensor self, Tensor mat2) -> Tensor", convertProduct("self", "mat2", 3));
  r.add("addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
        convertAddProduct("mat1", "mat2", 2));
  r.add("baddbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> "
        "Tensor",
        convertAddProduct("batch1", "batch2", 3));
  r.add("mv(Tensor self, Tensor vec) -> Tensor", convertVectorProduct("self", "vec", 2));
  r.add("dot(Tensor self, Tensor tensor) -> Tensor", convertVectorProduct("self", "tensor", 1));
}
