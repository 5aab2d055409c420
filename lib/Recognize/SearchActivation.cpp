// The activation: z is an elementwise function of y that is in the family, and some dz gives
// dy = dz*phi'(y), or a term of dy if y has other readers. Of several z the latest is taken (relu6
// contains relu), of several dz the earliest.
#include "ActivationFit.h"
#include "abn/Recognize/BatchNormSearch.h"
#include <cmath>

using namespace mlir;
using namespace mlir::abn;

/// The numbers that are operands of what is computed from y on the way to `values`.
static SmallVector<double> collectConstants(const Evaluation &evaluation,
                                            ArrayRef<unsigned> values) {
  SmallVector<double> constants;
  for (unsigned index : values)
    for (unsigned operand : evaluation[index].operands) {
      const TinyArray &array = evaluation[operand].array;
      double number = array.data[0];
      bool isConstant = array.getCount() == 1 && std::isfinite(number) && number != 0 &&
                        llvm::all_equal(array.getContents());
      if (isConstant && number != 1 && !llvm::is_contained(constants, number) &&
          constants.size() < 8)
        constants.push_back(number);
    }
  return constants;
}

void BatchNormSearch::searchActivation(BatchNormMatch &match) {
  int cls = tables.getClass(match.y);
  auto follow = [&](unsigned value) { return !evaluation[value].isLeaf; };
  SmallVector<unsigned> copies = tables.findEqual(match.y);
  SmallVector<unsigned> forward = reach(copies, /*forward=*/true, 10, 400, follow);
  SmallVector<double> constants = collectConstants(evaluation, forward);
  ActivationFitter fitter(evaluation, tables, match, constants, bodies);
  SmallVector<std::pair<unsigned, ActivationFit>> fits;
  for (unsigned z : forward)
    if (tables.isFull(z) && tables.getClass(z) == cls && z > match.y &&
        (!match.dy || z < *match.dy || !match.hasBackward()))
      if (std::optional<ActivationFit> fit = fitter.fit(z))
        fits.push_back({z, *fit});
  llvm::sort(fits, [](const auto &a, const auto &b) { return a.first > b.first; });
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
  MatchMath math(tables, match);
  ArrayRef<double> dy = math.contents(*match.dy);
  SmallVector<unsigned> gradients = reach(tables.findEqual(*match.dy), /*forward=*/false, 12, 80, all);
  llvm::SmallDenseSet<unsigned> ancestors(gradients.begin(), gradients.end());
  gradients.push_back(*match.dy);
  llvm::erase_if(gradients, [&](unsigned u) { return !tables.isFull(u) || tables.getClass(u) != cls; });
  llvm::sort(gradients);
  for (auto &[z, fit] : fits) {
    ArrayRef<double> slope = fitter.evaluate(fit, ActivationBodies::Form::Derivative);
    std::optional<std::pair<unsigned, unsigned>> partial;
    for (unsigned u : gradients) {
      if (u == z)
        continue;
      ArrayRef<double> us = math.contents(u);
      std::vector<double> product(us.size());
      for (size_t i = 0; i < us.size(); ++i)
        product[i] = us[i] * slope[i];
      if (isClose(product, dy, kTolerance)) {
        take(z, fit);
        match.dz = u;
        return;
      }
      // With another reader of y, dy is a sum of which this is a term.
      if (partial)
        continue;
      for (unsigned term : tables.findFull(cls, product))
        if (ancestors.contains(term) && term != u) {
          partial = {u, term};
          break;
        }
    }
    if (partial) {
      take(z, fit);
      std::tie(match.dz, match.dyPart) = *partial;
      return;
    }
  }
}
