// Whole-tensor building blocks of the importers: each emits one linalg or tensor op (two for a
// large reduction).
#ifndef ABN_LIB_IMPORT_EMIT_EMIT_H
#define ABN_LIB_IMPORT_EMIT_EMIT_H

#include "Body.h"

namespace mlir::abn::emit {

using BodyFn = llvm::function_ref<Value(Body &, ValueRange)>;
using CombineFn = llvm::function_ref<Value(Body &, Value, Value)>;

/// The type to compute in on elements of `type`: f32 for f16 and bf16, else itself.
Type computeTypeOf(Type type);

/// One linalg.generic over `type`'s shape. `inputs` broadcast to it and reach the body converted to
/// `computeType` (unconverted if null); the body's value is converted to `type`'s elements.
Value emitElementwise(ImplicitLocOpBuilder &b, RankedTensorType type, ValueRange inputs,
                      Type computeType, BodyFn body);
/// As above with several results, all of one shape.
SmallVector<Value> emitElementwise(ImplicitLocOpBuilder &b, ArrayRef<RankedTensorType> types,
                                   ValueRange inputs, Type computeType,
                                   llvm::function_ref<SmallVector<Value>(Body &, ValueRange)> body);

struct ReductionSpec {
  /// The iteration space, to which the inputs broadcast.
  ArrayRef<int64_t> shape;
  /// Sorted dimensions of it that are reduced.
  ArrayRef<int64_t> dims;
  bool keepDims = false;
  /// The accumulator's type and its first value.
  Type accumulator;
  double init = 0;
};

/// combine over map(inputs), inputs converted to the accumulator's type. Long sums are taken in two
/// levels, so that the rounding error grows with the longer level only.
Value emitReduction(ImplicitLocOpBuilder &b, const ReductionSpec &spec, ValueRange inputs,
                    BodyFn map, CombineFn combine);
/// The sum of map(inputs), converted to `elementType`.
Value emitSum(ImplicitLocOpBuilder &b, const ReductionSpec &spec, ValueRange inputs, BodyFn map);

/// Replaces dimension `dim` by one of `outSize`: at each position, the sum over the old dimension
/// of term(value, position, old position). Quadratic in the two sizes, which are small where this
/// is used (uneven pools, running sums, scatters by one index).
using AxisTermFn = llvm::function_ref<Value(Body &, Value, Value, Value)>;
Value emitAxisSum(ImplicitLocOpBuilder &b, Value value, int64_t dim, int64_t outSize,
                  Type accumulator, AxisTermFn term);
/// The same with another combination than the sum and its neutral element.
Value emitAxisReduction(ImplicitLocOpBuilder &b, Value value, int64_t dim, int64_t outSize,
                        Type accumulator, double init, AxisTermFn term, CombineFn combine);
/// `value` if the two positions are equal, else 0: the term of a scatter along one axis.
Value whereEqual(Body &body, Value value, Value position, Value other);

/// The same elements in the same order in another static shape.
Value emitReshape(ImplicitLocOpBuilder &b, Value value, ArrayRef<int64_t> shape);
Value emitTranspose(ImplicitLocOpBuilder &b, Value value, ArrayRef<int64_t> permutation);
Value emitBroadcast(ImplicitLocOpBuilder &b, Value value, ArrayRef<int64_t> shape);
Value emitCast(ImplicitLocOpBuilder &b, Value value, Type elementType);
Value emitEmpty(ImplicitLocOpBuilder &b, ArrayRef<int64_t> shape, Type elementType);
Value emitFill(ImplicitLocOpBuilder &b, RankedTensorType type, const ScalarArgument &value);
Value emitFill(ImplicitLocOpBuilder &b, RankedTensorType type, double value);
/// A part of a tensor with unit or larger strides.
Value emitSlice(ImplicitLocOpBuilder &b, Value value, ArrayRef<int64_t> offsets,
                ArrayRef<int64_t> sizes, ArrayRef<int64_t> strides);
Value emitInsert(ImplicitLocOpBuilder &b, Value value, Value into, ArrayRef<int64_t> offsets,
                 ArrayRef<int64_t> strides);

/// Reads `source` at the position that `map` computes from the result's.
Value emitGather(ImplicitLocOpBuilder &b, Value source, ArrayRef<int64_t> shape,
                 llvm::function_ref<SmallVector<Value>(Body &, ValueRange)> map);

/// The product of sizes.
int64_t countOf(ArrayRef<int64_t> shape);
RankedTensorType withShape(RankedTensorType type, ArrayRef<int64_t> shape);
RankedTensorType withElement(RankedTensorType type, Type elementType);

} // namespace mlir::abn::emit

#endif // ABN_LIB_IMPORT_EMIT_EMIT_H
