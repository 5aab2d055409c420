// abn-lower-assertions: assertions of kernels for devices that have no `__assertfail`.
#include "abn/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::abn {
#define GEN_PASS_DEF_LOWERASSERTIONS
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;

/// The message as a format.
static std::string escape(StringRef message) {
  std::string format;
  for (char c : message)
    format += c == '%' ? "%%" : std::string(1, c);
  return format + "\n";
}

static void lower(IRRewriter &rewriter, cf::AssertOp assertion, bool print) {
  Location loc = assertion.getLoc();
  rewriter.setInsertionPoint(assertion);
  Value yes = arith::ConstantOp::create(rewriter, loc, rewriter.getBoolAttr(true));
  Value fails = arith::XOrIOp::create(rewriter, loc, assertion.getArg(), yes);
  auto choice = scf::IfOp::create(rewriter, loc, fails, /*withElseRegion=*/false);
  rewriter.setInsertionPointToStart(choice.thenBlock());
  if (print)
    gpu::PrintfOp::create(rewriter, loc, escape(assertion.getMsg()), ValueRange());
  else
    LLVM::Trap::create(rewriter, loc);
  rewriter.eraseOp(assertion);
}

namespace {
struct LowerAssertions : abn::impl::LowerAssertionsBase<LowerAssertions> {
  using LowerAssertionsBase::LowerAssertionsBase;

  void runOnOperation() override {
    SmallVector<cf::AssertOp> assertions;
    getOperation().walk([&](cf::AssertOp assertion) { assertions.push_back(assertion); });
    IRRewriter rewriter(&getContext());
    for (cf::AssertOp assertion : assertions)
      lower(rewriter, assertion, print);
  }
};
} // namespace
