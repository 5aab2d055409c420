// numpy's archives of named arrays (.npz): a ZIP file with one NAME.npy for each. The container is
// libzip's; stored and deflated members are read.
#ifndef ABN_LIB_NPZ_NPZ_H
#define ABN_LIB_NPZ_NPZ_H

#include "Npz/Npy.h"
#include "llvm/ADT/ArrayRef.h"
#include <memory>
#include <utility>
#include <vector>

namespace abn::npz {

/// An archive that is open for reading. Arrays are read when they are asked for.
class Reader {
public:
  /// Refuses what cannot be read, is no archive, or is an inconsistent one. Messages name the file.
  static llvm::Expected<Reader> open(llvm::StringRef path);
  Reader(Reader &&);
  Reader &operator=(Reader &&);
  ~Reader();

  /// Whether there is an array of that name (without `.npy`).
  bool contains(llvm::StringRef name) const;
  /// The names of all arrays, in the archive's order.
  std::vector<std::string> names() const;
  /// The array, its bytes checked against the archive's checksum. Messages name file and array. No
  /// more memory is taken than the file has bytes for, whatever its headers say.
  llvm::Expected<Array> read(llvm::StringRef name) const;
  llvm::StringRef getPath() const { return path; }

private:
  struct Archive;
  Reader(std::string path, std::unique_ptr<Archive> archive);

  std::string path;
  std::unique_ptr<Archive> archive;
};

/// An archive of the arrays, uncompressed as np.savez writes it, without times: equal arrays give
/// equal bytes.
llvm::Expected<std::string> printNpz(llvm::ArrayRef<std::pair<std::string, Array>> arrays);

} // namespace abn::npz

#endif // ABN_LIB_NPZ_NPZ_H
