// The activation family: closed forms are evaluated and compared; parameters (slopes, scales,
// bounds) are read off the contents first.
#include "ActivationFit.h"
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numeric>

using namespace mlir;
using namespace mlir::abn;

double mlir::abn::snapConstant(double value) {
  char text[64];
  float narrow = static_cast<float>(value);
  if (std::fabs(narrow - value) <= 1e-11 * std::fabs(value)) {
    for (int digits = 1; digits <= 9; ++digits) {
      std::snprintf(text, sizeof(text), "%.*g", digits, static_cast<double>(narrow));
      if (std::strtof(text, nullptr) == narrow)
        break;
    }
  } else {
    std::snprintf(text, sizeof(text), "%.12g", value);
  }
  return std::strtod(text, nullptr);
}

ArrayRef<double> mlir::abn::evaluate(const ActivationFit &fit, ActivationBodies::Form form,
                                     ArrayRef<double> ys, const MatchMath &math,
                                     ActivationBodies &bodies, Evaluation &evaluation) {
  ArrayArena &arena = evaluation.getArena();
  TinyArray y;
  y.sizes = math.getLayout().sizes;
  y.data = const_cast<double *>(ys.data());
  SmallVector<TinyArray, 1> params;
  if (fit.param) {
    TinyArray param = evaluation[*fit.param].array;
    param.sizes.assign(1, param.getCount());
    SmallVector<int64_t, 5> order(y.getRank(), -1);
    order[math.getChannelDim()] = 0;
    params.push_back(permute(arena, param, order));
  }
  TinyArray result = bodies.evaluate(fit.phi, form, y, params, arena);
  return broadcast(arena, result, y.sizes).getContents();
}

ActivationFitter::ActivationFitter(Evaluation &evaluation, const ValueTables &tables,
                                   const BatchNormMatch &match, ActivationBodies &bodies)
    : evaluation(evaluation), tables(tables), match(match), bodies(bodies), math(tables, match),
      ys(math.contents(match.y)), context(evaluation[match.y].value.getContext()) {
  constexpr size_t kSamples = 5;
  sample = sampleArena.allocate({static_cast<int64_t>(kSamples)});
  size_t count = ys.size() / kTrials;
  for (size_t i = 0; i < kTrials * kSamples; ++i) {
    // Spread over all axes.
    positions.push_back(i / kSamples * count + (i * 7919 + 13) % count);
    sample.data[i] = ys[positions.back()];
  }
  std::vector<size_t> order(ys.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::make_pair(ys[a], a) < std::make_pair(ys[b], b);
  });
  for (size_t i = 0; i + 1 < order.size(); ++i)
    neighbours.push_back({order[i], order[i + 1]});
  constexpr size_t kNeighbours = 16;
  llvm::sort(neighbours, [&](const auto &a, const auto &b) {
    return std::make_pair(ys[a.second] - ys[a.first], a) <
           std::make_pair(ys[b.second] - ys[b.first], b);
  });
  if (neighbours.size() > kNeighbours)
    neighbours.resize(kNeighbours);
}

bool ActivationFitter::isFunction(unsigned z) const {
  ArrayRef<double> zs = math.contents(z);
  // An activation's slope is of the size of its output over its input.
  double slope = 50 * getLargest(zs) / (getLargest(ys) + 1e-300);
  double rounding = kTolerance * getLargest(zs);
  return llvm::all_of(neighbours, [&](const auto &pair) {
    double step = ys[pair.second] - ys[pair.first];
    return std::fabs(zs[pair.second] - zs[pair.first]) <= slope * step + rounding;
  });
}

/// Equal within each trial's own scale: trials differ in size.
bool ActivationFitter::agrees(ArrayRef<double> a, ArrayRef<double> b) const {
  size_t count = a.size() / kTrials;
  for (size_t trial = 0; trial < kTrials; ++trial)
    if (!isClose(a.slice(trial * count, count), b.slice(trial * count, count), kTolerance))
      return false;
  return true;
}

bool ActivationFitter::gives(ActivationAttrInterface phi, ArrayRef<double> z) {
  scratch.reset();
  TinyArray few = bodies.evaluate(phi, ActivationBodies::Form::Apply, sample, {}, scratch);
  double bound = kTolerance * getLargest(z);
  for (auto [i, position] : llvm::enumerate(positions)) {
    // A constant phi has one element per trial.
    double got = few.data[few.getCount() == 1 ? i / sample.getCount() : i];
    if (!(std::fabs(got - z[position]) <= bound))
      return false;
  }
  return agrees(evaluate({phi, std::nullopt}, ActivationBodies::Form::Apply), z);
}

