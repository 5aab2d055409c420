// Small dense arrays of doubles, one per value of a function that is evaluated on tiny tensors: a
// few trials side by side, and an axis of size 1 wherever the value is constant along it.
#ifndef ABN_RECOGNIZE_TINYARRAY_H
#define ABN_RECOGNIZE_TINYARRAY_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>
#include <memory>
#include <vector>

namespace mlir::abn {

/// How many independent evaluations run side by side.
constexpr int64_t kTrials = 4;

/// A view of `kTrials` row-major blocks of `sizes`; the memory belongs to an ArrayArena.
struct TinyArray {
  llvm::SmallVector<int64_t, 5> sizes;
  double *data = nullptr;

  unsigned getRank() const { return sizes.size(); }
  /// The elements of one trial.
  int64_t getCount() const {
    int64_t count = 1;
    for (int64_t size : sizes)
      count *= size;
    return count;
  }
  int64_t getTotal() const { return kTrials * getCount(); }
  llvm::ArrayRef<double> getContents() const { return {data, static_cast<size_t>(getTotal())}; }
  llvm::MutableArrayRef<double> getMutableContents() {
    return {data, static_cast<size_t>(getTotal())};
  }
};

/// Owns the arrays of one evaluation. Memory is kept by `reset` and handed out again, since an
/// evaluation is repeated several times.
class ArrayArena {
public:
  TinyArray allocate(llvm::ArrayRef<int64_t> sizes);
  TinyArray splat(unsigned rank, double value);
  void reset() { block = used = 0; }

private:
  static constexpr size_t kBlock = 1 << 18;
  std::vector<std::unique_ptr<double[]>> blocks;
  std::vector<size_t> capacities;
  size_t block = 0, used = 0;
};

/// The same elements with the axes of `array` moved: axis i of the result is axis order[i], or a
/// new axis of size 1 for -1. Axes that are left out must have size 1.
TinyArray permute(ArrayArena &arena, const TinyArray &array, llvm::ArrayRef<int64_t> order);

/// `array` repeated along its axes of size 1 up to `sizes`.
TinyArray broadcast(ArrayArena &arena, const TinyArray &array, llvm::ArrayRef<int64_t> sizes);

/// The common sizes of arrays of one rank: equal, or 1. Empty optional if they conflict.
bool mergeSizes(llvm::ArrayRef<TinyArray> arrays, llvm::SmallVectorImpl<int64_t> &sizes);

/// a + b, but 0 where they cancel to what is rounding of them: two forms of a formula agree on that
/// only as 0.
inline double addExactly(double a, double b) {
  double sum = a + b, magnitude = a < 0 ? -a : a;
  magnitude += b < 0 ? -b : b;
  return sum < 4e-13 * magnitude && -sum < 4e-13 * magnitude ? 0 : sum;
}

/// Calls `visit` with the offsets of the operands' elements for each element of `sizes` in order,
/// all trials; the arrays' axes are equal to `sizes` or 1.
template <unsigned N, typename Fn>
void forEachElement(llvm::ArrayRef<int64_t> sizes, const TinyArray *const (&arrays)[N], Fn visit) {
  bool flat = true;
  for (const TinyArray *array : arrays)
    flat &= llvm::ArrayRef<int64_t>(array->sizes) == sizes;
  int64_t total = kTrials;
  for (int64_t size : sizes)
    total *= size;
  int64_t offsets[N] = {};
  if (flat) {
    for (int64_t i = 0; i < total; ++i) {
      for (unsigned k = 0; k < N; ++k)
        offsets[k] = i;
      visit(i, offsets);
    }
    return;
  }
  // An odometer over (trial, axes...): strides of 0 along constant axes.
  unsigned rank = sizes.size() + 1;
  llvm::SmallVector<int64_t, 6> extents = {kTrials}, position(rank, 0);
  extents.append(sizes.begin(), sizes.end());
  llvm::SmallVector<int64_t, 6> strides[N];
  for (unsigned k = 0; k < N; ++k) {
    strides[k].resize(rank, 0);
    int64_t stride = 1;
    for (unsigned axis = rank - 1; axis > 0; --axis) {
      int64_t size = arrays[k]->sizes[axis - 1];
      strides[k][axis] = size == 1 ? 0 : stride;
      stride *= size;
    }
    strides[k][0] = stride;
  }
  for (int64_t i = 0; i < total; ++i) {
    visit(i, offsets);
    for (int axis = rank - 1; axis >= 0; --axis) {
      ++position[axis];
      for (unsigned k = 0; k < N; ++k)
        offsets[k] += strides[k][axis];
      if (position[axis] < extents[axis])
        break;
      for (unsigned k = 0; k < N; ++k)
        offsets[k] -= strides[k][axis] * extents[axis];
      position[axis] = 0;
    }
  }
}

} // namespace mlir::abn

#endif // ABN_RECOGNIZE_TINYARRAY_H
