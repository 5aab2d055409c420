// Sums of sizes, compared coefficient by coefficient; see ArenaPosition.h.
#include "ArenaPosition.h"
#include "abn/Analysis/TrainingStep.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/CheckedArithmetic.h"

using namespace mlir;
using namespace mlir::abn;

using Sum = ArenaPosition::Sum;

ArenaPosition ArenaPosition::constant(int64_t value) { return {{Sum{value}}}; }

static int64_t coefficient(const Sum &sum, unsigned number) {
  return number < sum.size() ? sum[number] : 0;
}

static bool isNotAbove(const Sum &a, const Sum &b) {
  for (unsigned i = 0; i < a.size(); ++i)
    if (a[i] > coefficient(b, i))
      return false;
  return true;
}

/// Whether no coefficient of `sum` is above that of w * a + (1 - w) * b for some w in [0, 1]. Each
/// coefficient bounds w on one side.
static bool isNotAboveMean(const Sum &sum, const Sum &a, const Sum &b) {
  // Fractions with positive denominators.
  __int128 low = 0, lowOver = 1, high = 1, highOver = 1;
  for (unsigned i = 0, e = std::max({sum.size(), a.size(), b.size()}); i < e; ++i) {
    __int128 slope = coefficient(a, i) - coefficient(b, i);
    __int128 needed = coefficient(sum, i) - coefficient(b, i);
    if (slope == 0 && needed > 0)
      return false;
    if (slope > 0 && needed * lowOver > low * slope)
      low = needed, lowOver = slope;
    if (slope < 0 && -needed * highOver < high * -slope)
      high = -needed, highOver = -slope;
  }
  return low * highOver <= high * lowOver;
}

bool ArenaPosition::isNotAbove(const ArenaPosition &other) const {
  return llvm::all_of(sums, [&](const Sum &sum) {
    for (const Sum &a : other.sums) {
      if (::isNotAbove(sum, a))
        return true;
      for (const Sum &b : other.sums)
        if (&a < &b && isNotAboveMean(sum, a, b))
          return true;
    }
    return false;
  });
}

bool ArenaPosition::isMultipleOf(int64_t factor) const {
  return llvm::all_of(sums, [&](const Sum &sum) {
    return llvm::all_of(sum, [&](int64_t coefficient) { return coefficient % factor == 0; });
  });
}

static std::string describe(const Sum &sum) {
  std::string text;
  for (auto [number, factor] : llvm::enumerate(sum)) {
    if (factor == 0)
      continue;
    text += (text.empty() ? "" : " + ") + std::to_string(factor) +
            (number ? "*s" + std::to_string(number - 1) : "");
  }
  return text.empty() ? "0" : text;
}

std::string ArenaPosition::str() const {
  std::string text;
  for (const Sum &sum : sums)
    text += (text.empty() ? "" : ", ") + describe(sum);
  return sums.size() > 1 ? "max(" + text + ")" : text;
}

/// Adds a sum unless another is never smaller.
static void addSum(ArenaPosition &position, Sum sum) {
  if (llvm::any_of(position.sums, [&](const Sum &other) { return ::isNotAbove(sum, other); }))
    return;
  llvm::erase_if(position.sums, [&](const Sum &other) { return ::isNotAbove(other, sum); });
  position.sums.push_back(std::move(sum));
}

std::optional<ArenaPosition> ArenaPositionReader::add(const ArenaPosition &a,
                                                      const ArenaPosition &b) {
  ArenaPosition result;
  for (const Sum &left : a.sums)
    for (const Sum &right : b.sums) {
      Sum sum(std::max(left.size(), right.size()));
      for (unsigned i = 0; i < sum.size(); ++i) {
        std::optional<int64_t> total =
            llvm::checkedAdd(coefficient(left, i), coefficient(right, i));
        if (!total)
          return std::nullopt;
        sum[i] = *total;
      }
      addSum(result, std::move(sum));
    }
  return result;
}

