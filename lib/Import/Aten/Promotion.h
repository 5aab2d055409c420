// PyTorch's type promotion and broadcasting.
#ifndef ABN_LIB_IMPORT_ATEN_PROMOTION_H
#define ABN_LIB_IMPORT_ATEN_PROMOTION_H

#include "../Emit/Emit.h"
#include "AtenOp.h"

namespace mlir::abn::aten {

/// The type in which PyTorch accumulates: computeTypeOf, and i64 for integers and bools.
Type accumulatorTypeOf(Type type);

/// The element type of a result of PyTorch's promotion: tensors with dimensions come before
/// scalars-as-tensors, and those before numbers, unless the category (bool, int, float) rises.
Type promote(ValueRange tensors, ArrayRef<ScalarArgument> scalars, MLIRContext *context);
/// `type` if it is floating, else f32: what `exp` or a division gives.
Type floatTypeOf(Type type);

/// The shape that the tensors broadcast to; reports at `op` if they do not.
FailureOr<SmallVector<int64_t>> broadcastShapes(AtenOp &op, ArrayRef<ArrayRef<int64_t>> shapes);
FailureOr<SmallVector<int64_t>> broadcastShape(AtenOp &op, ValueRange tensors);
bool isBroadcastableTo(ArrayRef<int64_t> from, ArrayRef<int64_t> to);

} // namespace mlir::abn::aten

#endif // ABN_LIB_IMPORT_ATEN_PROMOTION_H
