// abn-recognize: decomposed batch norms become abn ops.
#include "ActivationBodies.h"
#include "ActivationFit.h"
#include "GenericDecomposer.h"
#include "MatchRewriter.h"
#include "MatchVerifier.h"
#include "abn/Analysis/TrainingStep.h"
#include "abn/Passes.h"
#include "abn/Recognize/Equivalence.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"
#include <cmath>

namespace mlir::abn {
#define GEN_PASS_DEF_RECOGNIZE
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

namespace {
/// How matches are checked again: variances far below, about and far above the usual epsilons, and
/// parameters of other sizes, alone (a weight decay that is added to a gradient shows beside small
/// sums) and with the inputs (a bias in front of a batch norm must not dwarf them). Other tiny
/// extents tell apart what agrees for three elements only.
struct VerifyRound {
  double fullScale, parameterScale;
  int64_t tinyExtent;
  bool roundCasts;
};
constexpr VerifyRound kVerifyRounds[] = {
    {1e-5, 1e-2, 3, false}, {1e-4, 1e-4, 3, false}, {1e-2, 0.1, 4, false}, {1e4, 1e2, 3, false},
    {1, 40, 3, false},      {1, 1e3, 3, false},     {1e3, 1e-3, 3, false}, {1, 1, 3, true},
};
} // namespace

/// Evaluates until no reshape has to be taken as a leaf anew.
static void evaluate(Evaluation &evaluation, func::FuncOp func, const LeafOptions &options,
                     llvm::DenseSet<Value> &forced, const llvm::DenseSet<Operation *> &ignored) {
  for (size_t known = ~size_t(0); known != forced.size();) {
    known = forced.size();
    evaluation.getArena().reset();
    LeafRegistry registry;
    evaluation.run(func, options, forced, registry, &ignored);
  }
}

/// The floating-point constants of the function.
static SmallVector<double> collectConstants(func::FuncOp func) {
  SmallVector<double> constants;
  func.walk([&](arith::ConstantOp op) {
    Attribute value = op.getValue();
    if (auto elements = dyn_cast<DenseElementsAttr>(value); elements && elements.isSplat())
      value = elements.getSplatValue<Attribute>();
    if (auto number = dyn_cast<FloatAttr>(value))
      if (double x = number.getValueAsDouble(); !llvm::is_contained(constants, x))
        constants.push_back(x);
  });
  return constants;
}

/// Epsilon as the graph has it: the nearest constant, or 0.
static double snapEpsilon(double epsilon, ArrayRef<double> constants) {
  double best = 0;
  for (double constant : constants)
    if (std::fabs(constant - epsilon) < std::fabs(best - epsilon))
      best = constant;
  return std::fabs(best - epsilon) <= 2e-6 ? snapConstant(best) : snapConstant(epsilon);
}

namespace {
struct Recognize : abn::impl::RecognizeBase<Recognize> {
  using RecognizeBase::RecognizeBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal() || !llvm::hasSingleElement(func.getBody()) || isPlanned(func))
      return;
    for (Operation &op : func.getBody().front())
      for (StringRef dialect : {"aten", "stablehlo"})
        if (op.getName().getDialectNamespace() == dialect) {
          op.emitError() << "`" << op.getName().getStringRef() << "` is not imported: abn-import-"
                         << dialect << " comes first";
          return signalPassFailure();
        }
    EquivalenceGuard guard(func, verifyEquivalence);
    GenericDecomposer decomposer(func);
    recognize(func, decomposer);
    if (failed(guard.check()))
      signalPassFailure();
  }

