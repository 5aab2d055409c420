// Tensors that are made from nothing: constants, ranges, conversions.
#include "Promotion.h"
#include "Registry.h"
#include <cmath>

using namespace mlir;
using namespace mlir::abn::aten;

/// The dtype argument, or `fallback`.
static Type dtypeOr(AtenOp &op, Type fallback) {
  Type type = op.dtype("dtype");
  return type ? type : fallback;
}

static FailureOr<RankedTensorType> checkedType(AtenOp &op, ArrayRef<int64_t> sizes, Type element) {
  if (llvm::any_of(sizes, [](int64_t size) { return size <= 0; }))
    return op.error() << "expected positive sizes";
  if (failed(broadcastShapes(op, {sizes})))
    return failure();
  return RankedTensorType::get(sizes, element);
}

/// The type that a number alone makes: bool, i64 or PyTorch's default f32.
static Type typeOfScalar(Builder &b, const ScalarArgument &scalar) {
  switch (scalar.kind) {
  case ScalarArgument::Kind::Bool:
    return b.getI1Type();
  case ScalarArgument::Kind::Int:
    return b.getI64Type();
  case ScalarArgument::Kind::Float:
    return b.getF32Type();
  }
  return {};
}

/// Rows that take a size list.
static ConvertFn filled(std::optional<double> value, StringRef sizeName) {
  return [=](AtenOp &op) -> LogicalResult {
    ImplicitLocOpBuilder &b = op.builder();
    ScalarArgument scalar;
    scalar.kind = ScalarArgument::Kind::Float;
    if (value)
      scalar.number = scalar.integer = *value;
    else
      scalar = *op.scalar("fill_value");
    Type fallback = value ? Type(b.getF32Type()) : typeOfScalar(b, scalar);
    FailureOr<RankedTensorType> type =
        checkedType(op, op.integers(sizeName), dtypeOr(op, fallback));
    if (failed(type))
      return failure();
    return op.replaceWith(emitFill(b, *type, scalar));
  };
}

/// Rows that take the type of `self`, and its shape unless they have a size list.
static ConvertFn filledLike(std::optional<double> value, StringRef sizeName = "") {
  return [=](AtenOp &op) -> LogicalResult {
    RankedTensorType self = typeOf(op.tensor("self"));
    Type element = dtypeOr(op, self.getElementType());
    SmallVector<int64_t> sizes =
        sizeName.empty() ? SmallVector<int64_t>(self.getShape()) : op.integers(sizeName);
    FailureOr<RankedTensorType> type = checkedType(op, sizes, element);
    if (failed(type))
      return failure();
    if (value)
      return op.replaceWith(emitFill(op.builder(), *type, *value));
    return op.replaceWith(emitFill(op.builder(), *type, *op.scalar("fill_value")));
  };
}

static LogicalResult convertFillTensor(AtenOp &op) {
  Value value = op.tensor("value");
  if (failed(op.expectRank("value", 0)))
    return failure();
  RankedTensorType type = typeOf(op.tensor("self"));
  return op.replaceWith(emitBroadcast(
      op.builder(), emitCast(op.builder(), value, type.getElementType()), type.getShape()));
}

static LogicalResult convertScalarTensor(AtenOp &op) {
  ScalarArgument scalar = *op.scalar("s");
  ImplicitLocOpBuilder &b = op.builder();
  auto type = RankedTensorType::get({}, dtypeOr(op, b.getF32Type()));
  return op.replaceWith(emitFill(b, type, scalar));
}

/// 1 on the diagonal.
static ConvertFn convertEye(StringRef columns) {
  return [=](AtenOp &op) -> LogicalResult {
    ImplicitLocOpBuilder &b = op.builder();
    FailureOr<RankedTensorType> type =
        checkedType(op, {op.integer("n"), op.integer(columns)}, dtypeOr(op, b.getF32Type()));
    if (failed(type))
      return failure();
    return op.replaceWith(emitElementwise(b, *type, {}, nullptr, [&](Body &body, ValueRange) {
      return Value(
          body.call<arith::CmpIOp>(arith::CmpIPredicate::eq, body.index(0), body.index(1)));
    }));
  };
}

/// start + i*step. The length comes from the arguments, the position from linalg.index.
static LogicalResult emitRange(AtenOp &op, ScalarArgument start, ScalarArgument end,
                               ScalarArgument step) {
  ImplicitLocOpBuilder &b = op.builder();
  bool floating = llvm::any_of(std::array{start, end, step}, [](const ScalarArgument &s) {
    return s.kind == ScalarArgument::Kind::Float;
  });
  double length = std::ceil((end.number - start.number) / step.number);
  if (!(length >= 1 && length < 0x1p48))
    return op.error() << "expected a range of 1 to 2^48 values";
  Type element = dtypeOr(op, floating ? Type(b.getF32Type()) : Type(b.getI64Type()));
  auto type = RankedTensorType::get({static_cast<int64_t>(length)}, element);
  Type compute = floating ? Type(b.getF64Type()) : Type(b.getI64Type());
  return op.replaceWith(emitElementwise(b, type, {}, nullptr, [&](Body &body, ValueRange) {
    Value position = body.cast(body.cast(body.index(0), body.b.getI64Type()), compute);
    return body.add(body.constant(compute, start),
                    body.mul(position, body.constant(compute, step)));
  }));
}

