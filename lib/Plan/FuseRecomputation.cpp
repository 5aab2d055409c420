// abn-fuse-recomputation: what is computed again in several elementwise ops becomes one pass.
#include "ResolveSizes.h"
#include "abn/AbnDialect.h"
#include "abn/Lower/AbnToLinalg.h"
#include "abn/Passes.h"
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

struct FuseRecomputation : mlir::abn::impl::FuseRecomputationBase<FuseRecomputation> {
  void runOnOperation() override {
    // The per-channel vectors that the lowering makes are in no plan: not where each byte counts.
    auto plan = getOperation()->getAttrOfType<DictionaryAttr>(AbnDialect::kPlanAttr);
    if (!plan || !plan.contains(AbnDialect::kBudgetKey))
      lowerToLinalg();
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
    if (hasFused && failed(resolveSizes(getOperation())))
      signalPassFailure();
  }

  /// The abn ops of every pair become linalg.
  void lowerToLinalg() {
    llvm::SetVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (!canFuse(op))
        return;
      for (Operation *part : {op, getOnlyUser(op)})
        if (!isa<linalg::GenericOp>(part))
          ops.insert(part);
    });
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
