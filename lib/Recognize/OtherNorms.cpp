// Normalisations over other dimensions than all but one (layer, group, instance norm) are other
// functions and left alone; that they were seen is worth a remark.
#include "abn/Recognize/BatchNormSearch.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include <cmath>
#include <set>

using namespace mlir;
using namespace mlir::abn;

namespace {
/// A sum of a full value over some of its dimensions.
struct Sum {
  unsigned operand;
  /// The dimensions that are summed, those of extent 1 apart.
  SmallVector<int64_t, 4> dims;
};
} // namespace

/// The sum that `op` is, of its only input.
static std::optional<Sum> matchSum(const Evaluation &evaluation, const ValueTables &tables,
                                   Operation *op) {
  auto linalgOp = dyn_cast_or_null<linalg::LinalgOp>(op);
  if (!linalgOp || linalgOp.getNumReductionLoops() == 0 || linalgOp.getNumDpsInputs() != 1 ||
      linalgOp.getNumDpsInits() != 1)
    return std::nullopt;
  std::optional<unsigned> operand = evaluation.find(op->getOperand(0));
  if (!operand || !tables.isFull(*operand))
    return std::nullopt;
  AffineMap input = linalgOp.getMatchingIndexingMap(linalgOp.getDpsInputOperand(0));
  AffineMap output = linalgOp.getMatchingIndexingMap(linalgOp.getDpsInitOperand(0));
  Sum sum{*operand, {}};
  for (auto [dim, expr] : llvm::enumerate(input.getResults())) {
    auto loop = dyn_cast<AffineDimExpr>(expr);
    if (loop && !output.isFunctionOfDim(loop.getPosition()) && evaluation[*operand].shape[dim] > 1)
      sum.dims.push_back(dim);
  }
  return sum;
}

/// The square of x, and of x less its mean over `dims`.
static std::array<std::vector<double>, 2> getSquares(const FullClass &info, const double *x,
                                                     ArrayRef<int64_t> dims) {
  size_t total = kTrials * info.count;
  std::vector<size_t> group(total);
  std::vector<double> sums, counts;
  std::map<std::vector<int64_t>, size_t> ids;
  for (size_t i = 0; i < total; ++i) {
    std::vector<int64_t> key = {static_cast<int64_t>(i) / info.count};
    for (int64_t dim = 0, e = info.shape.size(); dim < e; ++dim)
      if (!llvm::is_contained(dims, dim))
        key.push_back(info.views[dim].channelOf[i % info.count]);
    group[i] = ids.try_emplace(key, ids.size()).first->second;
    sums.resize(ids.size());
    counts.resize(ids.size());
    sums[group[i]] += x[i];
    ++counts[group[i]];
  }
  std::array<std::vector<double>, 2> squares;
  for (size_t i = 0; i < total; ++i) {
    double centred = x[i] - sums[group[i]] / counts[group[i]];
    squares[0].push_back(x[i] * x[i]);
    squares[1].push_back(centred * centred);
  }
  return squares;
}

/// Whether a value is the input of a batch norm that was found, or that less a per-channel number:
/// its sums may be taken in stages, over some of the dimensions first.
bool BatchNormSearch::isPartOfMatch(unsigned value) {
  for (const std::vector<BatchNormMatch> *found : {&given, &matches})
    for (const BatchNormMatch &match : *found) {
      if (match.isActivationOnly || tables.getClass(match.x) != tables.getClass(value))
        continue;
      BatchNormMatch same;
      same.x = value;
      same.channelDim = match.channelDim;
      measure(same, MatchMath(tables, same));
      if (isClose(same.variance, match.variance, kTolerance))
        return true;
    }
  return false;
}

void BatchNormSearch::findOtherNorms() {
  std::set<std::pair<unsigned, SmallVector<int64_t, 4>>> summed;
  std::vector<Sum> candidates;
  for (const EvaluatedValue &value : evaluation.getValues()) {
    std::optional<Sum> sum = matchSum(evaluation, tables, value.value.getDefiningOp());
    if (!sum || sum->dims.empty())
      continue;
    unsigned first = tables.findEqual(sum->operand).front();
    unsigned large = llvm::count_if(evaluation[first].shape, [](int64_t size) { return size > 1; });
    if (!summed.insert({first, sum->dims}).second || large == sum->dims.size() + 1)
      continue;
    candidates.push_back({first, sum->dims});
  }
  for (const Sum &sum : candidates) {
    int cls = tables.getClass(sum.operand);
    const FullClass &info = tables.getClassInfo(cls);
    bool hasSquare = false;
    for (const std::vector<double> &square :
         getSquares(info, tables.getContents(sum.operand), sum.dims))
      for (unsigned equal : tables.findFull(cls, square))
        hasSquare |= summed.count({equal, sum.dims}) > 0 && equal != sum.operand;
    if (!hasSquare || isPartOfMatch(sum.operand))
      continue;
    std::string dims;
    for (int64_t dim : sum.dims)
      dims += (dims.empty() ? "" : ", ") + std::to_string(dim);
    refused.push_back(
        {sum.operand,
         "its statistics are over dimensions " + dims + ", not over all but the channel",
         {}});
  }
}
