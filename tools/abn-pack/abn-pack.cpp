// abn-pack: the offset packer as a tool. A problem in minimalloc's CSV in, the same rows with
// offsets out.
#include "abn/Output/OutputFiles.h"
#include "abn/Pack/PackCsv.h"
#include "abn/Pack/PackSolver.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/WithColor.h"
#include "llvm/Support/raw_ostream.h"

using namespace abn::pack;
namespace cl = llvm::cl;

static cl::OptionCategory category("abn-pack options");
static cl::opt<std::string> inputFile(cl::Positional, cl::desc("<problem.csv>"), cl::init("-"),
                                      cl::cat(category));
static cl::opt<std::string> outputFile("o", cl::desc("Where the offsets go"),
                                       cl::value_desc("file"), cl::init("-"), cl::cat(category));
static cl::opt<int64_t> capacity("capacity",
                                 cl::desc("Fit into so many bytes, or prove that none does"),
                                 cl::value_desc("bytes"), cl::cat(category));
static cl::opt<int64_t> alignment("alignment",
                                  cl::desc("The alignment of buffers whose row gives none or 1"),
                                  cl::value_desc("bytes"), cl::init(1), cl::cat(category));
static cl::opt<int64_t> nodeLimit("node-limit", cl::desc("Placements that the search may try"),
                                  cl::value_desc("N"), cl::init(Options().nodeLimit),
                                  cl::cat(category));
static cl::opt<bool> fast("fast", cl::desc("Heuristics only, no search"), cl::cat(category));
static cl::opt<bool>
    bySize("by-size",
           cl::desc("Only the usual heuristic, to compare with: best fit, the largest "
                    "first"),
           cl::cat(category));
static cl::opt<bool> onlyCheck("check",
                               cl::desc("Check the offsets of the input instead of choosing them"),
                               cl::cat(category));
static cl::opt<bool> fixedOffsets("fixed-offsets",
                                  cl::desc("Keep the offsets of the input's `offset` column"),
                                  cl::cat(category));
// LLVM gives every tool a --stats of its own, for its counters.
static const bool statsIsFree = [] {
  if (cl::Option *option = cl::getRegisteredOptions().lookup("stats"))
    option->removeArgument();
  return true;
}();
static cl::opt<bool> stats("stats", cl::desc("Print what was found and proved to stderr"),
                           cl::cat(category));

static llvm::StringRef describe(Status status) {
  switch (status) {
  case Status::Optimal:
    return "optimal";
  case Status::Feasible:
    return "feasible";
  case Status::Infeasible:
    return "infeasible";
  case Status::Unknown:
    return "unknown";
  }
  llvm_unreachable("all statuses are handled");
}

static void printStats(const Problem &problem, const Result &result) {
  llvm::raw_ostream &os = llvm::errs();
  os << "buffers: " << problem.buffers.size() << '\n'
     << "status: " << describe(result.status) << '\n';
  if (!result.offsets.empty() || problem.buffers.empty())
    os << "arena: " << result.arena << '\n';
  os << "max-live: " << result.maxLive << '\n' << "lower bound: " << result.lowerBound << '\n';
  if (!result.offsets.empty() && result.lowerBound > 0) {
    double bound = double(result.lowerBound);
    os << "gap: " << llvm::format("%.3f", 100 * (double(result.arena) - bound) / bound) << "%\n";
  }
  os << "nodes: " << result.nodes << '\n' << "method: " << result.method << '\n';
}

/// Why there is no solution to write.
static std::string explainFailure(const Problem &problem, const Result &result) {
  auto text = [](int64_t value) { return std::to_string(value); };
  if (result.status == Status::Infeasible) {
    if (!problem.capacity || result.lowerBound <= *problem.capacity)
      return "infeasible: proved, " + result.method;
    bool byLive = result.maxLive > *problem.capacity;
    return "infeasible: proved, " +
           (byLive ? "max-live " + text(result.maxLive)
                   : "lower bound " + text(result.lowerBound)) +
           " > capacity " + text(*problem.capacity);
  }
  if (result.offsets.empty())
    return "not solved: " + result.method;
  return "not solved after " + text(result.nodes) + " nodes; best arena " + text(result.arena) +
         ", lower bound " + text(result.lowerBound);
}

static int fail(const llvm::Twine &message) {
  llvm::WithColor::error(llvm::errs(), "abn-pack") << message << '\n';
  return 1;
}

static int writeOutput(const NamedProblem &named, llvm::ArrayRef<int64_t> offsets) {
  std::string text;
  llvm::raw_string_ostream os(text);
  writeCsv(os, named, offsets);
  if (llvm::Error error = abn::writeFiles({{outputFile, text}}, "the offsets"))
    return fail(llvm::toString(std::move(error)));
  return 0;
}

/// --check: the input's offsets are a solution, within the capacity if there is one.
static int checkInput(const Problem &problem, llvm::ArrayRef<std::string> ids) {
  std::vector<int64_t> offsets;
  for (const Buffer &buffer : problem.buffers) {
    if (!buffer.offset)
      return fail("expected an offset for each buffer, got none for buffer `" +
                  ids[offsets.size()] + "`");
    offsets.push_back(*buffer.offset);
  }
  int64_t arena = problem.capacity.value_or(INT64_MAX);
  if (std::string error = check(problem, offsets, arena, ids); !error.empty())
    return fail(error);
  return 0;
}

static int checkOptions() {
  if (alignment < 1)
    return fail("expected --alignment of at least 1, got " + llvm::Twine(alignment));
  if (outputFile.empty())
    return fail("expected a file for -o, or - for the standard output, got an empty name");
  if (nodeLimit < 0)
    return fail("expected --node-limit of at least 0, got " + llvm::Twine(nodeLimit));
  if (capacity.getNumOccurrences() && capacity < 0)
    return fail("expected --capacity of at least 0, got " + llvm::Twine(capacity));
  return 0;
}

static int run() {
  if (int code = checkOptions())
    return code;
  auto buffer = llvm::MemoryBuffer::getFileOrSTDIN(inputFile);
  if (std::error_code failure = buffer.getError())
    return fail("cannot read " + inputFile + ": " + failure.message());
  auto named = readCsv((*buffer)->getMemBufferRef(), {fixedOffsets || onlyCheck});
  if (!named) {
    llvm::errs() << llvm::toString(named.takeError()) << '\n';
    return 1;
  }
  // A copy: the rows are written as they were read.
  Problem problem = named->problem;
  if (capacity.getNumOccurrences())
    problem.capacity = capacity;
  for (Buffer &row : problem.buffers)
    if (row.alignment == 1)
      row.alignment = alignment;
  if (onlyCheck)
    return checkInput(problem, named->ids);
  Options options;
  options.nodeLimit = nodeLimit;
  options.exact = !fast;
  Result result = bySize ? solveBySize(problem) : solve(problem, options);
  if (stats)
    printStats(problem, result);
  if (result.status == Status::Infeasible || result.status == Status::Unknown)
    return fail(explainFailure(problem, result));
  if (std::string error = check(problem, result.offsets, result.arena); !error.empty())
    return fail("internal error: the checker refuses the offsets: " + error);
  return writeOutput(*named, result.offsets);
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(argc, argv,
                              "packs buffers with lifetimes into as small an arena as it can\n");
  return run();
}
