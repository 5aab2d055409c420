// Reads attributes in each form that StableHLO has had.
#include "HloOp.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::abn::hlo;

bool FunctionState::isUnsignedOperand(Operation *op, unsigned i) const {
  auto found = unsignedOps.find(op);
  return found != unsignedOps.end() && found->second.operands[i];
}

bool FunctionState::isUnsignedResult(Operation *op, unsigned i) const {
  auto found = unsignedOps.find(op);
  return found != unsignedOps.end() && found->second.results[i];
}

Attribute mlir::abn::hlo::getAttribute(Operation *op, StringRef name) {
  if (auto properties = dyn_cast_or_null<DictionaryAttr>(op->getPropertiesAsAttribute()))
    if (Attribute attr = properties.get(name))
      return attr;
  return op->getDiscardableAttr(name);
}

Attribute HloOp::attribute(StringRef name) const { return getAttribute(op, name); }

FailureOr<int64_t> HloOp::integer(StringRef name) {
  auto attr = dyn_cast_or_null<IntegerAttr>(attribute(name));
  if (!attr || attr.getValue().getSignificantBits() > 64)
    return error() << "expected an integer `" << name << "`";
  return attr.getType().isUnsignedInteger() ? static_cast<int64_t>(attr.getValue().getZExtValue())
                                            : attr.getValue().getSExtValue();
}

bool HloOp::flag(StringRef name) const {
  auto attr = dyn_cast_or_null<BoolAttr>(attribute(name));
  return attr && attr.getValue();
}

FailureOr<double> HloOp::number(StringRef name) {
  auto attr = dyn_cast_or_null<FloatAttr>(attribute(name));
  if (!attr)
    return error() << "expected a floating-point `" << name << "`";
  return attr.getValueAsDouble();
}

static void append(SmallVectorImpl<int64_t> &values, const APInt &value, bool isBool) {
  values.push_back(isBool ? static_cast<int64_t>(value.getZExtValue()) : value.getSExtValue());
}

/// The entries of an array of integers or bools; nullopt for another attribute.
static std::optional<SmallVector<int64_t>> readIntegers(Attribute attr) {
  SmallVector<int64_t> values;
  if (auto dense = dyn_cast_or_null<DenseI64ArrayAttr>(attr))
    return llvm::to_vector(dense.asArrayRef());
  if (auto dense = dyn_cast_or_null<DenseBoolArrayAttr>(attr)) {
    for (bool value : dense.asArrayRef())
      values.push_back(value);
    return values;
  }
  if (auto dense = dyn_cast_or_null<DenseIntElementsAttr>(attr)) {
    Type element = dense.getElementType();
    if (!element.isIndex() && element.getIntOrFloatBitWidth() > 64)
      return std::nullopt;
    for (const APInt &value : dense.getValues<APInt>())
      append(values, value, element.isInteger(1));
    return values;
  }
  if (auto array = dyn_cast_or_null<ArrayAttr>(attr)) {
    for (Attribute entry : array) {
      auto integer = dyn_cast<IntegerAttr>(entry);
      if (!integer || integer.getValue().getBitWidth() > 64)
        return std::nullopt;
      append(values, integer.getValue(), integer.getType().isInteger(1));
    }
    return values;
  }
  return std::nullopt;
}

FailureOr<SmallVector<int64_t>> HloOp::integerList(StringRef name) {
  Attribute attr = attribute(name);
  if (!attr)
    return SmallVector<int64_t>();
  if (std::optional<SmallVector<int64_t>> values = readIntegers(attr))
    return *values;
  return error() << "expected `" << name << "` to be an array of integers, got " << attr;
}

FailureOr<SmallVector<int64_t>> HloOp::integers(StringRef name, size_t size) {
  FailureOr<SmallVector<int64_t>> values = integerList(name);
  if (failed(values))
    return failure();
  if (values->size() != size)
    return error() << "expected " << size << " entries in `" << name << "`, got " << values->size();
  return values;
}

FailureOr<SmallVector<int64_t>> HloOp::integersOr(StringRef name, size_t size, int64_t fallback) {
  if (!attribute(name))
    return SmallVector<int64_t>(size, fallback);
  return integers(name, size);
}

FailureOr<HloOp::Padding> HloOp::padding(size_t size) {
  FailureOr<SmallVector<int64_t>> flat = integersOr("padding", 2 * size, 0);
  if (failed(flat))
    return failure();
  Padding padding;
  for (size_t i = 0; i < size; ++i) {
    padding.low.push_back((*flat)[2 * i]);
    padding.high.push_back((*flat)[2 * i + 1]);
  }
  return padding;
}

LogicalResult HloOp::checkDims(StringRef name, ArrayRef<int64_t> dims, int64_t rank) {
  llvm::SmallDenseSet<int64_t> seen;
  for (int64_t dim : dims)
    if (dim < 0 || dim >= rank || !seen.insert(dim).second)
      return error() << "expected distinct dimensions from 0 to " << rank - 1 << " in `" << name
                     << "`, got " << dim;
  return success();
}

FailureOr<SmallVector<int64_t>> HloOp::dims(StringRef name, int64_t rank) {
  FailureOr<SmallVector<int64_t>> values = integerList(name);
  if (failed(values) || failed(checkDims(name, *values, rank)))
    return failure();
  return values;
}

std::string HloOp::text(StringRef name) const {
  std::string text;
  if (Attribute attr = attribute(name)) {
    llvm::raw_string_ostream os(text);
    attr.print(os);
  }
  return text;
}

std::string HloOp::enumerator(StringRef name) const {
  std::string all = text(name);
  StringRef rest = StringRef(all).rtrim("> \"").trim();
  size_t space = rest.find_last_of(" \"");
  return (space == StringRef::npos ? rest : rest.substr(space + 1)).str();
}

LogicalResult HloOp::expectCounts(unsigned operands, unsigned results, unsigned regions) {
  if (op->getNumOperands() != operands)
    return error() << "expected " << operands << " operands, got " << op->getNumOperands();
  if (op->getNumResults() != results)
    return error() << "expected " << results << " results, got " << op->getNumResults();
  if (op->getNumRegions() != regions)
    return error() << "expected " << regions << " regions, got " << op->getNumRegions();
  return success();
}

LogicalResult HloOp::replaceWith(ValueRange values) {
  for (auto [result, value] : llvm::zip_equal(op->getResults(), values))
    if (value.getType() != result.getType())
      return error() << "expected result type " << value.getType() << ", got " << result.getType();
  replacements.assign(values.begin(), values.end());
  return success();
}

std::optional<double> mlir::abn::hlo::splatValue(Value value) {
  while (Operation *def = value.getDefiningOp()) {
    DenseElementsAttr constant;
    if (matchPattern(def, m_Constant(&constant))) {
      if (!constant.isSplat())
        return std::nullopt;
      if (isa<FloatType>(constant.getElementType()))
        return constant.getSplatValue<FloatAttr>().getValueAsDouble();
      if (isa<IntegerType>(constant.getElementType()))
        return static_cast<double>(constant.getSplatValue<APInt>().getSExtValue());
      return std::nullopt;
    }
    if (!isa<linalg::BroadcastOp, tensor::CollapseShapeOp, tensor::ExpandShapeOp>(def))
      return std::nullopt;
    value = def->getOperand(0);
  }
  return std::nullopt;
}
