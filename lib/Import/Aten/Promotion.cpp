// PyTorch's type promotion and broadcasting.
#include "Promotion.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::abn::aten;

Type mlir::abn::aten::accumulatorTypeOf(Type type) {
  if (isa<IntegerType>(type))
    return IntegerType::get(type.getContext(), 64);
  return computeTypeOf(type);
}

Type mlir::abn::aten::floatTypeOf(Type type) {
  return isa<FloatType>(type) ? type : Float32Type::get(type.getContext());
}

/// Bools come before integers, and those before floats.
static int categoryOf(Type type) {
  if (!type)
    return -1;
  if (isa<FloatType>(type))
    return 2;
  return type.isInteger(1) ? 0 : 1;
}

/// The common type of two tensors of equal standing.
static Type promotePair(Type x, Type y) {
  if (!x || !y)
    return x ? x : y;
  if (categoryOf(x) != categoryOf(y))
    return categoryOf(x) > categoryOf(y) ? x : y;
  unsigned widthX = x.getIntOrFloatBitWidth(), widthY = y.getIntOrFloatBitWidth();
  if (x != y && widthX == widthY)
    return Float32Type::get(x.getContext()); // f16 with bf16
  return widthX >= widthY ? x : y;
}

/// The stronger group decides, unless the weaker one is of a higher category.
static Type combine(Type stronger, Type weaker) {
  if (!stronger || categoryOf(weaker) > categoryOf(stronger))
    return stronger && categoryOf(stronger) == 0 ? promotePair(stronger, weaker) : weaker;
  return stronger;
}

Type mlir::abn::aten::promote(ValueRange tensors, ArrayRef<ScalarArgument> scalars,
                              MLIRContext *context) {
  Type dimensioned, zeroDim, number;
  for (Value tensor : tensors) {
    RankedTensorType type = typeOf(tensor);
    Type &group = type.getRank() ? dimensioned : zeroDim;
    group = promotePair(group, type.getElementType());
  }
  Builder b(context);
  for (const ScalarArgument &scalar : scalars) {
    Type type = scalar.kind == ScalarArgument::Kind::Float ? Type(b.getF32Type())
                : scalar.kind == ScalarArgument::Kind::Int ? Type(b.getI64Type())
                                                           : Type(b.getI1Type());
    number = promotePair(number, type);
  }
  return combine(dimensioned, combine(zeroDim, number));
}

bool mlir::abn::aten::isBroadcastableTo(ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  if (from.size() > to.size())
    return false;
  return llvm::all_of(llvm::zip_equal(from, to.take_back(from.size())), [](auto sizes) {
    auto [f, t] = sizes;
    return f == t || f == 1;
  });
}

FailureOr<SmallVector<int64_t>>
mlir::abn::aten::broadcastShapes(AtenOp &op, ArrayRef<ArrayRef<int64_t>> shapes) {
  SmallVector<int64_t> result;
  for (ArrayRef<int64_t> shape : shapes) {
    if (shape.size() > result.size())
      result.insert(result.begin(), shape.size() - result.size(), 1);
    for (auto [size, out] :
         llvm::zip_equal(shape, MutableArrayRef<int64_t>(result).take_back(shape.size()))) {
      if (size != 1 && out != 1 && size != out)
        return op.error() << "cannot broadcast sizes " << out << " and " << size;
      out = size == 1 ? out : size;
    }
  }
  // Two tensors that are small by themselves may broadcast to one that is not.
  int64_t elements = 1;
  for (int64_t size : result)
    if (llvm::MulOverflow(elements, size, elements) || elements > (int64_t(1) << 48))
      return op.error() << "broadcasts to more than 2^48 elements";
  return result;
}

FailureOr<SmallVector<int64_t>> mlir::abn::aten::broadcastShape(AtenOp &op, ValueRange tensors) {
  SmallVector<ArrayRef<int64_t>> shapes;
  for (Value tensor : tensors)
    shapes.push_back(typeOf(tensor).getShape());
  return broadcastShapes(op, shapes);
}
