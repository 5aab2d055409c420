// The pass abn-import-aten: a shell around importAten.
#include "abn/AbnDialect.h"
#include "abn/Import/AtenOps.h"
#include "abn/Passes.h"
#include "dnn/DnnDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/raw_ostream.h"

namespace mlir::abn {
#define GEN_PASS_DEF_IMPORTATEN
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

namespace {
struct ImportAten : abn::impl::ImportAtenBase<ImportAten> {
  using ImportAtenBase::ImportAtenBase;

  void runOnOperation() override {
    if (listOps)
      return printKnownAtenOps(llvm::outs());
    if (failed(importAten(getOperation())))
      signalPassFailure();
  }
};
} // namespace
