// Allocation, permutation and broadcasting of tiny arrays.
#include "abn/Recognize/TinyArray.h"
#include <algorithm>

using namespace mlir::abn;
using llvm::ArrayRef;
using llvm::SmallVector;

TinyArray ArrayArena::allocate(ArrayRef<int64_t> sizes) {
  TinyArray array;
  array.sizes.assign(sizes.begin(), sizes.end());
  size_t total = array.getTotal();
  while (block < blocks.size() && used + total > capacities[block]) {
    ++block;
    used = 0;
  }
  if (block == blocks.size()) {
    capacities.push_back(std::max(kBlock, total));
    blocks.emplace_back(new double[capacities.back()]);
    used = 0;
  }
  array.data = blocks[block].get() + used;
  used += total;
  return array;
}

TinyArray ArrayArena::splat(unsigned rank, double value) {
  TinyArray array = allocate(SmallVector<int64_t, 5>(rank, 1));
  std::fill_n(array.data, array.getTotal(), value);
  return array;
}

TinyArray mlir::abn::permute(ArrayArena &arena, const TinyArray &array, ArrayRef<int64_t> order) {
  SmallVector<int64_t, 5> sizes;
  // Only the order of axes that vary matters to the layout.
  int64_t last = -1;
  bool inOrder = true;
  for (int64_t axis : order) {
    sizes.push_back(axis < 0 ? 1 : array.sizes[axis]);
    if (sizes.back() == 1)
      continue;
    inOrder &= axis > last;
    last = axis;
  }
  if (inOrder) {
    TinyArray view = array;
    view.sizes.assign(sizes.begin(), sizes.end());
    return view;
  }
  SmallVector<int64_t, 5> strides(array.getRank(), 0);
  int64_t stride = 1;
  for (int64_t axis = array.getRank() - 1; axis >= 0; --axis) {
    strides[axis] = stride;
    stride *= array.sizes[axis];
  }
  TinyArray result = arena.allocate(sizes);
  SmallVector<int64_t, 5> position(sizes.size(), 0);
  int64_t count = result.getCount(), offset = 0;
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t trial = 0; trial < kTrials; ++trial)
      result.data[trial * count + i] = array.data[trial * count + offset];
    for (int64_t axis = static_cast<int64_t>(sizes.size()) - 1; axis >= 0; --axis) {
      int64_t step = order[axis] < 0 ? 0 : strides[order[axis]];
      offset += step;
      if (++position[axis] < sizes[axis])
        break;
      offset -= step * sizes[axis];
      position[axis] = 0;
    }
  }
  return result;
}

TinyArray mlir::abn::broadcast(ArrayArena &arena, const TinyArray &array, ArrayRef<int64_t> sizes) {
  if (ArrayRef<int64_t>(array.sizes) == sizes)
    return array;
  TinyArray result = arena.allocate(sizes);
  const TinyArray *const operands[] = {&array};
  forEachElement(sizes, operands, [&](int64_t i, const int64_t *offsets) {
    result.data[i] = array.data[offsets[0]];
  });
  return result;
}

bool mlir::abn::mergeSizes(ArrayRef<TinyArray> arrays, llvm::SmallVectorImpl<int64_t> &sizes) {
  for (const TinyArray &array : arrays) {
    if (sizes.size() < array.getRank())
      sizes.resize(array.getRank(), 1);
    for (auto [axis, size] : llvm::enumerate(array.sizes)) {
      if (size == 1)
        continue;
      if (sizes[axis] != 1 && sizes[axis] != size)
        return false;
      sizes[axis] = size;
    }
  }
  return true;
}
