// Re-checks matches without any search, and their branch coverage.
#include "MatchVerifier.h"
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

ArrayRef<double> MatchVerifier::contents(Evaluation &other, unsigned value,
                                         const FullClass &layout) {
  // A reshaped value has the same elements in the same order.
  ArrayRef<int64_t> sizes = tables.isFull(value) ? tables.getFullClass(value).sizes : layout.sizes;
  return broadcast(other.getArena(), other[value].array, sizes).getContents();
}

ChannelRow MatchVerifier::row(Evaluation &other, unsigned value, size_t size) {
  TinyArray array = other[value].array;
  array.sizes.assign(1, array.getCount());
  ArrayRef<double> found =
      broadcast(other.getArena(), array, {static_cast<int64_t>(size) / kTrials}).getContents();
  return ChannelRow(found.begin(), found.end());
}

namespace {
/// Compares per trial and channel, where both sides are finite.
class Comparison {
public:
  explicit Comparison(const MatchMath &math) : math(math) {}

  /// `source` is what the values were computed from: `rounding` of its size may be left where an
  /// activation saturates or terms cancel.
  bool full(ArrayRef<double> got, ArrayRef<double> expected, ArrayRef<double> source = {},
            double rounding = kRounding) {
    std::vector<double> scales(math.getTotal(), 0);
    auto raise = [&](ArrayRef<double> values, double factor) {
      for (size_t i = 0; i < values.size(); ++i)
        if (std::isfinite(values[i]))
          scales[math.rowOf(i)] = std::max(scales[math.rowOf(i)], factor * std::fabs(values[i]));
    };
    raise(expected, 1);
    raise(source, rounding / kVerifyTolerance);
    for (size_t i = 0; i < got.size(); ++i)
      if (!agrees(got[i], expected[i], kVerifyTolerance * scales[math.rowOf(i)]))
        return false;
    return true;
  }
  /// `noise` is the rounding of what the rows were summed from.
  bool rows(ArrayRef<double> got, ArrayRef<double> expected, double noise) {
    for (auto [a, b] : llvm::zip_equal(got, expected))
      if (!agrees(a, b, kVerifyTolerance * std::fabs(b) + noise))
        return false;
    return true;
  }

private:
  /// Where the graph itself overflows (exp of a large number in a quotient) anything may stand.
  static bool agrees(double got, double expected, double bound) {
    return !std::isfinite(got) || std::fabs(got - expected) <= bound + 1e-300;
  }
  const MatchMath &math;
};
} // namespace

ArrayRef<double> MatchVerifier::activation(Evaluation &other, const BatchNormMatch &match,
                                           const MatchMath &math, ArrayRef<double> ys,
                                           ActivationBodies::Form form) {
  const FullClass &layout = math.getLayout();
  TinyArray y;
  y.sizes = layout.sizes;
  y.data = const_cast<double *>(ys.data());
  SmallVector<TinyArray, 1> params;
  if (match.param) {
    TinyArray param = other[*match.param].array;
    param.sizes.assign(1, param.getCount());
    SmallVector<int64_t, 5> order(layout.sizes.size(), -1);
    order[match.channelDim] = 0;
    params.push_back(permute(other.getArena(), param, order));
  }
  TinyArray result = bodies.evaluate(match.phi, form, y, params, other.getArena());
  return broadcast(other.getArena(), result, y.sizes).getContents();
}

