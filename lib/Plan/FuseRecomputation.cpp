// abn-fuse-recomputation: what is computed again in several elementwise ops becomes one pass.
#include "Alignment.h"
#include "ResolveSizes.h"
#include "abn/AbnDialect.h"
#include "abn/Analysis/TrainingStep.h"
#include "abn/Lower/AbnToLinalg.h"
#include "abn/Passes.h"
#include "abn/Plan/PlanModel.h"
#include "abn/Plan/Planner.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::abn {
#define GEN_PASS_DEF_FUSERECOMPUTATION
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

static bool isRecomputed(Operation *op) { return op->hasAttr(AbnDialect::kRecomputeAttr); }

/// A recomputed op of which each element depends on the elements at its place.
static bool isRecomputedElementwise(Operation *op) {
  if (!op || !isRecomputed(op) || op->getNumResults() != 1)
    return false;
  if (isa<BatchNormInferenceOp, ActivationOp, ActivationInverseOp>(op))
    return true;
  // What updates its destination stays: fused, the destination would be another one.
  auto generic = dyn_cast<linalg::GenericOp>(op);
  return generic && generic.getNumParallelLoops() == generic.getNumLoops() &&
         llvm::none_of(generic.getDpsInitsMutable(),
                       [&](OpOperand &init) { return generic.payloadUsesValueFromOperand(&init); });
}

/// The only op that uses the result, as an input and perhaps as its destination too.
static Operation *getOnlyUser(Operation *op) {
  Operation *found = nullptr;
  for (Operation *user : op->getResult(0).getUsers()) {
    if (found && user != found)
      return nullptr;
    found = user;
  }
  return found;
}

/// An op on full tensors other than elementwise recomputation: a convolution that is computed again
/// too.
static bool isOtherWork(Operation *op) {
  auto destination = dyn_cast<DestinationStyleOpInterface>(op);
  return destination && destination.getNumDpsInputs() > 0 && !isRecomputedElementwise(op) &&
         llvm::any_of(op->getResultTypes(), [](Type type) {
           return isa<RankedTensorType>(type) && cast<RankedTensorType>(type).getRank() > 1;
         });
}

/// Whether no other work, and no recomputation for another reader, stands between the two: what the
/// first reads then lives no longer beside other buffers than it did.
static bool isNear(Operation *first, Operation *second) {
  if (first->getBlock() != second->getBlock())
    return false;
  for (Operation *op = first->getNextNode(); op && op != second; op = op->getNextNode())
    if (isOtherWork(op) || (isRecomputedElementwise(op) && getOnlyUser(op) != second))
      return false;
  return true;
}

/// Whether the consumer reads the producer's result once, beside perhaps writing over it.
static bool isReadOnce(Operation *producer, Operation *consumer) {
  auto destination = cast<DestinationStyleOpInterface>(consumer);
  return llvm::count_if(destination.getDpsInputs(),
                        [&](Value input) { return input == producer->getResult(0); }) == 1;
}

/// How many tensors of full size the producer is the last to read: fused, they live up to the
/// consumer, in place of the producer's one result.
static unsigned countDying(Operation *producer) {
  llvm::SmallDenseSet<Value> dying;
  for (Value input : cast<DestinationStyleOpInterface>(producer).getDpsInputs()) {
    auto type = dyn_cast<RankedTensorType>(input.getType());
    // An argument lives on in any case.
    if (isa<BlockArgument>(input))
      continue;
    bool isLast = llvm::all_of(input.getUsers(), [&](Operation *user) {
      return user == producer ||
             (user->getBlock() == producer->getBlock() && user->isBeforeInBlock(producer));
    });
    if (type && type.getRank() > 1 && isLast)
      dying.insert(input);
  }
  return dying.size();
}

static bool canFuse(Operation *producer) {
  if (!isRecomputedElementwise(producer))
    return false;
  Operation *consumer = getOnlyUser(producer);
  return isRecomputedElementwise(consumer) && isNear(producer, consumer) &&
         isReadOnce(producer, consumer) && countDying(producer) <= 1;
}

