// Typed access to one op of the source graph. `bind` checks the whole op against its schema
// (arity, attribute types, operand references, tensor types), so that a conversion may read any
// argument without checking again; what a conversion still has to check (dimension numbers, ranks,
// shapes) has helpers here that report at the op.
#ifndef ABN_LIB_IMPORT_ATEN_ATENOP_H
#define ABN_LIB_IMPORT_ATEN_ATENOP_H

#include "../Emit/Body.h"
#include "Schema.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/StringMap.h"
#include <memory>
#include <optional>

namespace mlir::abn::aten {
using namespace emit;

/// What is known about a batch norm's saved statistics: they are rounded or inverted in the graph,
/// and the gradient wants the originals.
struct SavedStatistics {
  Value mean, variance;
  double epsilon;
};

/// What conversions of one function share.
struct FunctionState {
  /// Keyed by the `save_mean` and the `save_invstd` values that stand in the converted graph.
  llvm::DenseMap<Value, SavedStatistics> savedStatistics;
  /// How often each chain name was given.
  llvm::StringMap<unsigned> chainNames;
  unsigned numBatchNorms = 0;
  /// Each op that draws random numbers has its own seed.
  unsigned numRandomOps = 0;
};

class AtenOp {
public:
  /// Reads `op` as `schema` says; reports at `op` and fails if it does not fit.
  static FailureOr<AtenOp> bind(Operation *op, const Schema &schema, bool allowEmptyTensors,
                                FunctionState &state);

  /// Emits in front of the op, at its location.
  ImplicitLocOpBuilder &builder() { return *b; }
  Location getLoc() const { return op->getLoc(); }
  FunctionState &state() { return *functionState; }
  Operation *getOperation() const { return op; }

  /// Arguments by their names in the schema. An optional one that is None is null, nullopt or
  /// empty.
  Value tensor(StringRef name) const;
  SmallVector<Value> tensors(StringRef name) const;
  int64_t integer(StringRef name) const;
  std::optional<int64_t> optionalInteger(StringRef name) const;
  double number(StringRef name) const;
  std::optional<double> optionalNumber(StringRef name) const;
  bool flag(StringRef name) const;
  std::optional<ScalarArgument> scalar(StringRef name) const;
  SmallVector<ScalarArgument> scalars(StringRef name) const;
  SmallVector<int64_t> integers(StringRef name) const;
  std::optional<SmallVector<double>> optionalNumbers(StringRef name) const;
  SmallVector<bool> flags(StringRef name) const;
  bool isNone(StringRef name) const;
  /// The element type that a dtype argument names; null if None.
  Type dtype(StringRef name) const;
  StringRef string(StringRef name) const;

  /// An integer list of `rank` entries; one entry stands for all (PyTorch's `int[2] padding=0`),
  /// and an empty list for `fallback`.
  FailureOr<SmallVector<int64_t>> expanded(StringRef name, unsigned rank,
                                           ArrayRef<int64_t> fallback = {});
  /// A dimension number, which may count from the end.
  FailureOr<int64_t> dim(StringRef name, int64_t rank);
  /// Distinct dimension numbers, sorted; all of them if the list is None or empty.
  FailureOr<SmallVector<int64_t>> dims(StringRef name, int64_t rank);
  FailureOr<int64_t> normalizedDim(int64_t dim, int64_t rank, StringRef name);

  /// Fails with a message unless the tensor has the given rank, shape or element type.
  LogicalResult expectRank(StringRef name, int64_t rank);
  LogicalResult expectShape(StringRef name, ArrayRef<int64_t> shape);
  LogicalResult expectFloat(StringRef name);

  unsigned getNumResults() const { return op->getNumResults(); }
  /// The type of a result, null for one that PyTorch did not compute (`none`).
  RankedTensorType resultType(unsigned index = 0) const;
  bool wantsResult(unsigned index) const { return resultType(index) != nullptr; }

  /// Gives the op's replacement: one value per result, null for `none`. Fails if a type differs.
  LogicalResult replaceWith(ValueRange values);
  ArrayRef<Value> getReplacements() const { return replacements; }

  InFlightDiagnostic error() const { return op->emitError() << "`" << schema->opName << "` "; }

private:
  AtenOp(Operation *op, const Schema &schema, FunctionState &state)
      : op(op), schema(&schema), functionState(&state),
        b(std::make_shared<ImplicitLocOpBuilder>(op->getLoc(), op)) {}

  LogicalResult readArguments();
  LogicalResult readArgument(const ArgumentSpec &spec, Attribute attr);
  LogicalResult checkKeywordNames();
  LogicalResult checkTypes(bool allowEmptyTensors);
  InFlightDiagnostic argumentError(const ArgumentSpec &spec, Attribute attr) const;
  /// The operand that `"%3"` names; null if `attr` is not such a string in range.
  Value getOperandOf(Attribute attr) const;
  Attribute get(StringRef name) const;

  Operation *op;
  const Schema *schema;
  FunctionState *functionState;
  std::shared_ptr<ImplicitLocOpBuilder> b;
  /// Positional arguments and keywords by name; null for a missing keyword.
  SmallVector<std::pair<StringRef, Attribute>, 8> arguments;
  SmallVector<Value> replacements;
};

/// The element type that PyTorch's name (`torch.float32`) stands for; null if unsupported.
Type parseDType(StringRef name, MLIRContext *context);

} // namespace mlir::abn::aten

#endif // ABN_LIB_IMPORT_ATEN_ATENOP_H
