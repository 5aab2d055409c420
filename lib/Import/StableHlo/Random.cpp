// rng: numbers from the importers' own generator (Emit/Uniform.h), so that a graph gives the same
// masks on every run.
#include "../Emit/Uniform.h"
#include "Registry.h"
#include <cmath>

using namespace mlir;
using namespace mlir::abn::hlo;

/// a + (b - a) * u for floats; for integers a + the part of (b - a) * u before the point.
static Value emitUniformBetween(Body &body, Value u, Value low, Value high) {
  Type type = low.getType();
  if (isa<FloatType>(type))
    return body.add(low, body.mul(body.sub(high, low), body.cast(u, type)));
  Type wide = body.b.getF64Type();
  Value span = body.cast(body.sub(high, low), wide);
  return body.add(low, body.cast(body.mul(span, body.cast(u, wide)), type));
}

/// Box and Muller's transform of two uniform numbers: mean + deviation * sqrt(-2 log(1 - u)) *
/// cos(2 pi v).
static Value emitNormal(Body &body, Value u, Value v, Value mean, Value deviation) {
  Value radius = body.sqrt(body.mul(body.like(u, -2), body.log(body.sub(body.like(u, 1), u))));
  Value angle = body.call<math::CosOp>(body.mul(v, body.like(v, 2 * M_PI)));
  Value normal = body.cast(body.mul(radius, angle), mean.getType());
  return body.add(mean, body.mul(deviation, normal));
}

static LogicalResult convertRng(HloOp &op) {
  if (failed(op.expectCounts(3, 1)))
    return failure();
  RankedTensorType type = op.resultType();
  std::string kind = op.enumerator("rng_distribution");
  bool normal = kind == "NORMAL";
  if (!normal && kind != "UNIFORM")
    return op.error() << "expected `rng_distribution` UNIFORM or NORMAL, got "
                      << op.text("rng_distribution");
  auto scalar = RankedTensorType::get({}, type.getElementType());
  if (op.operandType(0) != scalar || op.operandType(1) != scalar ||
      (normal && !isa<FloatType>(type.getElementType())) || type.getElementType().isInteger(1))
    return op.error() << "expected two scalars of the result's type " << type.getElementType();
  uint32_t seed = fmix32(++op.state().numRandomOps);
  uint32_t second = normal ? fmix32(++op.state().numRandomOps) : 0;
  return op.replaceWith(emitElementwise(
      op.builder(), type, {op.operand(0), op.operand(1)}, nullptr, [&](Body &body, ValueRange a) {
        Value u = emitUniform(body, type.getShape(), seed);
        if (!normal)
          return emitUniformBetween(body, u, a[0], a[1]);
        return emitNormal(body, u, emitUniform(body, type.getShape(), second), a[0], a[1]);
      }));
}

void mlir::abn::hlo::addRandom(Registry &r) { r.add("stablehlo.rng", convertRng); }
