#include "abn/AbnDialect.h"
void mlir::abn::registerRebuildOpInterfaceModels(DialectRegistry &registry) {}
