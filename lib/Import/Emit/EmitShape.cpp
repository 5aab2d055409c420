// Ops that move data: reshapes, transposes, slices.
#include "Emit.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::abn::emit;

namespace {
/// The finest grouping of two shapes' dimensions into runs of equal size: [4, 6] and [2, 2, 6] give
/// {[0], [1]} and {[0, 1], [2]}.
struct CommonGroups {
  SmallVector<ReassociationIndices> from, to;
  SmallVector<int64_t> sizes;
};
} // namespace

static CommonGroups groupCommonFactors(ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  CommonGroups groups;
  size_t i = 0, j = 0;
  while (i < from.size() && j < to.size()) {
    ReassociationIndices fromRun{static_cast<int64_t>(i)}, toRun{static_cast<int64_t>(j)};
    int64_t fromSize = from[i++], toSize = to[j++];
    while (fromSize != toSize) {
      if (fromSize < toSize) {
        fromSize *= from[i];
        fromRun.push_back(i++);
      } else {
        toSize *= to[j];
        toRun.push_back(j++);
      }
    }
    groups.from.push_back(fromRun);
    groups.to.push_back(toRun);
    groups.sizes.push_back(fromSize);
  }
  // What is left is of size 1 and joins the last run.
  for (; i < from.size(); ++i)
    groups.from.back().push_back(i);
  for (; j < to.size(); ++j)
    groups.to.back().push_back(j);
  return groups;
}

Value mlir::abn::emit::emitReshape(ImplicitLocOpBuilder &b, Value value, ArrayRef<int64_t> shape) {
  RankedTensorType type = typeOf(value);
  if (type.getShape() == shape)
    return value;
  RankedTensorType result = withShape(type, shape);
  if (shape.empty())
    return tensor::CollapseShapeOp::create(b, result, value, ArrayRef<ReassociationIndices>{});
  if (type.getRank() == 0)
    return tensor::ExpandShapeOp::create(b, result, value, ArrayRef<ReassociationIndices>{});
  CommonGroups groups = groupCommonFactors(type.getShape(), shape);
  if (static_cast<int64_t>(groups.sizes.size()) != type.getRank())
    value = tensor::CollapseShapeOp::create(b, withShape(type, groups.sizes), value, groups.from);
  if (groups.sizes.size() != shape.size())
    value = tensor::ExpandShapeOp::create(b, result, value, groups.to);
  return value;
}

Value mlir::abn::emit::emitTranspose(ImplicitLocOpBuilder &b, Value value,
                                     ArrayRef<int64_t> permutation) {
  RankedTensorType type = typeOf(value);
  if (llvm::equal(permutation, llvm::seq<int64_t>(0, type.getRank())))
    return value;
  SmallVector<int64_t> shape;
  for (int64_t dim : permutation)
    shape.push_back(type.getDimSize(dim));
  Value init = emitEmpty(b, shape, type.getElementType());
  return linalg::TransposeOp::create(b, value, init, permutation)->getResult(0);
}

static SmallVector<OpFoldResult> indexAttrs(Builder &b, ArrayRef<int64_t> values) {
  return llvm::map_to_vector(values, [&](int64_t v) -> OpFoldResult { return b.getIndexAttr(v); });
}

Value mlir::abn::emit::emitSlice(ImplicitLocOpBuilder &b, Value value, ArrayRef<int64_t> offsets,
                                 ArrayRef<int64_t> sizes, ArrayRef<int64_t> strides) {
  RankedTensorType type = typeOf(value);
  if (type.getShape() == sizes)
    return value;
  return tensor::ExtractSliceOp::create(b, value, indexAttrs(b, offsets), indexAttrs(b, sizes),
                                        indexAttrs(b, strides));
}

Value mlir::abn::emit::emitInsert(ImplicitLocOpBuilder &b, Value value, Value into,
                                  ArrayRef<int64_t> offsets, ArrayRef<int64_t> strides) {
  return tensor::InsertSliceOp::create(b, value, into, indexAttrs(b, offsets),
                                       indexAttrs(b, typeOf(value).getShape()),
                                       indexAttrs(b, strides));
}

Value mlir::abn::emit::emitGather(ImplicitLocOpBuilder &b, Value source, ArrayRef<int64_t> shape,
                                  llvm::function_ref<SmallVector<Value>(Body &, ValueRange)> map) {
  return emitElementwise(b, withShape(typeOf(source), shape), {}, nullptr,
                         [&](Body &body, ValueRange) {
                           SmallVector<Value> position;
                           for (size_t i = 0; i < shape.size(); ++i)
                             position.push_back(body.index(i));
                           return body.extract(source, map(body, position));
                         });
}
