// A linear analysis of a flat step: one pass over the ops with, for each buffer, the last op that
// reads any of its contents so far.
#include "ResolveConflicts.h"
#include "abn/AbnDialect.h"
#include "abn/Analysis/TrainingStep.h"
#include "abn/Plan/PlanModel.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace mlir::abn;
using namespace mlir::bufferization;

/// An op with regions that are more than the op's own work on elements.
static bool hasControlRegions(Operation *op) {
  return op->getNumRegions() && !isa<DestinationStyleOpInterface>(op);
}

/// An op with regions that pass tensors on: to a block or out of it.
static bool hasTensorRegions(Operation *op) {
  auto isTensor = [](Value value) { return isa<TensorType>(value.getType()); };
  return hasControlRegions(op) && llvm::any_of(op->getRegions(), [&](Region &region) {
           return llvm::any_of(region, [&](Block &block) {
             return llvm::any_of(block.getArguments(), isTensor) ||
                    llvm::any_of(block.getTerminator()->getOperands(), isTensor);
           });
         });
}

/// Whether the callee was given up any of its arguments.
static bool mayOverwriteArguments(func::CallOp call) {
  auto callee = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(call, call.getCalleeAttr());
  if (!callee)
    return true;
  for (unsigned i = 0, e = callee.getNumArguments(); i < e; ++i)
    if (callee.getArgAttr(i, AbnDialect::kDonatedAttr))
      return true;
  return false;
}

bool mlir::abn::isFlat(func::FuncOp func) {
  // Calls and results only: nothing is written.
  if (func->hasAttr(AbnDialect::kVersionsAttr))
    return true;
  if (!llvm::hasSingleElement(func.getBody()))
    return false;
  for (Operation &op : func.getBody().front()) {
    if (auto call = dyn_cast<func::CallOp>(op); call && mayOverwriteArguments(call))
      return false;
    if (!hasControlRegions(&op))
      continue;
    bool isScalar = llvm::none_of(op.getResultTypes(), llvm::IsaPred<TensorType>);
    WalkResult result = op.walk([&](Operation *inner) {
      bool writes =
          isa<DestinationStyleOpInterface, tensor::InsertOp, tensor::InsertSliceOp>(inner);
      return writes ? WalkResult::interrupt() : WalkResult::advance();
    });
    if ((!isScalar && hasTensorRegions(&op)) || result.wasInterrupted())
      return false;
  }
  return true;
}

namespace {
/// What is known of a buffer at some op.
struct Buffer {
  bool isWritable = true;
  /// What the caller owns is there to the end.
  bool isArgument = false;
  int64_t bytes = 0;
  /// The last op, by position, that reads a value that the buffer has held so far.
  unsigned lastRead = 0;
  /// The buffers one of which it is, if it is no buffer of its own.
  llvm::SmallSetVector<unsigned, 2> chosen;
};

class Resolver {
public:
  Resolver(func::FuncOp func, const BufferizationOptions &options)
      : block(func.getBody().front()), state(options), dynamicSize(getDynamicSize(func)) {
    findLastReads();
    for (BlockArgument argument : func.getArguments()) {
      auto writable = func.getArgAttrOfType<BoolAttr>(argument.getArgNumber(),
                                                      BufferizationDialect::kWritableAttrName);
      Buffer &buffer = addBuffer(argument);
      buffer.isWritable = writable && writable.getValue();
      buffer.isArgument = true;
    }
  }

  void run() {
    SmallVector<Operation *> ops;
    for (Operation &op : block)
      ops.push_back(&op);
    for (auto [position, op] : llvm::enumerate(ops))
      visit(op, position + 1);
  }

private:
  /// Ops that read all that they see and write nothing: upstream's models of calls and control flow
  /// need an analysis that has not run.
  static bool isOpaque(Operation *op) {
    return op->hasTrait<OpTrait::IsTerminator>() || isa<func::CallOp>(op) || hasTensorRegions(op);
  }

