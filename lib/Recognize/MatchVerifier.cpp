// Re-checks matches without any search, and their branch coverage.
#include "MatchVerifier.h"
#include "ActivationFit.h"
#include "abn/Analysis/TrainingStep.h"
#include <cmath>

using namespace mlir;
using namespace mlir::abn;

/// How far two sides of an equation may be apart at scales that are hard on double precision.
static constexpr double kVerifyTolerance = 4e-6;
/// What graphs may lose beside what they compute from: f32 constants and approximations of erf.
static constexpr double kRounding = 2e-7;

MatchVerifier::MatchVerifier(Evaluation &evaluation, const ValueTables &tables,
                             std::vector<BatchNormMatch> &matches, ActivationBodies &bodies)
    : evaluation(evaluation), tables(tables), matches(matches), bodies(bodies) {
  recordBranches(evaluation);
}

/// The sizes of a full value's array in another evaluation, those along which it is constant
/// included.
static SmallVector<int64_t, 5> getSizes(const Evaluation &other, const EvaluatedValue &value) {
  SmallVector<int64_t, 5> sizes;
  for (auto [size, extent] : llvm::zip_equal(value.array.sizes, value.shape))
    sizes.push_back(std::max(size, other.getTinyExtent(extent)));
  return sizes;
}

static FullClass getLayout(const Evaluation &other, unsigned x) {
  return makeFullClass(other[x].shape, getSizes(other, other[x]));
}

/// A value's elements in `layout`'s order; a reshaped value has the same in the same order. All NaN
/// if that cannot be.
ArrayRef<double> MatchVerifier::contents(Evaluation &other, unsigned value,
                                         const FullClass &layout) {
  TinyArray array = broadcast(other.getArena(), other[value].array, getSizes(other, other[value]));
  if (array.getCount() == layout.count)
    return array.getContents();
  TinyArray unknown = other.getArena().allocate(layout.sizes);
  std::fill_n(unknown.data, unknown.getTotal(), NAN);
  return unknown.getContents();
}

ChannelRow MatchVerifier::row(Evaluation &other, unsigned value, size_t size) {
  TinyArray array = other[value].array;
  array.sizes.assign(1, array.getCount());
  ArrayRef<double> found =
      broadcast(other.getArena(), array, {static_cast<int64_t>(size) / kTrials}).getContents();
  return ChannelRow(found.begin(), found.end());
}

namespace {
/// Compares per trial and channel, where the graph's side is finite. Where a channel's mean is
/// large beside its deviation, E[x^2] - mean^2 and f32 constants such as 1/M lose digits: the
/// comparison then says less, and from some point nothing.
class Comparison {
public:
  Comparison(const MatchMath &math, ArrayRef<double> xs) : math(math) {
    constexpr double kConstantRounding = 1.2e-7, kHopeless = 1e5;
    ChannelRow mean = math.means(xs);
    std::vector<double> square(xs.size());
    for (size_t i = 0; i < xs.size(); ++i)
      square[i] = std::pow(xs[i] - mean[math.rowOf(i)], 2);
    ChannelRow variance = math.means(square);
    for (auto [m, v] : llvm::zip_equal(mean, variance)) {
      double condition = m * m / (v + 1e-300);
      tolerances.push_back(
          condition > kHopeless ? INFINITY : kVerifyTolerance + kConstantRounding * condition);
    }
  }

