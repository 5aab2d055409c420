// What the lowerings to linalg share: index arithmetic that folds, filled and padded tensors, and
// generics from index expressions. Private to lib/Lower.
#ifndef ABN_LIB_LOWER_LINALGBUILDER_H
#define ABN_LIB_LOWER_LINALGBUILDER_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"

namespace mlir::abn {

/// The type in which values of `element` are summed: f32 for f16 and bf16, else itself.
FloatType getAccumulatorType(Type element);

/// An operand of a generic: a tensor and the expressions of the loop dimensions that index it.
struct Indexed {
  Value tensor;
  SmallVector<AffineExpr> exprs;
};

/// Builds linalg on tensors at one place. Index arithmetic on OpFoldResult yields attributes where
/// both operands are constant, so that static shapes stay static.
class LinalgBuilder : public ImplicitLocOpBuilder {
public:
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;
  /// The scalars that a generic's body yields, from its block arguments (inputs, then outputs).
  using Body = function_ref<SmallVector<Value>(LinalgBuilder &, ValueRange)>;

  // Index arithmetic.
  OpFoldResult index(int64_t value) { return getIndexAttr(value); }
  Value indexValue(OpFoldResult value);
  OpFoldResult add(OpFoldResult a, OpFoldResult b);
  OpFoldResult sub(OpFoldResult a, OpFoldResult b);
  OpFoldResult mul(OpFoldResult a, OpFoldResult b);
  /// Quotients of a value that is not negative by one that is positive.
  OpFoldResult floorDiv(OpFoldResult a, OpFoldResult b);
  OpFoldResult ceilDiv(OpFoldResult a, OpFoldResult b);
  OpFoldResult min(OpFoldResult a, OpFoldResult b);
  OpFoldResult max(OpFoldResult a, OpFoldResult b);

  // Tensors.
  SmallVector<OpFoldResult> sizes(Value tensor);
  OpFoldResult size(Value tensor, int64_t dim);
  Type element(Value tensor) { return getElementTypeOrSelf(tensor.getType()); }
  Value empty(ArrayRef<OpFoldResult> sizes, Type element);
  /// `destination` filled with a floating-point or integer `value`.
  Value fill(Value destination, double value);
  /// A destination for sums: `init` itself if its element type sums itself, else an empty tensor of
  /// the accumulator type.
  Value accumulator(Value init);
  /// `values`, rounded to the element type of `init` and written into it where the types differ.
  Value finish(Value values, Value init);
  /// `tensor` with the static sizes of `type`; itself if it has that type.
  Value cast(Value tensor, Type type);
  /// `tensor` with `low` and `high` positions of `value` around each dimension; itself if there are
  /// none. A constant negative `high` drops positions, of which there must be more.
  Value pad(Value tensor, ArrayRef<OpFoldResult> low, ArrayRef<OpFoldResult> high, double value);
  /// Splits dimension `dim` into [groups, size / groups]; itself for one group.
  Value splitGroups(Value tensor, int64_t dim, int64_t groups);
  /// The inverse of splitGroups; `type` is the type before the split.
  Value mergeGroups(Value tensor, int64_t dim, int64_t groups, Type type);

  // Generics.
  /// A generic over `numLoops` dimensions of which those from `numParallel` on are reductions.
  SmallVector<Value> generic(unsigned numParallel, unsigned numLoops, ArrayRef<Indexed> inputs,
                             ArrayRef<Indexed> outputs, Body body);
  /// An operand that only gives reduction dimensions their extents.
  Indexed extents(ArrayRef<int64_t> sizes, unsigned firstLoop);
  /// Expressions of `count` loop dimensions from `first` on.
  SmallVector<AffineExpr> loops(unsigned first, unsigned count);
  /// The current iteration's index in loop `dim`, inside a body.
  Value loopIndex(unsigned dim) { return linalg::IndexOp::create(*this, dim); }

  // Scalars.
  Value real(Type type, double value);
  Value integer(Type type, int64_t value);
  /// `value` extended or rounded to `type`; itself if it has that type.
  Value convert(Value value, Type type);
  /// A signed index or integer as a floating-point value.
  Value toReal(Value value, Type type);
};

} // namespace mlir::abn

#endif // ABN_LIB_LOWER_LINALGBUILDER_H
