// A tool of somebody else: imports a PyTorch step, lowers it, and counts what is left.
#include "abn/InitAll.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

/// Prints how many ops of each of our dialects the module holds.
static void printCounts(ModuleOp module, StringRef when) {
  unsigned abnOps = 0, dnnOps = 0, linalgOps = 0;
  module.walk([&](Operation *op) {
    StringRef dialect = op->getName().getDialectNamespace();
    abnOps += dialect == "abn";
    dnnOps += dialect == "dnn";
    linalgOps += dialect == "linalg";
  });
  llvm::outs() << when << ": abn " << abnOps << ", dnn " << dnnOps
               << ", linalg: " << (linalgOps ? "some" : "none") << "\n";
}

int main(int argc, char **argv) {
  if (argc != 2) {
    llvm::errs() << "usage: shrink GRAPH.mlir\n";
    return 2;
  }
  DialectRegistry registry;
  registry.insert<arith::ArithDialect, func::FuncDialect, linalg::LinalgDialect,
                  tensor::TensorDialect>();
  abn::registerAllAbnDialects(registry);
  abn::registerAllAbnPasses();
  MLIRContext context(registry);
  // The aten dialect is not loaded: its ops stay in generic form until they are imported.
  context.allowUnregisteredDialects();
  llvm::SourceMgr sources;
  SourceMgrDiagnosticHandler diagnostics(sources, &context);
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(argv[1], sources, &context);
  if (!module)
    return 1;

  // Passes by their C++ constructors...
  PassManager import(&context);
  import.addPass(abn::createImportAten());
  if (failed(import.run(*module)))
    return 1;
  printCounts(*module, "imported");

  // ... and by the names that abn-opt takes.
  PassManager lower(&context);
  if (failed(parsePassPipeline("convert-abn-to-linalg,convert-dnn-to-linalg", lower)) ||
      failed(lower.run(*module)))
    return 1;
  printCounts(*module, "lowered");
  return 0;
}