  /// `source` is what the values were computed from: `rounding` of its size may be left where an
  /// activation saturates or terms cancel.
  bool full(ArrayRef<double> got, ArrayRef<double> expected, ArrayRef<double> source = {},
            double rounding = kRounding) {
    std::vector<double> scales(tolerances.size(), 0), left(tolerances.size(), 0);
    raise(scales, expected);
    raise(left, source);
    for (size_t i = 0; i < got.size(); ++i) {
      size_t row = math.rowOf(i);
      if (std::isinf(tolerances[row]))
        continue;
      double lost = tolerances[row] - kVerifyTolerance;
      if (!agrees(got[i], expected[i],
                  kVerifyTolerance * scales[row] + lost * std::max(scales[row], left[row]) +
                      rounding * left[row]))
        return false;
    }
    return true;
  }
  /// `noise` is the rounding of what each row was summed from. Sums lose less than single elements:
  /// they are compared a digit more closely.
  bool rows(ArrayRef<double> got, ArrayRef<double> expected, ArrayRef<double> noise) {
    for (size_t i = 0; i < got.size(); ++i) {
      if (std::isinf(tolerances[i]))
        continue;
      double tolerance = tolerances[i] - kVerifyTolerance + kVerifyTolerance / 20;
      if (!agrees(got[i], expected[i], tolerance * std::fabs(expected[i]) + noise[i]))
        return false;
    }
    return true;
  }

private:
  void raise(std::vector<double> &scales, ArrayRef<double> values) {
    for (size_t i = 0; i < values.size(); ++i)
      if (std::isfinite(values[i]))
        scales[math.rowOf(i)] = std::max(scales[math.rowOf(i)], std::fabs(values[i]));
  }
  /// Where the graph itself overflows (exp of a large number in a quotient) anything may stand.
  static bool agrees(double got, double expected, double bound) {
    return std::isinf(bound) || !std::isfinite(got) || std::fabs(got - expected) <= bound + 1e-300;
  }
  const MatchMath &math;
  ChannelRow tolerances;
};
} // namespace

std::string MatchVerifier::findBackwardMismatch(Evaluation &other, const BatchNormMatch &match,
                                                const MatchMath &math, ArrayRef<double> xs,
                                                ArrayRef<double> ys) {
  Comparison compare(math, xs);
  const FullClass &layout = math.getLayout();
  std::vector<double> xhat = math.normalized(xs);
  ArrayRef<double> dy = contents(other, *match.dy, layout);
  // Where the rest of the graph overflows, this scale says nothing.
  if (!llvm::all_of(dy, [](double x) { return std::isfinite(x); }))
    return "";
  if (match.hasActivation()) {
    ArrayRef<double> dz =
        match.dzAxes.empty()
            ? contents(other, *match.dz, layout)
            : broadcastAlong(other.getArena(), other[*match.dz].array, match.dzAxes, layout.sizes)
                  .getContents();
    ArrayRef<double> slope = evaluate({match.phi, match.param}, ActivationBodies::Form::Derivative,
                                      ys, math, bodies, other);
    std::vector<double> product(dz.size());
    for (size_t i = 0; i < product.size(); ++i)
      product[i] = dz[i] * slope[i];
    if (!compare.full(contents(other, *match.dyPart, layout), product, dz))
      return "the gradient of its activation";
  }
  if (match.keepsBatchNorm())
    return "";
  std::vector<double> dx = math.inputGrad(dy, xhat);
  if (match.dx && match.residual) {
    ArrayRef<double> residual = contents(other, *match.residual, layout);
    for (size_t i = 0; i < dx.size(); ++i)
      dx[i] += residual[i];
  }
  std::vector<double> scaled(dy.begin(), dy.end());
  for (size_t i = 0; i < scaled.size(); ++i)
    scaled[i] *= match.gammaRow[math.rowOf(i)] * math.inverseDeviation(math.rowOf(i));
  if (match.dx && !compare.full(contents(other, *match.dx, layout), dx, scaled, 1e-11))
    return "the gradient of its input";
  return "";
}

