// Pools as dnn ops. An adaptive pool whose sizes divide is an ordinary one; an uneven average is
// taken axis by axis.
#include "Promotion.h"
#include "Registry.h"
#include "dnn/DnnDialect.h"

using namespace mlir;
using namespace mlir::abn::aten;

static SmallVector<OpFoldResult> sizesOf(OpBuilder &b, ArrayRef<int64_t> shape) {
  return llvm::map_to_vector(shape, [&](int64_t s) -> OpFoldResult { return b.getIndexAttr(s); });
}

/// PyTorch's pools take one sample without a batch dimension; dnn's do not.
static Value withBatch(ImplicitLocOpBuilder &b, Value value, int64_t spatial) {
  SmallVector<int64_t> shape(typeOf(value).getShape());
  if (static_cast<int64_t>(shape.size()) == spatial + 1)
    shape.insert(shape.begin(), 1);
  return emitReshape(b, value, shape);
}

static Value withoutBatch(ImplicitLocOpBuilder &b, Value value, bool batched) {
  return batched ? value : emitReshape(b, value, typeOf(value).getShape().drop_front());
}

static LogicalResult checkPooled(AtenOp &op, StringRef name, int64_t spatial) {
  RankedTensorType type = typeOf(op.tensor(name));
  if (type.getRank() != spatial + 1 && type.getRank() != spatial + 2)
    return op.error() << "expected `" << name << "` of rank " << spatial + 1 << " or "
                      << spatial + 2 << ", got " << type;
  return op.expectFloat(name);
}

/// kernel_size, stride, padding and, if there is one, dilation.
static FailureOr<dnn::PoolParams> readPool(AtenOp &op, int64_t spatial, bool max) {
  dnn::PoolParams params;
  auto read = [&](StringRef name, SmallVector<int64_t> &into,
                  ArrayRef<int64_t> fallback = {}) -> LogicalResult {
    FailureOr<SmallVector<int64_t>> values = op.expanded(name, spatial, fallback);
    if (failed(values))
      return failure();
    into = *values;
    return success();
  };
  if (failed(read("kernel_size", params.kernelSize)) ||
      failed(read("stride", params.strides, params.kernelSize)) ||
      failed(read("padding", params.paddingLow)))
    return failure();
  params.paddingHigh = params.paddingLow;
  params.dilations.assign(spatial, 1);
  if (max) {
    if (failed(read("dilation", params.dilations)))
      return failure();
    return params;
  }
  params.countIncludePad = op.flag("count_include_pad");
  params.divisorOverride = op.optionalInteger("divisor_override");
  if (params.divisorOverride == 0)
    return op.error() << "expected a non-zero `divisor_override`";
  return params;
}

/// Checks a gradient's operand against what the forward op would have given.
static LogicalResult checkGrad(AtenOp &op, Value grad, Value input, const dnn::PoolParams &params) {
  FailureOr<SmallVector<int64_t>> shape = dnn::inferPoolShape(
      typeOf(input).getShape(), params, op.flag("ceil_mode"), [&] { return op.error(); });
  if (failed(shape))
    return failure();
  RankedTensorType expected = withShape(typeOf(input), *shape);
  if (grad.getType() == expected)
    return success();
  return op.error() << "expected a gradient of type " << expected << ", got " << grad.getType();
}

//===----------------------------------------------------------------------===//
// Max pools
//===----------------------------------------------------------------------===//

static ConvertFn convertMaxPool(int64_t spatial, bool withIndices) {
  return [=](AtenOp &op) -> LogicalResult {
    ImplicitLocOpBuilder &b = op.builder();
    if (failed(checkPooled(op, "self", spatial)))
      return failure();
    bool batched = typeOf(op.tensor("self")).getRank() == spatial + 2;
    Value self = withBatch(b, op.tensor("self"), spatial);
    FailureOr<dnn::PoolParams> params = readPool(op, spatial, /*max=*/true);
    if (failed(params) ||
        failed(dnn::inferPoolShape(typeOf(self).getShape(), *params, op.flag("ceil_mode"),
                                   [&] { return op.error(); })))
      return failure();
    auto pooled = dnn::createMaxPool(b, b.getLoc(), self, *params, op.flag("ceil_mode"));
    if (failed(pooled))
      return failure();
    SmallVector<Value> results = {withoutBatch(b, pooled->first, batched)};
    if (withIndices)
      results.push_back(withoutBatch(b, pooled->second, batched));
    return op.replaceWith(results);
  };
}

