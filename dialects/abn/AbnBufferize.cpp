// BufferizableOpInterface models: each result goes into its destination's buffer, and only the
// in-place ops read a destination, so that one-shot-bufferize puts z over x and dx over dz without
// a copy unless another reader follows.
#include "abn/AbnDialect.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/DialectRegistry.h"

using namespace mlir;
using namespace mlir::abn;
using namespace mlir::bufferization;

/// A new buffer of the shape of `like`.
static FailureOr<Value> createAllocLike(OpBuilder &b, Location loc, Value like,
                                        const BufferizationOptions &options) {
  auto type = cast<MemRefType>(like.getType());
  SmallVector<Value> sizes;
  for (auto [dim, size] : llvm::enumerate(type.getShape()))
    if (ShapedType::isDynamic(size))
      sizes.push_back(memref::DimOp::create(b, loc, like, dim));
  return options.createAlloc(b, loc, MemRefType::get(type.getShape(), type.getElementType()),
                             sizes);
}

namespace {
template <typename OpT>
struct AbnModel : DstBufferizableOpInterfaceExternalModel<AbnModel<OpT>, OpT> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand, const AnalysisState &) const {
    return !cast<DestinationStyleOpInterface>(op).isDpsInit(&operand) ||
           isOverwrittenInPlace(operand);
  }

  /// Whether element i of the destination is written after all other reads but those of element i
  /// of the full-size inputs; the destination may then be an input's buffer. A batch norm and its
  /// gradient read all of it for their sums first.
  bool bufferizesToElementwiseAccess(Operation *op, const AnalysisState &,
                                     ArrayRef<OpOperand *> operands) const {
    if (!isa<ActivationOp, ActivationGradOp, ActivationInverseOp, BatchNormOp, BatchNormGradOp,
             BatchNormInferenceOp, BatchNormInferenceGradOp, RecoverOp>(op))
      return false;
    return llvm::none_of(operands, [](OpOperand *operand) {
      return cast<ShapedType>(operand->get().getType()).getRank() == 1;
    });
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options, BufferizationState &state) const {
    auto destination = cast<DestinationStyleOpInterface>(op);
    SmallVector<Value> buffers, results;
    llvm::SmallPtrSet<Value, 4> destinations;
    for (OpOperand &operand : op->getOpOperands()) {
      FailureOr<Value> buffer = getBuffer(rewriter, operand.get(), options, state);
      if (failed(buffer))
        return failure();
      // Two results that nobody reads may share a tensor; the op still needs two buffers.
      if (destination.isDpsInit(&operand) && !destinations.insert(operand.get()).second)
        buffer = createAllocLike(rewriter, op->getLoc(), *buffer, options);
      if (failed(buffer))
        return failure();
      buffers.push_back(*buffer);
      if (destination.isDpsInit(&operand))
        results.push_back(*buffer);
    }
    OperationState onBuffers(op->getLoc(), op->getName(), buffers, TypeRange(), op->getAttrs());
    rewriter.create(onBuffers);
    replaceOpWithBufferizedValues(rewriter, op, results);
    return success();
  }
};
} // namespace

template <typename... OpTs> static void attachModels(MLIRContext *context) {
  (OpTs::template attachInterface<AbnModel<OpTs>>(*context), ...);
}

void mlir::abn::registerBufferizableOpInterfaceModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, AbnDialect *) {
    attachModels<BatchNormOp, BatchNormGradOp, BatchNormInferenceOp, BatchNormInferenceGradOp,
                 ActivationOp, ActivationGradOp, ActivationInverseOp, InplaceForwardOp,
                 InplaceBackwardOp, InplaceInferenceOp, InplaceInferenceBackwardOp, RecoverOp>(
        context);
  });
}