std::optional<ArenaPosition> ArenaPositionReader::multiply(const ArenaPosition &a,
                                                           const ArenaPosition &b) {
  ArenaPosition result;
  for (const Sum &left : a.sums)
    for (const Sum &right : b.sums) {
      Sum sum;
      for (unsigned i = 0; i < left.size(); ++i)
        for (unsigned j = 0; j < right.size(); ++j) {
          if (left[i] == 0 || right[j] == 0)
            continue;
          Product product = products[i];
          product.insert(product.end(), products[j].begin(), products[j].end());
          llvm::sort(product);
          unsigned at = number(product);
          sum.resize(std::max<size_t>(sum.size(), at + 1));
          std::optional<int64_t> total = llvm::checkedMulAdd(left[i], right[j], sum[at]);
          if (!total)
            return std::nullopt;
          sum[at] = *total;
        }
      addSum(result, std::move(sum));
    }
  return result;
}

unsigned ArenaPositionReader::number(const Product &product) {
  if (product.empty())
    return 0;
  auto [it, isNew] = productNumbers.try_emplace(product, products.size());
  if (isNew)
    products.push_back(product);
  return it->second;
}

ArenaPosition ArenaPositionReader::getSize(Size size) {
  unsigned own = sizeNumbers.try_emplace(size, sizeNumbers.size()).first->second;
  unsigned at = number({own});
  Sum sum(at + 1);
  sum[at] = 1;
  return {{sum}};
}

std::optional<ArenaPositionReader::Size> ArenaPositionReader::getDimension(Value value) {
  auto dim = value.getDefiningOp<memref::DimOp>();
  if (!dim || !isa<BlockArgument>(dim.getSource()) || !dim.getConstantIndex())
    return std::nullopt;
  return Size{dim.getSource().getAsOpaquePointer(), *dim.getConstantIndex()};
}

void ArenaPositionReader::addSize(Value size) {
  if (!sizes.insert(size).second)
    return;
  Operation *def = size.getDefiningOp();
  if (isa_and_nonnull<arith::AddIOp, arith::MulIOp>(def))
    for (Value operand : def->getOperands())
      addSize(operand);
}

std::optional<ArenaPosition> ArenaPositionReader::read(Value value) {
  if (auto it = known.find(value); it != known.end())
    return it->second;
  std::optional<ArenaPosition> result;
  APInt constant;
  Operation *def = value.getDefiningOp();
  if (matchPattern(value, m_ConstantInt(&constant))) {
    if (!constant.isNegative())
      result = ArenaPosition::constant(constant.getSExtValue());
  } else if (std::optional<Size> dimension = getDimension(value)) {
    result = getSize(*dimension);
  } else if (isa_and_nonnull<arith::AddIOp, arith::MulIOp, arith::MaxSIOp, arith::MaxUIOp>(def)) {
    std::optional<ArenaPosition> left = read(def->getOperand(0)), right = read(def->getOperand(1));
    if (left && right) {
      if (isa<arith::AddIOp>(def)) {
        result = add(*left, *right);
      } else if (isa<arith::MulIOp>(def)) {
        result = multiply(*left, *right);
      } else {
        result = left;
        for (const Sum &sum : right->sums)
          addSum(*result, sum);
      }
    }
  }
  if (!result && sizes.contains(value))
    result = getSize({value.getAsOpaquePointer(), -1});
  known[value] = result;
  return result;
}

std::optional<ArenaPosition> ArenaPositionReader::readBytes(memref::ViewOp view) {
  MemRefType type = view.getType();
  // Of dynamic dimensions one each; the largest number where that is too much.
  int64_t bytes = getByteSize(type, 1);
  if (getByteSize(type.getElementType(), 1) == 0 || bytes == std::numeric_limits<int64_t>::max())
    return std::nullopt;
  std::optional<ArenaPosition> result = ArenaPosition::constant(bytes);
  for (Value size : view.getSizes()) {
    std::optional<ArenaPosition> factor = read(size);
    if (!factor || !(result = multiply(*result, *factor)))
      return std::nullopt;
  }
  return result;
}
