// Puts a report into the page.
#include "MemoryPage.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir::abn;

void mlir::abn::writeMemoryPage(llvm::raw_ostream &os, llvm::StringRef report) {
  auto [before, after] = llvm::StringRef(kMemoryPageTemplate).split("@ABN_DATA@");
  os << before;
  // `</script` would end the script element and `<!--` change its rules. In JSON a `<` only occurs
  // in strings, where its escape means the same.
  for (size_t at = 0; at < report.size();) {
    size_t next = report.find('<', at);
    os << report.slice(at, next);
    if (next == llvm::StringRef::npos)
      break;
    os << "\\u003c";
    at = next + 1;
  }
  os << after;
}
