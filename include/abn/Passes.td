// The passes, in the order in which a step runs through them: the compiler's table of contents.
#ifndef ABN_PASSES_TD
#define ABN_PASSES_TD

include "mlir/Pass/PassBase.td"

//===----------------------------------------------------------------------===//
// Import
//===----------------------------------------------------------------------===//

def ImportAten : Pass<"abn-import-aten", "::mlir::ModuleOp"> {
  let summary = "Convert `aten` ops, by name, to linalg, abn and dnn";
  let description = [{
    Reads a training step that PyTorch's AOTAutograd traced, in the generic form that
    `abn-export torch` writes: one op per aten overload, `"aten.<name>.<overload>"`, on builtin
    tensor types. The aten dialect need not be loaded.
  }];
  let dependentDialects = [
    "::mlir::abn::AbnDialect", "::mlir::dnn::DnnDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect"
  ];
}

//===----------------------------------------------------------------------===//
// Lower
//===----------------------------------------------------------------------===//

def ConvertAbnToLinalg : Pass<"convert-abn-to-linalg"> {
  let summary = "Lower abn ops on tensors to linalg";
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect"
  ];
}

def ConvertDnnToLinalg : Pass<"convert-dnn-to-linalg"> {
  let summary = "Lower dnn ops on tensors to linalg";
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::tensor::TensorDialect"
  ];
}

#endif // ABN_PASSES_TD
