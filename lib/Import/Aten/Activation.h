// Activations: abn ops where abn has the rank, else the same arithmetic in a linalg.generic.
#ifndef ABN_LIB_IMPORT_ATEN_ACTIVATION_H
#define ABN_LIB_IMPORT_ATEN_ACTIVATION_H

#include "AtenOp.h"
#include "abn/AbnDialect.h"

namespace mlir::abn::aten {

/// z = phi(y). `params` are per-channel vectors for dimension 1.
Value emitActivation(ImplicitLocOpBuilder &b, ActivationAttrInterface phi, Value y,
                     ValueRange params = {});
/// dz * phi'(y), from y or (if `fromOutput`) from z.
Value emitActivationGrad(ImplicitLocOpBuilder &b, ActivationAttrInterface phi, Value outputGrad,
                         Value value, bool fromOutput, ValueRange params = {});

/// Checks that the gradient and the value that it is taken at are of one floating type.
LogicalResult checkGradOperands(AtenOp &op, StringRef grad, StringRef value);

} // namespace mlir::abn::aten

#endif // ABN_LIB_IMPORT_ATEN_ACTIVATION_H
