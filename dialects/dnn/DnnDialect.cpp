// Registration of the dnn dialect.
#include "dnn/DnnDialect.h"

using namespace mlir;
using namespace mlir::dnn;

#include "dnn/DnnDialect.cpp.inc"

void DnnDialect::initialize() {}
