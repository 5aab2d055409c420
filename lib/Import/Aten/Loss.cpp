// Losses with class labels (nll) and with targets (mse, l1, smooth l1, huber, bce), and their
// gradients. A label picks its class with an indexed read in the forward direction and with a
// comparison in the gradient, so that nothing is scattered.
#include "Promotion.h"
#include "Registry.h"

using namespace mlir;
using namespace mlir::abn::aten;

namespace {
/// PyTorch's numbers for `reduction`.
enum class LossReduction { None = 0, Mean = 1, Sum = 2 };

struct NllArguments {
  Value self, target, weight;
  LossReduction reduction;
  int64_t ignoreIndex, classDim, classes;
  /// The labels' shape: self's without the class dimension.
  SmallVector<int64_t> shape;
  Type compute;
};
} // namespace

static FailureOr<LossReduction> readReduction(AtenOp &op) {
  int64_t value = op.integer("reduction");
  if (value < 0 || value > 2)
    return op.error() << "expected `reduction` 0, 1 or 2, got " << value;
  return static_cast<LossReduction>(value);
}

static FailureOr<NllArguments> readNll(AtenOp &op, bool spatial) {
  NllArguments nll;
  nll.self = op.tensor("self");
  nll.target = op.tensor("target");
  nll.weight = op.tensor("weight");
  RankedTensorType self = typeOf(nll.self), target = typeOf(nll.target);
  if (failed(op.expectFloat("self")))
    return failure();
  if (spatial ? self.getRank() != 4 : self.getRank() != 1 && self.getRank() != 2)
    return op.error() << "expected `self` of rank " << (spatial ? "4" : "1 or 2") << ", got "
                      << self;
  nll.classDim = self.getRank() == 1 ? 0 : 1;
  nll.classes = self.getDimSize(nll.classDim);
  nll.shape.assign(self.getShape().begin(), self.getShape().end());
  nll.shape.erase(nll.shape.begin() + nll.classDim);
  if (!target.getElementType().isInteger() || target.getElementType().isInteger(1))
    return op.error() << "expected integer labels for `target`, got " << target;
  if (failed(op.expectShape("target", nll.shape)))
    return failure();
  if (nll.weight &&
      (failed(op.expectShape("weight", {nll.classes})) || failed(op.expectFloat("weight"))))
    return failure();
  FailureOr<LossReduction> reduction = readReduction(op);
  if (failed(reduction))
    return failure();
  nll.reduction = *reduction;
  nll.ignoreIndex = op.integer("ignore_index");
  nll.compute = computeTypeOf(self.getElementType());
  return nll;
}

/// The label's weight, 0 if the label is to be ignored. `label` is read at the current position.
static Value labelWeight(Body &b, const NllArguments &nll, Value label) {
  ScalarArgument ignored;
  ignored.integer = nll.ignoreIndex;
  Value kept = b.compare(Compare::NE, label, b.constant(label.getType(), ignored));
  Value weight = b.constant(nll.compute, 1);
  if (nll.weight)
    weight = b.cast(b.extract(nll.weight, b.wrapIndex(label, nll.classes)), nll.compute);
  return b.select(kept, weight, b.constant(nll.compute, 0));
}

/// sum(values) over all dimensions, as rank 0.
static Value sumAll(ImplicitLocOpBuilder &b, Value value) {
  RankedTensorType type = typeOf(value);
  SmallVector<int64_t> dims = llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()));
  ReductionSpec spec{type.getShape(), dims, false, type.getElementType()};
  return emitSum(b, spec, value, nullptr);
}

