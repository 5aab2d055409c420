// The table of known aten overloads: a schema and the function that converts it. A new op is one
// row in the file of its family.
#ifndef ABN_LIB_IMPORT_ATEN_REGISTRY_H
#define ABN_LIB_IMPORT_ATEN_REGISTRY_H

#include "AtenOp.h"
#include "llvm/ADT/StringMap.h"
#include <deque>
#include <functional>

namespace mlir::abn::aten {

/// Emits the replacement of a bound op and hands it over with `replaceWith`, or reports at the op
/// and fails.
using ConvertFn = std::function<LogicalResult(AtenOp &)>;

struct Conversion {
  Schema schema;
  ConvertFn convert;
  /// Batch norm in evaluation mode has empty statistics; no other op may see zero sizes.
  bool allowEmptyTensors = false;
};

class Registry {
public:
  /// The one table, built at first use.
  static const Registry &get();

  void add(StringRef schema, ConvertFn convert, bool allowEmptyTensors = false);
  /// Null for an unknown op.
  const Conversion *lookup(StringRef opName) const;
  const llvm::StringMap<Conversion> &getConversions() const { return conversions; }

private:
  Registry();

  llvm::StringMap<Conversion> conversions;
  /// The rows, which the parsed schemas point into.
  std::deque<std::string> rows;
};

// One per family.
void addElementwise(Registry &registry);
void addActivations(Registry &registry);
void addPlainActivations(Registry &registry);
void addCreation(Registry &registry);
void addViews(Registry &registry);
void addStrided(Registry &registry);
void addPadding(Registry &registry);
void addWindows(Registry &registry);
void addBicubic(Registry &registry);
void addReshuffles(Registry &registry);
void addReductions(Registry &registry);
void addSoftmax(Registry &registry);
void addMatMul(Registry &registry);
void addConvolutions(Registry &registry);
void addPooling(Registry &registry);
void addResizes(Registry &registry);
void addBatchNorm(Registry &registry);
void addGroupNorm(Registry &registry);
void addLosses(Registry &registry);
void addIndexing(Registry &registry);
void addRandom(Registry &registry);
void addOptimizers(Registry &registry);

} // namespace mlir::abn::aten

#endif // ABN_LIB_IMPORT_ATEN_REGISTRY_H
