// The memory census: a scan for crossing values and one for liveness, both linear.
#include "abn/Analysis/MemoryCensus.h"
#include "abn/AbnDialect.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace mlir::abn;

static void computeSaved(const TrainingStep &step, int64_t dynamicSize, MemoryCensus &census) {
  llvm::SetVector<Value> saved;
  for (Operation &op : step.getFunction().getBody().front()) {
    if (step.isForward(&op) || step.isView(&op) || op.hasTrait<OpTrait::IsTerminator>())
      continue;
    visitOuterOperands(&op, [&](OpOperand &operand) {
      if (!TrainingStep::readsOperand(operand))
        return;
      Value base = step.getBase(operand.get());
      if (!step.isArgumentOrConstant(base) && step.isForward(base.getDefiningOp()))
        saved.insert(base);
    });
  }
  census.saved.assign(saved.begin(), saved.end());
  llvm::sort(census.saved, [&](Value a, Value b) {
    auto key = [&](Value v) {
      return std::make_pair(step.getPosition(v.getDefiningOp()),
                            cast<OpResult>(v).getResultNumber());
    };
    return key(a) < key(b);
  });
  for (Value value : census.saved)
    census.savedBytes += getByteSize(value.getType(), dynamicSize);
}

namespace {
/// Liveness of buffers over the block. A buffer is named by the value that first holds it; views
/// and destination-style results share their source's.
class LiveBytes {
public:
  LiveBytes(const TrainingStep &step, int64_t dynamicSize)
      : step(step), block(body()), dynamicSize(dynamicSize) {}

  /// The bytes live at each op.
  SmallVector<int64_t> compute() {
    assignBuffers();
    SmallVector<int64_t> timeline;
    int64_t live = 0;
    llvm::DenseMap<unsigned, SmallVector<Value>> dying;
    for (auto &[buffer, last] : lastUse)
      dying[last].push_back(buffer);
    unsigned position = 0;
    for (Operation &op : block) {
      for (Value result : op.getResults())
        if (buffers.lookup(result) == result)
          live += getByteSize(result.getType(), dynamicSize);
      timeline.push_back(live);
      if (auto it = dying.find(position); it != dying.end())
        for (Value buffer : it->second)
          live -= getByteSize(buffer.getType(), dynamicSize);
      ++position;
    }
    return timeline;
  }

private:
  Block &body() { return step.getFunction().getBody().front(); }

  /// The buffer that `value` lives in; null for arguments, constants and empty tensors.
  Value bufferOf(Value value) { return buffers.lookup(value); }

  /// Whether the last reader of `value`'s bytes is the op at `position`: all values of one buffer
  /// are looked at, through `valueLastUse`, which is complete before the scan.
  void computeValueLastUse() {
    unsigned position = 0;
    for (Operation &op : block) {
      visitOuterOperands(
          &op, [&](OpOperand &operand) { valueLastUse[step.getBase(operand.get())] = position; });
      ++position;
    }
  }

  void assignBuffers() {
    computeValueLastUse();
    unsigned position = 0;
    for (Operation &op : block) {
      visitOuterOperands(&op, [&](OpOperand &operand) {
        if (Value buffer = bufferOf(operand.get()))
          lastUse[buffer] = position;
      });
      auto dps = dyn_cast<DestinationStyleOpInterface>(&op);
      for (OpResult result : op.getResults()) {
        Value buffer;
        if (step.isView(&op) && op.getNumOperands())
          buffer = bufferOf(op.getOperand(0));
        else if (dps && dps.getTiedOpOperand(result))
          buffer = takeOver(dps.getTiedOpOperand(result)->get(), position, result);
        else if (!isFree(&op))
          buffer = result;
        buffers[result] = buffer;
        if (buffer)
          lastUse[buffer] = std::max(lastUse.lookup(buffer), position);
      }
      ++position;
    }
  }

  /// A tensor.empty has no bytes until an op writes it; constants are not the step's.
  static bool isFree(Operation *op) {
    return isa<tensor::EmptyOp>(op) || op->hasTrait<OpTrait::ConstantLike>();
  }

  /// The destination's buffer if its bytes die at this op, else a new one.
  Value takeOver(Value init, unsigned position, OpResult result) {
    Value buffer = bufferOf(init);
    if (!buffer ||
        getByteSize(init.getType(), dynamicSize) != getByteSize(buffer.getType(), dynamicSize))
      return result;
    return valueLastUse.lookup(step.getBase(init)) <= position ? buffer : Value(result);
  }