/// How long the packer searches before a fusion is given up: as long as abn-assign-offsets.
static constexpr int64_t kLastNodes = 500'000;

namespace {
/// Marks what replaces a recomputed op.
struct MarkReplacement : RewriterBase::Listener {
  using Listener::notifyOperationReplaced;
  void notifyOperationReplaced(Operation *op, ValueRange replacement) override {
    Attribute mark = op->getAttr(AbnDialect::kRecomputeAttr);
    for (Value value : replacement)
      if (Operation *def = value.getDefiningOp(); def && mark)
        def->setAttr(AbnDialect::kRecomputeAttr, mark);
  }
};

/// The bytes of the per-channel vector that the lowering makes: gamma / sqrt(variance + epsilon).
static int64_t getVectorBytes(BatchNormInferenceOp op) {
  return getByteSize(op.getVariance().getType());
}

/// The live bytes of a step at each of its ops.
class LiveBytes {
public:
  LiveBytes(func::FuncOp func, int64_t dynamicSize) {
    FailureOr<TrainingStep> step = TrainingStep::get(func);
    if (failed(step))
      return;
    PlanModel model(*step, dynamicSize);
    const plan::Schedule &order = model.getGraph().order;
    live = plan::evaluate(model.getGraph(), order).live;
    for (auto [at, op] : llvm::enumerate(order))
      positions[model.getOperation(op)] = at;
  }

  /// Adds bytes to the ops from `first` to `last` if that is no more than `limit` at any of them.
  bool addWithin(int64_t limit, int64_t bytes, Operation *first, Operation *last) {
    auto begin = positions.find(first), end = positions.find(last);
    if (begin == positions.end() || end == positions.end())
      return false;
    auto range = llvm::MutableArrayRef(live).slice(begin->second, end->second - begin->second + 1);
    if (llvm::any_of(range, [&](int64_t at) { return at > limit - bytes; }))
      return false;
    for (int64_t &at : range)
      at += bytes;
    return true;
  }

private:
  std::vector<int64_t> live;
  llvm::DenseMap<Operation *, size_t> positions;
};

struct FuseRecomputation : mlir::abn::impl::FuseRecomputationBase<FuseRecomputation> {
  using FuseRecomputationBase::FuseRecomputationBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (failed(checkAlignment(func.getLoc(), alignment)))
      return signalPassFailure();
    auto plan = func->getAttrOfType<DictionaryAttr>(AbnDialect::kPlanAttr);
    auto arena = plan ? plan.getAs<IntegerAttr>("arena_bytes") : IntegerAttr();
    bool isFused = arena ? succeeded(fuseWithin(arena.getInt())) : succeeded(fuseAll(std::nullopt));
    if (!isFused)
      signalPassFailure();
  }

  /// Fuses what leaves the arena within `limit`: batch norms too, whose lowering needs per-channel
  /// vectors that the planner did not count, where there is room for them; else ops that are linalg
  /// already; else nothing.
  LogicalResult fuseWithin(int64_t limit) {
    func::FuncOp func = getOperation();
    if (llvm::none_of(func.getOps(), [](Operation &op) { return canFuse(&op); }))
      return success();
    for (bool mayLower : {true, false}) {
      OwningOpRef<func::FuncOp> before = func.clone();
      if (failed(fuseAll(limit, mayLower)))
        return failure();
      if (placeWithin(limit))
        return success();
      func.getBody().takeBody(before->getBody());
    }
    return success();
  }

  /// Gives the fused ops their destinations, unless the arena is larger than `limit` then.
  bool placeWithin(int64_t limit) {
    FailureOr<TrainingStep> step = TrainingStep::get(getOperation());
    if (failed(step))
      return false;
    PlanModel model(*step, getDynamicSize(getOperation()));
    const plan::StepGraph &graph = model.getGraph();
    plan::Evaluation evaluation = plan::evaluate(graph, graph.order);
    if (evaluation.maxLive > limit ||
        (plan::packArena(evaluation, alignment, plan::kHurriedNodes) > limit &&
         plan::packArena(evaluation, alignment, kLastNodes) > limit))
      return false;
    model.apply(graph.order);
    return true;
  }

