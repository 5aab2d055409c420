// The table of known ops: a name and the function that converts it. A new op is one row in the file
// of its family.
#ifndef ABN_LIB_IMPORT_STABLEHLO_REGISTRY_H
#define ABN_LIB_IMPORT_STABLEHLO_REGISTRY_H

#include "HloOp.h"
#include "llvm/ADT/StringMap.h"
#include <functional>

namespace mlir::abn::hlo {

/// Emits the replacement of an op and hands it over with `replaceWith`, or reports at the op and
/// fails. All operands and results are ranked tensors of static shape.
using ConvertFn = std::function<LogicalResult(HloOp &)>;

class Registry {
public:
  /// The one table, built at first use.
  static const Registry &get();

  void add(StringRef name, ConvertFn convert);
  /// Null for an unknown op.
  const ConvertFn *lookup(StringRef name) const;
  /// All names, sorted.
  SmallVector<StringRef> getNames() const;

private:
  Registry();
  llvm::StringMap<ConvertFn> conversions;
};

/// Ops that are known and refused: they report why. Null for others.
const ConvertFn *lookupRefused(StringRef name);

// One per family.
void addElementwise(Registry &registry);
void addShapes(Registry &registry);
void addSlices(Registry &registry);
void addReductions(Registry &registry);
void addWindows(Registry &registry);
void addSelectAndScatter(Registry &registry);
void addConvolution(Registry &registry);
void addDots(Registry &registry);
void addGather(Registry &registry);
void addScatter(Registry &registry);
void addBatchNorm(Registry &registry);
void addRandom(Registry &registry);
void addControl(Registry &registry);

} // namespace mlir::abn::hlo

#endif // ABN_LIB_IMPORT_STABLEHLO_REGISTRY_H
