// Layer and group norm with their gradients: both normalise rows of a matrix, so that both are the
// same arithmetic on reshaped operands. They never become abn.batch_norm, whose statistics run over
// the batch.
#include "../Emit/Emit.h"
#include "Registry.h"

using namespace mlir;
using namespace mlir::abn::aten;

namespace {
/// A view of the input in which the dimensions from `firstReduced` on share a mean. Weight and bias
/// broadcast against it as they are here.
struct NormView {
  SmallVector<int64_t> shape;
  int64_t firstReduced;
  Value weight, bias;
  Type compute;

  SmallVector<int64_t> reducedDims() const {
    return llvm::to_vector(llvm::seq<int64_t>(firstReduced, shape.size()));
  }
  double count() const {
    return static_cast<double>(countOf(ArrayRef<int64_t>(shape).drop_front(firstReduced)));
  }
  /// The shape of a statistic that broadcasts against the view.
  SmallVector<int64_t> statisticShape() const {
    SmallVector<int64_t> result(ArrayRef<int64_t>(shape).take_front(firstReduced));
    result.resize(shape.size(), 1);
    return result;
  }
};
} // namespace

static ReductionSpec rowSum(const NormView &view, ArrayRef<int64_t> dims) {
  return {view.shape, dims, /*keepDims=*/true, view.compute};
}

static Value divideBy(ImplicitLocOpBuilder &b, Value value, double count) {
  return emitElementwise(b, typeOf(value), value, nullptr, [&](Body &body, ValueRange a) {
    return body.div(a[0], body.like(a[0], count));
  });
}

/// y, mean and rstd, of which the statistics have `statisticShape`.
static SmallVector<Value> emitNorm(ImplicitLocOpBuilder &b, const NormView &view, Value x,
                                   double epsilon) {
  SmallVector<int64_t> dims = view.reducedDims();
  Value mean = divideBy(b, emitSum(b, rowSum(view, dims), x, nullptr), view.count());
  Value squares = emitSum(b, rowSum(view, dims), {x, mean}, [](Body &body, ValueRange a) {
    Value d = body.sub(a[0], a[1]);
    return body.mul(d, d);
  });
  Value rstd = emitElementwise(b, typeOf(squares), squares, nullptr, [&](Body &body, ValueRange a) {
    Value variance = body.div(a[0], body.like(a[0], view.count()));
    Value root = body.sqrt(body.add(variance, body.like(variance, epsilon)));
    return body.div(body.like(root, 1), root);
  });
  SmallVector<Value> inputs = {x, mean, rstd};
  if (view.weight)
    inputs.push_back(view.weight);
  if (view.bias)
    inputs.push_back(view.bias);
  Value y = emitElementwise(b, typeOf(x), inputs, view.compute, [&](Body &body, ValueRange a) {
    Value value = body.mul(body.sub(a[0], a[1]), a[2]);
    if (view.weight)
      value = body.mul(value, a[3]);
    return view.bias ? body.add(value, a.back()) : value;
  });
  return {y, mean, rstd};
}

/// dx = rstd * (g - mean(g) - xhat * mean(g * xhat)) with g = dy * weight.
static Value emitInputGrad(ImplicitLocOpBuilder &b, const NormView &view, Value dy, Value x,
                           Value mean, Value rstd) {
  SmallVector<Value> inputs = {dy, x, mean, rstd};
  if (view.weight)
    inputs.push_back(view.weight);
  auto gradient = [&](Body &body, ValueRange a) {
    return view.weight ? body.mul(a[0], a[4]) : a[0];
  };
  auto normalized = [](Body &body, ValueRange a) { return body.mul(body.sub(a[1], a[2]), a[3]); };
  SmallVector<int64_t> dims = view.reducedDims();
  Value sum = emitSum(b, rowSum(view, dims), inputs, gradient);
  Value dot = emitSum(b, rowSum(view, dims), inputs, [&](Body &body, ValueRange a) {
    return body.mul(gradient(body, a), normalized(body, a));
  });
  inputs.append({sum, dot});
  double count = view.count();
  return emitElementwise(b, typeOf(x), inputs, view.compute, [&](Body &body, ValueRange a) {
    ValueRange sums = a.take_back(2);
    Value g = gradient(body, a), xhat = normalized(body, a), n = body.like(g, count);
    Value centred =
        body.sub(body.sub(g, body.div(sums[0], n)), body.mul(xhat, body.div(sums[1], n)));
    return body.mul(a[3], centred);
  });
}

