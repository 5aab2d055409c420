// batch_norm_training, _inference and _grad as abn's ops. TensorFlow keeps them whole; JAX has
// decomposed them by now.
#include "Registry.h"
#include "abn/AbnDialect.h"

using namespace mlir;
using namespace mlir::abn;
using namespace mlir::abn::hlo;

namespace {
struct BatchNormAttrs {
  double epsilon;
  int64_t channelDim;
};
} // namespace

/// `full` are the operands of the input's shape; all others have one value per channel.
static FailureOr<BatchNormAttrs> readAttrs(HloOp &op, ArrayRef<unsigned> full) {
  auto epsilon = op.number("epsilon");
  auto dim = op.integer("feature_index");
  if (failed(epsilon) || failed(dim))
    return failure();
  RankedTensorType type = op.operandType(0);
  if (type.getRank() < 2 || type.getRank() > 5 || !isa<FloatType>(type.getElementType()))
    return op.error() << "expected a floating-point operand of rank 2 to 5, got " << type;
  if (*dim < 0 || *dim >= type.getRank())
    return op.error() << "expected `feature_index` from 0 to " << type.getRank() - 1 << ", got "
                      << *dim;
  if (!std::isfinite(*epsilon) || *epsilon < 0)
    return op.error() << "expected a finite `epsilon` of at least 0, got " << *epsilon;
  for (unsigned i = 0; i < op.getNumOperands(); ++i) {
    bool isFull = llvm::is_contained(full, i);
    auto vector = op.operandType(i);
    bool fits = isFull ? vector == type
                       : vector.getRank() == 1 && vector.getDimSize(0) == type.getDimSize(*dim) &&
                             isa<FloatType>(vector.getElementType());
    if (!fits)
      return op.error() << "expected operand " << i
                        << (isFull ? " of the input's type" : " of one value per feature")
                        << ", got " << vector;
  }
  return BatchNormAttrs{*epsilon, *dim};
}

/// abn wants f32 statistics at least, and gamma and beta of the data's or the statistics' type.
static Value toStatistics(HloOp &op, Value vector) {
  Type type = getStatisticsType(op.operandType(0).getElementType());
  return emitCast(op.builder(), vector, type);
}

static Value emptyVector(HloOp &op, int64_t channelDim) {
  return createEmptyStatistics(op.builder(), op.builder().getLoc(), op.operand(0), channelDim);
}

static Value emptyFull(HloOp &op) {
  return createEmptyLike(op.builder(), op.builder().getLoc(), op.operand(0));
}

/// The location's name, if the framework wrote one, else a number.
static StringAttr nameChain(HloOp &op) {
  FunctionState &state = op.state();
  std::string name;
  op.builder().getLoc()->walk([&](Location loc) {
    auto named = dyn_cast<NameLoc>(loc);
    if (!named)
      return WalkResult::advance();
    name = named.getName().str();
    return WalkResult::interrupt();
  });
  if (name.empty())
    name = "bn" + std::to_string(state.numBatchNorms);
  ++state.numBatchNorms;
  unsigned uses = ++state.chainNames[name];
  return op.builder().getStringAttr(uses > 1 ? name + "#" + std::to_string(uses) : name);
}

/// Results in the op's types: statistics may be wider in abn.
static LogicalResult replaceCast(HloOp &op, ValueRange results) {
  SmallVector<Value> values;
  for (auto [i, result] : llvm::enumerate(results))
    values.push_back(emitCast(op.builder(), result, op.resultType(i).getElementType()));
  return op.replaceWith(values);
}

static LogicalResult convertTraining(HloOp &op) {
  if (failed(op.expectCounts(3, 3)))
    return failure();
  auto attrs = readAttrs(op, {0});
  if (failed(attrs))
    return failure();
  ImplicitLocOpBuilder &b = op.builder();
  SmallVector<Value> outs = {emptyFull(op), emptyVector(op, attrs->channelDim),
                             emptyVector(op, attrs->channelDim)};
  auto norm = BatchNormOp::create(b, ValueRange(outs).getTypes(), op.operand(0),
                                  toStatistics(op, op.operand(1)), toStatistics(op, op.operand(2)),
                                  outs, b.getF64FloatAttr(attrs->epsilon),
                                  b.getI64IntegerAttr(attrs->channelDim));
  norm->setAttr(AbnDialect::kChainAttr, nameChain(op));
  return replaceCast(op, norm->getResults());
}

static LogicalResult convertInference(HloOp &op) {
  if (failed(op.expectCounts(5, 1)))
    return failure();
  auto attrs = readAttrs(op, {0});
  if (failed(attrs))
    return failure();
  ImplicitLocOpBuilder &b = op.builder();
  SmallVector<Value> outs = {emptyFull(op)};
  auto norm = BatchNormInferenceOp::create(
      b, ValueRange(outs).getTypes(), op.operand(0), toStatistics(op, op.operand(3)),
      toStatistics(op, op.operand(4)), toStatistics(op, op.operand(1)),
      toStatistics(op, op.operand(2)), outs, b.getF64FloatAttr(attrs->epsilon),
      b.getI64IntegerAttr(attrs->channelDim));
  norm->setAttr(AbnDialect::kChainAttr, nameChain(op));
  return replaceCast(op, norm->getResults());
}

static LogicalResult convertGrad(HloOp &op) {
  if (failed(op.expectCounts(5, 3)))
    return failure();
  auto attrs = readAttrs(op, {0, 4});
  if (failed(attrs))
    return failure();
  ImplicitLocOpBuilder &b = op.builder();
  SmallVector<Value> outs = {emptyFull(op), emptyVector(op, attrs->channelDim),
                             emptyVector(op, attrs->channelDim)};
  auto grad = BatchNormGradOp::create(
      b, ValueRange(outs).getTypes(), op.operand(4), op.operand(0), toStatistics(op, op.operand(2)),
      toStatistics(op, op.operand(3)), toStatistics(op, op.operand(1)), outs,
      b.getF64FloatAttr(attrs->epsilon), b.getI64IntegerAttr(attrs->channelDim));
  return replaceCast(op, grad->getResults());
}

void mlir::abn::hlo::addBatchNorm(Registry &r) {
  r.add("stablehlo.batch_norm_grad", convertGrad);
  r.add("stablehlo.batch_norm_inference", convertInference);
  r.add("stablehlo.batch_norm_training", convertTraining);
}
