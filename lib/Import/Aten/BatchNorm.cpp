// Batch norm in training and evaluation mode, with PyTorch's running statistics, as abn ops.
#include "BatchNorm.h"
#include "../Emit/Emit.h"
#include "Registry.h"
#include "abn/AbnDialect.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include <cmath>

using namespace mlir;
using namespace mlir::abn;
using namespace mlir::abn::aten;

static constexpr int64_t kChannelDim = 1;

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

LogicalResult mlir::abn::aten::checkBatchNormInput(AtenOp &op) {
  RankedTensorType type = typeOf(op.tensor("input"));
  if (failed(op.expectFloat("input")))
    return failure();
  if (type.getRank() < 2 || type.getRank() > 5)
    return op.error() << "expected `input` of rank 2 to 5, got " << type;
  if (llvm::is_contained(type.getShape(), 0))
    return op.error() << "zero-size dimensions are not supported, got " << type;
  if (!std::isfinite(op.number("eps")) || op.number("eps") < 0)
    return op.error() << "expected a finite `eps` that is not negative";
  return success();
}

FailureOr<Value> mlir::abn::aten::readChannelVector(AtenOp &op, StringRef name, bool statistic) {
  Value vector = op.tensor(name);
  if (!vector)
    return Value();
  RankedTensorType input = typeOf(op.tensor("input"));
  int64_t channels = input.getDimSize(kChannelDim);
  if (failed(op.expectFloat(name)) || failed(op.expectShape(name, {channels})))
    return failure();
  Type element = input.getElementType(), statistics = getStatisticsType(element);
  if (!statistic && typeOf(vector).getElementType() == element)
    return vector;
  return emitCast(op.builder(), vector, statistics);
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

/// `abn.name` of a function argument without the suffix; empty if there is none.
static std::string nameOfArgument(Value value, StringRef suffix) {
  auto argument = dyn_cast_or_null<BlockArgument>(value);
  if (!argument)
    return {};
  auto function = dyn_cast_or_null<FunctionOpInterface>(argument.getOwner()->getParentOp());
  if (!function || !argument.getOwner()->isEntryBlock())
    return {};
  auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), AbnDialect::kNameAttr);
  if (!name)
    return {};
  StringRef text = name.getValue();
  text.consume_back(suffix);
  return text.str();
}

static std::string nameOfLocation(Location loc) {
  std::string name;
  loc->walk([&](Location nested) {
    auto named = dyn_cast<NameLoc>(nested);
    if (!named)
      return WalkResult::advance();
    name = named.getName().str();
    return WalkResult::interrupt();
  });
  return name;
}

/// The chain's name in reports: its module's. A module that is called twice is two chains.
static StringAttr nameChain(AtenOp &op, Value gamma, Value beta) {
  FunctionState &state = op.state();
  std::string name = nameOfArgument(gamma, ".weight");
  if (name.empty())
    name = nameOfArgument(beta, ".bias");
  if (name.empty())
    name = nameOfLocation(op.getLoc());
  if (name.empty())
    name = "bn" + std::to_string(state.numBatchNorms);
  ++state.numBatchNorms;
  unsigned uses = ++state.chainNames[name];
  if (uses > 1)
    name += "#" + std::to_string(uses);
  return op.builder().getStringAttr(name);
}

//===----------------------------------------------------------------------===//
// Forward
//===----------------------------------------------------------------------===//

namespace {
struct Normalized {
  Value output, mean, variance;
};

/// What the overloads name differently.
struct BatchNormArguments {
  Value input, gamma, beta, runningMean, runningVar;
  double momentum, epsilon;
  int64_t count;
  Type statistics;
};
} // namespace

static FailureOr<BatchNormArguments> readBatchNorm(AtenOp &op, bool hasRunning) {
  if (failed(checkBatchNormInput(op)))
    return failure();
  BatchNormArguments bn;
  bn.input = op.tensor("input");
  FailureOr<Value> gamma = readChannelVector(op, "weight", false);
  FailureOr<Value> beta = readChannelVector(op, "bias", false);
  if (failed(gamma) || failed(beta))
    return failure();
  bn.gamma = *gamma;
  bn.beta = *beta;
  if (hasRunning) {
    FailureOr<Value> mean = readChannelVector(op, "running_mean", true);
    FailureOr<Value> variance = readChannelVector(op, "running_var", true);
    if (failed(mean) || failed(variance))
      return failure();
    bn.runningMean = *mean;
    bn.runningVar = *variance;
  }
  bn.epsilon = op.number("eps");
  RankedTensorType type = typeOf(bn.input);
  bn.count = type.getNumElements() / type.getDimSize(kChannelDim);
  bn.statistics = getStatisticsType(type.getElementType());
  return bn;
}

