// The forward half of the search: x is a full value whose per-channel sum or mean is computed; y is
// one that is affine in x per channel, with a slope that goes as 1/sqrt(variance + epsilon).
#include "abn/Recognize/BatchNormSearch.h"
#include <algorithm>
#include <cmath>
#include <set>

using namespace mlir;
using namespace mlir::abn;

//===----------------------------------------------------------------------===//
// Walks
//===----------------------------------------------------------------------===//

/// What `roots` reach along users (forward) or operands, breadth first and in order, without
/// leaves' results on the way forward.
SmallVector<unsigned> BatchNormSearch::reach(ArrayRef<unsigned> roots, bool forward, unsigned depth,
                                             size_t limit, Filter filter) const {
  llvm::SmallDenseSet<unsigned, 64> seen(roots.begin(), roots.end());
  SmallVector<unsigned> level(roots), found;
  for (unsigned step = 0; step < depth && !level.empty() && found.size() < limit; ++step) {
    SmallVector<unsigned> next;
    for (unsigned index : level) {
      const EvaluatedValue &value = evaluation[index];
      for (unsigned other : forward ? value.users : value.operands) {
        if (!filter(other) || !seen.insert(other).second)
          continue;
        next.push_back(other);
        found.push_back(other);
        if (found.size() >= limit)
          return found;
      }
    }
    level = std::move(next);
  }
  return found;
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

/// Whether abn ops take values of this type.
static bool isSupported(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  Type element = tensor.getElementType();
  return tensor.getRank() >= 2 && tensor.getRank() <= 5 &&
         (element.isF16() || element.isBF16() || element.isF32() || element.isF64());
}

/// Which full values have their per-channel sum or mean among the values.
void BatchNormSearch::findSums() {
  for (unsigned index : tables.getFullValues()) {
    if (!isSupported(evaluation[index].value.getType()))
      continue;
    const FullClass &info = tables.getFullClass(index);
    const double *data = tables.getContents(index);
    double largest = getLargest({data, static_cast<size_t>(kTrials * info.count)});
    for (auto [dim, view] : llvm::enumerate(info.views)) {
      if (info.shape[dim] == 1 || view.count == 1)
        continue;
      ChannelRow means = tables.getMeans(tables.getClass(index), data, dim);
      // The sum of what was centred says nothing.
      if (getLargest(means) < 1e-9 * largest)
        continue;
      ChannelRow total = means;
      for (double &x : total)
        x *= view.count;
      ChannelSums found{tables.findRow(info.shape[dim], total),
                        tables.findRow(info.shape[dim], means)};
      if (!found.sums.empty() || !found.means.empty())
        sums[{index, dim}] = std::move(found);
    }
  }
}

//===----------------------------------------------------------------------===//
// x and y
//===----------------------------------------------------------------------===//

/// The value that is closest to a parameter's row; all that are equal to it, that one first, are
/// `candidates`.
std::optional<unsigned>
BatchNormSearch::findParameter(int64_t channels, const ChannelRow &row,
                               SmallVectorImpl<unsigned> &candidates) const {
  std::optional<unsigned> best = tables.findBestRow(channels, row);
  if (!best)
    return std::nullopt;
  candidates.assign(1, *best);
  for (unsigned other : tables.findRow(channels, row))
    if (other != *best)
      candidates.push_back(other);
  return best;
}

/// Whether gamma fits better if the normalisation divides by M - 1: for large M that is within the
/// tolerance, but not within the rounding.
bool BatchNormSearch::isUnbiased(const BatchNormMatch &match) const {
  double count = tables.getFullClass(match.x).views[match.channelDim].count;
  double factor = std::sqrt(count / (count - 1)), biased = 0, unbiased = 0;
  ArrayRef<double> gamma;
  if (match.gamma)
    for (auto [value, row] : tables.getRows(tables.getFullClass(match.x).shape[match.channelDim]))
      if (value == *match.gamma)
        gamma = row;
  for (auto [i, got] : llvm::enumerate(match.gammaRow)) {
    double expected = gamma.empty() ? 1 : gamma[i];
    biased = std::max(biased, std::fabs(got / expected - 1));
    unbiased = std::max(unbiased, std::fabs(got * factor / expected - 1));
  }
  return biased > 1e-7 && unbiased < biased / 4;
}

/// gamma = slope*sqrt(v + epsilon) and beta = mean(y) must be per-channel values or absent.
bool BatchNormSearch::bindParameters(BatchNormMatch &match, ArrayRef<double> slope,
                                     std::string &reason) {
  size_t count = slope.size(), pair = count / 2;
  int64_t channels = tables.getFullClass(match.x).shape[match.channelDim];
  match.gammaRow.resize(count);
  for (size_t i = 0; i < count; ++i)
    match.gammaRow[i] = slope[i] * std::sqrt(match.variance[i] + match.epsilon);
  auto isPaired = [&](const ChannelRow &row) {
    size_t channelCount = count / kTrials;
    for (size_t start : {size_t(0), pair})
      if (!isClose(ArrayRef<double>(row).slice(start, channelCount),
                   ArrayRef<double>(row).slice(start + channelCount, channelCount), 1e-5))
        return false;
    return true;
  };
  reason = "its scale is not one number per channel";
  if (!isPaired(match.gammaRow))
    return false;
  if (!isClose(match.gammaRow, ChannelRow(count, 1.0), kTolerance)) {
    match.gamma = findParameter(channels, match.gammaRow, match.gammas);
    if (!match.gamma)
      return false;
  }
  reason = "its variance is the unbiased one";
  if (isUnbiased(match))
    return false;
  reason = "its shift is not one number per channel";
  double largest = getLargest({tables.getContents(match.y),
                               static_cast<size_t>(kTrials * tables.getFullClass(match.y).count)});
  if (getLargest(match.betaRow) < kTolerance * largest) {
    match.betaRow.assign(count, 0);
    return true;
  }
  if (!isPaired(match.betaRow))
    return false;
  match.beta = findParameter(channels, match.betaRow, match.betas);
  return match.beta.has_value();
}

/// Epsilon from the slopes of a pair of trials, in which gamma is equal: a^2 (v + epsilon) =
/// gamma^2.
static std::optional<double> solveEpsilon(ArrayRef<double> slope, const ChannelRow &variance,
                                          std::string &reason) {
  size_t channels = slope.size() / kTrials;
  std::vector<double> epsilons;
  for (size_t pair : {0, 2})
    for (size_t c = 0; c < channels; ++c) {
      size_t i = pair * channels + c, j = i + channels;
      double a = slope[i] * slope[i], b = slope[j] * slope[j], difference = a - b;
      if (!(std::fabs(difference) >= 1e-7 * a)) {
        reason = "its scale does not depend on the variance";
        return std::nullopt;
      }
      epsilons.push_back((b * variance[j] - a * variance[i]) / difference);
    }
  std::vector<double> sorted = epsilons;
  std::sort(sorted.begin(), sorted.end());
  double epsilon = sorted[sorted.size() / 2];
  reason = "epsilon differs between channels: the scale is not 1/sqrt(variance + epsilon)";
  if (!(epsilon >= -1e-7 && epsilon <= 1))
    return std::nullopt;
  for (double other : epsilons)
    if (!(std::fabs(other - epsilon) <= 2e-6))
      return std::nullopt;
  return std::max(epsilon, 0.0);
}

std::optional<BatchNormMatch> BatchNormSearch::matchOutput(const BatchNormMatch &input, unsigned y,
                                                           std::string &reason) {
  BatchNormMatch match = input;
  match.y = match.z = y;
  MatchMath math(tables, match);
  ArrayRef<double> xs = math.contents(match.x), ys = math.contents(y);
  match.betaRow = math.means(ys);
  std::vector<double> product(ys.size());
  for (size_t i = 0; i < ys.size(); ++i)
    product[i] = (xs[i] - match.mean[math.rowOf(i)]) * ys[i];
  ChannelRow slope = math.means(product);
  for (size_t i = 0; i < slope.size(); ++i)
    slope[i] /= match.variance[i];
  double bound = kTolerance * getLargest(ys);
  reason = "nothing affine in it per channel is computed";
  for (size_t i = 0; i < ys.size(); ++i) {
    size_t row = math.rowOf(i);
    double expected = slope[row] * (xs[i] - match.mean[row]) + match.betaRow[row];
    if (!(std::fabs(expected - ys[i]) <= bound))
      return std::nullopt;
  }
  std::optional<double> epsilon = solveEpsilon(slope, match.variance, reason);
  if (!epsilon)
    return std::nullopt;
  match.epsilon = *epsilon;
  if (!bindParameters(match, slope, reason))
    return std::nullopt;
  return match;
}

/// Whether the variance, or what it is computed from, is among the values.
bool BatchNormSearch::hasVariance(const BatchNormMatch &match) const {
  const FullClass &info = tables.getFullClass(match.x);
  int64_t channels = info.shape[match.channelDim];
  double count = info.views[match.channelDim].count;
  ChannelRow square = match.variance;
  for (size_t i = 0; i < square.size(); ++i)
    square[i] += match.mean[i] * match.mean[i];
  for (const ChannelRow &row : {match.variance, square})
    for (double factor : {1.0, count}) {
      ChannelRow scaled = row;
      for (double &x : scaled)
        x *= factor;
      if (!tables.findRow(channels, scaled).empty())
        return true;
    }
  return false;
}

/// Sets a match's mean and variance.
void BatchNormSearch::measure(BatchNormMatch &match, const MatchMath &math) {
  ArrayRef<double> xs = math.contents(match.x);
  match.mean = math.means(xs);
  std::vector<double> square(xs.size());
  for (size_t i = 0; i < xs.size(); ++i) {
    double centred = xs[i] - match.mean[math.rowOf(i)];
    square[i] = centred * centred;
  }
  match.variance = math.means(square);
}

/// Whether a batch norm that the graph has as an op has these statistics.
bool BatchNormSearch::isGiven(const BatchNormMatch &match) const {
  return llvm::any_of(given, [&](const BatchNormMatch &other) {
    return other.channelDim == match.channelDim && other.mean.size() == match.mean.size() &&
           isClose(match.mean, other.mean, kTolerance) &&
           isClose(match.variance, other.variance, kTolerance);
  });
}

void BatchNormSearch::searchForward(unsigned x, int64_t channelDim) {
  BatchNormMatch input;
  input.x = x;
  input.channelDim = channelDim;
  MatchMath math(tables, input);
  measure(input, math);
  if (llvm::any_of(input.variance, [](double v) { return !(v > 1e-12); }))
    return;
  if (isGiven(input))
    return;
  int cls = tables.getClass(x);
  auto follow = [&](unsigned value) { return !evaluation[value].isLeaf; };
  std::vector<BatchNormMatch> hits;
  std::string bestReason, reason;
  for (unsigned y : reach({x}, /*forward=*/true, 14, 400, follow)) {
    if (tables.getClass(y) != cls || y <= x)
      continue;
    if (std::optional<BatchNormMatch> match = matchOutput(input, y, reason))
      hits.push_back(std::move(*match));
    else if (reason.size() > 0 && (bestReason.empty() || StringRef(reason).starts_with("eps") ||
                                   StringRef(bestReason).starts_with("nothing")))
      bestReason = reason;
  }
  // (1, 0) < (gamma, 0), (1, beta) < (gamma, beta): the largest set of parameters, at its earliest.
  auto parameters = [](const BatchNormMatch &match) {
    std::set<std::pair<char, unsigned>> set;
    if (match.gamma)
      set.insert({'g', *match.gamma});
    if (match.beta)
      set.insert({'b', *match.beta});
    return set;
  };
  llvm::sort(hits, [](const auto &a, const auto &b) { return a.y < b.y; });
  for (auto [i, hit] : llvm::enumerate(hits)) {
    auto own = parameters(hit);
    bool covered = false;
    for (auto [j, other] : llvm::enumerate(hits)) {
      auto larger = parameters(other);
      bool includes = std::includes(larger.begin(), larger.end(), own.begin(), own.end());
      covered |= i != j && includes && (larger != own || j < i);
    }
    if (!covered)
      candidates.push_back(hit);
  }
  if (hits.empty() && hasVariance(input) && !bestReason.empty())
    refused.push_back({x, bestReason, input.variance});
}
