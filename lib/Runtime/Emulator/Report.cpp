// The report as JSON; docs/Emulator.md describes it.
#include "Emulator.h"
#include "llvm/Support/JSON.h"

using namespace abn::emulator;
using llvm::json::Array;
using llvm::json::Object;

static Array toJson(const Dim3 &dim) { return Array{dim[0], dim[1], dim[2]}; }

static Object toJson(const Error &error) {
  Object object{{"kind", error.kind}, {"message", error.message}};
  if (!error.kernel.empty())
    object["kernel"] = error.kernel;
  if (error.block)
    object["block"] = toJson(*error.block);
  Array threads, sites;
  for (const Dim3 &thread : error.threads)
    threads.push_back(toJson(thread));
  for (const std::string &site : error.sites)
    sites.push_back(site);
  object["threads"] = std::move(threads);
  object["sites"] = std::move(sites);
  return object;
}

static const char *describe(AccessKind kind) {
  switch (kind) {
  case AccessKind::Load:
    return "load";
  case AccessKind::Store:
    return "store";
  case AccessKind::Atomic:
    return "atomic";
  }
  return "";
}

namespace {
/// What sites add up to.
struct Sums {
  void add(const KernelCounters &counters) {
    launches += counters.launches;
    blocks += counters.blocks;
    barriers += counters.barriers;
    shuffles += counters.shuffles;
    votes += counters.votes;
    branches += counters.branches;
    divergentBranches += counters.divergentBranches;
    for (const auto &[number, site] : counters.sites) {
      // An atomic update loads and stores.
      auto &[loaded, stored] = site.space == Space::Workgroup ? workgroupBytes : globalBytes;
      if (site.kind != AccessKind::Store)
        loaded += site.bytes;
      if (site.kind != AccessKind::Load)
        stored += site.bytes;
      transactions += site.transactions;
      if (site.space == Space::Global)
        widths[site.width] += site.accesses;
    }
  }

  Object toJson() const {
    Object histogram;
    for (const auto &[width, accesses] : widths)
      histogram[std::to_string(width)] = accesses;
    return Object{
        {"launches", launches},
        {"blocks", blocks},
        {"global_loaded_bytes", globalBytes.first},
        {"global_stored_bytes", globalBytes.second},
        {"workgroup_loaded_bytes", workgroupBytes.first},
        {"workgroup_stored_bytes", workgroupBytes.second},
        {"transactions", transactions},
        {"access_widths", std::move(histogram)},
        {"barriers", barriers},
        {"shuffles", shuffles},
        {"votes", votes},
        {"branches", branches},
        {"divergent_branches", divergentBranches},
    };
  }

  uint64_t launches = 0, blocks = 0, barriers = 0, shuffles = 0, votes = 0, branches = 0;
  uint64_t divergentBranches = 0, transactions = 0;
  std::pair<uint64_t, uint64_t> globalBytes, workgroupBytes;
  std::map<uint32_t, uint64_t> widths;
};
} // namespace

std::string Emulator::report() const {
  Array errorList, kernelList;
  for (const Error &error : errors)
    errorList.push_back(toJson(error));
  Sums total;
  for (const auto &[key, kernel] : kernels) {
    Sums sums;
    sums.add(kernel.counters);
    total.add(kernel.counters);
    Array sites;
    for (const auto &[number, site] : kernel.counters.sites)
      sites.push_back(Object{{"op", kernel.sites.at(number)},
                             {"kind", describe(site.kind)},
                             {"space", site.space == Space::Workgroup ? "workgroup" : "global"},
                             {"width", site.width},
                             {"accesses", site.accesses},
                             {"bytes", site.bytes},
                             {"transactions", site.transactions}});
    Object object = sums.toJson();
    object["name"] = key.first;
    object["sites"] = std::move(sites);
    kernelList.push_back(std::move(object));
  }
  llvm::json::Value value = Object{{"errors", std::move(errorList)},
                                   {"kernels", std::move(kernelList)},
                                   {"total", total.toJson()},
                                   {"memory", Object{{"live_bytes", memory.getLive()},
                                                     {"high_water_bytes", memory.getHighWater()},
                                                     {"limit_bytes", memory.getLimit()}}}};
  std::string text;
  llvm::raw_string_ostream(text) << llvm::formatv("{0:2}", value);
  return text;
}
