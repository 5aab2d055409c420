// The arena of a plan with computed sizes: offsets as arithmetic, the size for a caller. Private to
// lib/Plan.
#ifndef ABN_LIB_PLAN_ARENASIZE_H
#define ABN_LIB_PLAN_ARENASIZE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"
#include <string>

namespace mlir::abn {

/// Emits the largest result of maps of the same symbols, equal parts once.
class MapEmitter {
public:
  MapEmitter(OpBuilder &b, Location loc, ValueRange symbols)
      : b(b), loc(loc), symbols(symbols.begin(), symbols.end()) {}

  Value emit(AffineMap map);

private:
  Value emit(AffineExpr expr);

  OpBuilder &b;
  Location loc;
  SmallVector<Value> symbols;
  llvm::DenseMap<AffineExpr, Value> known;
};

/// What a size at the beginning of a function is computed from: an index argument, or one dimension
/// of an argument.
struct SizeSource {
  BlockArgument argument;
  std::optional<int64_t> dim;

  bool operator==(const SizeSource &other) const {
    return argument == other.argument && dim == other.dim;
  }
};

/// The sources of `size`, in the order of the arguments and their dimensions.
SmallVector<SizeSource> findSizeSources(Value size);

/// `size` again, from other values for its sources.
Value cloneSize(OpBuilder &b, Value size, llvm::function_ref<Value(SizeSource)> getSource);

/// NAME_arena_size.
std::string getSizeQueryName(func::FuncOp func);

/// A function NAME_arena_size that says how many bytes the caller's arena must have: `bytes`, or
/// for null `size` from its sources, which become the arguments.
void createSizeQuery(func::FuncOp func, int64_t bytes, Value size);

/// `max(1024*s0 + 512, ...)` and, for a symbol, `x[0]`: a dimension of the argument named x.
std::string describeMap(AffineMap map);
std::string describeSize(Value size);

} // namespace mlir::abn

#endif // ABN_LIB_PLAN_ARENASIZE_H
