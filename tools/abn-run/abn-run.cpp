// abn-run: a whole training step, from a file at any stage, executed and checked. The host module
// is the one that a GPU gets; the target chooses the image of the kernels and the libraries behind
// the calls.
#include "Compare.h"
#include "Execution.h"
#include "Inputs.h"
#include "RegisterTools.h"
#include "Report.h"
#include "Step.h"
#include "Target.h"
#include "abn/Output/OutputFiles.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/WithColor.h"

using namespace mlir::abn::run;
namespace cl = llvm::cl;

static cl::OptionCategory category("abn-run options");
static cl::opt<std::string> inputFile(cl::Positional, cl::desc("<step.mlir>"), cl::init("-"),
                                      cl::cat(category));
static cl::opt<std::string> targetName("target", cl::init("emulator"), cl::value_desc("name"),
                                       cl::desc("Where it runs: emulator (the default) or cuda"),
                                       cl::cat(category));
static cl::opt<std::string> functionName("function", cl::value_desc("name"),
                                         cl::desc("The function to run (default: main, or the only "
                                                  "public one)"),
                                         cl::cat(category));
static cl::opt<std::string> optimizeOptions("optimize", cl::value_desc("options"),
                                            cl::desc("Options of abn-optimize"), cl::cat(category));
static cl::opt<std::string> planOptions("plan", cl::value_desc("options"),
                                        cl::desc("Options of abn-plan"), cl::cat(category));
static cl::opt<std::string> chip("chip", cl::value_desc("name"),
                                 cl::desc("The chip that kernels are made for (emulator: sm_80)"),
                                 cl::cat(category));
static cl::opt<std::string> toolkit("toolkit", cl::value_desc("folder"),
                                    cl::desc("The CUDA toolkit; --target=cuda needs one"),
                                    cl::cat(category));
static cl::opt<bool> instrument("instrument", cl::init(true),
                                cl::desc("Emulator: look for races, accesses out of bounds and "
                                         "divergent barriers, and count bytes (the default)"),
                                cl::cat(category));
static cl::opt<unsigned> scheduleCount("schedules", cl::value_desc("N"), cl::init(1),
                                       cl::desc("Emulator: run under N orders of the threads, and "
                                                "compare the results bit by bit"),
                                       cl::cat(category));
static cl::opt<std::string> inputsFile("inputs", cl::value_desc("file.npz"),
                                       cl::desc("The arguments: arrays arg0, arg1, ... or named as "
                                                "the step names them (default: pseudo-random)"),
                                       cl::cat(category));
static cl::opt<uint64_t> seed("seed", cl::value_desc("N"), cl::init(0),
                              cl::desc("Of pseudo-random arguments"), cl::cat(category));
static cl::opt<int64_t> classes("classes", cl::value_desc("N"), cl::init(0),
                                cl::desc("Draw integer arguments from [0, N)"), cl::cat(category));
static cl::opt<std::string> outputFile("output", cl::value_desc("file.npz"),
                                       cl::desc("Write the results, as result0, result1, ..."),
                                       cl::cat(category));
static cl::alias outputAlias("o", cl::aliasopt(outputFile), cl::desc("--output"),
                             cl::cat(category));
static cl::opt<std::string> compareFile("compare", cl::value_desc("file.npz"),
                                        cl::desc("Compare the results with ref0, ref1, ... (or "
                                                 "result0, ...); exit with 1 if one differs"),
                                        cl::cat(category));
static cl::opt<double> rtol("rtol", cl::init(Tolerance().rtol), cl::value_desc("share"),
                            cl::desc("Tolerance as a share of a reference's norm (1e-4)"),
                            cl::cat(category));
static cl::opt<double> atol_("atol", cl::value_desc("value"),
                             cl::desc("Tolerance per element (default: 1e-6 of a typical result)"),
                             cl::cat(category));
static cl::opt<double>
    nativeFactor("native-factor", cl::value_desc("F"),
                 cl::desc("Tolerance in errors of the framework's own run, native0, ... "
                          "(20; 3 with f16 or bf16)"),
                 cl::cat(category));
