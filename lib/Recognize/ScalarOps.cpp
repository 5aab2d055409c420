// Scalar evaluation: one loop per op, chosen by the op's class.
#include "ScalarOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;
using namespace mlir::abn;

namespace {
/// Applies scalar functions to whole arrays.
struct Loops {
  ArrayRef<TinyArray> operands;
  ArrayArena &arena;
  SmallVectorImpl<Branch> &branches;

  template <typename Fn> std::optional<TinyArray> unary(Fn fn) {
    TinyArray result = arena.allocate(operands[0].sizes);
    int64_t total = result.getTotal();
    for (int64_t i = 0; i < total; ++i)
      result.data[i] = fn(operands[0].data[i]);
    return result;
  }

  template <typename Fn> std::optional<TinyArray> binary(Fn fn) {
    SmallVector<int64_t, 5> sizes;
    if (!mergeSizes(operands, sizes))
      return std::nullopt;
    TinyArray result = arena.allocate(sizes);
    const double *a = operands[0].data, *b = operands[1].data;
    const TinyArray *const arrays[] = {&operands[0], &operands[1]};
    forEachElement(sizes, arrays, [&](int64_t i, const int64_t *offsets) {
      result.data[i] = fn(a[offsets[0]], b[offsets[1]]);
    });
    return result;
  }

  template <typename Fn> std::optional<TinyArray> ternary(Fn fn) {
    SmallVector<int64_t, 5> sizes;
    if (!mergeSizes(operands, sizes))
      return std::nullopt;
    TinyArray result = arena.allocate(sizes);
    const double *a = operands[0].data, *b = operands[1].data, *c = operands[2].data;
    const TinyArray *const arrays[] = {&operands[0], &operands[1], &operands[2]};
    forEachElement(sizes, arrays, [&](int64_t i, const int64_t *offsets) {
      result.data[i] = fn(a[offsets[0]], b[offsets[1]], c[offsets[2]]);
    });
    return result;
  }

  /// A binary op with two pieces, told apart by `outcome`.
  template <typename Fn, typename Outcome>
  std::optional<TinyArray> piecewise(Fn fn, Outcome outcome) {
    Branch branch{operands[0], operands[1]};
    auto result = binary([&](double a, double b) {
      (outcome(a, b) ? branch.sawTrue : branch.sawFalse) = true;
      return fn(a, b);
    });
    branches.push_back(branch);
    return result;
  }

  /// A unary op whose pieces meet at 0.
  template <typename Fn> std::optional<TinyArray> signed_(Fn fn) {
    Branch branch{operands[0], arena.splat(operands[0].getRank(), 0)};
    auto result = unary([&](double a) {
      (a > 0 ? branch.sawTrue : branch.sawFalse) = true;
      return fn(a);
    });
    branches.push_back(branch);
    return result;
  }

  /// A unary op with more pieces than a few trials can show.
  template <typename Fn> std::optional<TinyArray> stepped(Fn fn) {
    branches.push_back({operands[0], operands[0], true, false, true});
    return unary(fn);
  }
};
} // namespace

static bool comparesTrue(arith::CmpFPredicate predicate, double a, double b) {
  using P = arith::CmpFPredicate;
  bool unordered = std::isnan(a) || std::isnan(b);
  switch (predicate) {
  case P::AlwaysFalse:
    return false;
  case P::AlwaysTrue:
    return true;
  case P::OEQ:
    return !unordered && a == b;
  case P::OGT:
    return a > b;
  case P::OGE:
    return a >= b;
  case P::OLT:
    return a < b;
  case P::OLE:
    return a <= b;
  case P::ONE:
    return !unordered && a != b;
  case P::ORD:
    return !unordered;
  case P::UEQ:
    return unordered || a == b;
  case P::UGT:
    return unordered || a > b;
  case P::UGE:
    return unordered || a >= b;
  case P::ULT:
    return unordered || a < b;
  case P::ULE:
    return unordered || a <= b;
  case P::UNE:
    return unordered || a != b;
  case P::UNO:
    return unordered;
  }
  llvm_unreachable("unknown predicate");
}

/// A value that is kept as a signed number, read as an unsigned one.
static double toUnsigned(double a, unsigned width) { return a < 0 ? a + std::ldexp(1, width) : a; }

static unsigned getWidth(Type type) {
  Type element = getElementTypeOrSelf(type);
  return element.isIndex() ? 64 : element.getIntOrFloatBitWidth();
}

static bool isUnsigned(arith::CmpIPredicate predicate) {
  using P = arith::CmpIPredicate;
  return predicate == P::ult || predicate == P::ule || predicate == P::ugt || predicate == P::uge;
}

static bool comparesTrue(arith::CmpIPredicate predicate, double a, double b) {
  using P = arith::CmpIPredicate;
  switch (predicate) {
  case P::eq:
    return a == b;
  case P::ne:
    return a != b;
  case P::slt:
  case P::ult:
    return a < b;
  case P::sle:
  case P::ule:
    return a <= b;
  case P::sgt:
  case P::ugt:
    return a > b;
  case P::sge:
  case P::uge:
    return a >= b;
  }
  llvm_unreachable("unknown predicate");
}

