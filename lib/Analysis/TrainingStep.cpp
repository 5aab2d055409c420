// Builds the forward/backward partition from the loss's backward slice.
#include "abn/Analysis/TrainingStep.h"
#include "abn/AbnDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::abn;

void mlir::abn::visitOuterOperands(Operation *op, function_ref<void(OpOperand &)> visit) {
  for (OpOperand &operand : op->getOpOperands())
    visit(operand);
  if (op->getNumRegions() == 0)
    return;
  op->walk([&](Operation *inner) {
    if (inner == op)
      return;
    for (OpOperand &operand : inner->getOpOperands())
      if (!op->isAncestor(operand.get().getParentBlock()->getParentOp()))
        visit(operand);
  });
}

/// As many bytes as LLVM steps from one scalar to the next.
static int64_t roundUpScalar(int64_t bits) {
  int64_t bytes = llvm::divideCeil(bits, 8);
  return bytes <= 16 ? llvm::PowerOf2Ceil(bytes) : llvm::alignTo(bytes, 16);
}

std::optional<int64_t> mlir::abn::getElementBytes(Type element) {
  if (element.isIndex())
    return 8;
  if (element.isIntOrFloat())
    return roundUpScalar(element.getIntOrFloatBitWidth());
  if (auto complex = dyn_cast<ComplexType>(element))
    return 2 * roundUpScalar(complex.getElementType().getIntOrFloatBitWidth());
  auto vector = dyn_cast<VectorType>(element);
  if (!vector || vector.isScalable() || !vector.getElementType().isIntOrIndexOrFloat())
    return std::nullopt;
  // Rows are packed bit by bit and begin at powers of two.
  int64_t width = vector.getElementType().isIndex() ? 64 : vector.getElementTypeBitWidth();
  int64_t row = vector.getRank() ? vector.getShape().back() : 1;
  int64_t rowBytes = llvm::PowerOf2Ceil(llvm::divideCeil(row * width, 8));
  return vector.getNumElements() / row * rowBytes;
}

int64_t mlir::abn::getByteSize(Type type, int64_t dynamicSize) {
  auto shaped = dyn_cast<ShapedType>(type);
  if (!shaped || isa<VectorType>(type))
    return getElementBytes(type).value_or(0);
  if (!shaped.hasRank())
    return 0;
  int64_t bytes = getElementBytes(shaped.getElementType()).value_or(0);
  for (int64_t size : shaped.getShape())
    if (llvm::MulOverflow(bytes, ShapedType::isDynamic(size) ? dynamicSize : size, bytes))
      return std::numeric_limits<int64_t>::max();
  return bytes;
}

int64_t mlir::abn::getDynamicSize(func::FuncOp func, int64_t option) {
  if (option > 0)
    return option;
  for (StringRef name : {AbnDialect::kPlanAttr, AbnDialect::kMemoryBeforeAttr})
    if (auto record = func->getAttrOfType<DictionaryAttr>(name))
      if (auto size = record.getAs<IntegerAttr>(AbnDialect::kDynamicSizeKey))
        return size.getInt();
  return kDefaultDynamicSize;
}

static void printLocation(Location loc, llvm::raw_ostream &os) {
  if (auto name = dyn_cast<NameLoc>(loc)) {
    os << name.getName().getValue();
    if (!isa<UnknownLoc>(name.getChildLoc())) {
      os << " at ";
      printLocation(name.getChildLoc(), os);
    }
  } else if (auto file = dyn_cast<FileLineColLoc>(loc)) {
    os << file.getFilename().getValue() << ":" << file.getLine();
  } else if (auto fused = dyn_cast<FusedLoc>(loc)) {
    if (!fused.getLocations().empty())
      printLocation(fused.getLocations().front(), os);
  } else if (auto call = dyn_cast<CallSiteLoc>(loc)) {
    printLocation(call.getCallee(), os);
  } else {
    os << "unknown location";
  }
}

std::string mlir::abn::describeLocation(Location loc) {
  std::string text;
  llvm::raw_string_ostream os(text);
  printLocation(loc, os);
  return text;
}

/// A generic that yields one of its inputs unchanged: a broadcast, a permutation or a copy.
static bool isCopyingGeneric(Operation *op) {
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic || generic.getNumDpsInputs() != 1 || generic.getNumDpsInits() != 1)
    return false;
  Block *body = generic.getBody();
  return llvm::hasSingleElement(*body) &&
         body->getTerminator()->getOperand(0) == body->getArgument(0);
}

bool mlir::abn::isGraphView(Operation *op) {
  return isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp, tensor::ReshapeOp,
             tensor::ExtractSliceOp, linalg::TransposeOp, linalg::BroadcastOp, linalg::CopyOp>(
             op) ||
         isCopyingGeneric(op);
}

