// abn-bufferize: one-shot bufferization with the planned destinations, and a remark for every copy.
#include "ResolveConflicts.h"
#include "abn/AbnDialect.h"
#include "abn/Analysis/TrainingStep.h"
#include "abn/Passes.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotModuleBufferize.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

namespace mlir::abn {
#define GEN_PASS_DEF_BUFFERIZE
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;
using bufferization::BufferizableOpInterface;

/// Arguments may be overwritten only if the caller gave them up.
static void markArguments(func::FuncOp func) {
  for (unsigned i = 0, e = func.getNumArguments(); i < e; ++i) {
    if (!isa<TensorType>(func.getArgument(i).getType()))
      continue;
    bool isDonated = static_cast<bool>(func.getArgAttr(i, AbnDialect::kDonatedAttr));
    func.setArgAttr(i, bufferization::BufferizationDialect::kWritableAttrName,
                    BoolAttr::get(func.getContext(), isDonated));
  }
}

/// Refuses scalar ops on whole tensors, which nothing bufferizes.
static LogicalResult checkElementwise(func::FuncOp func) {
  WalkResult result = func.walk([](Operation *op) -> WalkResult {
    if (!OpTrait::hasElementwiseMappableTraits(op) || op->getNumResults() == 0 ||
        !isa<TensorType>(op->getResult(0).getType()) || isa<BufferizableOpInterface>(op))
      return WalkResult::advance();
    // Not of the op: that would print all of it again.
    return emitError(op->getLoc()) << "expected elementwise ops as linalg, got `" << op->getName()
                                   << "` of tensors: run `--convert-elementwise-to-linalg` first";
  });
  return failure(result.wasInterrupted());
}

/// Why `reader`, the first op that uses what was copied, could not do with what it was copied from.
static std::string explainCopy(memref::CopyOp copy, Operation *reader) {
  std::string name = reader ? ("`" + reader->getName().getStringRef() + "` (" +
                               describeLocation(reader->getLoc()) + ")")
                                  .str()
                            : std::string("a result");
  if (isa_and_nonnull<func::ReturnOp, func::CallOp>(reader))
    return name + " needs its operands in a row, from the first byte of a buffer on";
  Value whole = copy.getSource();
  while (auto view = whole.getDefiningOp<ViewLikeOpInterface>())
    whole = view.getViewSource();
  std::string text = "what " + name + " overwrites is read again later";
  if (getByteSize(whole.getType()) > getByteSize(copy.getSource().getType()))
    text += ", or is the last part of a larger buffer that is needed";
  return text;
}

/// Says of each copy which op needed it: the first that uses the copy's target.
static void remarkCopies(func::FuncOp func) {
  func.walk([&](memref::CopyOp copy) {
    Operation *reader = nullptr;
    for (Operation *user : copy.getTarget().getUsers())
      if (user != copy && user->getBlock() == copy->getBlock() &&
          (!reader || user->isBeforeInBlock(reader)))
        reader = user;
    remark::missed(copy.getLoc(), remark::RemarkOpts::name("Copy").category("abn"))
        << "copied " + std::to_string(getByteSize(copy.getSource().getType())) +
               " bytes: " + explainCopy(copy, reader);
  });
}

namespace {
struct Bufferize : mlir::abn::impl::BufferizeBase<Bufferize> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    for (auto func : module.getOps<func::FuncOp>()) {
      if (failed(checkElementwise(func)))
        return signalPassFailure();
      if (!func.isExternal())
        markArguments(func);
    }
    bufferization::OneShotBufferizationOptions options;
    options.bufferizeFunctionBoundaries = true;
    options.allowReturnAllocsFromLoops = true;
    options.bufferAlignment = 0;
    options.setFunctionBoundaryTypeConversion(bufferization::LayoutMapOption::IdentityLayoutMap);
    if (failed(bufferize(module, options)))
      return signalPassFailure();
    for (auto func : module.getOps<func::FuncOp>())
      remarkCopies(func);
  }

  /// Upstream's analysis is for control flow; without it our own is enough.
  static LogicalResult bufferize(ModuleOp module,
                                 const bufferization::OneShotBufferizationOptions &options) {
    bufferization::BufferizationState state;
    SmallVector<func::FuncOp> functions(module.getOps<func::FuncOp>());
    llvm::erase_if(functions, [](func::FuncOp func) { return func.isExternal(); });
    if (!llvm::all_of(functions, isFlat))
      return bufferization::runOneShotModuleBufferize(module, options, state);
    for (func::FuncOp func : functions)
      resolveConflicts(func, options);
    return bufferization::bufferizeModuleOp(module, options, state);
  }
};
} // namespace
