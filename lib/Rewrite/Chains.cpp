// Legality of in-place chains: what else reads x, y and z, and whether those readers can take a
// recovered value.
#include "abn/Rewrite/Chains.h"
#include "Readers.h"
#include "dnn/DnnDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::abn;

StringRef mlir::abn::stringifyChainStrategy(ChainStrategy strategy) {
  switch (strategy) {
  case ChainStrategy::Kept:
    return "kept";
  case ChainStrategy::InPlace:
    return "in-place";
  case ChainStrategy::ThroughAdd:
    return "through-add";
  }
  llvm_unreachable("unknown strategy");
}

std::optional<std::optional<GammaPolicy>> mlir::abn::parseGammaPolicy(StringRef text) {
  if (text == "keep")
    return std::optional<GammaPolicy>();
  if (std::optional<GammaPolicy> policy = symbolizeGammaPolicy(text))
    return policy;
  return std::nullopt;
}

LogicalResult ChainOptions::parseGamma(ArrayRef<std::string> entries, double threshold,
                                       Location loc, StringRef others) {
  if (!(threshold > 0) || !std::isfinite(threshold))
    return emitError(loc) << "expected a positive, finite gamma threshold, got " << threshold;
  gammaThreshold = threshold;
  for (StringRef entry : entries) {
    // A chain's name may hold anything but the policy, which stands last.
    auto [chain, policyText] =
        entry.contains(':') ? entry.rsplit(':') : std::make_pair(StringRef(), entry);
    auto policy = parseGammaPolicy(policyText);
    if (!policy)
      return emitError(loc) << "expected " << (chain.empty() ? others : "")
                            << "trust, check, clamp, abs or keep as gamma policy, got `"
                            << policyText << "`";
    if (chain.empty())
      gammaPolicy = *policy;
    else
      gammaPolicyOf[chain] = *policy;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Chain
//===----------------------------------------------------------------------===//

Value Chain::getGamma() const {
  if (auto op = dyn_cast<BatchNormOp>(batchNorm))
    return op.getGamma();
  return cast<BatchNormInferenceOp>(batchNorm).getGamma();
}

Value Chain::getBeta() const {
  if (auto op = dyn_cast<BatchNormOp>(batchNorm))
    return op.getBeta();
  return cast<BatchNormInferenceOp>(batchNorm).getBeta();
}

ValueRange Chain::getParams() const {
  ActivationOp op = activation;
  return op ? ValueRange(op.getParams()) : ValueRange();
}

double Chain::getEpsilon() const {
  return batchNorm->getAttrOfType<FloatAttr>("epsilon").getValueAsDouble();
}

int64_t Chain::getChannelDim() const {
  return batchNorm->getAttrOfType<IntegerAttr>("channel_dim").getInt();
}

//===----------------------------------------------------------------------===//
// Readers
//===----------------------------------------------------------------------===//

static std::string describeReader(Operation *op) {
  return ("`" + op->getName().getStringRef() + "` (" + describeLocation(op->getLoc()) + ")").str();
}

/// The activation's name, for reasons.
static std::string nameOf(ActivationAttrInterface phi) { return phi.getActivationName().str(); }

static bool isReturn(Operation *op) { return op->hasTrait<OpTrait::IsTerminator>(); }

/// A reader that must see the original value: one in the forward, or a result of the function.
static bool isForwardReader(const TrainingStep &step, Operation *op) {
  return isReturn(op) || step.isForward(op);
}

//===----------------------------------------------------------------------===//
// Legality
//===----------------------------------------------------------------------===//

/// Checks one use of x, or of a value that x is a view of.
bool ChainPlanner::checkAlias(Chain &chain, OpOperand &use, bool isInput) {
  Operation *reader = use.getOwner();
  if (!TrainingStep::readsOperand(use) || llvm::is_contained(chain.gradients, reader))
    return true;
  if (isReturn(reader)) {
    chain.reason = "its input is a result of the function";
    return false;
  }
  if (step.isForward(reader)) {
    chain.reason = "its input is also read by " + describeReader(reader) + " in the forward";
    return false;
  }
  if (!isInput) {
    chain.reason = "an alias of its input is read by " + describeReader(reader);
    return false;
  }
  if (step.getPosition(reader) < step.getPosition(chain.batchNorm))
    return true;
  if (step.isView(reader) || !takesRecoveredValue(reader) || !chain.phi.isInvertible()) {
    chain.reason =
        "its input is read by " + describeReader(reader) + ", which cannot take a recovered value";
    return false;
  }
  return true;
}

bool ChainPlanner::checkInput(Chain &chain) {
  Operation *through = chain.batchNorm;
  for (Value value = chain.x;;) {
    Operation *def = value.getDefiningOp();
    if (!def) {
      chain.reason = "its input is an argument of the function";
      return false;
    }
    if (step.isArgumentOrConstant(value)) {
      chain.reason = "its input is an argument or a constant";
      return false;
    }
    for (OpOperand &use : value.getUses())
      if (use.getOwner() != through && !checkAlias(chain, use, value == chain.x))
        return false;
    if (!step.isView(def))
      return true;
    through = def;
    value = def->getOperand(0);
  }
}

/// Sets activation, phi and z: the only forward reader of y if that is an activation, else none.
bool ChainPlanner::chooseActivation(Chain &chain) {
  ActivationOp only;
  unsigned readers = 0;
  for (OpOperand &use : chain.y.getUses()) {
    if (!TrainingStep::readsOperand(use) || !isForwardReader(step, use.getOwner()))
      continue;
    ++readers;
    only = use.getOperandNumber() == 0 ? dyn_cast<ActivationOp>(use.getOwner()) : ActivationOp();
  }
  chain.phi = IdentityAttr::get(chain.batchNorm->getContext());
  chain.z = chain.y;
  if (readers != 1 || !only)
    return true;
  ActivationAttrInterface phi = only.getActivation();
  bool invertible = phi.isInvertible() || (chain.isFrozen() && phi.isInvertibleWhereSensitive() &&
                                           phi.hasDerivativeFromOutput());
  if (!invertible) {
    chain.activation = only;
    chain.phi = phi;
    chain.reason = "its activation " + nameOf(phi) + " is not invertible";
    return false;
  }
  if (phi.getNumParams() && static_cast<int64_t>(only.getChannelDim()) != chain.getChannelDim()) {
    chain.reason = "its activation's parameters belong to another dimension";
    return false;
  }
  chain.activation = only;
  chain.phi = phi;
  chain.z = only->getResult(0);
  return true;
}

bool ChainPlanner::checkOutput(Chain &chain) {
  if (!chain.activation)
    return true;
  for (OpOperand &use : chain.y.getUses()) {
    Operation *reader = use.getOwner();
    if (reader == chain.activation || !TrainingStep::readsOperand(use))
      continue;
    auto grad = dyn_cast<ActivationGradOp>(reader);
    if (grad && !grad.getFromOutput() && grad.getValue() == chain.y &&
        grad.getActivation() == chain.phi && chain.phi.hasDerivativeFromOutput())
      continue;
    bool comparesOnlyWithSign = inverseKeepsSign(chain.phi) && comparesWithZeroOnly(reader);
    if (!chain.phi.isInvertible() || (!takesRecoveredValue(reader) && !comparesOnlyWithSign)) {
      chain.reason = "its normalised value is read by " + describeReader(reader) +
                     ", which cannot take a recovered value";
      return false;
    }
  }
  return true;
}

/// With frozen statistics an activation that is invertible only where phi' is not zero will do, if
/// every gradient's dy is its: dy is 0 where xhat is not recovered.
bool ChainPlanner::checkFrozenGradients(Chain &chain) {
  if (chain.phi.isInvertible())
    return true;
  for (Operation *gradient : chain.gradients) {
    auto grad =
        cast<BatchNormInferenceGradOp>(gradient).getOutputGrad().getDefiningOp<ActivationGradOp>();
    Value source = grad ? (grad.getFromOutput() ? chain.z : chain.y) : Value();
    if (grad && grad.getActivation() == chain.phi && grad.getValue() == source)
      continue;
    chain.reason = "its activation " + nameOf(chain.phi) +
                   " is not invertible where its gradient does not pass through it";
    return false;
  }
  return true;
}

/// The activation's parameters must be there when the batch norm runs; a view of an argument can
/// be moved there.
bool ChainPlanner::checkParameters(Chain &chain) {
  for (Value param : chain.getParams()) {
    Operation *def = param.getDefiningOp();
    if (!def || step.getPosition(def) < step.getPosition(chain.batchNorm))
      continue;
    if (step.isView(def) &&
        llvm::all_of(def->getOperands(), [](Value operand) { return isa<BlockArgument>(operand); }))
      continue;
    chain.reason = "its activation's parameters are computed after it";
    return false;
  }
  return true;
}

void ChainPlanner::collectReaders(Chain &chain) {
  auto collect = [&](Value value, SmallVectorImpl<OpOperand *> &readers) {
    for (OpOperand &use : value.getUses()) {
      Operation *op = use.getOwner();
      if (!isForwardReader(step, op) && TrainingStep::readsOperand(use) &&
          step.getPosition(op) > step.getPosition(chain.batchNorm))
        readers.push_back(&use);
    }
  };
  collect(chain.x, chain.inputReaders);
  if (chain.y != chain.z)
    collect(chain.y, chain.normalizedReaders);
  collect(chain.z, chain.outputReaders);
}

void ChainPlanner::findGradients(Chain &chain) {
  auto readsStatistics = [&](Value mean, Value variance) {
    if (auto op = dyn_cast<BatchNormOp>(chain.batchNorm))
      return mean == op->getResult(1) && variance == op->getResult(2);
    auto op = cast<BatchNormInferenceOp>(chain.batchNorm);
    return mean == op.getMean() && variance == op.getVariance();
  };
  auto sameAttributes = [&](Operation *op) {
    return op->getAttr("epsilon") == chain.batchNorm->getAttr("epsilon") &&
           op->getAttr("channel_dim") == chain.batchNorm->getAttr("channel_dim");
  };
  for (Operation *user : chain.x.getUsers()) {
    if (llvm::is_contained(chain.gradients, user) || !sameAttributes(user))
      continue;
    if (auto grad = dyn_cast<BatchNormGradOp>(user)) {
      if (!chain.isFrozen() && grad.getInput() == chain.x && grad.getOutputGrad() != chain.x &&
          grad.getGamma() == chain.getGamma() &&
          readsStatistics(grad.getMean(), grad.getVariance()))
        chain.gradients.push_back(grad);
    } else if (auto grad = dyn_cast<BatchNormInferenceGradOp>(user)) {
      if (chain.isFrozen() && grad.getInput() == chain.x && grad.getOutputGrad() != chain.x &&
          grad.getGamma() == chain.getGamma() &&
          readsStatistics(grad.getMean(), grad.getVariance()))
        chain.gradients.push_back(grad);
    }
  }
}

/// The name set by the front-end, else gamma's or beta's argument without its last component,
/// else the location.
static std::string nameChain(const Chain &chain) {
  if (auto name = chain.batchNorm->getAttrOfType<StringAttr>(AbnDialect::kChainAttr))
    return name.getValue().str();
  for (Value parameter : {chain.getGamma(), chain.getBeta()}) {
    auto argument = dyn_cast_or_null<BlockArgument>(parameter);
    auto func = argument ? dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp()) : nullptr;
    if (!func)
      continue;
    if (auto name =
            func.getArgAttrOfType<StringAttr>(argument.getArgNumber(), AbnDialect::kNameAttr))
      return name.getValue().rsplit('.').first.str();
  }
  return describeLocation(chain.batchNorm->getLoc());
}

void ChainPlanner::findChain(Operation *batchNorm, unsigned index) {
  Chain &chain = chains[index];
  chain.batchNorm = batchNorm;
  chain.x = batchNorm->getOperand(0);
  chain.y = batchNorm->getResult(0);
  chain.name = nameChain(chain);
  findGradients(chain);

  std::optional<GammaPolicy> policy = options.gammaPolicy;
  if (auto it = options.gammaPolicyOf.find(chain.name); it != options.gammaPolicyOf.end())
    policy = it->second;
  if (auto attr = batchNorm->getAttrOfType<StringAttr>(AbnDialect::kGammaPolicyAttr)) {
    auto own = parseGammaPolicy(attr.getValue());
    if (own)
      policy = *own;
    else
      chain.reason = "its gamma policy `" + attr.getValue().str() + "` is not known";
  }
  bool known = chain.reason.empty();
  std::string unknown = chain.reason;
  bool chosen = chooseActivation(chain);
  chainOf[chain.z] = &chain;
  if (!known) {
    chain.reason = unknown;
    return;
  }
  if (!policy) {
    chain.reason = "its gamma policy is keep";
    return;
  }
  chain.policy = *policy;
  // Frozen statistics are not those of the batch: there is no checksum to compare with.
  if (chain.isFrozen() && chain.policy == GammaPolicy::Check)
    chain.policy = GammaPolicy::Trust;
  if (!chosen)
    return;
  // Without a gradient op the backward may still read x, in a form that was not recognised: it gets
  // the recovered one.
  bool isRead = llvm::any_of(chain.x.getUses(), [&](OpOperand &use) {
    return !isForwardReader(step, use.getOwner()) && TrainingStep::readsOperand(use) &&
           !isa<BatchNormGradOp, BatchNormInferenceGradOp>(use.getOwner());
  });
  if (chain.gradients.empty() && !isRead) {
    chain.reason = "no gradient of it is computed";
    return;
  }
  chain.legal = checkInput(chain) && checkOutput(chain) && checkParameters(chain) &&
                (!chain.isFrozen() || checkFrozenGradients(chain));
  if (!chain.legal)
    return;
  for (Value value = chain.x;; value = value.getDefiningOp()->getOperand(0)) {
    chainOfInput[value] = &chain;
    if (!step.isView(value.getDefiningOp()))
      break;
  }
}

void ChainPlanner::run() {
  SmallVector<Operation *> batchNorms;
  for (Operation &op : step.getFunction().getBody().front())
    if (isa<BatchNormOp, BatchNormInferenceOp>(op) &&
        isa<RankedTensorType>(op.getOperand(0).getType()))
      batchNorms.push_back(&op);
  chains.resize(batchNorms.size());
  for (auto [index, op] : llvm::enumerate(batchNorms))
    findChain(op, index);
  for (Chain &chain : chains)
    if (chain.legal)
      decide(chain);
  for (Chain &chain : chains) {
    if (chain.strategy != ChainStrategy::Kept)
      collectReaders(chain);
    else if (chain.legal)
      explainUnused(chain);
  }
}
