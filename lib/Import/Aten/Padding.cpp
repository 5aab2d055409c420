// Padding: with a constant, by reflection, by repeating the edge; and the gradients of the last
// two.
#include "Promotion.h"
#include "Registry.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::abn::aten;

namespace {
/// `pad` lists (before, after) from the last dimension to the first.
struct PadAmounts {
  SmallVector<int64_t> low, high;
};
} // namespace

static FailureOr<PadAmounts> readPad(AtenOp &op, StringRef name, int64_t rank) {
  SmallVector<int64_t> pad = op.integers(name);
  if (pad.size() % 2 || static_cast<int64_t>(pad.size()) > 2 * rank)
    return op.error() << "expected at most " << rank << " pairs in `" << name << "`, got "
                      << pad.size() << " entries";
  PadAmounts amounts{SmallVector<int64_t>(rank, 0), SmallVector<int64_t>(rank, 0)};
  for (size_t i = 0; i < pad.size(); i += 2) {
    const int64_t limit = int64_t(1) << 40;
    if (std::max(pad[i], pad[i + 1]) > limit || std::min(pad[i], pad[i + 1]) < -limit)
      return op.error() << "`" << name << "` is too large";
    amounts.low[rank - 1 - i / 2] = pad[i];
    amounts.high[rank - 1 - i / 2] = pad[i + 1];
  }
  return amounts;
}

/// Negative amounts cut; the others pad.
static LogicalResult convertConstantPad(AtenOp &op) {
  ImplicitLocOpBuilder &b = op.builder();
  Value value = op.tensor("self");
  RankedTensorType type = typeOf(value);
  int64_t rank = type.getRank();
  FailureOr<PadAmounts> pad = readPad(op, "pad", rank);
  if (failed(pad))
    return failure();
  SmallVector<int64_t> offsets(rank), sizes(rank), strides(rank, 1), padded(rank);
  SmallVector<OpFoldResult> low, high;
  for (int64_t i = 0; i < rank; ++i) {
    offsets[i] = std::max<int64_t>(0, -pad->low[i]);
    sizes[i] = type.getDimSize(i) - offsets[i] - std::max<int64_t>(0, -pad->high[i]);
    if (sizes[i] <= 0)
      return op.error() << "nothing is left of dimension " << i;
    low.push_back(b.getIndexAttr(std::max<int64_t>(0, pad->low[i])));
    high.push_back(b.getIndexAttr(std::max<int64_t>(0, pad->high[i])));
    padded[i] = sizes[i] + std::max<int64_t>(0, pad->low[i]) + std::max<int64_t>(0, pad->high[i]);
  }
  if (failed(broadcastShapes(op, {ArrayRef<int64_t>(padded)})))
    return failure();
  value = emitSlice(b, value, offsets, sizes, strides);
  if (padded == sizes)
    return op.replaceWith(value);
  Body body{b, b.getLoc()};
  Value fill = body.constant(type.getElementType(), *op.scalar("value"));
  return op.replaceWith(
      tensor::PadOp::create(b, withShape(type, padded), value, low, high, fill)->getResult(0));
}

/// How an edge pad moves a position that lies outside.
enum class EdgeKind { Reflect, Replicate };

/// The position inside [0, size) that position `p` of the padded axis reads.
static Value insidePosition(Body &b, Value p, int64_t low, int64_t size, EdgeKind kind) {
  Value last = b.indexConstant(size - 1), zero = b.indexConstant(0);
  p = b.call<arith::SubIOp>(p, b.indexConstant(low));
  if (kind == EdgeKind::Replicate)
    return b.call<arith::MaxSIOp>(zero, Value(b.call<arith::MinSIOp>(p, last)));
  p = b.call<arith::MaxSIOp>(p, Value(b.call<arith::SubIOp>(zero, p)));
  Value mirrored = b.call<arith::SubIOp>(Value(b.call<arith::AddIOp>(last, last)), p);
  return b.call<arith::MinSIOp>(p, mirrored);
}

namespace {
struct EdgePad {
  PadAmounts amounts;
  SmallVector<int64_t> padded;
};
} // namespace

