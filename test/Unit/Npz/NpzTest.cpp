// Arrays and archives of numpy: round trips, the header's rules one by one, then damaged files, of
// which none may crash, hang or take memory that the file has no bytes for. `abn-npz-test
// SCRATCH-FILE`.
#include "Npz/Npz.h"
#include <cstdio>
#include <cstring>
#include <fstream>
#include <random>

using namespace abn::npz;
using llvm::StringRef;

static unsigned failures = 0;

static void expect(bool holds, const std::string &what) {
  // The first few say enough.
  if (!holds && ++failures <= 10)
    std::printf("WRONG: %s\n", what.c_str());
}

static void write(const std::string &path, StringRef bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), std::streamsize(bytes.size()));
}

static Array makeArray(Dtype dtype, llvm::ArrayRef<int64_t> shape, std::mt19937_64 &random) {
  Array array{dtype, llvm::SmallVector<int64_t>(shape), ""};
  array.data.resize(size_t(array.size()) * dtype.bytes);
  for (char &byte : array.data)
    byte = char(random());
  return array;
}

static std::vector<std::pair<std::string, Array>> makeArrays() {
  std::mt19937_64 random(1);
  std::vector<std::pair<std::string, Array>> arrays;
  auto add = [&](const char *name, Dtype dtype, llvm::ArrayRef<int64_t> shape) {
    arrays.emplace_back(name, makeArray(dtype, shape, random));
  };
  add("scalar", {'f', 4}, {});
  add("x/y[0]['z']", {'f', 8}, {3, 1, 5});
  add("empty", {'i', 8}, {4, 0, 2});
  add("bits", {'V', 2}, {7});
  add("text", {'U', 40}, {});
  add("large", {'u', 2}, {1000, 1500});
  add("deep", {'b', 1}, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1});
  return arrays;
}

static void testRoundTrip(const std::string &path) {
  std::vector<std::pair<std::string, Array>> arrays = makeArrays();
  std::string text = llvm::cantFail(printNpz(arrays));
  expect(text == llvm::cantFail(printNpz(arrays)), "equal arrays give equal bytes");
  write(path, text);
  Reader reader = llvm::cantFail(Reader::open(path));
  expect(reader.names().size() == arrays.size(), "all arrays have a name");
  for (const auto &[name, array] : arrays) {
    Array read = llvm::cantFail(reader.read(name));
    expect(read.dtype == array.dtype && read.shape == array.shape && read.data == array.data,
           name + " comes back");
  }
  expect(llvm::toString(reader.read("none").takeError()) ==
             "`" + path + "`: array `none`: is not in the file",
         "a missing array");
}

/// A header of version 1 around a dictionary.
static std::string makeHeader(const std::string &dictionary) {
  std::string text = "\x93NUMPY";
  text += {'\1', '\0', char(dictionary.size()), char(dictionary.size() >> 8)};
  return text + dictionary;
}

static void testHeaders() {
  struct {
    const char *dictionary, *message;
  } cases[] = {
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }  \n", ""},
      {"{\"shape\":(), 'fortran_order':True,'descr':'|b1'}", ""},
      {"", "expected a header that begins with `{`, got ``"},
      {"{'descr': '<f4', 'shape': (2,)}",
       "expected the keys `descr`, `fortran_order` and `shape` in the header"},
      {"{'descr': '>f4', 'fortran_order': False, 'shape': (2,)}",
       "expected little-endian elements, got `>f4`"},
      {"{'descr': '|O', 'fortran_order': False, 'shape': (2,)}",
       "the array holds Python objects, which are not read"},
      {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}",
       "expected one element type for `descr`, got `[('a', '<f4')], 'fortran_order': False, ...`: "
       "arrays of structures are not read"},
      {"{'descr': '<f3', 'fortran_order': False, 'shape': (2,)}",
       "there are no elements of type `<f3`"},
      {"{'descr': '<m8', 'fortran_order': False, 'shape': (2,)}",
       "expected an element type such as `<f4`, got `<m8`"},
      {"{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}",
       "expected `True` or `False` for `fortran_order`, got `0, 'shape': (2,)}`"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2)}",
       "expected `,` in `shape`, got `)}`"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}",
       "expected a size in `shape`, got `-2,)}`"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
       "expected a size in `shape`, got `99999999999999999999,)}`"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 0)}",
       "the array is larger than any memory"},
      {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}",
       "key `descr` stands twice in the header"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'x': 1}",
       "unknown key `x` in the header"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} + f()",
       "expected nothing behind the header's `}`, got `+ f()`"},
  };
  for (const auto &[dictionary, message] : cases) {
    auto header = parseNpyHeader(makeHeader(dictionary));
    std::string got = header ? "" : llvm::toString(header.takeError());
    expect(got == message, std::string(dictionary) + ": " + got);
  }
  std::string version = makeHeader(cases[0].dictionary);
  version[6] = 9;
  expect(llvm::toString(parseNpyHeader(version).takeError()) ==
             "expected version 1, 2 or 3 of the format, got 9",
         "a version of the future");
}

