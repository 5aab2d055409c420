// What an op makes of a value that was recovered, and differs from the original by rounding.
#ifndef ABN_LIB_REWRITE_READERS_H
#define ABN_LIB_REWRITE_READERS_H

#include "abn/AbnDialect.h"

namespace mlir::abn {

/// Whether a backward reader can be given a recovered x (or y), which differs from the original by
/// rounding: gradients are linear in it, but a comparison could change its outcome.
bool takesRecoveredValue(Operation *op);

/// The inverses of leaky_relu and prelu keep the sign bit, so that comparisons of y with zero come
/// out the same.
bool inverseKeepsSign(ActivationAttrInterface phi);

/// Whether `op` compares with nothing but 0 and is continuous otherwise.
bool comparesWithZeroOnly(Operation *op);

} // namespace mlir::abn

#endif // ABN_LIB_REWRITE_READERS_H