  void recognize(func::FuncOp func, GenericDecomposer &decomposer) {
    ArrayArena arena;
    Evaluation evaluation(arena);
    llvm::DenseSet<Value> forced;
    LeafOptions options;
    evaluate(evaluation, func, options, forced, decomposer.getFused());
    ValueTables tables(evaluation);
    ActivationBodies bodies;
    BatchNormSearch search(evaluation, tables, bodies, anyChannelDim);
    search.run();
    std::vector<BatchNormMatch> matches = search.takeMatches();
    SmallVector<double> constants = collectConstants(func);
    for (BatchNormMatch &match : matches)
      match.epsilon = snapEpsilon(match.epsilon, constants);
    verify(func, decomposer, evaluation, tables, matches, forced, bodies);
    retry(func, decomposer, evaluation, tables, matches, forced, bodies, search);
    MatchRewriter rewriter(func, evaluation, tables);
    report(search.getRefused(), matches, evaluation);
    bool applied = false;
    for (const BatchNormMatch &match : matches)
      if (match.problem.empty()) {
        rewriter.apply(match);
        applied = true;
      }
    decomposer.restore(applied);
    if (applied)
      rewriter.eraseUnused();
  }

  void verify(func::FuncOp func, const GenericDecomposer &decomposer, Evaluation &evaluation,
              const ValueTables &tables, std::vector<BatchNormMatch> &matches,
              llvm::DenseSet<Value> &forced, ActivationBodies &bodies) {
    if (matches.empty())
      return;
    MatchVerifier verifier(evaluation, tables, matches, bodies);
    ArrayArena arena;
    for (auto [round, how] : llvm::enumerate(kVerifyRounds)) {
      LeafOptions options;
      options.fullScale = how.fullScale;
      options.parameterScale = how.parameterScale;
      options.tinyExtent = how.tinyExtent;
      options.roundCasts = how.roundCasts;
      options.seed = 2 + round;
      options.dynamicExtent = 7 + 2 * round;
      arena.reset();
      Evaluation other(arena);
      LeafRegistry registry;
      other.run(func, options, forced, registry, &decomposer.getFused());
      if (how.roundCasts)
        verifier.dropRoundedCopies(other);
      else
        verifier.check(other);
    }
    verifier.checkBranches();
  }

  /// Matches that failed and have another candidate for their gradient are checked once more, from
  /// the start.
  void retry(func::FuncOp func, const GenericDecomposer &decomposer, Evaluation &evaluation,
             const ValueTables &tables, std::vector<BatchNormMatch> &matches,
             llvm::DenseSet<Value> &forced, ActivationBodies &bodies, BatchNormSearch &search) {
    constexpr unsigned kMaxRounds = 4;
    for (unsigned round = 0; round < kMaxRounds; ++round) {
      std::vector<BatchNormMatch> again;
      std::vector<size_t> positions;
      for (auto [i, match] : llvm::enumerate(matches)) {
        BatchNormMatch candidate = match;
        if (match.problem.empty() || !search.retry(candidate))
          continue;
        again.push_back(std::move(candidate));
        positions.push_back(i);
      }
      if (again.empty())
        return;
      verify(func, decomposer, evaluation, tables, again, forced, bodies);
      for (auto [position, match] : llvm::zip_equal(positions, again))
        matches[position] = std::move(match);
    }
  }

  void report(ArrayRef<RefusedMatch> refused, ArrayRef<BatchNormMatch> matches,
              const Evaluation &evaluation) {
    auto missed = [](Location loc, const Twine &reason) {
      remark::missed(loc, remark::RemarkOpts::name("Recognize").category("abn"))
          << ("batch norm is not recognised: " + reason).str();
    };
    for (const RefusedMatch &candidate : refused)
      missed(evaluation[candidate.x].value.getLoc(), candidate.reason);
    for (const BatchNormMatch &match : matches) {
      Location loc = evaluation[match.y].value.getLoc();
      if (match.isActivationOnly)
        continue;
      if (!match.problem.empty())
        missed(loc, match.problem);
      else if (!match.hasBackward())
        remark::missed(loc, remark::RemarkOpts::name("Recognize").category("abn"))
            << "batch norm is recognised without its backward: no gradient of its input is "
               "computed "
               "from it";
      if (match.problem.empty() && !match.keepsBatchNorm())
        remark::passed(loc, remark::RemarkOpts::name("Recognize").category("abn"))
            << ("batch norm is recognised" +
                (match.hasActivation() ? " with " + match.phi.getActivationName().str() : ""));
    }
  }
};
} // namespace
