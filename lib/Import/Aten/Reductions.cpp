// Sums, means, extrema, variances and norms.
#include "Promotion.h"
#include "Registry.h"
#include <limits>

using namespace mlir;
using namespace mlir::abn::aten;

/// How a row names its dimensions.
struct ReducedDims {
  SmallVector<int64_t> dims;
  bool keep = false;
};

/// `dim` and `keepdim` of a row that has them, else all dimensions.
static FailureOr<ReducedDims> readDims(AtenOp &op, bool hasDims) {
  int64_t rank = typeOf(op.tensor("self")).getRank();
  ReducedDims reduced;
  if (!hasDims) {
    reduced.dims = llvm::to_vector(llvm::seq<int64_t>(0, rank));
    return reduced;
  }
  FailureOr<SmallVector<int64_t>> dims = op.dims("dim", rank);
  if (failed(dims))
    return failure();
  reduced.dims = *dims;
  reduced.keep = op.flag("keepdim");
  return reduced;
}

static int64_t countReduced(RankedTensorType type, ArrayRef<int64_t> dims) {
  int64_t count = 1;
  for (int64_t dim : dims)
    count *= type.getDimSize(dim);
  return count;
}

static ReductionSpec specOf(RankedTensorType type, const ReducedDims &reduced, Type accumulator,
                            double init = 0) {
  return {type.getShape(), reduced.dims, reduced.keep, accumulator, init};
}

static ConvertFn convertSum(bool hasDims, bool mean) {
  return [=](AtenOp &op) -> LogicalResult {
    ImplicitLocOpBuilder &b = op.builder();
    Value self = op.tensor("self");
    RankedTensorType type = typeOf(self);
    FailureOr<ReducedDims> reduced = readDims(op, hasDims);
    if (failed(reduced))
      return failure();
    Type element = op.dtype("dtype");
    if (!element)
      element =
          isa<FloatType>(type.getElementType()) ? type.getElementType() : Type(b.getI64Type());
    if (mean && !isa<FloatType>(element))
      return op.error() << "expected floating-point elements, got " << type;
    Value sum = emitSum(b, specOf(type, *reduced, accumulatorTypeOf(element)), self, nullptr);
    RankedTensorType resultType = withElement(typeOf(sum), element);
    if (!mean)
      return op.replaceWith(emitCast(b, sum, element));
    double count = static_cast<double>(countReduced(type, reduced->dims));
    return op.replaceWith(
        emitElementwise(b, resultType, sum, nullptr, [&](Body &body, ValueRange a) {
          return body.div(a[0], body.like(a[0], count));
        }));
  };
}

/// One of prod, amax, amin, any, all.
struct FoldKind {
  double init;
  Value (*combine)(Body &, Value, Value);
  /// any and all work on and give bools.
  bool boolean = false;
  /// prod of integers gives i64.
  bool widen = false;
};

static constexpr double kInfinity = std::numeric_limits<double>::infinity();
static const FoldKind kMax{-kInfinity, [](Body &b, Value x, Value y) { return b.max(x, y); }};
static const FoldKind kMin{kInfinity, [](Body &b, Value x, Value y) { return b.min(x, y); }};
static const FoldKind kProd{1, [](Body &b, Value x, Value y) { return b.mul(x, y); }, false, true};
static const FoldKind kAny{0, [](Body &b, Value x, Value y) { return b.either(x, y); }, true};
static const FoldKind kAll{1, [](Body &b, Value x, Value y) { return b.both(x, y); }, true};

static LogicalResult emitFold(AtenOp &op, const FoldKind &kind, const ReducedDims &reduced) {
  ImplicitLocOpBuilder &b = op.builder();
  Value self = op.tensor("self");
  RankedTensorType type = typeOf(self);
  Type element = type.getElementType();
  if (kind.boolean)
    element = b.getI1Type();
  if (kind.widen && isa<IntegerType>(element))
    element = b.getI64Type();
  // A maximum is exact in any type; a product is not.
  Type accumulator = kind.widen ? computeTypeOf(element) : element;
  double init = element.isInteger(1) ? (kind.init > 0 ? 1.0 : 0.0) : kind.init;
  Value result =
      emitReduction(b, specOf(type, reduced, accumulator, init), self, nullptr, kind.combine);
  return op.replaceWith(emitCast(b, result, element));
}

/// Rows whose `dim` is a list, a single number, or missing.
static ConvertFn fold(const FoldKind &kind, bool hasDims) {
  return [&kind, hasDims](AtenOp &op) -> LogicalResult {
    FailureOr<ReducedDims> reduced = readDims(op, hasDims);
    return failed(reduced) ? failure() : emitFold(op, kind, *reduced);
  };
}

