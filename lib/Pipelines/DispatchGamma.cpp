// abn-dispatch-gamma: compiles a step in two versions and chooses between them at run time.
#include "RewritePipeline.h"
#include "abn/AbnDialect.h"
#include "abn/Analysis/TrainingStep.h"
#include "abn/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::abn {
#define GEN_PASS_DEF_DISPATCHGAMMA
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

/// The function's arguments that are gammas of chains which the backward inverts, in program order;
/// nullopt if there is no such chain, or a gamma is computed in the step.
static std::optional<llvm::SetVector<Value>> findGammas(func::FuncOp func) {
  llvm::SetVector<Value> gammas;
  bool hasChain = false, isKnown = true;
  func.walk([&](Operation *op) {
    Value gamma;
    if (auto backward = dyn_cast<InplaceBackwardOp>(op))
      gamma = backward.getGamma();
    else if (auto frozen = dyn_cast<InplaceInferenceBackwardOp>(op))
      gamma = frozen.getGamma();
    else if (auto recover = dyn_cast<RecoverOp>(op))
      gamma = recover.getGamma();
    else
      return;
    hasChain = true;
    // Without gamma it is 1.
    if (!gamma)
      return;
    isKnown &= isa<BlockArgument>(gamma);
    gammas.insert(gamma);
  });
  if (!hasChain || !isKnown)
    return std::nullopt;
  return gammas;
}

/// The smallest |gamma| of one vector and `smallest`; NaN if one is.
static Value emitMinimum(OpBuilder &b, Location loc, Value gamma, Value smallest) {
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  Value size = b.createOrFold<tensor::DimOp>(loc, gamma, 0);
  auto loop = scf::ForOp::create(
      b, loc, zero, size, one, ValueRange{smallest},
      [&](OpBuilder &nested, Location l, Value i, ValueRange args) {
        Value element = tensor::ExtractOp::create(nested, l, gamma, ValueRange{i});
        Type wide = nested.getF64Type();
        if (element.getType() != wide)
          element = arith::ExtFOp::create(nested, l, wide, element);
        Value magnitude = math::AbsFOp::create(nested, l, element);
        Value next = arith::MinimumFOp::create(nested, l, args[0], magnitude);
        scf::YieldOp::create(nested, l, next);
      });
  return loop.getResult(0);
}

namespace {
struct DispatchGamma : mlir::abn::impl::DispatchGammaBase<DispatchGamma> {
  using DispatchGammaBase::DispatchGammaBase;

  void getDependentDialects(DialectRegistry &registry) const override {
    DispatchGammaBase::getDependentDialects(registry);
    OpPassManager pipeline(func::FuncOp::getOperationName());
    buildRewritePipeline(pipeline, getRewriteOptions());
    pipeline.getDependentDialects(registry);
  }

  RewriteOptions getRewriteOptions() const {
    RewriteOptions options;
    options.gammaPolicy.assign(gammaPolicy.begin(), gammaPolicy.end());
    options.gammaThreshold = gammaThreshold;
    options.throughAdd = throughAdd;
    options.substituteRelu = substituteReluOption;
    options.lossResult = lossResult;
    options.verifyEquivalence = verifyEquivalence;
    return options;
  }

  void runOnOperation() override {
    for (auto func : llvm::to_vector(getOperation().getOps<func::FuncOp>()))
      if (!func.isExternal() && failed(dispatch(func)))
        return signalPassFailure();
  }

  LogicalResult dispatch(func::FuncOp func) {
    OwningOpRef<func::FuncOp> exact = func.clone();
    OpPassManager pipeline(func::FuncOp::getOperationName());
    buildRewritePipeline(pipeline, getRewriteOptions());
    if (failed(runPipeline(pipeline, func)))
      return failure();
    std::optional<llvm::SetVector<Value>> gammas = findGammas(func);
    if (!gammas || gammas->empty())
      return success();
    SmallVector<unsigned> arguments;
    for (Value gamma : *gammas)
      arguments.push_back(cast<BlockArgument>(gamma).getArgNumber());

    SymbolTable symbols(getOperation());
    func::FuncOp chooser = createChooser(func);
    std::string name = func.getName().str();
    func.setName(name + "_invert");
    exact->setName(name + "_exact");
    func.setPrivate();
    exact->setPrivate();
    Builder b(func.getContext());
    (*exact)->setAttr(AbnDialect::kFallbackAttr, b.getUnitAttr());
    auto after = std::next(Block::iterator(func));
    symbols.insert(chooser, Block::iterator(func));
    symbols.insert(exact.get(), after);
    func::FuncOp fallback = exact.release();
    func->setAttr(AbnDialect::kFallbackOfAttr, FlatSymbolRefAttr::get(fallback.getNameAttr()));
    emitChoice(chooser, func, fallback, arguments);
    return success();
  }

  /// A function of the same name and signature, without a body.
  static func::FuncOp createChooser(func::FuncOp func) {
    OpBuilder b(func.getContext());
    auto chooser = func::FuncOp::create(b, func.getLoc(), func.getName(), func.getFunctionType());
    chooser.setVisibility(func.getVisibility());
    if (ArrayAttr attrs = func.getArgAttrsAttr())
      chooser.setArgAttrsAttr(attrs);
    if (ArrayAttr attrs = func.getResAttrsAttr())
      chooser.setResAttrsAttr(attrs);
    if (Attribute before = func->getAttr(AbnDialect::kMemoryBeforeAttr))
      chooser->setAttr(AbnDialect::kMemoryBeforeAttr, before);
    return chooser;
  }

  void emitChoice(func::FuncOp chooser, func::FuncOp inverting, func::FuncOp exact,
                  ArrayRef<unsigned> gammas) {
    Location loc = chooser.getLoc();
    Block *block = chooser.addEntryBlock();
    OpBuilder b = OpBuilder::atBlockBegin(block);
    Value smallest = arith::ConstantOp::create(
        b, loc, b.getF64FloatAttr(std::numeric_limits<double>::infinity()));
    for (unsigned gamma : gammas)
      smallest = emitMinimum(b, loc, block->getArgument(gamma), smallest);
    Value threshold = arith::ConstantOp::create(b, loc, b.getF64FloatAttr(gammaThreshold));
    // Not a number is not large enough.
    Value isLarge =
        arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGE, smallest, threshold);
    auto call = [&](func::FuncOp version) {
      return [&chooser, block, version](OpBuilder &nested, Location l) {
        auto results = func::CallOp::create(nested, l, version, block->getArguments());
        scf::YieldOp::create(nested, l, results.getResults());
      };
    };
    auto choice = scf::IfOp::create(b, loc, isLarge, call(inverting), call(exact));
    func::ReturnOp::create(b, loc, choice.getResults());
    chooser->setAttr(AbnDialect::kVersionsAttr,
                     b.getArrayAttr({FlatSymbolRefAttr::get(inverting.getNameAttr()),
                                     FlatSymbolRefAttr::get(exact.getNameAttr())}));
  }
};
} // namespace
