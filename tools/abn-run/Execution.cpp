// Calls a step through its C interface; see Execution.h.
#include "Execution.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ExecutionEngine/Orc/Core.h"
#include "llvm/ExecutionEngine/Orc/Mangling.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/WithColor.h"
#include <cstdlib>

using namespace mlir;
using namespace mlir::abn::run;
using ::abn::npz::Array;
using ::abn::npz::Dtype;

std::optional<Dtype> mlir::abn::run::getDtype(Type element) {
  if (element.isBF16())
    return Dtype{'u', 2};
  if (element.isF16() || element.isF32() || element.isF64())
    return Dtype{'f', element.getIntOrFloatBitWidth() / 8};
  if (element.isIndex())
    return Dtype{'i', 8};
  auto integer = dyn_cast<IntegerType>(element);
  if (!integer)
    return std::nullopt;
  unsigned width = integer.getWidth();
  if (width == 1)
    return Dtype{'b', 1};
  if (width != 8 && width != 16 && width != 32 && width != 64)
    return std::nullopt;
  return Dtype{integer.isUnsigned() ? 'u' : 'i', width / 8};
}

/// What `cf.assert` becomes in host code: its message goes to `puts`, and then comes `abort`.
static std::string assertion;
static int keepAssertion(const char *message) {
  assertion = message;
  return 0;
}
/// The step cannot go on, and nothing of it is written yet.
[[noreturn]] static void stopStep() {
  llvm::WithColor::error(llvm::errs(), "abn-run") << "the step stopped: " << assertion << '\n';
  std::_Exit(1);
}

static llvm::orc::SymbolMap getHostSymbols(llvm::orc::MangleAndInterner intern) {
  auto define = [](auto *function) {
    return llvm::orc::ExecutorSymbolDef(llvm::orc::ExecutorAddr::fromPtr(function),
                                        llvm::JITSymbolFlags::Exported);
  };
  llvm::orc::SymbolMap symbols;
  symbols[intern("puts")] = define(&keepAssertion);
  symbols[intern("abort")] = define(&stopStep);
  return symbols;
}

llvm::Expected<std::unique_ptr<Execution>> Execution::create(Step &step, const Runtime &runtime) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  std::unique_ptr<Execution> execution(new Execution(step, runtime));
  runtime.restart(getSchedule(0));
  ExecutionEngineOptions options;
  // The host code only launches: nothing is won by optimising it.
  options.jitCodeGenOptLevel = llvm::CodeGenOptLevel::None;
  options.enableGDBNotificationListener = options.enablePerfNotificationListener = false;
  auto engine = ExecutionEngine::create(*step.module, options);
  if (!engine)
    return engine.takeError();
  execution->engine = std::move(*engine);
  execution->engine->registerSymbols(getHostSymbols);
  // Runs the global constructors, which load the kernels.
  execution->engine->initialize();
  if (std::string error = runtime.firstError(); !error.empty())
    return llvm::createStringError("the kernels could not be loaded: " + error);
  return execution;
}

//===----------------------------------------------------------------------===//
// Device memory
//===----------------------------------------------------------------------===//

namespace {
/// A memref descriptor: two pointers, the offset, sizes and strides in elements.
using Descriptor = SmallVector<int64_t>;

/// Allocations of one call, freed with it.
class DeviceMemory {
public:
  explicit DeviceMemory(const Runtime &runtime) : runtime(runtime) {}
  ~DeviceMemory() {
    for (void *block : blocks)
      runtime.release(block);
  }

  void *allocate(uint64_t bytes) {
    void *block = runtime.allocate(bytes);
    if (block)
      blocks.insert(block);
    return block;
  }
  /// Takes what the step allocated; what is known already is not taken twice.
  void adopt(void *block) {
    if (block)
      blocks.insert(block);
  }

private:
  const Runtime &runtime;
  llvm::SetVector<void *> blocks;
};
} // namespace