static LogicalResult convertArange(AtenOp &op, bool hasStart, bool hasStep) {
  ScalarArgument zero, one;
  one.integer = 1;
  one.number = 1;
  ScalarArgument end = *op.scalar("end");
  return emitRange(op, hasStart ? *op.scalar("start") : zero, end,
                   hasStep ? *op.scalar("step") : one);
}

/// The dtype of the first argument; where none is named the tensor is forwarded.
static LogicalResult convertToCopy(AtenOp &op) {
  Value self = op.tensor("self");
  Type element = dtypeOr(op, typeOf(self).getElementType());
  return op.replaceWith(emitCast(op.builder(), self, element));
}

static LogicalResult convertElementType(AtenOp &op) {
  return op.replaceWith(emitCast(op.builder(), op.tensor("self"), op.dtype("dtype")));
}

/// `src` in self's shape and type; what self held is overwritten.
static LogicalResult convertCopy(AtenOp &op) {
  RankedTensorType self = typeOf(op.tensor("self"));
  Value src = op.tensor("src");
  if (!isBroadcastableTo(typeOf(src).getShape(), self.getShape()))
    return op.error() << "cannot copy " << src.getType() << " into " << self;
  ImplicitLocOpBuilder &b = op.builder();
  return op.replaceWith(emitBroadcast(b, emitCast(b, src, self.getElementType()), self.getShape()));
}

void mlir::abn::aten::addCreation(Registry &r) {
  r.add("zeros(int[] size, *, ScalarType? dtype=None) -> Tensor", filled(0.0, "size"));
  r.add("ones(int[] size, *, ScalarType? dtype=None) -> Tensor", filled(1.0, "size"));
  // Uninitialised memory holds zeros here, so that results are reproducible.
  r.add("empty.memory_format(int[] size, *, ScalarType? dtype=None) -> Tensor",
        filled(0.0, "size"));
  r.add("empty_strided(int[] size, int[] stride, *, ScalarType? dtype=None) -> Tensor",
        filled(0.0, "size"));
  r.add("full(int[] size, Scalar fill_value, *, ScalarType? dtype=None) -> Tensor",
        filled(std::nullopt, "size"));
  r.add("zeros_like(Tensor self, *, ScalarType? dtype=None) -> Tensor", filledLike(0.0));
  r.add("ones_like(Tensor self, *, ScalarType? dtype=None) -> Tensor", filledLike(1.0));
  r.add("empty_like(Tensor self, *, ScalarType? dtype=None) -> Tensor", filledLike(0.0));
  r.add("full_like(Tensor self, Scalar fill_value, *, ScalarType? dtype=None) -> Tensor",
        filledLike(std::nullopt));
  r.add("new_zeros(Tensor self, int[] size, *, ScalarType? dtype=None) -> Tensor",
        filledLike(0.0, "size"));
  r.add("new_ones(Tensor self, int[] size, *, ScalarType? dtype=None) -> Tensor",
        filledLike(1.0, "size"));
  r.add("new_empty(Tensor self, int[] size, *, ScalarType? dtype=None) -> Tensor",
        filledLike(0.0, "size"));
  r.add("new_empty_strided(Tensor self, int[] size, int[] stride, *, ScalarType? dtype=None) -> "
        "Tensor",
        filledLike(0.0, "size"));
  r.add("new_full(Tensor self, int[] size, Scalar fill_value, *, ScalarType? dtype=None) -> Tensor",
        filledLike(std::nullopt, "size"));
  r.add("fill.Scalar(Tensor self, Scalar value) -> Tensor", [](AtenOp &op) -> LogicalResult {
    return op.replaceWith(emitFill(op.builder(), typeOf(op.tensor("self")), *op.scalar("value")));
  });
  r.add("fill.Tensor(Tensor self, Tensor value) -> Tensor", convertFillTensor);
  r.add("scalar_tensor(Scalar s, *, ScalarType? dtype=None) -> Tensor", convertScalarTensor);
  r.add("arange(Scalar end, *, ScalarType? dtype=None) -> Tensor",
        [](AtenOp &op) { return convertArange(op, false, false); });
  r.add("arange.start(Scalar start, Scalar end, *, ScalarType? dtype=None) -> Tensor",
        [](AtenOp &op) { return convertArange(op, true, false); });
  r.add("arange.start_step(Scalar start, Scalar end, Scalar step, *, ScalarType? dtype=None) -> "
        "Tensor",
        [](AtenOp &op) { return convertArange(op, true, true); });
  r.add("eye(int n, *, ScalarType? dtype=None) -> Tensor", convertEye("n"));
  r.add("eye.m(int n, int m, *, ScalarType? dtype=None) -> Tensor", convertEye("m"));
  r.add("_to_copy(Tensor self, *, ScalarType? dtype=None) -> Tensor", convertToCopy);
  r.add("to.dtype(Tensor self, ScalarType dtype, bool non_blocking, bool copy, int? memory_format) "
        "-> Tensor",
        convertElementType);
  r.add("copy(Tensor self, Tensor src, bool non_blocking) -> Tensor", convertCopy);
}