/// Sums of dy * xhat and of dy over the dimensions along which weight and bias are broadcast.
static std::pair<Value, Value> emitAffineGrads(ImplicitLocOpBuilder &b, const NormView &view,
                                               ArrayRef<int64_t> dims, Value dy, Value x,
                                               Value mean, Value rstd) {
  ReductionSpec spec{view.shape, dims, /*keepDims=*/false, view.compute};
  Value weight = emitSum(b, spec, {dy, x, mean, rstd}, [](Body &body, ValueRange a) {
    return body.mul(a[0], body.mul(body.sub(a[1], a[2]), a[3]));
  });
  return {weight, emitSum(b, spec, dy, nullptr)};
}

/// A value in the shape and element type of result `index`; null if that is not wanted.
static FailureOr<Value> asResult(AtenOp &op, Value value, unsigned index, ArrayRef<int64_t> shape) {
  RankedTensorType type = op.resultType(index);
  if (!type || !value)
    return Value();
  if (!isa<FloatType>(type.getElementType()))
    return op.error() << "result " << index << ": expected floating-point elements, got " << type;
  return emitCast(op.builder(), emitReshape(op.builder(), value, shape), type.getElementType());
}

static LogicalResult replaceAll(AtenOp &op, ArrayRef<FailureOr<Value>> results) {
  SmallVector<Value> values;
  for (const FailureOr<Value> &result : results) {
    if (failed(result))
      return failure();
    values.push_back(*result);
  }
  return op.replaceWith(values);
}

//===----------------------------------------------------------------------===//
// Layer norm
//===----------------------------------------------------------------------===//

static FailureOr<NormView> readLayerNorm(AtenOp &op) {
  RankedTensorType type = typeOf(op.tensor("input"));
  SmallVector<int64_t> normalized = op.integers("normalized_shape");
  if (failed(op.expectFloat("input")))
    return failure();
  if (normalized.empty() || static_cast<int64_t>(normalized.size()) > type.getRank() ||
      type.getShape().take_back(normalized.size()) != ArrayRef<int64_t>(normalized))
    return op.error() << "expected `normalized_shape` to be the last sizes of " << type;
  NormView view;
  view.shape.assign(type.getShape().begin(), type.getShape().end());
  view.firstReduced = type.getRank() - normalized.size();
  view.weight = op.tensor("weight");
  view.bias = op.tensor("bias");
  view.compute = computeTypeOf(type.getElementType());
  for (StringRef name : {"weight", "bias"})
    if (op.tensor(name) &&
        (failed(op.expectShape(name, normalized)) || failed(op.expectFloat(name))))
      return failure();
  return view;
}

static LogicalResult convertLayerNorm(AtenOp &op) {
  FailureOr<NormView> view = readLayerNorm(op);
  if (failed(view))
    return failure();
  SmallVector<Value> results = emitNorm(op.builder(), *view, op.tensor("input"), op.number("eps"));
  SmallVector<int64_t> statistics = view->statisticShape();
  return replaceAll(op, {results[0], asResult(op, results[1], 1, statistics),
                         asResult(op, results[2], 2, statistics)});
}

static LogicalResult convertLayerNormBackward(AtenOp &op) {
  ImplicitLocOpBuilder &b = op.builder();
  FailureOr<NormView> view = readLayerNorm(op);
  if (failed(view))
    return failure();
  Value dy = op.tensor("grad_out"), x = op.tensor("input");
  Value mean = op.tensor("mean"), rstd = op.tensor("rstd");
  SmallVector<int64_t> statistics = view->statisticShape();
  if (failed(op.expectShape("grad_out", view->shape)) || failed(op.expectFloat("grad_out")) ||
      failed(op.expectShape("mean", statistics)) || failed(op.expectFloat("mean")) ||
      failed(op.expectShape("rstd", statistics)) || failed(op.expectFloat("rstd")))
    return failure();
  SmallVector<int64_t> outer = llvm::to_vector(llvm::seq<int64_t>(0, view->firstReduced));
  SmallVector<int64_t> normalized = op.integers("normalized_shape");
  SmallVector<bool> mask = op.flags("output_mask");
  Value dx = mask[0] ? emitInputGrad(b, *view, dy, x, mean, rstd) : Value();
  auto [dw, db] = emitAffineGrads(b, *view, outer, dy, x, mean, rstd);
  return replaceAll(op, {asResult(op, dx, 0, view->shape),
                         asResult(op, mask[1] ? dw : Value(), 1, normalized),
                         asResult(op, mask[2] ? db : Value(), 2, normalized)});
}

//===----------------------------------------------------------------------===//
// Group norm
//===----------------------------------------------------------------------===//