/// The position of the extremum: the first one among equals, and NaN counts as the extremum.
static Value emitArgExtremum(AtenOp &op, Value self, Value extremum, int64_t dim, bool keep) {
  ImplicitLocOpBuilder &b = op.builder();
  RankedTensorType type = typeOf(self);
  SmallVector<int64_t> kept(type.getShape());
  if (!kept.empty())
    kept[dim] = 1;
  Value aligned = emitReshape(b, extremum, kept);
  SmallVector<int64_t> dims;
  if (type.getRank())
    dims.push_back(dim);
  // The positions at which the extremum stands, and the size elsewhere; the least of them wins.
  int64_t none = type.getRank() ? type.getDimSize(dim) - 1 : 0;
  Value positions =
      emitElementwise(b, withElement(type, b.getI64Type()), {self, aligned}, nullptr,
                      [&](Body &body, ValueRange a) {
                        Value hit = body.compare(Compare::EQ, a[0], a[1]);
                        if (isa<FloatType>(a[0].getType()))
                          hit = body.either(hit, body.compare(Compare::NE, a[0], a[0]));
                        Value at = type.getRank() ? body.cast(body.index(dim), body.b.getI64Type())
                                                  : body.constant(body.b.getI64Type(), 0.0);
                        return body.select(hit, at, body.like(at, none));
                      });
  ReductionSpec spec{type.getShape(), dims, keep, b.getI64Type(), kInfinity};
  return emitReduction(b, spec, positions, nullptr, kMin.combine);
}

/// max.dim and min.dim: values and positions.
static ConvertFn convertExtremumWithIndex(const FoldKind &kind) {
  return [&kind](AtenOp &op) -> LogicalResult {
    Value self = op.tensor("self");
    RankedTensorType type = typeOf(self);
    FailureOr<int64_t> dim = op.dim("dim", type.getRank());
    if (failed(dim))
      return failure();
    ReducedDims reduced;
    if (type.getRank())
      reduced.dims = {*dim};
    reduced.keep = op.flag("keepdim");
    Type element = type.getElementType();
    double init = element.isInteger(1) ? (kind.init > 0 ? 1.0 : 0.0) : kind.init;
    Value values = emitReduction(op.builder(), specOf(type, reduced, element, init), self, nullptr,
                                 kind.combine);
    Value indices = emitArgExtremum(op, self, values, *dim, reduced.keep);
    return op.replaceWith({values, indices});
  };
}

static ConvertFn convertArgExtremum(const FoldKind &kind) {
  return [&kind](AtenOp &op) -> LogicalResult {
    ImplicitLocOpBuilder &b = op.builder();
    Value self = op.tensor("self");
    bool keep = op.flag("keepdim");
    if (op.isNone("dim")) {
      if (keep)
        return op.error() << "`keepdim` without `dim` is not supported";
      self = emitReshape(b, self, {typeOf(self).getNumElements()});
    }
    RankedTensorType type = typeOf(self);
    int64_t dim = 0;
    if (!op.isNone("dim")) {
      FailureOr<int64_t> given = op.dim("dim", type.getRank());
      if (failed(given))
        return failure();
      dim = *given;
    }
    ReducedDims reduced;
    if (type.getRank())
      reduced.dims = {dim};
    Type element = type.getElementType();
    double init = element.isInteger(1) ? (kind.init > 0 ? 1.0 : 0.0) : kind.init;
    Value extremum =
        emitReduction(b, specOf(type, reduced, element, init), self, nullptr, kind.combine);
    return op.replaceWith(emitArgExtremum(op, self, extremum, dim, keep));
  };
}

//===----------------------------------------------------------------------===//
// Variance and norms
//===----------------------------------------------------------------------===//

enum class Moment { Variance, Deviation };

/// Two passes, as PyTorch's result is to that accuracy: the mean, then the squared differences.
static ConvertFn convertVariance(Moment moment, bool withMean) {
  return [=](AtenOp &op) -> LogicalResult {
    ImplicitLocOpBuilder &b = op.builder();
    Value self = op.tensor("self");
    RankedTensorType type = typeOf(self);
    FailureOr<ReducedDims> reduced = readDims(op, true);
    if (failed(reduced) || failed(op.expectFloat("self")))
      return failure();
    double correction =
        op.isNone("correction") ? 1.0 : op.scalar("correction").value_or(ScalarArgument()).number;
    double count = static_cast<double>(countReduced(type, reduced->dims));
    Type accumulator = computeTypeOf(type.getElementType());
    ReducedDims kept = *reduced;
    kept.keep = true;
    Value sum = emitSum(b, specOf(type, kept, accumulator), self, nullptr);
    Value mean = emitElementwise(b, typeOf(sum), sum, nullptr, [&](Body &body, ValueRange a) {
      return body.div(a[0], body.like(a[0], count));
    });
    Value squares =
        emitSum(b, specOf(type, *reduced, accumulator), {self, mean}, [](Body &body, ValueRange a) {
          Value d = body.sub(a[0], a[1]);
          return body.mul(d, d);
        });
    RankedTensorType resultType = withElement(typeOf(squares), type.getElementType());
    Value result = emitElementwise(b, resultType, squares, nullptr, [&](Body &body, ValueRange a) {
      Value v = body.div(a[0], body.like(a[0], std::max(count - correction, 0.0)));
      return moment == Moment::Deviation ? body.sqrt(v) : v;
    });
    if (!withMean)
      return op.replaceWith(result);
    Value shaped = emitReshape(b, emitCast(b, mean, type.getElementType()), resultType.getShape());
    return op.replaceWith({result, shaped});
  };
}