static Descriptor describe(void *memory, ArrayRef<int64_t> shape) {
  Descriptor fields = {int64_t(memory), int64_t(memory), 0};
  fields.append(shape.begin(), shape.end());
  int64_t stride = 1;
  SmallVector<int64_t> strides(shape.size());
  for (size_t dim = shape.size(); dim-- > 0; stride *= shape[dim])
    strides[dim] = stride;
  fields.append(strides);
  return fields;
}

/// Copies the contiguous buffer that a result's descriptor names to the host.
static llvm::Expected<Array> download(const Slot &slot, ArrayRef<int64_t> fields,
                                      const Runtime &runtime) {
  size_t rank = slot.type.getRank();
  Array array{*getDtype(slot.type.getElementType()), SmallVector<int64_t>(fields.slice(3, rank)),
              ""};
  Descriptor contiguous = describe(nullptr, array.shape);
  for (size_t dim = 0; dim < rank; ++dim)
    if (array.shape[dim] > 1 && array.size() > 0 &&
        fields[3 + rank + dim] != contiguous[3 + rank + dim])
      return llvm::createStringError(slot.describe() + " is not contiguous in memory");
  array.data.resize(size_t(array.size()) * array.dtype.bytes);
  auto *source = reinterpret_cast<const char *>(fields[1]) + fields[2] * array.dtype.bytes;
  runtime.copy(array.data.data(), source, array.data.size());
  return array;
}

//===----------------------------------------------------------------------===//
// The call
//===----------------------------------------------------------------------===//

/// Calls `_mlir_ciface_NAME(results, arguments...)` with a pointer to each descriptor.
static llvm::Error callStep(ExecutionEngine &engine, const Step &step,
                            SmallVectorImpl<Descriptor> &arguments, Descriptor &results) {
  SmallVector<void *> pointers = {results.data()};
  for (Descriptor &argument : arguments)
    pointers.push_back(argument.data());
  SmallVector<void *> packed;
  for (void *&pointer : pointers)
    packed.push_back(&pointer);
  return engine.invokePacked("_mlir_ciface_" + step.function, packed);
}

llvm::Expected<Outcome> Execution::run(ArrayRef<Array> arguments, const Schedule &schedule) {
  runtime.restart(schedule);
  Outcome outcome;
  DeviceMemory memory(runtime);
  SmallVector<Descriptor> descriptors;
  for (const Array &array : arguments) {
    void *block = memory.allocate(array.data.size());
    runtime.copy(block, array.data.data(), array.data.size());
    descriptors.push_back(describe(block, array.shape));
    outcome.argumentBytes += array.data.size();
  }
  uint64_t before = runtime.highWaterBytes();
  if (step.arenaArgumentBytes)
    descriptors.push_back(
        describe(memory.allocate(*step.arenaArgumentBytes), {*step.arenaArgumentBytes}));
  Descriptor fields;
  for (const Slot &slot : step.results)
    fields.append(3 + 2 * slot.type.getRank(), 0);
  outcome.error = runtime.firstError();
  if (outcome.error.empty()) {
    if (llvm::Error error = callStep(*engine, step, descriptors, fields))
      return std::move(error);
    outcome.error = runtime.firstError();
  }
  outcome.stepBytes = runtime.highWaterBytes() - before;
  ArrayRef<int64_t> rest = fields;
  for (const Slot &slot : step.results) {
    if (outcome.error.empty()) {
      llvm::Expected<Array> array = download(slot, rest, runtime);
      if (!array)
        return array.takeError();
      outcome.results.push_back(std::move(*array));
      // Copies wait for what was launched: this is where a GPU reports what its kernels did.
      outcome.error = runtime.firstError();
    }
    memory.adopt(reinterpret_cast<void *>(rest.front()));
    rest = rest.drop_front(3 + 2 * slot.type.getRank());
  }
  if (!outcome.error.empty())
    outcome.results.clear();
  outcome.report = runtime.report();
  return outcome;
}