static ConvertFn convertNllForward(bool spatial) {
  return [=](AtenOp &op) -> LogicalResult {
    ImplicitLocOpBuilder &b = op.builder();
    FailureOr<NllArguments> nll = readNll(op, spatial);
    if (failed(nll))
      return failure();
    Type element = typeOf(nll->self).getElementType();
    auto perLabel = RankedTensorType::get(nll->shape, nll->compute);
    SmallVector<Value> terms = emitElementwise(
        b, {perLabel, perLabel}, nll->target, nullptr,
        [&](Body &body, ValueRange a) -> SmallVector<Value> {
          Value weight = labelWeight(body, *nll, a[0]);
          SmallVector<Value> position;
          for (size_t i = 0; i < nll->shape.size(); ++i)
            position.push_back(body.index(i));
          position.insert(position.begin() + nll->classDim, body.wrapIndex(a[0], nll->classes));
          Value picked = body.cast(body.extract(nll->self, position), nll->compute);
          // A select, not a product: an ignored label may stand where self is infinite.
          Value ignored = body.compare(Compare::EQ, weight, 0.0);
          Value term = body.neg(body.mul(weight, picked));
          return {body.select(ignored, body.like(term, 0), term), weight};
        });
    auto scalar = RankedTensorType::get({}, element);
    if (nll->reduction == LossReduction::None)
      return op.replaceWith({emitCast(b, terms[0], element), emitFill(b, scalar, 0.0)});
    Value loss = sumAll(b, terms[0]), total = sumAll(b, terms[1]);
    if (nll->reduction == LossReduction::Mean)
      loss = emitElementwise(b, typeOf(loss), {loss, total}, nullptr,
                             [](Body &body, ValueRange a) { return body.div(a[0], a[1]); });
    return op.replaceWith({emitCast(b, loss, element), emitCast(b, total, element)});
  };
}

static ConvertFn convertNllBackward(bool spatial) {
  return [=](AtenOp &op) -> LogicalResult {
    ImplicitLocOpBuilder &b = op.builder();
    FailureOr<NllArguments> nll = readNll(op, spatial);
    if (failed(nll))
      return failure();
    Value grad = op.tensor("grad_output"), total = op.tensor("total_weight");
    bool none = nll->reduction == LossReduction::None;
    if (failed(op.expectFloat("grad_output")) || failed(op.expectFloat("total_weight")) ||
        failed(op.expectRank("total_weight", 0)) ||
        failed(op.expectShape("grad_output",
                              none ? ArrayRef<int64_t>(nll->shape) : ArrayRef<int64_t>())))
      return failure();
    // Labels and, without a reduction, the gradient broadcast along the class dimension.
    SmallVector<int64_t> aligned(nll->shape);
    aligned.insert(aligned.begin() + nll->classDim, 1);
    Value target = emitReshape(b, nll->target, aligned);
    if (none)
      grad = emitReshape(b, grad, aligned);
    RankedTensorType type = typeOf(nll->self);
    return op.replaceWith(
        emitElementwise(b, type, {grad, target, total}, nullptr, [&](Body &body, ValueRange a) {
          Value slope = body.cast(a[0], nll->compute);
          if (nll->reduction == LossReduction::Mean)
            slope = body.div(slope, body.cast(a[2], nll->compute));
          Value weight = labelWeight(body, *nll, a[1]);
          Value hit = body.call<arith::CmpIOp>(arith::CmpIPredicate::eq, body.index(nll->classDim),
                                               body.wrapIndex(a[1], nll->classes));
          Value counts = body.both(hit, body.compare(Compare::NE, weight, 0.0));
          return body.select(counts, body.neg(body.mul(weight, slope)), body.like(slope, 0));
        }));
  };
}

//===----------------------------------------------------------------------===//
// Targets of the input's shape
//===----------------------------------------------------------------------===//

/// The term of one element, from self, target, an optional weight (1) and the row's parameter.
using LossTermFn = Value (*)(Body &, ValueRange);