  const TrainingStep &step;
  Block &block;
  int64_t dynamicSize;
  llvm::DenseMap<Value, Value> buffers;
  llvm::DenseMap<Value, unsigned> valueLastUse;
  llvm::MapVector<Value, unsigned> lastUse;
};
} // namespace

MemoryCensus MemoryCensus::compute(const TrainingStep &step, int64_t dynamicSize) {
  MemoryCensus census;
  computeSaved(step, dynamicSize, census);
  census.liveBytes = LiveBytes(step, dynamicSize).compute();
  census.peakLiveBytes = *llvm::max_element(census.liveBytes);
  return census;
}

SmallVector<int64_t> mlir::abn::sampleTimeline(ArrayRef<int64_t> live) {
  constexpr size_t kMostPoints = 512;
  size_t points = std::min(live.size(), kMostPoints);
  SmallVector<int64_t> sampled;
  for (size_t i = 0; i < points; ++i) {
    size_t from = i * live.size() / points, to = (i + 1) * live.size() / points;
    sampled.push_back(*llvm::max_element(live.slice(from, to - from)));
  }
  return sampled;
}

std::string mlir::abn::describeValue(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    if (auto func = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp()))
      if (auto name =
              func.getArgAttrOfType<StringAttr>(argument.getArgNumber(), AbnDialect::kNameAttr))
        return name.getValue().str();
    return ("argument " + Twine(argument.getArgNumber())).str();
  }
  Operation *def = value.getDefiningOp();
  std::string text = def->getName().getStringRef().str();
  if (def->getNumResults() > 1)
    text += ("#" + Twine(cast<OpResult>(value).getResultNumber())).str();
  return text + " " + describeLocation(def->getLoc());
}

static bool isBatchNorm(Operation *op) {
  StringRef name = op->getName().getStringRef();
  if (isa<BatchNormOp, BatchNormInferenceOp>(op))
    return true;
  if (name == "stablehlo.batch_norm_training" || name == "stablehlo.batch_norm_inference")
    return true;
  return name.starts_with("aten.") && name.contains("batch_norm") && !name.contains("backward");
}

bool mlir::abn::hasDynamicSizes(func::FuncOp func) {
  auto isDynamic = [](Type type) {
    auto shaped = dyn_cast<ShapedType>(type);
    return shaped && shaped.hasRank() && !shaped.hasStaticShape();
  };
  if (llvm::any_of(func.getArgumentTypes(), isDynamic))
    return true;
  return func
      .walk([&](Operation *op) {
        return llvm::any_of(op->getResultTypes(), isDynamic) ? WalkResult::interrupt()
                                                             : WalkResult::advance();
      })
      .wasInterrupted();
}

void mlir::abn::recordMemoryBefore(func::FuncOp func, std::optional<int64_t> lossResult,
                                   ViewPredicate isView, int64_t dynamicSize) {
  // Of a function that others call there is no report.
  if (func->hasAttr(AbnDialect::kMemoryBeforeAttr) || isHelper(func))
    return;
  FailureOr<TrainingStep> step = TrainingStep::get(func, lossResult, std::move(isView));
  // Without a loss there is no forward; a later pass may be told which result it is.
  if (failed(step) || !step->getLossResult())
    return;
  MemoryCensus census = MemoryCensus::compute(*step, dynamicSize);
  Builder b(func.getContext());
  SmallVector<Attribute> saved;
  for (Value value : census.saved)
    saved.push_back(b.getDictionaryAttr(
        {b.getNamedAttr("name", b.getStringAttr(describeValue(value))),
         b.getNamedAttr("type", TypeAttr::get(value.getType())),
         b.getNamedAttr("bytes", b.getI64IntegerAttr(getByteSize(value.getType(), dynamicSize)))}));
  int64_t batchNorms = 0;
  func.walk([&](Operation *op) { batchNorms += isBatchNorm(op); });
  NamedAttrList before;
  before.set("saved_bytes", b.getI64IntegerAttr(census.savedBytes));
  before.set("peak_live_bytes", b.getI64IntegerAttr(census.peakLiveBytes));
  before.set("live", b.getDenseI64ArrayAttr(sampleTimeline(census.liveBytes)));
  before.set("batch_norms", b.getI64IntegerAttr(batchNorms));
  before.set("saved", b.getArrayAttr(saved));
  if (hasDynamicSizes(func))
    before.set(AbnDialect::kDynamicSizeKey, b.getI64IntegerAttr(dynamicSize));
  func->setAttr(AbnDialect::kMemoryBeforeAttr, before.getDictionary(func.getContext()));
}
