// The constraints of the abn ops, numbered as in the ops' documentation. Types of operands (c1's
// kinds, ranks) are checked by ODS before these, results against destinations by upstream's
// destination-style interface.
#include "abn/AbnDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/SmallString.h"

using namespace mlir;
using namespace mlir::abn;

namespace {
/// An op's operands by what is expected of them.
struct Roles {
  SmallVector<Value, 2> full;       // inputs of the data's shape
  SmallVector<Value, 2> statistics; // mean, variance
  SmallVector<Value, 4> vectors;    // gamma, beta and params, those that are present
  ValueRange inits;
  unsigned numVectorInits = 0;
  int64_t channelDim = 0;
  bool usesBatchStatistics = false;

  void addVector(Value vector) {
    if (vector)
      vectors.push_back(vector);
  }
};
} // namespace

/// (c1) All tensors or all memrefs.
static LogicalResult verifySameContainer(Operation *op) {
  bool hasTensor = false, hasMemRef = false;
  for (Type type : op->getOperandTypes()) {
    if (!isa<RankedTensorType, MemRefType>(type))
      return op->emitOpError("(c1) expected ranked tensors or memrefs, got ") << type;
    hasTensor |= isa<RankedTensorType>(type);
    hasMemRef |= isa<MemRefType>(type);
  }
  if (hasTensor && hasMemRef)
    return op->emitOpError("(c1) expected only tensors or only memrefs, got both");
  return success();
}

/// (c11) The number of destinations.
static LogicalResult verifyDestinations(Operation *op, const Roles &roles) {
  if (roles.inits.size() != roles.numVectorInits + 1)
    return op->emitOpError("(c11) expected ")
           << roles.numVectorInits + 1 << " destinations, got " << roles.inits.size();
  return success();
}

static bool areSizesCompatible(int64_t lhs, int64_t rhs) {
  return ShapedType::isDynamic(lhs) || ShapedType::isDynamic(rhs) || lhs == rhs;
}

/// (c4) Full-size operands agree, and (c2) they have the channel dimension.
static LogicalResult verifyFullShapes(Operation *op, const Roles &roles) {
  auto first = cast<ShapedType>(roles.inits[0].getType());
  for (Value value : roles.full) {
    auto type = cast<ShapedType>(value.getType());
    if (type.getElementType() != first.getElementType())
      return op->emitOpError("(c4) expected the destination's element type ")
             << first.getElementType() << ", got " << type.getElementType();
    if (failed(verifyCompatibleShape(type, first)))
      return op->emitOpError("(c4) expected the destination's shape, that of ")
             << first << ", got " << type;
  }
  if (!first.hasRank() || first.getRank() < 2 || first.getRank() > 5)
    return op->emitOpError("(c4) expected a first destination of rank 2 to 5, got ") << first;
  if (roles.channelDim < 0 || roles.channelDim >= first.getRank())
    return op->emitOpError("(c2) expected `channel_dim` in [0, ")
           << first.getRank() << "), got " << roles.channelDim;
  return success();
}

/// (c3) One entry per channel.
static LogicalResult verifyChannels(Operation *op, const Roles &roles) {
  int64_t channels = ShapedType::kDynamic;
  auto refine = [&](int64_t size) {
    if (!areSizesCompatible(channels, size))
      return failure();
    if (!ShapedType::isDynamic(size))
      channels = size;
    return success();
  };
  SmallVector<Value, 2> full = roles.full;
  full.push_back(roles.inits[0]);
  for (Value value : full)
    (void)refine(cast<ShapedType>(value.getType()).getDimSize(roles.channelDim));

  SmallVector<Value> vectors = llvm::to_vector(
      llvm::concat<const Value>(ArrayRef<Value>(roles.statistics), ArrayRef<Value>(roles.vectors)));
  llvm::append_range(vectors, roles.inits.drop_front());
  for (Value value : vectors) {
    auto type = cast<ShapedType>(value.getType());
    if (!type.hasRank() || type.getRank() != 1)
      return op->emitOpError("(c3) expected one entry per channel, got ") << type;
    if (failed(refine(type.getDimSize(0))))
      return op->emitOpError("(c3) expected ") << channels << " channels, got " << type;
  }
  return success();
}