static ConvertFn convertMaxPoolBackward(int64_t spatial) {
  return [=](AtenOp &op) -> LogicalResult {
    ImplicitLocOpBuilder &b = op.builder();
    if (failed(checkPooled(op, "self", spatial)))
      return failure();
    Value grad = op.tensor("grad_output"), indices = op.tensor("indices");
    if (!typeOf(indices).getElementType().isInteger(64) ||
        typeOf(indices).getShape() != typeOf(grad).getShape())
      return op.error() << "expected i64 `indices` of the gradient's shape, got "
                        << indices.getType();
    bool batched = typeOf(op.tensor("self")).getRank() == spatial + 2;
    Value self = withBatch(b, op.tensor("self"), spatial);
    if (!batched && typeOf(grad).getRank() != spatial + 1)
      return op.error() << "expected a gradient of rank " << spatial + 1;
    grad = withBatch(b, grad, spatial);
    FailureOr<dnn::PoolParams> params = readPool(op, spatial, /*max=*/true);
    if (failed(params) || failed(checkGrad(op, grad, self, *params)))
      return failure();
    Value result = dnn::createMaxPoolGrad(b, b.getLoc(), grad, withBatch(b, indices, spatial),
                                          sizesOf(b, typeOf(self).getShape()), *params);
    return op.replaceWith(withoutBatch(b, result, batched));
  };
}

//===----------------------------------------------------------------------===//
// Average pools
//===----------------------------------------------------------------------===//

static ConvertFn convertAvgPool(int64_t spatial) {
  return [=](AtenOp &op) -> LogicalResult {
    ImplicitLocOpBuilder &b = op.builder();
    if (failed(checkPooled(op, "self", spatial)))
      return failure();
    bool batched = typeOf(op.tensor("self")).getRank() == spatial + 2;
    Value self = withBatch(b, op.tensor("self"), spatial);
    FailureOr<dnn::PoolParams> params = readPool(op, spatial, /*max=*/false);
    if (failed(params) ||
        failed(dnn::inferPoolShape(typeOf(self).getShape(), *params, op.flag("ceil_mode"),
                                   [&] { return op.error(); })))
      return failure();
    FailureOr<Value> pooled =
        dnn::createAvgPool(b, b.getLoc(), self, *params, op.flag("ceil_mode"));
    return failed(pooled) ? failure() : op.replaceWith(withoutBatch(b, *pooled, batched));
  };
}

static ConvertFn convertAvgPoolBackward(int64_t spatial) {
  return [=](AtenOp &op) -> LogicalResult {
    ImplicitLocOpBuilder &b = op.builder();
    if (failed(checkPooled(op, "self", spatial)))
      return failure();
    bool batched = typeOf(op.tensor("self")).getRank() == spatial + 2;
    Value self = withBatch(b, op.tensor("self"), spatial);
    Value grad = op.tensor("grad_output");
    if (!batched && typeOf(grad).getRank() != spatial + 1)
      return op.error() << "expected a gradient of rank " << spatial + 1;
    grad = withBatch(b, grad, spatial);
    FailureOr<dnn::PoolParams> params = readPool(op, spatial, /*max=*/false);
    if (failed(params) || failed(checkGrad(op, grad, self, *params)))
      return failure();
    Value result =
        dnn::createAvgPoolGrad(b, b.getLoc(), grad, sizesOf(b, typeOf(self).getShape()), *params);
    return op.replaceWith(withoutBatch(b, result, batched));
  };
}

//===----------------------------------------------------------------------===//
// Adaptive pools
//===----------------------------------------------------------------------===//

/// The equal windows of an adaptive pool; nullopt if a size does not divide.
static std::optional<dnn::PoolParams> evenWindows(ArrayRef<int64_t> in, ArrayRef<int64_t> out) {
  dnn::PoolParams params;
  for (auto [from, to] : llvm::zip_equal(in, out)) {
    if (from % to)
      return std::nullopt;
    params.kernelSize.push_back(from / to);
  }
  params.strides = params.kernelSize;
  params.paddingLow.assign(in.size(), 0);
  params.paddingHigh = params.paddingLow;
  params.dilations.assign(in.size(), 1);
  return params;
}

