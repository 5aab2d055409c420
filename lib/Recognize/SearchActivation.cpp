// The activation: z is an elementwise function of y that is in the family, and some dz gives
// dy = dz*phi'(y), or a term of dy if y has other readers. Of several z the latest is taken (relu6
// contains relu), of several dz the earliest.
#include "ActivationFit.h"
#include "abn/Recognize/BatchNormSearch.h"
#include <cmath>

using namespace mlir;
using namespace mlir::abn;

/// The numbers that `z` is computed with, on the way from y through the values `between`.
static SmallVector<double> collectConstants(const Evaluation &evaluation, unsigned z,
                                            const llvm::SmallDenseSet<unsigned> &between) {
  constexpr unsigned kMaxConstants = 8;
  SmallVector<double> constants;
  SmallVector<unsigned> worklist = {z};
  llvm::SmallDenseSet<unsigned> seen = {z};
  while (!worklist.empty() && constants.size() < kMaxConstants) {
    for (unsigned operand : evaluation[worklist.pop_back_val()].operands) {
      if (!seen.insert(operand).second)
        continue;
      if (between.contains(operand))
        worklist.push_back(operand);
      const TinyArray &array = evaluation[operand].array;
      double number = array.data[0];
      if (array.getCount() == 1 && std::isfinite(number) && number != 0 && number != 1 &&
          llvm::all_equal(array.getContents()) && !llvm::is_contained(constants, number))
        constants.push_back(number);
    }
  }
  return constants;
}

static std::vector<double> multiply(ArrayRef<double> a, ArrayRef<double> b) {
  std::vector<double> product(a.size());
  for (size_t i = 0; i < a.size(); ++i)
    product[i] = a[i] * b[i];
  return product;
}

void BatchNormSearch::searchActivation(BatchNormMatch &match) {
  auto follow = [&](unsigned value) { return !evaluation[value].isLeaf; };
  SmallVector<unsigned> copies = tables.findEqual(match.y);
  llvm::append_range(copies, tables.findReshaped(match.y));
  SmallVector<unsigned> forward = reach(copies, /*forward=*/true, 10, 400, follow);
  llvm::SmallDenseSet<unsigned> isForward(forward.begin(), forward.end());
  isForward.insert(copies.begin(), copies.end());
  ActivationFitter fitter(evaluation, tables, match, bodies);
  SmallVector<std::pair<unsigned, ActivationFit>> fits;
  for (unsigned z : forward)
    if (tables.haveSameElements(z, match.y) && z > match.y && fitter.isFunction(z))
      if (std::optional<ActivationFit> fit =
              fitter.fit(z, collectConstants(evaluation, z, isForward)))
        fits.push_back({z, *fit});
  // A scaled form may be the activation with something behind it: it comes last.
  llvm::sort(fits, [](const auto &a, const auto &b) {
    auto rank = [](const auto &fit) {
      return std::make_pair(isa<ScaledAttr>(fit.second.phi), ~fit.first);
    };
    return rank(a) < rank(b);
  });
  if (fits.empty())
    return;
  auto take = [&](unsigned z, const ActivationFit &fit) {
    match.z = tables.findEqual(z).front();
    match.phi = fit.phi;
    match.param = fit.param;
  };
  if (!match.hasBackward())
    return take(fits.front().first, fits.front().second);

  auto all = [](unsigned) { return true; };
  SmallVector<unsigned> ancestors =
      reach(tables.findEqual(*match.dy), /*forward=*/false, 12, 80, all);
  for (auto &[z, fit] : fits) {
    ArrayRef<double> slope = fitter.evaluate(fit, ActivationBodies::Form::Derivative);
    if (findGradient(match, slope, ancestors, isForward) ||
        findBroadcastGradient(match, slope, ancestors))
      return take(z, fit);
  }
}

/// The values that add up to `sum`, copies and partial sums included.
SmallVector<unsigned> BatchNormSearch::findTerms(unsigned sum) const {
  SmallVector<unsigned> worklist = tables.findEqual(sum), terms;
  llvm::SmallDenseSet<unsigned> seen(worklist.begin(), worklist.end());
  size_t total = kTrials * tables.getFullClass(sum).count;
  auto contents = [&](unsigned value) {
    return ArrayRef<double>(tables.getContents(value), total);
  };
  while (!worklist.empty() && terms.size() < 32) {
    unsigned value = worklist.pop_back_val();
    SmallVector<unsigned, 2> full;
    for (unsigned operand : evaluation[value].operands)
      if (tables.isFull(operand) && tables.getClass(operand) == tables.getClass(sum))
        full.push_back(operand);
    if (full.size() != 2 || evaluation[value].isLeaf)
      continue;
    std::vector<double> both(total);
    for (size_t i = 0; i < total; ++i)
      both[i] = contents(full[0])[i] + contents(full[1])[i];
    if (!isClose(both, contents(value), kTolerance))
      continue;
    for (unsigned term : full)
      for (unsigned copy : tables.findEqual(term))
        if (seen.insert(copy).second) {
          worklist.push_back(copy);
          terms.push_back(copy);
        }
  }
  return terms;
}

