// Which activation makes z of y, from their contents.
#ifndef ABN_LIB_RECOGNIZE_ACTIVATIONFIT_H
#define ABN_LIB_RECOGNIZE_ACTIVATIONFIT_H

#include "ActivationBodies.h"
#include "abn/Recognize/BatchNormSearch.h"

namespace mlir::abn {

/// The decimal number that a constant was most likely written as: the shortest that rounds to the
/// same f32, or 12 digits.
double snapConstant(double value);

/// An activation and, for prelu, the per-channel value that holds its slopes.
struct ActivationFit {
  ActivationAttrInterface phi;
  std::optional<unsigned> param;
};

/// The activation's `form` of `ys`, contents in the layout of `math`; the slopes of prelu are those
/// of `evaluation`, which also holds the result.
ArrayRef<double> evaluate(const ActivationFit &fit, ActivationBodies::Form form,
                          ArrayRef<double> ys, const MatchMath &math, ActivationBodies &bodies,
                          Evaluation &evaluation);

/// Fits activations to one match's y.
class ActivationFitter {
public:
  ActivationFitter(Evaluation &evaluation, const ValueTables &tables, const BatchNormMatch &match,
                   ActivationBodies &bodies);

  /// Whether z can be a function of y: near ys have near zs. Turns most values down at once.
  bool isFunction(unsigned z) const;
  /// The activation that gives `z`, if it is one of the family and not the identity. `constants`
  /// are numbers that z is computed with: candidates for scales inside of an activation.
  std::optional<ActivationFit> fit(unsigned z, ArrayRef<double> constants);
  /// phi(y) or phi'(y), in the layout of y's class.
  ArrayRef<double> evaluate(const ActivationFit &fit, ActivationBodies::Form form) {
    return abn::evaluate(fit, form, ys, math, bodies, evaluation);
  }

private:
  bool agrees(ArrayRef<double> a, ArrayRef<double> b) const;
  bool gives(ActivationAttrInterface phi, ArrayRef<double> z);
  std::optional<double> constantRatio(ArrayRef<double> z, double inputScale, bool exponential,
                                      bool positive) const;
  SmallVector<double> getScales() const;
  ActivationAttrInterface fitKinked(ArrayRef<double> z);
  std::optional<ActivationFit> fitPrelu(ArrayRef<double> z);
  ActivationAttrInterface fitFixed(ArrayRef<double> z);
  ActivationAttrInterface fitClipped(ArrayRef<double> z);
  ActivationAttrInterface fitScaled(ArrayRef<double> z);

  Evaluation &evaluation;
  const ValueTables &tables;
  const BatchNormMatch &match;
  ArrayRef<double> constants;
  ActivationBodies &bodies;
  MatchMath math;
  ArrayRef<double> ys;
  /// Some elements of y, to turn down most candidates early, and their positions.
  TinyArray sample;
  SmallVector<size_t, 32> positions;
  /// Pairs of elements whose ys are next to each other.
  SmallVector<std::pair<size_t, size_t>, 16> neighbours;
  ArrayArena sampleArena, scratch;
  MLIRContext *context;
};

} // namespace mlir::abn

#endif // ABN_LIB_RECOGNIZE_ACTIVATIONFIT_H
