// Nearest and linear resizing as dnn ops.
#include "Promotion.h"
#include "Registry.h"
#include "dnn/DnnDialect.h"
#include <cmath>

using namespace mlir;
using namespace mlir::abn::aten;

namespace {
/// What a row's name says.
struct ResizeRow {
  int64_t spatial;
  dnn::ResizeMode mode;
  dnn::Coordinates coordinates;
  /// `scales` of the plain overloads, one number per axis.
  SmallVector<std::string> scaleNames;
};
} // namespace

static SmallVector<OpFoldResult> sizesOf(OpBuilder &b, ArrayRef<int64_t> shape) {
  return llvm::map_to_vector(shape, [&](int64_t s) -> OpFoldResult { return b.getIndexAttr(s); });
}

/// align_corners where the row has it.
static dnn::Coordinates readCoordinates(AtenOp &op, const ResizeRow &row) {
  if (row.mode == dnn::ResizeMode::Linear && op.flag("align_corners"))
    return dnn::Coordinates::AlignCorners;
  return row.coordinates;
}

/// PyTorch's scales are result/source; dnn's are source/result.
static LogicalResult setScales(AtenOp &op, ArrayRef<std::optional<double>> scales,
                               ArrayRef<int64_t> in, ArrayRef<int64_t> out,
                               dnn::ResizeParams &params) {
  if (params.coordinates == dnn::Coordinates::AlignCorners ||
      llvm::none_of(scales, [](auto scale) { return scale.has_value(); }))
    return success();
  for (auto [scale, from, to] : llvm::zip_equal(scales, in, out)) {
    double ratio = scale ? 1 / *scale : static_cast<double>(from) / static_cast<double>(to);
    if (!std::isfinite(ratio) || ratio <= 0)
      return op.error() << "expected positive scale factors";
    params.scales.push_back(ratio);
  }
  return success();
}

static LogicalResult checkSizes(AtenOp &op, ArrayRef<int64_t> shape) {
  if (llvm::any_of(shape, [](int64_t size) { return size <= 0; }))
    return op.error() << "expected positive sizes";
  return success(succeeded(broadcastShapes(op, {shape})));
}

/// The spatial sizes of the result and the scales that PyTorch interpolates with, from either
/// `output_size` or `scale_factors` (the .vec overloads).
static FailureOr<SmallVector<int64_t>>
readVecSizes(AtenOp &op, const ResizeRow &row, ArrayRef<int64_t> in,
             SmallVectorImpl<std::optional<double>> &scales) {
  scales.assign(row.spatial, std::nullopt);
  if (!op.isNone("output_size"))
    return op.expanded("output_size", row.spatial);
  std::optional<SmallVector<double>> factors = op.optionalNumbers("scale_factors");
  if (!factors || static_cast<int64_t>(factors->size()) != row.spatial)
    return op.error() << "expected `output_size` or " << row.spatial << " `scale_factors`";
  SmallVector<int64_t> out;
  for (auto [i, factor] : llvm::enumerate(*factors)) {
    double size = std::floor(static_cast<double>(in[i]) * factor);
    if (!(size >= 1 && size < 0x1p31))
      return op.error() << "expected positive sizes";
    out.push_back(static_cast<int64_t>(size));
    scales[i] = factor;
  }
  return out;
}

static FailureOr<SmallVector<int64_t>>
readPlainSizes(AtenOp &op, const ResizeRow &row, SmallVectorImpl<std::optional<double>> &scales) {
  for (const std::string &name : row.scaleNames)
    scales.push_back(op.optionalNumber(name));
  return op.expanded("output_size", row.spatial);
}