/// Window w of an axis covers [floor(w*in/out), ceil((w+1)*in/out)). Calls use(inside, length) for
/// window `w` and position `p`.
static Value uneven(Body &b, Value w, Value p, int64_t in, int64_t out, Value x) {
  Value inSize = b.indexConstant(in), outSize = b.indexConstant(out), one = b.indexConstant(1);
  Value first = b.call<arith::DivSIOp>(b.call<arith::MulIOp>(w, inSize), outSize);
  Value next = b.call<arith::MulIOp>(b.call<arith::AddIOp>(w, one), inSize);
  Value end = b.call<arith::CeilDivSIOp>(next, outSize);
  Value inside = b.both(b.call<arith::CmpIOp>(arith::CmpIPredicate::sge, p, first),
                        b.call<arith::CmpIOp>(arith::CmpIPredicate::slt, p, end));
  Value length = b.cast(
      b.call<arith::IndexCastOp>(Type(b.b.getI64Type()), Value(b.call<arith::SubIOp>(end, first))),
      x.getType());
  return b.select(inside, b.div(x, length), b.like(x, 0));
}

/// Averages each of the last `spatial` axes over its windows, or (backward) spreads them.
static Value averageAxes(ImplicitLocOpBuilder &b, Value value, ArrayRef<int64_t> in,
                         ArrayRef<int64_t> out, bool backward) {
  Type element = typeOf(value).getElementType();
  int64_t outer = typeOf(value).getRank() - static_cast<int64_t>(in.size());
  for (auto [i, from] : llvm::enumerate(in)) {
    int64_t to = out[i], source = from;
    value = emitAxisSum(b, value, outer + i, backward ? source : to, computeTypeOf(element),
                        [&](Body &body, Value x, Value position, Value read) {
                          return backward ? uneven(body, read, position, source, to, x)
                                          : uneven(body, position, read, source, to, x);
                        });
  }
  return emitCast(b, value, element);
}

static FailureOr<SmallVector<int64_t>> readOutputSize(AtenOp &op, int64_t spatial) {
  FailureOr<SmallVector<int64_t>> out = op.expanded("output_size", spatial);
  if (failed(out))
    return failure();
  for (int64_t size : *out)
    if (size <= 0 || size > (int64_t(1) << 31))
      return op.error() << "expected positive sizes in `output_size`, got " << size;
  return out;
}

static ConvertFn convertAdaptiveAvgPool(int64_t spatial) {
  return [=](AtenOp &op) -> LogicalResult {
    ImplicitLocOpBuilder &b = op.builder();
    if (failed(checkPooled(op, "self", spatial)))
      return failure();
    Value self = op.tensor("self");
    FailureOr<SmallVector<int64_t>> out = readOutputSize(op, spatial);
    if (failed(out))
      return failure();
    ArrayRef<int64_t> in = typeOf(self).getShape().take_back(spatial);
    if (in == ArrayRef<int64_t>(*out))
      return op.replaceWith(self);
    SmallVector<int64_t> shape(typeOf(self).getShape().drop_back(spatial));
    llvm::append_range(shape, *out);
    if (failed(broadcastShapes(op, {ArrayRef<int64_t>(shape)})))
      return failure();
    bool batched = typeOf(self).getRank() == spatial + 2;
    std::optional<dnn::PoolParams> even = evenWindows(in, *out);
    if (!even)
      return op.replaceWith(averageAxes(b, self, in, *out, /*backward=*/false));
    FailureOr<Value> pooled =
        dnn::createAvgPool(b, b.getLoc(), withBatch(b, self, spatial), *even, false);
    return failed(pooled) ? failure() : op.replaceWith(withoutBatch(b, *pooled, batched));
  };
}

static ConvertFn convertAdaptiveAvgPoolBackward(int64_t spatial) {
  return [=](AtenOp &op) -> LogicalResult {
    ImplicitLocOpBuilder &b = op.builder();
    if (failed(checkPooled(op, "self", spatial)))
      return failure();
    Value grad = op.tensor("grad_output"), self = op.tensor("self");
    RankedTensorType gradType = typeOf(grad), type = typeOf(self);
    if (gradType.getRank() != type.getRank() ||
        gradType.getElementType() != type.getElementType() ||
        gradType.getShape().drop_back(spatial) != type.getShape().drop_back(spatial))
      return op.error() << "expected a gradient like " << type << " but for the pooled sizes, got "
                        << gradType;
    ArrayRef<int64_t> in = type.getShape().take_back(spatial);
    ArrayRef<int64_t> out = gradType.getShape().take_back(spatial);
    if (in == out)
      return op.replaceWith(grad);
    bool batched = type.getRank() == spatial + 2;
    std::optional<dnn::PoolParams> even = evenWindows(in, out);
    if (!even)
      return op.replaceWith(averageAxes(b, grad, in, out, /*backward=*/true));
    Value result =
        dnn::createAvgPoolGrad(b, b.getLoc(), withBatch(b, grad, spatial),
                               sizesOf(b, typeOf(withBatch(b, self, spatial)).getShape()), *even);
    return op.replaceWith(withoutBatch(b, result, batched));
  };
}