template <typename Fn> static auto onIntegers(Fn fn) {
  return [fn](double a, double b) {
    return static_cast<double>(fn(static_cast<int64_t>(a), static_cast<int64_t>(b)));
  };
}

static std::optional<TinyArray> evaluateArith(Operation *op, Loops loops) {
  using Result = std::optional<TinyArray>;
  auto greater = [](double a, double b) { return a > b; };
  auto maximum = [](double a, double b) { return std::isnan(a) || a > b ? a : b; };
  auto minimum = [](double a, double b) { return std::isnan(a) || a < b ? a : b; };
  auto same = [](double a) { return a; };
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case<arith::AddFOp>([&](auto) { return loops.binary(addExactly); })
      .Case<arith::SubFOp>(
          [&](auto) { return loops.binary([](double a, double b) { return addExactly(a, -b); }); })
      .Case<arith::AddIOp>(
          [&](auto) { return loops.binary([](double a, double b) { return a + b; }); })
      .Case<arith::SubIOp>(
          [&](auto) { return loops.binary([](double a, double b) { return a - b; }); })
      .Case<arith::MulFOp, arith::MulIOp>(
          [&](auto) { return loops.binary([](double a, double b) { return a * b; }); })
      .Case<arith::DivFOp>(
          [&](auto) { return loops.binary([](double a, double b) { return a / b; }); })
      .Case<arith::NegFOp>([&](auto) { return loops.unary([](double a) { return -a; }); })
      .Case<arith::MaximumFOp, arith::MaxNumFOp, arith::MaxSIOp>(
          [&](auto) { return loops.piecewise(maximum, greater); })
      .Case<arith::MinimumFOp, arith::MinNumFOp, arith::MinSIOp>(
          [&](auto) { return loops.piecewise(minimum, greater); })
      .Case<arith::CmpIOp>([&](arith::CmpIOp cmp) {
        auto outcome = [predicate = cmp.getPredicate(),
                        width = getWidth(cmp.getLhs().getType())](double a, double b) {
          if (isUnsigned(predicate))
            return comparesTrue(predicate, toUnsigned(a, width), toUnsigned(b, width));
          return comparesTrue(predicate, a, b);
        };
        return loops.piecewise([&](double a, double b) { return outcome(a, b) ? 1.0 : 0.0; },
                               outcome);
      })
      .Case<arith::CmpFOp>([&](arith::CmpFOp cmp) {
        auto outcome = [predicate = cmp.getPredicate()](double a, double b) {
          return comparesTrue(predicate, a, b);
        };
        return loops.piecewise([&](double a, double b) { return outcome(a, b) ? 1.0 : 0.0; },
                               outcome);
      })
      .Case<arith::SelectOp>([&](auto) {
        return loops.ternary([](double c, double a, double b) { return c != 0 ? a : b; });
      })
      .Case<arith::ExtFOp, arith::TruncFOp, arith::SIToFPOp, arith::IndexCastOp>(
          [&](auto) { return loops.unary(same); })
      .Case<arith::UIToFPOp, arith::ExtUIOp, arith::IndexCastUIOp>([&](auto cast) {
        unsigned width = getWidth(cast.getIn().getType());
        return loops.unary([width](double a) { return toUnsigned(a, width); });
      })
      .Case<arith::ExtSIOp>([&](auto ext) {
        // A boolean is kept as 0 or 1; sign extension makes -1 of it.
        bool isBool = getElementTypeOrSelf(ext.getIn().getType()).isInteger(1);
        return loops.unary([isBool](double a) { return isBool ? -a : a; });
      })
      .Case<arith::FPToSIOp, arith::FPToUIOp>(
          [&](auto) { return loops.stepped([](double a) { return std::trunc(a); }); })
      .Case<arith::RemFOp>([&](auto) {
        loops.branches.push_back({loops.operands[0], loops.operands[1], true, false, true});
        return loops.binary([](double a, double b) { return std::fmod(a, b); });
      })
      .Case<arith::DivSIOp>([&](auto) {
        return loops.binary([](double a, double b) { return b == 0 ? 0 : std::trunc(a / b); });
      })
      .Case<arith::RemSIOp>([&](auto) {
        return loops.binary([](double a, double b) { return b == 0 ? 0 : std::fmod(a, b); });
      })
      .Case<arith::AndIOp>([&](auto) {
        return loops.binary(onIntegers([](int64_t a, int64_t b) { return a & b; }));
      })
      .Case<arith::OrIOp>([&](auto) {
        return loops.binary(onIntegers([](int64_t a, int64_t b) { return a | b; }));
      })
      .Case<arith::XOrIOp>([&](auto xorOp) {
        // All ones is -1 as an attribute, but 1 as a boolean value here.
        bool isBool = getElementTypeOrSelf(xorOp.getType()).isInteger(1);
        return loops.binary(
            onIntegers([isBool](int64_t a, int64_t b) { return isBool ? (a ^ b) & 1 : a ^ b; }));
      })
      .Default([](Operation *) { return Result(); });
}