  /// Fuses every pair of linalg ops; with `mayLower` abn ops become linalg first, those for whose
  /// vectors there is room within `limit`.
  LogicalResult fuseAll(std::optional<int64_t> limit, bool mayLower = true) {
    if (mayLower)
      lowerToLinalg(limit);
    IRRewriter rewriter(&getContext());
    bool hasFused = false;
    // Each fusion can only make pairs with the ops behind it.
    for (Block &block : getOperation().getBody())
      for (Operation *op = block.empty() ? nullptr : &block.front(); op;) {
        Operation *next = op->getNextNode();
        if (isa<linalg::GenericOp>(op) && canFuse(op)) {
          fuse(rewriter, op, next);
          hasFused = true;
        }
        op = next;
      }
    // The lowering asked the tensors for their sizes.
    return hasFused ? resolveSizes(getOperation()) : success();
  }

  /// The abn ops of every pair for which there is room.
  llvm::SetVector<Operation *> findLowered(std::optional<int64_t> limit) {
    func::FuncOp func = getOperation();
    std::optional<LiveBytes> live;
    if (limit)
      live.emplace(func, getDynamicSize(func));
    llvm::DenseSet<Operation *> refused;
    func.walk([&](BatchNormInferenceOp op) {
      if (!live || !canFuse(op))
        return;
      Operation *last = op;
      while (canFuse(last))
        last = getOnlyUser(last);
      int64_t bytes = llvm::alignTo(getVectorBytes(op), alignment);
      if (!live->addWithin(*limit, bytes, op, last))
        refused.insert(op);
    });
    llvm::SetVector<Operation *> lowered;
    func.walk([&](Operation *op) {
      if (!canFuse(op) || refused.contains(op) || refused.contains(getOnlyUser(op)))
        return;
      for (Operation *part : {op, getOnlyUser(op)})
        if (!isa<linalg::GenericOp>(part))
          lowered.insert(part);
    });
    return lowered;
  }

  void lowerToLinalg(std::optional<int64_t> limit) {
    llvm::SetVector<Operation *> ops = findLowered(limit);
    RewritePatternSet patterns(&getContext());
    populateAbnToLinalgPatterns(patterns);
    MarkReplacement listener;
    GreedyRewriteConfig config;
    config.setListener(&listener);
    config.setStrictness(GreedyRewriteStrictness::ExistingOps);
    config.enableFolding(false);
    config.enableConstantCSE(false);
    (void)applyOpPatternsGreedily(ops.getArrayRef(), std::move(patterns), config);
  }

  /// Fuses `producer` into its only user.
  static void fuse(IRRewriter &rewriter, Operation *producer, Operation *&next) {
    auto consumer = dyn_cast<linalg::GenericOp>(getOnlyUser(producer));
    if (!consumer)
      return;
    auto destination = cast<DestinationStyleOpInterface>(producer);
    // The consumer wrote over the producer's result: now it writes where that would have gone.
    for (OpOperand &init : consumer.getDpsInitsMutable())
      if (init.get() == producer->getResult(0) && !consumer.payloadUsesValueFromOperand(&init))
        init.set(destination.getDpsInits()[0]);
    for (OpOperand *input : consumer.getDpsInputOperands()) {
      if (input->get() != producer->getResult(0) || !linalg::areElementwiseOpsFusable(input))
        continue;
      rewriter.setInsertionPoint(consumer);
      FailureOr<linalg::ElementwiseOpFusionResult> fused =
          linalg::fuseElementwiseOps(rewriter, input);
      if (failed(fused))
        continue;
      fused->fusedOp->setAttr(AbnDialect::kRecomputeAttr,
                              consumer->getAttr(AbnDialect::kRecomputeAttr));
      for (auto [from, to] : fused->replacements)
        rewriter.replaceUsesWithIf(from, to,
                                   [&](OpOperand &use) { return use.getOwner() != producer; });
      if (next == consumer)
        next = fused->fusedOp;
      rewriter.eraseOp(consumer);
      if (producer->use_empty())
        rewriter.eraseOp(producer);
      return;
    }
  }
};
} // namespace
