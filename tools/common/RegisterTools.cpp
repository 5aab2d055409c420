#include "RegisterTools.h"
#include "StubDialects.h"
#include "abn/InitAll.h"

using namespace mlir;

void abn::registerToolDialects(DialectRegistry &registry) {
  registerUpstreamDialects(registry);
  registerAllAbnDialects(registry);
  registerStubDialects(registry);
}

void abn::registerToolPasses() {
  registerUpstreamPasses();
  registerAllAbnPasses();
}