static cl::opt<std::string> jsonFile("json", cl::value_desc("file"),
                                     cl::desc("Write what was found and counted as JSON"),
                                     cl::cat(category));
static cl::opt<std::string> runtimeFolder("runtime", cl::value_desc("folder"),
                                          cl::desc("Where the runtime's libraries are (default: "
                                                   "beside the tool, ../lib)"),
                                          cl::cat(category));

static const char *const kOverview =
    "runs a training step and checks its results\n\n"
    "  The step may be imported (aten, stablehlo), on tensors, or planned: it is imported, "
    "optimised and\n"
    "  planned as far as it takes, compiled by abn-to-gpu, and called once per schedule.\n";
static const char *const kExamples =
    "\nEXAMPLES:\n\n"
    "  abn-run step.mlir --classes=10\n"
    "  abn-run step.mlir --inputs=step.npz --compare=step.npz --schedules=3 --json=report.json\n"
    "  abn-run step.mlir --optimize=numerics=exact --plan=outputs=outside --inputs=step.npz -o "
    "out.npz\n"
    "\nExit status: 0 if all is well; 1 if a result differs, something was found, or nothing could "
    "be "
    "run.\n";
static cl::extrahelp examples(kExamples);

static int fail(const llvm::Twine &message) {
  llvm::WithColor::error(llvm::errs(), "abn-run") << message << '\n';
  return 1;
}

static int fail(llvm::Error error) { return fail(llvm::toString(std::move(error))); }

static int checkOptions(const Target &target) {
  bool isEmulator = target.name == "emulator";
  if (!isEmulator && chip.empty())
    return fail("target `" + target.name + "` needs --chip, such as sm_90");
  if (!isEmulator && toolkit.empty())
    return fail("target `" + target.name + "` needs --toolkit, the folder of a CUDA toolkit");
  if (!isEmulator && (instrument.getNumOccurrences() && instrument))
    return fail("--instrument is for the emulator only");
  if (!isEmulator && scheduleCount != 1)
    return fail("--schedules is for the emulator only");
  if (scheduleCount < 1)
    return fail("expected --schedules of at least 1, got 0");
  if (classes.getNumOccurrences() && classes < 1)
    return fail("expected --classes of at least 1, got " + llvm::Twine(classes));
  if (!inputsFile.empty() && (classes.getNumOccurrences() || seed.getNumOccurrences()))
    return fail("--classes and --seed are for pseudo-random arguments; --inputs gives them all");
  for (const cl::opt<double> *option : {&rtol, &atol_, &nativeFactor})
    if (!(*option >= 0))
      return fail("expected --" + option->ArgStr + " of at least 0");
  return 0;
}

static StepOptions getStepOptions(const Target &target) {
  bool isEmulator = target.name == "emulator";
  StepOptions options;
  options.path = inputFile;
  options.function = functionName;
  options.optimize = optimizeOptions;
  options.plan = planOptions;
  options.chip = chip.empty() ? std::string("sm_80") : chip.getValue();
  options.toGpu = "chips=" + options.chip + " format=" + target.format.str();
  if (isEmulator && instrument)
    options.toGpu += " instrument=true";
  if (!toolkit.empty())
    options.toGpu += " toolkit=" + toolkit;
  return options;
}

/// Runs the step under each schedule; problems are findings, not errors.
static llvm::Error runSchedules(Execution &execution, llvm::ArrayRef<::abn::npz::Array> arguments,
                                Findings &findings) {
  for (unsigned n = 0; n < scheduleCount; ++n) {
    Schedule schedule = getSchedule(n);
    findings.schedules.push_back(schedule);
    llvm::Expected<Outcome> outcome = execution.run(arguments, schedule);
    if (!outcome)
      return outcome.takeError();
    if (!outcome->error.empty()) {
      findings.problems.push_back(outcome->error);
      findings.outcome = std::move(*outcome);
      return llvm::Error::success();
    }
    if (n == 0)
      findings.outcome = std::move(*outcome);
    else
      for (const Slot &slot : findings.step->results)
        if (outcome->results[slot.index].data != findings.outcome.results[slot.index].data)
          findings.problems.push_back(slot.describe() + " depends on the schedule: `" +
                                      schedule.name() + "` and `forward` give other bits");
  }
  return llvm::Error::success();
}