/// Reads and checks `padding` for a tensor whose last `spatial` dimensions may be padded.
static FailureOr<EdgePad> readEdgePad(AtenOp &op, int64_t spatial, EdgeKind kind) {
  RankedTensorType type = typeOf(op.tensor("self"));
  int64_t rank = type.getRank();
  FailureOr<PadAmounts> pad = readPad(op, "padding", rank);
  if (failed(pad))
    return failure();
  if (rank != spatial + 1 && rank != spatial + 2)
    return op.error() << "expected `self` of rank " << spatial + 1 << " or " << spatial + 2
                      << ", got " << type;
  EdgePad edge{*pad, SmallVector<int64_t>(type.getShape())};
  for (int64_t i = 0; i < rank; ++i) {
    int64_t limit = kind == EdgeKind::Reflect ? type.getDimSize(i) - 1 : int64_t(1) << 40;
    int64_t low = pad->low[i], high = pad->high[i];
    if (((low || high) && i < rank - spatial) || low < 0 || high < 0 || low > limit || high > limit)
      return op.error() << "cannot pad dimension " << i << " of " << type << " by " << low
                        << " and " << high;
    edge.padded[i] += low + high;
  }
  if (failed(broadcastShapes(op, {ArrayRef<int64_t>(edge.padded)})))
    return failure();
  return edge;
}

static LogicalResult convertEdgePad(AtenOp &op, int64_t spatial, EdgeKind kind) {
  Value self = op.tensor("self");
  RankedTensorType type = typeOf(self);
  FailureOr<EdgePad> edge = readEdgePad(op, spatial, kind);
  if (failed(edge))
    return failure();
  return op.replaceWith(
      emitGather(op.builder(), self, edge->padded, [&](Body &b, ValueRange position) {
        SmallVector<Value> source(position.begin(), position.end());
        for (int64_t i = type.getRank() - spatial; i < type.getRank(); ++i)
          source[i] = insidePosition(b, source[i], edge->amounts.low[i], type.getDimSize(i), kind);
        return source;
      }));
}

/// Axis by axis, each padded position gives its gradient to the one that it read.
static LogicalResult convertEdgePadBackward(AtenOp &op, int64_t spatial, EdgeKind kind) {
  ImplicitLocOpBuilder &b = op.builder();
  RankedTensorType type = typeOf(op.tensor("self"));
  FailureOr<EdgePad> edge = readEdgePad(op, spatial, kind);
  if (failed(edge) || failed(op.expectShape("grad_output", edge->padded)))
    return failure();
  Value value = op.tensor("grad_output");
  for (int64_t i = type.getRank() - spatial; i < type.getRank(); ++i) {
    int64_t size = type.getDimSize(i);
    if (edge->padded[i] == size)
      continue;
    value = emitAxisSum(b, value, i, size, computeTypeOf(type.getElementType()),
                        [&](Body &body, Value x, Value position, Value padded) {
                          Value read =
                              insidePosition(body, padded, edge->amounts.low[i], size, kind);
                          return whereEqual(body, x, position, read);
                        });
  }
  return op.replaceWith(emitCast(b, value, type.getElementType()));
}

void mlir::abn::aten::addPadding(Registry &r) {
  r.add("constant_pad_nd(Tensor self, int[] pad, Scalar value) -> Tensor", convertConstantPad);
  for (int64_t spatial : {1, 2, 3})
    for (EdgeKind kind : {EdgeKind::Reflect, EdgeKind::Replicate}) {
      std::string name = (kind == EdgeKind::Reflect ? "reflection_pad" : "replication_pad") +
                         std::to_string(spatial) + "d";
      r.add(name + "(Tensor self, int[] padding) -> Tensor",
            [=](AtenOp &op) { return convertEdgePad(op, spatial, kind); });
      r.add(name + "_backward(Tensor grad_output, Tensor self, int[] padding) -> Tensor",
            [=](AtenOp &op) { return convertEdgePadBackward(op, spatial, kind); });
    }
}
