// Arguments from a file or from a generator; see Inputs.h.
#include "Inputs.h"
#include "Execution.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/StringMap.h"
#include <cmath>
#include <cstring>

using namespace mlir;
using namespace mlir::abn::run;
using ::abn::npz::Array;
using ::abn::npz::Dtype;
using llvm::APFloat;
using llvm::APInt;

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

template <typename T> static T load(const Array &array, int64_t i) {
  T value;
  std::memcpy(&value, array.data.data() + i * sizeof(T), sizeof(T));
  return value;
}

template <typename T> static void store(Array &array, int64_t i, T value) {
  std::memcpy(array.data.data() + i * sizeof(T), &value, sizeof(T));
}

static uint16_t roundToHalf(double value, const llvm::fltSemantics &semantics) {
  APFloat rounded(value);
  bool losesInfo = false;
  rounded.convert(semantics, APFloat::rmNearestTiesToEven, &losesInfo);
  return uint16_t(rounded.bitcastToAPInt().getZExtValue());
}

static double getHalf(uint16_t bits, const llvm::fltSemantics &semantics) {
  return APFloat(semantics, APInt(16, bits)).convertToDouble();
}

double mlir::abn::run::getElement(const Array &array, int64_t i, bool isBF16) {
  Dtype dtype = array.dtype;
  if (isBF16 && dtype.bytes == 2 && dtype.kind != 'f')
    return getHalf(load<uint16_t>(array, i), APFloat::BFloat());
  if (dtype.kind == 'f')
    return dtype.bytes == 8   ? load<double>(array, i)
           : dtype.bytes == 4 ? load<float>(array, i)
                              : getHalf(load<uint16_t>(array, i), APFloat::IEEEhalf());
  bool isSigned = dtype.kind == 'i';
  switch (dtype.bytes) {
  case 1:
    return isSigned ? load<int8_t>(array, i) : load<uint8_t>(array, i);
  case 2:
    return isSigned ? load<int16_t>(array, i) : load<uint16_t>(array, i);
  case 4:
    return isSigned ? double(load<int32_t>(array, i)) : double(load<uint32_t>(array, i));
  default:
    return isSigned ? double(load<int64_t>(array, i)) : double(load<uint64_t>(array, i));
  }
}

/// Stores a value in an element type of a buffer.
static void setElement(Array &array, int64_t i, Type element, double value) {
  if (element.isBF16())
    return store(array, i, roundToHalf(value, APFloat::BFloat()));
  if (element.isF16())
    return store(array, i, roundToHalf(value, APFloat::IEEEhalf()));
  if (element.isF32())
    return store(array, i, float(value));
  if (element.isF64())
    return store(array, i, value);
  auto integer = int64_t(value);
  std::memcpy(array.data.data() + i * array.dtype.bytes, &integer, array.dtype.bytes);
}

//===----------------------------------------------------------------------===//
// From a file
//===----------------------------------------------------------------------===//

static bool isInteger(Dtype dtype) { return dtype.kind == 'i' || dtype.kind == 'u'; }

static std::string printShape(ArrayRef<int64_t> shape) {
  std::string text;
  for (int64_t size : shape)
    text += (text.empty() ? "" : "x") + (size < 0 ? std::string("?") : std::to_string(size));
  return shape.empty() ? "of a scalar" : text;
}

/// What an argument of that element type may be given as, for messages.
static std::string describeAccepted(Type element, Dtype dtype) {
  if (element.isBF16())
    return "uint16 (the bits of bf16) or float32";
  return dtype.name();
}

/// Converts an array to an argument's elements, and checks its shape.
static llvm::Expected<Array> fit(Array array, const Slot &slot) {
  ArrayRef<int64_t> shape = slot.type.getShape();
  bool hasShape = array.shape.size() == shape.size();
  for (size_t dim = 0; hasShape && dim < shape.size(); ++dim)
    hasShape = ShapedType::isDynamic(shape[dim]) || shape[dim] == array.shape[dim];
  if (!hasShape)
    return llvm::createStringError(slot.describe() + ": expected the shape " + printShape(shape) +
                                   ", got " + array.describe());
  Type element = slot.type.getElementType();
  Dtype wanted = *getDtype(element), given = array.dtype;
  bool isBits = element.isBF16() && given == Dtype{'V', 2};
  bool isSameInteger = isInteger(wanted) && isInteger(given) && wanted.bytes == given.bytes;
  bool isTruth =
      element.isInteger(1) && given.bytes == 1 && (isInteger(given) || given.kind == 'b');
  if (element.isBF16() && given == Dtype{'f', 4}) {
    Array rounded{wanted, array.shape, std::string(array.data.size() / 2, '\0')};
    for (int64_t i = 0, e = array.size(); i < e; ++i)
      setElement(rounded, i, element, load<float>(array, i));
    return rounded;
  }
  if (given != wanted && !isBits && !isSameInteger && !isTruth)
    return llvm::createStringError(slot.describe() + ": expected elements of type " +
                                   describeAccepted(element, wanted) + ", got " + given.name());
  if (isTruth)
    for (char &byte : array.data)
      byte = byte != 0;
  array.dtype = wanted;
  return array;
}

