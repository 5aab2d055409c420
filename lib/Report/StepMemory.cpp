// The census of a step with its chains, and the same as an attribute.
#include "StepMemory.h"
#include "abn/AbnDialect.h"
#include "abn/Analysis/MemoryCensus.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::abn;

static std::string printToString(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

/// Fills what in-place ops and kept batch norms have in common. `input` is x or, in place, z.
static ChainRow startRow(Operation *op, Value full, ActivationAttrInterface activation,
                         int64_t dynamicSize) {
  ChainRow row;
  row.location = describeLocation(op->getLoc());
  auto name = op->getAttrOfType<StringAttr>(AbnDialect::kChainAttr);
  row.name = name ? name.getValue().str() : row.location;
  row.activation = activation ? activation.getActivationName().str() : "identity";
  auto type = cast<ShapedType>(full.getType());
  row.type = printToString(type);
  auto channelDim = op->getAttrOfType<IntegerAttr>("channel_dim");
  int64_t channels = type.getDimSize(channelDim.getInt());
  row.channels = ShapedType::isDynamic(channels) ? 0 : channels;
  row.bytes = getByteSize(type, dynamicSize);
  if (auto saved = op->getAttrOfType<IntegerAttr>(AbnDialect::kSavedBeforeAttr))
    row.savedBefore = saved.getInt();
  return row;
}

/// The activation that a kept batch norm's output goes into, if that is its only forward reader.
static ActivationOp findOnlyActivation(const TrainingStep &step, Value output) {
  ActivationOp found;
  unsigned readers = 0;
  for (Operation *user : output.getUsers()) {
    if (!step.isForward(user))
      continue;
    ++readers;
    found = dyn_cast<ActivationOp>(user);
  }
  return readers == 1 ? found : ActivationOp();
}

/// Whether the backward computes the batch norm's output again from its input.
static bool isComputedAgain(Operation *batchNorm) {
  return llvm::any_of(batchNorm->getOperand(0).getUsers(), [](Operation *user) {
    return isa<BatchNormInferenceOp>(user) && user->hasAttr(AbnDialect::kRecomputeAttr);
  });
}

static std::optional<ChainRow> describeChain(const TrainingStep &step, Operation *op,
                                             const llvm::DenseSet<Value> &saved,
                                             int64_t dynamicSize) {
  auto savedBytes = [&](Value value) {
    Value base = step.getBase(value);
    return saved.contains(base) ? getByteSize(value.getType(), dynamicSize) : 0;
  };
  if (isa<InplaceForwardOp, InplaceInferenceOp>(op) && !op->hasAttr(AbnDialect::kRecomputeAttr)) {
    auto activation = cast<ActivationAttrInterface>(op->getAttr("activation"));
    ChainRow row = startRow(op, op->getResult(0), activation, dynamicSize);
    auto strategy = op->getAttrOfType<StringAttr>(AbnDialect::kStrategyAttr);
    row.strategy = strategy ? strategy.getValue().str() : "in-place";
    row.savedAfter = savedBytes(op->getResult(0));
    return row;
  }
  if (isa<BatchNormOp, BatchNormInferenceOp>(op) && !op->hasAttr(AbnDialect::kRecomputeAttr)) {
    ActivationOp activation = findOnlyActivation(step, op->getResult(0));
    ChainRow row =
        startRow(op, op->getOperand(0),
                 activation ? activation.getActivation() : ActivationAttrInterface(), dynamicSize);
    row.strategy = isComputedAgain(op) ? "recomputed" : "kept";
    auto reason = op->getAttrOfType<StringAttr>(AbnDialect::kReasonAttr);
    row.reason = reason ? reason.getValue().str() : "abn-fuse-forward did not run";
    row.savedAfter = savedBytes(op->getOperand(0)) + savedBytes(op->getResult(0));
    if (activation)
      row.savedAfter += savedBytes(activation->getResult(0));
    return row;
  }
  return std::nullopt;
}

StepMemory StepMemory::compute(const TrainingStep &step, int64_t dynamicSize) {
  StepMemory memory;
  MemoryCensus census = MemoryCensus::compute(step, dynamicSize);
  memory.dynamicSize = hasDynamicSizes(step.getFunction()) ? dynamicSize : 0;
  memory.savedBytes = census.savedBytes;
  memory.peakLiveBytes = census.peakLiveBytes;
  memory.live = sampleTimeline(census.liveBytes);
  for (Value value : census.saved)
    memory.saved.push_back({describeValue(value), printToString(value.getType()),
                            getByteSize(value.getType(), dynamicSize)});
  llvm::DenseSet<Value> saved(census.saved.begin(), census.saved.end());
  for (Operation &op : step.getFunction().getBody().front())
    if (std::optional<ChainRow> row = describeChain(step, &op, saved, dynamicSize))
      memory.chains.push_back(std::move(*row));
  return memory;
}

//===----------------------------------------------------------------------===//
// As an attribute
//===----------------------------------------------------------------------===//

namespace {
/// Calls `visit` with every field of a row, by name.
template <typename Row, typename Visit> void visitFields(Row &row, Visit visit) {
  visit("name", row.name);
  visit("location", row.location);
  visit("activation", row.activation);
  visit("strategy", row.strategy);
  visit("reason", row.reason);
  visit("type", row.type);
  visit("channels", row.channels);
  visit("bytes", row.bytes);
  visit("saved_bytes_before", row.savedBefore);
  visit("saved_bytes_after", row.savedAfter);
}

struct FieldWriter {
  Builder &b;
  SmallVectorImpl<NamedAttribute> &entries;
  void operator()(StringRef key, const std::string &value) {
    if (!value.empty())
      entries.push_back(b.getNamedAttr(key, b.getStringAttr(value)));
  }
  void operator()(StringRef key, int64_t value) {
    entries.push_back(b.getNamedAttr(key, b.getI64IntegerAttr(value)));
  }
};

struct FieldReader {
  DictionaryAttr dictionary;
  void operator()(StringRef key, std::string &value) {
    // A type is recorded as one or as text.
    Attribute attr = dictionary.get(key);
    if (auto text = dyn_cast_or_null<StringAttr>(attr))
      value = text.getValue().str();
    else if (auto type = dyn_cast_or_null<TypeAttr>(attr))
      value = printToString(type.getValue());
  }
  void operator()(StringRef key, int64_t &value) {
    if (auto number = dictionary.getAs<IntegerAttr>(key))
      value = number.getInt();
  }
};
} // namespace

DictionaryAttr StepMemory::toAttribute(MLIRContext *context) const {
  Builder b(context);
  SmallVector<Attribute> tensors, rows;
  for (const SavedTensor &tensor : saved)
    tensors.push_back(
        b.getDictionaryAttr({b.getNamedAttr("name", b.getStringAttr(tensor.name)),
                             b.getNamedAttr("type", b.getStringAttr(tensor.type)),
                             b.getNamedAttr("bytes", b.getI64IntegerAttr(tensor.bytes))}));
  for (const ChainRow &row : chains) {
    SmallVector<NamedAttribute> entries;
    visitFields(row, FieldWriter{b, entries});
    rows.push_back(b.getDictionaryAttr(entries));
  }
  NamedAttrList memory;
  memory.set("saved_bytes", b.getI64IntegerAttr(savedBytes));
  memory.set("peak_live_bytes", b.getI64IntegerAttr(peakLiveBytes));
  memory.set("live", b.getDenseI64ArrayAttr(live));
  memory.set("saved", b.getArrayAttr(tensors));
  memory.set("chains", b.getArrayAttr(rows));
  if (dynamicSize)
    memory.set(AbnDialect::kDynamicSizeKey, b.getI64IntegerAttr(dynamicSize));
  return memory.getDictionary(context);
}

StepMemory StepMemory::fromAttribute(DictionaryAttr attribute) {
  StepMemory memory;
  FieldReader read{attribute};
  read("saved_bytes", memory.savedBytes);
  read("peak_live_bytes", memory.peakLiveBytes);
  read(AbnDialect::kDynamicSizeKey, memory.dynamicSize);
  if (auto live = attribute.getAs<DenseI64ArrayAttr>("live"))
    memory.live.assign(live.asArrayRef().begin(), live.asArrayRef().end());
  auto forEach = [&](StringRef key, auto visit) {
    if (auto list = attribute.getAs<ArrayAttr>(key))
      for (Attribute entry : list)
        if (auto dictionary = dyn_cast<DictionaryAttr>(entry))
          visit(FieldReader{dictionary});
  };
  forEach("saved", [&](FieldReader entry) {
    SavedTensor tensor;
    entry("name", tensor.name);
    entry("type", tensor.type);
    entry("bytes", tensor.bytes);
    memory.saved.push_back(std::move(tensor));
  });
  forEach("chains", [&](FieldReader entry) {
    ChainRow row;
    visitFields(row, entry);
    memory.chains.push_back(std::move(row));
  });
  return memory;
}
