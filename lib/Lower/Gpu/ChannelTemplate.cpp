// See ChannelTemplate.h.
#include "ChannelTemplate.h"

using namespace mlir;
using namespace mlir::abn;

ChannelTemplate::~ChannelTemplate() {
  for (Operation &op : *block)
    op.dropAllReferences();
}

Value ChannelTemplate::argument(Value vector) {
  Value &known = arguments[vector];
  if (!known)
    known = block->addArgument(computeType, loc);
  return known;
}

SmallVector<Value> ChannelTemplate::add(ArrayRef<Value> vectors, ChannelNest::Body body) {
  OpBuilder b(loc.getContext());
  b.setInsertionPointToEnd(block.get());
  ScalarBuilder s(b, loc, computeType);
  Elements elements(b, loc, computeType);
  for (Value vector : vectors)
    elements.add(vector, owns(vector) ? vector : argument(vector));
  return body(s, elements);
}

Value ChannelTemplate::count() { return argument(Value()); }

Value ChannelTemplate::emit(OpBuilder &b, Value value, IRMapping &known,
                            llvm::function_ref<Value(Value)> read) const {
  if (Value there = known.lookupOrNull(value))
    return there;
  Value emitted;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    emitted = read((arguments.begin() + argument.getArgNumber())->first);
    known.map(value, emitted);
    return emitted;
  }
  Operation *op = value.getDefiningOp();
  for (Value operand : op->getOperands())
    emit(b, operand, known, read);
  b.clone(*op, known);
  return known.lookup(value);
}
