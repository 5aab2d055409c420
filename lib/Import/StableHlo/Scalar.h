// Elementwise ops on scalars: what an op computes for one element. Whole tensors are a
// linalg.generic around it, and the regions of reductions, windows and scatters are sequences of
// it.
#ifndef ABN_LIB_IMPORT_STABLEHLO_SCALAR_H
#define ABN_LIB_IMPORT_STABLEHLO_SCALAR_H

#include "HloOp.h"

namespace mlir::abn::hlo {

/// One element of an op: its operands' values come converted to no other type than their own.
struct ScalarOp {
  HloOp &op;
  /// The result's element type.
  Type type;

  bool isUnsigned(unsigned operand = 0) const {
    return op.state().isUnsignedOperand(op.getOperation(), operand);
  }
};

using ScalarFn = Value (*)(Body &, const ScalarOp &, ValueRange);

/// Which elements an op takes.
enum class Elements { Any, Float, Integer };

struct ScalarRow {
  StringRef name;
  unsigned arity;
  Elements elements;
  ScalarFn emit;
  /// Operands and result are of one type; else the row's `check` says what is.
  bool sameType = true;
};

/// All rows.
ArrayRef<ScalarRow> getUnaryRows();
ArrayRef<ScalarRow> getBinaryRows();
ArrayRef<ScalarRow> getOtherRows();
/// Null for an op that is not elementwise.
const ScalarRow *lookupScalar(StringRef name);

/// Checks the op's operands, attributes and element types for the row; shapes are the caller's.
LogicalResult checkScalar(HloOp &op, const ScalarRow &row);

/// A region of elementwise ops on rank-0 tensors: a reduction's body and the like.
class ScalarRegion {
public:
  /// Checks that the region is one block with the given argument types (element types) that
  /// returns `numResults` values, and that each op in it is elementwise; reports at the op.
  static FailureOr<ScalarRegion> get(HloOp &op, Region &region, TypeRange arguments,
                                     unsigned numResults);
  /// Emits it with `args` for the block's arguments.
  SmallVector<Value> emit(Body &body, ValueRange args) const;

  /// The name of the only op, if the region is one commutative op of its two arguments; else empty.
  StringRef getSingleOp() const;
  /// The only op of a region as above, whatever it is; null if there are more.
  Operation *getOnlyOp() const;
  /// Whether the region returns its `i`-th argument.
  bool returnsArgument(unsigned i) const;

private:
  ScalarRegion(Block *block, FunctionState *state) : block(block), state(state) {}
  Block *block;
  FunctionState *state;
};

} // namespace mlir::abn::hlo

#endif // ABN_LIB_IMPORT_STABLEHLO_SCALAR_H
