// The table: all families.
#include "Registry.h"
#include "llvm/Support/ErrorHandling.h"

using namespace mlir;
using namespace mlir::abn::hlo;

Registry::Registry() {
  addElementwise(*this);
  addShapes(*this);
  addSlices(*this);
  addReductions(*this);
  addWindows(*this);
  addSelectAndScatter(*this);
  addConvolution(*this);
  addDots(*this);
  addGather(*this);
  addScatter(*this);
  addBatchNorm(*this);
  addRandom(*this);
  addControl(*this);
}

const Registry &Registry::get() {
  static const Registry registry;
  return registry;
}

void Registry::add(StringRef name, ConvertFn convert) {
  if (!conversions.try_emplace(name, std::move(convert)).second)
    llvm::report_fatal_error(llvm::Twine("two rows for ") + name);
}

const ConvertFn *Registry::lookup(StringRef name) const {
  auto found = conversions.find(name);
  return found == conversions.end() ? nullptr : &found->second;
}

SmallVector<StringRef> Registry::getNames() const {
  SmallVector<StringRef> names;
  for (const auto &entry : conversions)
    names.push_back(entry.first());
  llvm::sort(names);
  return names;
}