/// (sum |x|^p)^(1/p), with the usual limits for p = 0 and infinity.
static LogicalResult convertVectorNorm(AtenOp &op) {
  ImplicitLocOpBuilder &b = op.builder();
  Value self = op.tensor("self");
  RankedTensorType type = typeOf(self);
  FailureOr<ReducedDims> reduced = readDims(op, true);
  if (failed(reduced) || failed(op.expectFloat("self")))
    return failure();
  double p = op.scalar("ord").value_or(ScalarArgument()).number;
  Type element = op.dtype("dtype") ? op.dtype("dtype") : type.getElementType();
  if (!isa<FloatType>(element))
    return op.error() << "expected a floating-point `dtype`, got " << element;
  bool infinite = std::abs(p) == kInfinity;
  const FoldKind &extremum = p > 0 ? kMax : kMin;
  ReductionSpec spec =
      specOf(type, *reduced, computeTypeOf(element), infinite ? (p > 0 ? 0 : kInfinity) : 0);
  Value total = emitReduction(
      b, spec, self,
      [&](Body &body, ValueRange a) -> Value {
        if (p == 2)
          return body.mul(a[0], a[0]);
        Value x = body.call<math::AbsFOp>(a[0]);
        if (infinite || p == 1)
          return x;
        if (p == 0)
          return body.cast(body.compare(Compare::NE, x, 0.0), x.getType());
        return body.call<math::PowFOp>(x, body.like(x, p));
      },
      [&](Body &body, Value x, Value y) {
        return infinite ? extremum.combine(body, x, y) : body.add(x, y);
      });
  Value norm = emitElementwise(b, withElement(typeOf(total), element), total, nullptr,
                               [&](Body &body, ValueRange a) -> Value {
                                 if (infinite || p == 0 || p == 1)
                                   return a[0];
                                 return p == 2
                                            ? body.sqrt(a[0])
                                            : body.call<math::PowFOp>(a[0], body.like(a[0], 1 / p));
                               });
  return op.replaceWith(norm);
}

/// Running sums along one dimension as a triangular sum: quadratic, for the short dimensions on
/// which networks use it.
static LogicalResult convertCumsum(AtenOp &op) {
  ImplicitLocOpBuilder &b = op.builder();
  Value self = op.tensor("self");
  RankedTensorType type = typeOf(self);
  FailureOr<int64_t> dim = op.dim("dim", type.getRank());
  if (failed(dim))
    return failure();
  Type element = op.dtype("dtype");
  if (!element)
    element = isa<FloatType>(type.getElementType()) ? type.getElementType() : Type(b.getI64Type());
  if (type.getRank() == 0)
    return op.replaceWith(emitCast(b, self, element));
  Value sums = emitAxisSum(b, self, *dim, type.getDimSize(*dim), accumulatorTypeOf(element),
                           [](Body &body, Value x, Value position, Value source) {
                             Value inside = body.call<arith::CmpIOp>(arith::CmpIPredicate::sle,
                                                                     source, position);
                             return body.select(inside, x, body.like(x, 0));
                           });
  return op.replaceWith(emitCast(b, sums, element));
}

static LogicalResult convertCumprod(AtenOp &op) {
  ImplicitLocOpBuilder &b = op.builder();
  Value self = op.tensor("self");
  RankedTensorType type = typeOf(self);
  FailureOr<int64_t> dim = op.dim("dim", type.getRank());
  if (failed(dim) || failed(op.expectFloat("self")))
    return failure();
  if (type.getRank() == 0)
    return op.replaceWith(self);
  Value products = emitAxisReduction(
      b, self, *dim, type.getDimSize(*dim), computeTypeOf(type.getElementType()), 1,
      [](Body &body, Value x, Value position, Value source) {
        Value inside = body.call<arith::CmpIOp>(arith::CmpIPredicate::sle, source, position);
        return body.select(inside, x, body.like(x, 1));
      },
      kProd.combine);
  return op.replaceWith(emitCast(b, products, type.getElementType()));
}

