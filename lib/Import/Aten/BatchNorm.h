// What batch norm's forward and backward read alike.
#ifndef ABN_LIB_IMPORT_ATEN_BATCHNORM_H
#define ABN_LIB_IMPORT_ATEN_BATCHNORM_H

#include "Registry.h"

namespace mlir::abn::aten {

/// Checks `input` and `eps`.
LogicalResult checkBatchNormInput(AtenOp &op);

/// A vector of one value per channel of `input`, null if None. Its elements are those of the input
/// or, for a statistic and for any other type, of the statistics.
FailureOr<Value> readChannelVector(AtenOp &op, StringRef name, bool statistic);

void addBatchNormBackward(Registry &registry);

} // namespace mlir::abn::aten

#endif // ABN_LIB_IMPORT_ATEN_BATCHNORM_H