/// (c5) Element types of the per-channel operands.
static LogicalResult verifyVectorTypes(Operation *op, const Roles &roles) {
  Type data = cast<ShapedType>(roles.inits[0].getType()).getElementType();
  if (!isa<Float16Type, BFloat16Type, Float32Type, Float64Type>(data))
    return op->emitOpError("(c5) expected data of f16, bf16, f32 or f64, got ") << data;
  Type statistics = getStatisticsType(data);
  auto verifyStatistics = [&](ValueRange values, StringRef what) -> LogicalResult {
    for (Value value : values) {
      Type element = cast<ShapedType>(value.getType()).getElementType();
      if (element != statistics)
        return op->emitOpError("(c5) expected ")
               << what << " of " << statistics << " for data of " << data << ", got " << element;
    }
    return success();
  };
  if (failed(verifyStatistics(roles.statistics, "statistics")) ||
      failed(verifyStatistics(roles.inits.drop_front(), "per-channel results")))
    return failure();
  for (Value value : roles.vectors) {
    Type element = cast<ShapedType>(value.getType()).getElementType();
    if (element != data && element != statistics)
      return op->emitOpError("(c5) expected gamma, beta and params of ")
             << data << " or " << statistics << ", got " << element;
  }
  return success();
}

/// (c12) Batch statistics of no elements do not exist.
static LogicalResult verifyNotEmpty(Operation *op, const Roles &roles) {
  if (!roles.usesBatchStatistics)
    return success();
  for (Type type : op->getOperandTypes())
    if (llvm::is_contained(cast<ShapedType>(type).getShape(), 0))
      return op->emitOpError("(c12) expected no dimension of size 0, got ") << type;
  return success();
}

static LogicalResult verifyRoles(Operation *op, const Roles &roles) {
  if (failed(verifySameContainer(op)) || failed(verifyDestinations(op, roles)) ||
      failed(verifyFullShapes(op, roles)) || failed(verifyChannels(op, roles)) ||
      failed(verifyVectorTypes(op, roles)))
    return failure();
  return verifyNotEmpty(op, roles);
}

/// (c6) Epsilon.
static LogicalResult verifyEpsilon(Operation *op, const APFloat &epsilon) {
  if (epsilon.isFinite() && (epsilon.isZero() || !epsilon.isNegative()))
    return success();
  SmallString<16> text;
  epsilon.toString(text);
  return op->emitOpError("(c6) expected a finite `epsilon` that is not negative, got ") << text;
}

/// (c7) The number of activation parameters.
static LogicalResult verifyParams(Operation *op, ActivationAttrInterface activation,
                                  ValueRange params) {
  if (params.size() == activation.getNumParams())
    return success();
  return op->emitOpError("(c7) expected ") << activation.getNumParams() << " params for "
                                           << Attribute(activation) << ", got " << params.size();
}

/// The roles that all ops with an epsilon share.
template <typename OpT> static Roles getCommonRoles(OpT op, unsigned numVectorInits) {
  Roles roles;
  roles.inits = op.getInits();
  roles.numVectorInits = numVectorInits;
  roles.channelDim = op.getChannelDim();
  return roles;
}

//===----------------------------------------------------------------------===//
// Out of place
//===----------------------------------------------------------------------===//

LogicalResult BatchNormOp::verify() {
  Roles roles = getCommonRoles(*this, /*numVectorInits=*/2);
  roles.full = {getInput()};
  roles.addVector(getGamma());
  roles.addVector(getBeta());
  roles.usesBatchStatistics = true;
  if (failed(verifyRoles(*this, roles)))
    return failure();
  return verifyEpsilon(*this, getEpsilon());
}

template <typename OpT> static LogicalResult verifyBatchNormGrad(OpT op, bool usesBatchStatistics) {
  Roles roles = getCommonRoles(op, /*numVectorInits=*/2);
  roles.full = {op.getOutputGrad(), op.getInput()};
  roles.statistics = {op.getMean(), op.getVariance()};
  roles.addVector(op.getGamma());
  roles.usesBatchStatistics = usesBatchStatistics;
  if (failed(verifyRoles(op, roles)))
    return failure();
  return verifyEpsilon(op, op.getEpsilon());
}

LogicalResult BatchNormGradOp::verify() { return verifyBatchNormGrad(*this, true); }

LogicalResult BatchNormInferenceGradOp::verify() { return verifyBatchNormGrad(*this, false); }

LogicalResult BatchNormInferenceOp::verify() {
  Roles roles = getCommonRoles(*this, /*numVectorInits=*/0);
  roles.full = {getInput()};
  roles.statistics = {getMean(), getVariance()};
  roles.addVector(getGamma());
  roles.addVector(getBeta());
  if (failed(verifyRoles(*this, roles)))
    return failure();
  return verifyEpsilon(*this, getEpsilon());
}

