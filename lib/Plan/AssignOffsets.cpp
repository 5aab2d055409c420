// abn-assign-offsets: solves the abn.pack ops with the packer.
#include "Alignment.h"
#include "ParametricPack.h"
#include "SizeSymbols.h"
#include "abn/AbnDialect.h"
#include "abn/Analysis/TrainingStep.h"
#include "abn/Pack/PackSolver.h"
#include "abn/Passes.h"
#include "abn/Plan/Planner.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace mlir::abn {
#define GEN_PASS_DEF_ASSIGNOFFSETS
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

/// 1 GiB behind each buffer: the sums of as many as a step has stay in 64 bits.
constexpr int64_t kMaxCanaryBytes = int64_t(1) << 30;

/// The problem of an op whose sizes are constants, with `canaryBytes` behind each buffer.
static ::abn::pack::Problem getProblem(PackOp op, int64_t alignment, int64_t canaryBytes) {
  ::abn::pack::Problem problem;
  ArrayRef<int64_t> lifetimes = op.getLifetimes();
  for (auto [index, size] : llvm::enumerate(op.getSizes())) {
    APInt bytes;
    (void)matchPattern(size, m_ConstantInt(&bytes));
    ::abn::pack::Buffer buffer;
    buffer.lower = lifetimes[2 * index];
    buffer.upper = lifetimes[2 * index + 1] + 1;
    // The packer refuses what does not fit.
    buffer.size = llvm::SaturatingAdd<uint64_t>(bytes.getZExtValue(), canaryBytes) > INT64_MAX
                      ? INT64_MAX
                      : bytes.getSExtValue() + canaryBytes;
    buffer.alignment = alignment;
    problem.buffers.push_back(buffer);
  }
  return problem;
}

/// The largest of the forms of the op's symbols.
static AffineMap getMap(const plan::Forms &forms, MLIRContext *context) {
  SmallVector<AffineExpr> exprs;
  for (const plan::Form &form : forms) {
    AffineExpr sum = getAffineConstantExpr(0, context);
    for (unsigned symbol = 1; symbol < form.size(); ++symbol)
      sum = sum + getAffineSymbolExpr(symbol - 1, context) * form[symbol];
    exprs.push_back(sum + form[0]);
  }
  return AffineMap::get(0, forms.front().size() - 1, exprs, context);
}

namespace {
struct AssignOffsets : mlir::abn::impl::AssignOffsetsBase<AssignOffsets> {
  using AssignOffsetsBase::AssignOffsetsBase;

