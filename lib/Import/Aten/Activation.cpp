// Activations and their gradients.
#include "Activation.h"
#include "Promotion.h"
#include "Registry.h"
#include <cmath>

using namespace mlir;
using namespace mlir::abn;
using namespace mlir::abn::aten;

static bool hasAbnRank(RankedTensorType type) { return type.getRank() >= 2 && type.getRank() <= 5; }

/// Per-channel vectors as they broadcast against a tensor of `rank` whose channel is dimension 1.
static SmallVector<Value> alignParams(ImplicitLocOpBuilder &b, ValueRange params, int64_t rank) {
  SmallVector<Value> aligned;
  for (Value param : params) {
    SmallVector<int64_t> shape(std::max<int64_t>(rank - 1, 1), 1);
    shape.front() = typeOf(param).getDimSize(0);
    aligned.push_back(emitReshape(b, param, shape));
  }
  return aligned;
}

Value mlir::abn::aten::emitActivation(ImplicitLocOpBuilder &b, ActivationAttrInterface phi, Value y,
                                      ValueRange params) {
  RankedTensorType type = typeOf(y);
  if (hasAbnRank(type)) {
    Value init = emitEmpty(b, type.getShape(), type.getElementType());
    return ActivationOp::create(b, ValueRange{init}.getTypes(), y, params, ValueRange{init}, phi,
                                /*channel_dim=*/1)
        ->getResult(0);
  }
  SmallVector<Value> inputs = {y};
  inputs.append(alignParams(b, params, type.getRank()));
  return emitElementwise(
      b, type, inputs, computeTypeOf(type.getElementType()),
      [&](Body &body, ValueRange a) { return phi.apply(body.b, body.loc, a[0], a.drop_front()); });
}

Value mlir::abn::aten::emitActivationGrad(ImplicitLocOpBuilder &b, ActivationAttrInterface phi,
                                          Value outputGrad, Value value, bool fromOutput,
                                          ValueRange params) {
  RankedTensorType type = typeOf(value);
  if (hasAbnRank(type)) {
    Value init = emitEmpty(b, type.getShape(), type.getElementType());
    return ActivationGradOp::create(b, ValueRange{init}.getTypes(), outputGrad, value, params,
                                    ValueRange{init}, phi, fromOutput, /*channel_dim=*/1)
        ->getResult(0);
  }
  SmallVector<Value> inputs = {outputGrad, value};
  inputs.append(alignParams(b, params, type.getRank()));
  return emitElementwise(
      b, type, inputs, computeTypeOf(type.getElementType()), [&](Body &body, ValueRange a) {
        Value slope = fromOutput ? phi.derivativeFromOutput(body.b, body.loc, a[1], a.drop_front(2))
                                 : phi.derivative(body.b, body.loc, a[1], a.drop_front(2));
        return body.mul(a[0], slope);
      });
}

/// Makes the attribute from the op's arguments; null (after a report) if they are not valid.
using ActivationFn = std::function<ActivationAttrInterface(AtenOp &)>;

template <typename AttrTy> static ActivationAttrInterface plain(AtenOp &op) {
  return AttrTy::get(op.builder().getContext());
}

/// A number as a parameter of an activation; reports one that is not finite.
static double finite(AtenOp &op, StringRef name, bool &ok) {
  double value = op.scalar(name).value_or(ScalarArgument()).number;
  if (!std::isfinite(value)) {
    if (ok)
      op.error() << "expected a finite `" << name << "`";
    ok = false;
  }
  return value;
}

/// An attribute with float parameters that the named arguments give.
template <typename AttrTy, typename... Names> static ActivationFn parametric(Names... names) {
  return [=](AtenOp &op) -> ActivationAttrInterface {
    bool ok = true;
    // Braces fix the order of evaluation.
    std::array<APFloat, sizeof...(names)> values{APFloat(finite(op, names, ok))...};
    if (!ok)
      return {};
    return std::apply(
        [&](auto... v) {
          return AttrTy::getChecked([&] { return op.error(); }, op.builder().getContext(), v...);
        },
        values);
  };
}

static ActivationAttrInterface gelu(AtenOp &op) {
  StringRef form = op.string("approximate");
  if (form == "none")
    return plain<GeluAttr>(op);
  if (form == "tanh")
    return plain<GeluTanhAttr>(op);
  op.error() << "expected `approximate` none or tanh, got " << form;
  return {};
}

static ConvertFn forward(ActivationFn makeActivation) {
  return [=](AtenOp &op) -> LogicalResult {
    if (failed(op.expectFloat("self")))
      return failure();
    ActivationAttrInterface phi = makeActivation(op);
    if (!phi)
      return failure();
    return op.replaceWith(emitActivation(op.builder(), phi, op.tensor("self")));
  };
}