static Normalized emitTraining(AtenOp &op, const BatchNormArguments &bn) {
  ImplicitLocOpBuilder &b = op.builder();
  RankedTensorType type = typeOf(bn.input);
  int64_t channels = type.getDimSize(kChannelDim);
  SmallVector<Value> inits = {emitEmpty(b, type.getShape(), type.getElementType()),
                              emitEmpty(b, {channels}, bn.statistics),
                              emitEmpty(b, {channels}, bn.statistics)};
  auto norm = BatchNormOp::create(b, ValueRange(inits).getTypes(), bn.input, bn.gamma, bn.beta,
                                  inits, APFloat(bn.epsilon), kChannelDim);
  norm->setAttr(AbnDialect::kChainAttr, nameChain(op, op.tensor("weight"), op.tensor("bias")));
  return {norm->getResult(0), norm->getResult(1), norm->getResult(2)};
}

static Value emitInference(AtenOp &op, const BatchNormArguments &bn) {
  ImplicitLocOpBuilder &b = op.builder();
  RankedTensorType type = typeOf(bn.input);
  SmallVector<Value> inits = {emitEmpty(b, type.getShape(), type.getElementType())};
  auto norm = BatchNormInferenceOp::create(b, ValueRange(inits).getTypes(), bn.input,
                                           bn.runningMean, bn.runningVar, bn.gamma, bn.beta, inits,
                                           APFloat(bn.epsilon), kChannelDim);
  norm->setAttr(AbnDialect::kChainAttr, nameChain(op, op.tensor("weight"), op.tensor("bias")));
  return norm->getResult(0);
}

/// 1/sqrt(variance + eps), in the type of the result.
static Value emitInverseDeviation(ImplicitLocOpBuilder &b, Value variance, double epsilon,
                                  Type element) {
  RankedTensorType type = typeOf(variance);
  return emitElementwise(b, withElement(type, element), variance, nullptr,
                         [&](Body &body, ValueRange a) {
                           Value sum = body.add(a[0], body.like(a[0], epsilon));
                           return body.div(body.like(a[0], 1), body.sqrt(sum));
                         });
}

/// (1 - momentum) * running + momentum * scale * batch.
static Value emitRunning(ImplicitLocOpBuilder &b, Value running, Value batch, double momentum,
                         double scale, Type element) {
  return emitElementwise(b, withElement(typeOf(running), element), {running, batch}, nullptr,
                         [&](Body &body, ValueRange a) {
                           Value fresh = scale == 1 ? a[1] : body.mul(a[1], body.like(a[1], scale));
                           return body.add(body.mul(a[0], body.like(a[0], 1 - momentum)),
                                           body.mul(fresh, body.like(fresh, momentum)));
                         });
}

/// A statistic in the type of result `index`, which may be empty (evaluation mode saves none).
static Value emitSaved(AtenOp &op, Value value, unsigned index) {
  RankedTensorType type = op.resultType(index);
  if (!type)
    return {};
  if (type.getNumElements() == 0)
    return emitEmpty(op.builder(), type.getShape(), type.getElementType());
  return isa<FloatType>(type.getElementType())
             ? emitCast(op.builder(), value, type.getElementType())
             : value;
}

/// The element type of a new running statistic: the graph's, since PyTorch traces f32 ones for
/// f16 and bf16 modules.
static Type updatedElement(AtenOp &op, unsigned index, StringRef running) {
  RankedTensorType type = op.resultType(index);
  return type && isa<FloatType>(type.getElementType())
             ? type.getElementType()
             : typeOf(op.tensor(running)).getElementType();
}

/// Results of the training mode, in the order y, mean, invstd, new running mean and variance.
static SmallVector<Value> trainingResults(AtenOp &op, const BatchNormArguments &bn,
                                          std::pair<unsigned, unsigned> updated) {
  ImplicitLocOpBuilder &b = op.builder();
  Normalized norm = emitTraining(op, bn);
  SavedStatistics saved{norm.mean, norm.variance, bn.epsilon};
  Value mean = emitSaved(op, norm.mean, 1);
  RankedTensorType type = op.resultType(2);
  Value invstd;
  if (type && isa<FloatType>(type.getElementType()))
    invstd = emitInverseDeviation(b, norm.variance, bn.epsilon, type.getElementType());
  for (Value key : {mean, invstd})
    if (key)
      op.state().savedStatistics[key] = saved;
  SmallVector<Value> results = {norm.output, mean, invstd};
  if (updated.first) {
    // The unbiased variance; of a single value it is 0/0 in PyTorch's kernels too.
    double m = static_cast<double>(bn.count);
    double bessel = m / (m - 1);
    results.resize(op.getNumResults());
    results[updated.first] = emitRunning(b, bn.runningMean, norm.mean, bn.momentum, 1,
                                         updatedElement(op, updated.first, "running_mean"));
    results[updated.second] = emitRunning(b, bn.runningVar, norm.variance, bn.momentum, bessel,
                                          updatedElement(op, updated.second, "running_var"));
  }
  return results;
}

