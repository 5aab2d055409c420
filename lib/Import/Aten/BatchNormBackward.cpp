// Batch norm's gradients, with the batch's or with frozen statistics.
#include "../Emit/Emit.h"
#include "BatchNorm.h"
#include "abn/AbnDialect.h"

using namespace mlir;
using namespace mlir::abn;
using namespace mlir::abn::aten;

/// The batch's mean and variance. Where the saved values come from an imported batch norm its own
/// results are used, so that nothing is lost to rounding and the pair is recognised as one.
static FailureOr<std::pair<Value, Value>> readSaved(AtenOp &op) {
  ImplicitLocOpBuilder &b = op.builder();
  Value savedMean = op.tensor("save_mean"), savedInvstd = op.tensor("save_invstd");
  if (!savedMean || !savedInvstd)
    return op.error() << "needs `save_mean` and `save_invstd`";
  double epsilon = op.number("eps");
  auto &known = op.state().savedStatistics;
  auto meanIt = known.find(savedMean), invstdIt = known.find(savedInvstd);
  Type statistics = getStatisticsType(typeOf(op.tensor("input")).getElementType());
  int64_t channels = typeOf(op.tensor("input")).getDimSize(1);
  auto fits = [&](Value value) {
    return value.getType() == RankedTensorType::get({channels}, statistics);
  };
  Value mean, variance;
  if (meanIt != known.end() && fits(meanIt->second.mean)) {
    mean = meanIt->second.mean;
  } else {
    FailureOr<Value> read = readChannelVector(op, "save_mean", true);
    if (failed(read))
      return failure();
    mean = *read;
  }
  if (invstdIt != known.end() && invstdIt->second.epsilon == epsilon &&
      fits(invstdIt->second.variance)) {
    variance = invstdIt->second.variance;
  } else {
    FailureOr<Value> read = readChannelVector(op, "save_invstd", true);
    if (failed(read))
      return failure();
    variance = emitElementwise(b, typeOf(*read), *read, nullptr, [&](Body &body, ValueRange a) {
      Value squared = body.mul(a[0], a[0]);
      return body.sub(body.div(body.like(a[0], 1), squared), body.like(a[0], epsilon));
    });
  }
  return std::make_pair(mean, variance);
}

static FailureOr<std::pair<Value, Value>> readRunning(AtenOp &op) {
  FailureOr<Value> mean = readChannelVector(op, "running_mean", true);
  FailureOr<Value> variance = readChannelVector(op, "running_var", true);
  if (failed(mean) || failed(variance))
    return failure();
  if (!*mean || !*variance)
    return op.error() << "needs running statistics";
  return std::make_pair(*mean, *variance);
}

static ConvertFn convertBatchNormBackward(StringRef trainName) {
  return [=](AtenOp &op) -> LogicalResult {
    ImplicitLocOpBuilder &b = op.builder();
    if (failed(checkBatchNormInput(op)))
      return failure();
    Value grad = op.tensor("grad_out"), input = op.tensor("input");
    RankedTensorType type = typeOf(input);
    if (grad.getType() != type)
      return op.error() << "expected `grad_out` of type " << type << ", got " << grad.getType();
    FailureOr<Value> gamma = readChannelVector(op, "weight", false);
    if (failed(gamma))
      return failure();
    bool train = op.flag(trainName);
    FailureOr<std::pair<Value, Value>> statistics = train ? readSaved(op) : readRunning(op);
    if (failed(statistics))
      return failure();
    auto [mean, variance] = *statistics;
    Type element = getStatisticsType(type.getElementType());
    int64_t channels = type.getDimSize(1);
    SmallVector<Value> inits = {emitEmpty(b, type.getShape(), type.getElementType()),
                                emitEmpty(b, {channels}, element),
                                emitEmpty(b, {channels}, element)};
    APFloat epsilon(op.number("eps"));
    Operation *gradOp =
        train ? BatchNormGradOp::create(b, ValueRange(inits).getTypes(), grad, input, mean,
                                        variance, *gamma, inits, epsilon, 1)
                    .getOperation()
              : BatchNormInferenceGradOp::create(b, ValueRange(inits).getTypes(), grad, input, mean,
                                                 variance, *gamma, inits, epsilon, 1)
                    .getOperation();
    SmallVector<bool> mask = op.flags("output_mask");
    SmallVector<Value> results(3);
    for (unsigned i = 0; i < 3; ++i) {
      RankedTensorType wanted = op.resultType(i);
      if (!mask[i] || !wanted)
        continue;
      results[i] = gradOp->getResult(i);
      if (i && isa<FloatType>(wanted.getElementType()))
        results[i] = emitCast(b, results[i], wanted.getElementType());
    }
    return op.replaceWith(results);
  };
}

void mlir::abn::aten::addBatchNormBackward(Registry &r) {
  std::string head = "_backward(Tensor grad_out, Tensor input, Tensor? weight, "
                     "Tensor? running_mean, Tensor? running_var, ";
  std::string tail = " -> (Tensor, Tensor, Tensor)";
  r.add("native_batch_norm" + head +
            "Tensor? save_mean, Tensor? save_invstd, bool train, float eps, bool[3] output_mask)" +
            tail,
        convertBatchNormBackward("train"), /*allowEmptyTensors=*/true);
}
