#include "abn/AbnDialect.h"
void mlir::abn::registerBufferizableOpInterfaceModels(DialectRegistry &registry) {}
