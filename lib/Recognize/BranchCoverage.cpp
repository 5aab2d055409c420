// The second guard: what a match replaces must have shown all of its branches.
#include "MatchVerifier.h"
#include "abn/Analysis/TrainingStep.h"
#include <cmath>

using namespace mlir;
using namespace mlir::abn;

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

/// Where a match begins: its inputs.
static llvm::SmallDenseSet<unsigned, 64> getStops(const BatchNormMatch &match) {
  llvm::SmallDenseSet<unsigned, 64> stops = {match.x};
  for (std::optional<unsigned> stop :
       {match.dz, match.gamma, match.beta, match.residual, match.param})
    if (stop)
      stops.insert(*stop);
  // The batch norm's own op, or the sum, is not replaced.
  if (match.keepsBatchNorm())
    stops.insert(match.y);
  // dy's other terms are not either.
  if (match.dy && match.dy != match.dyPart)
    stops.insert(*match.dy);
  return stops;
}

/// What `roots` are computed from, up to `visited`.
SmallVector<unsigned> MatchVerifier::collectRegion(ArrayRef<unsigned> roots,
                                                   llvm::SmallDenseSet<unsigned, 64> visited) {
  SmallVector<unsigned> worklist(roots), region;
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

/// A value that `roots` are computed from by an op with an outcome that was never seen.
std::optional<unsigned> MatchVerifier::findUnseen(const BatchNormMatch &match,
                                                  ArrayRef<unsigned> roots,
                                                  const llvm::SmallDenseSet<unsigned, 64> &stops) {
  for (unsigned index : collectRegion(roots, stops)) {
    auto it = seen.find(index);
    if (it == seen.end())
      continue;
    for (auto [outcome, branch] : llvm::zip(it->second, evaluation[index].branches))
      if (!(outcome.first && outcome.second) && !isExempt(match, branch))
        return index;
  }
  return std::nullopt;
}

std::optional<unsigned> MatchVerifier::findUnseen(const BatchNormMatch &match) {
  SmallVector<unsigned> roots = {match.y, match.z};
  if (match.hasBackward()) {
    roots.push_back(*match.dyPart);
    if (match.dx && !match.keepsBatchNorm())
      roots.push_back(*match.dx);
  }
  return findUnseen(match, roots, getStops(match));
}

/// Leaves values alone that are equal to what the match replaces as far as their branches were
/// seen: a clipped copy that was never clipped.
void MatchVerifier::dropUnseenCopies(BatchNormMatch &match) {
  llvm::SmallDenseSet<unsigned, 64> stops = getStops(match);
  for (auto &entry : match.copies)
    stops.insert(entry.first);
  auto isUnseen = [&](unsigned value) { return findUnseen(match, {value}, stops).has_value(); };
  for (auto &entry : match.copies)
    llvm::erase_if(entry.second,
                   [&](unsigned copy) { return copy != entry.first && isUnseen(copy); });
  llvm::erase_if(match.statistics, [&](const auto &entry) { return isUnseen(entry.value); });
  llvm::erase_if(match.gammaGrads, isUnseen);
  llvm::erase_if(match.betaGrads, isUnseen);
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
    dropUnseenCopies(match);
    if (unseen)
      match.problem = "an outcome of a comparison or clamp in it (" +
                      describeLocation(evaluation[*unseen].value.getLoc()) + ") was never seen";
  }
}