/// Keeps the values that are gamma's and beta's gradients in `other` too (a clipped gamma's is
/// gamma's, until it is clipped).
void MatchVerifier::narrowGradients(Evaluation &other, const MatchMath &math,
                                    const BatchNormMatch &match, BatchNormMatch &original) {
  if (!match.hasBackward() || match.keepsBatchNorm())
    return;
  const FullClass &layout = math.getLayout();
  ArrayRef<double> xs = contents(other, match.x, layout);
  Comparison compare(math, xs);
  std::vector<double> xhat = math.normalized(xs);
  ArrayRef<double> dy = contents(other, *match.dy, layout);
  if (!llvm::all_of(dy, [](double x) { return std::isfinite(x); }))
    return;
  auto narrow = [&](SmallVectorImpl<unsigned> &values, ArrayRef<double> terms) {
    ChannelRow expected = math.scaled(math.means(terms), math.getCount());
    std::vector<double> magnitudes(terms.size());
    for (size_t i = 0; i < terms.size(); ++i)
      magnitudes[i] = std::fabs(terms[i]);
    ChannelRow size = math.scaled(math.means(magnitudes), math.getCount()), noise = size;
    for (size_t i = 0; i < expected.size(); ++i) {
      // What the evaluation takes for cancelled is 0 here too. A decay that is added to a gradient
      // is small beside a sum over many elements: only rounding is allowed for.
      if (std::fabs(expected[i]) < kCancelled * size[i])
        expected[i] = 0;
      noise[i] *= 1e-11;
    }
    llvm::erase_if(values, [&](unsigned value) {
      return !compare.rows(row(other, value, expected.size()), expected, noise);
    });
  };
  std::vector<double> product(dy.size());
  for (size_t i = 0; i < product.size(); ++i)
    product[i] = dy[i] * xhat[i];
  narrow(original.gammaGrads, product);
  narrow(original.betaGrads, dy);
}

/// What does not hold in `other`, or nothing.
std::string MatchVerifier::findMismatch(Evaluation &other, BatchNormMatch &original) {
  BatchNormMatch match = original;
  FullClass layout = getLayout(other, match.x);
  MatchMath math(tables, match, layout);
  ArrayRef<double> xs = contents(other, match.x, layout), ys = contents(other, match.y, layout);
  match.mean = math.means(xs);
  std::vector<double> square(xs.size());
  for (size_t i = 0; i < xs.size(); ++i)
    square[i] = std::pow(xs[i] - match.mean[math.rowOf(i)], 2);
  match.variance = math.means(square);
  size_t size = match.mean.size();
  match.gammaRow = match.gamma ? row(other, *match.gamma, size) : ChannelRow(size, 1);
  match.betaRow = match.beta ? row(other, *match.beta, size) : ChannelRow(size, 0);
  Comparison compare(math, xs);
  std::vector<double> y = math.normalized(xs);
  for (size_t i = 0; i < y.size(); ++i)
    y[i] = match.gammaRow[math.rowOf(i)] * y[i] + match.betaRow[math.rowOf(i)];
  if (!match.keepsBatchNorm() && !compare.full(ys, y))
    return "its output";
  if (match.hasActivation() &&
      !compare.full(contents(other, match.z, layout),
                    evaluate({match.phi, match.param}, ActivationBodies::Form::Apply, ys, math,
                             bodies, other),
                    ys))
    return "its activation";
  narrowGradients(other, math, match, original);
  return match.hasBackward() ? findBackwardMismatch(other, match, math, xs, ys) : "";
}

/// Leaves values alone that were equal to what the match replaces in one evaluation only: a
/// variance beside which epsilon is small, say, and what has it added.
void MatchVerifier::dropUnequalCopies(Evaluation &other, BatchNormMatch &match) {
  FullClass layout = getLayout(other, match.x);
  MatchMath math(tables, match, layout);
  ArrayRef<double> xs = contents(other, match.x, layout);
  Comparison compare(math, xs);
  for (auto &entry : match.copies) {
    ArrayRef<double> expected = contents(other, entry.first, layout);
    llvm::erase_if(entry.second, [&](unsigned copy) {
      return copy != entry.first && !compare.full(contents(other, copy, layout), expected);
    });
  }
  if (match.keepsBatchNorm())
    return;
  ChannelRow mean = math.means(xs);
  std::vector<double> square(xs.size());
  for (size_t i = 0; i < xs.size(); ++i)
    square[i] = std::pow(xs[i] - mean[math.rowOf(i)], 2);
  ChannelRow variance = math.means(square);
  double meanNoise = 1e-12 * getLargest(xs), varianceNoise = 1e-12 * getLargest(square);
  llvm::erase_if(match.statistics, [&](const BatchNormMatch::Statistic &statistic) {
    ChannelRow expected = math.scaled(statistic.isVariance ? variance : mean, statistic.factor);
    double noise = (statistic.isVariance ? varianceNoise : meanNoise) * statistic.factor;
    return !compare.rows(row(other, statistic.value, expected.size()), expected,
                         ChannelRow(expected.size(), noise));
  });
}