LogicalResult mlir::abn::aten::checkGradOperands(AtenOp &op, StringRef grad, StringRef value) {
  if (failed(op.expectFloat(value)))
    return failure();
  if (op.tensor(grad).getType() == op.tensor(value).getType())
    return success();
  return op.error() << "expected `" << grad << "` and `" << value << "` of the same type, got "
                    << op.tensor(grad).getType() << " and " << op.tensor(value).getType();
}

/// Where a gradient's schema says whether the tensor is phi's input or its output.
enum class GradFrom { Input, Output, Flag };

static ConvertFn backward(ActivationFn makeActivation, StringRef value, GradFrom from,
                          StringRef flagName = "") {
  return [=](AtenOp &op) -> LogicalResult {
    if (failed(checkGradOperands(op, "grad_output", value)))
      return failure();
    ActivationAttrInterface phi = makeActivation(op);
    if (!phi)
      return failure();
    bool fromOutput = from == GradFrom::Output || (from == GradFrom::Flag && op.flag(flagName));
    if (fromOutput && !phi.hasDerivativeFromOutput())
      return op.error() << "the derivative of " << phi << " cannot be computed from its output";
    return op.replaceWith(emitActivationGrad(op.builder(), phi, op.tensor("grad_output"),
                                             op.tensor(value), fromOutput));
  };
}

/// relu's gradient is `threshold_backward(grad, result, 0)`; any other threshold is elementwise.
static LogicalResult convertThresholdBackward(AtenOp &op) {
  if (failed(checkGradOperands(op, "grad_output", "self")))
    return failure();
  ImplicitLocOpBuilder &b = op.builder();
  Value grad = op.tensor("grad_output"), self = op.tensor("self");
  double threshold = op.scalar("threshold")->number;
  if (threshold == 0) {
    auto producer = self.getDefiningOp<ActivationOp>();
    bool isResult = producer && isa<ReluAttr>(producer.getActivation());
    return op.replaceWith(
        emitActivationGrad(b, plain<ReluAttr>(op), grad, self, /*fromOutput=*/isResult));
  }
  RankedTensorType type = typeOf(self);
  return op.replaceWith(emitElementwise(b, type, {grad, self}, computeTypeOf(type.getElementType()),
                                        [&](Body &body, ValueRange a) {
                                          Value below = body.compare(Compare::LE, a[1], threshold);
                                          return body.select(below, body.like(a[0], 0), a[0]);
                                        }));
}

//===----------------------------------------------------------------------===//
// prelu
//===----------------------------------------------------------------------===//

/// prelu's weight as one slope per channel, null if it varies along other dimensions.
static Value slopePerChannel(AtenOp &op, RankedTensorType type, Value weight) {
  RankedTensorType weightType = typeOf(weight);
  if (!hasAbnRank(type) || weightType.getElementType() != type.getElementType())
    return {};
  int64_t channels = type.getDimSize(1);
  int64_t channelDim = 1 - (type.getRank() - weightType.getRank());
  for (auto [i, size] : llvm::enumerate(weightType.getShape()))
    if (size != 1 && static_cast<int64_t>(i) != channelDim)
      return {};
  Value vector = emitReshape(op.builder(), weight, {weightType.getNumElements()});
  return emitBroadcast(op.builder(), vector, {channels});
}

static LogicalResult checkPreluWeight(AtenOp &op) {
  if (failed(op.expectFloat("self")) || failed(op.expectFloat("weight")))
    return failure();
  if (!isBroadcastableTo(typeOf(op.tensor("weight")).getShape(),
                         typeOf(op.tensor("self")).getShape()))
    return op.error() << "`weight` of type " << op.tensor("weight").getType()
                      << " does not broadcast to " << op.tensor("self").getType();
  return success();
}

static LogicalResult convertPrelu(AtenOp &op) {
  if (failed(checkPreluWeight(op)))
    return failure();
  Value self = op.tensor("self"), weight = op.tensor("weight");
  RankedTensorType type = typeOf(self);
  if (Value slopes = slopePerChannel(op, type, weight))
    return op.replaceWith(emitActivation(op.builder(), plain<PreluAttr>(op), self, slopes));
  return op.replaceWith(
      emitElementwise(op.builder(), type, {self, weight}, computeTypeOf(type.getElementType()),
                      [](Body &b, ValueRange a) {
                        return b.select(b.compare(Compare::GT, a[0], 0.0), a[0], b.mul(a[1], a[0]));
                      }));
}