template <typename OpT> static LogicalResult verifyActivation(OpT op, ArrayRef<Value> full) {
  Roles roles = getCommonRoles(op, /*numVectorInits=*/0);
  roles.full = SmallVector<Value, 2>(full);
  llvm::append_range(roles.vectors, op.getParams());
  if (failed(verifyRoles(op, roles)))
    return failure();
  return verifyParams(op, op.getActivation(), op.getParams());
}

LogicalResult ActivationOp::verify() { return verifyActivation(*this, {getInput()}); }

LogicalResult ActivationGradOp::verify() {
  if (failed(verifyActivation(*this, {getOutputGrad(), getValue()})))
    return failure();
  if (getFromOutput() && !getActivation().hasDerivativeFromOutput())
    return emitOpError("(activation_grad_c8) expected an activation whose derivative can be "
                       "computed from its output, got ")
           << Attribute(getActivation());
  return success();
}

LogicalResult ActivationInverseOp::verify() {
  if (failed(verifyActivation(*this, {getInput()})))
    return failure();
  if (!getActivation().isInvertible())
    return emitOpError("(activation_inverse_c8) expected an invertible activation, got ")
           << Attribute(getActivation());
  return success();
}

//===----------------------------------------------------------------------===//
// In place
//===----------------------------------------------------------------------===//

/// The checks that the in-place ops and abn.recover share.
template <typename OpT> static LogicalResult verifyInplace(OpT op, Roles roles) {
  roles.addVector(op.getGamma());
  roles.addVector(op.getBeta());
  llvm::append_range(roles.vectors, op.getParams());
  if (failed(verifyRoles(op, roles)) || failed(verifyEpsilon(op, op.getEpsilon())) ||
      failed(verifyParams(op, op.getActivation(), op.getParams())))
    return failure();

  ActivationAttrInterface activation = op.getActivation();
  // Between abn-fuse-forward and abn-rewrite-backward a recover feeds a frozen gradient, which
  // multiplies by phi'; the checksum of `check` needs every y.
  bool isFrozen = isa<InplaceInferenceOp, InplaceInferenceBackwardOp>(op.getOperation()) ||
                  (isa<RecoverOp>(op.getOperation()) && op.getGammaPolicy() != GammaPolicy::Check);
  bool isRecoverable =
      activation.isInvertible() ||
      (isFrozen && activation.isInvertibleWhereSensitive() && activation.hasDerivativeFromOutput());
  if (!isRecoverable)
    return op.emitOpError("(inplace_c8) expected an invertible activation, got ")
           << Attribute(activation);
  APFloat threshold = op.getGammaThreshold();
  if (!threshold.isFiniteNonZero() || threshold.isNegative())
    return op.emitOpError("(inplace_c9) expected a finite, positive `gamma_threshold`, got ")
           << op.getGammaThresholdAttr();
  return success();
}

LogicalResult InplaceForwardOp::verify() {
  Roles roles = getCommonRoles(*this, /*numVectorInits=*/2);
  roles.usesBatchStatistics = true;
  return verifyInplace(*this, roles);
}

LogicalResult InplaceBackwardOp::verify() {
  Roles roles = getCommonRoles(*this, /*numVectorInits=*/2);
  roles.full = {getOutput()};
  roles.statistics = {getVariance()};
  roles.usesBatchStatistics = true;
  return verifyInplace(*this, roles);
}

LogicalResult InplaceInferenceOp::verify() {
  Roles roles = getCommonRoles(*this, /*numVectorInits=*/0);
  roles.statistics = {getMean(), getVariance()};
  return verifyInplace(*this, roles);
}

LogicalResult InplaceInferenceBackwardOp::verify() {
  Roles roles = getCommonRoles(*this, /*numVectorInits=*/2);
  roles.full = {getOutput()};
  roles.statistics = {getVariance()};
  if (failed(verifyInplace(*this, roles)))
    return failure();
  if (getGammaPolicy() == GammaPolicy::Check)
    return emitOpError("(inplace_c10) expected a `gamma_policy` other than check: frozen "
                       "statistics are no checksum");
  return success();
}

LogicalResult RecoverOp::verify() {
  Roles roles = getCommonRoles(*this, /*numVectorInits=*/0);
  roles.full = {getOutput()};
  roles.statistics = {getMean(), getVariance()};
  roles.usesBatchStatistics = true;
  return verifyInplace(*this, roles);
}
