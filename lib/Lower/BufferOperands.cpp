// bufferization.to_tensor before and materialize_in_destination behind an op; see BufferOperands.h.
#include "BufferOperands.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace mlir::abn;

/// The buffer that `value` is a view of. A memref.view counts as a buffer of its own: it is a slot
/// of an arena, and slots that are used together are disjoint (plan_c3).
static Value getBuffer(Value value) {
  while (auto view = value.getDefiningOp<ViewLikeOpInterface>()) {
    if (isa<memref::ViewOp>(view))
      break;
    value = view.getViewSource();
  }
  return value;
}

/// Whether another operand shows the same buffer as the destination `init` under another value.
static bool isSharedThroughView(DestinationStyleOpInterface op, Value init) {
  return llvm::any_of(op->getOperands(), [&](Value operand) {
    return operand != init && getBuffer(operand) == getBuffer(init);
  });
}

static void moveToTensors(RewriterBase &rewriter, DestinationStyleOpInterface op) {
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(op);
  Location loc = op.getLoc();
  llvm::SmallDenseMap<Value, Value> tensors;
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    if (!isa<MemRefType>(operand.getType())) {
      operands.push_back(operand);
      continue;
    }
    Value &tensor = tensors[operand];
    if (!tensor) {
      bool isWritable =
          llvm::is_contained(op.getDpsInits(), operand) && !isSharedThroughView(op, operand);
      tensor = bufferization::ToTensorOp::create(
          rewriter, loc, memref::getTensorTypeFromMemRefType(operand.getType()), operand,
          /*restrict=*/true, isWritable);
    }
    operands.push_back(tensor);
  }
  SmallVector<Type> types =
      llvm::map_to_vector(op.getDpsInits(), [&](Value init) { return tensors[init].getType(); });
  OperationState onTensors(loc, op->getName(), operands, types,
                           llvm::to_vector(op->getDiscardableAttrs()));
  onTensors.propertiesAttr = op->getPropertiesAsAttribute();
  Operation *created = rewriter.create(onTensors);
  for (auto [result, init] : llvm::zip(created->getResults(), op.getDpsInits()))
    bufferization::MaterializeInDestinationOp::create(rewriter, loc, /*result=*/Type(), result,
                                                      init, /*restrict=*/true, /*writable=*/true);
  rewriter.eraseOp(op);
}

void mlir::abn::moveToTensors(RewriterBase &rewriter, Operation *root, StringRef namespaceName) {
  SmallVector<DestinationStyleOpInterface> ops;
  root->walk([&](DestinationStyleOpInterface op) {
    if (op->getName().getDialectNamespace() == namespaceName && op.hasPureBufferSemantics())
      ops.push_back(op);
  });
  for (DestinationStyleOpInterface op : ops)
    ::moveToTensors(rewriter, op);
}