static llvm::Error checkTypes(const Step &step) {
  for (const std::vector<Slot> *slots : {&step.arguments, &step.results})
    for (const Slot &slot : *slots)
      if (!getDtype(slot.type.getElementType())) {
        std::string type;
        llvm::raw_string_ostream(type) << slot.type.getElementType();
        return llvm::createStringError(slot.describe() + ": elements of type `" + type +
                                       "` are not run");
      }
  return llvm::Error::success();
}

/// The name of each argument's array in the file.
static llvm::Expected<std::vector<std::string>> nameArrays(const Step &step,
                                                           const npz::Reader &reader) {
  std::vector<std::string> names;
  if (reader.contains("arg0")) {
    for (const Slot &slot : step.arguments)
      names.push_back("arg" + std::to_string(slot.index));
    return names;
  }
  llvm::StringMap<const Slot *> seen;
  for (const Slot &slot : step.arguments) {
    auto [entry, isNew] = seen.try_emplace(slot.name, &slot);
    std::string position = "; name the arrays by position (arg0, arg1, ...)";
    if (slot.name.empty())
      return llvm::createStringError("`" + reader.getPath() + "` has no array `arg0`, and " +
                                     slot.describe() + " has no name" + position);
    if (!isNew)
      return llvm::createStringError(entry->second->describe() + " and " + slot.describe() +
                                     " have the same name" + position);
    names.push_back(slot.name);
  }
  return names;
}

llvm::Expected<std::vector<Array>> mlir::abn::run::readInputs(const Step &step, StringRef path) {
  if (llvm::Error error = checkTypes(step))
    return std::move(error);
  llvm::Expected<npz::Reader> reader = npz::Reader::open(path);
  if (!reader)
    return reader.takeError();
  llvm::Expected<std::vector<std::string>> names = nameArrays(step, *reader);
  if (!names)
    return names.takeError();
  std::vector<Array> arrays;
  for (auto [slot, name] : llvm::zip(step.arguments, *names)) {
    if (!reader->contains(name))
      return llvm::createStringError("`" + path + "` has no array `" + name + "` for " +
                                     slot.describe());
    llvm::Expected<Array> array = reader->read(name);
    if (!array)
      return array.takeError();
    array = fit(std::move(*array), slot);
    if (!array)
      return array.takeError();
    arrays.push_back(std::move(*array));
  }
  return arrays;
}

//===----------------------------------------------------------------------===//
// Pseudo-random
//===----------------------------------------------------------------------===//

namespace {
/// SplitMix64 (Steele, Lea and Flood, 2014), and numbers made of it by additions and products only,
/// so that they are the same everywhere.
class Random {
public:
  explicit Random(uint64_t seed) : state(seed) {}

  uint64_t next() {
    uint64_t bits = state += 0x9E3779B97F4A7C15;
    bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9;
    bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB;
    return bits ^ (bits >> 31);
  }
  double uniform() { return double(next() >> 11) * 0x1p-53; }
  /// A sum of twelve uniform numbers: variance 1, near enough to normal.
  double normal() {
    double sum = -6;
    for (int i = 0; i < 12; ++i)
      sum += uniform();
    return sum;
  }

private:
  uint64_t state;
};
} // namespace

static double draw(Random &random, const Slot &slot, ArrayRef<int64_t> shape, int64_t elements) {
  bool isData = slot.role.empty() || slot.role == "input";
  bool isWeight = slot.role.empty() || slot.role == "param";
  if (shape.empty())
    return isData && !slot.role.empty() ? random.normal() : 0.01;
  if (isWeight && shape.size() > 1) {
    double fan = double(elements) / double(std::max(shape.front(), shape.back()));
    return random.normal() * std::sqrt(2 / std::max(fan, 1.0));
  }
  return slot.role == "input" ? random.normal() : 0.5 + random.uniform();
}

llvm::Expected<std::vector<Array>> mlir::abn::run::generateInputs(const Step &step,
                                                                  const RandomOptions &options) {
  if (llvm::Error error = checkTypes(step))
    return std::move(error);
  std::vector<Array> arrays;
  for (const Slot &slot : step.arguments) {
    Type element = slot.type.getElementType();
    ArrayRef<int64_t> shape = slot.type.getShape();
    if (!slot.type.hasStaticShape())
      return llvm::createStringError(slot.describe() + " has the shape " + printShape(shape) +
                                     ": give it by --inputs");
    bool isLabel = !isa<FloatType>(element) && !element.isInteger(1) && !shape.empty();
    if (isLabel && options.classes < 1)
      return llvm::createStringError(slot.describe() + " holds integers, and the step does not say "
                                                       "which are valid: give it by --inputs, or "
                                                       "say by --classes=N to draw from [0, N)");
    Array array{*getDtype(element), SmallVector<int64_t>(shape), ""};
    int64_t elements = array.size();
    array.data.resize(size_t(elements) * array.dtype.bytes);
    Random random(options.seed * 0x10001 + slot.index);
    for (int64_t i = 0; i < elements; ++i)
      setElement(array, i, element,
                 isa<FloatType>(element) ? draw(random, slot, shape, elements)
                 : isLabel               ? double(random.next() % uint64_t(options.classes))
                                         : double(element.isInteger(1)));
    arrays.push_back(std::move(array));
  }
  return arrays;
}
