// Scalar arithmetic by the type of the operands.
#include "Body.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::abn::emit;

static bool isBool(Value value) { return value.getType().isInteger(1); }
static bool isFloat(Value value) { return isa<FloatType>(value.getType()); }

Value Body::constant(Type type, double value) {
  ScalarArgument scalar;
  scalar.kind = ScalarArgument::Kind::Float;
  scalar.number = value;
  // Saturates (-inf starts a maximum of integers too); NaN becomes 0.
  unsigned width = type.isInteger(1) || !isa<IntegerType>(type) ? 64 : type.getIntOrFloatBitWidth();
  int64_t largest = llvm::maxIntN(width), smallest = llvm::minIntN(width);
  scalar.integer = value >= static_cast<double>(largest)    ? largest
                   : value <= static_cast<double>(smallest) ? smallest
                   : value == value                         ? static_cast<int64_t>(value)
                                                            : 0;
  return constant(type, scalar);
}

Value Body::constant(Type type, const ScalarArgument &value) {
  if (isa<FloatType>(type))
    return arith::ConstantOp::create(b, loc, b.getFloatAttr(type, value.number));
  if (type.isIndex())
    return arith::ConstantIndexOp::create(b, loc, value.integer);
  unsigned width = type.getIntOrFloatBitWidth();
  uint64_t bits = value.integer;
  if (width == 1)
    bits = value.kind == ScalarArgument::Kind::Float ? value.number != 0 : value.integer != 0;
  APInt wrapped = APInt(64, bits).trunc(width);
  return arith::ConstantOp::create(b, loc, IntegerAttr::get(type, wrapped));
}

static Value castFloat(Body &body, Value value, FloatType type) {
  unsigned from = value.getType().getIntOrFloatBitWidth(), to = type.getWidth();
  if (from < to)
    return body.call<arith::ExtFOp>(type, value);
  if (from > to)
    return body.call<arith::TruncFOp>(type, value);
  // f16 and bf16: neither contains the other.
  return body.call<arith::TruncFOp>(type,
                                    body.call<arith::ExtFOp>(Type(body.b.getF32Type()), value));
}

Value Body::cast(Value value, Type type) {
  if (value.getType() == type)
    return value;
  if (type.isInteger(1))
    return compare(Compare::NE, value, 0);
  if (isFloat(value)) {
    if (auto floatType = dyn_cast<FloatType>(type))
      return castFloat(*this, value, floatType);
    return call<arith::FPToSIOp>(type, value);
  }
  if (isa<FloatType>(type))
    return isBool(value) ? call<arith::UIToFPOp>(type, value) : call<arith::SIToFPOp>(type, value);
  if (type.isIndex() || value.getType().isIndex())
    return call<arith::IndexCastOp>(type, value);
  if (value.getType().getIntOrFloatBitWidth() > type.getIntOrFloatBitWidth())
    return call<arith::TruncIOp>(type, value);
  return isBool(value) ? call<arith::ExtUIOp>(type, value) : call<arith::ExtSIOp>(type, value);
}

Value Body::add(Value x, Value y) {
  if (isFloat(x))
    return call<arith::AddFOp>(x, y);
  return isBool(x) ? either(x, y) : call<arith::AddIOp>(x, y);
}

Value Body::sub(Value x, Value y) {
  return isFloat(x) ? call<arith::SubFOp>(x, y) : call<arith::SubIOp>(x, y);
}

Value Body::mul(Value x, Value y) {
  return isFloat(x) ? call<arith::MulFOp>(x, y) : call<arith::MulIOp>(x, y);
}

Value Body::div(Value x, Value y) {
  return isFloat(x) ? call<arith::DivFOp>(x, y) : call<arith::DivSIOp>(x, y);
}

Value Body::max(Value x, Value y) {
  if (isFloat(x))
    return call<arith::MaximumFOp>(x, y);
  return isBool(x) ? either(x, y) : call<arith::MaxSIOp>(x, y);
}

Value Body::min(Value x, Value y) {
  if (isFloat(x))
    return call<arith::MinimumFOp>(x, y);
  return isBool(x) ? both(x, y) : call<arith::MinSIOp>(x, y);
}

Value Body::compare(Compare predicate, Value x, Value y) {
  if (isFloat(x)) {
    using P = arith::CmpFPredicate;
    static constexpr P table[] = {P::OLT, P::OLE, P::OGT, P::OGE, P::OEQ, P::UNE};
    return arith::CmpFOp::create(b, loc, table[static_cast<int>(predicate)], x, y);
  }
  using P = arith::CmpIPredicate;
  // True is greater than false, so that a bool compares unsigned.
  static constexpr P boolTable[] = {P::ult, P::ule, P::ugt, P::uge, P::eq, P::ne};
  static constexpr P table[] = {P::slt, P::sle, P::sgt, P::sge, P::eq, P::ne};
  int row = static_cast<int>(predicate);
  return arith::CmpIOp::create(b, loc, isBool(x) ? boolTable[row] : table[row], x, y);
}

Value Body::select(Value condition, Value x, Value y) {
  return arith::SelectOp::create(b, loc, condition, x, y);
}

Value Body::sigmoid(Value x) { return div(like(x, 1), add(like(x, 1), exp(neg(x)))); }

Value Body::index(int64_t dim) { return linalg::IndexOp::create(b, loc, dim); }

Value Body::indexConstant(int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }

Value Body::extract(Value tensor, ValueRange indices) {
  return tensor::ExtractOp::create(b, loc, tensor, indices);
}

Value Body::wrapIndex(Value integer, int64_t size) {
  Value index = cast(integer, b.getIndexType());
  Value zero = indexConstant(0);
  Value negative = call<arith::CmpIOp>(arith::CmpIPredicate::slt, index, zero);
  Value wrapped = select(negative, call<arith::AddIOp>(index, indexConstant(size)), index);
  Value clamped = call<arith::MinSIOp>(wrapped, indexConstant(size - 1));
  return call<arith::MaxSIOp>(clamped, zero);
}
