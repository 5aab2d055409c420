// Reads sizes in the IR as forms over symbols. Private to lib/Plan.
#ifndef ABN_LIB_PLAN_SIZESYMBOLS_H
#define ABN_LIB_PLAN_SIZESYMBOLS_H

#include "ParametricPack.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/MapVector.h"
#include <map>

namespace mlir::abn {

/// The symbols of a set of sizes. A symbol is a product of values that are not computed by
/// `arith.addi` and `arith.muli`; the constant's is the empty product.
class SizeSymbols {
public:
  SizeSymbols() { symbols.push_back({}); }

  /// The forms of all sizes. A sum with a negative coefficient counts as a value of its own.
  std::vector<plan::Form> read(ValueRange sizes);

  /// By symbol: its value where each value in it is `size`.
  std::vector<int64_t> evaluate(int64_t size) const;

  /// The symbols but the constant's, computed by `b`.
  SmallVector<Value> materialize(OpBuilder &b, Location loc) const;

private:
  using Product = std::vector<unsigned>; // sorted
  using Polynomial = std::map<Product, int64_t>;

  Polynomial read(Value size);
  unsigned getSymbol(const Product &product);

  llvm::MapVector<Value, unsigned> atoms;
  std::vector<Product> symbols;
};

} // namespace mlir::abn

#endif // ABN_LIB_PLAN_SIZESYMBOLS_H