std::string MatchVerifier::findBackwardMismatch(Evaluation &other, const BatchNormMatch &match,
                                                const MatchMath &math, ArrayRef<double> xs,
                                                ArrayRef<double> ys) {
  Comparison compare(math);
  const FullClass &layout = math.getLayout();
  std::vector<double> xhat = math.normalized(xs);
  ArrayRef<double> dy = contents(other, *match.dy, layout);
  if (match.hasActivation()) {
    ArrayRef<double> dz =
        match.dzAxes.empty()
            ? contents(other, *match.dz, layout)
            : broadcastAlong(other.getArena(), other[*match.dz].array, match.dzAxes, layout.sizes)
                  .getContents();
    ArrayRef<double> slope = activation(other, match, math, ys, ActivationBodies::Form::Derivative);
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
  Comparison compare(math);
  const FullClass &layout = math.getLayout();
  std::vector<double> xhat = math.normalized(contents(other, match.x, layout));
  ArrayRef<double> dy = contents(other, *match.dy, layout);
  double noise = 2e-6 * math.getCount() * getLargest(dy) * std::max(1.0, getLargest(xhat));
  auto narrow = [&](SmallVectorImpl<unsigned> &values, const ChannelRow &meanOf) {
    ChannelRow expected = math.scaled(meanOf, math.getCount());
    llvm::erase_if(values, [&](unsigned value) {
      return !compare.rows(row(other, value, expected.size()), expected, noise);
    });
  };
  narrow(original.gammaGrads, math.correlation(dy, xhat));
  narrow(original.betaGrads, math.means(dy));
}

/// What does not hold in `other`, or nothing.
std::string MatchVerifier::findMismatch(Evaluation &other, BatchNormMatch &original) {
  BatchNormMatch match = original;
  MatchMath math(tables, match);
  const FullClass &layout = math.getLayout();
  ArrayRef<double> xs = contents(other, match.x, layout), ys = contents(other, match.y, layout);
  match.mean = math.means(xs);
  std::vector<double> square(xs.size());
  for (size_t i = 0; i < xs.size(); ++i)
    square[i] = std::pow(xs[i] - match.mean[math.rowOf(i)], 2);
  match.variance = math.means(square);
  size_t size = match.mean.size();
  match.gammaRow = match.gamma ? row(other, *match.gamma, size) : ChannelRow(size, 1);
  match.betaRow = match.beta ? row(other, *match.beta, size) : ChannelRow(size, 0);
  Comparison compare(math);
  std::vector<double> y = math.normalized(xs);
  for (size_t i = 0; i < y.size(); ++i)
    y[i] = match.gammaRow[math.rowOf(i)] * y[i] + match.betaRow[math.rowOf(i)];
  if (!match.keepsBatchNorm() && !compare.full(ys, y))
    return "its output";
  if (match.hasActivation() &&
      !compare.full(contents(other, match.z, layout),
                    activation(other, match, math, ys, ActivationBodies::Form::Apply), ys))
    return "its activation";
  narrowGradients(other, math, match, original);
  return match.hasBackward() ? findBackwardMismatch(other, match, math, xs, ys) : "";
}

/// Leaves values alone that were equal to what the match replaces in one evaluation only: a
/// variance beside which epsilon is small, say, and what has it added.
void MatchVerifier::dropUnequalCopies(Evaluation &other, BatchNormMatch &match) {
  MatchMath math(tables, match);
  Comparison compare(math);
  const FullClass &layout = math.getLayout();
  for (auto &entry : match.copies) {
    ArrayRef<double> expected = contents(other, entry.first, layout);
    llvm::erase_if(entry.second, [&](unsigned copy) {
      return copy != entry.first && !compare.full(contents(other, copy, layout), expected, {});
    });
  }
  if (match.keepsBatchNorm())
    return;
  ArrayRef<double> xs = contents(other, match.x, layout);
  ChannelRow mean = math.means(xs);
  std::vector<double> square(xs.size());
  for (size_t i = 0; i < xs.size(); ++i)
    square[i] = std::pow(xs[i] - mean[math.rowOf(i)], 2);
  ChannelRow variance = math.means(square);
  llvm::erase_if(match.statistics, [&](const BatchNormMatch::Statistic &statistic) {
    ChannelRow expected = math.scaled(statistic.isVariance ? variance : mean, statistic.factor);
    double noise = statistic.isVariance ? 1e-9 * getLargest(square) : kRounding * getLargest(xs);
    return !compare.rows(row(other, statistic.value, expected.size()), expected,
                         noise * statistic.factor);
  });
}

/// Keeps the candidates for gamma and beta that y is made with in `other` too.
void MatchVerifier::narrowParameters(Evaluation &other, BatchNormMatch &match) {
  MatchMath math(tables, match);
  const FullClass &layout = math.getLayout();
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
    for (unsigned candidate : candidates)
      if (isClose(row(other, candidate, needed.size()), needed, noise))
        kept.push_back(candidate);
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

//===----------------------------------------------------------------------===//
// Branches
//===----------------------------------------------------------------------===//

void MatchVerifier::recordBranches(const Evaluation &other) {
  for (auto [index, value] : llvm::enumerate(other.getValues())) {
    if (value.branches.empty())
      continue;
    auto &outcomes = seen[index];
    outcomes.resize(std::max(outcomes.size(), value.branches.size()));
    for (auto [outcome, branch] : llvm::zip(outcomes, value.branches)) {
      outcome.first |= branch.sawTrue;
      outcome.second |= branch.sawFalse;
    }
  }
}

/// What the match's results are computed from, up to its inputs.
SmallVector<unsigned> MatchVerifier::collectRegion(const BatchNormMatch &match) {
  llvm::SmallDenseSet<unsigned, 64> visited = {match.x};
  for (std::optional<unsigned> stop :
       {match.dz, match.gamma, match.beta, match.residual, match.param})
    if (stop)
      visited.insert(*stop);
  SmallVector<unsigned> worklist = {match.y, match.z}, region;
  if (match.keepsBatchNorm())
    visited.insert(match.y);
  if (match.hasBackward()) {
    if (!match.keepsBatchNorm() && match.dx)
      worklist.push_back(*match.dx);
    worklist.push_back(*match.dyPart);
  }
  // dy's other terms are not replaced.
  if (match.dy && match.dy != match.dyPart)
    visited.insert(*match.dy);
  worklist.append(match.gammaGrads.begin(), match.gammaGrads.end());
  worklist.append(match.betaGrads.begin(), match.betaGrads.end());
  while (!worklist.empty()) {
    unsigned index = worklist.pop_back_val();
    if (!visited.insert(index).second)
      continue;
    region.push_back(index);
    if (!evaluation[index].isLeaf)
      worklist.append(evaluation[index].operands.begin(), evaluation[index].operands.end());
  }
  return region;
}

/// Outcomes that need not be seen: guards against NaN and infinity, comparisons of constants, and
/// of a variance with 0.
bool MatchVerifier::isExempt(const BatchNormMatch &match, const Branch &branch) {
  if (branch.isStepped)
    return false;
  ArrayRef<double> lhs = branch.lhs.getContents(), rhs = branch.rhs.getContents();
  bool constantLhs = llvm::all_equal(lhs), constantRhs = llvm::all_equal(rhs);
  auto isNonFinite = [](double x) { return !std::isfinite(x); };
  if ((constantLhs && llvm::any_of(lhs, isNonFinite)) ||
      (constantRhs && llvm::any_of(rhs, isNonFinite)) || (constantLhs && constantRhs))
    return true;
  if (branch.lhs.sizes == branch.rhs.sizes && isClose(lhs, rhs, 1e-9))
    return true;
  double count = tables.getFullClass(match.x).views[match.channelDim].count;
  auto isPositive = [&](ArrayRef<double> side) {
    if (side.size() != match.variance.size())
      return false;
    for (auto form : {0, 1, 2, 3}) {
      bool same = true;
      for (auto [i, v] : llvm::enumerate(match.variance)) {
        double root = std::sqrt(v + match.epsilon);
        double expected = form == 0 ? v : form == 1 ? v * count : form == 2 ? root * root : root;
        same &= std::fabs(side[i] - expected) <= 1e-6 * expected;
      }
      if (same)
        return true;
    }
    return false;
  };
  auto isZero = [](ArrayRef<double> side) {
    return llvm::all_of(side, [](double x) { return x == 0; });
  };
  return (isPositive(lhs) && isZero(rhs)) || (isPositive(rhs) && isZero(lhs));
}

/// A value in the match's region that is computed by an op with an outcome that was never seen.
std::optional<unsigned> MatchVerifier::findUnseen(const BatchNormMatch &match) {
  for (unsigned index : collectRegion(match)) {
    auto it = seen.find(index);
    if (it == seen.end())
      continue;
    for (auto [outcome, branch] : llvm::zip(it->second, evaluation[index].branches))
      if (!(outcome.first && outcome.second) && !isExempt(match, branch))
        return index;
  }
  return std::nullopt;
}

void MatchVerifier::checkBranches() {
  for (BatchNormMatch &match : matches) {
    if (!match.problem.empty())
      continue;
    std::optional<unsigned> unseen = findUnseen(match);
    if (unseen && match.hasActivation() && !match.isActivationOnly) {
      match.dropActivation();
      unseen = findUnseen(match);
    }
    if (unseen)
      match.problem = "an outcome of a comparison or clamp in it (" +
                      describeLocation(evaluation[*unseen].value.getLoc()) + ") was never seen";
  }
}
