// The walk over the module: each aten op, in order, is bound to its schema, converted and erased.
#include "../Calls.h"
#include "Registry.h"
#include "abn/Analysis/MemoryCensus.h"
#include "abn/Import/AtenOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace mlir::abn;
using namespace mlir::abn::aten;

bool mlir::abn::isAtenOp(Operation *op) {
  return op->getName().getStringRef().starts_with("aten.");
}

/// Ops that only check something at trace time; they have no results.
static bool isAssertion(StringRef name) {
  return name == "aten._assert_tensor_metadata.default" || name == "aten._assert_async.msg";
}

static LogicalResult convertOp(Operation *op, FunctionState &state) {
  StringRef name = op->getName().getStringRef();
  if (isAssertion(name) && op->getNumResults() == 0) {
    op->erase();
    return success();
  }
  const Conversion *conversion = Registry::get().lookup(name);
  if (!conversion)
    return op->emitError() << "unknown op `" << name << "`: docs/Importing.md lists the known ones";
  FailureOr<AtenOp> bound =
      AtenOp::bind(op, conversion->schema, conversion->allowEmptyTensors, state);
  if (failed(bound) || failed(conversion->convert(*bound)))
    return failure();
  for (auto [result, value] : llvm::zip_equal(op->getResults(), bound->getReplacements()))
    if (value)
      result.replaceAllUsesWith(value);
  op->erase();
  return success();
}

static LogicalResult importFunction(func::FuncOp function) {
  SmallVector<Operation *> ops;
  function.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (isAtenOp(op))
      ops.push_back(op);
  });
  if (ops.empty())
    return success();
  // The graph as it came is what reports compare with.
  recordMemoryBefore(function, {}, isAtenView);
  FunctionState state;
  for (Operation *op : ops)
    if (failed(convertOp(op, state)))
      return failure();
  eraseUnused(function);
  return success();
}

LogicalResult mlir::abn::importAten(ModuleOp module) {
  if (failed(rejectRecursion(module)))
    return failure();
  SmallVector<func::FuncOp> functions;
  module.walk<WalkOrder::PreOrder>([&](func::FuncOp function) {
    functions.push_back(function);
    return WalkResult::skip();
  });
  for (func::FuncOp function : functions)
    if (failed(importFunction(function)))
      return failure();
  WalkResult left = module.walk([](Operation *op) -> WalkResult {
    if (!isAtenOp(op))
      return WalkResult::advance();
    return op->emitError() << "`" << op->getName().getStringRef()
                           << "` stands outside of a function";
  });
  return failure(left.wasInterrupted());
}

void mlir::abn::printKnownAtenOps(raw_ostream &os) {
  SmallVector<StringRef> rows;
  for (const auto &entry : Registry::get().getConversions())
    rows.push_back(entry.second.schema.text);
  llvm::sort(rows);
  for (StringRef row : rows)
    os << row << "\n";
}
