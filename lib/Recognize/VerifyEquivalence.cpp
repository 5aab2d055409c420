// abn-verify-equivalence: a shell around findDifference for two functions of a module.
#include "abn/Passes.h"
#include "abn/Recognize/Equivalence.h"
#include "mlir/IR/BuiltinOps.h"

namespace mlir::abn {
#define GEN_PASS_DEF_VERIFYEQUIVALENCE
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

namespace {
struct VerifyEquivalence : abn::impl::VerifyEquivalenceBase<VerifyEquivalence> {
  using VerifyEquivalenceBase::VerifyEquivalenceBase;

  func::FuncOp find(StringRef name) {
    auto func = getOperation().lookupSymbol<func::FuncOp>(name);
    if (func && !func.isExternal() && llvm::hasSingleElement(func.getBody()))
      return func;
    getOperation().emitError() << "expected a function `" << name << "` of one block";
    return nullptr;
  }

  void runOnOperation() override {
    func::FuncOp first = find(before), second = find(after);
    if (!first || !second)
      return signalPassFailure();
    if (first.getFunctionType() != second.getFunctionType()) {
      second.emitError() << "expected the type of `" << before << "`, " << first.getFunctionType()
                         << ", got " << second.getFunctionType();
      return signalPassFailure();
    }
    if (std::optional<std::string> difference = findDifference(first, second)) {
      second.emitError() << "is not equivalent to `" << before << "`: " << *difference;
      signalPassFailure();
    }
  }
};
} // namespace
