// The optimizer driver: all upstream dialects and passes beside the project's own.
#include "abn/InitAll.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

using namespace mlir;

namespace {
/// Lets front-end ops parse in generic form without a flag. Only tools register it: a library
/// that did could not be linked beside the real dialect.
template <typename Self>
struct StubDialect : Dialect {
  StubDialect(MLIRContext *context)
      : Dialect(Self::getDialectNamespace(), context, TypeID::get<Self>()) {
    allowUnknownOperations();
    allowUnknownTypes();
  }
};
struct AtenStub : StubDialect<AtenStub> {
  using StubDialect::StubDialect;
  static StringRef getDialectNamespace() { return "aten"; }
};
} // namespace

int main(int argc, char **argv) {
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registerAllPasses();
  abn::registerAllAbnDialects(registry);
  abn::registerAllAbnPasses();
  registry.insert<AtenStub>();
  return asMainReturnCode(MlirOptMain(argc, argv, "abn-mlir optimizer driver\n", registry));
}