static ConvertFn convertAdaptiveMaxPool(int64_t spatial, bool backward) {
  return [=](AtenOp &op) -> LogicalResult {
    ImplicitLocOpBuilder &b = op.builder();
    if (failed(checkPooled(op, "self", spatial)))
      return failure();
    bool batched = typeOf(op.tensor("self")).getRank() == spatial + 2;
    Value self = withBatch(b, op.tensor("self"), spatial);
    SmallVector<int64_t> out;
    if (backward) {
      RankedTensorType grad = typeOf(op.tensor("grad_output"));
      if (grad.getRank() != typeOf(op.tensor("self")).getRank() ||
          typeOf(op.tensor("indices")) != withElement(grad, b.getI64Type()))
        return op.error() << "expected a gradient of self's rank and i64 `indices` of its shape";
      out.assign(grad.getShape().take_back(spatial).begin(), grad.getShape().end());
    } else {
      FailureOr<SmallVector<int64_t>> sizes = readOutputSize(op, spatial);
      if (failed(sizes))
        return failure();
      out = *sizes;
    }
    ArrayRef<int64_t> in = typeOf(self).getShape().take_back(spatial);
    std::optional<dnn::PoolParams> even = evenWindows(in, out);
    if (!even)
      return op.error() << "is supported only where the output's sizes divide the input's";
    if (!backward) {
      auto pooled = dnn::createMaxPool(b, b.getLoc(), self, *even, false);
      if (failed(pooled))
        return failure();
      return op.replaceWith(
          {withoutBatch(b, pooled->first, batched), withoutBatch(b, pooled->second, batched)});
    }
    Value grad = withBatch(b, op.tensor("grad_output"), spatial);
    SmallVector<int64_t> expected(typeOf(self).getShape().drop_back(spatial));
    llvm::append_range(expected, out);
    if (grad.getType() != withShape(typeOf(self), expected))
      return op.error() << "expected a gradient of type " << withShape(typeOf(self), expected)
                        << ", got " << grad.getType();
    Value result =
        dnn::createMaxPoolGrad(b, b.getLoc(), grad, withBatch(b, op.tensor("indices"), spatial),
                               sizesOf(b, typeOf(self).getShape()), *even);
    return op.replaceWith(withoutBatch(b, result, batched));
  };
}

void mlir::abn::aten::addPooling(Registry &r) {
  for (int64_t spatial : {1, 2, 3}) {
    std::string d = std::to_string(spatial) + "d";
    std::string maxArgs = "int[] kernel_size, int[] stride, int[] padding, int[] dilation, "
                          "bool ceil_mode";
    std::string avgArgs = "int[] kernel_size, int[] stride, int[] padding, bool ceil_mode, "
                          "bool count_include_pad";
    r.add("max_pool" + d + "(Tensor self, " + maxArgs + ") -> Tensor",
          convertMaxPool(spatial, false));
    r.add("max_pool" + d + "_with_indices(Tensor self, " + maxArgs + ") -> (Tensor, Tensor)",
          convertMaxPool(spatial, true));
    r.add("max_pool" + d + "_with_indices_backward(Tensor grad_output, Tensor self, " + maxArgs +
              ", Tensor indices) -> Tensor",
          convertMaxPoolBackward(spatial));
    if (spatial > 1) {
      avgArgs += ", int? divisor_override";
      r.add("avg_pool" + d + "(Tensor self, " + avgArgs + ") -> Tensor", convertAvgPool(spatial));
      r.add("avg_pool" + d + "_backward(Tensor grad_output, Tensor self, " + avgArgs +
                ") -> Tensor",
            convertAvgPoolBackward(spatial));
      r.add("_adaptive_avg_pool" + d + "(Tensor self, int[] output_size) -> Tensor",
            convertAdaptiveAvgPool(spatial));
      r.add("_adaptive_avg_pool" + d + "_backward(Tensor grad_output, Tensor self) -> Tensor",
            convertAdaptiveAvgPoolBackward(spatial));
      r.add("adaptive_max_pool" + d + "(Tensor self, int[] output_size) -> (Tensor, Tensor)",
            convertAdaptiveMaxPool(spatial, false));
      r.add("adaptive_max_pool" + d +
                "_backward(Tensor grad_output, Tensor self, Tensor indices) -> Tensor",
            convertAdaptiveMaxPool(spatial, true));
    }
  }
}
