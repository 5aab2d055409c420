// The judge of results; see Compare.h. The rule is that of test/Integration/Networks/reference.py.
#include "Compare.h"
#include "Inputs.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/Support/JSON.h"
#include <cmath>

using namespace mlir;
using namespace mlir::abn::run;
using ::abn::npz::Array;

/// An array of the file in f64.
using Values = std::vector<double>;

static constexpr double kNativeFactor = 20, kNativeFactorHalf = 3;
/// What is zero in exact arithmetic is compared with the typical size of a result instead.
static constexpr double kFloor = 1e-6, kDegenerate = 1e-5;

static bool isFloating(const Slot &slot) { return isa<FloatType>(slot.type.getElementType()); }

static bool isBF16(const Slot &slot) { return slot.type.getElementType().isBF16(); }

static Values getValues(const Array &array, bool isBF16) {
  Values values(array.size());
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = getElement(array, int64_t(i), isBF16);
  return values;
}

/// The norm of a difference, over the elements where both are finite.
static double distance(const Values &a, const Values &b) {
  double sum = 0;
  for (auto [x, y] : llvm::zip(a, b))
    if (std::isfinite(x) && std::isfinite(y))
      sum += (x - y) * (x - y);
  return std::sqrt(sum);
}

static double norm(const Values &values) { return distance(values, Values(values.size(), 0)); }

//===----------------------------------------------------------------------===//
// The file
//===----------------------------------------------------------------------===//

namespace {
struct Reference {
  std::vector<Array> arrays;
  std::vector<Values> values;
  /// The framework's own results; empty if the file has none.
  std::vector<Values> native;
  /// The argument that a result is the update of.
  llvm::DenseMap<unsigned, unsigned> updatedOf;
  double typical = 0;
};
} // namespace

static llvm::Expected<Array> readFor(const npz::Reader &reader, const std::string &name,
                                     const Slot &slot, ArrayRef<int64_t> shape) {
  llvm::Expected<Array> array = reader.read(name);
  if (!array)
    return array;
  std::string where = ("`" + reader.getPath() + "`: array `" + name + "`: ").str();
  bool isBits = isBF16(slot) && array->dtype == npz::Dtype{'V', 2};
  if (!StringRef("biuf").contains(array->dtype.kind) && !isBits)
    return llvm::createStringError(where + "expected numbers, got " + array->dtype.name());
  if (!isFloating(slot) && array->dtype.kind == 'f')
    return llvm::createStringError(where + "expected integers for " + slot.describe() + ", got " +
                                   array->dtype.name());
  if (ArrayRef<int64_t>(array->shape) != shape)
    return llvm::createStringError(where + "expected the shape of " + slot.describe() + ", " +
                                   Array{array->dtype, SmallVector<int64_t>(shape), ""}.describe() +
                                   ", got " + array->describe());
  return array;
}

/// `meta`: JSON as one text of 32-bit characters. What a key does not say is not asked for.
static void readUpdates(const npz::Reader &reader, const Step &step, Reference &reference) {
  for (const Slot &result : step.results)
    for (const Slot &argument : step.arguments)
      if (result.role == "updated_param" && argument.role == "param" &&
          argument.name == result.name && !result.name.empty())
        reference.updatedOf[result.index] = argument.index;
  if (!reader.contains("meta"))
    return;
  llvm::Expected<Array> meta = reader.read("meta");
  if (!meta)
    return llvm::consumeError(meta.takeError());
  std::string text;
  for (size_t i = 0; i + 4 <= meta->data.size() && meta->dtype.kind == 'U'; i += 4)
    if (meta->data[i] || meta->data[i + 1])
      // Names beyond ASCII do not matter here.
      text += meta->data[i + 1] || meta->data[i] < 0 ? '?' : meta->data[i];
  llvm::Expected<llvm::json::Value> value = llvm::json::parse(text);
  if (!value)
    return llvm::consumeError(value.takeError());
  const llvm::json::Object *object = value->getAsObject();
  const llvm::json::Object *updates = object ? object->getObject("updated_of") : nullptr;
  if (!updates)
    return;
  for (const auto &[key, argument] : *updates) {
    unsigned result = 0;
    std::optional<uint64_t> index = argument.getAsUINT64();
    if (!StringRef(key).getAsInteger(10, result) && index && result < step.results.size() &&
        *index < step.arguments.size())
      reference.updatedOf[result] = unsigned(*index);
  }
}

