// Elementwise maps, staged sums and per-channel arithmetic as linalg.generic; see LinalgNest.h.
#include "LinalgNest.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::abn;
using utils::IteratorType;

/// A stage of a sum covers at least so many positions before the next one begins; shorter ones
/// would write and read partial sums for nothing.
static constexpr int64_t kMinStageLength = 32;

static Type getElement(Value tensor) { return getElementTypeOrSelf(tensor.getType()); }
static int64_t getRank(Value tensor) { return cast<RankedTensorType>(tensor.getType()).getRank(); }

//===----------------------------------------------------------------------===//
// Generics
//===----------------------------------------------------------------------===//

/// The loops of a generic and who is indexed by what.
namespace {
struct Loops {
  SmallVector<AffineMap> maps;
  SmallVector<IteratorType> iterators;
};
} // namespace

/// Builds a generic whose body sees its operands as Elements. `yield` gets the body's elements and
/// the destinations' current values and returns what is yielded, in the destinations' types.
static SmallVector<Value>
buildGeneric(OpBuilder &b, Location loc, Type computeType, ArrayRef<Value> inputs,
             ArrayRef<Value> inits, const Loops &loops,
             function_ref<SmallVector<Value>(ScalarBuilder &, Elements &, ValueRange)> yield) {
  auto types = llvm::map_to_vector(inits, [](Value init) { return init.getType(); });
  auto generic = linalg::GenericOp::create(
      b, loc, types, inputs, inits, loops.maps, loops.iterators,
      [&](OpBuilder &nested, Location nestedLoc, ValueRange args) {
        ScalarBuilder s(nested, nestedLoc, computeType);
        Elements elements(nested, nestedLoc, computeType);
        for (auto [tensor, element] : llvm::zip(inputs, args))
          elements.add(tensor, element);
        for (auto [tensor, element] : llvm::zip(inits, args.drop_front(inputs.size())))
          elements.add(tensor, element);
        SmallVector<Value> values = yield(s, elements, args.drop_front(inputs.size()));
        for (auto [value, init] : llvm::zip(values, inits))
          if (value.getType() != getElement(init))
            value = arith::TruncFOp::create(nested, nestedLoc, getElement(init), value);
        linalg::YieldOp::create(nested, nestedLoc, values);
      });
  return SmallVector<Value>(generic->getResults());
}

LinalgNest::LinalgNest(OpBuilder &b, Location loc, Value full, int64_t channelDim)
    : ChannelNest(b, loc, full, channelDim), rank(getRank(full)) {
  Value dynamic;
  for (unsigned dim = 0; dim < rank; ++dim) {
    if (dim == channelDim)
      continue;
    int64_t size = cast<RankedTensorType>(full.getType()).getDimSize(dim);
    if (!ShapedType::isDynamic(size)) {
      staticCount *= size;
      continue;
    }
    Value extent = tensor::DimOp::create(b, loc, full, dim);
    dynamic = dynamic ? arith::MulIOp::create(b, loc, dynamic, extent) : extent;
  }
  if (!dynamic)
    return;
  Value integer = arith::IndexCastOp::create(b, loc, b.getI64Type(), dynamic);
  Value real = arith::SIToFPOp::create(b, loc, computeType, integer);
  ScalarBuilder s(b, loc, computeType);
  dynamicCount = s.mul(real, staticCount);
}

Value LinalgNest::emptyVector(Type elementType) {
  return tensor::EmptyOp::create(
      b, loc, ArrayRef<OpFoldResult>{tensor::getMixedSize(b, loc, full, channelDim)}, elementType);
}

Value LinalgNest::map(ArrayRef<Value> operands, Value out, Body body) {
  SmallVector<Value> inputs = dropNull(operands);
  AffineMap identity = b.getMultiDimIdentityMap(rank);
  AffineMap channel = AffineMap::get(rank, 0, b.getAffineDimExpr(channelDim));
  Loops loops;
  for (Value input : inputs)
    loops.maps.push_back(getRank(input) == 1 ? channel : identity);
  loops.maps.push_back(identity);
  loops.iterators.assign(rank, IteratorType::parallel);
  return buildGeneric(
      b, loc, computeType, inputs, out, loops,
      [&](ScalarBuilder &s, Elements &elements, ValueRange) { return body(s, elements); })[0];
}

SmallVector<Value> LinalgNest::perChannel(ArrayRef<Value> vectors, ArrayRef<Value> inits,
                                          Body body) {
  SmallVector<Value> inputs = dropNull(vectors), outputs(inits);
  for (Value &output : outputs)
    if (!output)
      output = emptyVector(computeType);
  Loops loops;
  loops.maps.assign(inputs.size() + outputs.size(), b.getMultiDimIdentityMap(1));
  loops.iterators = {IteratorType::parallel};
  return buildGeneric(
      b, loc, computeType, inputs, outputs, loops,
      [&](ScalarBuilder &s, Elements &elements, ValueRange) { return body(s, elements); });
}