/// The gradient of the weight has self's shape; the graph sums it afterwards.
static LogicalResult convertPreluBackward(AtenOp &op) {
  if (failed(checkPreluWeight(op)) || failed(checkGradOperands(op, "grad_output", "self")))
    return failure();
  ImplicitLocOpBuilder &b = op.builder();
  Value grad = op.tensor("grad_output"), self = op.tensor("self"), weight = op.tensor("weight");
  RankedTensorType type = typeOf(self);
  Type compute = computeTypeOf(type.getElementType());
  Value inputGrad;
  if (Value slopes = slopePerChannel(op, type, weight))
    inputGrad = emitActivationGrad(b, plain<PreluAttr>(op), grad, self, false, slopes);
  else
    inputGrad =
        emitElementwise(b, type, {grad, self, weight}, compute, [](Body &body, ValueRange a) {
          Value positive = body.compare(Compare::GT, a[1], 0.0);
          return body.select(positive, a[0], body.mul(a[2], a[0]));
        });
  Value weightGrad = emitElementwise(b, type, {grad, self}, compute, [](Body &body, ValueRange a) {
    Value positive = body.compare(Compare::GT, a[1], 0.0);
    return body.select(positive, body.like(a[0], 0), body.mul(a[1], a[0]));
  });
  return op.replaceWith({inputGrad, weightGrad});
}

void mlir::abn::aten::addActivations(Registry &r) {
  auto pair = [&](StringRef args, ActivationFn phi, StringRef gradArgs, StringRef value,
                  GradFrom from, StringRef flag = "") {
    r.add((args + " -> Tensor").str(), forward(phi));
    r.add((gradArgs + " -> Tensor").str(), backward(phi, value, from, flag));
  };
  r.add("relu(Tensor self) -> Tensor", forward(plain<ReluAttr>));
  r.add("threshold_backward(Tensor grad_output, Tensor self, Scalar threshold) -> Tensor",
        convertThresholdBackward);
  pair("leaky_relu(Tensor self, Scalar negative_slope)",
       parametric<LeakyReluAttr>("negative_slope"),
       "leaky_relu_backward(Tensor grad_output, Tensor self, Scalar negative_slope, "
       "bool self_is_result)",
       "self", GradFrom::Flag, "self_is_result");
  pair("elu(Tensor self, Scalar alpha, Scalar scale, Scalar input_scale)",
       parametric<EluAttr>("alpha", "scale", "input_scale"),
       "elu_backward(Tensor grad_output, Scalar alpha, Scalar scale, Scalar input_scale, "
       "bool is_result, Tensor self_or_result)",
       "self_or_result", GradFrom::Flag, "is_result");
  pair("hardtanh(Tensor self, Scalar min_val, Scalar max_val)",
       parametric<HardtanhAttr>("min_val", "max_val"),
       "hardtanh_backward(Tensor grad_output, Tensor self, Scalar min_val, Scalar max_val)", "self",
       GradFrom::Input);
  pair("softplus(Tensor self, Scalar beta, Scalar threshold)",
       parametric<SoftplusAttr>("beta", "threshold"),
       "softplus_backward(Tensor grad_output, Tensor self, Scalar beta, Scalar threshold)", "self",
       GradFrom::Input);
  pair("gelu(Tensor self, *, str approximate=\"none\")", gelu,
       "gelu_backward(Tensor grad_output, Tensor self, *, str approximate=\"none\")", "self",
       GradFrom::Input);
  pair("sigmoid(Tensor self)", plain<SigmoidAttr>,
       "sigmoid_backward(Tensor grad_output, Tensor output)", "output", GradFrom::Output);
  pair("tanh(Tensor self)", plain<TanhAttr>, "tanh_backward(Tensor grad_output, Tensor output)",
       "output", GradFrom::Output);
  pair("silu(Tensor self)", plain<SiluAttr>, "silu_backward(Tensor grad_output, Tensor self)",
       "self", GradFrom::Input);
  pair("mish(Tensor self)", plain<MishAttr>, "mish_backward(Tensor grad_output, Tensor self)",
       "self", GradFrom::Input);
  pair("hardswish(Tensor self)", plain<HardswishAttr>,
       "hardswish_backward(Tensor grad_output, Tensor self)", "self", GradFrom::Input);
  pair("hardsigmoid(Tensor self)", plain<HardsigmoidAttr>,
       "hardsigmoid_backward(Tensor grad_output, Tensor self)", "self", GradFrom::Input);
  r.add("celu(Tensor self, Scalar alpha) -> Tensor", forward(parametric<CeluAttr>("alpha")));
  r.add("selu(Tensor self) -> Tensor", forward(plain<SeluAttr>));
  r.add("relu6(Tensor self) -> Tensor", forward([](AtenOp &op) -> ActivationAttrInterface {
          return HardtanhAttr::get(op.builder().getContext(), APFloat(0.0), APFloat(6.0));
        }));
  r.add("_prelu_kernel(Tensor self, Tensor weight) -> Tensor", convertPrelu);
  r.add("_prelu_kernel_backward(Tensor grad_output, Tensor self, Tensor weight) -> "
        "(Tensor, Tensor)",
        convertPreluBackward);
}
