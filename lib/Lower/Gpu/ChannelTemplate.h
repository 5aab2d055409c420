// Arithmetic on per-channel vectors that no kernel has computed yet: it is kept as scalar ops and
// copied into the kernels that read it, so that it costs neither a launch nor memory. Private to
// lib/Lower.
#ifndef ABN_LIB_LOWER_GPU_CHANNELTEMPLATE_H
#define ABN_LIB_LOWER_GPU_CHANNELTEMPLATE_H

#include "../ChannelNest.h"
#include "mlir/IR/Block.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/MapVector.h"
#include <memory>

namespace mlir::abn {

class ChannelTemplate {
public:
  ChannelTemplate(Location loc, Type computeType) : loc(loc), computeType(computeType) {}
  ~ChannelTemplate();

  /// Whether `vector` stands for one that is computed where it is read.
  bool owns(Value vector) const { return vector.getParentBlock() == block.get(); }

  /// Adds what `body` yields. `vectors` are memrefs of rank 1 or own values.
  SmallVector<Value> add(ArrayRef<Value> vectors, ChannelNest::Body body);

  /// The number of positions per channel, inside a body.
  Value count();

  /// Copies what `value` needs to `b`. `read` gives the element of a memref, in the compute type,
  /// or, for null, the count. `known` holds what is there already.
  Value emit(OpBuilder &b, Value value, IRMapping &known,
             llvm::function_ref<Value(Value)> read) const;

private:
  Value argument(Value vector);

  Location loc;
  Type computeType;
  std::unique_ptr<Block> block = std::make_unique<Block>();
  llvm::MapVector<Value, Value> arguments; // by memref; null for the count
};

} // namespace mlir::abn

#endif // ABN_LIB_LOWER_GPU_CHANNELTEMPLATE_H
