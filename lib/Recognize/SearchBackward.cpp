// The backward half: dy is a full value whose sum and whose correlation with xhat are computed;
// then dx, or dx plus another gradient of x, is looked up.
#include "abn/Recognize/BatchNormSearch.h"
#include <cmath>

using namespace mlir;
using namespace mlir::abn;

/// The largest difference, relative to the largest entry of `expected`.
static double getError(ArrayRef<double> got, ArrayRef<double> expected) {
  double error = 0;
  for (auto [a, b] : llvm::zip_equal(got, expected))
    error = std::max(error, std::fabs(a - b));
  return error / (getLargest(expected) + 1e-300);
}

/// Whether u is the gradient of y: sets everything of the backward if so.
bool BatchNormSearch::tryGradient(BatchNormMatch &match, const MatchMath &math, unsigned u,
                                  ArrayRef<double> xhat, ArrayRef<unsigned> closure,
                                  double tolerance) {
  auto found = sums.find({u, match.channelDim});
  if (found == sums.end())
    return false;
  ArrayRef<double> us = math.contents(u);
  int64_t channels = tables.getFullClass(match.x).shape[match.channelDim];
  SmallVector<unsigned> gammaGrads =
      tables.findRow(channels, math.scaled(math.correlation(us, xhat), math.getCount()));
  if (gammaGrads.empty() && match.gamma)
    return false;
  std::vector<double> dx = math.inputGrad(us, xhat);
  if (getLargest(dx) <= 1e-9 * getLargest(us))
    return false;
  auto take = [&](unsigned value, std::optional<unsigned> residual) {
    match.dy = match.dyPart = match.dz = u;
    match.dx = value;
    match.residual = residual;
    match.gammaGrads.assign(gammaGrads.begin(), gammaGrads.end());
    match.betaGrads.assign(found->second.sums.begin(), found->second.sums.end());
    return true;
  };
  SmallVector<unsigned> equal = tables.findFull(math.getClass(), dx);
  if (!equal.empty() && equal.front() > match.y &&
      getError(math.contents(equal.front()), dx) <= tolerance)
    return take(equal.front(), std::nullopt);
  if (gammaGrads.empty())
    return false;
  // dx may be computed only inside a sum with another gradient of x: v - dx is then a value itself.
  for (unsigned v : llvm::reverse(closure)) {
    if (v <= u || tables.getClass(v) != math.getClass())
      continue;
    std::vector<double> rest(dx.size());
    ArrayRef<double> vs = math.contents(v);
    for (size_t i = 0; i < rest.size(); ++i)
      rest[i] = vs[i] - dx[i];
    if (getLargest(rest) < 1e-5 * getLargest(vs))
      continue;
    SmallVector<unsigned> residuals = tables.findFull(math.getClass(), rest, getLargest(vs));
    if (!residuals.empty() && residuals.front() < v &&
        getError(math.contents(residuals.front()), rest) * getLargest(rest) <=
            tolerance * getLargest(vs))
      return take(v, residuals.front());
  }
  return false;
}

/// Whether something full that is computed from `u` goes anywhere but into sums: a gradient of the
/// batch norm's input, whatever its formula.
bool BatchNormSearch::feedsFull(unsigned u) const {
  auto follow = [&](unsigned value) { return !evaluation[value].isLeaf; };
  for (unsigned value : reach({u}, /*forward=*/true, 40, 2000, follow)) {
    if (!tables.isFull(value))
      continue;
    if (llvm::is_contained(evaluation.getReturned(), value) ||
        llvm::any_of(evaluation[value].users,
                     [&](unsigned user) { return evaluation[user].isLeaf; }))
      return true;
  }
  return false;
}

/// Whether u is the gradient of y of a batch norm of which only the parameters' gradients are
/// computed.
bool BatchNormSearch::tryParameterGradients(BatchNormMatch &match, const MatchMath &math,
                                            unsigned u, ArrayRef<double> xhat) {
  auto found = sums.find({u, match.channelDim});
  int64_t channels = tables.getFullClass(match.x).shape[match.channelDim];
  SmallVector<unsigned> gammaGrads = tables.findRow(
      channels, math.scaled(math.correlation(math.contents(u), xhat), math.getCount()));
  llvm::erase_if(gammaGrads, [&](unsigned value) { return value <= u; });
  if (gammaGrads.empty() || feedsFull(u))
    return false;
  match.dy = match.dyPart = match.dz = u;
  match.gammaGrads.assign(gammaGrads.begin(), gammaGrads.end());
  if (found != sums.end())
    match.betaGrads.assign(found->second.sums.begin(), found->second.sums.end());
  return true;
}

