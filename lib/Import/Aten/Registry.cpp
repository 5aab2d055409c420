// The table: all families.
#include "Registry.h"
#include "llvm/Support/ErrorHandling.h"

using namespace mlir;
using namespace mlir::abn::aten;

Registry::Registry() {
  addElementwise(*this);
  addActivations(*this);
  addPlainActivations(*this);
  addCreation(*this);
  addViews(*this);
  addStrided(*this);
  addPadding(*this);
  addWindows(*this);
  addBicubic(*this);
  addReshuffles(*this);
  addReductions(*this);
  addSoftmax(*this);
  addMatMul(*this);
  addConvolutions(*this);
  addPooling(*this);
  addResizes(*this);
  addBatchNorm(*this);
  addGroupNorm(*this);
  addLosses(*this);
  addIndexing(*this);
  addRandom(*this);
  addOptimizers(*this);
}

const Registry &Registry::get() {
  static const Registry registry;
  return registry;
}

void Registry::add(StringRef row, ConvertFn convert, bool allowEmptyTensors) {
  rows.push_back(row.str());
  Conversion conversion{parseSchema(rows.back()), std::move(convert), allowEmptyTensors};
  std::string name = conversion.schema.opName;
  if (!conversions.try_emplace(name, std::move(conversion)).second)
    llvm::report_fatal_error(llvm::Twine("two rows for ") + name);
}

const Conversion *Registry::lookup(StringRef opName) const {
  auto found = conversions.find(opName);
  return found == conversions.end() ? nullptr : &found->second;
}
