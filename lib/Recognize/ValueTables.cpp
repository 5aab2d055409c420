// Random-projection tables over an evaluation.
#include "abn/Recognize/ValueTables.h"
#include <cmath>

using namespace mlir;
using namespace mlir::abn;

/// Projections are compared in steps of this; values within kTolerance are at most one step apart.
static constexpr double kStep = 1e-5;

double mlir::abn::getLargest(ArrayRef<double> contents) {
  double largest = 0;
  for (double x : contents)
    largest = std::max(largest, std::fabs(x));
  return largest;
}

bool mlir::abn::isClose(ArrayRef<double> a, ArrayRef<double> b, double tolerance) {
  double bound = tolerance * (getLargest(b) + 1e-300);
  for (auto [x, y] : llvm::zip_equal(a, b))
    if (!(std::fabs(x - y) <= bound))
      return false;
  return true;
}

static bool isFinite(ArrayRef<double> contents) {
  return llvm::all_of(contents, [](double x) { return std::isfinite(x); });
}

//===----------------------------------------------------------------------===//
// ValueTable
//===----------------------------------------------------------------------===//

/// A sum with fixed weights of random sign, in [-1, 1] for entries up to `scale`.
double ValueTable::project(ArrayRef<double> contents, double scale) const {
  uint64_t state = weights.size() * 0x9E3779B97F4A7C15ull + 1;
  while (weights.size() < contents.size()) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    double weight = 0.5 + static_cast<double>(state >> 11) * 0x1p-53;
    weights.push_back((state >> 9) & 1 ? weight : -weight);
  }
  double sum = 0;
  for (auto [i, x] : llvm::enumerate(contents))
    sum += weights[i] * x;
  return scale > 0 ? sum / (scale * 1.5 * contents.size()) : 0;
}

void ValueTable::insert(int64_t tag, ArrayRef<double> contents, unsigned value) {
  if (!isFinite(contents))
    return;
  double key = project(contents, getLargest(contents));
  entries[{tag, std::llround(key / kStep)}].push_back({contents, value});
}

template <typename Fn>
void ValueTable::visit(int64_t tag, ArrayRef<double> contents, double scale, Fn fn) const {
  if (!isFinite(contents))
    return;
  double largest = getLargest(contents), bound = kTolerance * std::max(scale, largest);
  int64_t key = std::llround(project(contents, largest) / kStep);
  // A difference that is small beside a larger number can be off by many steps.
  int64_t reach = 1;
  if (scale > largest)
    reach = largest > 0 ? std::min<int64_t>(1 + 2 * scale / largest, 64) : 64;
  for (int64_t step = key - reach; step <= key + reach; ++step) {
    auto it = entries.find({tag, step});
    if (it == entries.end())
      continue;
    for (const Entry &entry : it->second) {
      if (entry.contents.size() != contents.size())
        continue;
      double error = 0;
      for (size_t i = 0, e = contents.size(); i < e && error <= bound; ++i)
        error = std::max(error, std::fabs(contents[i] - entry.contents[i]));
      if (error <= bound)
        fn(entry.value, error);
    }
  }
}

SmallVector<unsigned> ValueTable::find(int64_t tag, ArrayRef<double> contents, double scale) const {
  SmallVector<unsigned> found;
  visit(tag, contents, scale, [&](unsigned value, double) { found.push_back(value); });
  llvm::sort(found);
  return found;
}

std::optional<unsigned> ValueTable::findBest(int64_t tag, ArrayRef<double> contents) const {
  // Errors of one order of magnitude count as equal.
  std::optional<std::pair<int, unsigned>> best;
  double unit = getLargest(contents) * 1e-11 + 1e-300;
  visit(tag, contents, 0, [&](unsigned value, double error) {
    std::pair<int, unsigned> candidate(std::lround(std::log10(error / unit + 1)), value);
    if (!best || candidate < *best)
      best = candidate;
  });
  if (!best)
    return std::nullopt;
  return best->second;
}

//===----------------------------------------------------------------------===//
// ValueTables
//===----------------------------------------------------------------------===//

FullClass mlir::abn::makeFullClass(ArrayRef<int64_t> shape, ArrayRef<int64_t> sizes) {
  FullClass cls{SmallVector<int64_t, 4>(shape), SmallVector<int64_t, 5>(sizes), 1, {}};
  double total = 1;
  for (auto [size, extent] : llvm::zip_equal(sizes, shape)) {
    cls.count *= size;
    total *= extent;
  }
  int64_t inner = cls.count;
  for (auto [size, extent] : llvm::zip_equal(sizes, shape)) {
    inner /= size;
    ChannelView view{size, total / extent, {}};
    for (int64_t i = 0; i < cls.count; ++i)
      view.channelOf.push_back(i / inner % size);
    cls.views.push_back(std::move(view));
  }
  return cls;
}