  /// The last reader of each value itself; positions count from 1.
  void findLastReads() {
    unsigned position = 0;
    for (Operation &op : block) {
      ++position;
      auto bufferizable = dyn_cast<BufferizableOpInterface>(op);
      visitOuterOperands(&op, [&](OpOperand &operand) {
        if (!isa<TensorType>(operand.get().getType()))
          return;
        bool isOwn = operand.getOwner() == &op;
        if (!isOwn || !bufferizable || isOpaque(&op) ||
            bufferizable.bufferizesToMemoryRead(operand, state))
          lastReadOf[operand.get()] = position;
      });
    }
    // Who reads a view reads what it shows.
    for (Operation &op : llvm::reverse(block))
      for (Value result : op.getResults())
        for (Value source : getViewed(&op, result))
          lastReadOf[source] = std::max(lastReadOf.lookup(source), lastReadOf.lookup(result));
  }

  /// What `result` may be a view of, its contents as they were before `op`.
  SmallVector<Value> getViewed(Operation *op, Value result) {
    SmallVector<Value> viewed;
    auto bufferizable = dyn_cast<BufferizableOpInterface>(op);
    if (!isa<TensorType>(result.getType()) || isCopiedView(op))
      return viewed;
    if (!bufferizable || isOpaque(op)) {
      // A call may return its arguments.
      for (Value operand : op->getOperands())
        if (isa<TensorType>(operand.getType()))
          viewed.push_back(operand);
      return viewed;
    }
    for (const AliasingOpOperand &alias :
         bufferizable.getAliasingOpOperands(result, state).getAliases())
      if (!bufferizable.bufferizesToMemoryWrite(*alias.opOperand, state))
        viewed.push_back(alias.opOperand->get());
    return viewed;
  }

  Buffer &addBuffer(Value value) {
    bufferOf[value] = buffers.size();
    buffers.emplace_back();
    buffers.back().lastRead = lastReadOf.lookup(value);
    buffers.back().bytes = getByteSize(value.getType(), dynamicSize);
    return buffers.back();
  }

  void visit(Operation *op, unsigned position) {
    auto bufferizable = dyn_cast<BufferizableOpInterface>(op);
    if (!bufferizable || isOpaque(op)) {
      // Nor may what a call returns be written: it may be anybody's.
      for (Value result : op->getResults())
        addChoice(op, result);
      return;
    }
    llvm::SmallDenseSet<unsigned> written;
    for (OpOperand &operand : op->getOpOperands())
      if (isa<TensorType>(operand.get().getType()) &&
          bufferizable.bufferizesToMemoryWrite(operand, state) &&
          (hasConflict(bufferizable, operand, position) ||
           !written.insert(bufferOf.lookup(operand.get())).second))
        giveOwnTensor(bufferizable, operand);
    for (Value result : op->getResults())
      if (isa<TensorType>(result.getType()))
        addResult(bufferizable, result);
  }

  /// Whether writing the operand destroys what is read later, or what the op itself reads
  /// elsewhere.
  bool hasConflict(BufferizableOpInterface op, OpOperand &operand, unsigned position) {
    const Buffer &buffer = buffers[bufferOf.lookup(operand.get())];
    if (!buffer.isWritable || buffer.lastRead > position || isLastPart(operand.get()))
      return true;
    for (OpOperand &other : op->getOpOperands()) {
      if (isa<TensorType>(other.get().getType()) && op.bufferizesToMemoryRead(other, state) &&
          llvm::is_contained(buffers[bufferOf.lookup(other.get())].chosen,
                             bufferOf.lookup(operand.get())))
        return true;
      if (&other == &operand || !isa<TensorType>(other.get().getType()) ||
          bufferOf.lookup(other.get()) != bufferOf.lookup(operand.get()) ||
          !op.bufferizesToMemoryRead(other, state))
        continue;
      if (other.get() != operand.get() ||
          !op.bufferizesToElementwiseAccess(state, {&other, &operand}))
        return true;
    }
    return isCaptured(op, bufferOf.lookup(operand.get()));
  }

  /// Whether `value`, which nobody reads any more, shows a part of a buffer only. Updated in place
  /// it would keep all of the buffer.
  bool isLastPart(Value value) const {
    const Buffer &buffer = buffers[bufferOf.lookup(value)];
    return !buffer.isArgument && getByteSize(value.getType(), dynamicSize) < buffer.bytes;
  }

  /// Whether the op's body reads the buffer by itself, wherever it likes.
  bool isCaptured(Operation *op, unsigned buffer) const {
    bool found = false;
    visitOuterOperands(op, [&](OpOperand &operand) {
      auto known = bufferOf.find(operand.get());
      found |=
          operand.getOwner() != op && known != bufferOf.end() &&
          (known->second == buffer || llvm::is_contained(buffers[known->second].chosen, buffer));
    });
    return found;
  }

