// See NestKernel.h.
#include "NestKernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::abn;

NestKernel::NestKernel(const NestContext &context, const Tiling &tiling, int64_t splits)
    : KernelBuilder(context.loc, context.kernels, tiling.blockSize, context.chip.subgroup,
                    tiling.isWide),
      context(context), tiling(tiling), splits(splits) {
  groupNumber = splits == 1 ? block() : div(block(), integer(splits));
  splitNumber = splits == 1 ? integer(0) : rem(block(), integer(splits));
  firstColumn = rem(thread(), integer(tiling.vectorsPerRow));

  // Parts are multiples of the threads, so that threads keep their columns.
  Value vectors = mul(rowsOuter(), integer(tiling.vectorsPerRow));
  Value threads = integer(tiling.threads);
  Value perPart = integer(splits * static_cast<int64_t>(tiling.threads));
  Value length = mul(div(add(vectors, sub(perPart, integer(1))), perPart), threads);
  begin = mul(splitNumber, length);
  end = min(add(begin, length), vectors);
  begin = add(begin, thread());
  if (tiling.blockSize != tiling.threads || context.shape.channels % tiling.channelsPerGroup)
    end = createOrFold<arith::SelectOp>(isActive(), end, begin);
}

Value NestKernel::rowsOuter() {
  if (context.shape.outer)
    return integer(*context.shape.outer);
  return fromIndex(argument(context.host, context.outer));
}

Value NestKernel::isActive() {
  Value active = isLess(thread(), integer(tiling.threads));
  if (context.shape.channels % tiling.channelsPerGroup == 0)
    return active;
  int64_t rowVectors = context.shape.channels * context.shape.inner / tiling.vector;
  Value column = add(mul(groupNumber, integer(tiling.vectorsPerRow)), firstColumn);
  return createOrFold<arith::AndIOp>(active, isLess(column, integer(rowVectors)));
}

Value NestKernel::numVectors() {
  Value threads = integer(tiling.threads);
  Value some = div(add(sub(end, begin), sub(threads, integer(1))), threads);
  // begin may lie behind end.
  return createOrFold<arith::SelectOp>(isLess(begin, end), some, integer(0));
}

Value NestKernel::countPerChannel(Type type) {
  return toReal(mul(rowsOuter(), integer(context.shape.inner)), type);
}

/// The first element of a group's vector.
Value NestKernel::offsetOf(Value number) {
  const NestShape &shape = context.shape;
  Value perRow = integer(tiling.vectorsPerRow);
  Value row = div(number, perRow), column = rem(number, perRow);
  Value start = mul(groupNumber, integer(tiling.channelsPerGroup * shape.inner));
  Value inRow = add(start, mul(column, integer(tiling.vector)));
  return add(mul(row, integer(shape.channels * shape.inner)), inRow);
}

NestKernel::Lanes NestKernel::loadLanes(ArrayRef<Value> full, Value number, bool isKeeping) {
  Lanes lanes;
  Value offset = offsetOf(number);
  for (Value memref : full) {
    Value copy = kept.lookup(memref), place;
    if (copy)
      place = mul(number, integer(tiling.vector));
    Value loaded = copy && isFilled ? load(copy, place, tiling.vector)
                                    : load(hostArgument(memref), offset, tiling.vector);
    if (copy && isKeeping)
      store(loaded, copy, place, tiling.vector);
    SmallVector<Value> &elements = lanes[memref];
    if (tiling.vector == 1)
      elements.push_back(loaded);
    else
      for (unsigned lane = 0; lane < tiling.vector; ++lane)
        elements.push_back(vector::ExtractOp::create(*this, loaded, lane));
  }
  return lanes;
}

void NestKernel::keep(ArrayRef<Value> full) {
  int64_t elements = *context.shape.outer * tiling.vectorsPerRow * tiling.vector;
  for (Value memref : full)
    kept[memref] = shared(getElementTypeOrSelf(memref.getType()), elements);
}

SmallVector<Value> NestKernel::forEachVector(ArrayRef<Value> full, ValueRange initial,
                                             VectorBody body) {
  bool isKeeping = !kept.empty() && !isFilled;
  SmallVector<Value> results =
      loop(begin, end, tiling.threads, initial, [&](Value number, ValueRange carried) {
        Lanes lanes = loadLanes(full, number, isKeeping);
        return body(number, lanes, carried);
      });
  isFilled |= isKeeping;
  return results;
}

SmallVector<Value> NestKernel::readChannel(ArrayRef<Value> vectors, Value channel) {
  IRMapping known;
  auto read = [&](Value memref) -> Value {
    if (!memref)
      return countPerChannel(context.computeType);
    Value element = load(hostArgument(memref), channel, 1);
    if (element.getType() != context.computeType)
      element = arith::ExtFOp::create(*this, context.computeType, element);
    return element;
  };
  return llvm::map_to_vector(vectors, [&](Value vector) {
    return context.channels.owns(vector) ? context.channels.emit(*this, vector, known, read)
                                         : read(vector);
  });
}

