// Replaces what matches describe by abn ops.
#ifndef ABN_LIB_RECOGNIZE_MATCHREWRITER_H
#define ABN_LIB_RECOGNIZE_MATCHREWRITER_H

#include "abn/Recognize/BatchNormSearch.h"

namespace mlir::abn {

class MatchRewriter : OpBuilder::Listener {
public:
  MatchRewriter(func::FuncOp func, Evaluation &evaluation, const ValueTables &tables);

  /// Emits the match's ops as early as their operands are there, and lets everything behind them
  /// read their results instead of the values that are equal.
  void apply(const BatchNormMatch &match);
  /// Erases what nobody reads.
  void eraseUnused();

private:
  struct Emitted {
    Value x, y, mean, variance, gamma;
  };
  void emitForward(const BatchNormMatch &match, Emitted &emitted);
  void emitActivation(const BatchNormMatch &match, const Emitted &emitted);
  void emitBackward(const BatchNormMatch &match, const Emitted &emitted);
  void replaceStatistics(const BatchNormMatch &match, const Emitted &emitted);

  void notifyOperationInserted(Operation *op, OpBuilder::InsertPoint previous) override;
  bool isBefore(Operation *a, Operation *b) const;
  Operation *findLastDefinition(ValueRange operands) const;
  Value current(unsigned value) const;
  OpBuilder builderAfter(ValueRange operands);
  Value castTo(OpBuilder &b, Location loc, Value value, Type elementType);
  Value toVector(OpBuilder &b, Location loc, unsigned value, Type elementType);
  void replace(unsigned value, Value by);
  Value scale(Value value, double factor);
  void replaceFull(const BatchNormMatch &match, unsigned value, Value by);
  void replaceRows(ArrayRef<unsigned> values, Value by);

  func::FuncOp func;
  Evaluation &evaluation;
  const ValueTables &tables;
  llvm::DenseMap<unsigned, Value> replaced;
  /// Positions in the block; an op that was inserted has that of the original op in front of it.
  /// The block's own order would be recomputed after every few insertions.
  llvm::DenseMap<Operation *, unsigned> positions;
};

} // namespace mlir::abn

#endif // ABN_LIB_RECOGNIZE_MATCHREWRITER_H