static llvm::Expected<Reference> readReference(const Step &step, ArrayRef<Array> results,
                                               StringRef path) {
  llvm::Expected<npz::Reader> reader = npz::Reader::open(path);
  if (!reader)
    return reader.takeError();
  Reference reference;
  std::string prefix = reader->contains("ref0") || !reader->contains("result0") ? "ref" : "result";
  bool hasNative = reader->contains("native0");
  Values sizes;
  for (auto [slot, result] : llvm::zip(step.results, results)) {
    std::string number = std::to_string(slot.index);
    if (!reader->contains(prefix + number))
      return llvm::createStringError("`" + path + "` has no array `" + prefix + number + "` for " +
                                     slot.describe());
    llvm::Expected<Array> array = readFor(*reader, prefix + number, slot, result.shape);
    if (!array)
      return array.takeError();
    reference.values.push_back(getValues(*array, isBF16(slot)));
    const Values &values = reference.values.back();
    reference.arrays.push_back(std::move(*array));
    if (isFloating(slot) && !values.empty())
      sizes.push_back(norm(values) / std::sqrt(double(values.size())));
    if (!hasNative)
      continue;
    array = readFor(*reader, "native" + number, slot, result.shape);
    if (!array)
      return array.takeError();
    reference.native.push_back(getValues(*array, isBF16(slot)));
  }
  llvm::sort(sizes);
  if (size_t count = sizes.size())
    reference.typical = (sizes[(count - 1) / 2] + sizes[count / 2]) / 2;
  readUpdates(*reader, step, reference);
  return reference;
}

//===----------------------------------------------------------------------===//
// The judgement
//===----------------------------------------------------------------------===//

static std::string print(double value) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.2e", value);
  return text;
}

/// Integers to the last bit: doubles do not hold those above 2^53.
static int64_t countUnequalIntegers(const Array &a, const Array &b) {
  int64_t unequal = 0;
  auto load = [](const Array &array, int64_t i) {
    uint64_t bits = 0;
    std::memcpy(&bits, array.data.data() + i * array.dtype.bytes, array.dtype.bytes);
    unsigned shift = 64 - 8 * array.dtype.bytes;
    return array.dtype.kind == 'i' ? uint64_t(int64_t(bits << shift) >> shift) : bits;
  };
  for (int64_t i = 0, e = a.size(); i < e; ++i)
    unequal += load(a, i) != load(b, i);
  return unequal;
}

static void judge(Verdict &verdict, const Values &result, const Values &reference) {
  for (auto [got, wanted] : llvm::zip(result, reference)) {
    bool areEqual = got == wanted || (std::isnan(got) && std::isnan(wanted));
    if (std::isfinite(got) && std::isfinite(wanted))
      verdict.maxAbsoluteError = std::max(verdict.maxAbsoluteError, std::abs(got - wanted));
    else
      verdict.unequal += !areEqual;
  }
  verdict.error = distance(result, reference);
  double relativeTo = std::max(verdict.scale, 1e-300);
  if (verdict.unequal)
    verdict.problem =
        std::to_string(verdict.unequal) + " elements are NaN or infinite on one side only";
  else if (!(verdict.error <= verdict.tolerance))
    verdict.problem = "relative error " + print(verdict.error / relativeTo) + ", tolerance " +
                      print(verdict.tolerance / relativeTo);
}

llvm::Expected<std::vector<Verdict>>
mlir::abn::run::compareResults(const Step &step, ArrayRef<Array> arguments, ArrayRef<Array> results,
                               StringRef path, const Tolerance &tolerance) {
  llvm::Expected<Reference> reference = readReference(step, results, path);
  if (!reference)
    return reference.takeError();
  bool isHalf = llvm::any_of(step.results, [](const Slot &slot) {
    return isFloating(slot) && slot.type.getElementTypeBitWidth() == 16;
  });
  double factor = tolerance.nativeFactor.value_or(isHalf ? kNativeFactorHalf : kNativeFactor);
  std::vector<Verdict> verdicts;
  for (auto [i, slot] : llvm::enumerate(step.results)) {
    Verdict &verdict = verdicts.emplace_back();
    verdict.slot = &slot;
    verdict.isFloating = isFloating(slot);
    const Values &values = reference->values[i];
    double root = std::sqrt(double(values.size()));
    if (!verdict.isFloating) {
      verdict.unequal = countUnequalIntegers(results[i], reference->arrays[i]);
      if (verdict.unequal)
        verdict.problem = std::to_string(verdict.unequal) + " integers differ";
    } else {
      verdict.scale = norm(values);
      if (auto found = reference->updatedOf.find(i); found != reference->updatedOf.end()) {
        const Array &old = arguments[found->second];
        if (ArrayRef<int64_t>(old.shape) == ArrayRef<int64_t>(results[i].shape))
          verdict.scale = distance(values, getValues(old, isBF16(step.arguments[found->second])));
      }
      if (!reference->native.empty())
        verdict.nativeError = distance(reference->native[i], values);
      verdict.tolerance = factor * verdict.nativeError.value_or(0) +
                          tolerance.rtol * verdict.scale +
                          tolerance.atol.value_or(kFloor * reference->typical) * root;
      verdict.isDegenerate = verdict.scale < kDegenerate * reference->typical * root;
      judge(verdict, getValues(results[i], isBF16(slot)), values);
    }
    verdict.agrees = verdict.problem.empty();
  }
  return verdicts;
}
