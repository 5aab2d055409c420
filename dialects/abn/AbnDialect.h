// Declarations of the abn dialect: attributes, interfaces and ops.
#ifndef ABN_ABNDIALECT_H
#define ABN_ABNDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "abn/AbnAttrInterfaces.h.inc"
#include "abn/AbnDialect.h.inc"
#include "abn/AbnEnums.h.inc"
#include "abn/AbnOpInterfaces.h.inc"

#define GET_ATTRDEF_CLASSES
#include "abn/AbnAttrs.h.inc"

#define GET_OP_CLASSES
#include "abn/AbnOps.h.inc"

namespace mlir {
class DialectRegistry;
namespace abn {

/// The element type of the statistics of `type`'s data: f64 for f64, f32 otherwise.
FloatType getStatisticsType(Type elementType);

/// Creates an empty tensor of the shape of `like` (static or dynamic).
Value createEmptyLike(OpBuilder &b, Location loc, Value like);

/// Creates an empty per-channel vector for `full`, with the statistics' element type.
Value createEmptyStatistics(OpBuilder &b, Location loc, Value full, int64_t channelDim);

/// Whether `operand` is the destination whose contents an in-place op reads before it overwrites
/// them: x of a forward op, dz of a backward op. All other destinations are written only.
bool isOverwrittenInPlace(OpOperand &operand);

/// BufferizableOpInterface models of the abn ops (one-shot-bufferize puts each result into its
/// destination's buffer).
void registerBufferizableOpInterfaceModels(DialectRegistry &registry);

/// RebuildOpInterface models: abn.activation, sums and differences of two tensors (linalg.generic),
/// linalg.transpose, tensor.expand_shape, tensor.collapse_shape.
void registerRebuildOpInterfaceModels(DialectRegistry &registry);

} // namespace abn
} // namespace mlir

#endif // ABN_ABNDIALECT_H