static SmallVector<Value> inferenceResults(AtenOp &op, const BatchNormArguments &bn,
                                           std::pair<unsigned, unsigned> updated) {
  ImplicitLocOpBuilder &b = op.builder();
  SmallVector<Value> results = {emitInference(op, bn), emitSaved(op, bn.runningMean, 1)};
  RankedTensorType type = op.resultType(2);
  if (type && type.getNumElements() == 0)
    results.push_back(emitSaved(op, {}, 2));
  else
    results.push_back(
        type && isa<FloatType>(type.getElementType())
            ? emitInverseDeviation(b, bn.runningVar, bn.epsilon, type.getElementType())
            : Value());
  if (updated.first) {
    results.resize(op.getNumResults());
    results[updated.first] =
        emitCast(b, op.tensor("running_mean"), updatedElement(op, updated.first, "running_mean"));
    results[updated.second] =
        emitCast(b, op.tensor("running_var"), updatedElement(op, updated.second, "running_var"));
  }
  return results;
}

/// Whether an overload computes with the batch's statistics.
enum class Mode { Flag, Training, Inference };

/// One conversion for all overloads. `running` says whether the op takes running statistics,
/// `updated` where their new values are among the results (0: nowhere), `reserve` where an opaque
/// scratch tensor is.
struct BatchNormOverload {
  Mode mode = Mode::Flag;
  bool running = true;
  std::pair<unsigned, unsigned> updated = {0, 0};
  unsigned reserve = 0;
};

static ConvertFn convertBatchNorm(BatchNormOverload overload) {
  return [=](AtenOp &op) -> LogicalResult {
    FailureOr<BatchNormArguments> bn = readBatchNorm(op, overload.running);
    if (failed(bn))
      return failure();
    bool training =
        overload.mode == Mode::Training || (overload.mode == Mode::Flag && op.flag("training"));
    bool needsRunning = !training || overload.updated.first;
    if (needsRunning && (!bn->runningMean || !bn->runningVar))
      return op.error() << "needs running statistics";
    bn->momentum = op.number("momentum");
    SmallVector<Value> results = training ? trainingResults(op, *bn, overload.updated)
                                          : inferenceResults(op, *bn, overload.updated);
    results.resize(op.getNumResults());
    if (overload.reserve)
      if (RankedTensorType type = op.resultType(overload.reserve))
        results[overload.reserve] = emitEmpty(op.builder(), type.getShape(), type.getElementType());
    return op.replaceWith(results);
  };
}

void mlir::abn::aten::addBatchNorm(Registry &r) {
  std::string affine = "(Tensor input, Tensor? weight, Tensor? bias, ";
  std::string running = affine + "Tensor running_mean, Tensor running_var, ";
  std::string optional = affine + "Tensor? running_mean, Tensor? running_var, ";
  std::string three = " -> (Tensor, Tensor, Tensor)";
  auto add = [&](const std::string &schema, BatchNormOverload overload) {
    r.add(schema, convertBatchNorm(overload), /*allowEmptyTensors=*/true);
  };
  BatchNormOverload plain, functional, noStats, frozen, withUpdate;
  functional.updated = {3, 4};
  noStats.running = false;
  frozen.mode = Mode::Inference;
  withUpdate.mode = Mode::Training;
  withUpdate.reserve = 3;
  withUpdate.updated = {4, 5};
  add("native_batch_norm" + optional + "bool training, float momentum, float eps)" + three, plain);
  add("_native_batch_norm_legit_functional" + running +
          "bool training, float momentum, float eps) -> (Tensor, Tensor, Tensor, Tensor, Tensor)",
      functional);
  add("_native_batch_norm_legit.no_stats" + affine + "bool training, float momentum, float eps)" +
          three,
      noStats);
  add("_native_batch_norm_legit_no_training" + running + "float momentum, float eps)" + three,
      frozen);
  add("_batch_norm_with_update_functional" + running +
          "float momentum, float eps) -> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)",
      withUpdate);
  addBatchNormBackward(r);
}
