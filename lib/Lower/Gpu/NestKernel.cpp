// See NestKernel.h.
#include "NestKernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <numeric>

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
  partBegin = mul(splitNumber, length);
  partEnd = end = min(add(partBegin, length), vectors);
  begin = add(partBegin, thread());
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

Value NestKernel::numVectors(Value from, Value to) {
  Value threads = integer(tiling.threads);
  Value some = div(add(sub(to, from), sub(threads, integer(1))), threads);
  // `from` may lie behind `to`.
  return createOrFold<arith::SelectOp>(isLess(from, to), some, integer(0));
}

Value NestKernel::numChannels() {
  if (context.shape.channels % tiling.channelsPerGroup == 0)
    return integer(tiling.channelsPerGroup);
  return min(integer(tiling.channelsPerGroup),
             sub(integer(context.shape.channels), firstChannel()));
}

void NestKernel::forEachChannel(llvm::function_ref<void(Value, Value)> body) {
  Value first = firstChannel();
  loop(thread(), numChannels(), tiling.blockSize, {},
       [&](Value inGroup, ValueRange) -> SmallVector<Value> {
         body(add(first, inGroup), inGroup);
         return {};
       });
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

NestKernel::Lanes NestKernel::loadLanes(ArrayRef<Value> full, Value position, bool isKeeping) {
  Lanes lanes;
  Value offset = offsetAt(position);
  for (Value memref : full) {
    Value copy = kept.lookup(memref), place;
    if (copy)
      place = mul(position, integer(tiling.vector));
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

/// Numbers of vectors or, where threads keep their columns and nothing is kept by number, offsets
/// of elements: one number less to carry.
NestKernel::Walk NestKernel::getWalk() {
  if (!walksOffsets())
    return {begin, end, tiling.threads};
  int64_t row = context.shape.channels * context.shape.inner;
  int64_t step = tiling.threads / tiling.vectorsPerRow * row;
  Value first = offsetOf(begin);
  return {first, add(first, mul(numVectors(), integer(step))), step};
}

NestKernel::Lanes NestKernel::loadFirst(ArrayRef<Value> full) {
  return loadLanes(full, getWalk().from, !kept.empty() && !isFilled);
}

SmallVector<Value> NestKernel::forEachVector(ArrayRef<Value> full, ValueRange initial,
                                             VectorBody body, bool isFirstDone) {
  bool isKeeping = !kept.empty() && !isFilled;
  Walk walk = getWalk();
  Value from = isFirstDone ? add(walk.from, integer(walk.step)) : walk.from;
  SmallVector<Value> results =
      loop(from, walk.to, walk.step, initial, [&](Value position, ValueRange carried) {
        Lanes lanes = loadLanes(full, position, isKeeping);
        return body(lanes, carried);
      });
  isFilled |= isKeeping;
  return results;
}

//===----------------------------------------------------------------------===//
// Slots
//===----------------------------------------------------------------------===//

unsigned NestKernel::numSlots() const {
  if (hasSlotPerLane())
    return tiling.vector;
  return tiling.isColumnwise() && context.shape.inner % tiling.vector ? 2 : 1;
}

void NestKernel::boundRegisters(unsigned numSums) {
  constexpr unsigned kFittingSums = 2, kManySlots = 8;
  if (!tiling.isFused && hasSlotPerLane() && numSums == kFittingSums && numSlots() == kManySlots &&
      !context.chip.ptx.empty())
    setResidentBlocks(llvm::divideCeil(3 * context.chip.threads / 4, tiling.blockSize));
}

/// The lane from which on a vector belongs to the next channel, which may lie behind it.
static Value boundaryOf(NestKernel &k) {
  Value inner = k.integer(k.getContext().shape.inner);
  Value element = k.mul(k.column(), k.integer(k.getTiling().vector));
  return k.sub(inner, k.rem(element, inner));
}

Value NestKernel::isInFirstSlot(unsigned lane) {
  // The boundary is a multiple of what divides both.
  int64_t step = std::gcd<int64_t>(context.shape.inner, tiling.vector);
  return isLess(integer(lane / step * step), boundaryOf(*this));
}

Value NestKernel::numLanes(unsigned slot) {
  if (hasSlotPerLane())
    return integer(1);
  if (numSlots() == 1)
    return integer(tiling.vector);
  Value first = min(boundaryOf(*this), integer(tiling.vector));
  return slot == 0 ? first : sub(integer(tiling.vector), first);
}

Value NestKernel::channelOf(unsigned slot) {
  Value inner = integer(context.shape.inner);
  Value element = mul(firstColumn, integer(tiling.vector));
  if (hasSlotPerLane())
    return div(add(element, integer(slot)), inner);
  Value channel = add(div(element, inner), integer(slot));
  // The second slot of the last column may be empty.
  return slot == 0 ? channel : min(channel, integer(tiling.channelsPerGroup - 1));
}

Value NestKernel::placeOfSlot(Value index, Value slot, int64_t count) {
  // What is known not to overflow becomes the constant part of an address.
  auto flags = arith::IntegerOverflowFlags::nsw | arith::IntegerOverflowFlags::nuw;
  return createOrFold<arith::AddIOp>(mul(slot, integer(count)), index, flags);
}

/// ((a + b) + (c + d)) + ...: lanes do not wait for each other.
static Value addLanes(ScalarBuilder &s, SmallVector<Value> lanes) {
  while (lanes.size() > 1) {
    SmallVector<Value> sums;
    for (unsigned i = 0; i + 1 < lanes.size(); i += 2)
      sums.push_back(s.add(lanes[i], lanes[i + 1]));
    if (lanes.size() % 2)
      sums.push_back(lanes.back());
    lanes = std::move(sums);
  }
  return lanes[0];
}

SmallVector<Value> NestKernel::addBySlot(ScalarBuilder &s, ArrayRef<Value> lanes) {
  if (hasSlotPerLane())
    return SmallVector<Value>(lanes);
  if (numSlots() == 1)
    return {addLanes(s, SmallVector<Value>(lanes))};
  SmallVector<Value> first, second;
  Value zero = s.constant(0.0);
  for (auto [lane, value] : llvm::enumerate(lanes)) {
    Value isInFirst = isInFirstSlot(lane);
    first.push_back(s.select(isInFirst, value, zero));
    second.push_back(s.select(isInFirst, zero, value));
  }
  return {addLanes(s, std::move(first)), addLanes(s, std::move(second))};
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

void NestKernel::storeChannel(Value value, Value memref, Value channel) {
  Type storage = getElementTypeOrSelf(memref.getType());
  if (value.getType() != storage)
    value = arith::TruncFOp::create(*this, storage, value);
  store(value, hostArgument(memref), channel, 1);
}

/// One thread reads, or computes, the values of a channel or, where lanes are to find their own, of
/// a lane.
NestKernel::ChannelValues NestKernel::readChannels(ArrayRef<Value> vectors) {
  ChannelValues values;
  values.keys = SmallVector<Value>(vectors);
  if (!tiling.isColumnwise() || vectors.empty()) {
    values.slots.push_back(readChannel(vectors, groupNumber));
    return values;
  }
  int64_t size = hasSlotPerLane() ? tiling.vectorsPerRow * tiling.vector : tiling.channelsPerGroup;
  for (size_t i = 0; i < vectors.size(); ++i)
    values.buffers.push_back(shared(context.computeType, size));
  Value first = firstChannel(), last = sub(numChannels(), integer(1));
  loop(thread(), integer(size), tiling.blockSize, {},
       [&](Value place, ValueRange) -> SmallVector<Value> {
         // The last group's may be fewer.
         Value channel = add(first, min(channelAt(place), last));
         for (auto [value, buffer] : llvm::zip(readChannel(vectors, channel), values.buffers))
           store(value, buffer, place, 1);
         return {};
       });
  barrier();
  if (hasSlotPerLane()) {
    values.index = firstColumn;
    values.count = tiling.vectorsPerRow;
    return values;
  }
  for (unsigned slot = 0; slot < numSlots(); ++slot)
    values.slots.push_back(llvm::map_to_vector(
        values.buffers, [&](Value buffer) { return load(buffer, channelOf(slot), 1); }));
  return values;
}

/// Whose value stands at `place` of a buffer of channel values.
Value NestKernel::channelAt(Value place) {
  if (!hasSlotPerLane())
    return place;
  Value perRow = integer(tiling.vectorsPerRow);
  Value element = add(mul(rem(place, perRow), integer(tiling.vector)), div(place, perRow));
  return div(element, integer(context.shape.inner));
}

SmallVector<SmallVector<Value>> NestKernel::evaluate(Lanes &lanes, const ChannelValues &values,
                                                     Body body) {
  SmallVector<SmallVector<Value>> results;
  Value before = lanes.front().second[0];
  for (unsigned lane = 0; lane < tiling.vector; ++lane) {
    ScalarBuilder s(*this, getLoc(), context.computeType);
    Elements elements(*this, getLoc(), context.computeType);
    for (auto &[memref, ofLanes] : lanes)
      elements.add(memref, ofLanes[lane]);
    // One lane after the other, and in each iteration anew: registers are for what is read and
    // summed. Compilers would load all values once, before the loop, and keep them there.
    Value place;
    if (values.index)
      place = placeOfSlot(after(before, values.index), integer(lane), values.count);
    for (auto [index, key] : llvm::enumerate(values.keys))
      elements.add(key, getChannelValue(values, index, lane, place));
    results.push_back(body(s, elements));
    before = results.back()[0];
  }
  return results;
}

Value NestKernel::getChannelValue(const ChannelValues &values, unsigned index, unsigned lane,
                                  Value place) {
  if (place)
    return load(values.buffers[index], place, 1);
  if (values.slots.size() == 1)
    return values.slots[0][index];
  return createOrFold<arith::SelectOp>(isInFirstSlot(lane), values.slots[0][index],
                                       values.slots[1][index]);
}

void NestKernel::map(ArrayRef<Value> full, ArrayRef<Value> vectors, Value out, Body body) {
  ChannelValues values = readChannels(vectors);
  Type storage = getElementTypeOrSelf(out.getType());
  auto write = [&](Value position, Lanes &lanes) {
    SmallVector<Value> elements;
    for (SmallVector<Value> &results : evaluate(lanes, values, body)) {
      Value value = results[0];
      if (value.getType() != storage)
        value = arith::TruncFOp::create(*this, storage, value);
      elements.push_back(value);
    }
    Value whole = elements[0];
    if (tiling.vector > 1)
      whole =
          vector::FromElementsOp::create(*this, VectorType::get(tiling.vector, storage), elements);
    store(whole, hostArgument(out), offsetAt(position), tiling.vector);
  };
  // As many accesses in flight, whatever the tensors are. Where threads keep their columns the
  // values of two channels, or of each lane, take the registers.
  bool isOne = !kept.empty() || tiling.isColumnwise();
  unsigned unroll = isOne ? 1 : std::max<unsigned>(1, tiling.unroll / full.size());
  Walk walk = getWalk();
  int64_t step = walk.step * unroll;
  Value rest = walk.from;
  if (unroll > 1 && step <= std::numeric_limits<int32_t>::max()) {
    // Several loads before the first store: the compiler cannot move them past it, since z lies
    // over x.
    Value reach = integer(step - walk.step);
    Value last =
        createOrFold<arith::SelectOp>(isLess(reach, walk.to), sub(walk.to, reach), integer(0));
    rest = loop(walk.from, last, step, {walk.from}, [&](Value position, ValueRange) {
      SmallVector<std::pair<Value, Lanes>> ahead;
      for (unsigned i = 0; i < unroll; ++i) {
        Value here = add(position, integer(i * walk.step));
        ahead.push_back({here, loadLanes(full, here, false)});
      }
      for (auto &[here, lanes] : ahead)
        write(here, lanes);
      return SmallVector<Value>{add(position, integer(step))};
    })[0];
  }
  loop(rest, walk.to, walk.step, {}, [&](Value position, ValueRange) {
    Lanes lanes = loadLanes(full, position, false);
    write(position, lanes);
    return SmallVector<Value>();
  });
}

void NestKernel::launch(StringRef stem) {
  Value grid = arith::ConstantIndexOp::create(context.host, getLoc(), tiling.groups * splits);
  KernelBuilder::launch(context.host, stem, grid);
}