static llvm::Error compare(llvm::ArrayRef<::abn::npz::Array> arguments, Findings &findings) {
  if (compareFile.empty() || !findings.outcome.error.empty())
    return llvm::Error::success();
  Tolerance tolerance;
  tolerance.rtol = rtol;
  if (atol_.getNumOccurrences())
    tolerance.atol = atol_;
  if (nativeFactor.getNumOccurrences())
    tolerance.nativeFactor = nativeFactor;
  auto verdicts =
      compareResults(*findings.step, arguments, findings.outcome.results, compareFile, tolerance);
  if (!verdicts)
    return verdicts.takeError();
  findings.verdicts = std::move(*verdicts);
  for (const Verdict &verdict : findings.verdicts)
    if (!verdict.agrees)
      findings.problems.push_back(verdict.slot->describe() + " differs: " + verdict.problem);
  return llvm::Error::success();
}

/// The report, and the results if there are any.
static llvm::Error writeOutputs(const Findings &findings) {
  std::string results;
  if (!outputFile.empty() && findings.outcome.error.empty()) {
    std::vector<std::pair<std::string, ::abn::npz::Array>> arrays;
    for (auto [i, array] : llvm::enumerate(findings.outcome.results))
      arrays.emplace_back("result" + std::to_string(i), array);
    llvm::Expected<std::string> text = ::abn::npz::printNpz(arrays);
    if (!text)
      return text.takeError();
    results = std::move(*text);
  }
  std::vector<::abn::OutputFile> files = {{jsonFile, printJson(findings)}};
  if (!results.empty())
    files.push_back({outputFile, results});
  return ::abn::writeFiles(files, "the report and the results");
}

static int run(const char *argv0) {
  llvm::Expected<const Target *> target = findTarget(targetName);
  if (!target)
    return fail(target.takeError());
  if (int code = checkOptions(**target))
    return code;
  // Before the step is compiled: it is the cheaper thing to be wrong.
  llvm::Expected<Runtime> runtime = Runtime::open(**target, runtimeFolder, argv0);
  if (!runtime)
    return fail(runtime.takeError());
  mlir::DialectRegistry registry;
  mlir::abn::registerToolDialects(registry);
  mlir::registerAllToLLVMIRTranslations(registry);
  mlir::abn::registerToolPasses();
  mlir::MLIRContext context(registry);
  // An error of a whole module would print it.
  context.printOpOnDiagnostic(false);
  StepOptions options = getStepOptions(**target);
  llvm::Expected<Step> step = compileStep(context, options);
  if (!step)
    return fail(step.takeError());
  auto arguments =
      inputsFile.empty() ? generateInputs(*step, {seed, classes}) : readInputs(*step, inputsFile);
  if (!arguments)
    return fail(arguments.takeError());
  auto execution = Execution::create(*step, *runtime);
  if (!execution)
    return fail(execution.takeError());
  Findings findings;
  findings.step = &*step;
  findings.target = (*target)->name;
  findings.chip = options.chip;
  findings.isInstrumented = findings.target == "emulator" && instrument;
  if (llvm::Error error = runSchedules(**execution, *arguments, findings))
    return fail(std::move(error));
  if (llvm::Error error = compare(*arguments, findings))
    return fail(std::move(error));
  if (llvm::Error error = writeOutputs(findings))
    return fail(std::move(error));
  printTable(jsonFile == "-" || outputFile == "-" ? llvm::errs() : llvm::outs(), findings);
  llvm::outs().flush();
  for (const std::string &problem : findings.problems)
    fail(problem);
  return !findings.problems.empty();
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(argc, argv, kOverview);
  return run(argv[0]);
}
