#ifndef DNN_OPS_TD
#define DNN_OPS_TD
include "mlir/IR/DialectBase.td"
include "mlir/IR/OpBase.td"

def Dnn_Dialect : Dialect {
  let name = "dnn";
  let summary = "The primitives of oneDNN and cuDNN that linalg lacks or hides";
  let cppNamespace = "::mlir::dnn";
}
#endif // DNN_OPS_TD
