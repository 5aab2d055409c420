// A parsed aten schema: what an op of one overload must look like. The table of ops is written in
// PyTorch's own notation, `add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor`, so
// that a row can be compared with PyTorch's documentation, and so that every argument is checked
// against it before a conversion sees it.
#ifndef ABN_LIB_IMPORT_ATEN_SCHEMA_H
#define ABN_LIB_IMPORT_ATEN_SCHEMA_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <string>

namespace mlir::abn::aten {

enum class ArgumentKind {
  Tensor,
  TensorList,
  /// A tensor in PyTorch's schema for which a graph may hold a number.
  TensorOrScalar,
  Int,
  IntList,
  Float,
  FloatList,
  Bool,
  BoolList,
  Scalar,
  ScalarList,
  DType,
  String
};

struct ArgumentSpec {
  llvm::StringRef name;
  /// The type as written: `int[2]?`.
  llvm::StringRef typeText;
  ArgumentKind kind = ArgumentKind::Tensor;
  /// None is allowed.
  bool optional = false;
  /// None is allowed for a list's elements (`Tensor?[]`).
  bool optionalElements = false;
  /// The keyword-only arguments are attributes of their own and may be missing.
  bool keyword = false;
  /// `bool[3]`: exactly three.
  unsigned exactSize = 0;
  /// A keyword's default as written, empty if none.
  llvm::StringRef defaultText;
};

struct Schema {
  /// `aten.add.Tensor`.
  std::string opName;
  /// The whole row; the StringRefs above point into it.
  llvm::StringRef text;
  llvm::SmallVector<ArgumentSpec, 8> positional;
  llvm::SmallVector<ArgumentSpec, 2> keywords;
  unsigned numResults = 0;
  /// `-> Tensor[]`: any number of results.
  bool variadicResults = false;
};

/// Parses a row. `text` must outlive the result. Rows are part of this program, so that a
/// malformed one is a programming error and fatal.
Schema parseSchema(llvm::StringRef text);

} // namespace mlir::abn::aten

#endif // ABN_LIB_IMPORT_ATEN_SCHEMA_H
