#include "Emit.h"
#include "Registry.h"

using namespace mlir;
using namespace mlir::abn::aten;

void mlir::abn::aten::addIndexing(Registry &r) {}