/// Leaves a wide copy alone that went through a narrow type: `other` rounds casts.
void MatchVerifier::dropRoundedCopies(Evaluation &other) {
  for (BatchNormMatch &match : matches) {
    FullClass layout = getLayout(other, match.x);
    MatchMath math(tables, match, layout);
    Comparison compare(math, contents(other, match.x, layout));
    for (auto &entry : match.copies) {
      ArrayRef<double> source = contents(other, entry.first, layout);
      llvm::erase_if(entry.second, [&](unsigned copy) {
        std::vector<double> expected(source.begin(), source.end());
        roundTo(getElementTypeOrSelf(other[copy].value.getType()), expected);
        return copy != entry.first && !compare.full(contents(other, copy, layout), expected);
      });
    }
  }
}

/// Keeps the candidates for gamma and beta that y is made with in `other` too.
void MatchVerifier::narrowParameters(Evaluation &other, BatchNormMatch &match) {
  FullClass layout = getLayout(other, match.x);
  MatchMath math(tables, match, layout);
  ArrayRef<double> xs = contents(other, match.x, layout), ys = contents(other, match.y, layout);
  ChannelRow mean = math.means(xs), beta = math.means(ys);
  std::vector<double> square(xs.size()), product(xs.size());
  for (size_t i = 0; i < xs.size(); ++i) {
    double centred = xs[i] - mean[math.rowOf(i)];
    square[i] = centred * centred;
    product[i] = centred * ys[i];
  }
  ChannelRow variance = math.means(square), gamma = math.means(product);
  for (size_t i = 0; i < gamma.size(); ++i)
    gamma[i] *= std::sqrt(variance[i] + match.epsilon) / variance[i];
  auto narrow = [&](SmallVectorImpl<unsigned> &candidates, std::optional<unsigned> &parameter,
                    const ChannelRow &needed, double noise) {
    SmallVector<unsigned, 4> kept;
    for (unsigned candidate : candidates) {
      ChannelRow got = row(other, candidate, needed.size());
      bool fits = true;
      for (size_t i = 0; i < got.size(); ++i)
        fits &= mean[i] * mean[i] > 1e5 * variance[i] ||
                std::fabs(got[i] - needed[i]) <= noise * getLargest(needed);
      if (fits)
        kept.push_back(candidate);
    }
    if (kept.empty())
      return;
    candidates.assign(kept.begin(), kept.end());
    parameter = kept.front();
  };
  // Beside a large shift the slope is known with its rounding only.
  double noise = 1e-9 * getLargest(ys) / (getLargest(gamma) + 1e-300);
  narrow(match.gammas, match.gamma, gamma, 1e-5 + noise);
  narrow(match.betas, match.beta, beta, 1e-5);
}

void MatchVerifier::check(Evaluation &other) {
  recordBranches(other);
  for (BatchNormMatch &match : matches) {
    if (!match.problem.empty())
      continue;
    dropUnequalCopies(other, match);
    narrowParameters(other, match);
    std::string mismatch = findMismatch(other, match);
    // The batch norm may still be one without what was taken for its activation.
    if (!mismatch.empty() && match.hasActivation() && !match.isActivationOnly) {
      match.dropActivation();
      mismatch = findMismatch(other, match);
    }
    if (!mismatch.empty())
      match.problem = mismatch + " is another function at other scales of its inputs";
  }
}
