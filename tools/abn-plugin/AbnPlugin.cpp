// The project as a plugin of any MLIR 22 driver:
//   mlir-opt --load-dialect-plugin=AbnPlugin.so --load-pass-plugin=AbnPlugin.so ...
// Front-end stub dialects are left to the driver, which may have the real ones.
#include "abn/InitAll.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"

/// Name and version that drivers print for the plugin.
static constexpr const char *kName = "abn-mlir";
static constexpr const char *kVersion = ABN_VERSION;

extern "C" LLVM_ATTRIBUTE_VISIBILITY_DEFAULT mlir::DialectPluginLibraryInfo
mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, kName, kVersion,
          [](mlir::DialectRegistry *registry) { mlir::abn::registerAllAbnDialects(*registry); }};
}

extern "C" LLVM_ATTRIBUTE_VISIBILITY_DEFAULT mlir::PassPluginLibraryInfo mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, kName, kVersion, [] { mlir::abn::registerAllAbnPasses(); }};
}