  void runOnOperation() override {
    // Errors are not of the op: that would print the whole function.
    Location loc = getOperation().getLoc();
    if (failed(checkAlignment(loc, alignment)))
      return signalPassFailure();
    if (canaryBytes < 0) {
      emitError(loc) << "expected no negative option `canary-bytes`, got "
                     << canaryBytes.getValue();
      return signalPassFailure();
    }
    if (canaryBytes > kMaxCanaryBytes) {
      emitError(loc) << "expected at most " << kMaxCanaryBytes
                     << " for the option `canary-bytes`, got " << canaryBytes.getValue();
      return signalPassFailure();
    }
    if (nodeLimit < 0) {
      emitError(loc) << "expected no negative option `node-limit`, got " << nodeLimit.getValue();
      return signalPassFailure();
    }
    if (failed(checkDynamicSize(loc, dynamicSize, 0)))
      return signalPassFailure();
    WalkResult result = getOperation().walk([&](PackOp op) {
      return failed(solve(op)) ? WalkResult::interrupt() : WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

  LogicalResult solve(PackOp op) {
    op.setAlignment(alignment);
    for (StringRef old :
         {AbnDialect::kCanaryAttr, AbnDialect::kDynamicSizeAttr, AbnDialect::kArenaBytesAttr})
      op->removeAttr(old);
    op.removeOffsetsAttr();
    op.removeArenaSizeAttr();
    op.removeOffsetMapsAttr();
    op.removeArenaMapAttr();
    SmallVector<Value> symbols(op.getSymbols());
    op.getSymbolsMutable().clear();
    for (Value symbol : symbols)
      if (Operation *product = symbol.getDefiningOp(); product && isOpTriviallyDead(product))
        product->erase();
    if (llvm::all_of(op.getSizes(), [](Value size) { return matchPattern(size, m_Constant()); })) {
      if (failed(solveConstant(op)))
        return failure();
    } else {
      solveParametric(op);
    }
    if (canaryBytes > 0)
      setInteger(op, AbnDialect::kCanaryAttr, canaryBytes);
    return success();
  }

  static void setInteger(PackOp op, StringRef name, int64_t value) {
    op->setAttr(name, Builder(op.getContext()).getI64IntegerAttr(value));
  }

  LogicalResult solveConstant(PackOp op) {
    ::abn::pack::Problem problem = getProblem(op, alignment, canaryBytes);
    ::abn::pack::Result solved = search(problem, getPlanned(op, AbnDialect::kBudgetKey));
    if (solved.offsets.size() != problem.buffers.size() || solved.maxLive == INT64_MAX)
      return emitError(op.getLoc()) << "the arena does not fit in 64 bits";
    if (failed(checkBudget(op, solved.arena)))
      return failure();
    op.setOffsets(ArrayRef<int64_t>(solved.offsets));
    op.setArenaSize(solved.arena);
    setInteger(op, AbnDialect::kLowerBoundAttr, solved.lowerBound);
    setInteger(op, AbnDialect::kMaxLiveAttr, solved.maxLive);
    return success();
  }

  /// As the planner packs its plans: what it has found for a budget, with as long a search or a
  /// shorter one, is found again.
  ::abn::pack::Result search(const ::abn::pack::Problem &problem, IntegerAttr budget) const {
    ::abn::pack::Problem compressed = ::abn::pack::compressTimes(problem);
    ::abn::pack::Options options;
    options.nodeLimit = nodeLimit;
    ::abn::pack::Result best = ::abn::pack::solve(compressed, options);
    for (int64_t shorter : {plan::kCarefulNodes, plan::kHurriedNodes}) {
      if (!budget || canaryBytes > 0 || best.arena <= budget.getInt() || shorter >= nodeLimit)
        continue;
      options.nodeLimit = shorter;
      if (::abn::pack::Result other = ::abn::pack::solve(compressed, options);
          other.arena < best.arena)
        best = std::move(other);
    }
    return best;
  }

  /// What the planner says of the op's function.
  static IntegerAttr getPlanned(PackOp op, StringRef key) {
    auto func = op->getParentOfType<func::FuncOp>();
    auto plan = func->getAttrOfType<DictionaryAttr>(AbnDialect::kPlanAttr);
    return plan ? plan.getAs<IntegerAttr>(key) : IntegerAttr();
  }

  /// The budget that abn-plan-recompute promised to keep, but for canaries, which nobody planned.
  LogicalResult checkBudget(PackOp op, int64_t arena) const {
    IntegerAttr budget = getPlanned(op, AbnDialect::kBudgetKey);
    if (!budget || arena <= budget.getInt() || canaryBytes > 0)
      return success();
    return emitError(op.getLoc()) << "the arena of " << arena << " bytes is above the budget of "
                                  << budget.getInt() << " bytes that the plan was to keep";
  }

  /// What dynamic dimensions are taken to be: the option, or what the planner took.
  int64_t getDynamicSize(PackOp op) const {
    return mlir::abn::getDynamicSize(op->getParentOfType<func::FuncOp>(), dynamicSize);
  }

  void solveParametric(PackOp op) {
    SizeSymbols symbols;
    std::vector<plan::Form> sizes = symbols.read(op.getSizes());
    plan::ParametricProblem problem;
    problem.alignment = alignment;
    problem.nodeLimit = nodeLimit;
    problem.at = symbols.evaluate(getDynamicSize(op));
    ArrayRef<int64_t> lifetimes = op.getLifetimes();
    for (auto [index, size] : llvm::enumerate(sizes)) {
      size[0] += canaryBytes;
      problem.buffers.push_back({lifetimes[2 * index], lifetimes[2 * index + 1], std::move(size)});
    }
    plan::ParametricPlan solved = plan::packParametric(problem);
    OpBuilder b(op);
    SmallVector<Attribute> maps;
    for (const plan::Forms &offset : solved.offsets)
      maps.push_back(AffineMapAttr::get(getMap(offset, op.getContext())));
    // Rounded sizes may need a little more than planned.
    if (IntegerAttr budget = getPlanned(op, AbnDialect::kBudgetKey);
        budget && canaryBytes == 0 && solved.arenaBytes > budget.getInt())
      emitWarning(op.getLoc()) << "the arena of " << solved.arenaBytes
                               << " bytes at the planned size is above the budget of "
                               << budget.getInt() << " bytes";
    op.getSymbolsMutable().assign(symbols.materialize(b, op.getLoc()));
    op.setOffsetMapsAttr(b.getArrayAttr(maps));
    op.setArenaMap(getMap(solved.arena, op.getContext()));
    setInteger(op, AbnDialect::kLowerBoundAttr, solved.lowerBound);
    setInteger(op, AbnDialect::kMaxLiveAttr, solved.maxLive);
    setInteger(op, AbnDialect::kArenaBytesAttr, solved.arenaBytes);
    setInteger(op, AbnDialect::kDynamicSizeAttr, getDynamicSize(op));
  }
};
} // namespace
