// Declarations of the dnn dialect.
#ifndef DNN_DNNDIALECT_H
#define DNN_DNNDIALECT_H

#include "mlir/IR/Dialect.h"

#include "dnn/DnnDialect.h.inc"

#endif // DNN_DNNDIALECT_H
