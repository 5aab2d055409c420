// Sizes and offsets that are computed when a step runs; see ArenaSize.h.
#include "ArenaSize.h"
#include "abn/AbnDialect.h"
#include "abn/Analysis/TrainingStep.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::abn;

Value MapEmitter::emit(AffineMap map) {
  Value largest;
  for (AffineExpr expr : map.getResults()) {
    Value value = emit(expr);
    largest = largest ? arith::MaxSIOp::create(b, loc, largest, value).getResult() : value;
  }
  return largest;
}

Value MapEmitter::emit(AffineExpr expr) {
  if (Value found = known.lookup(expr))
    return found;
  Value value;
  if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
    value = arith::ConstantIndexOp::create(b, loc, constant.getValue());
  } else if (auto symbol = dyn_cast<AffineSymbolExpr>(expr)) {
    value = symbols[symbol.getPosition()];
  } else {
    auto binary = cast<AffineBinaryOpExpr>(expr);
    Value left = emit(binary.getLHS()), right = emit(binary.getRHS());
    value = binary.getKind() == AffineExprKind::Add
                ? arith::AddIOp::create(b, loc, left, right).getResult()
                : arith::MulIOp::create(b, loc, left, right).getResult();
  }
  return known[expr] = value;
}

/// The source that `size` is, if it is one.
static std::optional<SizeSource> getSource(Value size) {
  if (auto argument = dyn_cast<BlockArgument>(size))
    return SizeSource{argument, std::nullopt};
  if (auto dim = size.getDefiningOp<memref::DimOp>())
    if (auto argument = dyn_cast<BlockArgument>(dim.getSource()))
      return SizeSource{argument, dim.getConstantIndex()};
  return std::nullopt;
}

SmallVector<SizeSource> mlir::abn::findSizeSources(Value size) {
  SmallVector<SizeSource> sources;
  SmallVector<Value> open{size};
  llvm::DenseSet<Value> seen;
  while (!open.empty()) {
    Value value = open.pop_back_val();
    if (!seen.insert(value).second)
      continue;
    if (std::optional<SizeSource> source = getSource(value)) {
      if (!llvm::is_contained(sources, *source))
        sources.push_back(*source);
      continue;
    }
    llvm::append_range(open, value.getDefiningOp()->getOperands());
  }
  llvm::sort(sources, [](const SizeSource &a, const SizeSource &b) {
    return std::make_pair(a.argument.getArgNumber(), a.dim) <
           std::make_pair(b.argument.getArgNumber(), b.dim);
  });
  return sources;
}

static Value cloneSize(OpBuilder &b, Value size, llvm::function_ref<Value(SizeSource)> getValue,
                       llvm::DenseMap<Value, Value> &known) {
  if (Value found = known.lookup(size))
    return found;
  if (std::optional<SizeSource> source = getSource(size))
    return known[size] = getValue(*source);
  SmallVector<Value> operands;
  for (Value operand : size.getDefiningOp()->getOperands())
    operands.push_back(cloneSize(b, operand, getValue, known));
  Operation *clone = b.clone(*size.getDefiningOp());
  clone->setOperands(operands);
  return known[size] = clone->getResult(cast<OpResult>(size).getResultNumber());
}

Value mlir::abn::cloneSize(OpBuilder &b, Value size,
                           llvm::function_ref<Value(SizeSource)> getValue) {
  llvm::DenseMap<Value, Value> known;
  return ::cloneSize(b, size, getValue, known);
}

/// What the argument is called, with the dimension.
static std::string describeSource(const SizeSource &source) {
  unsigned number = source.argument.getArgNumber();
  auto func = cast<func::FuncOp>(source.argument.getOwner()->getParentOp());
  auto name = func.getArgAttrOfType<StringAttr>(number, AbnDialect::kNameAttr);
  std::string text = name ? name.str() : "arg" + std::to_string(number);
  return source.dim ? text + "[" + std::to_string(*source.dim) + "]" : text;
}

std::string mlir::abn::getSizeQueryName(func::FuncOp func) {
  return (func.getName() + "_arena_size").str();
}

void mlir::abn::createSizeQuery(func::FuncOp func, int64_t bytes, Value size) {
  OpBuilder b(func);
  SmallVector<SizeSource> sources;
  if (size)
    sources = findSizeSources(size);
  SmallVector<Type> types;
  SmallVector<DictionaryAttr> attrs;
  for (const SizeSource &source : sources) {
    types.push_back(source.dim ? b.getIndexType() : source.argument.getType());
    attrs.push_back(b.getDictionaryAttr(
        b.getNamedAttr(AbnDialect::kNameAttr, b.getStringAttr(describeSource(source)))));
  }
  auto query = func::FuncOp::create(b, func.getLoc(), getSizeQueryName(func),
                                    b.getFunctionType(types, {b.getIndexType()}));
  query.setAllArgAttrs(attrs);
  b.setInsertionPointToStart(query.addEntryBlock());
  Value result =
      size ? cloneSize(b, size,
                       [&](const SizeSource &source) -> Value {
                         return query.getArgument(llvm::find(sources, source) - sources.begin());
                       })
           : arith::ConstantIndexOp::create(b, func.getLoc(), bytes).getResult();
  func::ReturnOp::create(b, func.getLoc(), result);
}

static void describeForm(AffineExpr expr, llvm::raw_ostream &os) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
    os << constant.getValue();
  } else if (auto symbol = dyn_cast<AffineSymbolExpr>(expr)) {
    os << "s" << symbol.getPosition();
  } else {
    auto binary = cast<AffineBinaryOpExpr>(expr);
    bool isSum = binary.getKind() == AffineExprKind::Add;
    describeForm(isSum ? binary.getLHS() : binary.getRHS(), os);
    os << (isSum ? " + " : "*");
    describeForm(isSum ? binary.getRHS() : binary.getLHS(), os);
  }
}

std::string mlir::abn::describeMap(AffineMap map) {
  std::string text;
  llvm::raw_string_ostream os(text);
  bool isLargest = map.getNumResults() > 1;
  os << (isLargest ? "max(" : "");
  llvm::interleave(
      map.getResults(), [&](AffineExpr expr) { describeForm(expr, os); }, [&] { os << ", "; });
  os << (isLargest ? ")" : "");
  return text;
}

std::string mlir::abn::describeSize(Value size) {
  if (std::optional<SizeSource> source = getSource(size))
    return describeSource(*source);
  if (auto product = size.getDefiningOp<arith::MulIOp>())
    return describeSize(product.getLhs()) + "*" + describeSize(product.getRhs());
  return size.getDefiningOp()->getName().getStringRef().str() + " (" +
         describeLocation(size.getLoc()) + ")";
}
