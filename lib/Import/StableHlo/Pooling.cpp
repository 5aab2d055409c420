// Windows as pools.
#include "Pooling.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <cmath>

using namespace mlir;
using namespace mlir::abn::hlo;

static constexpr int64_t kLargest = std::numeric_limits<int32_t>::max();

FailureOr<Window> Window::read(HloOp &op, ArrayRef<int64_t> shape) {
  size_t rank = shape.size();
  auto sizes = op.integersOr("window_dimensions", rank, 1),
       strides = op.integersOr("window_strides", rank, 1),
       base = op.integersOr("base_dilations", rank, 1),
       dilations = op.integersOr("window_dilations", rank, 1);
  FailureOr<HloOp::Padding> padding = op.padding(rank);
  if (failed(sizes) || failed(strides) || failed(base) || failed(dilations) || failed(padding))
    return failure();
  Window window{*sizes, *strides, *base, *dilations, padding->low, padding->high};
  for (auto list : {&window.sizes, &window.strides, &window.baseDilations, &window.dilations})
    for (int64_t value : *list)
      if (value < 1 || value > kLargest)
        return op.error() << "expected sizes, strides and dilations from 1 to 2^31 - 1, got "
                          << value;
  for (auto list : {&window.low, &window.high})
    for (int64_t value : *list)
      if (std::abs(value) > kLargest)
        return op.error() << "expected padding below 2^31, got " << value;
  for (int64_t size : window.outputShape(shape))
    if (size < 1)
      return op.error() << "expected at least one window along each dimension";
  return window;
}

SmallVector<int64_t> Window::outputShape(ArrayRef<int64_t> shape) const {
  SmallVector<int64_t> output;
  for (auto [i, size] : llvm::enumerate(shape)) {
    int64_t padded = (size - 1) * baseDilations[i] + 1 + low[i] + high[i];
    int64_t extent = (sizes[i] - 1) * dilations[i] + 1;
    output.push_back(padded < extent ? 0 : (padded - extent) / strides[i] + 1);
  }
  return output;
}

bool Window::isDilated() const {
  return llvm::any_of(baseDilations, [](int64_t d) { return d != 1; });
}

std::optional<dnn::PoolParams> mlir::abn::hlo::asPool(const Window &window, RankedTensorType type) {
  int64_t rank = type.getRank();
  if (rank < 3 || rank > 5 || window.isDilated() || !isa<FloatType>(type.getElementType()))
    return std::nullopt;
  auto isTrivial = [&](int64_t dim) {
    return window.sizes[dim] == 1 && window.strides[dim] == 1 && window.low[dim] == 0 &&
           window.high[dim] == 0;
  };
  if (!isTrivial(0) || (!isTrivial(1) && !isTrivial(rank - 1)))
    return std::nullopt;
  dnn::PoolParams params;
  params.layout = isTrivial(rank - 1) ? dnn::Layout::ChannelsLast : dnn::Layout::ChannelsFirst;
  for (int64_t i = 0; i < rank - 2; ++i) {
    int64_t dim = dnn::getSpatialDim(params.layout, i);
    if (window.low[dim] < 0 || window.high[dim] < 0)
      return std::nullopt;
    params.kernelSize.push_back(window.sizes[dim]);
    params.strides.push_back(window.strides[dim]);
    params.paddingLow.push_back(window.low[dim]);
    params.paddingHigh.push_back(window.high[dim]);
    params.dilations.push_back(window.dilations[dim]);
  }
  return params;
}

static bool isSamePool(const dnn::PoolParams &a, const dnn::PoolParams &b) {
  return a.kernelSize == b.kernelSize && a.strides == b.strides && a.paddingLow == b.paddingLow &&
         a.paddingHigh == b.paddingHigh && a.dilations == b.dilations && a.layout == b.layout;
}

dnn::MaxPoolOp mlir::abn::hlo::findMaxPool(Value input, const dnn::PoolParams &params,
                                           Operation *op) {
  // The first in the block, whatever the order of the list of users.
  dnn::MaxPoolOp first;
  for (Operation *user : input.getUsers()) {
    auto pool = dyn_cast<dnn::MaxPoolOp>(user);
    if (!pool || pool->getBlock() != op->getBlock() || !pool->isBeforeInBlock(op) ||
        !isSamePool(pool.getParams(), params))
      continue;
    if (!first || pool->isBeforeInBlock(first))
      first = pool;
  }
  return first;
}

Value mlir::abn::hlo::foldDivisorIntoPool(HloOp &op) {
  auto pool = op.operand(0).getDefiningOp<dnn::AvgPoolOp>();
  std::optional<double> divisor = splatValue(op.operand(1));
  if (!pool || !divisor || !pool->hasOneUse() || pool.getDivisorOverride() != 1 ||
      *divisor != std::floor(*divisor) || std::fabs(*divisor) > 1e9 || *divisor == 0)
    return {};
  dnn::PoolParams params = pool.getParams();
  params.divisorOverride = static_cast<int64_t>(*divisor);
  auto average = dnn::createAvgPool(op.builder(), op.builder().getLoc(), pool.getInput(), params,
                                    /*ceilMode=*/false);
  return succeeded(average) ? *average : Value();
}
