// Strategies: what is kept anyway, what can be rebuilt from it, and so which chains pay.
#include "abn/Rewrite/Chains.h"

using namespace mlir;
using namespace mlir::abn;

/// How many ops a rebuild may invert in a row: an activation and a sum, and one reshape.
static constexpr unsigned kMaxRebuildDepth = 3;

//===----------------------------------------------------------------------===//
// RebuildPlan
//===----------------------------------------------------------------------===//

Value RebuildPlan::materialize(OpBuilder &b, Location loc, const IRMapping &mapping) const {
  if (!reader)
    return mapping.lookupOrDefault(value);
  Value result = fromResult->materialize(b, loc, mapping);
  SmallVector<Value> operands;
  for (const std::unique_ptr<RebuildPlan> &operand : fromOperands)
    operands.push_back(operand ? operand->materialize(b, loc, mapping) : Value());
  Value rebuilt = cast<RebuildOpInterface>(reader->getOwner())
                      .rebuildOperand(b, loc, *reader, result, operands);
  // The planner numbers what it recomputes itself from 0 on.
  if (Operation *def = rebuilt.getDefiningOp())
    def->setAttr(AbnDialect::kRecomputeAttr, b.getI64IntegerAttr(-1));
  return rebuilt;
}

void RebuildPlan::getSources(SmallVectorImpl<Value> &sources) const {
  if (!reader) {
    sources.push_back(value);
    return;
  }
  fromResult->getSources(sources);
  for (const std::unique_ptr<RebuildPlan> &operand : fromOperands)
    if (operand)
      operand->getSources(sources);
}

//===----------------------------------------------------------------------===//
// What is kept
//===----------------------------------------------------------------------===//

/// Whether `op` is part of the chain's own backward, which takes z in any form.
bool ChainPlanner::isOwnReader(const Chain &chain, Operation *op) const {
  if (llvm::is_contained(chain.gradients, op))
    return true;
  auto grad = dyn_cast<ActivationGradOp>(op);
  return grad && grad.getFromOutput() && grad.getValue() == chain.z && chain.activation &&
         grad.getActivation() == chain.phi && grad.getParams() == chain.getParams();
}

/// Whether a backward op other than the chain's own reads `value` or a view of it.
bool ChainPlanner::hasIndependentBackwardReader(Value value, const Chain *chain) {
  SmallVector<Value> aliases = {value};
  while (!aliases.empty()) {
    Value alias = aliases.pop_back_val();
    for (OpOperand &use : alias.getUses()) {
      Operation *op = use.getOwner();
      if (step.isView(op) && use.getOperandNumber() == 0) {
        aliases.append(op->result_begin(), op->result_end());
        continue;
      }
      if (op->hasTrait<OpTrait::IsTerminator>() || step.isForward(op) ||
          !TrainingStep::readsOperand(use) || (chain && isOwnReader(*chain, op)))
        continue;
      // A gradient that can read a recovered input does not keep it.
      if (auto it = chainOfInput.find(alias);
          it != chainOfInput.end() && llvm::is_contained(it->second->gradients, op))
        continue;
      return true;
    }
  }
  return false;
}

/// Whether some chain that is already decided writes its output over `value`.
bool ChainPlanner::isOverwritten(Value value) const {
  auto it = chainOfInput.find(value);
  return it != chainOfInput.end() && it->second->strategy != ChainStrategy::Kept;
}

/// Whether `chain` must leave its input alone because another chain's backward rests on it.
bool ChainPlanner::isInputNeeded(Chain &chain) {
  for (Value value = chain.x;; value = value.getDefiningOp()->getOperand(0)) {
    auto it = chainOf.find(value);
    if (pinned.contains(value) ||
        (it != chainOf.end() && it->second->strategy == ChainStrategy::InPlace))
      return true;
    if (!step.isView(value.getDefiningOp()))
      return false;
  }
}

/// Whether `value` will be there in the backward whatever is decided from here on.
bool ChainPlanner::isKept(Value value) {
  if (step.isArgumentOrConstant(value) || pinned.contains(value))
    return true;
  if (dropped.contains(value) || isOverwritten(value))
    return false;
  auto it = chainOf.find(value);
  if (it != chainOf.end() && it->second->strategy == ChainStrategy::InPlace)
    return true;
  return hasIndependentBackwardReader(value, it == chainOf.end() ? nullptr : it->second);
}

//===----------------------------------------------------------------------===//
// What can be rebuilt
//===----------------------------------------------------------------------===//

std::unique_ptr<RebuildPlan> ChainPlanner::planAvailable(Value value, unsigned depth) {
  bool available = isKept(value);
  if (!available && !dropped.contains(value) && !isOverwritten(value)) {
    // An undecided chain's output can be kept instead of its input: the bytes are the same.
    auto it = chainOf.find(value);
    available = it != chainOf.end() && it->second->legal && !isInputNeeded(*it->second);
  }
  if (available) {
    auto plan = std::make_unique<RebuildPlan>();
    plan->value = value;
    return plan;
  }
  return planThroughReader(value, depth);
}

