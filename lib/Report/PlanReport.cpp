// The arena of a step: its buffers, what they hold and why, op by op.
#include "PlanReport.h"
#include "abn/AbnDialect.h"
#include "abn/Analysis/TrainingStep.h"
#include "abn/Plan/SlotLiveness.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::abn;

static bool isReturn(Operation *op) { return op->hasTrait<OpTrait::IsTerminator>(); }

/// An op that does something when the step runs.
static bool isStep(Operation *op) {
  bool isSize = op->getNumResults() == 1 && op->getResult(0).getType().isIndex();
  return !isa<ViewLikeOpInterface, memref::AllocOp>(op) && !op->hasTrait<OpTrait::ConstantLike>() &&
         !isSize;
}

namespace {
/// Fills the report of one function.
class Describer {
public:
  Describer(func::FuncOp func, PlanReport &report) : func(func), report(report) {}

  void run() {
    auto plan = func->getAttrOfType<DictionaryAttr>(AbnDialect::kPlanAttr);
    if (auto size = plan ? plan.getAs<IntegerAttr>(AbnDialect::kDynamicSizeKey) : IntegerAttr())
      dynamicSize = size.getInt();
    numberSteps();
    for (const Slot &slot : computeSlots(func, isArenaView))
      addBuffer(slot);
    sumLive();
    if (auto curve = plan ? plan.getAs<DenseI64ArrayAttr>("curve") : DenseI64ArrayAttr())
      report.curve.assign(curve.asArrayRef().begin(), curve.asArrayRef().end());
    if (auto chosen = plan ? plan.getAs<IntegerAttr>("chosen") : IntegerAttr())
      report.chosen = chosen.getInt();
  }

private:
  static bool isArenaView(Operation *op) {
    return isa<memref::ViewOp>(op) && op->hasAttr(AbnDialect::kSlotAttr);
  }

  void numberSteps() {
    bool isBackward = false;
    for (Operation &op : func.getBody().front()) {
      if (!isStep(&op))
        continue;
      if (op.hasAttr(AbnDialect::kBackwardAttr) && !isBackward) {
        isBackward = true;
        report.backwardFrom = report.steps.size();
      }
      stepOf[&op] = report.steps.size();
      report.steps.push_back({op.getName().getStringRef().str(), describeLocation(op.getLoc()),
                              isBackward, op.hasAttr(AbnDialect::kRecomputeAttr)});
    }
    if (!isBackward)
      report.backwardFrom = report.steps.size();
  }

  void addBuffer(const Slot &slot) {
    auto view = cast<memref::ViewOp>(slot.definition);
    auto type = view.getType();
    BufferRow row;
    row.lower = stepOf.lookup(slot.firstUser);
    row.upper = stepOf.lookup(slot.lastUser);
    row.name = report.steps[row.lower].op;
    row.location = report.steps[row.lower].location;
    llvm::raw_string_ostream(row.type)
        << RankedTensorType::get(type.getShape(), type.getElementType());
    row.bytes = getByteSize(type, dynamicSize);
    row.offset = evaluateSize(view.getByteShift(), dynamicSize);
    row.kind = classify(slot, row);
    row.aliveBecause = isReturn(slot.lastUser) ? "returned by the step"
                                               : "used by " + report.steps[row.upper].op + " (" +
                                                     report.steps[row.upper].location +
                                                     ") at step " + std::to_string(row.upper);
    report.buffers.push_back(std::move(row));
  }

  std::string classify(const Slot &slot, const BufferRow &row) const {
    bool isBackward = row.lower >= report.backwardFrom;
    if (isReturn(slot.lastUser))
      return isBackward ? "parameter-gradient" : "output";
    if (slot.firstUser->hasAttr(AbnDialect::kRecomputeAttr))
      return "recomputed";
    if (cast<MemRefType>(slot.definition->getResult(0).getType()).getRank() <= 1)
      return "statistic";
    return isBackward ? "gradient" : "activation";
  }

  void sumLive() {
    std::vector<int64_t> change(report.steps.size() + 1);
    for (const BufferRow &row : report.buffers) {
      change[row.lower] += row.bytes;
      change[row.upper + 1] -= row.bytes;
    }
    int64_t live = 0, peak = -1;
    for (unsigned step = 0; step < report.steps.size(); ++step) {
      live += change[step];
      report.live.push_back(live);
      if (live > peak) {
        peak = live;
        report.peakStep = step;
      }
    }
  }

  func::FuncOp func;
  PlanReport &report;
  int64_t dynamicSize = 1;
  llvm::DenseMap<Operation *, unsigned> stepOf;
};
} // namespace

std::optional<PlanReport> PlanReport::compute(func::FuncOp func) {
  PlanReport report;
  Describer(func, report).run();
  if (report.buffers.empty())
    return std::nullopt;
  return report;
}

static void writeTimeline(llvm::json::OStream &json, StringRef key, ArrayRef<int64_t> live) {
  json.attributeArray(key, [&] {
    // What stays the same is one point.
    for (size_t at = 0; at < live.size(); ++at) {
      if (at && live[at - 1] == live[at])
        continue;
      json.object([&] {
        json.attribute("at", static_cast<double>(at) / live.size());
        json.attribute("bytes", live[at]);
      });
    }
  });
}

static void writeBuffer(llvm::json::OStream &json, const BufferRow &row) {
  json.object([&] {
    json.attribute("name", row.name);
    json.attribute("location", row.location);
    json.attribute("type", row.type);
    json.attribute("bytes", row.bytes);
    json.attribute("offset", row.offset);
    json.attribute("lower", row.lower);
    json.attribute("upper", row.upper);
    json.attribute("kind", row.kind);
    json.attribute("alive_because", row.aliveBecause);
  });
}

void PlanReport::write(llvm::json::OStream &json, ArrayRef<int64_t> before) const {
  json.attributeObject("plan", [&] {
    json.attribute("peak_step", peakStep);
    json.attribute("backward_from", backwardFrom);
    json.attributeArray("curve", [&] {
      for (size_t i = 0; i + 3 < curve.size(); i += 4)
        json.object([&] {
          json.attribute("budget_bytes", curve[i]);
          json.attribute("arena_bytes", curve[i]);
          json.attribute("recompute_bytes", curve[i + 1]);
          json.attribute("recompute_flops", curve[i + 2]);
          json.attribute("convolutions_recomputed", curve[i + 3]);
          json.attribute("chosen", static_cast<int64_t>(i / 4) == chosen);
        });
    });
    json.attributeObject("timeline", [&] {
      writeTimeline(json, "before", before);
      writeTimeline(json, "after", live);
    });
    json.attributeArray("steps", [&] {
      for (const StepRow &row : steps)
        json.object([&] {
          json.attribute("op", row.op);
          json.attribute("location", row.location);
          json.attribute("phase", row.isBackward ? "backward" : "forward");
          json.attribute("recomputed", row.isRecomputed);
        });
    });
    json.attributeArray("buffers", [&] {
      for (const BufferRow &row : buffers)
        writeBuffer(json, row);
    });
  });
}
