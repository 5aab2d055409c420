// Recursion, inlining and dead code, on ops that no dialect may be registered for.
#include "Calls.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace mlir::abn;

StringAttr mlir::abn::getCalleeOfCall(Operation *op) {
  auto call = dyn_cast<func::CallOp>(op);
  return call ? call.getCalleeAttr().getLeafReference() : StringAttr();
}

LogicalResult mlir::abn::rejectRecursion(ModuleOp module, CalleeFn getCallee) {
  enum class Mark { Open, Done };
  llvm::DenseMap<Operation *, Mark> marks;
  SymbolTable symbols(module);
  struct Frame {
    func::FuncOp function;
    SmallVector<Operation *> calls;
  };
  auto open = [&](SmallVectorImpl<Frame> &stack, func::FuncOp function) {
    marks[function] = Mark::Open;
    Frame frame{function, {}};
    function.walk([&](Operation *op) {
      if (getCallee(op))
        frame.calls.push_back(op);
    });
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
      Operation *call = stack.back().calls.pop_back_val();
      auto callee = symbols.lookup<func::FuncOp>(getCallee(call).getValue());
      if (!callee)
        continue;
      auto mark = marks.find(callee);
      if (mark == marks.end())
        open(stack, callee);
      else if (mark->second == Mark::Open)
        return call->emitError() << "recursive call of `" << callee.getName() << "`";
    }
  }
  return success();
}

void mlir::abn::eraseUnused(func::FuncOp function) {
  for (Block &block : function.getBody())
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
      if (isOpTriviallyDead(&op))
        op.erase();
}

//===----------------------------------------------------------------------===//
// Inlining
//===----------------------------------------------------------------------===//

static StringAttr calleeOf(Operation *op, CalleeFn getCallee) {
  return op->getParentOp() && isa<func::FuncOp>(op->getParentOp()) ? getCallee(op) : StringAttr();
}

/// A copy's ops keep their own locations, with the place of the call beside them.
static void locateAtCall(Operation *copy, Location call) {
  copy->walk([&](Operation *op) { op->setLoc(CallSiteLoc::get(op->getLoc(), call)); });
}

static LogicalResult inlineCall(Operation *call, func::FuncOp callee) {
  if (!llvm::hasSingleElement(callee.getBody()))
    return call->emitError() << "expected a function of one block, got `" << callee.getName()
                             << "`";
  if (call->getOperandTypes() != callee.getArgumentTypes() ||
      call->getResultTypes() != callee.getResultTypes())
    return call->emitError() << "expected operands and results of `" << callee.getName()
                             << "`'s type " << callee.getFunctionType();
  Block &body = callee.getBody().front();
  IRMapping mapping;
  mapping.map(body.getArguments(), call->getOperands());
  OpBuilder b(call);
  for (Operation &op : body.without_terminator())
    locateAtCall(b.clone(op, mapping), call->getLoc());
  for (auto [result, returned] :
       llvm::zip_equal(call->getResults(), body.getTerminator()->getOperands()))
    result.replaceAllUsesWith(mapping.lookupOrDefault(returned));
  call->erase();
  return success();
}

namespace {
/// Functions after the ones that they call.
struct CallOrder {
  SymbolTable &symbols;
  CalleeFn getCallee;
  llvm::SetVector<Operation *> done;

  func::FuncOp lookup(Operation *op) const {
    StringAttr name = calleeOf(op, getCallee);
    auto callee = name ? symbols.lookup<func::FuncOp>(name.getValue()) : func::FuncOp();
    return callee && !callee.isExternal() ? callee : func::FuncOp();
  }

  /// An explicit stack: the depth of calls is the user's.
  void visit(func::FuncOp root) {
    SmallVector<std::pair<func::FuncOp, SmallVector<func::FuncOp>>> stack;
    auto open = [&](func::FuncOp function) {
      SmallVector<func::FuncOp> callees;
      function.walk([&](Operation *op) {
        if (func::FuncOp callee = lookup(op))
          callees.push_back(callee);
      });
      stack.push_back({function, std::move(callees)});
    };
    open(root);
    while (!stack.empty()) {
      if (stack.back().second.empty()) {
        done.insert(stack.pop_back_val().first);
        continue;
      }
      func::FuncOp callee = stack.back().second.pop_back_val();
      if (!done.contains(callee))
        open(callee);
    }
  }
};
} // namespace

/// What any op names. Upstream's search gives up at unregistered ops with regions.
static llvm::DenseSet<StringAttr> collectNamedSymbols(ModuleOp module) {
  llvm::DenseSet<StringAttr> named;
  auto note = [&](SymbolRefAttr symbol) { named.insert(symbol.getRootReference()); };
  module->walk([&](Operation *op) {
    op->getAttrDictionary().walk(note);
    if (Attribute properties = op->getPropertiesAsAttribute())
      properties.walk(note);
  });
  return named;
}

LogicalResult mlir::abn::inlineCalls(ModuleOp module, CalleeFn getCallee) {
  SymbolTable symbols(module);
  CallOrder order{symbols, getCallee, {}};
  for (auto function : module.getOps<func::FuncOp>())
    order.visit(function);
  llvm::SetVector<Operation *> inlined;
  for (Operation *function : order.done) {
    SmallVector<std::pair<Operation *, func::FuncOp>> calls;
    function->walk([&](Operation *op) {
      if (func::FuncOp callee = order.lookup(op))
        calls.push_back({op, callee});
    });
    for (auto [call, callee] : calls) {
      if (failed(inlineCall(call, callee)))
        return failure();
      inlined.insert(callee);
    }
  }
  llvm::DenseSet<StringAttr> named = collectNamedSymbols(module);
  for (Operation *callee : inlined)
    if (SymbolTable::getSymbolVisibility(callee) == SymbolTable::Visibility::Private &&
        !named.contains(SymbolTable::getSymbolName(callee)))
      callee->erase();
  return success();
}