/// The input as [N, group, C/group, HxW].
static FailureOr<NormView> readGroupNorm(AtenOp &op, bool hasBias) {
  ImplicitLocOpBuilder &b = op.builder();
  RankedTensorType type = typeOf(op.tensor("input"));
  int64_t n = op.integer("N"), c = op.integer("C"), plane = op.integer("HxW");
  int64_t group = op.integer("group");
  if (failed(op.expectFloat("input")))
    return failure();
  if (type.getRank() < 2 || type.getDimSize(0) != n || type.getDimSize(1) != c ||
      countOf(type.getShape().drop_front(2)) != plane)
    return op.error() << "expected `N`, `C` and `HxW` to be the sizes of " << type;
  if (group <= 0 || c % group)
    return op.error() << "expected `group` to divide " << c << " channels, got " << group;
  NormView view;
  view.shape = {n, group, c / group, plane};
  view.firstReduced = 2;
  view.compute = computeTypeOf(type.getElementType());
  auto read = [&](StringRef name, Value &into) -> LogicalResult {
    Value vector = op.tensor(name);
    if (!vector)
      return success();
    if (failed(op.expectShape(name, {c})) || failed(op.expectFloat(name)))
      return failure();
    into = emitReshape(b, vector, {1, group, c / group, 1});
    return success();
  };
  if (failed(read("weight", view.weight)) || (hasBias && failed(read("bias", view.bias))))
    return failure();
  return view;
}

static LogicalResult convertGroupNorm(AtenOp &op) {
  ImplicitLocOpBuilder &b = op.builder();
  FailureOr<NormView> view = readGroupNorm(op, /*hasBias=*/true);
  if (failed(view))
    return failure();
  Value input = op.tensor("input");
  SmallVector<Value> results =
      emitNorm(b, *view, emitReshape(b, input, view->shape), op.number("eps"));
  ArrayRef<int64_t> statistics = ArrayRef<int64_t>(view->shape).take_front(2);
  return replaceAll(op, {emitReshape(b, results[0], typeOf(input).getShape()),
                         asResult(op, results[1], 1, statistics),
                         asResult(op, results[2], 2, statistics)});
}

static LogicalResult convertGroupNormBackward(AtenOp &op) {
  ImplicitLocOpBuilder &b = op.builder();
  FailureOr<NormView> view = readGroupNorm(op, /*hasBias=*/false);
  if (failed(view))
    return failure();
  ArrayRef<int64_t> shape = typeOf(op.tensor("input")).getShape();
  ArrayRef<int64_t> statistics = ArrayRef<int64_t>(view->shape).take_front(2);
  if (failed(op.expectShape("grad_out", shape)) || failed(op.expectFloat("grad_out")) ||
      failed(op.expectShape("mean", statistics)) || failed(op.expectFloat("mean")) ||
      failed(op.expectShape("rstd", statistics)) || failed(op.expectFloat("rstd")))
    return failure();
  auto viewed = [&](StringRef name) { return emitReshape(b, op.tensor(name), view->shape); };
  SmallVector<int64_t> aligned = view->statisticShape();
  Value dy = viewed("grad_out"), x = viewed("input");
  Value mean = emitReshape(b, op.tensor("mean"), aligned);
  Value rstd = emitReshape(b, op.tensor("rstd"), aligned);
  SmallVector<bool> mask = op.flags("output_mask");
  Value dx = mask[0] ? emitInputGrad(b, *view, dy, x, mean, rstd) : Value();
  auto [dw, db] = emitAffineGrads(b, *view, {0, 3}, dy, x, mean, rstd);
  return replaceAll(op, {asResult(op, dx, 0, shape),
                         asResult(op, mask[1] ? dw : Value(), 1, {shape[1]}),
                         asResult(op, mask[2] ? db : Value(), 2, {shape[1]})});
}

void mlir::abn::aten::addGroupNorm(Registry &r) {
  std::string three = " -> (Tensor, Tensor, Tensor)";
  r.add("native_layer_norm(Tensor input, int[] normalized_shape, Tensor? weight, Tensor? bias, "
        "float eps)" +
            three,
        convertLayerNorm);
  r.add("native_layer_norm_backward(Tensor grad_out, Tensor input, int[] normalized_shape, "
        "Tensor mean, Tensor rstd, Tensor? weight, Tensor? bias, bool[3] output_mask)" +
            three,
        convertLayerNormBackward);
  r.add("native_group_norm(Tensor input, Tensor? weight, Tensor? bias, int N, int C, int HxW, "
        "int group, float eps)" +
            three,
        convertGroupNorm);
  r.add("native_group_norm_backward(Tensor grad_out, Tensor input, Tensor mean, Tensor rstd, "
        "Tensor? weight, int N, int C, int HxW, int group, bool[3] output_mask)" +
            three,
        convertGroupNormBackward);
}
