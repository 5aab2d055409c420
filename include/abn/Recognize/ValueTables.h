// Finds the values of an evaluated function by their contents: a random projection is the key, so
// that asking whether a formula's result is computed somewhere costs one look-up.
#ifndef ABN_RECOGNIZE_VALUETABLES_H
#define ABN_RECOGNIZE_VALUETABLES_H

#include "abn/Recognize/Evaluation.h"

namespace mlir::abn {

/// Relative to the largest entry: f32 constants in the graph (1/M, epsilon) are that far from
/// exact.
constexpr double kTolerance = 2e-6;

/// Contents -> values, up to rounding.
class ValueTable {
public:
  /// `contents` must outlive the table.
  void insert(int64_t tag, ArrayRef<double> contents, unsigned value);
  /// The values under `tag` that agree with `contents` within kTolerance * scale (default: the
  /// largest entry), in order.
  SmallVector<unsigned> find(int64_t tag, ArrayRef<double> contents, double scale = 0) const;
  /// The one with the smallest error, the earliest of equals.
  std::optional<unsigned> findBest(int64_t tag, ArrayRef<double> contents) const;

private:
  struct Entry {
    ArrayRef<double> contents;
    unsigned value;
  };
  using Key = std::pair<int64_t, int64_t>;
  double project(ArrayRef<double> contents, double scale) const;
  template <typename Fn>
  void visit(int64_t tag, ArrayRef<double> contents, double scale, Fn fn) const;

  llvm::DenseMap<Key, SmallVector<Entry, 1>> entries;
  mutable std::vector<double> weights;
};

/// How the elements of one trial fall to the channels of one axis.
struct ChannelView {
  int64_t channels = 0;
  /// The true number of elements per channel (M).
  double count = 0;
  std::vector<unsigned> channelOf;
};

/// Full values of one shape, with their contents broadcast to one layout.
struct FullClass {
  SmallVector<int64_t, 4> shape;
  SmallVector<int64_t, 5> sizes;
  int64_t count = 0;
  SmallVector<ChannelView, 4> views;
};

/// The layout of values of `shape` whose arrays have `sizes`.
FullClass makeFullClass(ArrayRef<int64_t> shape, ArrayRef<int64_t> sizes);

/// Per-channel numbers, kTrials rows.
using ChannelRow = std::vector<double>;

/// The tables of one evaluation: floating-point values with two or more varying axes ("full"), and
/// those that can hold one number per channel.
class ValueTables {
public:
  explicit ValueTables(Evaluation &evaluation);

  bool isFull(unsigned value) const { return classOf[value] >= 0; }
  int getClass(unsigned value) const { return classOf[value]; }
  const FullClass &getFullClass(unsigned value) const { return classes[classOf[value]]; }
  /// A full value's contents in its class's layout.
  const double *getContents(unsigned value) const { return contents[value]; }
  ArrayRef<unsigned> getFullValues() const { return fullValues; }
  /// Values equal to `data` among those of class `cls`.
  SmallVector<unsigned> findFull(int cls, ArrayRef<double> data, double scale = 0) const {
    return full.find(cls, data, scale);
  }
  SmallVector<unsigned> findEqual(unsigned value) const;
  /// Values of other shapes that hold the same elements in the same order: what a reshape gives.
  SmallVector<unsigned> findReshaped(unsigned value) const;
  /// Whether two full values have the same shape, or one is a reshape of the other's.
  bool haveSameElements(unsigned a, unsigned b) const;
  /// Values with one number per channel for `channels` channels, equal to `row`.
  SmallVector<unsigned> findRow(int64_t channels, const ChannelRow &row) const {
    return rows.find(channels, row);
  }
  std::optional<unsigned> findBestRow(int64_t channels, const ChannelRow &row) const {
    return rows.findBest(channels, row);
  }

  /// All values with one number per channel for `channels` channels, in order.
  ArrayRef<std::pair<unsigned, ArrayRef<double>>> getRows(int64_t channels) const {
    auto it = rowsOf.find(channels);
    if (it == rowsOf.end())
      return {};
    return it->second;
  }

  /// Per channel, the mean of `data`, in the layout of class `cls`.
  ChannelRow getMeans(int cls, const double *data, int64_t channelDim) const;
  const FullClass &getClassInfo(int cls) const { return classes[cls]; }

private:
  int internClass(const EvaluatedValue &value);
  void addRow(const EvaluatedValue &value, unsigned index);

  Evaluation &evaluation;
  std::vector<FullClass> classes;
  std::map<std::pair<SmallVector<int64_t, 4>, SmallVector<int64_t, 5>>, int> classIds;
  std::vector<int> classOf;
  std::vector<const double *> contents;
  std::vector<unsigned> fullValues;
  ValueTable full, rows;
  std::map<int64_t, std::vector<std::pair<unsigned, ArrayRef<double>>>> rowsOf;
};

/// The largest absolute entry.
double getLargest(ArrayRef<double> contents);
/// Whether all entries agree within `tolerance` of the largest of `b`.
bool isClose(ArrayRef<double> a, ArrayRef<double> b, double tolerance);

} // namespace mlir::abn

#endif // ABN_RECOGNIZE_VALUETABLES_H
