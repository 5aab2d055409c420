// Regions of elementwise ops, emitted as scalars.
#include "Scalar.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mlir::abn::hlo;

static bool isConstant(Operation &op) {
  return op.getName().getStringRef() == "stablehlo.constant";
}

/// The type of a scalar as StableHLO spells it; null for any other.
static Type scalarOf(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getRank() == 0 ? tensor.getElementType() : Type();
}

static LogicalResult checkConstant(HloOp &op) {
  auto value = dyn_cast_or_null<DenseElementsAttr>(op.attribute("value"));
  if (!value || !value.isSplat() || op.getNumResults() != 1 ||
      !isa<IntegerType, FloatType>(value.getElementType()) ||
      value.getElementType().getIntOrFloatBitWidth() !=
          op.resultType().getElementType().getIntOrFloatBitWidth())
    return op.error() << "expected a scalar constant";
  return success();
}

/// Regions of unregistered ops may be graphs, in which order says nothing.
static bool isDefinedBefore(Value value, Operation *op) {
  return !value.getDefiningOp() || value.getDefiningOp()->isBeforeInBlock(op);
}

static LogicalResult checkRegionOp(HloOp &op, Block *block) {
  for (Value operand : op.getOperation()->getOperands())
    if (operand.getParentBlock() != block || !scalarOf(operand.getType()) ||
        !isDefinedBefore(operand, op.getOperation()))
      return op.error() << "expected scalars of its own region";
  for (Type type : op.getOperation()->getResultTypes())
    if (!scalarOf(type))
      return op.error() << "expected a scalar result, got " << type;
  if (isConstant(*op.getOperation()))
    return checkConstant(op);
  const ScalarRow *row = lookupScalar(op.getName());
  if (!row)
    return op.error() << "is not elementwise, and stands in a region that must be";
  return checkScalar(op, *row);
}

FailureOr<ScalarRegion> ScalarRegion::get(HloOp &op, Region &region, TypeRange arguments,
                                          unsigned numResults) {
  if (!llvm::hasSingleElement(region) || region.front().empty())
    return op.error() << "expected a region of one block";
  Block *block = &region.front();
  if (block->getNumArguments() != arguments.size())
    return op.error() << "expected a region of " << arguments.size() << " arguments, got "
                      << block->getNumArguments();
  for (auto [argument, type] : llvm::zip_equal(block->getArguments(), arguments))
    if (scalarOf(argument.getType()) != type)
      return op.error() << "expected a region argument of type tensor<" << type << ">, got "
                        << argument.getType();
  Operation &last = block->back();
  if (last.getName().getStringRef() != "stablehlo.return" || last.getNumOperands() != numResults)
    return op.error() << "expected a region that returns " << numResults << " values";
  for (Value value : last.getOperands())
    if (value.getParentBlock() != block || !scalarOf(value.getType()))
      return op.error() << "expected a region that returns scalars of its own";
  // Nobody knows that an unregistered return is a terminator.
  for (Operation &inner : llvm::drop_end(block->getOperations())) {
    HloOp innerOp(&inner, op.state());
    if (failed(checkRegionOp(innerOp, block)))
      return failure();
  }
  return ScalarRegion(block, &op.state());
}

static Value emitConstant(Body &body, HloOp &op) {
  auto value = cast<DenseElementsAttr>(op.attribute("value"));
  if (isa<FloatType>(value.getElementType()))
    return arith::ConstantOp::create(body.b, body.loc, value.getSplatValue<FloatAttr>());
  auto type = op.resultType().getElementType();
  return arith::ConstantOp::create(body.b, body.loc,
                                   IntegerAttr::get(type, value.getSplatValue<APInt>()));
}

SmallVector<Value> ScalarRegion::emit(Body &body, ValueRange args) const {
  IRMapping mapping;
  mapping.map(block->getArguments(), args);
  auto lookup = [&](Value value) { return mapping.lookup(value); };
  for (Operation &inner : llvm::drop_end(block->getOperations())) {
    HloOp op(&inner, *state);
    if (isConstant(inner)) {
      mapping.map(inner.getResult(0), emitConstant(body, op));
      continue;
    }
    ScalarOp scalar{op, op.resultType().getElementType()};
    SmallVector<Value> operands = llvm::map_to_vector(inner.getOperands(), lookup);
    mapping.map(inner.getResult(0), lookupScalar(op.getName())->emit(body, scalar, operands));
  }
  return llvm::map_to_vector(block->back().getOperands(), lookup);
}

Operation *ScalarRegion::getOnlyOp() const {
  if (block->getOperations().size() != 2)
    return nullptr;
  Operation *op = &block->front();
  Operation *last = &block->back();
  return last->getNumOperands() == 1 && op->getNumResults() == 1 &&
                 last->getOperand(0) == op->getResult(0)
             ? op
             : nullptr;
}

StringRef ScalarRegion::getSingleOp() const {
  Operation *op = getOnlyOp();
  if (!op || op->getNumOperands() != 2 || block->getNumArguments() != 2)
    return {};
  Value x = block->getArgument(0), y = block->getArgument(1);
  bool both = (op->getOperand(0) == x && op->getOperand(1) == y) ||
              (op->getOperand(0) == y && op->getOperand(1) == x);
  return both ? op->getName().getStringRef() : StringRef();
}

bool ScalarRegion::returnsArgument(unsigned i) const {
  return block->getOperations().size() == 1 && block->back().getNumOperands() == 1 &&
         block->back().getOperand(0) == block->getArgument(i);
}