/// z/(k*y), or z/expm1(k*y), where it is one number for all y of a sign.
std::optional<double> ActivationFitter::constantRatio(ArrayRef<double> z, double inputScale,
                                                      bool exponential, bool positive) const {
  double smallest = INFINITY, largest = -INFINITY, bound = 1e-4 * getLargest(ys);
  for (auto [y, zi] : llvm::zip_equal(ys, z)) {
    if ((y > 0) != positive || std::fabs(y) < bound)
      continue;
    double scaled = inputScale * y, ratio = zi / (exponential ? std::expm1(scaled) : scaled);
    if (!std::isfinite(ratio))
      return std::nullopt;
    smallest = std::min(smallest, ratio);
    largest = std::max(largest, ratio);
  }
  if (!(smallest <= largest && largest - smallest <= 1e-5 * (1e-3 + std::fabs(largest))))
    return std::nullopt;
  return (smallest + largest) / 2;
}

/// What may scale y inside of an activation: 1, the graph's constants and their inverses.
SmallVector<double> ActivationFitter::getScales() const {
  SmallVector<double> scales = {1};
  for (double constant : constants)
    for (double scale : {std::fabs(constant), 1 / std::fabs(constant)})
      if (scale >= 1e-4 && scale <= 1e4)
        scales.push_back(scale);
  return scales;
}

/// Linear on the positive side: leaky relu, relu, and the elu family.
ActivationAttrInterface ActivationFitter::fitKinked(ArrayRef<double> z) {
  std::optional<double> scale = constantRatio(z, 1, false, true);
  if (!scale || !(*scale > 0))
    return nullptr;
  bool unit = std::fabs(*scale - 1) < kTolerance;
  SmallVector<ActivationAttrInterface> fits;
  if (std::optional<double> slope = constantRatio(z, 1, false, false)) {
    double relative = snapConstant(*slope / *scale);
    // A multiple of y is no activation.
    if (std::fabs(relative - 1) < kTolerance)
      return IdentityAttr::get(context);
    ActivationAttrInterface kinked = std::fabs(relative) < 1e-7
                                         ? ActivationAttrInterface(ReluAttr::get(context))
                                         : LeakyReluAttr::get(context, relative);
    if (!unit)
      kinked = ScaledAttr::get(context, kinked, 1.0, snapConstant(*scale));
    fits.push_back(kinked);
  }
  for (double inputScale : getScales()) {
    std::optional<double> low = constantRatio(z, inputScale, true, false);
    if (!low || !(*low > 0))
      continue;
    double alpha = snapConstant(*low / *scale), in = snapConstant(inputScale);
    if (gives(SeluAttr::get(context), z))
      fits.push_back(SeluAttr::get(context));
    else if (unit && in != 1 && std::fabs(alpha * in - 1) < 1e-6)
      fits.push_back(CeluAttr::get(context, alpha));
    fits.push_back(EluAttr::get(context, alpha, unit ? 1 : snapConstant(*scale), in));
  }
  for (ActivationAttrInterface phi : fits)
    if (gives(phi, z))
      return phi;
  return nullptr;
}

/// A slope that is one number per channel, or a scalar, and a value of the graph.
std::optional<ActivationFit> ActivationFitter::fitPrelu(ArrayRef<double> z) {
  ChannelRow slopes(kTrials * tables.getFullClass(match.y).views[match.channelDim].channels, NAN);
  double bound = kTolerance * getLargest(ys);
  for (size_t i = 0; i < ys.size(); ++i) {
    if (ys[i] > 0 && !(std::fabs(z[i] - ys[i]) <= bound))
      return std::nullopt;
    if (ys[i] < -1e-3 * getLargest(ys))
      slopes[math.rowOf(i)] = z[i] / ys[i];
  }
  if (llvm::all_of(slopes, [](double slope) { return std::isnan(slope); }))
    return std::nullopt;
  // A channel without a negative y says nothing of its slope.
  std::optional<unsigned> param;
  for (auto [value, contents] :
       tables.getRows(tables.getFullClass(match.y).shape[match.channelDim])) {
    bool fits = contents.size() == slopes.size();
    for (size_t i = 0; fits && i < slopes.size(); ++i)
      fits = std::isnan(slopes[i]) ||
             std::fabs(slopes[i] - contents[i]) <= 1e-5 * std::fabs(contents[i]);
    if (fits) {
      param = value;
      break;
    }
  }
  if (!param)
    return std::nullopt;
  ActivationFit fit{PreluAttr::get(context), param};
  if (!agrees(evaluate(fit, ActivationBodies::Form::Apply), z))
    return std::nullopt;
  return fit;
}

