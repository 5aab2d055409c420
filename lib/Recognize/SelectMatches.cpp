// From candidates to matches: one of the copies of each batch norm, those that are there as ops,
// and what each replaces.
#include "abn/Recognize/BatchNormSearch.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace mlir::abn;

/// Whether a batch norm's channel may be this dimension: not the batch, and no part of what was one
/// dimension before a reshape (statistics of groups of channels).
bool BatchNormSearch::isChannel(unsigned x, int64_t dim) const {
  if (anyChannelDim)
    return true;
  const FullClass &info = tables.getFullClass(x);
  if (dim == 0)
    return false;
  auto expand = evaluation[x].value.getDefiningOp<tensor::ExpandShapeOp>();
  if (!expand)
    return true;
  for (const ReassociationIndices &group : expand.getReassociationIndices()) {
    unsigned large = llvm::count_if(group, [&](int64_t i) { return info.shape[i] > 1; });
    if (llvm::is_contained(group, dim) && large > 1)
      return false;
  }
  return true;
}

/// One batch norm shows as several candidates when x is copied (cast, or recomputed): the one with
/// a backward and an activation is taken, the earliest of equals.
void BatchNormSearch::chooseAmongCopies() {
  std::map<std::vector<int64_t>, std::vector<size_t>> groups;
  for (auto [i, match] : llvm::enumerate(candidates)) {
    std::vector<int64_t> key = {match.gamma ? *match.gamma : -1, match.beta ? *match.beta : -1,
                                match.channelDim};
    for (double v : match.variance)
      key.push_back(std::llround(std::log(v) * 1e5));
    groups[key].push_back(i);
  }
  for (auto &[key, members] : groups) {
    auto rank = [&](size_t i) {
      const BatchNormMatch &match = candidates[i];
      return std::make_tuple(!match.hasBackward(), !match.hasActivation(), match.x);
    };
    for (size_t i : members) {
      searchBackward(candidates[i]);
      searchActivation(candidates[i]);
    }
    size_t best = *std::min_element(members.begin(), members.end(),
                                    [&](size_t a, size_t b) { return rank(a) < rank(b); });
    BatchNormMatch &match = candidates[best];
    if (!isChannel(match.x, match.channelDim))
      refused.push_back({match.x,
                         "its channel would be dimension " + std::to_string(match.channelDim) +
                             "; see the option any-channel-dim",
                         {}});
    else
      matches.push_back(match);
  }
  addSums();
  // Given ones without an activation to find need nothing.
  for (BatchNormMatch &match : given)
    if (match.hasActivation())
      matches.push_back(match);
  llvm::erase_if(matches, [&](const BatchNormMatch &match) { return isKnown(match); });
  llvm::sort(matches, [](const auto &a, const auto &b) {
    return std::make_pair(a.x, a.y) < std::make_pair(b.x, b.y);
  });
}

/// The batch norms that the graph has as ops: only their activations are searched for.
void BatchNormSearch::addGiven() {
  for (auto [index, value] : llvm::enumerate(evaluation.getValues())) {
    auto op = value.value.getDefiningOp<BatchNormOp>();
    if (!op || value.value != op->getResult(0) || !tables.isFull(index))
      continue;
    BatchNormMatch match;
    match.given = op;
    match.x = *evaluation.find(op.getInput());
    match.y = match.z = index;
    match.channelDim = op.getChannelDim();
    match.epsilon = op.getEpsilon().convertToDouble();
    if (tables.getClass(match.x) != tables.getClass(match.y))
      continue;
    MatchMath math(tables, match);
    measure(match, math);
    match.gammaRow.assign(match.mean.size(), 1);
    match.betaRow.assign(match.mean.size(), 0);
    for (Operation *user : op.getInput().getUsers()) {
      auto grad = dyn_cast<BatchNormGradOp>(user);
      if (!grad || grad.getInput() != op.getInput() || grad.getMean() != op->getResult(1) ||
          grad.getVariance() != op->getResult(2))
        continue;
      std::optional<unsigned> dy = evaluation.find(grad.getOutputGrad());
      if (!dy || !tables.isFull(*dy) || tables.getClass(*dy) != tables.getClass(match.x))
        continue;
      match.dx = evaluation.find(grad->getResult(0));
      match.dy = match.dyPart = match.dz = dy;
    }
    searchActivation(match);
    given.push_back(std::move(match));
  }
}

/// A transposed or cast copy of an input that was taken needs no remark.
void BatchNormSearch::dropExplained() {
  llvm::erase_if(refused, [&](const RefusedMatch &candidate) {
    return llvm::any_of(matches, [&](const BatchNormMatch &match) {
      return !match.isActivationOnly && !candidate.variance.empty() &&
             candidate.variance.size() == match.variance.size() &&
             isClose(candidate.variance, match.variance, kTolerance);
    });
  });
}

/// All that a match replaces. Values that are equal in this evaluation only drop out when the match
/// is checked at other scales.
void BatchNormSearch::collectCopies(BatchNormMatch &match) {
  match.copies.clear();
  match.statistics.clear();
  for (std::optional<unsigned> value : {std::optional<unsigned>(match.y),
                                        std::optional<unsigned>(match.z), match.dyPart, match.dx}) {
    if (!value)
      continue;
    SmallVector<unsigned> equal = tables.findEqual(*value);
    llvm::append_range(equal, tables.findReshaped(*value));
    match.copies[*value].assign(equal.begin(), equal.end());
  }
  const FullClass &info = tables.getFullClass(match.x);
  int64_t channels = info.shape[match.channelDim];
  double count = info.views[match.channelDim].count;
  auto collect = [&](const ChannelRow &row, bool isVariance, double factor) {
    ChannelRow scaled = row;
    for (double &x : scaled)
      x *= factor;
    for (unsigned value : tables.findRow(channels, scaled))
      if (!evaluation[value].isLeaf)
        match.statistics.push_back({value, isVariance, factor});
  };
  collect(match.mean, false, 1);
  collect(match.variance, true, 1);
  // The true count is not a constant where the shape is dynamic.
  if (!cast<RankedTensorType>(evaluation[match.x].value.getType()).hasStaticShape())
    return;
  collect(match.mean, false, count);
  collect(match.variance, true, count);
  if (count > 1)
    collect(match.variance, true, count / (count - 1));
}

/// Whether all that a match would emit is there as abn ops already.
bool BatchNormSearch::isKnown(const BatchNormMatch &match) const {
  if (!match.keepsBatchNorm() || !evaluation[match.z].value.getDefiningOp<ActivationOp>())
    return false;
  return !match.hasBackward() ||
         evaluation[*match.dyPart].value.getDefiningOp<ActivationGradOp>() != nullptr;
}

void BatchNormSearch::run() {

  findSums();
  addGiven();
  for (auto &[key, found] : sums) {
    auto [x, channelDim] = key;
    searchForward(x, channelDim);
  }
  chooseAmongCopies();
  for (BatchNormMatch &match : matches)
    collectCopies(match);
  dropExplained();
  findOtherNorms();
}