/// The loss by role, else the only floating-point scalar result without another role.
static std::optional<unsigned> findLoss(func::FuncOp func) {
  std::optional<unsigned> scalar;
  bool ambiguous = false;
  for (unsigned i = 0, e = func.getNumResults(); i < e; ++i) {
    auto role = func.getResultAttrOfType<StringAttr>(i, AbnDialect::kRoleAttr);
    if (role && role.getValue() == "loss")
      return i;
    if (role && role.getValue() != "output")
      continue;
    Type type = func.getResultTypes()[i];
    auto shaped = dyn_cast<ShapedType>(type);
    if (!isa<FloatType>(getElementTypeOrSelf(type)) || (shaped && shaped.getRank() != 0))
      continue;
    ambiguous |= scalar.has_value();
    scalar = i;
  }
  return ambiguous ? std::nullopt : scalar;
}

bool mlir::abn::isHelper(func::FuncOp func) {
  return func.isPrivate() && !func->hasAttr(AbnDialect::kFallbackAttr) &&
         !func->hasAttr(AbnDialect::kFallbackOfAttr);
}

bool mlir::abn::isPlanned(func::FuncOp func) { return func->hasAttr(AbnDialect::kPlanAttr); }

bool mlir::abn::isDispatched(func::FuncOp func) {
  return func->hasAttr(AbnDialect::kFallbackAttr) || func->hasAttr(AbnDialect::kFallbackOfAttr) ||
         func->hasAttr(AbnDialect::kVersionsAttr);
}

/// Whether an op of the function works on buffers already.
static bool hasBufferSemantics(func::FuncOp func) {
  WalkResult result = func.walk([](DestinationStyleOpInterface op) {
    return op.hasPureBufferSemantics() && op.getNumDpsInits() > 0 ? WalkResult::interrupt()
                                                                  : WalkResult::advance();
  });
  return result.wasInterrupted();
}

FailureOr<std::optional<int64_t>> mlir::abn::readLossOption(Location loc, int64_t option) {
  if (option < -1)
    return emitError(loc) << "expected the number of a result, or -1 for none, for the option "
                             "`loss-result`, got "
                          << option;
  return option < 0 ? std::nullopt : std::optional<int64_t>(option);
}

LogicalResult mlir::abn::checkDynamicSize(Location loc, int64_t option, int64_t least) {
  if (option >= least)
    return success();
  return emitError(loc) << "expected " << (least > 0 ? "a positive" : "no negative")
                        << " option `dynamic-size`, got " << option;
}

bool mlir::abn::isOutOfRange(std::optional<int64_t> lossResult, func::FuncOp func) {
  return lossResult && *lossResult >= func.getNumResults();
}

FailureOr<TrainingStep> TrainingStep::get(func::FuncOp func, std::optional<int64_t> lossResult,
                                          ViewPredicate isView) {
  if (hasBufferSemantics(func))
    return failure();
  if (!func || func.isExternal() || !llvm::hasSingleElement(func.getBody()))
    return failure();
  if (isOutOfRange(lossResult, func)) {
    emitError(func.getLoc()) << "expected the loss among the function's " << func.getNumResults()
                             << " results, got result " << *lossResult;
    return failure();
  }
  Block &block = func.getBody().front();
  auto returnOp = dyn_cast<func::ReturnOp>(block.getTerminator());
  if (!returnOp)
    return failure();

  TrainingStep step;
  step.func = func;
  step.viewPredicate = std::move(isView);
  step.lossResult = lossResult ? std::optional<unsigned>(*lossResult) : findLoss(func);
  unsigned next = 0;
  for (Operation &op : block)
    step.position[&op] = next++;

  SmallVector<Operation *> worklist;
  auto reach = [&](Value value) {
    if (Operation *def = value.getDefiningOp())
      if (Operation *top = step.getTopLevel(def); top && step.forward.insert(top).second)
        worklist.push_back(top);
  };
  if (step.lossResult)
    reach(returnOp.getOperand(*step.lossResult));
  while (!worklist.empty())
    visitOuterOperands(worklist.pop_back_val(), [&](OpOperand &operand) { reach(operand.get()); });
  return step;
}

Operation *TrainingStep::getTopLevel(Operation *op) const {
  Block *block = &const_cast<TrainingStep *>(this)->func.getBody().front();
  return block->findAncestorOpInBlock(*op);
}

Value TrainingStep::getBase(Value value) const {
  while (Operation *def = value.getDefiningOp()) {
    if (!isView(def) || def->getNumOperands() == 0)
      break;
    value = def->getOperand(0);
  }
  return value;
}

bool TrainingStep::isArgumentOrConstant(Value value) const {
  Operation *def = getBase(value).getDefiningOp();
  return !def || isa<tensor::EmptyOp, linalg::FillOp, tensor::SplatOp>(def) ||
         matchPattern(def, m_Constant());
}

bool TrainingStep::readsOperand(OpOperand &operand) {
  Operation *op = operand.getOwner();
  if (isa<tensor::DimOp, memref::DimOp>(op))
    return false;
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
    return linalgOp.payloadUsesValueFromOperand(&operand);
  return true;
}