ActivationAttrInterface ActivationFitter::fitFixed(ArrayRef<double> z) {
  // PyTorch's threshold, above which softplus is the identity to f32's rounding.
  constexpr double kThreshold = 20;
  ActivationAttrInterface family[] = {
      SigmoidAttr::get(context),   TanhAttr::get(context),
      SiluAttr::get(context),      GeluAttr::get(context),
      GeluTanhAttr::get(context),  SoftplusAttr::get(context, 1.0, kThreshold),
      HardswishAttr::get(context), HardsigmoidAttr::get(context),
      MishAttr::get(context)};
  for (ActivationAttrInterface phi : family)
    if (gives(phi, z))
      return phi;
  return nullptr;
}

/// y between two bounds.
ActivationAttrInterface ActivationFitter::fitClipped(ArrayRef<double> z) {
  auto [low, high] = std::minmax_element(z.begin(), z.end());
  if (!(*low < *high))
    return nullptr;
  bool passes = false;
  for (auto [y, zi] : llvm::zip_equal(ys, z))
    passes |= y > *low && y < *high && std::fabs(zi - y) < 1e-9;
  if (!passes)
    return nullptr;
  auto phi = HardtanhAttr::get(context, snapConstant(*low), snapConstant(*high));
  return gives(phi, z) ? ActivationAttrInterface(phi) : nullptr;
}

/// s*phi(k*y) with k or 1/k among the graph's constants.
ActivationAttrInterface ActivationFitter::fitScaled(ArrayRef<double> z) {
  ActivationAttrInterface family[] = {SiluAttr::get(context), TanhAttr::get(context),
                                      SigmoidAttr::get(context),
                                      SoftplusAttr::get(context, 1.0, 20.0)};
  for (double inputScale : getScales()) {
    double in = snapConstant(inputScale);
    scratch.reset();
    TinyArray scaled = scratch.allocate(sample.sizes);
    for (size_t i = 0; i < positions.size(); ++i)
      scaled.data[i] = in * sample.data[i];
    for (ActivationAttrInterface base : family) {
      TinyArray values = bodies.evaluate(base, ActivationBodies::Form::Apply, scaled, {}, scratch);
      // The largest entry gives the output's scale, which all must share.
      size_t at = 0;
      for (size_t i = 0; i < positions.size(); ++i)
        if (std::fabs(values.data[i]) > std::fabs(values.data[at]))
          at = i;
      double ratio = z[positions[at]] / values.data[at];
      bool shared = true;
      for (size_t i = 0; i < positions.size(); ++i)
        shared &= std::fabs(ratio * values.data[i] - z[positions[i]]) <= kTolerance * getLargest(z);
      if (!shared)
        continue;
      double out = ratio;
      if (!std::isfinite(out) || out == 0 || std::fabs(out) > 1e6)
        continue;
      // s = 1/k is what beta-parametrised forms have.
      bool isInverse = std::fabs(out * in - 1) < kTolerance;
      out = isInverse ? 1 / in : snapConstant(out);
      if (in == 1 && out == 1)
        continue;
      ActivationAttrInterface phi = ScaledAttr::get(context, base, in, out);
      if (isInverse && isa<SoftplusAttr>(base))
        phi = SoftplusAttr::get(context, in, 20.0);
      if (gives(phi, z))
        return phi;
    }
  }
  return nullptr;
}

std::optional<ActivationFit> ActivationFitter::fit(unsigned z, ArrayRef<double> numbers) {
  constants = numbers;
  ArrayRef<double> zs = math.contents(z);
  if (getLargest(zs) == 0 || agrees(ys, zs))
    return std::nullopt;
  ActivationAttrInterface phi = fitKinked(zs);
  if (!phi)
    phi = fitFixed(zs);
  if (!phi)
    phi = fitClipped(zs);
  if (phi)
    return isa<IdentityAttr>(phi) ? std::nullopt
                                  : std::optional<ActivationFit>({phi, std::nullopt});
  if (std::optional<ActivationFit> prelu = fitPrelu(zs))
    return prelu;
  if ((phi = fitScaled(zs)))
    return ActivationFit{phi, std::nullopt};
  return std::nullopt;
}
