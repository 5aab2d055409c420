#include "RegisterTools.h"
#include "StubDialects.h"
#include "abn/InitAll.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"

using namespace mlir;

void abn::registerToolDialects(DialectRegistry &registry) {
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registerAllAbnDialects(registry);
  registerStubDialects(registry);
}

void abn::registerToolPasses() {
  registerAllPasses();
  registerAllAbnPasses();
}