/// max + log(sum(exp(x - max))), where an infinite maximum is left out of the differences.
static LogicalResult convertLogSumExp(AtenOp &op) {
  ImplicitLocOpBuilder &b = op.builder();
  Value self = op.tensor("self");
  RankedTensorType type = typeOf(self);
  FailureOr<ReducedDims> reduced = readDims(op, true);
  if (failed(reduced) || failed(op.expectFloat("self")))
    return failure();
  ReducedDims kept = *reduced;
  kept.keep = true;
  Type compute = computeTypeOf(type.getElementType());
  Value max =
      emitReduction(b, specOf(type, kept, compute, -kInfinity), self, nullptr, kMax.combine);
  Value shift = emitElementwise(b, typeOf(max), max, nullptr, [](Body &body, ValueRange a) {
    Value infinite = body.compare(Compare::EQ, body.call<math::AbsFOp>(a[0]), kInfinity);
    return body.select(infinite, body.like(a[0], 0), a[0]);
  });
  Value sum = emitSum(b, specOf(type, kept, compute), {self, shift},
                      [](Body &body, ValueRange a) { return body.exp(body.sub(a[0], a[1])); });
  Value result =
      emitElementwise(b, withElement(typeOf(sum), type.getElementType()), {sum, shift}, nullptr,
                      [](Body &body, ValueRange a) { return body.add(body.log(a[0]), a[1]); });
  if (reduced->keep)
    return op.replaceWith(result);
  SmallVector<int64_t> shape;
  for (auto [i, size] : llvm::enumerate(type.getShape()))
    if (!llvm::is_contained(reduced->dims, static_cast<int64_t>(i)))
      shape.push_back(size);
  return op.replaceWith(emitReshape(b, result, shape));
}

void mlir::abn::aten::addReductions(Registry &r) {
  r.add("cumprod(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor", convertCumprod);
  r.add("logsumexp(Tensor self, int[] dim, bool keepdim) -> Tensor", convertLogSumExp);
  r.add("sum(Tensor self, *, ScalarType? dtype=None) -> Tensor", convertSum(false, false));
  r.add("sum.dim_IntList(Tensor self, int[]? dim, bool keepdim, *, ScalarType? dtype=None) -> "
        "Tensor",
        convertSum(true, false));
  r.add("mean(Tensor self, *, ScalarType? dtype=None) -> Tensor", convertSum(false, true));
  r.add("mean.dim(Tensor self, int[]? dim, bool keepdim, *, ScalarType? dtype=None) -> Tensor",
        convertSum(true, true));
  r.add("amax(Tensor self, int[] dim, bool keepdim) -> Tensor", fold(kMax, true));
  r.add("amin(Tensor self, int[] dim, bool keepdim) -> Tensor", fold(kMin, true));
  r.add("max(Tensor self) -> Tensor", fold(kMax, false));
  r.add("min(Tensor self) -> Tensor", fold(kMin, false));
  r.add("prod(Tensor self) -> Tensor", fold(kProd, false));
  r.add("prod.dim_int(Tensor self, int dim, bool keepdim) -> Tensor", fold(kProd, true));
  r.add("any(Tensor self) -> Tensor", fold(kAny, false));
  r.add("any.dim(Tensor self, int dim, bool keepdim) -> Tensor", fold(kAny, true));
  r.add("all(Tensor self) -> Tensor", fold(kAll, false));
  r.add("all.dim(Tensor self, int dim, bool keepdim) -> Tensor", fold(kAll, true));
  r.add("max.dim(Tensor self, int dim, bool keepdim) -> (Tensor, Tensor)",
        convertExtremumWithIndex(kMax));
  r.add("min.dim(Tensor self, int dim, bool keepdim) -> (Tensor, Tensor)",
        convertExtremumWithIndex(kMin));
  r.add("argmax(Tensor self, int? dim, bool keepdim) -> Tensor", convertArgExtremum(kMax));
  r.add("argmin(Tensor self, int? dim, bool keepdim) -> Tensor", convertArgExtremum(kMin));
  StringRef args = ".correction(Tensor self, int[]? dim, *, Scalar? correction=None, "
                   "bool keepdim=False) -> ";
  r.add(("var" + args + "Tensor").str(), convertVariance(Moment::Variance, false));
  r.add(("std" + args + "Tensor").str(), convertVariance(Moment::Deviation, false));
  r.add(("var_mean" + args + "(Tensor, Tensor)").str(), convertVariance(Moment::Variance, true));
  r.add(("std_mean" + args + "(Tensor, Tensor)").str(), convertVariance(Moment::Deviation, true));
  r.add("linalg_vector_norm(Tensor self, Scalar ord, int[]? dim, bool keepdim, *, "
        "ScalarType? dtype=None) -> Tensor",
        convertVectorNorm);
  r.add("cumsum(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor", convertCumsum);
}
