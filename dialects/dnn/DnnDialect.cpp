// Registration of the dnn dialect and its enumerations.
#include "dnn/DnnDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::dnn;

#include "dnn/DnnDialect.cpp.inc"
#include "dnn/DnnEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dnn/DnnAttrs.cpp.inc"

void DnnDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dnn/DnnAttrs.cpp.inc"
      >();
}

void DnnDialect::initialize() {
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "dnn/DnnOps.cpp.inc"
      >();
}