void LinalgNest::check(ArrayRef<Value> vectors, Condition condition, StringRef message) {
  SmallVector<Value> inputs = dropNull(vectors);
  Value empty = tensor::EmptyOp::create(b, loc, ArrayRef<int64_t>{}, b.getI1Type());
  Value yes = arith::ConstantOp::create(b, loc, b.getBoolAttr(true));
  Value init = linalg::FillOp::create(b, loc, yes, empty).getResult(0);
  Loops loops;
  loops.maps.assign(inputs.size(), b.getMultiDimIdentityMap(1));
  loops.maps.push_back(AffineMap::get(1, 0, b.getContext()));
  loops.iterators = {IteratorType::reduction};
  Value all = buildGeneric(b, loc, computeType, inputs, init, loops,
                           [&](ScalarBuilder &s, Elements &elements, ValueRange current) {
                             Value holds = condition(s, elements);
                             return SmallVector<Value>{arith::AndIOp::create(
                                 s.getBuilder(), s.getLoc(), current[0], holds)};
                           })[0];
  Value ok = tensor::ExtractOp::create(b, loc, all, ValueRange());
  cf::AssertOp::create(b, loc, ok, message);
}

//===----------------------------------------------------------------------===//
// Staged sums
//===----------------------------------------------------------------------===//

SmallVector<SmallVector<unsigned>> LinalgNest::getStages() const {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(full.getType()).getShape();
  SmallVector<SmallVector<unsigned>> stages(1);
  int64_t length = 1;
  for (unsigned dim = rank; dim-- > 0;) {
    if (dim == channelDim)
      continue;
    if (length >= kMinStageLength) {
      stages.emplace_back();
      length = 1;
    }
    stages.back().push_back(dim);
    // A dynamic size is taken to be long.
    length *= ShapedType::isDynamic(shape[dim]) ? kMinStageLength : shape[dim];
  }
  if (length < kMinStageLength && stages.size() > 1) {
    SmallVector<unsigned> rest = stages.pop_back_val();
    stages.back().append(rest);
  }
  return stages;
}

SmallVector<Value> LinalgNest::sumStage(ArrayRef<Value> operands, ArrayRef<unsigned> loopDims,
                                        ArrayRef<unsigned> reduced, ArrayRef<Value> inits,
                                        Body body) {
  Loops loops;
  SmallVector<AffineExpr> kept;
  AffineExpr channel;
  for (auto [loop, dim] : llvm::enumerate(loopDims)) {
    bool isReduced = llvm::is_contained(reduced, dim);
    loops.iterators.push_back(isReduced ? IteratorType::reduction : IteratorType::parallel);
    if (!isReduced)
      kept.push_back(b.getAffineDimExpr(loop));
    if (dim == channelDim)
      channel = b.getAffineDimExpr(loop);
  }
  unsigned numLoops = loopDims.size();
  for (Value operand : operands)
    loops.maps.push_back(getRank(operand) == 1 ? AffineMap::get(numLoops, 0, channel)
                                               : b.getMultiDimIdentityMap(numLoops));
  loops.maps.append(inits.size(), AffineMap::get(numLoops, 0, kept, b.getContext()));
  return buildGeneric(b, loc, computeType, operands, inits, loops,
                      [&](ScalarBuilder &s, Elements &elements, ValueRange current) {
                        SmallVector<Value> terms = body(s, elements);
                        for (auto [term, sum] : llvm::zip(terms, current))
                          term = s.add(sum, term);
                        return terms;
                      });
}

/// A tensor of `sizes` that holds `value` everywhere.
static Value createSplat(OpBuilder &b, Location loc, Value value, ArrayRef<OpFoldResult> sizes) {
  SmallVector<int64_t> shape;
  SmallVector<Value> dynamicSizes;
  dispatchIndexOpFoldResults(sizes, dynamicSizes, shape);
  return tensor::SplatOp::create(b, loc, value, shape, dynamicSizes);
}

SmallVector<Value> LinalgNest::sum(ArrayRef<Value> operands, ArrayRef<Value> inits, Body body) {
  SmallVector<unsigned> loops = llvm::to_vector(llvm::seq<unsigned>(rank));
  SmallVector<Value> sources = dropNull(operands);
  Value zero = ScalarBuilder(b, loc, computeType).constant(0.0);
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, full);
  bool isFirst = true;
  for (const SmallVector<unsigned> &reduced : getStages()) {
    auto isKept = [&](unsigned dim) { return !llvm::is_contained(reduced, dim); };
    SmallVector<unsigned> kept = llvm::filter_to_vector(loops, isKept);
    SmallVector<OpFoldResult> keptSizes =
        llvm::map_to_vector(kept, [&](unsigned dim) { return sizes[dim]; });
    // A splat, not linalg.fill into the destination: IREE 3.13 fails to distribute sums of several
    // values whose fills were generalised.
    SmallVector<Value> partial;
    for (unsigned i = 0; i < inits.size(); ++i)
      partial.push_back(createSplat(b, loc, zero, keptSizes));
    auto addPartials = [&](ScalarBuilder &, Elements &elements) { return elements(sources); };
    sources = isFirst ? sumStage(sources, loops, reduced, partial, body)
                      : sumStage(sources, loops, reduced, partial, addPartials);
    loops = kept;
    isFirst = false;
  }
  return sources;
}
