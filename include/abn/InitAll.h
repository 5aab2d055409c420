// One call each to register everything of the project: dialects with their interface models, and
// passes with their pipelines.
#ifndef ABN_INITALL_H
#define ABN_INITALL_H

#include "abn/AbnDialect.h"
#include "abn/Passes.h"
#include "abn/Pipelines.h"
#include "dnn/DnnDialect.h"
#include "mlir/IR/DialectRegistry.h"

namespace mlir::abn {

/// Registers the abn and dnn dialects and their external models.
inline void registerAllAbnDialects(DialectRegistry &registry) {
  registry.insert<AbnDialect, dnn::DnnDialect>();
  registerBufferizableOpInterfaceModels(registry);
  dnn::registerBufferizableOpInterfaceModels(registry);
  registerRebuildOpInterfaceModels(registry);
}

/// Registers all passes and pipelines.
inline void registerAllAbnPasses() {
  registerAbnPasses();
  registerAbnPipelines();
  registerGpuPipelines();
}

} // namespace mlir::abn

#endif // ABN_INITALL_H
