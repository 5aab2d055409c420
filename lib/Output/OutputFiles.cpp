// Writes files under other names first and renames them when all are whole; see OutputFiles.h.
#include "abn/Output/OutputFiles.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <memory>
#include <optional>

using namespace abn;
using llvm::StringRef;
namespace fs = llvm::sys::fs;

/// Whether two paths name one file, be it there or not.
static bool isSameFile(StringRef a, StringRef b) {
  bool areEquivalent = false;
  if (a == "-" || b == "-")
    return a == b;
  if (!fs::equivalent(a, b, areEquivalent) && areEquivalent)
    return true;
  auto normalize = [](StringRef path) {
    llvm::SmallString<128> absolute(path);
    (void)fs::make_absolute(absolute);
    llvm::sys::path::remove_dots(absolute, /*remove_dot_dot=*/true);
    return absolute;
  };
  return normalize(a) == normalize(b);
}

namespace {
/// One of the files on its way.
class Writer {
public:
  explicit Writer(const OutputFile &file) : file(file) {}
  Writer(Writer &&) = default;
  ~Writer() {
    if (temporary)
      llvm::consumeError(temporary->discard());
  }

  /// All that can fail but the renaming.
  llvm::Error prepare() {
    if (file.path == "-")
      return llvm::Error::success();
    // A device or a pipe keeps its name, and so does a link to nothing yet.
    fs::file_status status;
    std::error_code missing = fs::status(file.path, status);
    bool isLink = fs::is_symlink_file(file.path);
    if (missing ? isLink : !fs::is_regular_file(status)) {
      std::error_code error;
      device = std::make_unique<llvm::raw_fd_ostream>(file.path, error);
      return llvm::errorCodeToError(error);
    }
    target = file.path;
    if (isLink)
      if (std::error_code error = fs::real_path(file.path, target))
        return llvm::errorCodeToError(error);
    llvm::Expected<fs::TempFile> created =
        fs::TempFile::create(target + ".%%%%%%%%.tmp", fs::all_read | fs::all_write);
    if (!created)
      return created.takeError();
    temporary.emplace(std::move(*created));
    llvm::raw_fd_ostream os(temporary->FD, /*shouldClose=*/false);
    return write(os);
  }

  llvm::Error finish() {
    if (!temporary)
      return write(device ? *device : llvm::outs());
    llvm::Error error = temporary->keep(target);
    temporary.reset();
    return error;
  }

  const OutputFile &file;

private:
  llvm::Error write(llvm::raw_fd_ostream &os) {
    os << file.text;
    os.flush();
    std::error_code error = os.error();
    os.clear_error();
    return llvm::errorCodeToError(error);
  }

  /// The file that a link names, or the path itself.
  llvm::SmallString<128> target;
  std::optional<fs::TempFile> temporary;
  std::unique_ptr<llvm::raw_fd_ostream> device;
};
} // namespace

llvm::Error abn::writeFiles(llvm::ArrayRef<OutputFile> files, StringRef what) {
  std::vector<Writer> writers;
  writers.reserve(files.size());
  for (const OutputFile &file : files) {
    if (file.path.empty())
      continue;
    for (const Writer &other : writers)
      if (isSameFile(other.file.path, file.path))
        return llvm::createStringError("expected two files, got `" + other.file.path + "` and `" +
                                       file.path + "`");
    writers.emplace_back(file);
  }
  for (llvm::Error (Writer::*act)() : {&Writer::prepare, &Writer::finish})
    for (Writer &writer : writers)
      if (llvm::Error error = (writer.*act)())
        return llvm::createStringError("cannot write " + what + " to `" + writer.file.path +
                                       "`: " + llvm::toString(std::move(error)));
  return llvm::Error::success();
}