/// reduce(term(self, target)).
static ConvertFn pointwiseLoss(LossTermFn term, const char *parameter = nullptr,
                               std::vector<const char *> weights = {}) {
  return [=](AtenOp &op) -> LogicalResult {
    ImplicitLocOpBuilder &b = op.builder();
    SmallVector<Value> inputs = {op.tensor("self"), op.tensor("target")};
    if (failed(op.expectFloat("self")))
      return failure();
    SmallVector<int> weightAt;
    for (const char *name : weights) {
      Value weight = op.tensor(name);
      weightAt.push_back(weight ? inputs.size() : -1);
      if (weight)
        inputs.push_back(weight);
    }
    FailureOr<SmallVector<int64_t>> shape = broadcastShape(op, inputs);
    FailureOr<LossReduction> reduction = readReduction(op);
    if (failed(shape) || failed(reduction))
      return failure();
    Type element = promote({inputs[0], inputs[1]}, {}, b.getContext());
    Type compute = computeTypeOf(element);
    double number = parameter ? op.scalar(parameter).value_or(ScalarArgument()).number : 0;
    Value terms = emitElementwise(b, RankedTensorType::get(*shape, compute), inputs, compute,
                                  [&](Body &body, ValueRange a) {
                                    SmallVector<Value> args = {a[0], a[1]};
                                    for (int at : weightAt)
                                      args.push_back(at < 0 ? body.like(a[0], 1) : a[at]);
                                    if (parameter)
                                      args.push_back(body.like(a[0], number));
                                    return term(body, args);
                                  });
    double count = static_cast<double>(countOf(*shape));
    if (*reduction != LossReduction::None)
      terms = sumAll(b, terms);
    if (*reduction == LossReduction::Mean)
      terms = emitElementwise(b, typeOf(terms), terms, nullptr, [&](Body &body, ValueRange a) {
        return body.div(a[0], body.like(a[0], count));
      });
    return op.replaceWith(emitCast(b, terms, element));
  };
}

/// grad * slope(self, target), divided by the count for a mean.
static ConvertFn pointwiseLossBackward(LossTermFn slope, const char *parameter = nullptr,
                                       std::vector<const char *> weights = {}) {
  return [=](AtenOp &op) -> LogicalResult {
    ImplicitLocOpBuilder &b = op.builder();
    SmallVector<Value> inputs = {op.tensor("grad_output"), op.tensor("self"), op.tensor("target")};
    if (failed(op.expectFloat("self")))
      return failure();
    SmallVector<int> weightAt;
    for (const char *name : weights) {
      Value weight = op.tensor(name);
      weightAt.push_back(weight ? inputs.size() : -1);
      if (weight)
        inputs.push_back(weight);
    }
    FailureOr<SmallVector<int64_t>> shape = broadcastShape(op, inputs);
    FailureOr<LossReduction> reduction = readReduction(op);
    if (failed(shape) || failed(reduction))
      return failure();
    Type element = promote({inputs[1], inputs[2]}, {}, b.getContext());
    double number = parameter ? op.scalar(parameter).value_or(ScalarArgument()).number : 0;
    double count = *reduction == LossReduction::Mean ? static_cast<double>(countOf(*shape)) : 1;
    return op.replaceWith(emitElementwise(b, RankedTensorType::get(*shape, element), inputs,
                                          computeTypeOf(element), [&](Body &body, ValueRange a) {
                                            SmallVector<Value> args = {a[1], a[2]};
                                            for (int at : weightAt)
                                              args.push_back(at < 0 ? body.like(a[0], 1) : a[at]);
                                            if (parameter)
                                              args.push_back(body.like(a[0], number));
                                            Value value = body.mul(a[0], slope(body, args));
                                            return count == 1
                                                       ? value
                                                       : body.div(value, body.like(value, count));
                                          }));
  };
}

static Value absolute(Body &b, Value x) { return b.call<math::AbsFOp>(x); }

static Value signOf(Body &b, Value x) {
  Value zero = b.like(x, 0);
  Value negative = b.select(b.compare(Compare::LT, x, zero), b.like(x, -1), zero);
  return b.select(b.compare(Compare::GT, x, zero), b.like(x, 1), negative);
}