/// The earliest dz with dz*phi' = dy. Else, since dy is a sum if y has another reader, with a term
/// of dy. Else, since a gradient may be scaled or clipped on its way, with something dy is computed
/// from, for a dz that is no function of y itself.
bool BatchNormSearch::findGradient(BatchNormMatch &match, ArrayRef<double> slope,
                                   ArrayRef<unsigned> ancestors,
                                   const llvm::SmallDenseSet<unsigned> &isForward) {
  MatchMath math(tables, match);
  ArrayRef<double> dy = math.contents(*match.dy);
  SmallVector<unsigned> gradients(ancestors);
  gradients.push_back(*match.dy);
  llvm::erase_if(gradients,
                 [&](unsigned u) { return !tables.haveSameElements(u, match.y) || u < match.y; });
  llvm::sort(gradients);
  for (unsigned u : gradients)
    if (isClose(multiply(math.contents(u), slope), dy, kTolerance)) {
      match.dz = u;
      return true;
    }
  SmallVector<unsigned> terms = findTerms(*match.dy);
  llvm::SmallDenseSet<unsigned> isTerm(terms.begin(), terms.end());
  llvm::SmallDenseSet<unsigned> isAncestor(ancestors.begin(), ancestors.end());
  for (const llvm::SmallDenseSet<unsigned> *allowed : {&isTerm, &isAncestor})
    for (unsigned u : gradients)
      for (unsigned term : tables.findFull(math.getClass(), multiply(math.contents(u), slope)))
        if (allowed->contains(term) && term != u &&
            (allowed == &isTerm || !isForward.contains(u))) {
          match.dz = u;
          match.dyPart = term;
          return true;
        }
  return false;
}

TinyArray mlir::abn::broadcastAlong(ArrayArena &arena, const TinyArray &array,
                                    ArrayRef<int64_t> axes, ArrayRef<int64_t> sizes) {
  SmallVector<int64_t, 5> order(sizes.size(), -1);
  for (auto [dim, axis] : llvm::enumerate(axes))
    order[axis] = dim;
  return broadcast(arena, permute(arena, array, order), sizes);
}

/// Calls `visit` with the ways in which the dimensions of `part` can be some of those of `whole`,
/// in order, until it returns true.
static bool forEachEmbedding(ArrayRef<int64_t> part, ArrayRef<int64_t> whole,
                             SmallVectorImpl<int64_t> &axes,
                             llvm::function_ref<bool(ArrayRef<int64_t>)> visit) {
  if (axes.size() == part.size())
    return visit(axes);
  for (int64_t axis = axes.empty() ? 0 : axes.back() + 1, e = whole.size(); axis < e; ++axis) {
    if (whole[axis] != part[axes.size()])
      continue;
    axes.push_back(axis);
    if (forEachEmbedding(part, whole, axes, visit))
      return true;
    axes.pop_back();
  }
  return false;
}

/// After fusion a dz that is constant along some dimensions may be there before its broadcast only.
bool BatchNormSearch::findBroadcastGradient(BatchNormMatch &match, ArrayRef<double> slope,
                                            ArrayRef<unsigned> ancestors) {
  MatchMath math(tables, match);
  const FullClass &layout = math.getLayout();
  ArrayRef<double> dy = math.contents(*match.dy);
  SmallVector<unsigned> sorted(ancestors);
  llvm::sort(sorted);
  for (unsigned u : sorted) {
    const EvaluatedValue &value = evaluation[u];
    if (u < match.y || value.shape.empty() || value.shape.size() >= layout.shape.size() ||
        !isa<FloatType>(getElementTypeOrSelf(value.value.getType())))
      continue;
    SmallVector<int64_t> axes;
    bool found =
        forEachEmbedding(value.shape, layout.shape, axes, [&](ArrayRef<int64_t> candidate) {
          TinyArray full =
              broadcastAlong(evaluation.getArena(), value.array, candidate, layout.sizes);
          return isClose(multiply(full.getContents(), slope), dy, kTolerance);
        });
    if (!found)
      continue;
    match.dz = u;
    match.dzAxes.assign(axes.begin(), axes.end());
    return true;
  }
  return false;
}

/// Where a batch norm's output goes into a residual sum, its dy is the sum's gradient too: the
/// activation behind the sum is found like one behind the batch norm.
void BatchNormSearch::addSums() {
  llvm::SmallDenseSet<unsigned> tried;
  std::vector<BatchNormMatch> found;
  auto visit = [&](const BatchNormMatch &norm) {
    if (norm.hasActivation() || !norm.hasBackward())
      return;
    int cls = tables.getClass(norm.y);
    for (unsigned copy : tables.findEqual(norm.y))
      for (unsigned sum : evaluation[copy].users) {
        if (!tables.isFull(sum) || tables.getClass(sum) != cls || evaluation[sum].isLeaf ||
            sum >= *norm.dy || !tried.insert(sum).second)
          continue;
        BatchNormMatch match;
        match.isActivationOnly = true;
        match.x = match.y = match.z = sum;
        match.channelDim = norm.channelDim;
        match.dy = match.dx = match.dyPart = match.dz = norm.dy;
        searchActivation(match);
        if (match.hasActivation())
          found.push_back(std::move(match));
      }
  };
  for (const BatchNormMatch &norm : given)
    visit(norm);
  for (const BatchNormMatch &norm : matches)
    visit(norm);
  llvm::append_range(matches, found);
}
