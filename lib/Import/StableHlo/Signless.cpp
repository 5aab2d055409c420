// Changes types in place: the ops are unregistered, and their own conversions read `state`.
#include "Signless.h"

using namespace mlir;
using namespace mlir::abn::hlo;

static bool isUnsigned(Type type) { return getElementTypeOrSelf(type).isUnsignedInteger(); }

static Type signlessOf(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  auto integer = dyn_cast<IntegerType>(getElementTypeOrSelf(type));
  if (!tensor || !integer || integer.isSignless())
    return type;
  return tensor.clone(IntegerType::get(type.getContext(), integer.getWidth()));
}

static void recordSignedness(Operation *op, FunctionState &state) {
  if (!llvm::any_of(op->getOperandTypes(), isUnsigned) &&
      !llvm::any_of(op->getResultTypes(), isUnsigned))
    return;
  Signedness &signedness = state.unsignedOps[op];
  for (Type type : op->getOperandTypes())
    signedness.operands.push_back(isUnsigned(type));
  for (Type type : op->getResultTypes())
    signedness.results.push_back(isUnsigned(type));
}

void mlir::abn::hlo::makeSignless(func::FuncOp function, FunctionState &state) {
  function.walk([&](Operation *op) {
    if (op != function)
      recordSignedness(op, state);
  });
  auto change = [](Value value) { value.setType(signlessOf(value.getType())); };
  function.walk([&](Operation *op) {
    for (Value result : op->getResults())
      change(result);
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (BlockArgument argument : block.getArguments())
          change(argument);
  });
  auto all = [](TypeRange types) { return llvm::map_to_vector(types, signlessOf); };
  function.setFunctionType(FunctionType::get(
      function.getContext(), all(function.getArgumentTypes()), all(function.getResultTypes())));
}
