// The counter-based generator.
#include "Uniform.h"

using namespace mlir;
using namespace mlir::abn::emit;

uint32_t mlir::abn::emit::fmix32(uint32_t h) {
  h = (h ^ (h >> 16)) * 0x85EBCA6Bu;
  h = (h ^ (h >> 13)) * 0xC2B2AE35u;
  return h ^ (h >> 16);
}

static Value constantI32(Body &b, uint32_t value) {
  return arith::ConstantOp::create(b.b, b.loc, b.b.getI32IntegerAttr(static_cast<int32_t>(value)));
}

static Value emitFmix32(Body &b, Value h) {
  auto mix = [&](uint32_t shift, uint32_t factor) {
    Value shifted = b.call<arith::ShRUIOp>(h, constantI32(b, shift));
    h = b.call<arith::XOrIOp>(h, shifted);
    if (factor != 1)
      h = b.call<arith::MulIOp>(h, constantI32(b, factor));
  };
  mix(16, 0x85EBCA6Bu);
  mix(13, 0xC2B2AE35u);
  mix(16, 1);
  return h;
}

Value mlir::abn::emit::emitUniform(Body &b, ArrayRef<int64_t> shape, uint32_t seed) {
  Type i32 = b.b.getI32Type();
  Value position = constantI32(b, 0);
  for (auto [i, size] : llvm::enumerate(shape)) {
    position = b.call<arith::MulIOp>(position, constantI32(b, static_cast<uint32_t>(size)));
    position = b.call<arith::AddIOp>(position, Value(b.call<arith::IndexCastOp>(i32, b.index(i))));
  }
  Value counter = b.call<arith::AddIOp>(
      b.call<arith::MulIOp>(position, constantI32(b, 0x9E3779B1u)), constantI32(b, seed));
  Value high = b.call<arith::ShRUIOp>(emitFmix32(b, counter), constantI32(b, 8));
  Value number = b.call<arith::UIToFPOp>(Type(b.b.getF32Type()), high);
  return b.mul(number, b.like(number, 0x1p-24));
}