  void giveOwnTensor(BufferizableOpInterface op, OpOperand &operand) {
    OpBuilder b(op);
    Value old = operand.get();
    auto type = cast<RankedTensorType>(old.getType());
    if (op.bufferizesToMemoryRead(operand, state)) {
      operand.set(AllocTensorOp::create(b, op->getLoc(), type, ValueRange(), old));
    } else {
      operand.set(createEmptyLike(b, op->getLoc(), old));
    }
    addBuffer(operand.get());
  }

  /// A result that is one of several buffers, which one is not known.
  void addChoice(Operation *op, Value result) {
    llvm::SmallSetVector<unsigned, 2> chosen;
    for (Value viewed : getViewed(op, result)) {
      unsigned buffer = bufferOf.lookup(viewed);
      chosen.insert(buffer);
      chosen.insert_range(buffers[buffer].chosen);
    }
    Buffer &buffer = addBuffer(result);
    buffer.isWritable = false;
    buffer.chosen = std::move(chosen);
  }

  /// The result lives in the buffer of the operand that it aliases, or in a new one. Which of
  /// several it is (arith.select) is not known: it must not be written.
  void addResult(BufferizableOpInterface op, Value result) {
    if (isCopiedView(op)) {
      addBuffer(result);
      return;
    }
    AliasingOpOperandList aliases = op.getAliasingOpOperands(result, state);
    if (aliases.getNumAliases() > 1)
      return addChoice(op, result);
    for (const AliasingOpOperand &alias : aliases.getAliases()) {
      unsigned buffer = bufferOf.lookup(alias.opOperand->get());
      bufferOf[result] = buffer;
      buffers[buffer].lastRead = std::max(buffers[buffer].lastRead, lastReadOf.lookup(result));
      return;
    }
    addBuffer(result).isWritable = !op->hasTrait<OpTrait::ConstantLike>();
  }

  Block &block;
  AnalysisState state;
  int64_t dynamicSize;
  llvm::DenseMap<Value, unsigned> lastReadOf, bufferOf;
  std::vector<Buffer> buffers;
};
} // namespace

/// Whether `op` makes a tensor of which nothing is kept: an empty one, or one filled with a scalar.
static bool isBlank(Operation *op) {
  if (auto fill = dyn_cast_or_null<linalg::FillOp>(op))
    return fill.hasPureTensorSemantics() && fill.getOutputs()[0].getDefiningOp<tensor::EmptyOp>();
  return isa_and_nonnull<tensor::EmptyOp>(op);
}

static Value cloneBlank(OpBuilder &b, Operation *blank) {
  Operation *clone = b.clone(*blank);
  if (auto fill = dyn_cast<linalg::FillOp>(clone))
    fill.getOutputsMutable()[0].set(b.clone(*fill.getOutputs()[0].getDefiningOp())->getResult(0));
  return clone->getResult(0);
}

/// Gives each op that writes over a blank tensor one of its own, right before it. CSE and front
/// ends make one of many: as one buffer it would live from the first of those ops to the last.
static void separateBlanks(func::FuncOp func) {
  llvm::SetVector<Operation *> shared;
  for (Operation &op : func.getBody().front()) {
    auto destination = dyn_cast<DestinationStyleOpInterface>(op);
    if (!destination)
      continue;
    OpBuilder b(&op);
    for (OpOperand &init : destination.getDpsInitsMutable()) {
      Operation *blank = init.get().getDefiningOp();
      if (!isBlank(blank) || (init.get().hasOneUse() && !shared.contains(blank)))
        continue;
      shared.insert(blank);
      init.set(cloneBlank(b, blank));
    }
  }
  // First the fills, then the empty tensors that they fill.
  llvm::SetVector<Operation *> empties;
  for (Operation *blank : shared) {
    auto fill = dyn_cast<linalg::FillOp>(blank);
    empties.insert(fill ? fill.getOutputs()[0].getDefiningOp() : blank);
    if (fill && fill->use_empty())
      fill->erase();
  }
  for (Operation *empty : empties)
    if (empty->use_empty())
      empty->erase();
}

void mlir::abn::resolveConflicts(func::FuncOp func, const BufferizationOptions &options) {
  separateBlanks(func);
  Resolver(func, options).run();
}