static void addPointwise(Registry &r) {
  auto pair = [&](StringRef name, LossTermFn term, LossTermFn slope,
                  const char *parameter = nullptr) {
    std::string tail = parameter ? (", float " + StringRef(parameter) + ") -> Tensor").str()
                                 : std::string(") -> Tensor");
    r.add((name + "(Tensor self, Tensor target, int reduction").str() + tail,
          pointwiseLoss(term, parameter));
    r.add((name + "_backward(Tensor grad_output, Tensor self, Tensor target, int reduction").str() +
              tail,
          pointwiseLossBackward(slope, parameter));
  };
  pair(
      "mse_loss",
      [](Body &b, ValueRange a) {
        Value d = b.sub(a[0], a[1]);
        return b.mul(d, d);
      },
      [](Body &b, ValueRange a) { return b.mul(b.like(a[0], 2), b.sub(a[0], a[1])); });
  pair(
      "smooth_l1_loss",
      [](Body &b, ValueRange a) {
        Value d = absolute(b, b.sub(a[0], a[1]));
        Value square = b.div(b.mul(b.mul(b.like(d, 0.5), d), d), a[2]);
        return b.select(b.compare(Compare::LT, d, a[2]), square,
                        b.sub(d, b.mul(b.like(d, 0.5), a[2])));
      },
      [](Body &b, ValueRange a) {
        Value d = b.sub(a[0], a[1]);
        return b.select(b.compare(Compare::LT, absolute(b, d), a[2]), b.div(d, a[2]), signOf(b, d));
      },
      "beta");
  pair(
      "huber_loss",
      [](Body &b, ValueRange a) {
        Value d = absolute(b, b.sub(a[0], a[1]));
        return b.select(b.compare(Compare::LE, d, a[2]), b.mul(b.mul(b.like(d, 0.5), d), d),
                        b.mul(a[2], b.sub(d, b.mul(b.like(d, 0.5), a[2]))));
      },
      [](Body &b, ValueRange a) {
        Value d = b.sub(a[0], a[1]);
        return b.select(b.compare(Compare::LE, absolute(b, d), a[2]), d, b.mul(a[2], signOf(b, d)));
      },
      "delta");
}

static void addCrossEntropy(Registry &r) {
  // Logarithms are cut at -100, and the gradient's denominator at 1e-12, as in PyTorch.
  LossTermFn entropy = [](Body &b, ValueRange a) {
    Value one = b.like(a[0], 1), floor = b.like(a[0], -100);
    Value logX = b.max(b.log(a[0]), floor);
    Value log1mX = b.max(b.call<math::Log1pOp>(b.neg(a[0])), floor);
    Value term = b.sub(b.mul(b.sub(a[1], one), log1mX), b.mul(a[1], logX));
    return b.mul(term, a[2]);
  };
  LossTermFn entropySlope = [](Body &b, ValueRange a) {
    Value product = b.mul(b.sub(b.like(a[0], 1), a[0]), a[0]);
    Value bounded = b.max(product, b.like(product, 1e-12));
    return b.mul(b.div(b.sub(a[0], a[1]), bounded), a[2]);
  };
  r.add("binary_cross_entropy(Tensor self, Tensor target, Tensor? weight, int reduction) -> Tensor",
        pointwiseLoss(entropy, nullptr, {"weight"}));
  r.add("binary_cross_entropy_backward(Tensor grad_output, Tensor self, Tensor target, "
        "Tensor? weight, int reduction) -> Tensor",
        pointwiseLossBackward(entropySlope, nullptr, {"weight"}));
  // (1 - t) x + (1 + (p - 1) t) (log1p(exp(-|x|)) + max(-x, 0)).
  LossTermFn logits = [](Body &b, ValueRange a) {
    Value one = b.like(a[0], 1);
    Value soft = b.add(b.call<math::Log1pOp>(b.exp(b.neg(absolute(b, a[0])))),
                       b.max(b.neg(a[0]), b.like(a[0], 0)));
    Value scale = b.add(one, b.mul(b.sub(a[3], one), a[1]));
    Value term = b.add(b.mul(b.sub(one, a[1]), a[0]), b.mul(scale, soft));
    return b.mul(term, a[2]);
  };
  r.add("binary_cross_entropy_with_logits(Tensor self, Tensor target, Tensor? weight, "
        "Tensor? pos_weight, int reduction) -> Tensor",
        pointwiseLoss(logits, nullptr, {"weight", "pos_weight"}));
}

void mlir::abn::aten::addLosses(Registry &r) {
  for (bool spatial : {false, true}) {
    std::string name = spatial ? "nll_loss2d" : "nll_loss";
    r.add(name + "_forward(Tensor self, Tensor target, Tensor? weight, int reduction, "
                 "int ignore_index) -> (Tensor, Tensor)",
          convertNllForward(spatial));
    r.add(name + "_backward(Tensor grad_output, Tensor self, Tensor target, Tensor? weight, "
                 "int reduction, int ignore_index, Tensor total_weight) -> Tensor",
          convertNllBackward(spatial));
  }
  addPointwise(r);
  addCrossEntropy(r);
}