static void testFortranOrder() {
  auto header =
      parseNpyHeader(makeHeader("{'descr': '<i2', 'fortran_order': True, 'shape': (2, 3, 2), }"));
  int16_t stored[12], wanted[12];
  for (int16_t i = 0, at = 0; i < 2; ++i)
    for (int16_t j = 0; j < 3; ++j)
      for (int16_t k = 0; k < 2; ++k, ++at) {
        stored[i + 2 * j + 6 * k] = at;
        wanted[at] = at;
      }
  Array array =
      abn::npz::makeArray(*header, std::string(reinterpret_cast<char *>(stored), sizeof(stored)));
  expect(!std::memcmp(array.data.data(), wanted, sizeof(wanted)), "Fortran's order is turned");
}

/// Sound archives of arrays that do not have the bytes that their headers tell of.
static void testSizes(const std::string &path) {
  struct {
    llvm::SmallVector<int64_t> shape;
    size_t bytes;
    const char *message;
  } cases[] = {
      {{4}, 12, "expected 16 bytes of elements, got 12"},
      {{4}, 20, "expected 16 bytes of elements, got more"},
      {{0}, 1, "expected 0 bytes of elements, got more"},
      {{1 << 20, 1 << 20}, 400000, "expected 4398046511104 bytes of elements, got 400000"}};
  for (const auto &[shape, bytes, message] : cases) {
    Array array{{'f', 4}, shape, std::string(bytes, 'x')};
    write(path, llvm::cantFail(printNpz({{"a", array}})));
    std::string got = llvm::toString(llvm::cantFail(Reader::open(path)).read("a").takeError());
    expect(got == "`" + path + "`: array `a`: " + message, got);
  }
}

/// Whether all of a file can be read.
static bool readAll(const std::string &path) {
  auto reader = Reader::open(path);
  if (!reader) {
    llvm::consumeError(reader.takeError());
    return false;
  }
  bool isWhole = true;
  for (const std::string &name : reader->names()) {
    auto array = reader->read(name);
    if (array)
      expect(array->data.size() == size_t(array->size()) * array->dtype.bytes, "whole arrays");
    else
      llvm::consumeError(array.takeError());
    isWhole &= bool(array);
  }
  return isWhole && !reader->names().empty();
}

static void testDamage(const std::string &path) {
  std::vector<std::pair<std::string, Array>> arrays = makeArrays();
  llvm::erase_if(arrays, [](const auto &entry) { return entry.first == "large"; });
  std::string sound = llvm::cantFail(printNpz(arrays));
  std::mt19937_64 random(2);
  unsigned refused = 0, flips = 6000;
  for (size_t length = 0; length < sound.size(); ++length) {
    write(path, StringRef(sound).take_front(length));
    expect(!readAll(path), "cut off at " + std::to_string(length));
  }
  for (unsigned i = 0; i < flips; ++i) {
    std::string damaged = sound;
    for (unsigned k = 0, e = 1 + random() % 3; k < e; ++k)
      damaged[random() % damaged.size()] ^= char(1 + random() % 255);
    write(path, damaged);
    refused += !readAll(path);
  }
  std::printf("%zu cut off, %u of %u with other bytes refused\n", sound.size(), refused, flips);
  expect(refused > flips / 3, "most damaged files are refused");
  // The same without a checksum in the way: headers of all kinds of nonsense.
  static constexpr StringRef kPieces("\0\1{}(),:'\"<>fObiucVU0123456789- ", 32);
  std::string text = printNpy(arrays[1].second);
  for (unsigned i = 0; i < 200000; ++i) {
    std::string damaged = text;
    for (unsigned k = 0, e = 1 + random() % 3; k < e; ++k)
      damaged[random() % 128] = kPieces[random() % kPieces.size()];
    damaged.resize(random() % 8 ? damaged.size() : random() % damaged.size());
    auto header = parseNpyHeader(damaged);
    if (!header)
      llvm::consumeError(header.takeError());
  }
}

int main(int argc, char **argv) {
  std::string path = argc > 1 ? argv[1] : "abn-npz-test.npz";
  testRoundTrip(path);
  testHeaders();
  testFortranOrder();
  testSizes(path);
  testDamage(path);
  std::printf("%u wrong\n", failures);
  return failures != 0;
}
