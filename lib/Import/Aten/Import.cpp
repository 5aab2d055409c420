// The walk over the module: each aten op, in order, is bound to its schema, converted and erased.
#include "Registry.h"
#include "abn/Analysis/MemoryCensus.h"
#include "abn/Import/AtenOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SCCIterator.h"

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

/// Erases what the conversions made and nobody read: masks, saved statistics, destinations.
static void eraseUnused(func::FuncOp function) {
  for (Block &block : function.getBody())
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
      if (isOpTriviallyDead(&op))
        op.erase();
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

/// A call that can reach its own function could never be inlined.
static LogicalResult rejectRecursion(ModuleOp module) {
  enum class Mark { Open, Done };
  llvm::DenseMap<Operation *, Mark> marks;
  SymbolTable symbols(module);
  struct Frame {
    func::FuncOp function;
    SmallVector<func::CallOp> calls;
  };
  auto open = [&](SmallVectorImpl<Frame> &stack, func::FuncOp function) {
    marks[function] = Mark::Open;
    Frame frame{function, {}};
    function.walk([&](func::CallOp call) { frame.calls.push_back(call); });
    stack.push_back(std::move(frame));
  };
  for (auto root : module.getOps<func::FuncOp>()) {
    if (marks.count(root))
      continue;
    SmallVector<Frame> stack;
    open(stack, root);
    while (!stack.empty()) {
      if (stack.back().calls.empty()) {
        marks[stack.back().function] = Mark::Done;
        stack.pop_back();
        continue;
      }
      func::CallOp call = stack.back().calls.pop_back_val();
      auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
      if (!callee)
        continue;
      auto mark = marks.find(callee);
      if (mark == marks.end())
        open(stack, callee);
      else if (mark->second == Mark::Open)
        return call.emitError() << "recursive call of `" << call.getCallee() << "`";
    }
  }
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
