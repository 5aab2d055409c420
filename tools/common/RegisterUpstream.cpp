// Upstream's registration, apart from ours: it takes a minute to compile and never changes.
#include "RegisterTools.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"

using namespace mlir;

void abn::registerUpstreamDialects(DialectRegistry &registry) {
  registerAllDialects(registry);
  registerAllExtensions(registry);
}

void abn::registerUpstreamPasses() { registerAllPasses(); }
