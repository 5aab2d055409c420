// Typed access to one op of a StableHLO graph. The dialect is never linked: attributes are read
// from the op's properties, an unregistered op's included, or from beside them, and StableHLO's own
// attributes from their text.
#ifndef ABN_LIB_IMPORT_STABLEHLO_HLOOP_H
#define ABN_LIB_IMPORT_STABLEHLO_HLOOP_H

#include "../Emit/Emit.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/StringMap.h"
#include <memory>
#include <optional>

namespace mlir::abn::hlo {
using namespace emit;

/// An attribute of an op that may be unregistered: from its properties or beside them. Null if
/// absent.
Attribute getAttribute(Operation *op, StringRef name);

/// The element types of an op that had unsigned ones: linalg and arith know signless integers only,
/// and the ops say how to read them.
struct Signedness {
  SmallVector<bool> operands, results;
};

/// How a padded value came about.
struct Padded {
  Value source, fill;
  SmallVector<int64_t> low, high, interior;
};

/// What conversions of one function share.
struct FunctionState {
  /// Ops with an unsigned operand or result.
  llvm::DenseMap<Operation *, Signedness> unsignedOps;
  /// Results of `reverse`: a convolution's gradient reads a reversed filter, and wants the filter.
  llvm::DenseMap<Value, std::pair<Value, SmallVector<int64_t>>> reversed;
  /// Results of `pad`: JAX pads before the gradients of its windows.
  llvm::DenseMap<Value, Padded> padded;
  /// How often each chain name was given.
  llvm::StringMap<unsigned> chainNames;
  unsigned numBatchNorms = 0;
  /// Each op that draws random numbers has its own seed.
  unsigned numRandomOps = 0;

  bool isUnsignedOperand(Operation *op, unsigned i) const;
  bool isUnsignedResult(Operation *op, unsigned i) const;
};

class HloOp {
public:
  HloOp(Operation *op, FunctionState &state)
      : op(op), functionState(&state), b(std::make_shared<ImplicitLocOpBuilder>(op->getLoc(), op)) {
  }

  /// Emits in front of the op, at its location.
  ImplicitLocOpBuilder &builder() { return *b; }
  FunctionState &state() { return *functionState; }
  Operation *getOperation() const { return op; }
  StringRef getName() const { return op->getName().getStringRef(); }

  Value operand(unsigned i) const { return op->getOperand(i); }
  unsigned getNumOperands() const { return op->getNumOperands(); }
  RankedTensorType operandType(unsigned i) const { return typeOf(op->getOperand(i)); }
  unsigned getNumResults() const { return op->getNumResults(); }
  RankedTensorType resultType(unsigned i = 0) const { return typeOf(op->getResult(i)); }
  Region &region(unsigned i) const { return op->getRegion(i); }

  /// The attribute, from wherever the op keeps it; null if absent.
  Attribute attribute(StringRef name) const;
  FailureOr<int64_t> integer(StringRef name);
  bool flag(StringRef name) const;
  FailureOr<double> number(StringRef name);
  /// An array of integers in any of the forms that StableHLO had: `array<i64: ...>`,
  /// `dense<...>`, `[...]`. Must have `size` entries.
  FailureOr<SmallVector<int64_t>> integers(StringRef name, size_t size);
  /// As above, with `fallback` in every place if absent.
  FailureOr<SmallVector<int64_t>> integersOr(StringRef name, size_t size, int64_t fallback);
  /// As above, of any size, empty if absent.
  FailureOr<SmallVector<int64_t>> integerList(StringRef name);
  /// An n x 2 table of padding: low and high.
  struct Padding {
    SmallVector<int64_t> low, high;
  };
  FailureOr<Padding> padding(size_t size);
  /// Dimension numbers below `rank`, distinct.
  FailureOr<SmallVector<int64_t>> dims(StringRef name, int64_t rank);
  LogicalResult checkDims(StringRef name, ArrayRef<int64_t> dims, int64_t rank);
  /// The word behind `kind` in an enumeration's text: GE in `#stablehlo<comparison_direction GE>`;
  /// empty if absent.
  std::string enumerator(StringRef name) const;
  /// The text of an attribute of StableHLO, empty if absent.
  std::string text(StringRef name) const;

  LogicalResult expectCounts(unsigned operands, unsigned results, unsigned regions = 0);

  /// Gives the op's replacement, one value per result. Fails if a type differs.
  LogicalResult replaceWith(ValueRange values);
  ArrayRef<Value> getReplacements() const { return replacements; }

  InFlightDiagnostic error() const { return op->emitError() << "`" << getName() << "` "; }

private:
  Operation *op;
  FunctionState *functionState;
  std::shared_ptr<ImplicitLocOpBuilder> b;
  SmallVector<Value> replacements;
};

/// Whether a constant tensor holds one value everywhere, and which. Looks through broadcasts and
/// reshapes that were converted already.
std::optional<double> splatValue(Value value);

} // namespace mlir::abn::hlo

#endif // ABN_LIB_IMPORT_STABLEHLO_HLOOP_H
