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
#include "llvm/ADT/MapVector.h"
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

/// Emits the function (gamma, m) -> min(m, |gamma_i|), which is NaN if one of them is. One for each
/// element type of the gammas; `before` is where it goes.
static func::FuncOp createMinimum(func::FuncOp before, Type element, SymbolTable &symbols) {
  Location loc = before.getLoc();
  OpBuilder b(before.getContext());
  Type wide = b.getF64Type();
  auto vector = RankedTensorType::get({ShapedType::kDynamic}, element);
  auto minimum =
      func::FuncOp::create(b, loc, "smallest_magnitude", b.getFunctionType({vector, wide}, {wide}));
  minimum.setPrivate();
  symbols.insert(minimum, Block::iterator(before));
  Block *block = minimum.addEntryBlock();
  b.setInsertionPointToStart(block);
  Value gamma = block->getArgument(0);
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  Value size = tensor::DimOp::create(b, loc, gamma, zero);
  auto loop = scf::ForOp::create(b, loc, zero, size, one, ValueRange{block->getArgument(1)},
                                 [&](OpBuilder &nested, Location l, Value i, ValueRange args) {
                                   Value element =
                                       tensor::ExtractOp::create(nested, l, gamma, ValueRange{i});
                                   if (element.getType() != wide)
                                     element = arith::ExtFOp::create(nested, l, wide, element);
                                   Value magnitude = math::AbsFOp::create(nested, l, element);
                                   Value next =
                                       arith::MinimumFOp::create(nested, l, args[0], magnitude);
                                   scf::YieldOp::create(nested, l, next);
                                 });
  func::ReturnOp::create(b, loc, loop.getResult(0));
  return minimum;
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
    options.dynamicSize = dynamicSize;
    options.verifyEquivalence = verifyEquivalence;
    return options;
  }

  void runOnOperation() override {
    for (auto func : llvm::to_vector(getOperation().getOps<func::FuncOp>()))
      if (!func.isExternal() && !isPlanned(func) && !isDispatched(func) && failed(dispatch(func)))
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

    func::FuncOp chooser = createChooser(func);
    std::string name = func.getName().str();
    SymbolTable symbols(getOperation());
    symbols.remove(func);
    Block::iterator place(func);
    symbols.insert(chooser, place);
    func.setName(name + "_invert");
    exact->setName(name + "_exact");
    symbols.insert(func);
    symbols.insert(exact.get(), std::next(Block::iterator(func)));
    func::FuncOp fallback = exact.release();
    Builder b(func.getContext());
    func.setPrivate();
    fallback.setPrivate();
    fallback->setAttr(AbnDialect::kFallbackAttr, b.getUnitAttr());
    func->setAttr(AbnDialect::kFallbackOfAttr, FlatSymbolRefAttr::get(fallback.getNameAttr()));
    emitChoice(chooser, func, fallback, arguments, symbols);
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
                  ArrayRef<unsigned> gammas, SymbolTable &symbols) {
    Location loc = chooser.getLoc();
    Block *block = chooser.addEntryBlock();
    OpBuilder b = OpBuilder::atBlockBegin(block);
    Value smallest = arith::ConstantOp::create(
        b, loc, b.getF64FloatAttr(std::numeric_limits<double>::infinity()));
    llvm::MapVector<Type, func::FuncOp> minimumOf;
    for (unsigned index : gammas) {
      Value gamma = block->getArgument(index);
      Type element = getElementTypeOrSelf(gamma);
      func::FuncOp &minimum = minimumOf[element];
      if (!minimum)
        minimum = createMinimum(inverting, element, symbols);
      Type vector = minimum.getArgumentTypes()[0];
      if (gamma.getType() != vector)
        gamma = tensor::CastOp::create(b, loc, vector, gamma);
      smallest = func::CallOp::create(b, loc, minimum, ValueRange{gamma, smallest}).getResult(0);
    }
    Value threshold = arith::ConstantOp::create(b, loc, b.getF64FloatAttr(gammaThreshold));
    // Not a number is not large enough.
    Value isLarge = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGE, smallest, threshold);
    auto call = [&](func::FuncOp version) {
      return [block, version](OpBuilder &nested, Location l) {
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