static std::optional<TinyArray> evaluateMath(Operation *op, Loops loops) {
  using Result = std::optional<TinyArray>;
#define ABN_UNARY(OP, EXPRESSION)                                                                  \
  .Case<math::OP>([&](auto) { return loops.unary([](double a) { return EXPRESSION; }); })
  return llvm::TypeSwitch<Operation *, Result>(op)
      // clang-format off
      ABN_UNARY(ExpOp, std::exp(a))
      ABN_UNARY(Exp2Op, std::exp2(a))
      ABN_UNARY(ExpM1Op, std::expm1(a))
      ABN_UNARY(LogOp, std::log(a))
      ABN_UNARY(Log2Op, std::log2(a))
      ABN_UNARY(Log10Op, std::log10(a))
      ABN_UNARY(Log1pOp, std::log1p(a))
      ABN_UNARY(SqrtOp, std::sqrt(a))
      ABN_UNARY(RsqrtOp, 1 / std::sqrt(a))
      ABN_UNARY(CbrtOp, std::cbrt(a))
      ABN_UNARY(TanhOp, std::tanh(a))
      ABN_UNARY(SinhOp, std::sinh(a))
      ABN_UNARY(CoshOp, std::cosh(a))
      ABN_UNARY(AtanOp, std::atan(a))
      ABN_UNARY(SinOp, std::sin(a))
      ABN_UNARY(CosOp, std::cos(a))
      ABN_UNARY(ErfOp, std::erf(a))
      ABN_UNARY(ErfcOp, std::erfc(a))
                      // clang-format on
                      .Case<math::AbsFOp, math::AbsIOp>([&](auto) {
                        return loops.signed_([](double a) { return std::fabs(a); });
                      })
                      .Case<math::CopySignOp>([&](auto) {
                        return loops.piecewise(
                            [](double a, double b) { return std::copysign(a, b); },
                            [](double, double b) { return !std::signbit(b); });
                      })
                      .Case<math::FloorOp>([&](auto) {
                        return loops.stepped([](double a) { return std::floor(a); });
                      })
                      .Case<math::CeilOp>([&](auto) {
                        return loops.stepped([](double a) { return std::ceil(a); });
                      })
                      .Case<math::RoundOp>([&](auto) {
                        return loops.stepped([](double a) { return std::round(a); });
                      })
                      .Case<math::RoundEvenOp>([&](auto) {
                        return loops.stepped([](double a) { return std::nearbyint(a); });
                      })
                      .Case<math::TruncOp>([&](auto) {
                        return loops.stepped([](double a) { return std::trunc(a); });
                      })
                      .Case<math::PowFOp, math::FPowIOp, math::IPowIOp>([&](auto) {
                        return loops.binary([](double a, double b) { return std::pow(a, b); });
                      })
                      .Case<math::Atan2Op>([&](auto) {
                        return loops.binary([](double a, double b) { return std::atan2(a, b); });
                      })
                      .Case<math::FmaOp>([&](auto) {
                        return loops.ternary(
                            [](double a, double b, double c) { return a * b + c; });
                      })
                      .Default([](Operation *) { return Result(); });
#undef ABN_UNARY
}

std::optional<double> mlir::abn::getNumber(Attribute attribute) {
  if (auto number = dyn_cast_or_null<FloatAttr>(attribute))
    return number.getValueAsDouble();
  if (auto number = dyn_cast_or_null<IntegerAttr>(attribute)) {
    // A boolean is 0 or 1.
    if (number.getType().isInteger(1))
      return number.getValue().isZero() ? 0.0 : 1.0;
    if (number.getValue().getSignificantBits() > 53)
      return std::nullopt;
    return static_cast<double>(number.getValue().getSExtValue());
  }
  return std::nullopt;
}

std::optional<TinyArray> mlir::abn::evaluateScalarOp(Operation *op, ArrayRef<TinyArray> operands,
                                                     ArrayArena &arena,
                                                     SmallVectorImpl<Branch> &branches) {
  Loops loops{operands, arena, branches};
  StringRef dialect = op->getName().getDialectNamespace();
  if (dialect == "arith")
    return evaluateArith(op, loops);
  return dialect == "math" ? evaluateMath(op, loops) : std::nullopt;
}

std::optional<Combiner> mlir::abn::getCombiner(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::optional<Combiner>>(op)
      .Case<arith::AddFOp, arith::AddIOp>([](auto) { return Combiner::Sum; })
      .Case<arith::SubFOp>([](auto) { return Combiner::Difference; })
      .Case<arith::MaximumFOp, arith::MaxNumFOp, arith::MaxSIOp>(
          [](auto) { return Combiner::Maximum; })
      .Case<arith::MinimumFOp, arith::MinNumFOp, arith::MinSIOp>(
          [](auto) { return Combiner::Minimum; })
      .Case<arith::OrIOp>([](auto) { return Combiner::Or; })
      .Case<arith::AndIOp>([](auto) { return Combiner::And; })
      .Default([](Operation *) { return std::nullopt; });
}