/// One thread reads, or computes, the values of a channel; those of its lanes a thread then finds
/// in workgroup memory.
SmallVector<SmallVector<Value>> NestKernel::readChannels(ArrayRef<Value> vectors) {
  if (!tiling.isColumnwise() || vectors.empty())
    return SmallVector<SmallVector<Value>>(numOwnLanes(), readChannel(vectors, groupNumber));
  const NestShape &shape = context.shape;
  SmallVector<Value> buffers;
  for (size_t i = 0; i < vectors.size(); ++i)
    buffers.push_back(shared(context.computeType, tiling.channelsPerGroup));
  Value first = mul(groupNumber, integer(tiling.channelsPerGroup));
  Value channels = min(integer(tiling.channelsPerGroup), sub(integer(shape.channels), first));
  loop(thread(), channels, tiling.blockSize, {},
       [&](Value inGroup, ValueRange) -> SmallVector<Value> {
         SmallVector<Value> values = readChannel(vectors, add(first, inGroup));
         for (auto [value, buffer] : llvm::zip(values, buffers))
           store(value, buffer, inGroup, 1);
         return {};
       });
  barrier();
  SmallVector<SmallVector<Value>> byLane(tiling.vector);
  Value element = mul(firstColumn, integer(tiling.vector));
  for (Value buffer : buffers) {
    if (shape.inner == 1 && tiling.vector > 1) {
      Value values = load(buffer, element, tiling.vector);
      for (unsigned lane = 0; lane < tiling.vector; ++lane)
        byLane[lane].push_back(vector::ExtractOp::create(*this, values, lane));
      continue;
    }
    for (unsigned lane = 0; lane < tiling.vector; ++lane)
      byLane[lane].push_back(
          load(buffer, div(add(element, integer(lane)), integer(shape.inner)), 1));
  }
  return byLane;
}

SmallVector<SmallVector<Value>> NestKernel::evaluate(Lanes &lanes,
                                                     ArrayRef<SmallVector<Value>> perChannel,
                                                     ArrayRef<Value> vectors, Body body) {
  SmallVector<SmallVector<Value>> results;
  for (unsigned lane = 0; lane < tiling.vector; ++lane) {
    ScalarBuilder s(*this, getLoc(), context.computeType);
    Elements elements(*this, getLoc(), context.computeType);
    for (auto &[memref, values] : lanes)
      elements.add(memref, values[lane]);
    for (auto [vector, element] : llvm::zip(vectors, perChannel[tiling.isColumnwise() ? lane : 0]))
      elements.add(vector, element);
    results.push_back(body(s, elements));
  }
  return results;
}

void NestKernel::map(ArrayRef<Value> full, ArrayRef<Value> vectors, Value out, Body body) {
  SmallVector<SmallVector<Value>> perChannel = readChannels(vectors);
  Type storage = getElementTypeOrSelf(out.getType());
  auto write = [&](Value number, Lanes &lanes) {
    SmallVector<Value> elements;
    for (SmallVector<Value> &results : evaluate(lanes, perChannel, vectors, body)) {
      Value value = results[0];
      if (value.getType() != storage)
        value = arith::TruncFOp::create(*this, storage, value);
      elements.push_back(value);
    }
    Value whole = elements[0];
    if (tiling.vector > 1)
      whole =
          vector::FromElementsOp::create(*this, VectorType::get(tiling.vector, storage), elements);
    store(whole, hostArgument(out), offsetOf(number), tiling.vector);
  };
  // As many accesses in flight, whatever the tensors are.
  unsigned unroll = kept.empty() ? std::max<unsigned>(1, tiling.unroll / full.size()) : 1;
  Value rest = begin;
  if (unroll > 1) {
    // Several loads before the first store: the compiler cannot move them past it, since z lies
    // over x.
    int64_t step = static_cast<int64_t>(tiling.threads) * unroll;
    Value reach = integer(step - tiling.threads);
    Value last = createOrFold<arith::SelectOp>(isLess(reach, end), sub(end, reach), integer(0));
    rest = loop(begin, last, step, {begin}, [&](Value number, ValueRange) -> SmallVector<Value> {
      SmallVector<std::pair<Value, Lanes>> ahead;
      for (unsigned i = 0; i < unroll; ++i) {
        Value here = add(number, integer(static_cast<int64_t>(i) * tiling.threads));
        ahead.push_back({here, loadLanes(full, here, false)});
      }
      for (auto &[here, lanes] : ahead)
        write(here, lanes);
      return {add(number, integer(step))};
    })[0];
  }
  loop(rest, end, tiling.threads, {}, [&](Value number, ValueRange) -> SmallVector<Value> {
    Lanes lanes = loadLanes(full, number, false);
    write(number, lanes);
    return {};
  });
}

void NestKernel::launch(StringRef stem) {
  Value grid = arith::ConstantIndexOp::create(context.host, getLoc(), tiling.groups * splits);
  KernelBuilder::launch(context.host, stem, grid);
}