int ValueTables::internClass(const EvaluatedValue &value) {
  SmallVector<int64_t, 5> sizes;
  for (auto [size, extent] : llvm::zip_equal(value.array.sizes, value.shape))
    sizes.push_back(std::max(size, evaluation.getTinyExtent(extent)));
  auto [it, isNew] = classIds.try_emplace({value.shape, sizes}, classes.size());
  if (isNew)
    classes.push_back(makeFullClass(value.shape, sizes));
  return it->second;
}

/// A value with at most one extent above 1 holds one number per channel of that extent.
void ValueTables::addRow(const EvaluatedValue &value, unsigned index) {
  int64_t extent = 1;
  for (int64_t size : value.shape)
    extent = std::max(extent, size);
  int64_t count = value.array.getCount(),
          channels = std::max(evaluation.getTinyExtent(extent), count);
  TinyArray row = value.array;
  row.sizes.assign(1, count);
  row = broadcast(evaluation.getArena(), row, {channels});
  rows.insert(extent, row.getContents(), index);
  rowsOf[extent].push_back({index, row.getContents()});
}

ValueTables::ValueTables(Evaluation &evaluation) : evaluation(evaluation) {
  unsigned count = evaluation.getValues().size();
  classOf.assign(count, -1);
  contents.assign(count, nullptr);
  for (unsigned index = 0; index < count; ++index) {
    const EvaluatedValue &value = evaluation[index];
    if (value.shape.empty() || llvm::is_contained(value.shape, 0) ||
        !isa<FloatType>(getElementTypeOrSelf(value.value.getType())))
      continue;
    unsigned large = llvm::count_if(value.shape, [](int64_t size) { return size > 1; });
    if (large <= 1) {
      addRow(value, index);
      continue;
    }
    unsigned varying = llvm::count_if(value.array.sizes, [](int64_t size) { return size > 1; });
    if (varying == 0 || !isFinite(value.array.getContents()))
      continue;
    classOf[index] = internClass(value);
    TinyArray array = broadcast(evaluation.getArena(), value.array, classes[classOf[index]].sizes);
    contents[index] = array.data;
    full.insert(classOf[index], array.getContents(), index);
    if (varying >= 2)
      fullValues.push_back(index);
  }
}

SmallVector<unsigned> ValueTables::findEqual(unsigned value) const {
  size_t total = kTrials * getFullClass(value).count;
  return findFull(classOf[value], {contents[value], total});
}

static int64_t getElementCount(const FullClass &info) {
  int64_t count = 1;
  for (int64_t size : info.shape)
    count *= size;
  return count;
}

bool ValueTables::haveSameElements(unsigned a, unsigned b) const {
  if (!isFull(a) || !isFull(b))
    return false;
  const FullClass &x = getFullClass(a), &y = getFullClass(b);
  return classOf[a] == classOf[b] || (x.count == y.count && x.shape.size() != y.shape.size() &&
                                      getElementCount(x) == getElementCount(y));
}

SmallVector<unsigned> ValueTables::findReshaped(unsigned value) const {
  const FullClass &own = getFullClass(value);
  size_t total = kTrials * own.count;
  SmallVector<unsigned> found;
  for (auto [cls, info] : llvm::enumerate(classes))
    if (static_cast<int>(cls) != classOf[value] && info.count == own.count &&
        getElementCount(info) == getElementCount(own))
      llvm::append_range(found, findFull(cls, {contents[value], total}));
  llvm::sort(found);
  return found;
}

ChannelRow ValueTables::getMeans(int cls, const double *data, int64_t channelDim) const {
  const FullClass &info = classes[cls];
  const ChannelView &view = info.views[channelDim];
  ChannelRow means(kTrials * view.channels, 0);
  for (int64_t trial = 0; trial < kTrials; ++trial) {
    double *row = means.data() + trial * view.channels;
    const double *block = data + trial * info.count;
    for (int64_t i = 0; i < info.count; ++i)
      row[view.channelOf[i]] += block[i];
  }
  double weight = static_cast<double>(view.channels) / info.count;
  for (double &x : means)
    x *= weight;
  return means;
}
