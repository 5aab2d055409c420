// abn-assign-offsets: solves the abn.pack ops with the packer.
#include "abn/AbnDialect.h"
#include "abn/Pack/PackSolver.h"
#include "abn/Passes.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"

namespace mlir::abn {
#define GEN_PASS_DEF_ASSIGNOFFSETS
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

/// The problem of an op whose sizes are constants, with `canaryBytes` behind each buffer.
static FailureOr<::abn::pack::Problem> getProblem(PackOp op, int64_t alignment,
                                                  int64_t canaryBytes) {
  ::abn::pack::Problem problem;
  ArrayRef<int64_t> lifetimes = op.getLifetimes();
  for (auto [index, size] : llvm::enumerate(op.getSizes())) {
    APInt bytes;
    if (!matchPattern(size, m_ConstantInt(&bytes)))
      return op.emitOpError("expected constant sizes, got a size that is computed for buffer ")
             << index;
    ::abn::pack::Buffer buffer;
    buffer.lower = lifetimes[2 * index];
    buffer.upper = lifetimes[2 * index + 1] + 1;
    buffer.size = bytes.getSExtValue() + canaryBytes;
    buffer.alignment = alignment;
    problem.buffers.push_back(buffer);
  }
  return problem;
}

namespace {
struct AssignOffsets : mlir::abn::impl::AssignOffsetsBase<AssignOffsets> {
  using AssignOffsetsBase::AssignOffsetsBase;

  void runOnOperation() override {
    if (alignment <= 0 || !llvm::isPowerOf2_64(alignment)) {
      getOperation().emitError() << "expected a power of two for the option `alignment`, got "
                                 << alignment.getValue();
      return signalPassFailure();
    }
    if (canaryBytes < 0) {
      getOperation().emitError() << "expected no negative option `canary-bytes`, got "
                                 << canaryBytes.getValue();
      return signalPassFailure();
    }
    WalkResult result = getOperation().walk([&](PackOp op) {
      return failed(solve(op)) ? WalkResult::interrupt() : WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

  LogicalResult solve(PackOp op) {
    FailureOr<::abn::pack::Problem> problem = getProblem(op, alignment, canaryBytes);
    if (failed(problem))
      return failure();
    ::abn::pack::Options options;
    options.nodeLimit = nodeLimit;
    ::abn::pack::Result solved = ::abn::pack::solve(*problem, options);
    Builder b(op.getContext());
    op.setAlignment(alignment);
    op.setOffsets(ArrayRef<int64_t>(solved.offsets));
    op.setArenaSize(solved.arena);
    op->setAttr(AbnDialect::kLowerBoundAttr, b.getI64IntegerAttr(solved.lowerBound));
    op->setAttr(AbnDialect::kMaxLiveAttr, b.getI64IntegerAttr(solved.maxLive));
    op->removeAttr(AbnDialect::kCanaryAttr);
    if (canaryBytes > 0)
      op->setAttr(AbnDialect::kCanaryAttr, b.getI64IntegerAttr(canaryBytes));
    return success();
  }
};
} // namespace