std::unique_ptr<RebuildPlan> ChainPlanner::planThroughReader(Value value, unsigned depth) {
  if (depth == 0)
    return nullptr;
  for (OpOperand &use : value.getUses()) {
    auto rebuild = dyn_cast<RebuildOpInterface>(use.getOwner());
    if (!rebuild || !step.isForward(use.getOwner()) || !rebuild.canRebuildOperand(use))
      continue;
    auto plan = std::make_unique<RebuildPlan>();
    plan->value = value;
    plan->reader = &use;
    plan->fromResult = planAvailable(use.getOwner()->getResult(0), depth - 1);
    if (!plan->fromResult)
      continue;
    bool complete = true;
    auto dps = dyn_cast<DestinationStyleOpInterface>(use.getOwner());
    for (OpOperand &other : use.getOwner()->getOpOperands()) {
      if (&other == &use || (dps && dps.isDpsInit(&other))) {
        plan->fromOperands.push_back(nullptr);
        continue;
      }
      plan->fromOperands.push_back(planAvailable(other.get(), depth - 1));
      complete &= plan->fromOperands.back() != nullptr;
    }
    if (complete)
      return plan;
  }
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Strategies
//===----------------------------------------------------------------------===//

/// Whether nothing but the chain's own backward needs z after the one forward op that reads it.
bool ChainPlanner::canDropOutput(Chain &chain) {
  if (pinned.contains(chain.z) || hasIndependentBackwardReader(chain.z, &chain))
    return false;
  Operation *only = nullptr;
  for (OpOperand &use : chain.z.getUses()) {
    Operation *op = use.getOwner();
    if (!TrainingStep::readsOperand(use) || isOwnReader(chain, op))
      continue;
    if (op->hasTrait<OpTrait::IsTerminator>() || (only && only != op))
      return false;
    only = op;
  }
  return only != nullptr;
}

/// Whether all `sources` are computed before the first backward op that reads the chain's values: a
/// logged statistic, which the loss does not need, can stand in the middle of the forward.
bool ChainPlanner::precedeReaders(ArrayRef<Value> sources, const Chain &chain) const {
  unsigned first = ~0u;
  for (Value value : {chain.x, chain.y, chain.z})
    for (OpOperand &use : value.getUses()) {
      Operation *op = use.getOwner();
      unsigned position = step.getPosition(op);
      if (!op->hasTrait<OpTrait::IsTerminator>() && !step.isForward(op) &&
          TrainingStep::readsOperand(use) && position > step.getPosition(chain.batchNorm))
        first = std::min(first, position);
    }
  return llvm::all_of(sources, [&](Value source) {
    Operation *def = source.getDefiningOp();
    return !def || step.getPosition(def) < first;
  });
}

void ChainPlanner::decide(Chain &chain) {
  if (chain.strategy != ChainStrategy::Kept)
    return;
  if (isInputNeeded(chain)) {
    chain.legal = false;
    chain.reason = "its input is kept for the backward of another chain";
    return;
  }
  // Frozen relu's mask must see z itself: a sum's rounding would move clipped values off their
  // bound.
  if (options.throughAdd && chain.phi.isInvertible() && canDropOutput(chain)) {
    // z must not count as its own source.
    dropped.insert(chain.z);
    std::unique_ptr<RebuildPlan> plan = planThroughReader(chain.z, kMaxRebuildDepth);
    SmallVector<Value> sources;
    if (plan)
      plan->getSources(sources);
    if (plan && precedeReaders(sources, chain)) {
      for (Value source : sources) {
        pinned.insert(source);
        if (auto it = chainOf.find(source); it != chainOf.end() && it->second->legal)
          it->second->strategy = ChainStrategy::InPlace;
      }
      plans[chain.z] = std::move(plan);
      chain.strategy = ChainStrategy::ThroughAdd;
      return;
    }
    dropped.erase(chain.z);
  }
  if (chain.activation || isKept(chain.z))
    chain.strategy = ChainStrategy::InPlace;
}

/// Says why an identity chain whose output the backward does not read is left alone.
void ChainPlanner::explainUnused(Chain &chain) {
  chain.reason =
      "its output is not kept for the backward, so that dropping the input saves nothing";
  if (!options.throughAdd) {
    chain.reason += " (through-add is off)";
    return;
  }
  // A sum is followed by its activation: that is the usual obstacle.
  for (Operation *user : chain.z.getUsers()) {
    if (!step.isForward(user) || user->getNumResults() == 0)
      continue;
    for (Operation *next : user->getResult(0).getUsers())
      if (auto activation = dyn_cast<ActivationOp>(next);
          activation && !activation.getActivation().isInvertible()) {
        chain.reason = "it cannot be recovered through the sum, whose activation " +
                       activation.getActivation().getActivationName().str() + " is not invertible";
        return;
      }
  }
}
