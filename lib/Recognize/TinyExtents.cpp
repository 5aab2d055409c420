// The tiny extents that a function's reshapes ask for, and rounding to narrow types.
#include "abn/Recognize/Evaluation.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::abn;

bool mlir::abn::isInRange(ArrayRef<ReassociationIndices> groups, size_t rank) {
  return llvm::all_of(groups, [&](const ReassociationIndices &group) {
    return llvm::all_of(group, [&](int64_t i) { return i >= 0 && i < static_cast<int64_t>(rank); });
  });
}

void mlir::abn::roundTo(Type type, MutableArrayRef<double> contents) {
  auto floatType = dyn_cast<FloatType>(type);
  if (!floatType || floatType.getWidth() > 16)
    return;
  for (double &x : contents) {
    APFloat value(x);
    bool losesInfo = false;
    value.convert(floatType.getFloatSemantics(), APFloat::rmNearestTiesToEven, &losesInfo);
    value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &losesInfo);
    x = value.convertToDouble();
  }
}

/// Tiny extents are not allowed to grow beyond this.
static constexpr int64_t kLargestTinyExtent = 20;

int64_t TinyExtents::getPart(int64_t size) const {
  // Parts of one reshape must not look alike: small ones are themselves, others one of three by
  // round.
  if (size <= 4)
    return size;
  uint64_t mixed = (static_cast<uint64_t>(size) * 8 + salt) * 0x9E3779B97F4A7C15ull;
  return 3 + (mixed >> 40) % 3;
}

TinyExtents::TinyExtents(ArrayRef<func::FuncOp> funcs, int64_t plain, uint64_t salt)
    : plain(plain), salt(salt) {
  // Small dimensions first, so that what they split into is known.
  std::map<int64_t, SmallVector<int64_t>> splits;
  auto visit = [&](ArrayRef<int64_t> narrow, ArrayRef<int64_t> wide,
                   ArrayRef<ReassociationIndices> groups) {
    if (!isInRange(groups, wide.size()))
      return;
    for (auto [axis, group] : llvm::enumerate(groups)) {
      SmallVector<int64_t> sizes;
      for (int64_t i : group)
        if (wide[i] > 1)
          sizes.push_back(wide[i]);
      if (sizes.size() > 1 && narrow[axis] > 0)
        splits.try_emplace(narrow[axis], sizes);
    }
  };
  for (func::FuncOp func : funcs)
    for (Operation &op : func.getBody().front()) {
      if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
        visit(expand.getSrcType().getShape(), expand.getResultType().getShape(),
              expand.getReassociationIndices());
      else if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
        visit(collapse.getResultType().getShape(), collapse.getSrcType().getShape(),
              collapse.getReassociationIndices());
    }
  for (auto &[size, sizes] : splits) {
    int64_t product = 1;
    for (int64_t part : sizes)
      product *= extents.count(part) ? extents[part] : getPart(part);
    if (product > kLargestTinyExtent)
      continue;
    extents[size] = product;
    for (int64_t part : sizes)
      extents.try_emplace(part, getPart(part));
  }
}
