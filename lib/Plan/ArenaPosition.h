// Places in the arena as abn-verify-plan reads them from the program: sums of sizes. Private to the
// checker, and of its own: it shares nothing with who writes such sums.
#ifndef ABN_LIB_PLAN_ARENAPOSITION_H
#define ABN_LIB_PLAN_ARENAPOSITION_H

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/DenseSet.h"
#include <map>
#include <string>

namespace mlir::abn {

/// The largest of some sums. A sum is a constant (coefficient 0) and multiples of products of
/// sizes, which are numbered; sizes are not negative. Coefficients that are not there are 0.
struct ArenaPosition {
  using Sum = SmallVector<int64_t, 4>;
  SmallVector<Sum, 1> sums;

  static ArenaPosition constant(int64_t value);
  /// Whether this is no more than `other` for all sizes: for each sum there is one in `other`, or a
  /// weighted mean of two, of which no coefficient is smaller. False where it depends on the sizes,
  /// and where that is not seen.
  bool isNotAbove(const ArenaPosition &other) const;
  /// Whether it is a multiple of `factor` whatever the sizes are.
  bool isMultipleOf(int64_t factor) const;
  std::string str() const;
};

/// Reads the arithmetic on sizes of one function.
class ArenaPositionReader {
public:
  /// What the views' sizes are computed from is known not to be negative.
  void addSize(Value size);

  /// `value`, made of constants and known sizes by addi, muli and maximums; nullopt if it is not,
  /// or if a coefficient is beyond 63 bits.
  std::optional<ArenaPosition> read(Value value);
  /// The bytes of a view; nullopt as above, and for elements whose bytes are not known.
  std::optional<ArenaPosition> readBytes(memref::ViewOp view);
  static std::optional<ArenaPosition> add(const ArenaPosition &a, const ArenaPosition &b);

private:
  /// An argument's dimension, or (number -1) a value.
  using Size = std::pair<const void *, int64_t>;
  using Product = std::vector<unsigned>;

  static std::optional<Size> getDimension(Value value);
  std::optional<ArenaPosition> multiply(const ArenaPosition &a, const ArenaPosition &b);
  ArenaPosition getSize(Size size);
  unsigned number(const Product &product);

  llvm::DenseSet<Value> sizes;
  std::map<Size, unsigned> sizeNumbers;
  std::map<Product, unsigned> productNumbers;
  std::vector<Product> products{{}};
  llvm::DenseMap<Value, std::optional<ArenaPosition>> known;
};

} // namespace mlir::abn

#endif // ABN_LIB_PLAN_ARENAPOSITION_H
