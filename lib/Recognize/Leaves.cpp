// Random contents for what is not executed, and the memory of what was drawn.
#include "abn/Recognize/Evaluation.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include <cmath>

using namespace mlir;
using namespace mlir::abn;

//===----------------------------------------------------------------------===//
// Drawing
//===----------------------------------------------------------------------===//

namespace {
/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): one stream per leaf, the same on every machine.
class Stream {
public:
  Stream(uint64_t seed, uint64_t leaf)
      : state(seed * 0x9E3779B97F4A7C15ull + leaf * 0xD1B54A32D192ED03ull) {
    next();
  }
  uint64_t next() {
    uint64_t z = state += 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }
  double uniform(double low, double high) {
    return low + (high - low) * static_cast<double>(next() >> 11) * 0x1p-53;
  }
  /// Of mean 0 and variance 1, bell-shaped (the sum of four uniform numbers).
  double normal() {
    double sum = 0;
    for (int i = 0; i < 4; ++i)
      sum += uniform(-1, 1);
    return sum * 0.8660254037844386;
  }

private:
  uint64_t state;
};
} // namespace

/// Entries of bell-shaped distribution whose scale and offset are drawn anew for each trial and
/// position along the first, second and last axis: per-channel variances then spread from about
/// 1e-3 to 4, whatever axis the channel is.
static void drawFull(Stream &stream, TinyArray &array, double scale) {
  int64_t count = array.getCount(), rank = array.getRank();
  for (double &x : array.getMutableContents())
    x = stream.normal();
  SmallVector<int64_t, 3> axes;
  for (int64_t axis : {int64_t(0), std::min<int64_t>(1, rank - 1), rank - 1})
    if (!llvm::is_contained(axes, axis))
      axes.push_back(axis);
  for (int64_t axis : axes) {
    int64_t inner = 1;
    for (int64_t i = axis + 1; i < rank; ++i)
      inner *= array.sizes[i];
    for (int64_t trial = 0; trial < kTrials; ++trial)
      for (int64_t position = 0; position < array.sizes[axis]; ++position) {
        double factor = std::pow(10, stream.uniform(-0.5, 0.2)), offset = stream.uniform(-0.3, 0.3);
        for (int64_t i = 0; i < count; ++i)
          if (i / inner % array.sizes[axis] == position)
            array.data[trial * count + i] = array.data[trial * count + i] * factor + offset;
      }
  }
  for (double &x : array.getMutableContents())
    x *= scale;
}

TinyArray Evaluation::drawLeaf(ArrayRef<int64_t> shape, Type elementType, bool positive) {
  Stream stream(options.seed, nextLeaf++);
  SmallVector<int64_t, 5> sizes;
  unsigned large = 0;
  for (int64_t size : shape) {
    sizes.push_back(getTinyExtent(size));
    large += size > 1;
  }
  TinyArray array = arena.allocate(sizes);
  int64_t count = array.getCount();
  if (elementType.isInteger(1)) {
    for (double &x : array.getMutableContents())
      x = stream.next() & 1;
  } else if (elementType.isIntOrIndex()) {
    for (double &x : array.getMutableContents())
      x = stream.next() % 3;
  } else if (large >= 2) {
    drawFull(stream, array, options.fullScale);
    return array;
  } else {
    for (int64_t pair = 0; pair < 2; ++pair)
      for (int64_t i = 0; i < count; ++i) {
        double x = stream.uniform(0.4, 1.9) * (pair ? 6 : 1) * options.parameterScale;
        bool negative = pair && count > 1 && i == count - 1 && !positive;
        array.data[2 * pair * count + i] = negative ? -x : x;
      }
  }
  if (large < 2)
    for (int64_t trial : {1, 3})
      std::copy_n(array.data + (trial - 1) * count, count, array.data + trial * count);
  return array;
}

//===----------------------------------------------------------------------===//
// The registry
//===----------------------------------------------------------------------===//

llvm::hash_code LeafRegistry::getKind(Operation *op) {
  return OperationEquivalence::computeHash(op, OperationEquivalence::ignoreHashValue,
                                           OperationEquivalence::ignoreHashValue,
                                           OperationEquivalence::IgnoreLocations);
}

/// Whether two such ops on equal operands give the same: not known of ops of unknown dialects.
bool LeafRegistry::isPure(Operation *op) { return op->isRegistered() && isMemoryEffectFree(op); }

/// Equal: integers exactly, floats up to the rounding of f32 constants that the graphs hold (1/M,
/// epsilon), which small variances magnify, in each trial.
static bool isEqual(const TinyArray &a, const TinyArray &b, bool exact) {
  if (a.sizes != b.sizes)
    return false;
  int64_t count = a.getCount();
  for (int64_t trial = 0; trial < kTrials; ++trial) {
    ArrayRef<double> xs(a.data + trial * count, count), ys(b.data + trial * count, count);
    double scale = 0;
    for (double x : xs)
      if (std::isfinite(x))
        scale = std::max(scale, std::fabs(x));
    double bound = exact ? 0 : 5e-6 * scale;
    for (auto [x, y] : llvm::zip_equal(xs, ys))
      if (!(std::fabs(x - y) <= bound) && !(std::isnan(x) && std::isnan(y)) && x != y)
        return false;
  }
  return true;
}

/// Whether the ops compute the same of equal operands: same attributes, types and regions.
static bool isSameKind(Operation *lhs, Operation *rhs) {
  llvm::DenseMap<Value, Value> marked;
  auto check = [&](Value a, Value b) -> LogicalResult {
    // What regions use of their own was marked; operands are compared by their contents.
    auto it = marked.find(a);
    return success(it == marked.end() || it->second == b);
  };
  auto mark = [&](Value a, Value b) { marked[a] = b; };
  return OperationEquivalence::isEquivalentTo(lhs, rhs, check, mark,
                                              OperationEquivalence::IgnoreLocations);
}

const LeafRegistry::Entry *LeafRegistry::find(Operation *op, ArrayRef<TinyArray> operands,
                                              ArrayRef<bool> exact, unsigned ordinal) const {
  auto it = entries.find(getKind(op));
  if (it == entries.end())
    return nullptr;
  bool pure = isPure(op);
  for (const Entry &entry : it->second) {
    if (entry.operands.size() != operands.size() || (!pure && entry.ordinal != ordinal))
      continue;
    bool equal = llvm::all_of(llvm::zip_equal(entry.operands, operands, exact),
                              [](auto entry) { return std::apply(isEqual, entry); });
    if (equal && (entry.op == op || isSameKind(entry.op, op)))
      return &entry;
  }
  return nullptr;
}

void LeafRegistry::add(Entry entry) {
  if (!firstAdded)
    firstAdded = entry.op;
  entries[getKind(entry.op)].push_back(std::move(entry));
}
