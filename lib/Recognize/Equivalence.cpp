// The equivalence check: one evaluation of each function for each scale.
#include "abn/Recognize/Equivalence.h"
#include "GenericDecomposer.h"
#include "abn/AbnDialect.h"
#include "abn/Analysis/TrainingStep.h"
#include "abn/Recognize/ValueTables.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>

using namespace mlir;
using namespace mlir::abn;

/// A result that is further off, relative to its largest entry, is another one.
static constexpr double kDifference = 1e-5;

/// Arguments that prelu's slopes are computed from: an inverse needs them positive.
static llvm::SmallDenseSet<unsigned> findSlopeArguments(func::FuncOp func) {
  SmallVector<Value> worklist;
  func.walk([&](Operation *op) {
    if (auto forward = dyn_cast<InplaceForwardOp>(op))
      llvm::append_range(worklist, forward.getParams());
    if (auto forward = dyn_cast<InplaceInferenceOp>(op))
      llvm::append_range(worklist, forward.getParams());
  });
  llvm::SmallDenseSet<unsigned> found;
  llvm::SmallDenseSet<Value> seen;
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    if (!seen.insert(value).second)
      continue;
    if (auto argument = dyn_cast<BlockArgument>(value))
      found.insert(argument.getArgNumber());
    else
      llvm::append_range(worklist, value.getDefiningOp()->getOperands());
  }
  return found;
}

/// Whether values are recovered by an inverse: activations must then not saturate.
static bool hasInverse(func::FuncOp func) {
  return func
      .walk([](Operation *op) {
        return isa<InplaceForwardOp, InplaceInferenceOp>(op) ? WalkResult::interrupt()
                                                             : WalkResult::advance();
      })
      .wasInterrupted();
}

/// The largest difference of two results relative to the largest entry of a trial; infinite if
/// their layouts differ.
static double compare(ArrayArena &arena, const TinyArray &a, const TinyArray &b) {
  SmallVector<int64_t, 5> sizes;
  if (!mergeSizes({a, b}, sizes))
    return INFINITY;
  ArrayRef<double> x = broadcast(arena, a, sizes).getContents(),
                   y = broadcast(arena, b, sizes).getContents();
  size_t count = x.size() / kTrials;
  double worst = 0;
  for (size_t trial = 0; trial < kTrials; ++trial) {
    ArrayRef<double> before = x.slice(trial * count, count), after = y.slice(trial * count, count);
    double scale = 1e-300;
    for (double entry : before)
      if (std::isfinite(entry))
        scale = std::max(scale, std::fabs(entry));
    for (auto [p, q] : llvm::zip_equal(before, after)) {
      if (p == q || (std::isnan(p) && std::isnan(q)))
        continue;
      double error = std::fabs(p - q) / scale;
      worst = std::max(worst, std::isfinite(error) ? error : INFINITY);
    }
  }
  return worst;
}

namespace {
/// A copy of a function in which fused generics are split: an op that is not executed is then the
/// same op in both functions, even if one was fused with what a rewrite replaced.
struct SplitCopy {
  explicit SplitCopy(func::FuncOp original) : func(original.clone()), decomposer(func) {}
  ~SplitCopy() { func->destroy(); }

  func::FuncOp func;
  GenericDecomposer decomposer;
};
} // namespace

std::optional<std::string> mlir::abn::findDifference(func::FuncOp originalBefore,
                                                     func::FuncOp originalAfter) {
  SplitCopy before(originalBefore), after(originalAfter);
  constexpr double kScales[][2] = {{1, 1}, {1e-2, 1}, {30, 0.5}, {1e-6, 1}};
  bool inverse = hasInverse(originalAfter);
  for (auto [round, scales] : llvm::enumerate(kScales)) {
    LeafOptions options;
    options.fullScale = inverse ? std::min(scales[0], 0.3) : scales[0];
    options.parameterScale = scales[1] * (inverse ? 0.12 : 1);
    options.seed = 100 + round;
    options.dynamicExtent = 5 + 6 * round;
    options.tinyExtent = round == 0 ? 4 : 3;
    // Both functions are laid out for the reshapes of either.
    TinyExtents extents({before.func, after.func}, options.tinyExtent, options.seed);
    options.extents = &extents;
    options.positiveArguments = findSlopeArguments(originalAfter);
    ArrayArena arenas[2];
    LeafRegistry registry;
    Evaluation first(arenas[0]), second(arenas[1]);
    llvm::DenseSet<Value> forced, forcedAfter;
    Operation *firstAdded = nullptr;
    // Reshapes that must be leaves show one by one.
    for (size_t known = ~size_t(0); known != forced.size();) {
      known = forced.size();
      registry = LeafRegistry();
      first.run(before.func, options, forced, registry, &before.decomposer.getFused());
    }
    for (size_t known = ~size_t(0); known != forcedAfter.size();) {
      known = forcedAfter.size();
      LeafRegistry copy = registry;
      copy.startComparison();
      second.run(after.func, options, forcedAfter, copy, &after.decomposer.getFused());
      firstAdded = copy.getFirstAdded();
    }
    if (first.getNumEffects() != second.getNumEffects())
      return "the number of ops with effects differs";
    if (firstAdded && firstAdded->getNumResults() == 0)
      return ("`" + firstAdded->getName().getStringRef() + "` (" +
              describeLocation(firstAdded->getLoc()) + ") has an effect with something else")
          .str();
    for (auto [index, pair] :
         llvm::enumerate(llvm::zip_equal(first.getReturned(), second.getReturned()))) {
      double error =
          compare(arenas[0], first[std::get<0>(pair)].array, second[std::get<1>(pair)].array);
      if (error > kDifference) {
        std::string text =
            llvm::formatv("result {0} differs by {1:e} of its largest entry", index, error).str();
        if (firstAdded)
          text += ("; `" + firstAdded->getName().getStringRef() + "` (" +
                   describeLocation(firstAdded->getLoc()) +
                   ") is the first op that reads something else")
                      .str();
        return text;
      }
    }
  }
  return std::nullopt;
}

EquivalenceGuard::EquivalenceGuard(func::FuncOp func, bool enabled) : func(func) {
  if (enabled && !func.isExternal() && llvm::hasSingleElement(func.getBody()))
    before = func.clone();
}

EquivalenceGuard::~EquivalenceGuard() {
  if (before)
    before->destroy();
}

LogicalResult EquivalenceGuard::check() {
  if (!before)
    return success();
  std::optional<std::string> difference = findDifference(before, func);
  if (!difference)
    return success();
  return func.emitError() << "the rewrite changes the function: " << *difference;
}
