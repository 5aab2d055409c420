// numpy's file format of one array (.npy, versions 1 to 3): a header in the syntax of a Python
// dictionary, then the elements. LLVM's support library, no MLIR.
#ifndef ABN_LIB_NPZ_NPY_H
#define ABN_LIB_NPZ_NPY_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <string>

namespace abn::npz {

/// numpy's type of an element: its letter and its bytes.
struct Dtype {
  /// b boolean, i and u integers, f floating point, c complex, V bytes without a meaning (how
  /// numpy stores the bf16 of other packages), U text of 32-bit characters.
  char kind = 'f';
  uint32_t bytes = 4;

  bool operator==(const Dtype &other) const { return kind == other.kind && bytes == other.bytes; }
  bool operator!=(const Dtype &other) const { return !(*this == other); }
  /// numpy's name: float32, uint16, bool, `<U5`.
  std::string name() const;
};

/// An array in host memory: little-endian elements, row-major, without gaps.
struct Array {
  Dtype dtype;
  llvm::SmallVector<int64_t> shape;
  std::string data;

  int64_t size() const;
  /// `float32[4, 3]`, for messages.
  std::string describe() const;
};

/// What stands before the elements.
struct NpyHeader {
  Dtype dtype;
  llvm::SmallVector<int64_t> shape;
  /// The first index runs fastest in the file.
  bool isFortranOrder = false;
  /// Where the elements begin, and how many bytes they are.
  uint64_t dataOffset = 0, dataBytes = 0;
};

/// The header at the beginning of `text`, which may be shorter than the file but must hold it
/// whole. Refuses versions above 3, big-endian elements, Python objects, structures, and sizes
/// beyond 2^62 bytes.
llvm::Expected<NpyHeader> parseNpyHeader(llvm::StringRef text);

/// The array of a header and the bytes behind it, which may be in Fortran's order. `data` has
/// header.dataBytes bytes.
Array makeArray(const NpyHeader &header, std::string data);

/// The file: version 1, or 2 where the shape is too long for it.
std::string printNpy(const Array &array);

} // namespace abn::npz

#endif // ABN_LIB_NPZ_NPY_H
