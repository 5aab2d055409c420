// abn-compile: a training step, at any stage, as an object file with its GPU kernels.
#include "HostModule.h"
#include "RegisterTools.h"
#include "abn/Lower/GpuTargets.h"
#include "abn/Output/OutputFiles.h"
#include "abn/Pipelines.h"
#include "abn/PrepareStep.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/Transforms/Passes.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/WithColor.h"

using namespace mlir;
namespace cl = llvm::cl;

enum class Output { Object, Llvm, Kernels };

static cl::OptionCategory category("abn-compile options");
static cl::opt<std::string> inputFile(cl::Positional, cl::desc("<step.mlir>"), cl::init("-"),
                                      cl::cat(category));
static cl::opt<std::string> outputFile("o", cl::desc("Where the object goes"),
                                       cl::value_desc("file"), cl::init("-"), cl::cat(category));
static cl::opt<std::string> target("target", cl::desc("The kind of GPU: cuda, rocm or spirv"),
                                   cl::value_desc("kind"), cl::init("cuda"), cl::cat(category));
static cl::list<std::string>
    chips("chips", cl::desc("The chips, such as sm_80 or gfx90a (spirv: opencl, the default)"),
          cl::value_desc("chip,..."), cl::CommaSeparated, cl::cat(category));
static cl::opt<std::string> toolkit("toolkit",
                                    cl::desc("The folder of the CUDA toolkit, or of ROCm"),
                                    cl::value_desc("folder"), cl::cat(category));
static cl::opt<std::string>
    format("format",
           cl::desc("What kernels become: fatbin (machine code), isa (PTX, AMD assembly or SPIR-V) "
                    "or offload (LLVM bitcode, for the emulator). The default is isa for spirv, "
                    "else fatbin"),
           cl::value_desc("kind"), cl::cat(category));
static cl::opt<std::string> optimize("optimize", cl::desc("Options of abn-optimize"),
                                     cl::value_desc("options"), cl::cat(category));
static cl::opt<std::string> plan("plan", cl::desc("Options of abn-plan"), cl::value_desc("options"),
                                 cl::cat(category));
static cl::opt<Output>
    output("emit", cl::desc("What is written:"), cl::init(Output::Object),
           cl::values(clEnumValN(Output::Object, "obj", "an object file (the default)"),
                      clEnumValN(Output::Llvm, "llvm", "the host module as LLVM IR"),
                      clEnumValN(Output::Kernels, "kernels",
                                 "the kernels alone, as the driver gets them")),
           cl::cat(category));

static int fail(const llvm::Twine &message) {
  llvm::WithColor::error(llvm::errs(), "abn-compile") << message << '\n';
  return 1;
}

static LogicalResult compile(ModuleOp module) {
  PassManager pm(module.getContext());
  mlir::abn::PrepareStepOptions options;
  options.optimize = optimize;
  options.plan = plan;
  SmallVector<std::string> all = mlir::abn::getGpuChips(target, chips);
  options.chip = all.empty() ? "" : all.front();
  if (failed(mlir::abn::addPreparation(pm, module, options)))
    return failure();
  pm.nest<func::FuncOp>().addPass(LLVM::createLLVMRequestCWrappersPass());
  mlir::abn::GpuOptions gpu;
  gpu.target = target;
  gpu.chips = SmallVector<std::string>(chips.begin(), chips.end());
  gpu.toolkit = toolkit;
  gpu.format = format;
  mlir::abn::buildGpuPipeline(pm, gpu);
  return pm.run(module);
}

static FailureOr<std::string> emit(ModuleOp module) {
  if (failed(mlir::abn::checkImages(module)))
    return failure();
  switch (output) {
  case Output::Object:
    return mlir::abn::emitObject(module);
  case Output::Llvm:
    return mlir::abn::emitLlvm(module);
  case Output::Kernels:
    return mlir::abn::getKernels(module);
  }
  return failure();
}

static int run() {
  std::string error;
  std::unique_ptr<llvm::MemoryBuffer> input = openInputFile(inputFile, &error);
  if (!input)
    return fail(error);
  DialectRegistry registry;
  mlir::abn::registerToolDialects(registry);
  mlir::abn::registerHostTranslations(registry);
  mlir::abn::registerToolPasses();
  MLIRContext context(registry);
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(input), llvm::SMLoc());
  SourceMgrDiagnosticHandler diagnostics(sources, &context);
  // An op in a diagnostic would be the whole step.
  context.printOpOnDiagnostic(false);
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(sources, &context);
  if (!module || failed(compile(*module)))
    return 1;
  FailureOr<std::string> text = emit(*module);
  if (failed(text))
    return 1;
  if (llvm::Error failure = ::abn::writeFiles({{outputFile, *text}}, "the output"))
    return fail(llvm::toString(std::move(failure)));
  return 0;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(argc, argv,
                              "compiles a training step with its GPU kernels\n\nThe step may be of "
                              "any stage: aten or stablehlo ops, tensors, or planned.\n");
  return run();
}