/// The values that are the gradients of gamma and beta for the match's dy, but those that are 0.
void BatchNormSearch::findParameterGradients(BatchNormMatch &match, const MatchMath &math,
                                             ArrayRef<double> xhat) {
  int64_t channels = tables.getFullClass(match.x).shape[match.channelDim];
  ArrayRef<double> dy = math.contents(*match.dy);
  auto findSum = [&](const ChannelRow &row, SmallVectorImpl<unsigned> &grads) {
    grads.clear();
    if (getLargest(row) > 1e-9 * getLargest(dy))
      grads.assign(tables.findRow(channels, math.scaled(row, math.getCount())));
  };
  findSum(math.correlation(dy, xhat), match.gammaGrads);
  findSum(math.means(dy), match.betaGrads);
}

/// Lets a match whose equations did not hold try the next candidate for dy.
bool BatchNormSearch::retry(BatchNormMatch &match) {
  if (match.otherGradients.empty())
    return false;
  match.dy = match.dyPart = match.dz = match.otherGradients.pop_back_val();
  match.problem.clear();
  MatchMath math(tables, match);
  findParameterGradients(match, math, math.normalized(math.contents(match.x)));
  match.dropActivation();
  searchActivation(match);
  collectCopies(match);
  return true;
}

/// Without the parameters' gradients (absent, frozen, or zero because the gradient comes from
/// another batch norm): dx is a value of zero sum, dy is among what it is computed from.
bool BatchNormSearch::searchZeroSum(BatchNormMatch &match, const MatchMath &math,
                                    ArrayRef<double> xhat, ArrayRef<unsigned> closure,
                                    double tolerance) {
  auto all = [](unsigned) { return true; };
  for (unsigned v : closure) {
    if (v <= match.y || tables.getClass(v) != math.getClass())
      continue;
    ArrayRef<double> vs = math.contents(v);
    double largest = getLargest(vs);
    if (largest < 1e-12 || getLargest(math.means(vs)) > 1e-6 * largest)
      continue;
    SmallVector<std::tuple<int, bool, unsigned>> candidates;
    for (unsigned u : reach({v}, /*forward=*/false, 30, 400, all)) {
      if (u <= match.y || tables.getClass(u) != math.getClass())
        continue;
      double error = getError(math.inputGrad(math.contents(u), xhat), vs);
      if (!(error <= tolerance))
        continue;
      // The closest by orders of magnitude; of equals, a gradient that has a sum is the one that
      // others are centred from.
      int magnitude = std::lround(std::log10(error + 1e-12) / 2);
      bool centred = getLargest(math.means(math.contents(u))) < 1e-6 * getLargest(math.contents(u));
      candidates.emplace_back(magnitude, centred, u);
    }
    if (candidates.empty())
      continue;
    llvm::sort(candidates);
    unsigned u = std::get<2>(candidates.front());
    for (auto &candidate : llvm::reverse(llvm::drop_begin(candidates)))
      match.otherGradients.push_back(std::get<2>(candidate));
    match.dy = match.dyPart = match.dz = u;
    match.dx = v;
    findParameterGradients(match, math, xhat);
    return true;
  }
  return false;
}

void BatchNormSearch::searchBackward(BatchNormMatch &match) {
  MatchMath math(tables, match);
  std::vector<double> xhat = math.normalized(math.contents(match.x));
  auto follow = [&](unsigned value) { return !evaluation[value].isLeaf; };
  SmallVector<unsigned> closure = reach({match.x}, /*forward=*/true, 40, 2000, follow);
  // dy is computed from x (phi' reads y), or is read by what is.
  llvm::SmallDenseSet<unsigned, 64> seen;
  SmallVector<unsigned> gradients;
  auto consider = [&](unsigned u) {
    if (u > match.y && tables.isFull(u) && tables.getClass(u) == math.getClass() &&
        seen.insert(u).second)
      gradients.push_back(u);
  };
  for (unsigned value : closure) {
    consider(value);
    for (unsigned operand : evaluation[value].operands) {
      consider(operand);
      // A copy, a cast or a broadcast may stand between.
      for (unsigned source : evaluation[operand].operands)
        consider(source);
    }
  }
  llvm::sort(gradients);
  // What differs from dy by a per-channel number or a multiple of xhat gives nearly the same dx,
  // since both are taken out again, up to epsilon: the close matches come first.
  for (double tolerance : {kTolerance / 10, kTolerance}) {
    for (unsigned u : gradients)
      if (tryGradient(match, math, u, xhat, closure, tolerance))
        return;
    if (searchZeroSum(match, math, xhat, closure, tolerance))
      return;
  }
  // The input may need no gradient.
  for (unsigned u : gradients)
    if (tryParameterGradients(match, math, u, xhat))
      return;
}
