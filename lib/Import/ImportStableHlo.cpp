// The pass abn-import-stablehlo: a shell around importStableHlo.
#include "abn/AbnDialect.h"
#include "abn/Import/StableHloOps.h"
#include "abn/Passes.h"
#include "dnn/DnnDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/raw_ostream.h"

namespace mlir::abn {
#define GEN_PASS_DEF_IMPORTSTABLEHLO
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

namespace {
struct ImportStableHlo : abn::impl::ImportStableHloBase<ImportStableHlo> {
  using ImportStableHloBase::ImportStableHloBase;

  void runOnOperation() override {
    if (listOps)
      return printKnownStableHloOps(llvm::outs());
    if (failed(importStableHlo(getOperation())))
      signalPassFailure();
  }
};
} // namespace
