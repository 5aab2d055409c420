// The optimizer driver: all upstream dialects and passes beside the project's own.
#include "RegisterTools.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::abn::registerToolDialects(registry);
  mlir::abn::registerToolPasses();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "abn-mlir optimizer driver\n", registry));
}