static ConvertFn convertResize(ResizeRow row, bool vec) {
  return [=](AtenOp &op) -> LogicalResult {
    ImplicitLocOpBuilder &b = op.builder();
    StringRef name = vec ? "input" : "self";
    if (failed(op.expectRank(name, row.spatial + 2)) || failed(op.expectFloat(name)))
      return failure();
    Value self = op.tensor(name);
    ArrayRef<int64_t> in = typeOf(self).getShape().drop_front(2);
    SmallVector<std::optional<double>> scales;
    FailureOr<SmallVector<int64_t>> out =
        vec ? readVecSizes(op, row, in, scales) : readPlainSizes(op, row, scales);
    if (failed(out))
      return failure();
    dnn::ResizeParams params;
    params.mode = row.mode;
    params.coordinates = readCoordinates(op, row);
    SmallVector<int64_t> shape(typeOf(self).getShape().take_front(2));
    llvm::append_range(shape, *out);
    if (failed(checkSizes(op, shape)) || failed(setScales(op, scales, in, *out, params)))
      return failure();
    return op.replaceWith(dnn::createResize(b, b.getLoc(), self, sizesOf(b, shape), params));
  };
}

static ConvertFn convertResizeBackward(ResizeRow row) {
  return [=](AtenOp &op) -> LogicalResult {
    ImplicitLocOpBuilder &b = op.builder();
    if (failed(op.expectRank("grad_output", row.spatial + 2)) ||
        failed(op.expectFloat("grad_output")))
      return failure();
    Value grad = op.tensor("grad_output");
    SmallVector<std::optional<double>> scales;
    FailureOr<SmallVector<int64_t>> out = readPlainSizes(op, row, scales);
    SmallVector<int64_t> input = op.integers("input_size");
    if (failed(out) || failed(checkSizes(op, input)))
      return failure();
    if (static_cast<int64_t>(input.size()) != row.spatial + 2)
      return op.error() << "expected " << row.spatial + 2 << " entries for `input_size`, got "
                        << input.size();
    SmallVector<int64_t> expected(ArrayRef<int64_t>(input).take_front(2));
    llvm::append_range(expected, *out);
    if (failed(op.expectShape("grad_output", expected)))
      return failure();
    dnn::ResizeParams params;
    params.mode = row.mode;
    params.coordinates = readCoordinates(op, row);
    if (failed(setScales(op, scales, ArrayRef<int64_t>(input).drop_front(2), *out, params)))
      return failure();
    return op.replaceWith(dnn::createResizeGrad(b, b.getLoc(), grad, sizesOf(b, input), params));
  };
}

void mlir::abn::aten::addResizes(Registry &r) {
  auto add = [&](std::string name, ResizeRow row) {
    bool linear = row.mode == dnn::ResizeMode::Linear;
    // The plain overloads name one scale per axis: scales_d, scales_h, scales_w; just `scales` in
    // one dimension.
    std::string scales;
    static const StringRef axes[] = {"d", "h", "w"};
    for (StringRef axis : ArrayRef<StringRef>(axes).take_back(row.spatial)) {
      row.scaleNames.push_back(row.spatial == 1 ? "scales" : ("scales_" + axis).str());
      scales += ", float? " + row.scaleNames.back();
    }
    std::string align = linear ? ", bool align_corners" : "";
    r.add(name + ".vec(Tensor input, int[]? output_size" + align +
              ", float[]? scale_factors) -> Tensor",
          convertResize(row, /*vec=*/true));
    r.add(name + "(Tensor self, int[] output_size" + align + scales + ") -> Tensor",
          convertResize(row, /*vec=*/false));
    r.add(name + "_backward(Tensor grad_output, int[] output_size, int[] input_size" + align +
              scales + ") -> Tensor",
          convertResizeBackward(row));
  };
  StringRef linearNames[] = {"upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d"};
  for (int64_t spatial : {1, 2, 3}) {
    std::string d = std::to_string(spatial) + "d";
    add("upsample_nearest" + d,
        {spatial, dnn::ResizeMode::Nearest, dnn::Coordinates::Asymmetric, {}});
    add("_upsample_nearest_exact" + d,
        {spatial, dnn::ResizeMode::Nearest, dnn::Coordinates::HalfPixel, {}});
    add(linearNames[spatial - 1].str(),
        {spatial, dnn::ResizeMode::Linear, dnn::Coordinates::HalfPixel, {}});
  }
}
