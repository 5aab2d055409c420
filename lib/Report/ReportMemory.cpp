// abn-report-memory: the bytes of a training step before and after the rewrite, as JSON.
#include "abn/AbnDialect.h"
#include "abn/Analysis/MemoryCensus.h"
#include "abn/Passes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

namespace mlir::abn {
#define GEN_PASS_DEF_REPORTMEMORY
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
using namespace mlir::abn;

namespace {
/// One chain as the report shows it.
struct ChainRow {
  std::string name, location, activation, strategy, reason, type;
  int64_t channels = 0, bytes = 0, savedBefore = 0, savedAfter = 0;
};

/// The whole report.
struct MemoryReport {
  std::string function;
  DictionaryAttr before;
  MemoryCensus after;
  int64_t argumentBytes = 0;
  SmallVector<ChainRow> chains;
};
} // namespace

static std::string printToString(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

static int64_t getInt(DictionaryAttr dict, StringRef key) {
  auto attr = dict ? dict.getAs<IntegerAttr>(key) : IntegerAttr();
  return attr ? attr.getInt() : 0;
}

/// Fills what in-place ops and kept batch norms have in common. `input` is x or, in place, z.
static ChainRow startRow(Operation *op, Value full, ActivationAttrInterface activation) {
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
  row.bytes = getByteSize(type);
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

static std::optional<ChainRow> describeChain(const TrainingStep &step, Operation *op,
                                             const llvm::DenseSet<Value> &saved) {
  auto savedBytes = [&](Value value) {
    Value base = step.getBase(value);
    return saved.contains(base) ? getByteSize(value.getType()) : 0;
  };
  if (isa<InplaceForwardOp, InplaceInferenceOp>(op)) {
    auto activation = cast<ActivationAttrInterface>(op->getAttr("activation"));
    ChainRow row = startRow(op, op->getResult(0), activation);
    auto strategy = op->getAttrOfType<StringAttr>(AbnDialect::kStrategyAttr);
    row.strategy = strategy ? strategy.getValue().str() : "in-place";
    row.savedAfter = savedBytes(op->getResult(0));
    return row;
  }
  if (isa<BatchNormOp, BatchNormInferenceOp>(op)) {
    ActivationOp activation = findOnlyActivation(step, op->getResult(0));
    ChainRow row = startRow(op, op->getOperand(0),
                            activation ? activation.getActivation() : ActivationAttrInterface());
    row.strategy = "kept";
    auto reason = op->getAttrOfType<StringAttr>(AbnDialect::kReasonAttr);
    row.reason = reason ? reason.getValue().str() : "abn-fuse-forward did not run";
    row.savedAfter = savedBytes(op->getOperand(0)) + savedBytes(op->getResult(0));
    if (activation)
      row.savedAfter += savedBytes(activation->getResult(0));
    return row;
  }
  return std::nullopt;
}

static MemoryReport buildReport(const TrainingStep &step) {
  MemoryReport report;
  func::FuncOp func = step.getFunction();
  report.function = func.getName().str();
  report.before = func->getAttrOfType<DictionaryAttr>(AbnDialect::kMemoryBeforeAttr);
  report.after = MemoryCensus::compute(step);
  for (Type type : func.getArgumentTypes())
    report.argumentBytes += getByteSize(type);
  llvm::DenseSet<Value> saved(report.after.saved.begin(), report.after.saved.end());
  for (Operation &op : func.getBody().front())
    if (std::optional<ChainRow> row = describeChain(step, &op, saved))
      report.chains.push_back(std::move(*row));
  return report;
}

static void writeTensors(llvm::json::OStream &json, const MemoryReport &report) {
  auto writeTensor = [&](StringRef name, Type type, int64_t bytes) {
    json.object([&] {
      json.attribute("name", name);
      json.attribute("type", printToString(type));
      json.attribute("bytes", bytes);
    });
  };
  json.attributeArray("saved_after", [&] {
    for (Value value : report.after.saved)
      writeTensor(describeValue(value), value.getType(), getByteSize(value.getType()));
  });
  json.attributeArray("saved_before", [&] {
    auto list = report.before ? report.before.getAs<ArrayAttr>("saved") : ArrayAttr();
    for (Attribute entry : list ? list.getValue() : ArrayRef<Attribute>()) {
      auto tensor = dyn_cast<DictionaryAttr>(entry);
      auto name = tensor ? tensor.getAs<StringAttr>("name") : StringAttr();
      auto type = tensor ? tensor.getAs<TypeAttr>("type") : TypeAttr();
      if (name && type)
        writeTensor(name.getValue(), type.getValue(), getInt(tensor, "bytes"));
    }
  });
}

static void writeChains(llvm::json::OStream &json, const MemoryReport &report) {
  json.attributeArray("chains", [&] {
    for (const ChainRow &row : report.chains)
      json.object([&] {
        json.attribute("name", row.name);
        json.attribute("location", row.location);
        json.attribute("channels", row.channels);
        json.attribute("type", row.type);
        json.attribute("activation", row.activation);
        json.attribute("strategy", row.strategy);
        if (!row.reason.empty())
          json.attribute("reason", row.reason);
        json.attribute("bytes", row.bytes);
        json.attribute("saved_bytes_before", row.savedBefore);
        json.attribute("saved_bytes_after", row.savedAfter);
      });
  });
}

static void writeReport(llvm::raw_ostream &os, const MemoryReport &report) {
  llvm::json::OStream json(os, /*IndentSize=*/2);
  // Without a record the graph is as it came.
  bool recorded = static_cast<bool>(report.before);
  json.object([&] {
    json.attribute("version", 1);
    json.attribute("function", report.function);
    json.attribute("batch_norms", static_cast<int64_t>(report.chains.size()));
    json.attribute("argument_bytes", report.argumentBytes);
    json.attribute("saved_bytes_before",
                   recorded ? getInt(report.before, "saved_bytes") : report.after.savedBytes);
    json.attribute("saved_bytes_after", report.after.savedBytes);
    json.attribute("peak_live_bytes_before", recorded ? getInt(report.before, "peak_live_bytes")
                                                      : report.after.peakLiveBytes);
    json.attribute("peak_live_bytes_after", report.after.peakLiveBytes);
    writeChains(json, report);
    writeTensors(json, report);
  });
  os << "\n";
}

namespace {
struct ReportMemory : abn::impl::ReportMemoryBase<ReportMemory> {
  using ReportMemoryBase::ReportMemoryBase;

  void runOnOperation() override {
    func::FuncOp func = findFunction();
    if (!func)
      return signalPassFailure();
    std::optional<unsigned> loss;
    if (lossResult >= 0)
      loss = lossResult;
    FailureOr<TrainingStep> step = TrainingStep::get(func, loss);
    if (failed(step)) {
      func.emitError() << "expected a training step: a function of one block";
      return signalPassFailure();
    }
    MemoryReport report = buildReport(*step);
    remark::analysis(func.getLoc(), remark::RemarkOpts::name("ReportMemory").category("abn"))
        << "bytes saved for the backward: " +
               std::to_string(report.before ? getInt(report.before, "saved_bytes")
                                            : report.after.savedBytes) +
               " before, " + std::to_string(report.after.savedBytes) + " after";
    if (output.empty())
      return;
    if (llvm::Error error = llvm::writeToOutput(output, [&](llvm::raw_ostream &os) {
          writeReport(os, report);
          return llvm::Error::success();
        })) {
      func.emitError() << "cannot write the report to `" << output
                       << "`: " << llvm::toString(std::move(error));
      signalPassFailure();
    }
  }

  /// The function named by the option, else the only one that is a training step.
  func::FuncOp findFunction() {
    func::FuncOp found;
    unsigned steps = 0;
    for (auto func : getOperation().getOps<func::FuncOp>()) {
      if (!function.empty()) {
        if (func.getName() == function)
          return func;
        continue;
      }
      FailureOr<TrainingStep> step = TrainingStep::get(func);
      if (failed(step) || !(step->getLossResult() || lossResult >= 0))
        continue;
      ++steps;
      found = func;
    }
    if (steps == 1)
      return found;
    if (!function.empty())
      getOperation().emitError() << "there is no function `" << function << "`";
    else
      getOperation().emitError() << "expected one function with a loss among its results, got "
                                 << steps << "; name one with the option `function`";
    return nullptr;
  }
};
} // namespace
